"""What staff can do with a message that failed."""

from django.db import transaction
from django.utils import timezone

from services.audit.trail import record
from services.base.states import InvalidTransition, transition
from services.messaging.models import Message, MessageState, Suppression
from services.messaging.outbox import wake_after_commit


@transaction.atomic
def try_again(message: Message, *, by) -> None:
    """Queue a message that failed, bounced or is unclear for another attempt, and lift its address's suppression."""
    message = _lock_failed(message)
    transition(message, MessageState.WAITING)
    message.attempts, message.due_at, message.ended_at, message.cause = 0, timezone.now(), None, ""
    message.save(update_fields=["state", "attempts", "due_at", "ended_at", "cause"])
    Suppression.objects.filter(channel=message.channel, address=message.address).delete()
    record(by, "messaging.try_again", message, changes=False)
    wake_after_commit(message.queue)


@transaction.atomic
def mark_delivered(message: Message, *, by) -> None:
    """Mark a message as sent, because somebody has found out that it arrived, or has told the person by phone."""
    message = _lock_failed(message)
    transition(message, MessageState.SENT)
    message.save(update_fields=["state"])
    record(by, "messaging.mark_delivered", message, changes=False)


def _lock_failed(message: Message) -> Message:
    """Lock and return the row. Raises InvalidTransition if it no longer needs attention: a worker may have it."""
    locked = Message.objects.needing_attention().select_for_update().filter(pk=message.pk).first()
    if locked is None:
        raise InvalidTransition("This message no longer needs attention.")
    return locked
