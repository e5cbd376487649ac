"""Closing a month: its figures have been reported and stand still."""

import datetime

from django.db import transaction
from django.utils import timezone
from django.utils.translation import pgettext

from consultations.actions.counting import count_month
from consultations.figures.closings import figures_of
from consultations.models import Closing
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
    """Let a month's figures move again; the reason stands in the trail. Refused without one, and for an open month."""
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


def _refuse_others(by: User) -> None:
    if not by.has_role(Role.MANAGER):
        raise Refused(pgettext("staff", "Only a manager closes and reopens months."))
