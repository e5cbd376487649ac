"""Calendar files (iCalendar, RFC 5545) in the reader's language: one UID for all languages of a thing that happens."""

import datetime
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from django.conf import settings
from icalendar import Calendar, Event, vText

from services.languages.ruby import as_plain

PRODUCT = "-//Tabunka//Calendar//EN"


@dataclass(frozen=True, slots=True)
class Entry:
    """Something that happens, in words of one language; the name of the place may be in another (`place_language`).

    Times are aware; `sequence` grows with each change.
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


def calendar_file(entries: list[Entry], *, stamp: datetime.datetime) -> bytes:
    """A calendar with these entries, in the city's time. stamp: when it was made (DTSTAMP)."""
    calendar = Calendar()
    calendar.add("prodid", PRODUCT)
    calendar.add("version", "2.0")
    calendar.add("method", "PUBLISH")
    for entry in entries:
        calendar.add_component(_event(entry, stamp))
    calendar.add_missing_timezones()
    return calendar.to_ical()


def _event(entry: Entry, stamp: datetime.datetime) -> Event:
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
    for name, words, language in texts:
        if words:
            event.add(name, vText(as_plain(words)), parameters={"language": language})
    if entry.url:
        event.add("url", entry.url)
    return event
