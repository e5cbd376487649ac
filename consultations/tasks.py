"""Scheduled jobs and reminders of the consultation desk."""

from celery import shared_task

from consultations.message_kinds import FOLLOW_UP_DUE
from consultations.records import tallies
from consultations.records.models import FollowUp
from services.messaging.outbox import notify


@shared_task
def tally_months() -> None:
    """Tally the months that have changed. Runs every 15 minutes; running it twice at once is safe."""
    tallies.tally_months()


def remind_of_follow_up(follow_up: FollowUp) -> None:
    """Remind the owner on the day a follow-up is due, without saying what or for whom: other staff see the ledger."""
    if follow_up.ended_at is None:
        notify(follow_up.owner, FOLLOW_UP_DUE, idempotency_key=f"due:{follow_up.due_on}")
