"""Reminders: rows that a periodic job finds when they are due, never timers.

There is one row for each object and kind of reminder; when the object moves, its row moves. The job locks a due row,
calls the kind's handler and marks the row as done in one transaction, so that two jobs at once remind once.
"""

import datetime
import logging
from zoneinfo import ZoneInfo

from django.apps import apps
from django.conf import settings
from django.db import connection, models, transaction
from django.utils import timezone

from services.messaging.kinds import REMINDER_HANDLERS, ReminderKind
from services.messaging.models import Reminder

logger = logging.getLogger(__name__)


@transaction.atomic
def schedule_reminder(kind: ReminderKind, about: models.Model, *, at: datetime.datetime) -> Reminder:
    """Schedule a reminder of an object, or move the one it has. One that was sent is sent again if `at` is to come."""
    key = {"kind": kind.name, "about_type": about._meta.label_lower, "about_id": about.pk}
    reminder, created = Reminder.objects.select_for_update().get_or_create(**key, defaults={"due_at": at})
    if not created and reminder.due_at != at:
        reminder.due_at = at
        reminder.done_at = None if at > timezone.now() else reminder.done_at
        reminder.save(update_fields=["due_at", "done_at"])
    return reminder


def cancel_reminder(kind: ReminderKind, about: models.Model) -> None:
    """Delete the reminder of an object that was cancelled."""
    Reminder.objects.filter(kind=kind.name, about_type=about._meta.label_lower, about_id=about.pk).delete()


def days_before(day: datetime.date | datetime.datetime, days: int, at: datetime.time) -> datetime.datetime:
    """Return the moment `days` calendar days before a day, at a clock time, both in the city's time zone.

    A clock time that is skipped in spring is later by as much as the clock jumps; of one that occurs twice in autumn,
    the first is meant.
    """
    if isinstance(day, datetime.datetime):
        day = timezone.localdate(day)
    local = datetime.datetime.combine(day - datetime.timedelta(days=days), at, ZoneInfo(settings.TIME_ZONE))
    return local.astimezone(datetime.UTC)


def send_due() -> int:
    """Send the reminders that are due; returns how many. A reminder that fails is tried again the next time.

    A reminder that has been due for more than two days, because the portal was off, is only marked as done.
    """
    done = 0
    due = Reminder.objects.filter(done_at__isnull=True, due_at__lte=timezone.now()).order_by("due_at")
    for key in list(due.values_list("pk", flat=True)):
        try:
            done += _send_locked(key)
        except Exception:  # one object's fault must not delay the other reminders
            logger.exception("A reminder could not be sent.")
    return done


@transaction.atomic
def _send_locked(key: int) -> bool:
    """Lock one reminder, call its handler and mark it as done; False if another job has it or it is not due now."""
    skip_locked = connection.features.has_select_for_update_skip_locked
    rows = Reminder.objects.select_for_update(skip_locked=skip_locked)
    now = timezone.now()
    reminder = rows.filter(pk=key, done_at__isnull=True, due_at__lte=now).first()
    if reminder is None:
        return False
    about = apps.get_model(reminder.about_type)._default_manager.filter(pk=reminder.about_id).first()
    if about is not None and now - reminder.due_at < Reminder.PATIENCE:
        REMINDER_HANDLERS[reminder.kind](about)
    reminder.done_at = now
    reminder.save(update_fields=["done_at"])
    return True
