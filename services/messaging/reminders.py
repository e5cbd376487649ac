"""What is to be told when its time comes: rows that a periodic job finds, never a timer.

`remind` keeps one row for an object and kind; moving the object moves the row. Whoever finds it due locks it, tells
whom it concerns and marks it done in one transaction, so two at once tell once.
"""

import datetime
import logging
from collections.abc import Callable
from zoneinfo import ZoneInfo

from django.apps import apps
from django.conf import settings
from django.db import connection, models, transaction
from django.utils import timezone

from services.notices.models import Reminder

logger = logging.getLogger(__name__)
_TELLERS: dict[str, Callable[[models.Model], None]] = {}


def teller(kind: str):
    """Marks the function that tells whom a reminder of this kind concerns; it stands in an app's tasks.py."""

    def mark(function: Callable[[models.Model], None]):
        _TELLERS[kind] = function
        return function

    return mark


@transaction.atomic
def remind(kind: str, about: models.Model, *, at: datetime.datetime) -> Reminder:
    """Have something told about an object at a moment. Asking again moves it; what was told is told anew if later."""
    key = {"kind": kind, "about_type": about._meta.label_lower, "about_id": about.pk}
    reminder, made = Reminder.objects.select_for_update().get_or_create(**key, defaults={"due_at": at})
    if not made and reminder.due_at != at:
        reminder.due_at = at
        reminder.done_at = None if at > timezone.now() else reminder.done_at
        reminder.save(update_fields=["due_at", "done_at"])
    return reminder


def do_not_remind(kind: str, about: models.Model) -> None:
    """Forget a reminder whose object was called off."""
    Reminder.objects.filter(kind=kind, about_type=about._meta.label_lower, about_id=about.pk).delete()


def days_before(day: datetime.date | datetime.datetime, days: int, at: datetime.time) -> datetime.datetime:
    """The moment `days` calendar days before a day, at a clock time, both in the city's zone.

    A clock time that the zone leaves out in spring is as much later as the clock jumps; one that it has twice in
    autumn is the first.
    """
    if isinstance(day, datetime.datetime):
        day = timezone.localdate(day)
    local = datetime.datetime.combine(day - datetime.timedelta(days=days), at, ZoneInfo(settings.TIME_ZONE))
    return local.astimezone(datetime.UTC)


def remind_of_what_is_due() -> int:
    """Tell everything whose time has come; returns how many reminders. One that fails is tried again next time.

    What has been due for more than two days (the portal was off) is of no use any more and only marked.
    """
    done = 0
    due = Reminder.objects.filter(done_at__isnull=True, due_at__lte=timezone.now()).order_by("due_at")
    for key in list(due.values_list("pk", flat=True)):
        try:
            done += _tell(key)
        except Exception:  # one object's trouble must not keep the others waiting
            logger.exception("A reminder could not be told.")
    return done


@transaction.atomic
def _tell(key: int) -> bool:
    skip_locked = connection.features.has_select_for_update_skip_locked
    rows = Reminder.objects.select_for_update(skip_locked=skip_locked)
    now = timezone.now()
    reminder = rows.filter(pk=key, done_at__isnull=True, due_at__lte=now).first()
    if reminder is None:
        return False
    about = apps.get_model(reminder.about_type)._default_manager.filter(pk=reminder.about_id).first()
    if about is not None and now - reminder.due_at < Reminder.PATIENCE:
        _TELLERS[reminder.kind](about)
    reminder.done_at = now
    reminder.save(update_fields=["done_at"])
    return True
