"""Close and reopen months. The figures of a closed month have been reported and no longer change."""

import datetime

from django.db import transaction
from django.utils import timezone
from django.utils.translation import pgettext

from consultations.records.access import refuse_without_role
from consultations.records.models import ClosedMonth
from consultations.records.tallies import tally_month
from consultations.statistics.closed_months import figures_to_close
from services.accounts.models import User
from services.accounts.roles import Role
from services.audit.trail import record
from services.base.refusals import Refused


@transaction.atomic
def close_month(month: datetime.date, *, by: User) -> ClosedMonth:
    """Close a month and store its figures. month: its first day.

    Raises `Refused` for a month that is not over or already closed. A consultation being logged at this moment is
    either in the figures or refused: our audit entry waits for its transaction, and its last check
    (`refuse_closed_months`) waits for ours.
    """
    _refuse_non_manager(by)
    if month >= timezone.localdate().replace(day=1):
        raise Refused(pgettext("staff", "This month is not over yet."))
    closing, is_new = ClosedMonth.objects.select_for_update().get_or_create(
        month=month, defaults={"closed_at": timezone.now(), "closed_by": by}
    )
    if not is_new and closing.is_closed:
        raise Refused(pgettext("staff", "This month is already closed."))
    closing.closed_at, closing.closed_by = timezone.now(), by
    closing.reopened_at, closing.reopened_by, closing.reason = None, None, ""
    record(by, "consultations.close_month", closing, changes=False)
    tally_month(month)
    closing.figures = figures_to_close(month)
    closing.save()
    return closing


@transaction.atomic
def reopen_month(month: datetime.date, *, by: User, reason: str) -> ClosedMonth:
    """Reopen a month; the reason goes into the audit trail. Raises `Refused` without one, or if it is not closed."""
    _refuse_non_manager(by)
    if not reason:
        raise Refused(pgettext("staff", "Enter a reason for reopening the month."))
    closing = ClosedMonth.objects.select_for_update().filter(month=month, reopened_at__isnull=True).first()
    if closing is None:
        raise Refused(pgettext("staff", "This month is not closed."))
    closing.reopened_at, closing.reopened_by, closing.reason = timezone.now(), by, reason
    closing.save()
    record(by, "consultations.reopen_month", closing, reason=reason, changes=False)
    return closing


def _refuse_non_manager(by: User) -> None:
    refuse_without_role(by, Role.MANAGER, pgettext("staff", "Only managers can close and reopen months."))
