"""Change the roster: hours, shifts, their exceptions, and days on which the whole desk is closed.

Every change locks the roster first (`lock_roster`), so that two people cannot save overlapping entries at the same
time, even entries that do not exist yet.

If a change leaves an appointment without hours or without an adviser, the same transaction cancels it: refusing would
keep the desk open on a day when nobody can be there. Everyone booked is notified at once, with a link to choose
another time (`cancel_lost_slots`). `agreed` holds the appointments that the user has seen and confirmed; an action
raises `WouldCancelAppointments` if others would be cancelled.
"""

import datetime
import math
from collections.abc import Collection

from django.db import transaction
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import pgettext

from consultations.appointments.actions import cancel_slots_outside_hours
from consultations.timetable.locks import lock_roster
from consultations.timetable.models import DeskHours, DeskShift
from services.accounts.models import User
from services.accounts.roles import Role
from services.audit.trail import record
from services.base.refusals import Refused
from services.schedules.models import (
    DAY,
    ClosedDay,
    Occurrence,
    Schedule,
    ScheduleException,
    first_overlap,
    occurrences,
)

CLASH_WINDOW = datetime.timedelta(days=366)


@transaction.atomic
def save_hours(hours: DeskHours, schedule: Schedule, *, by: User, agreed: Collection[str] | None = None) -> DeskHours:
    """Save hours of a language or a profession. Raises `Refused` if they overlap hours of the same kind.

    Appointments outside the new hours are cancelled. Those within keep their time, whatever the new slot length.
    """
    return _save_under_lock(hours, schedule, by, "consultations.save_hours", agreed)


@transaction.atomic
def save_shift(shift: DeskShift, schedule: Schedule, *, by: User, agreed: Collection[str] | None = None) -> DeskShift:
    """Save an adviser's shift. Raises `Refused` if it overlaps another of theirs, or if they are not an adviser."""
    adviser = User.objects.get(pk=shift.adviser_id)
    if not adviser.has_role(Role.ADVISER):
        raise Refused(pgettext("staff", "Only advisers can work shifts at the desk."))
    return _save_under_lock(shift, schedule, by, "consultations.save_duty", agreed)


def _save_under_lock(row, schedule: Schedule, by: User, action: str, agreed: Collection[str] | None):
    lock_roster()
    today = timezone.localdate()
    for other in _competing_schedules(row):
        start = max(schedule.first_day, other.first_day, today)
        _refuse_overlap(row, schedule, other, start, start + _clash_window(schedule, other))
    schedule.save()
    _delete_exceptions_outside(schedule)
    row.schedule = schedule
    row.save()
    cancel_slots_outside_hours(by=by, agreed=agreed)
    record(by, action, row, fields=[field.name for field in schedule._meta.fields])
    return row


def _clash_window(schedule: Schedule, other: Schedule) -> datetime.timedelta:
    """Return how long to look for an overlap: until the two intervals have met, counted as if both were in months."""
    return CLASH_WINDOW * (1 + math.lcm(schedule.recurrence.interval, other.recurrence.interval) // 12)


def _competing_schedules(row: DeskHours | DeskShift) -> list[Schedule]:
    """Return the schedules that this row's schedule must not overlap."""
    if isinstance(row, DeskShift):
        rows = DeskShift.objects.filter(adviser=row.adviser_id)
    else:
        rows = DeskHours.objects.filter(service=row.service, language=row.language)
    return [other.schedule for other in rows.exclude(pk=row.pk).select_related("schedule")]


def _refuse_overlap(row, schedule: Schedule, other: Schedule, start: datetime.date, end: datetime.date) -> None:
    """Raise `Refused` if the two schedules overlap from `start` to `end` inclusive, or in the nights around it."""
    found = occurrences([schedule, other], start - DAY, end + DAY)
    overlap = first_overlap(*(_until_or_after(found[it.pk], start) for it in (schedule, other)))
    if overlap is None:
        return
    if isinstance(row, DeskShift):
        text = pgettext("staff", "This adviser already has a shift at that time on %(day)s.")
    else:
        text = pgettext("staff", "These hours overlap with other hours for the same language on %(day)s.")
    raise Refused(text % {"day": overlap.day.isoformat()})


def _until_or_after(times: list[Occurrence], start: datetime.date) -> list[Occurrence]:
    """Return the occurrences that have not ended before `start`."""
    return [it for it in times if it.ends_at.date() >= start]


def _delete_exceptions_outside(schedule: Schedule) -> None:
    """Delete the exceptions before the first and after the last day, which would open the desk on those days."""
    outside = Q(day__lt=schedule.first_day) | Q(moved_to__lt=schedule.first_day)
    if schedule.last_day:
        outside |= Q(day__gt=schedule.last_day) | Q(moved_to__gt=schedule.last_day)
    ScheduleException.objects.filter(outside, schedule=schedule).delete()


@transaction.atomic
def change_day(
    row: DeskHours | DeskShift,
    day: datetime.date,
    *,
    by: User,
    begins: datetime.time | None = None,
    ends: datetime.time | None = None,
    agreed: Collection[str] | None = None,
) -> ScheduleException:
    """Make one day an exception to the schedule, replacing any earlier exception. Without times the day is closed.

    Appointments lost on that day are cancelled, and everyone booked is notified.

    Raises `Refused` if the new times overlap others, if the day is outside the schedule or has nothing to close, or if
    the whole desk is closed on that day.
    """
    schedule = _lock_schedule(row)
    if day < schedule.first_day or (schedule.last_day and day > schedule.last_day):
        raise Refused(pgettext("staff", "This date is before the first day or after the last day."))
    has_hours = occurrences([schedule], day, day)[schedule.pk] or ScheduleException.objects.filter(
        schedule=schedule, day=day
    )
    if begins is None and not has_hours:
        raise Refused(pgettext("staff", "Nothing is scheduled on this date, so there is nothing to close."))
    if begins and ClosedDay.objects.filter(day=day).exists():
        raise Refused(pgettext("staff", "The whole desk is closed on this date. Open it again first."))
    change, _made = ScheduleException.objects.update_or_create(
        schedule=schedule, day=day, is_extra=False, defaults={"begins": begins, "ends": ends, "moved_to": None}
    )
    for other in _competing_schedules(row):
        _refuse_overlap(row, schedule, other, day, day)
    cancel_slots_outside_hours(by=by, agreed=agreed)
    record(by, "consultations.change_day", row, fields=["begins", "ends"])
    return change


@transaction.atomic
def restore_regular_hours(
    row: DeskHours | DeskShift, day: datetime.date, *, by: User, agreed: Collection[str] | None = None
) -> None:
    """Remove the exception on a day. Raises `Refused` if other hours or shifts now overlap the regular times."""
    schedule = _lock_schedule(row)
    deleted, _rows = ScheduleException.objects.filter(schedule=schedule, day=day).delete()
    if not deleted:
        return
    for other in _competing_schedules(row):
        _refuse_overlap(row, schedule, other, day, day)
    cancel_slots_outside_hours(by=by, agreed=agreed)
    record(by, "consultations.keep_rule", row, fields=["day"])


@transaction.atomic
def end_after(
    row: DeskHours | DeskShift, day: datetime.date, *, by: User, agreed: Collection[str] | None = None
) -> None:
    """Set the last day of hours or a shift, never later than before. An entry that has not begun is deleted.

    Appointments after that day are cancelled.

    Raises `Refused` for a day before yesterday: past days cannot change.
    """
    schedule = _lock_schedule(row)
    if day < timezone.localdate() - datetime.timedelta(days=1):
        raise Refused(pgettext("staff", "You cannot change past days. Choose yesterday or a later date."))
    ended = type(row)(pk=row.pk, public_id=row.public_id)
    if day < schedule.first_day:
        schedule.delete()
    else:
        schedule.last_day = min(day, schedule.last_day or day)
        schedule.save(update_fields=["last_day"])
        _delete_exceptions_outside(schedule)
    cancel_slots_outside_hours(by=by, agreed=agreed)
    record(by, "consultations.end", ended, fields=["last_day"])


@transaction.atomic
def close_desk(day: datetime.date, *, by: User, agreed: Collection[str] | None = None) -> ClosedDay:
    """Close the whole desk for a day: all hours, shifts and exceptions.

    Appointments on that day are cancelled, and everyone booked is notified. Raises `Refused` for a past day. A day that
    is closed already stays closed.
    """
    lock_roster()
    if day < timezone.localdate():
        raise Refused(pgettext("staff", "This date is in the past. Choose today or a later date."))
    closed_day, is_new = ClosedDay.objects.get_or_create(day=day)
    cancel_slots_outside_hours(by=by, agreed=agreed)
    if is_new:
        record(by, "consultations.close_desk", closed_day, fields=["day"])
    return closed_day


@transaction.atomic
def reopen_desk(day: datetime.date, *, by: User) -> None:
    """Open the desk again on a closed day. Raises `Refused` if hours or shifts now overlap on it, or if it is past."""
    lock_roster()
    if day < timezone.localdate():
        raise Refused(pgettext("staff", "This date is in the past. Choose today or a later date."))
    closed_day = ClosedDay.objects.filter(day=day).first()
    if closed_day is None:
        return
    record(by, "consultations.reopen_desk", closed_day, fields=["day"])
    closed_day.delete()
    for row in [*DeskHours.objects.select_related("schedule"), *DeskShift.objects.select_related("schedule")]:
        for other in _competing_schedules(row):
            _refuse_overlap(row, row.schedule, other, day, day)


def _lock_schedule(row: DeskHours | DeskShift) -> Schedule:
    lock_roster()
    return Schedule.objects.get(pk=row.schedule_id)
