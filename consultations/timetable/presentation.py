"""The desk's timetable in the reader's language, prepared for pages, calendar files and JSON-LD."""

import datetime
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from django.conf import settings
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from consultations.timetable.models import ConsultationMode, DeskHours, DeskService
from consultations.timetable.openings import (
    LOOK_AHEAD,
    Opening,
    Timetable,
    is_closed_by_holiday,
    load_timetable,
    regular_days,
    serves_language,
)
from services.audit.trail import content_version
from services.base.normalisation import search_key
from services.languages.dates import format_day_of_month, format_weekday
from services.languages.furigana import strip_readings
from services.languages.names import NAMES
from services.languages.registry import SPOKEN, Language
from services.schedules.calendar_files import CalendarEntry
from services.schedules.holidays import holiday_name

WEEKS_SHOWN = 9  # this week and the next eight
JSON_LD_DAYS = 14


@dataclass(frozen=True, slots=True)
class TimetableOpening:
    """One opening: its times, and notes about anything unusual."""

    times: str
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class TimetableCell:
    """One language on one day: its openings, or in `off` the reason why the regular hours do not apply."""

    parts: list[TimetableOpening]
    off: str = ""


@dataclass(frozen=True, slots=True)
class TimetableDay:
    """One day of the week shown. `lines` pairs each language with its cell, for narrow screens."""

    day: datetime.date
    weekday: str
    date: str
    is_past: bool
    is_today: bool
    is_holiday: bool
    lines: list[tuple["TimetableRow", TimetableCell]] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class TimetableRow:
    """One language over the week. `name` is its name in the reader's language, empty if that is its own name.

    `notes` mention what the days do not show: weeks of the month, or unusual modes of contact.
    """

    language: Language
    name: str
    is_mine: bool
    notes: list[str]
    cells: list[TimetableCell]


@dataclass(frozen=True, slots=True)
class TimetableWeek:
    """Seven days of the timetable."""

    days: list[TimetableDay]
    rows: list[TimetableRow]
    title: str
    earlier: str = ""
    later: str = ""


@dataclass(frozen=True, slots=True)
class ProfessionalService:
    """A professional who comes on certain days. `service` is the code used in the link to their free times."""

    service: str
    name: str
    rule: str
    by_appointment: bool
    next: str


def first_of_week(day: datetime.date) -> datetime.date:
    """Return the first day of the city's week that contains `day`. `week_starts_on` counts from Sunday."""
    return day - datetime.timedelta(days=(day.isoweekday() - settings.CITY.week_starts_on) % 7)


def requested_week(typed: str, today: datetime.date, *, before: int = 0, after: int = WEEKS_SHOWN - 1) -> datetime.date:
    """Return the first day of the week that contains the typed day (YYYY-MM-DD).

    An invalid day, or one more than `before` weeks ago or `after` weeks ahead, gives the current week.
    """
    current = first_of_week(today)
    try:
        requested = first_of_week(datetime.date.fromisoformat(typed))
    except (ValueError, OverflowError):
        return current
    week = datetime.timedelta(weeks=1)
    return requested if current - before * week <= requested <= current + after * week else current


def format_times(begins: datetime.datetime | datetime.time, ends: datetime.datetime | datetime.time) -> str:
    """Format a range of times, both in the city's time zone."""
    # Translators: opening hours, from one time of day to another: "10:00–17:00". Words are better than a dash where
    # people write from right to left, and in Easy Japanese (から／まで).
    text = pgettext("times of day", "%(begins)s–%(ends)s")
    return text % {"begins": f"{begins:%H:%M}", "ends": f"{ends:%H:%M}"}


def format_service_date(day: datetime.date) -> str:
    """Format a day near today, without its year."""
    # Translators: a day near today: "Tuesday 24 November".
    text = pgettext("a day", "%(weekday)s %(date)s")
    return text % {"weekday": format_weekday(day), "date": format_day_of_month(day)}


def format_span(begins: datetime.datetime, ends: datetime.datetime) -> str:
    """Format a day near today with a range of times, both in the city's time zone."""
    # Translators: when the desk is open: "Tuesday 24 November, 10:00–17:00".
    text = pgettext("a day and its times", "%(day)s, %(times)s")
    return text % {"day": format_service_date(begins.date()), "times": format_times(begins, ends)}


def _format_opening(opening: Opening) -> str:
    return format_span(opening.starts_at, opening.ends_at)


# --- The page ------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class NextOpening:
    """When the desk next serves the reader's language. `words` is empty if there are no hours for it."""

    words: str = ""
    is_now: bool = False
    by_appointment: bool = False


def next_opening(timetable: Timetable, language: str, moment: datetime.datetime) -> NextOpening:
    """Describe the current or next opening for a reader. It changes by the minute, so do not cache the page."""
    opening = timetable.next_opening(language, moment)
    if opening is None:
        return NextOpening()
    is_now = opening.includes(moment) and not opening.by_appointment
    if is_now:
        words = _("Now, until %(time)s") % {"time": f"{opening.ends_at:%H:%M}"}
    elif opening.day == moment.date():
        # Translators: when the desk is open: "Today, 10:00–17:00".
        words = _("Today, %(times)s") % {"times": format_times(opening.starts_at, opening.ends_at)}
    else:
        words = _format_opening(opening)
    return NextOpening(words, is_now, opening.by_appointment)


def present_week(timetable: Timetable, start: datetime.date, language: str, today: datetime.date) -> TimetableWeek:
    """Prepare the week that begins on `start`, by language and day, for a reader of `language`."""
    days = [start + datetime.timedelta(days=number) for number in range(7)]
    by_language: dict[str, list[DeskHours]] = {}
    for hours in timetable.hours:
        if hours.service == DeskService.ADVICE and _apply_within(hours, days[0], days[-1]):
            by_language.setdefault(hours.language, []).append(hours)
    openings = timetable.within(days[0], days[-1])
    usual = _usual_modes(by_language)
    rows = [_row(SPOKEN[code], by_language[code], openings, days, language, usual) for code in by_language]
    order = list(settings.CITY.languages)
    rows.sort(key=lambda row: (not row.is_mine, order.index(row.language.code)))
    shown = [_day(day, number, rows, today) for number, day in enumerate(days)]
    ends = {"begins": format_day_of_month(days[0]), "ends": format_day_of_month(days[-1])}
    # Translators: a week, from its first to its last day: "November 22 – November 28".
    return TimetableWeek(shown, rows, pgettext("a week", "%(begins)s – %(ends)s") % ends)


def _usual_modes(by_language: dict[str, list[DeskHours]]) -> frozenset[str]:
    """Return the modes that most languages have. Only languages with other modes get a note."""
    counts = Counter(_all_modes(of_one) for of_one in by_language.values())
    return max(counts, key=lambda modes: (counts[modes], sorted(modes)), default=frozenset())


def _all_modes(hours: Iterable[DeskHours]) -> frozenset[str]:
    return frozenset(mode for it in hours for mode in it.modes)


def _apply_within(hours: DeskHours, start: datetime.date, end: datetime.date) -> bool:
    is_offered = hours.language in settings.CITY.languages
    last = hours.schedule.last_day
    return is_offered and hours.schedule.first_day <= end and (last is None or last >= start)


def _row(language: Language, all_hours, openings, days, reader: str, usual: frozenset[str]) -> TimetableRow:
    mine = [it for it in openings if it.service == DeskService.ADVICE and it.language == language.code]
    regular = {hours: regular_days(hours, days[0], days[-1]) for hours in all_hours}
    cells = [_cell([it for it in mine if it.day == day], regular, day) for day in days]
    rules = [(hours, hours.schedule.recurrence) for hours in all_hours]
    notes = [_format_rule(hours) for hours, rule in rules if rule.weeks or rule.interval > 1]
    modes = _all_modes(all_hours)
    if modes != usual:
        notes.append(join_modes(modes))
    name = str(NAMES[language.code])
    is_own_name = search_key(strip_readings(name)).replace(" ", "") == search_key(language.own_name).replace(" ", "")
    return TimetableRow(language, "" if is_own_name else name, serves_language(language.code, reader), notes, cells)


def _format_rule(hours: DeskHours) -> str:
    schedule = hours.schedule
    text = pgettext("a day and its times", "%(day)s, %(times)s")
    return text % {"day": schedule.recurrence.describe(), "times": format_times(schedule.begins, schedule.ends)}


def join_modes(modes: Iterable[str]) -> str:
    """List the modes of contact in the current language, in the order of `Mode`."""
    labels = [str(mode.label) for mode in ConsultationMode if mode in modes]
    # The labels begin with a capital, as they also stand alone; within the list only the first keeps it.
    labels[1:] = [label[:1].lower() + label[1:] for label in labels[1:]]
    return pgettext("between the names of a list", ", ").join(labels)


def _cell(openings: list[Opening], regular: dict[DeskHours, frozenset], day: datetime.date) -> TimetableCell:
    parts = [TimetableOpening(format_times(it.starts_at, it.ends_at), tuple(_notes(it))) for it in openings]
    expected = [hours for hours, its_days in regular.items() if day in its_days]
    if parts or not expected:
        return TimetableCell(parts)
    if all(is_closed_by_holiday(hours, day) for hours in expected):
        return TimetableCell(parts, pgettext("the desk on a day", "Public holiday"))
    return TimetableCell(parts, pgettext("the desk on a day", "Not available"))


def _notes(opening: Opening):
    if opening.is_changed:
        yield pgettext("opening hours of one day", "Different from usual")
    if opening.by_appointment:
        yield pgettext("opening hours", "By appointment")


def _day(day: datetime.date, number: int, rows: list[TimetableRow], today: datetime.date) -> TimetableDay:
    lines = [(row, row.cells[number]) for row in rows if row.cells[number].parts or row.cells[number].off]
    if holiday_name(day):
        # The day's own header already names the holiday.
        lines = [(row, cell) for row, cell in lines if cell.parts]
    return TimetableDay(
        day, format_weekday(day), format_day_of_month(day), day < today, day == today, bool(holiday_name(day)), lines
    )


def present_professionals(timetable: Timetable, moment: datetime.datetime) -> list[ProfessionalService]:
    """Prepare the visiting professionals: their regular days, and the next time that each one comes."""
    found = []
    for hours in timetable.hours:
        schedule = hours.schedule
        if hours.service == DeskService.ADVICE or (schedule.last_day and schedule.last_day < moment.date()):
            continue
        upcoming = next((it for it in timetable.openings if it.hours == hours.public_id and it.ends_at > moment), None)
        found.append(
            ProfessionalService(
                hours.service,
                hours.get_service_display(),
                _format_rule(hours),
                hours.by_appointment,
                _format_opening(upcoming) if upcoming else "",
            )
        )
    return found


def available_modes(timetable: Timetable, today: datetime.date) -> set[str]:
    """Return every mode of contact that the desk offers today or later."""
    current = [it for it in timetable.hours if it.schedule.last_day is None or it.schedule.last_day >= today]
    return {mode for hours in current for mode in hours.modes}


# --- The home page -------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class OpeningStrip:
    """The desk's opening times for the reader's language: today's, and the next day's."""

    today: str
    times: str
    next: str


def opening_strip(language: str) -> OpeningStrip | None:
    """Return today's hours and the next ones for a reader, or None if the desk has none in this language.

    The text must stay true until midnight, so it never says "now": the home page is cached for ten minutes. A copy
    made just before midnight still names its date, and nobody sets out for the desk at that hour.
    """
    moment = timezone.localtime()
    today = moment.date()
    timetable = load_timetable(today, today + LOOK_AHEAD)
    mine = [
        it for it in timetable.openings if it.service == DeskService.ADVICE and serves_language(it.language, language)
    ]
    now = [it for it in mine if it.day == today]
    later = next((it for it in mine if it.day > today), None)
    if not (now or later):
        return None
    times = pgettext("between the names of a list", ", ").join(format_times(it.starts_at, it.ends_at) for it in now)
    return OpeningStrip(format_service_date(today), times, _format_opening(later) if later else "")


# --- Calendars and machines ----------------------------------------------------------------------


def calendar_entries(timetable: Timetable, spoken: str, language: str) -> list[CalendarEntry]:
    """Return the advice openings in `spoken` and those of every professional, worded in `language`.

    Rules, exceptions, shifts and closed days all move openings, so SEQUENCE is the number of the last recorded change.
    """
    desk, url = str(_("Consultation desk")), settings.SITE_URL + reverse("consultations:index")
    place = settings.CITY.desk.address[language] if settings.CITY.desk else settings.CITY.centre(language)
    entries, sequence = [], content_version()
    for opening in timetable.openings:
        is_advice = opening.service == DeskService.ADVICE
        if is_advice and not serves_language(opening.language, spoken):
            continue
        about = NAMES[opening.language] if is_advice else DeskService(opening.service).label
        # Translators: an entry in a calendar: "Consultation desk: Nepali".
        title = pgettext("calendar entry", "%(desk)s: %(about)s") % {"desk": desk, "about": about}
        entries.append(
            CalendarEntry(
                uid=opening.uid,
                title=title,
                starts_at=opening.starts_at,
                ends_at=opening.ends_at,
                language=language,
                place=place,
                description="\n".join(_notes(opening)),
                url=url,
                sequence=sequence,
            )
        )
    return entries


def opening_hours_json_ld(timetable: Timetable, today: datetime.date, language: str) -> dict:
    """Describe the desk in schema.org's vocabulary (JSON-LD), with its actual hours for the next two weeks."""
    url = settings.SITE_URL + reverse("consultations:index")
    openings = timetable.within(today, today + datetime.timedelta(days=JSON_LD_DAYS - 1))
    advice = [it for it in openings if it.service == DeskService.ADVICE]
    office = {
        "@type": "GovernmentOffice",
        "@id": f"{url}#desk",
        "name": strip_readings(str(_("Consultation desk"))),
        "url": url,
        "isAccessibleForFree": True,
        "parentOrganization": {
            "@type": "GovernmentOrganization",
            "name": strip_readings(settings.CITY.centre(language)),
            "areaServed": strip_readings(settings.CITY.name(language)),
        },
        "openingHoursSpecification": _json_ld_hours(advice),
    }
    if settings.CITY.desk and not settings.CITY.desk.is_example:
        office["address"] = strip_readings(settings.CITY.desk.address[language])
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
        "description": strip_readings(str(_("Ask us anything about daily life, in your language. It is free."))),
        "provider": {"@id": office["@id"]},
        "availableChannel": channels,
    }
    return {"@context": "https://schema.org", "@graph": [office, service]}


def _json_ld_hours(openings: list[Opening]) -> list[dict]:
    """Return one entry for each span of a day in which any language is served."""
    spans: list[list[datetime.datetime]] = []
    for opening in openings:
        if spans and opening.starts_at <= spans[-1][1]:
            spans[-1][1] = max(spans[-1][1], opening.ends_at)
        else:
            spans.append([opening.starts_at, opening.ends_at])
    return [
        {
            "@type": "OpeningHoursSpecification",
            "validFrom": f"{begins:%Y-%m-%d}",
            "validThrough": f"{begins:%Y-%m-%d}",
            "opens": f"{begins:%H:%M}",
            "closes": f"{ends:%H:%M}",
        }
        for begins, ends in spans
    ]
