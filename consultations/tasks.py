"""What the desk does when its time comes."""

from celery import shared_task

from consultations.actions import counting
from consultations.models import FollowUp
from services.notices.actions.reminding import teller
from services.notices.actions.telling import notify


@shared_task
def count_months() -> None:
    """Count the months that have to be counted anew. Each quarter of an hour by beat; two beats do no harm."""
    counting.count_months()


@teller("consultations/staff/follow_up_due")
def tell_that_a_follow_up_is_due(follow_up: FollowUp) -> None:
    """Whose it is hears on the day that something is due: not what, not about whom: the ledger is seen by others."""
    if follow_up.ended_at is None:
        notify(follow_up.owner, "consultations/staff/follow_up_due", occasion=f"due:{follow_up.due_on}")
