"""The verbs of the roster.

Whoever changes the timetable first locks its one row (`Roster`): two people cannot save two halves of a clash, not even
of rows that are not there yet.

An appointment that a change leaves without its hours, or without an adviser, is called off in the same transaction:
refusing would keep the desk open on a day on which nobody can be there. Everybody booked is told at once, with a link
to choose another time (`call_off_lost_slots`). Where a verb takes `agreed`, it is refused (WouldLose) while other
appointments would be lost than whoever acts has been shown.
"""

import datetime
from collections.abc import Collection

from django.db import transaction
from django.utils import timezone
from django.utils.translation import pgettext

from consultations.actions.appointments import call_off_lost_slots
from consultations.actions.locking import lock_roster
from consultations.models import DeskHours, Duty
from services.accounts.models import User
from services.accounts.roles import Role
from services.audit.trail import record
from services.base.refusals import Refused
from services.schedules.models import Change, Occurrence, Schedule, occurrences

CLASH_WINDOW = datetime.timedelta(days=366)


@transaction.atomic
def save_hours(hours: DeskHours, schedule: Schedule, *, by: User, agreed: Collection[str] | None = None) -> DeskHours:
    """Keep when a language is spoken or a profession is there. Refused where the same is promised twice.

    Appointments outside the new hours are called off; those within keep their time whatever the new length of one.
    """
    return _save(hours, schedule, by, "consultations.save_hours", agreed)


@transaction.atomic
def save_duty(duty: Duty, schedule: Schedule, *, by: User, agreed: Collection[str] | None = None) -> Duty:
    """Keep when an adviser is at the desk. Refused where they would be there twice at once, or are no adviser."""
    adviser = User.objects.get(pk=duty.adviser_id)
    if not adviser.has_role(Role.ADVISER):
        raise Refused(pgettext("staff", "Only advisers can be on duty at the desk."))
    return _save(duty, schedule, by, "consultations.save_duty", agreed)


def _save(row, schedule: Schedule, by: User, action: str, agreed: Collection[str] | None):
    lock_roster()
    today = timezone.localdate()
    for other in _others(row):
        start = max(schedule.first_day, other.first_day, today)
        _refuse_clash(row, schedule, other, start, start + CLASH_WINDOW)
    schedule.save()
    row.schedule = schedule
    row.save()
    call_off_lost_slots(by=by, agreed=agreed)
    record(by, action, row, fields=[field.name for field in schedule._meta.fields])
    return row


def _others(row: DeskHours | Duty) -> list[Schedule]:
    """The schedules with which this row's must not overlap."""
    if isinstance(row, Duty):
        rows = Duty.objects.filter(adviser=row.adviser_id)
    else:
        rows = DeskHours.objects.filter(service=row.service, language=row.language)
    return [other.schedule for other in rows.exclude(pk=row.pk).select_related("schedule")]


def _refuse_clash(row, schedule: Schedule, other: Schedule, start: datetime.date, end: datetime.date) -> None:
    """Refuse if the row, at this schedule, meets another of its kind from the day `start` to the day `end`."""
    found = occurrences([schedule, other], start, end)
    day = _first_meeting(found[schedule.pk], found[other.pk])
    if day is None:
        return
    if isinstance(row, Duty):
        told = pgettext("staff", "This adviser is on duty at that time already on %(day)s.")
    else:
        told = pgettext("staff", "These hours overlap with others of the same language on %(day)s.")
    raise Refused(told % {"day": day.isoformat()})


def _first_meeting(mine: list[Occurrence], theirs: list[Occurrence]) -> datetime.date | None:
    by_day: dict[datetime.date, list[Occurrence]] = {}
    for occurrence in theirs:
        by_day.setdefault(occurrence.day, []).append(occurrence)
    for occurrence in mine:
        if any(occurrence.overlaps(other) for other in by_day.get(occurrence.day, ())):
            return occurrence.day
    return None


@transaction.atomic
def change_day(
    row: DeskHours | Duty,
    day: datetime.date,
    *,
    by: User,
    begins: datetime.time | None = None,
    ends: datetime.time | None = None,
    agreed: Collection[str] | None = None,
) -> Change:
    """Make one day an exception: without times nothing happens on it. Asking again replaces the exception.

    Appointments of that day that are lost by it are called off, and everybody who had one is told.

    Refused where the new times overlap with others, and for a day on which the row does not hold at all.
    """
    schedule = _locked_schedule(row)
    if day < schedule.first_day or (schedule.last_day and day > schedule.last_day):
        raise Refused(pgettext("staff", "That day is before the first or after the last one."))
    is_there = occurrences([schedule], day, day)[schedule.pk] or Change.objects.filter(schedule=schedule, day=day)
    if begins is None and not is_there:
        raise Refused(pgettext("staff", "On that day there is nothing that could be closed."))
    change, _made = Change.objects.update_or_create(
        schedule=schedule, day=day, defaults={"begins": begins, "ends": ends}
    )
    for other in _others(row):
        _refuse_clash(row, schedule, other, day, day)
    call_off_lost_slots(by=by, agreed=agreed)
    record(by, "consultations.change_day", row, fields=["begins", "ends"])
    return change


@transaction.atomic
def keep_rule(row: DeskHours | Duty, day: datetime.date, *, by: User, agreed: Collection[str] | None = None) -> None:
    """Take an exception back. Refused where something else stands there meanwhile."""
    schedule = _locked_schedule(row)
    deleted, _rows = Change.objects.filter(schedule=schedule, day=day).delete()
    if not deleted:
        return
    for other in _others(row):
        _refuse_clash(row, schedule, other, day, day)
    call_off_lost_slots(by=by, agreed=agreed)
    record(by, "consultations.keep_rule", row, fields=["day"])


@transaction.atomic
def end_after(row: DeskHours | Duty, day: datetime.date, *, by: User, agreed: Collection[str] | None = None) -> None:
    """The last day on which it happens; never later than before. What would never have begun is taken away.

    Appointments after it are called off.

    Refused for a day before yesterday: the past stays as it was.
    """
    schedule = _locked_schedule(row)
    if day < timezone.localdate() - datetime.timedelta(days=1):
        raise Refused(pgettext("staff", "What is past stays as it was. Please choose yesterday or a later day."))
    ended = type(row)(pk=row.pk, public_id=row.public_id)
    if day < schedule.first_day:
        schedule.delete()
    else:
        schedule.last_day = min(day, schedule.last_day or day)
        schedule.save(update_fields=["last_day"])
    call_off_lost_slots(by=by, agreed=agreed)
    record(by, "consultations.end", ended, fields=["last_day"])


def _locked_schedule(row: DeskHours | Duty) -> Schedule:
    lock_roster()
    return Schedule.objects.get(pk=row.schedule_id)
