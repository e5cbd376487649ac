"""Schedules of recurring events, and their exceptions."""

import datetime
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db import models

from services.base.retention import NO_PERSONAL_DATA
from services.schedules.holidays import holiday_name
from services.schedules.rules import RecurrenceRule, occurrence_dates, parse_rule


class Schedule(models.Model):
    """A recurring event: an RFC 5545 rule with a first and perhaps a last day, and times on the city's clock.

    It does not happen on public holidays unless `on_holidays` is set. A `ScheduleException` changes a single day.
    """

    RETENTION = NO_PERSONAL_DATA

    rule = models.CharField(max_length=200)
    first_day = models.DateField()
    last_day = models.DateField(null=True, blank=True)
    begins = models.TimeField()
    ends = models.TimeField()
    on_holidays = models.BooleanField(default=False)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=models.Q(begins__lt=models.F("ends")), name="schedules_begins_before_end"),
            models.CheckConstraint(
                condition=models.Q(last_day__isnull=True) | models.Q(last_day__gte=models.F("first_day")),
                name="schedules_first_before_last",
            ),
        ]

    def __str__(self):
        return f"{self.rule} {self.begins:%H:%M}–{self.ends:%H:%M}"

    @property
    def recurrence(self) -> RecurrenceRule:
        """The parsed rule."""
        return parse_rule(self.rule)


class ScheduleException(models.Model):
    """An exception for one day: a cancellation (no times), other times, or an extra day."""

    RETENTION = NO_PERSONAL_DATA

    schedule = models.ForeignKey(Schedule, on_delete=models.CASCADE, related_name="changes")
    day = models.DateField()
    begins = models.TimeField(null=True, blank=True)
    ends = models.TimeField(null=True, blank=True)

    class Meta:
        ordering = ["day"]
        constraints = [
            models.UniqueConstraint(fields=["schedule", "day"], name="schedules_one_change_a_day"),
            models.CheckConstraint(
                condition=models.Q(begins__isnull=True, ends__isnull=True) | models.Q(begins__lt=models.F("ends")),
                name="schedules_change_begins_before_end",
            ),
        ]

    def __str__(self):
        return f"{self.day} {self.begins or '–'}"

    @property
    def is_cancellation(self) -> bool:
        """Whether the event does not happen that day."""
        return self.begins is None


@dataclass(frozen=True, slots=True, order=True)
class Occurrence:
    """A single occurrence of a schedule. Times are aware, in the city's time zone."""

    starts_at: datetime.datetime
    ends_at: datetime.datetime
    schedule_id: int
    is_changed: bool = False

    @property
    def day(self) -> datetime.date:
        """The date on the city's calendar."""
        return self.starts_at.date()

    def overlaps(self, other: "Occurrence") -> bool:
        """Whether the two overlap in time."""
        return self.starts_at < other.ends_at and other.starts_at < self.ends_at


def occurrences(schedules: Iterable[Schedule], start: datetime.date, end: datetime.date) -> dict[int, list[Occurrence]]:
    """Return the occurrences from `start` to `end`, both included, by the schedule's key and in order of time.

    Reads the exceptions of all schedules with one query.
    """
    schedules = list(schedules)
    changes = defaultdict(dict)
    saved = [schedule.pk for schedule in schedules if schedule.pk]
    for change in ScheduleException.objects.filter(schedule__in=saved, day__range=(start, end)):
        changes[change.schedule_id][change.day] = change
    return {schedule.pk: list(_occurrences_of(schedule, changes[schedule.pk], start, end)) for schedule in schedules}


def _occurrences_of(
    schedule: Schedule, changes: dict[datetime.date, ScheduleException], start: datetime.date, end: datetime.date
):
    zone = ZoneInfo(settings.TIME_ZONE)
    first, last = max(start, schedule.first_day), min(end, schedule.last_day or end)
    regular = set(occurrence_dates(schedule.rule, schedule.first_day, first, last))
    if not schedule.on_holidays:
        regular = {day for day in regular if not holiday_name(day)}
    # Exceptions outside the schedule's first and last day do not count.
    for day in sorted(regular | {day for day in changes if first <= day <= last}):
        change = changes.get(day)
        if change and change.is_cancellation:
            continue
        begins, ends = (change.begins, change.ends) if change else (schedule.begins, schedule.ends)
        combine = datetime.datetime.combine
        yield Occurrence(combine(day, begins, zone), combine(day, ends, zone), schedule.pk, bool(change))
