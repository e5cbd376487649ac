"""Calendar files (iCalendar, RFC 5545) in the reader's language; an event has the same UID in all languages."""

import datetime
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from django.conf import settings
from icalendar import Calendar, Event, vText

from services.base.machine_text import isolate_in_right_to_left
from services.languages.furigana import strip_readings

PRODUCT = "-//Tabunka//Calendar//EN"


@dataclass(frozen=True, slots=True)
class CalendarEntry:
    """An event in one language; the place's name may be in another (`place_language`).

    Times are aware. `sequence` grows with each change.
    """

    uid: str
    title: str
    starts_at: datetime.datetime
    ends_at: datetime.datetime
    language: str
    place: str = ""
    place_language: str = ""
    description: str = ""
    url: str = ""
    sequence: int = 0
    is_cancelled: bool = False


def render_calendar(entries: list[CalendarEntry], *, stamp: datetime.datetime) -> bytes:
    """Return an iCalendar file of the entries, in the city's time zone. stamp: when it was made (DTSTAMP)."""
    calendar = Calendar()
    calendar.add("prodid", PRODUCT)
    calendar.add("version", "2.0")
    calendar.add("method", "PUBLISH")
    for entry in entries:
        calendar.add_component(_event(entry, stamp))
    calendar.add_missing_timezones()
    return calendar.to_ical()


def _event(entry: CalendarEntry, stamp: datetime.datetime) -> Event:
    zone = ZoneInfo(settings.TIME_ZONE)
    event = Event()
    event.add("uid", entry.uid)
    event.add("dtstamp", stamp)
    event.add("dtstart", entry.starts_at.astimezone(zone))
    event.add("dtend", entry.ends_at.astimezone(zone))
    event.add("sequence", entry.sequence)
    event.add("status", "CANCELLED" if entry.is_cancelled else "CONFIRMED")
    texts = (
        ("summary", entry.title, entry.language),
        ("location", entry.place, entry.place_language or entry.language),
        ("description", entry.description, entry.language),
    )
    for name, text, language in texts:
        if text:
            event.add(name, vText(isolate_in_right_to_left(strip_readings(text))), parameters={"language": language})
    if entry.url:
        event.add("url", entry.url)
    return event
