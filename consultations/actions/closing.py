"""Closing a month: its figures have been reported and stand still."""

import datetime
from collections import defaultdict

from django.db import transaction
from django.utils import timezone
from django.utils.translation import pgettext

from consultations.actions.counting import count_month
from consultations.models import Closing, Tally
from services.accounts.models import User
from services.accounts.roles import Role
from services.audit.trail import record
from services.base.refusals import Refused


@transaction.atomic
def close_month(month: datetime.date, *, by: User) -> Closing:
    """Let a month's figures stand still, and keep them as they are. month: its first day.

    Refused for a month that is not over, and for one that is closed. Whoever is logging at this moment is either in
    the figures or refused: the line in the trail waits for them, and what they ask last (`refuse_closed`) waits for us.
    """
    _refuse_others(by)
    if month >= timezone.localdate().replace(day=1):
        raise Refused(pgettext("staff", "This month is not over yet."))
    closing, made = Closing.objects.select_for_update().get_or_create(
        month=month, defaults={"closed_at": timezone.now(), "closed_by": by}
    )
    if not made and closing.is_closed:
        raise Refused(pgettext("staff", "This month is closed already."))
    closing.closed_at, closing.closed_by = timezone.now(), by
    closing.reopened_at, closing.reopened_by, closing.reason = None, None, ""
    record(by, "consultations.close_month", closing, changes=False)
    count_month(month)
    closing.figures = figures_of(month)
    closing.save()
    return closing


@transaction.atomic
def reopen_month(month: datetime.date, *, by: User, reason: str) -> Closing:
    """Let a month's figures move again. The reason stands in the trail. Refused without one, or where none is closed."""
    _refuse_others(by)
    if not reason:
        raise Refused(pgettext("staff", "Please say why the month is reopened."))
    closing = Closing.objects.select_for_update().filter(month=month, reopened_at__isnull=True).first()
    if closing is None:
        raise Refused(pgettext("staff", "This month is not closed."))
    closing.reopened_at, closing.reopened_by, closing.reason = timezone.now(), by, reason
    closing.save()
    record(by, "consultations.reopen_month", closing, reason=reason, changes=False)
    return closing


def figures_of(month: datetime.date) -> dict[str, dict[str, list[int]]]:
    """A month's tallies by dimension and value: consultations, topics, minutes; what is restricted is in them."""
    return figures_of_months([month]).get(month, {})


def figures_of_months(months) -> dict[datetime.date, dict[str, dict[str, list[int]]]]:
    """The same for several months, those without any left out."""
    found: dict = defaultdict(lambda: defaultdict(dict))
    rows = Tally.objects.filter(month__in=months).order_by("month", "dimension", "value")
    for month, dimension, value, *figures in rows.values_list(
        "month", "dimension", "value", "consultations", "topics", "minutes"
    ):
        before = found[month][dimension].get(value, [0, 0, 0])
        found[month][dimension][value] = [one + more for one, more in zip(before, figures, strict=True)]
    return {month: {name: dict(values) for name, values in by.items()} for month, by in found.items()}


def _refuse_others(by: User) -> None:
    if not by.has_role(Role.MANAGER):
        raise Refused(pgettext("staff", "Only a manager closes and reopens months."))
