"""The desk's timetable in words of the reader's language, as pages, calendars and machines take it."""

import datetime
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from django.conf import settings
from django.urls import reverse
from django.utils import timezone, translation
from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from consultations.models import DeskHours, Mode, Service
from consultations.timetable import (
    LOOK_AHEAD,
    Opening,
    Timetable,
    is_closed_by_holiday,
    read_timetable,
    regular_days,
    speaks,
)
from services.base.hygiene import search_key
from services.languages.choice import staff_language
from services.languages.days import written_day_of_month, written_weekday
from services.languages.names import NAMES
from services.languages.ruby import as_plain
from services.languages.table import SPOKEN, Language
from services.schedules.calendar_files import Entry
from services.schedules.holidays import holiday_name

WEEKS_SHOWN = 9  # this one and eight more
DAYS_TOLD_TO_MACHINES = 14


@dataclass(frozen=True, slots=True)
class Part:
    """One opening: its times, and what is unusual about it."""

    times: str
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Cell:
    """One language on one day: its openings, or why there is none where the rule would have one."""

    parts: list[Part]
    off: str = ""


@dataclass(frozen=True, slots=True)
class Day:
    """One day of the week that is shown. `lines` are its languages with their cells, for a narrow screen."""

    day: datetime.date
    weekday: str
    date: str
    is_past: bool
    is_today: bool
    is_holiday: bool
    lines: list[tuple["Row", Cell]] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Row:
    """One language over the week. `name` is what the reader calls it, empty where that is its own name.

    `notes` say what the days alone do not: a rule of some weeks only, unusual ways to speak with the desk.
    """

    language: Language
    name: str
    is_mine: bool
    notes: list[str]
    cells: list[Cell]


@dataclass(frozen=True, slots=True)
class Week:
    """Seven days of the timetable."""

    days: list[Day]
    rows: list[Row]
    title: str
    earlier: str = ""
    later: str = ""


@dataclass(frozen=True, slots=True)
class Profession:
    """Somebody who comes on certain days. `service` leads to their times by appointment."""

    service: str
    name: str
    rule: str
    by_appointment: bool
    next: str


def for_staff():
    """A context in which words are those of the staff's pages: Japanese or English."""
    return translation.override(staff_language(translation.get_language()))


def first_of_week(day: datetime.date) -> datetime.date:
    """The day on which the city's week begins that holds a day. `week_starts_on` counts from Sunday."""
    return day - datetime.timedelta(days=(day.isoweekday() - settings.CITY.week_starts_on) % 7)


def asked_week(typed: str, today: datetime.date, *, before: int = 0, after: int = WEEKS_SHOWN - 1) -> datetime.date:
    """The first day of the week that holds the typed day (YYYY-MM-DD); this week's for anything else.

    before, after: how many weeks around this one may be asked for.
    """
    this = first_of_week(today)
    try:
        asked = first_of_week(datetime.date.fromisoformat(typed))
    except (ValueError, OverflowError):
        return this
    week = datetime.timedelta(weeks=1)
    return asked if this - before * week <= asked <= this + after * week else this


def written_times(begins: datetime.datetime | datetime.time, ends: datetime.datetime | datetime.time) -> str:
    """From one time of day to another, both in the city's zone."""
    # Translators: opening hours, from one time of day to another: "10:00–17:00". Words are better than a dash where
    # people write from right to left, and in Easy Japanese (から／まで).
    told = pgettext("times of day", "%(begins)s–%(ends)s")
    return told % {"begins": f"{begins:%H:%M}", "ends": f"{ends:%H:%M}"}


def written_date(day: datetime.date) -> str:
    """A day near today, without its year."""
    # Translators: a day near today: "Tuesday, November 24".
    told = pgettext("a day", "%(weekday)s, %(date)s")
    return told % {"weekday": written_weekday(day), "date": written_day_of_month(day)}


def written_stretch(begins: datetime.datetime, ends: datetime.datetime) -> str:
    """A day near today with its times, both in the city's zone."""
    # Translators: when the desk is open: "Tuesday, November 24, 10:00–17:00".
    told = pgettext("a day and its times", "%(day)s, %(times)s")
    return told % {"day": written_date(begins.date()), "times": written_times(begins, ends)}


def _on(opening: Opening) -> str:
    return written_stretch(opening.starts_at, opening.ends_at)


# --- The page ------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Next:
    """When the desk next speaks the reader's language. Without words: it has no hours for it."""

    words: str = ""
    is_now: bool = False
    by_appointment: bool = False


def next_in_words(timetable: Timetable, language: str, moment: datetime.datetime) -> Next:
    """When a reader is served, as of a moment; a page that says it must not be kept."""
    opening = timetable.next_opening(language, moment)
    if opening is None:
        return Next()
    is_now = opening.holds(moment) and not opening.by_appointment
    if is_now:
        words = _("Now, until %(time)s") % {"time": f"{opening.ends_at:%H:%M}"}
    elif opening.day == moment.date():
        # Translators: when the desk is open: "Today, 10:00–17:00".
        words = _("Today, %(times)s") % {"times": written_times(opening.starts_at, opening.ends_at)}
    else:
        words = _on(opening)
    return Next(words, is_now, opening.by_appointment)


def week_in_words(timetable: Timetable, start: datetime.date, language: str, today: datetime.date) -> Week:
    """The week that begins on `start`, by language and by day, for a reader of a language."""
    days = [start + datetime.timedelta(days=number) for number in range(7)]
    by_language: dict[str, list[DeskHours]] = {}
    for hours in timetable.hours:
        if hours.service == Service.ADVICE and _is_valid(hours, days[0], days[-1]):
            by_language.setdefault(hours.language, []).append(hours)
    openings = timetable.within(days[0], days[-1])
    usual = _usual_ways(by_language)
    rows = [_row(SPOKEN[code], by_language[code], openings, days, language, usual) for code in by_language]
    order = list(settings.CITY.languages)
    rows.sort(key=lambda row: (not row.is_mine, order.index(row.language.code)))
    shown = [_day(day, number, rows, today) for number, day in enumerate(days)]
    ends = {"begins": written_day_of_month(days[0]), "ends": written_day_of_month(days[-1])}
    # Translators: a week, from its first to its last day: "November 22 – November 28".
    return Week(shown, rows, pgettext("a week", "%(begins)s – %(ends)s") % ends)


def _usual_ways(by_language: dict[str, list[DeskHours]]) -> frozenset[str]:
    """The ways to speak with the desk that most languages have: only others are worth a note."""
    counts = Counter(_all_ways(of_one) for of_one in by_language.values())
    return max(counts, key=lambda ways: (counts[ways], sorted(ways)), default=frozenset())


def _all_ways(hours: Iterable[DeskHours]) -> frozenset[str]:
    return frozenset(mode for it in hours for mode in it.modes)


def _is_valid(hours: DeskHours, start: datetime.date, end: datetime.date) -> bool:
    is_offered = hours.language in settings.CITY.languages
    last = hours.schedule.last_day
    return is_offered and hours.schedule.first_day <= end and (last is None or last >= start)


def _row(language: Language, all_hours, openings, days, reader: str, usual: frozenset[str]) -> Row:
    mine = [it for it in openings if it.service == Service.ADVICE and it.language == language.code]
    regular = {hours: regular_days(hours, days[0], days[-1]) for hours in all_hours}
    cells = [_cell([it for it in mine if it.day == day], regular, day) for day in days]
    notes = [_on_days(hours) for hours in all_hours if hours.schedule.days.weeks]
    ways = _all_ways(all_hours)
    if ways != usual:
        notes.append(ways_joined(ways))
    name = str(NAMES[language.code])
    is_own_name = search_key(as_plain(name)).replace(" ", "") == search_key(language.own_name).replace(" ", "")
    return Row(language, "" if is_own_name else name, speaks(language.code, reader), notes, cells)


def _on_days(hours: DeskHours) -> str:
    schedule = hours.schedule
    told = pgettext("a day and its times", "%(day)s, %(times)s")
    return told % {"day": schedule.days.in_words(), "times": written_times(schedule.begins, schedule.ends)}


def ways_joined(modes: Iterable[str]) -> str:
    """The ways to speak with the desk, in a row."""
    labels = [str(mode.label) for mode in Mode if mode in modes]
    return pgettext("between the names of a list", ", ").join(labels)


def _cell(openings: list[Opening], regular: dict[DeskHours, frozenset], day: datetime.date) -> Cell:
    parts = [Part(written_times(it.starts_at, it.ends_at), tuple(_notes(it))) for it in openings]
    expected = [hours for hours, its_days in regular.items() if day in its_days]
    if parts or not expected:
        return Cell(parts)
    if all(is_closed_by_holiday(hours, day) for hours in expected):
        return Cell(parts, pgettext("the desk on a day", "Public holiday"))
    return Cell(parts, pgettext("the desk on a day", "Not on this day"))


def _notes(opening: Opening):
    if opening.is_changed:
        yield pgettext("opening hours of one day", "Other than usual")
    if opening.by_appointment:
        yield pgettext("opening hours", "By appointment")


def _day(day: datetime.date, number: int, rows: list[Row], today: datetime.date) -> Day:
    lines = [(row, row.cells[number]) for row in rows if row.cells[number].parts or row.cells[number].off]
    if holiday_name(day):
        # The day's own head says it once.
        lines = [(row, cell) for row, cell in lines if cell.parts]
    return Day(
        day, written_weekday(day), written_day_of_month(day), day < today, day == today, bool(holiday_name(day)), lines
    )


def professions_in_words(timetable: Timetable, moment: datetime.datetime) -> list[Profession]:
    """Who else comes, by which rule, and when next."""
    found = []
    for hours in timetable.hours:
        schedule = hours.schedule
        if hours.service == Service.ADVICE or (schedule.last_day and schedule.last_day < moment.date()):
            continue
        coming = next((it for it in timetable.openings if it.hours == hours.public_id and it.ends_at > moment), None)
        found.append(
            Profession(
                hours.service,
                hours.get_service_display(),
                _on_days(hours),
                hours.by_appointment,
                _on(coming) if coming else "",
            )
        )
    return found


def ways_in_words(timetable: Timetable, today: datetime.date) -> set[str]:
    """The modes in which the desk can be spoken with now or later."""
    current = [it for it in timetable.hours if it.schedule.last_day is None or it.schedule.last_day >= today]
    return {mode for hours in current for mode in hours.modes}


# --- The home page -------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Strip:
    """When the desk speaks the reader's language: today's times, and the next day's."""

    today: str
    times: str
    next: str


def strip_in_words(language: str) -> Strip | None:
    """Today's hours and the next ones for a reader; None where the desk has none for the language.

    It says nothing that changes before midnight ("now" would): copies of the home page live for ten minutes. Of those
    made just before midnight the date tells which day is meant, at an hour at which nobody would set out.
    """
    moment = timezone.localtime()
    today = moment.date()
    timetable = read_timetable(today, today + LOOK_AHEAD)
    mine = [it for it in timetable.openings if it.service == Service.ADVICE and speaks(it.language, language)]
    now = [it for it in mine if it.day == today]
    later = next((it for it in mine if it.day > today), None)
    if not (now or later):
        return None
    times = pgettext("between the names of a list", ", ").join(written_times(it.starts_at, it.ends_at) for it in now)
    return Strip(written_date(today), times, _on(later) if later else "")


# --- Calendars and machines ----------------------------------------------------------------------


def calendar_entries(timetable: Timetable, spoken: str, language: str) -> list[Entry]:
    """What concerns who speaks a language, in words of the reader's `language`: advice in it, and every profession."""
    desk, url = str(_("Consultation desk")), settings.SITE_URL + reverse("consultations:index")
    place = settings.CITY.desk.address[language] if settings.CITY.desk else settings.CITY.centre(language)
    entries = []
    for opening in timetable.openings:
        is_advice = opening.service == Service.ADVICE
        if is_advice and not speaks(opening.language, spoken):
            continue
        about = NAMES[opening.language] if is_advice else Service(opening.service).label
        # Translators: an entry in a calendar: "Consultation desk: Nepali".
        title = pgettext("calendar entry", "%(desk)s: %(about)s") % {"desk": desk, "about": about}
        entries.append(
            Entry(
                uid=opening.uid,
                title=title,
                starts_at=opening.starts_at,
                ends_at=opening.ends_at,
                language=language,
                place=place,
                description="\n".join(_notes(opening)),
                url=url,
                sequence=int(opening.is_changed),
            )
        )
    return entries


def for_machines(timetable: Timetable, today: datetime.date, language: str) -> dict:
    """The desk as schema.org describes it (JSON-LD): the real hours of the next two weeks, day by day."""
    url = settings.SITE_URL + reverse("consultations:index")
    openings = timetable.within(today, today + datetime.timedelta(days=DAYS_TOLD_TO_MACHINES - 1))
    advice = [it for it in openings if it.service == Service.ADVICE]
    office = {
        "@type": "GovernmentOffice",
        "@id": f"{url}#desk",
        "name": as_plain(str(_("Consultation desk"))),
        "url": url,
        "isAccessibleForFree": True,
        "parentOrganization": {
            "@type": "GovernmentOrganization",
            "name": as_plain(settings.CITY.centre(language)),
            "areaServed": as_plain(settings.CITY.name(language)),
        },
        "openingHoursSpecification": _hours_for_machines(advice),
    }
    if settings.CITY.desk and not settings.CITY.desk.is_example:
        office["address"] = as_plain(settings.CITY.desk.address[language])
        office["telephone"] = settings.CITY.desk.phone
    spoken = sorted({it.language for it in advice})
    channels = [
        {
            "@type": "ServiceChannel",
            "serviceUrl": url,
            "availableLanguage": code,
            "serviceLocation": {"@id": office["@id"]},
        }
        for code in spoken
    ]
    service = {
        "@type": "GovernmentService",
        "name": office["name"],
        "description": as_plain(str(_("Ask us anything about daily life, in your language. It is free."))),
        "provider": {"@id": office["@id"]},
        "availableChannel": channels,
    }
    return {"@context": "https://schema.org", "@graph": [office, service]}


def _hours_for_machines(openings: list[Opening]) -> list[dict]:
    """One entry for each stretch of a day in which any language is spoken."""
    stretches: list[list[datetime.datetime]] = []
    for opening in openings:
        if stretches and opening.starts_at <= stretches[-1][1]:
            stretches[-1][1] = max(stretches[-1][1], opening.ends_at)
        else:
            stretches.append([opening.starts_at, opening.ends_at])
    return [
        {
            "@type": "OpeningHoursSpecification",
            "validFrom": f"{begins:%Y-%m-%d}",
            "validThrough": f"{begins:%Y-%m-%d}",
            "opens": f"{begins:%H:%M}",
            "closes": f"{ends:%H:%M}",
        }
        for begins, ends in stretches
    ]
