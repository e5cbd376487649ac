"""Schedules of recurring events, their exceptions, and the days on which the office is closed."""

import datetime
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import islice
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db import models
from django.db.models import F, Q, Value

from services.base.retention import NO_PERSONAL_DATA
from services.schedules.holidays import is_closed_every_year
from services.schedules.rules import RecurrenceRule, occurrence_dates, parse_rule

DAY = datetime.timedelta(days=1)
MIDNIGHT = datetime.time()

# Equal times are no length at all, except from midnight to midnight: a whole day.
_HAS_A_LENGTH = ~Q(begins=F("ends")) | Q(begins=MIDNIGHT)


class Schedule(models.Model):
    """A recurring event: an RFC 5545 rule with a first and perhaps a last day, and times on the city's clock.

    An end that is not after the beginning is on the next day; 00:00 is midnight at the end of the day.
    `session_count` ends the schedule after so many sessions. Days on which it does not happen anyway are not counted.
    It does not happen on public holidays unless `on_holidays` is set, nor on the city's yearly closed days or a
    `ClosedDay`. A `ScheduleException` changes a single day.
    """

    RETENTION = NO_PERSONAL_DATA

    rule = models.CharField(max_length=200)
    first_day = models.DateField()
    last_day = models.DateField(null=True, blank=True)
    session_count = models.PositiveSmallIntegerField(null=True, blank=True)
    begins = models.TimeField()
    ends = models.TimeField()
    on_holidays = models.BooleanField(default=False)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=_HAS_A_LENGTH, name="schedules_has_a_length"),
            models.CheckConstraint(
                condition=Q(last_day__isnull=True) | Q(last_day__gte=F("first_day")),
                name="schedules_first_before_last",
            ),
            models.CheckConstraint(
                condition=Q(session_count__isnull=True) | Q(session_count__gte=1), name="schedules_at_least_one_session"
            ),
        ]

    def __str__(self):
        return f"{self.rule} {self.begins:%H:%M}–{self.ends:%H:%M}"

    @property
    def recurrence(self) -> RecurrenceRule:
        """The parsed rule."""
        return parse_rule(self.rule)


class ScheduleException(models.Model):
    """An exception: a cancelled day (no times), other times, another day (`moved_to`), or an extra day.

    `day` is a day of the rule that is cancelled, changed or moved, or else an extra day, which may be before the first
    or after the last one. `is_extra`: an occurrence in addition to the rule's own on the same day. An occurrence that
    is moved without times keeps the schedule's.
    """

    RETENTION = NO_PERSONAL_DATA

    schedule = models.ForeignKey(Schedule, on_delete=models.CASCADE, related_name="changes")
    day = models.DateField()
    moved_to = models.DateField(null=True, blank=True)
    begins = models.TimeField(null=True, blank=True)
    ends = models.TimeField(null=True, blank=True)
    is_extra = models.BooleanField(default=False, db_default=False)

    class Meta:
        ordering = ["day", "begins"]
        indexes = [
            models.Index(fields=["schedule", "day"], name="schedules_by_day"),
            models.Index(fields=["schedule", "moved_to"], name="schedules_by_new_day"),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["schedule", "day"], condition=Q(is_extra=False), name="schedules_one_change_a_day"
            ),
            models.UniqueConstraint(
                fields=["schedule", "day", "begins"], condition=Q(is_extra=True), name="schedules_one_extra_at_a_time"
            ),
            models.CheckConstraint(
                condition=Q(begins__isnull=True, ends__isnull=True)
                | (Q(begins__isnull=False, ends__isnull=False) & _HAS_A_LENGTH),
                name="schedules_change_has_a_length",
            ),
            models.CheckConstraint(
                condition=Q(is_extra=False) | Q(begins__isnull=False, moved_to__isnull=True),
                name="schedules_extra_has_times",
            ),
        ]

    def __str__(self):
        return f"{self.day} {self.begins or '–'}"

    @property
    def is_cancellation(self) -> bool:
        """Whether the event does not happen, neither that day nor on another."""
        return self.begins is None and self.moved_to is None

    @property
    def takes_place_on(self) -> datetime.date:
        """The day on which the changed event happens. Only for exceptions that are not cancellations."""
        return self.moved_to or self.day


class ClosedDay(models.Model):
    """A single day on which the office is closed, by decision of its staff. Nothing happens, not even exceptions."""

    RETENTION = NO_PERSONAL_DATA

    day = models.DateField(unique=True)

    class Meta:
        ordering = ["day"]

    def __str__(self):
        return str(self.day)


@dataclass(frozen=True, slots=True, order=True)
class Occurrence:
    """A single occurrence of a schedule. Times are aware, in the city's time zone.

    It belongs to the day on which it begins. `original_start` is set for an occurrence of the rule that was changed or
    moved: when it would have begun (RECURRENCE-ID in a calendar file).
    """

    starts_at: datetime.datetime
    ends_at: datetime.datetime
    schedule_id: int
    is_changed: bool = False
    original_start: datetime.datetime | None = field(default=None, compare=False)

    @property
    def day(self) -> datetime.date:
        """The date on the city's calendar."""
        return self.starts_at.date()

    @property
    def duration(self) -> datetime.timedelta:
        """The real length, also on the days when the clocks change: Python subtracts times of one zone by the clock."""
        return self.ends_at.astimezone(datetime.UTC) - self.starts_at.astimezone(datetime.UTC)

    def overlaps(self, other: "Occurrence") -> bool:
        """Whether the two overlap in time."""
        return self.starts_at < other.ends_at and other.starts_at < self.ends_at


def occurrences(schedules: Iterable[Schedule], start: datetime.date, end: datetime.date) -> dict[int, list[Occurrence]]:
    """Return the occurrences that begin from `start` to `end`, both included, by the schedule's key, in order of time.

    Reads the exceptions of all schedules and the office's closed days with one query.
    """
    schedules = list(schedules)
    changes, closed = _read_exceptions(schedules, start, end)
    return {row.pk: sorted(_occurrences_of(row, changes[row.pk], closed, start, end)) for row in schedules}


def first_overlap(mine: Iterable[Occurrence], theirs: Iterable[Occurrence]) -> Occurrence | None:
    """Return the first of `mine` that overlaps one of `theirs`, also across midnight; None if there is none."""
    longest: dict[bool, Occurrence] = {}
    both = [*((it, True) for it in mine), *((it, False) for it in theirs)]
    for occurrence, is_mine in sorted(both, key=lambda pair: pair[0].starts_at):
        other = longest.get(not is_mine)
        if other and other.overlaps(occurrence):
            return occurrence if is_mine else other
        longest[is_mine] = max(longest.get(is_mine, occurrence), occurrence, key=lambda it: it.ends_at)
    return None


_COLUMNS = ("schedule_id", "day", "moved_to", "begins", "ends", "is_extra")


def _read_exceptions(
    schedules: list[Schedule], start: datetime.date, end: datetime.date
) -> tuple[dict[int, list[ScheduleException]], set[datetime.date]]:
    """Return the exceptions that matter from `start` to `end`, by schedule, and all days closed by staff.

    One query for both, because every page with opening times needs them.
    """
    saved = [row.pk for row in schedules if row.pk]
    # How many sessions are left depends on all exceptions.
    counted = [row.pk for row in schedules if row.pk and row.session_count]
    exceptions = ScheduleException.objects.filter(schedule__in=saved).order_by().values_list(*_COLUMNS)
    asked = (
        exceptions.filter(moved_to__range=(start, end)),
        ScheduleException.objects.filter(schedule__in=counted).order_by().values_list(*_COLUMNS),
    )
    no_day, no_time = Value(None, models.DateField()), Value(None, models.TimeField())
    closures = ClosedDay.objects.order_by().values_list(
        Value(None, models.BigIntegerField()), "day", no_day, no_time, no_time, Value(False, models.BooleanField())
    )
    found, closed = defaultdict(list), set()
    # Parts of a union, not alternatives in one condition: each part has its index.
    for schedule, day, *rest in exceptions.filter(day__range=(start, end)).union(*asked, closures):
        if schedule is None:
            closed.add(day)
        else:
            found[schedule].append(ScheduleException(None, schedule, day, *rest))
    return found, closed


def _occurrences_of(
    schedule: Schedule,
    changes: list[ScheduleException],
    closed: set[datetime.date],
    start: datetime.date,
    end: datetime.date,
):
    """Yield the occurrences that begin from `start` to `end`, in no order."""
    shown = [it for it in changes if _happens(it, closed) and start <= it.takes_place_on <= end]
    replaced = {it.day: it for it in changes if not it.is_extra}
    # A session may have been moved from a day far outside.
    first, last = min([start, *(it.day for it in shown)]), max([end, *(it.day for it in shown)])
    regular = _regular_days(schedule, replaced, closed, first, last)
    for day in regular:
        if start <= day <= end and day not in replaced:
            yield Occurrence(*_span(day, schedule.begins, schedule.ends), schedule.pk)
    for change in shown:
        yield _changed(schedule, change, is_regular=change.day in regular and not change.is_extra)


def _happens(change: ScheduleException, closed: set[datetime.date]) -> bool:
    return not change.is_cancellation and change.takes_place_on not in closed


def _changed(schedule: Schedule, change: ScheduleException, *, is_regular: bool) -> Occurrence:
    times = (schedule.begins, schedule.ends) if change.begins is None else (change.begins, change.ends)
    original = _on_clock(change.day, schedule.begins) if is_regular else None
    return Occurrence(*_span(change.takes_place_on, *times), schedule.pk, is_changed=True, original_start=original)


def _regular_days(
    schedule: Schedule,
    replaced: dict[datetime.date, ScheduleException],
    closed: set[datetime.date],
    start: datetime.date,
    end: datetime.date,
) -> set[datetime.date]:
    """Return the rule's days from `start` to `end` without those that are closed.

    A session that is held on another day, or on a holiday on purpose, counts; so does one that was called off.
    """

    def counts(day: datetime.date) -> bool:
        change = replaced.get(day)
        if change and not change.is_cancellation:
            return _happens(change, closed)
        return day not in closed and not is_closed_every_year(day, on_holidays=schedule.on_holidays)

    last = min(end, schedule.last_day or end)
    # Sessions are counted from the first one, whatever is asked for.
    first = schedule.first_day if schedule.session_count else max(start, schedule.first_day)
    days = filter(counts, occurrence_dates(schedule.rule, schedule.first_day, first, last))
    return set(islice(days, schedule.session_count))


def _span(
    day: datetime.date, begins: datetime.time, ends: datetime.time
) -> tuple[datetime.datetime, datetime.datetime]:
    """Return the aware start and end of an occurrence that begins on `day` and may end on the next one."""
    last = day if begins < ends else day + DAY
    start, end = _on_clock(day, begins), _on_clock(last, ends)
    if start < end:
        return start, end
    # It begins in the hour that is left out when the clocks go forward: it begins an hour later, and keeps its length.
    length = datetime.datetime.combine(last, ends) - datetime.datetime.combine(day, begins)
    return start, start + length


def _on_clock(day: datetime.date, time: datetime.time) -> datetime.datetime:
    """Return an aware moment that exists on the city's clock, also on the day when the clocks go forward."""
    zone = ZoneInfo(settings.TIME_ZONE)
    return datetime.datetime.combine(day, time, zone).astimezone(datetime.UTC).astimezone(zone)
