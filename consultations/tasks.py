"""What the desk tells when its time comes."""

from consultations.models import FollowUp
from services.notices.actions.reminding import teller
from services.notices.actions.telling import notify


@teller("consultations/follow_up_due")
def tell_that_a_follow_up_is_due(follow_up: FollowUp) -> None:
    """Whose it is hears on the day that something is due: not what, not about whom: the ledger is seen by others."""
    if follow_up.ended_at is None:
        notify(follow_up.owner, "consultations/follow_up_due", occasion=f"due:{follow_up.due_on}")
