"""When something happens again and again, and when it does not."""

import datetime
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db import models

from services.base.keeping import NOTHING_PERSONAL
from services.schedules.holidays import holiday_name
from services.schedules.rules import Rule, days_of, read_rule


class Schedule(models.Model):
    """Days by a rule of RFC 5545, from a first to perhaps a last one, each from `begins` to `ends` on the city's clock.

    On public holidays nothing happens unless `on_holidays`. A `Change` is an exception for one day.
    """

    KEEPING = NOTHING_PERSONAL

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
    def days(self) -> Rule:
        """The rule as something that can be said."""
        return read_rule(self.rule)


class Change(models.Model):
    """An exception: on this day not at all (no times), or at other times, or on a day that the rule does not have."""

    KEEPING = NOTHING_PERSONAL

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
        """Whether nothing happens that day."""
        return self.begins is None


@dataclass(frozen=True, slots=True, order=True)
class Occurrence:
    """One time that something happens. Times are aware, in the city's zone."""

    starts_at: datetime.datetime
    ends_at: datetime.datetime
    schedule_id: int
    is_changed: bool = False

    @property
    def day(self) -> datetime.date:
        """On the city's calendar."""
        return self.starts_at.date()

    def overlaps(self, other: "Occurrence") -> bool:
        """Whether both happen at once for a while."""
        return self.starts_at < other.ends_at and other.starts_at < self.ends_at


def occurrences(schedules: Iterable[Schedule], start: datetime.date, end: datetime.date) -> dict[int, list[Occurrence]]:
    """Every occurrence from the day `start` to the day `end`, both included, by the schedule's key, in order of time.

    One query for the exceptions of all of them.
    """
    schedules = list(schedules)
    changes = defaultdict(dict)
    saved = [schedule.pk for schedule in schedules if schedule.pk]
    for change in Change.objects.filter(schedule__in=saved, day__range=(start, end)):
        changes[change.schedule_id][change.day] = change
    return {schedule.pk: list(_of(schedule, changes[schedule.pk], start, end)) for schedule in schedules}


def _of(schedule: Schedule, changes: dict[datetime.date, Change], start: datetime.date, end: datetime.date):
    zone = ZoneInfo(settings.TIME_ZONE)
    first, last = max(start, schedule.first_day), min(end, schedule.last_day or end)
    regular = set(days_of(schedule.rule, schedule.first_day, first, last))
    if not schedule.on_holidays:
        regular = {day for day in regular if not holiday_name(day)}
    # What has ended has no exceptions any more either.
    for day in sorted(regular | {day for day in changes if first <= day <= last}):
        change = changes.get(day)
        if change and change.is_cancellation:
            continue
        begins, ends = (change.begins, change.ends) if change else (schedule.begins, schedule.ends)
        combine = datetime.datetime.combine
        yield Occurrence(combine(day, begins, zone), combine(day, ends, zone), schedule.pk, bool(change))
