"""The desk's actual openings: regular hours, without holidays and exceptions, while a shift covers them."""

import datetime
from collections.abc import Iterable
from dataclasses import dataclass, field

from django.conf import settings
from django.utils import timezone

from consultations.timetable.models import DeskHours, DeskService, DeskShift
from services.accounts.roles import Role
from services.languages.negotiation import resolve_language
from services.schedules.holidays import holiday_name
from services.schedules.models import DAY, Occurrence, occurrences
from services.schedules.rules import occurrence_dates

LOOK_AHEAD = datetime.timedelta(days=35)

TimeSpan = tuple[datetime.datetime, datetime.datetime]  # start and end


@dataclass(frozen=True, slots=True, order=True)
class Opening:
    """A span of time in which the desk is open. Times are aware, in the city's time zone.

    `hours` is the public id of the `DeskHours` it comes from. `part` numbers the spans of one day.
    """

    starts_at: datetime.datetime
    ends_at: datetime.datetime
    service: str
    language: str
    modes: tuple[str, ...]
    by_appointment: bool
    is_changed: bool
    hours: str = ""
    part: int = 0

    @property
    def day(self) -> datetime.date:
        """The date in the city's time zone."""
        return self.starts_at.date()

    @property
    def uid(self) -> str:
        """A calendar UID that stays the same in every language, and when the opening moves within its day."""
        return f"{self.hours}-{self.day:%Y%m%d}-{self.part}@{settings.SITE_URL.partition('://')[2]}"

    def includes(self, moment: datetime.datetime) -> bool:
        """Return whether the desk is open at this moment."""
        return self.starts_at <= moment < self.ends_at


@dataclass(frozen=True, slots=True, order=True)
class StaffingGap:
    """A part of a language's hours that no shift covers. It is not shown to the public as open."""

    starts_at: datetime.datetime
    ends_at: datetime.datetime
    language: str


@dataclass(frozen=True, slots=True)
class Timetable:
    """The desk's hours, openings and staffing gaps from `start` to `end` inclusive, in order of time."""

    start: datetime.date
    end: datetime.date
    hours: list[DeskHours] = field(default_factory=list)
    openings: list[Opening] = field(default_factory=list)
    gaps: list[StaffingGap] = field(default_factory=list)

    def within(self, start: datetime.date, end: datetime.date) -> list[Opening]:
        """Return the openings from `start` to `end` inclusive."""
        return [opening for opening in self.openings if start <= opening.day <= end]

    def next_opening(self, language: str, moment: datetime.datetime) -> Opening | None:
        """Return the advice opening in this language that includes the moment, or the next one after it."""
        for opening in self.openings:
            if (
                opening.service == DeskService.ADVICE
                and serves_language(opening.language, language)
                and opening.ends_at > moment
            ):
                return opening
        return None


def load_timetable(start: datetime.date, end: datetime.date) -> Timetable:
    """Load the timetable from `start` to `end` inclusive. Three queries, or one if the desk has no hours."""
    hours = list(DeskHours.objects.select_related("schedule"))
    if not hours:
        return Timetable(start, end)
    shifts = list(_active_shifts())
    # A shift that began the evening before may cover the first morning.
    occurrences_of = occurrences([row.schedule for row in [*hours, *shifts]], start - DAY, end)
    shifts_by_language: dict[str, list[Occurrence]] = {}
    for shift in shifts:
        for language in shift.languages:
            shifts_by_language.setdefault(language, []).extend(occurrences_of[shift.schedule_id])
    found, gaps = [], []
    for row in hours:
        for time in occurrences_of[row.schedule_id]:
            if time.day < start:
                continue
            spans = [(time.starts_at, time.ends_at)]
            if row.service == DeskService.ADVICE:
                spans = _covered_spans(time, shifts_by_language.get(row.language, ()))
                gaps += [StaffingGap(begins, ends, row.language) for begins, ends in _uncovered_spans(time, spans)]
            found += [_opening(row, time, span, part) for part, span in enumerate(spans)]
    return Timetable(start, end, hours, sorted(found), sorted(gaps))


def _active_shifts():
    """Return the shifts of active advisers only; a revoked role or a closed account ends its shifts."""
    at_work = DeskShift.objects.filter(adviser__is_active=True, adviser__grants__role=Role.ADVISER)
    return at_work.select_related("schedule")


def _opening(hours: DeskHours, time: Occurrence, span: TimeSpan, part: int) -> Opening:
    return Opening(
        *span,
        hours.service,
        hours.language,
        tuple(hours.modes),
        hours.by_appointment,
        time.is_changed,
        hours.public_id,
        part,
    )


def _covered_spans(time: Occurrence, shifts: Iterable[Occurrence]) -> list[TimeSpan]:
    """Return the parts of `time` that at least one shift covers, merged where they touch or overlap."""
    parts = sorted(
        (max(time.starts_at, shift.starts_at), min(time.ends_at, shift.ends_at))
        for shift in shifts
        if shift.overlaps(time)
    )
    joined: list[TimeSpan] = []
    for begin, end in parts:
        if joined and begin <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(joined[-1][1], end))
        else:
            joined.append((begin, end))
    return joined


def _uncovered_spans(time: Occurrence, spans: list[TimeSpan]) -> list[TimeSpan]:
    """Return the parts of `time` outside the spans. The spans are sorted and lie within `time`."""
    edges = [time.starts_at, *(edge for span in spans for edge in span), time.ends_at]
    return [(begin, end) for begin, end in zip(edges[::2], edges[1::2], strict=True) if begin < end]


def openings(start: datetime.date, end: datetime.date) -> list[Opening]:
    """Return every opening from `start` to `end` inclusive, in order of time."""
    return load_timetable(start, end).openings


def shifts_of(adviser, day: datetime.date) -> list[Occurrence]:
    """Return an adviser's shifts on one day, in order of time. Two queries."""
    shifts = list(_active_shifts().filter(adviser=adviser))
    found = occurrences([shift.schedule for shift in shifts], day, day)
    return sorted(occurrence for times in found.values() for occurrence in times)


def next_opening(language: str, *, after: datetime.datetime | None = None) -> Opening | None:
    """Return the current or next advice opening in a language, at most five weeks ahead."""
    moment = timezone.localtime(after)
    today = moment.date()
    return load_timetable(today, today + LOOK_AHEAD).next_opening(language, moment)


def serves_language(spoken: str, reader: str) -> bool:
    """Return whether an adviser who speaks one language can serve a reader of the other.

    Japanese and Easy Japanese serve each other: advisers use easy words with anyone who needs them.
    """
    wanted = resolve_language(reader) or reader
    return spoken.removesuffix("-simple") == wanted.removesuffix("-simple")


def regular_days(hours: DeskHours, start: datetime.date, end: datetime.date) -> frozenset[datetime.date]:
    """Return the days of the recurrence rule from `start` to `end`, ignoring holidays and exceptions."""
    schedule = hours.schedule
    first, last = max(start, schedule.first_day), min(end, schedule.last_day or end)
    return frozenset(occurrence_dates(schedule.rule, schedule.first_day, first, last))


def is_closed_by_holiday(hours: DeskHours, day: datetime.date) -> bool:
    """Return whether a public holiday cancels the regular hours on this day."""
    return not hours.schedule.on_holidays and bool(holiday_name(day))
