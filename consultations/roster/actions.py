"""Change the roster: hours, shifts and their exceptions.

Every change locks the roster first (`lock_roster`), so that two people cannot save overlapping entries at the same
time, even entries that do not exist yet.

If a change leaves an appointment without hours or without an adviser, the same transaction cancels it: refusing would
keep the desk open on a day when nobody can be there. Everyone booked is notified at once, with a link to choose
another time (`cancel_lost_slots`). `agreed` holds the appointments that the user has seen and confirmed; an action
raises `WouldCancelAppointments` if others would be cancelled.
"""

import datetime
from collections.abc import Collection

from django.db import transaction
from django.utils import timezone
from django.utils.translation import pgettext

from consultations.appointments.actions import cancel_slots_outside_hours
from consultations.timetable.locks import lock_roster
from consultations.timetable.models import DeskHours, DeskShift
from services.accounts.models import User
from services.accounts.roles import Role
from services.audit.trail import record
from services.base.refusals import Refused
from services.schedules.models import Occurrence, Schedule, ScheduleException, occurrences

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
        _refuse_overlap(row, schedule, other, start, start + CLASH_WINDOW)
    schedule.save()
    row.schedule = schedule
    row.save()
    cancel_slots_outside_hours(by=by, agreed=agreed)
    record(by, action, row, fields=[field.name for field in schedule._meta.fields])
    return row


def _competing_schedules(row: DeskHours | DeskShift) -> list[Schedule]:
    """Return the schedules that this row's schedule must not overlap."""
    if isinstance(row, DeskShift):
        rows = DeskShift.objects.filter(adviser=row.adviser_id)
    else:
        rows = DeskHours.objects.filter(service=row.service, language=row.language)
    return [other.schedule for other in rows.exclude(pk=row.pk).select_related("schedule")]


def _refuse_overlap(row, schedule: Schedule, other: Schedule, start: datetime.date, end: datetime.date) -> None:
    """Raise `Refused` if the two schedules overlap from `start` to `end` inclusive."""
    found = occurrences([schedule, other], start, end)
    day = _first_overlap(found[schedule.pk], found[other.pk])
    if day is None:
        return
    if isinstance(row, DeskShift):
        text = pgettext("staff", "This adviser already has a shift at that time on %(day)s.")
    else:
        text = pgettext("staff", "These hours overlap with other hours for the same language on %(day)s.")
    raise Refused(text % {"day": day.isoformat()})


def _first_overlap(mine: list[Occurrence], theirs: list[Occurrence]) -> datetime.date | None:
    by_day: dict[datetime.date, list[Occurrence]] = {}
    for occurrence in theirs:
        by_day.setdefault(occurrence.day, []).append(occurrence)
    for occurrence in mine:
        if any(occurrence.overlaps(other) for other in by_day.get(occurrence.day, ())):
            return occurrence.day
    return None


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

    Raises `Refused` if the new times overlap others, or if the day is outside the schedule or has nothing to close.
    """
    schedule = _lock_schedule(row)
    if day < schedule.first_day or (schedule.last_day and day > schedule.last_day):
        raise Refused(pgettext("staff", "This date is before the first day or after the last day."))
    has_hours = occurrences([schedule], day, day)[schedule.pk] or ScheduleException.objects.filter(
        schedule=schedule, day=day
    )
    if begins is None and not has_hours:
        raise Refused(pgettext("staff", "Nothing is scheduled on this date, so there is nothing to close."))
    change, _made = ScheduleException.objects.update_or_create(
        schedule=schedule, day=day, defaults={"begins": begins, "ends": ends}
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
    cancel_slots_outside_hours(by=by, agreed=agreed)
    record(by, "consultations.end", ended, fields=["last_day"])


def _lock_schedule(row: DeskHours | DeskShift) -> Schedule:
    lock_roster()
    return Schedule.objects.get(pk=row.schedule_id)
