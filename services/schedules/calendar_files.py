"""Calendar files (iCalendar, RFC 5545) in the reader's language; an event has the same UID in all languages."""

import datetime
from dataclasses import dataclass
from email.utils import parseaddr
from functools import lru_cache
from zoneinfo import ZoneInfo

from dateutil.rrule import YEARLY, rrule, weekday
from django.conf import settings
from icalendar import Calendar, Event, Timezone, TimezoneDaylight, TimezoneStandard, vCalAddress, vRecur, vText

from services.base.machine_text import isolate_in_right_to_left
from services.languages.furigana import strip_readings

PRODUCT = "-//Tabunka//Calendar//EN"
PUBLISH, CANCEL = "PUBLISH", "CANCEL"
_DAY = datetime.timedelta(days=1)
_WEEKDAYS = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")
_YEARS_COMPARED = 12  # among so many years, a "last Sunday" is the fourth in some and the fifth in others


@dataclass(frozen=True, slots=True)
class CalendarEntry:
    """An event in one language; the place's name may be in another (`place_language`).

    uid: names the event itself, whatever its state, its language and the notice that tells of it. starts_at, ends_at:
    aware times; for whole days, dates, of which ends_at is the last. sequence: grows with each change. is_cancelled:
    the event will not take place.

    A series is one entry with a `rule` (RRULE) and the starts that it leaves out (`excluded`). A moved or cancelled
    session is a further entry with the series' uid and the start that the rule gave it (`original_start`).
    """

    uid: str
    title: str
    starts_at: datetime.datetime | datetime.date
    ends_at: datetime.datetime | datetime.date
    language: str
    place: str = ""
    place_language: str = ""
    description: str = ""
    url: str = ""
    sequence: int = 0
    is_cancelled: bool = False
    rule: str = ""
    excluded: tuple[datetime.datetime, ...] = ()
    original_start: datetime.datetime | None = None

    @property
    def is_all_day(self) -> bool:
        """Whether the event has days but no hours."""
        return not isinstance(self.starts_at, datetime.datetime)

    @property
    def method(self) -> str:
        """What a message with this entry asks of the reader's calendar (RFC 5546): to show it, or to take it out."""
        return CANCEL if self.is_cancelled else PUBLISH


class _Text(vText):
    r"""Text in which "\N" stays as it is, where icalendar would write a line break."""

    def to_ical(self) -> bytes:
        """Return the text, escaped."""
        return rb"\\N".join(vText(part).to_ical() for part in self.split(r"\N"))


def render_calendar(entries: list[CalendarEntry], *, stamp: datetime.datetime, method: str = PUBLISH) -> bytes:
    """Return an iCalendar file of the entries, in the city's time zone.

    stamp: when it was made (DTSTAMP). method: PUBLISH for a file that is fetched; for one that is sent to a person, the
    entry's own.
    """
    calendar = Calendar()
    calendar.add("prodid", PRODUCT)
    calendar.add("version", "2.0")
    calendar.add("method", method)
    if not all(entry.is_all_day for entry in entries):
        calendar.add_component(_timezone(settings.TIME_ZONE, stamp.year))
    for entry in entries:
        calendar.add_component(_event(entry, stamp))
    return calendar.to_ical()


def _event(entry: CalendarEntry, stamp: datetime.datetime) -> Event:
    event = Event()
    event.add("uid", entry.uid)
    event.add("dtstamp", stamp)
    _add_times(event, entry)
    event.add("sequence", entry.sequence)
    event.add("status", "CANCELLED" if entry.is_cancelled else "CONFIRMED")
    # Calendars take an event out only for the organizer who put it in, so it is named from the beginning.
    event.add("organizer", vCalAddress(f"mailto:{parseaddr(settings.DEFAULT_FROM_EMAIL)[1]}"))
    texts = (
        ("summary", entry.title, entry.language),
        ("location", entry.place, entry.place_language or entry.language),
        ("description", entry.description, entry.language),
    )
    for name, text, language in texts:
        if text:
            words = isolate_in_right_to_left(strip_readings(text))
            event.add(name, _Text(words), parameters={"language": language})
    if entry.url:
        event.add("url", entry.url)
    return event


def _add_times(event: Event, entry: CalendarEntry) -> None:
    event.add("dtstart", _local(entry.starts_at))
    event.add("dtend", entry.ends_at + _DAY if entry.is_all_day else _local(entry.ends_at))  # DTEND is exclusive
    if entry.rule:
        event.add("rrule", vRecur.from_ical(entry.rule))
    for start in entry.excluded:
        event.add("exdate", _local(start))
    if entry.original_start:
        event.add("recurrence-id", _local(entry.original_start))


def _local(at: datetime.datetime | datetime.date) -> datetime.datetime | datetime.date:
    """Return a time on the city's clock; in UTC if the clock shows it for the second time, which a file cannot say."""
    if not isinstance(at, datetime.datetime):
        return at
    local = at.astimezone(ZoneInfo(settings.TIME_ZONE))
    return local.astimezone(datetime.UTC) if local.fold else local


# --- Time zones -----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _ClockChange:
    """One change of the clocks: when it comes (by the clock until then), and the zone after it."""

    local: datetime.datetime
    before: datetime.timedelta
    after: datetime.datetime

    @property
    def week(self) -> int:
        """Which one of its weekdays in the month it falls on, from 1."""
        return (self.local.day - 1) // 7 + 1


@lru_cache(maxsize=8)
def _timezone(name: str, year: int) -> Timezone:
    """Return a zone with the yearly rules that hold from `year` on.

    icalendar would list the dates of all changes until 2037, which Outlook ignores.
    """
    zone = ZoneInfo(name)
    years = [_clock_changes(zone, it) for it in range(year, year + _YEARS_COMPARED)]
    if any(len(changes) != len(years[0]) for changes in years):
        return Timezone.from_tzinfo(zone)  # no yearly rule: the clocks follow another calendar, or a new law
    component = Timezone()
    component.add("tzid", name)
    for changes in zip(*years, strict=True):
        component.add_component(_observance(changes))
    if not years[0]:
        now = datetime.datetime(year, 1, 1, tzinfo=zone)
        component.add_component(_part(now, now.utcoffset(), datetime.datetime(1970, 1, 1)))  # noqa: DTZ001  by the clock
    return component


def _observance(changes: tuple[_ClockChange, ...]) -> Timezone:
    """Return summer or winter time, from the same change in many years."""
    first, weeks = changes[0], {change.week for change in changes}
    nth = weeks.pop() if len(weeks) == 1 else -1
    day, month = first.local.weekday(), first.local.month
    midnight = rrule(YEARLY, datetime.datetime(1970, 1, 1), count=1, bymonth=month, byweekday=weekday(day, nth))[0]  # noqa: DTZ001  by the clock
    part = _part(first.after, first.before, datetime.datetime.combine(midnight, first.local.time()))
    part.add("rrule", {"freq": "yearly", "byday": f"{nth}{_WEEKDAYS[day]}", "bymonth": month})
    return part


def _part(after: datetime.datetime, before: datetime.timedelta, start: datetime.datetime):
    part = TimezoneDaylight() if after.dst() else TimezoneStandard()
    part.add("dtstart", start)
    part.add("tzoffsetfrom", before)
    part.add("tzoffsetto", after.utcoffset())
    part.add("tzname", after.tzname())
    return part


def _clock_changes(zone: ZoneInfo, year: int) -> list[_ClockChange]:
    """Return the changes of a year, found to the quarter of an hour."""
    found, day = [], datetime.datetime(year, 1, 1, tzinfo=datetime.UTC)
    while day.year == year:
        if _offset(day, zone) != _offset(day + _DAY, zone):
            found.append(_clock_change(zone, day))
        day += _DAY
    return found


def _clock_change(zone: ZoneInfo, day: datetime.datetime) -> _ClockChange:
    before, quarter = _offset(day, zone), datetime.timedelta(minutes=15)
    at = next(day + quarter * n for n in range(1, 97) if _offset(day + quarter * n, zone) != before)
    return _ClockChange((at + before).replace(tzinfo=None), before, at.astimezone(zone))


def _offset(at: datetime.datetime, zone: ZoneInfo) -> datetime.timedelta:
    return at.astimezone(zone).utcoffset()
