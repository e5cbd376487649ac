"""Leases on messages: a worker locks a batch for two minutes, and records how each message ended."""

import datetime
import secrets

from django.db import connection, models, transaction
from django.utils import timezone

from services.base.states import transition
from services.messaging.channels import CHANNELS
from services.messaging.models import DeliveryGuarantee, Message, MessageState, Queue
from services.messaging.subjects import DeliveryDecision, decision_of

# The most rows in one claim. A crash may repeat them, and urgent messages wait until they have been sent.
BATCH_SIZE = {Queue.URGENT: 5, Queue.EMERGENCY: 100, Queue.PERSONAL: 10, Queue.BULK: 100}
WORKER_LOST = "Sending was interrupted."


@transaction.atomic
def claim() -> list[Message]:
    """Lock and lease the next batch of messages for this worker, for two minutes; an empty list if nothing is due.

    A batch never mixes queues, so that an urgent code never waits behind bulk messages. An AT_MOST_ONCE message is
    claimed alone, so that after a crash only that one is in doubt.
    """
    skip_locked = connection.features.has_select_for_update_skip_locked
    # With a join, PostgreSQL would read and sort all waiting messages for each batch.
    due = Message.objects.select_for_update(skip_locked=skip_locked).due()
    rows = list(due.prefetch_related("resident__user")[: max(BATCH_SIZE.values())])
    batch = _uniform_batch(rows)
    if batch:
        lease, until = secrets.token_urlsafe(16), timezone.now() + Message.LEASE
        Message.objects.filter(pk__in=[message.pk for message in batch]).update(
            state=MessageState.SENDING, attempts=models.F("attempts") + 1, lease=lease, leased_until=until
        )
        for message in batch:
            transition(message, MessageState.SENDING)
            message.attempts += 1
            message.lease, message.leased_until = lease, until
    return batch


def _uniform_batch(rows: list[Message]) -> list[Message]:
    """Return the first rows that may be in one batch: of the same queue and the same guarantee."""
    if rows and rows[0].guarantee == DeliveryGuarantee.AT_MOST_ONCE:
        return rows[:1]
    batch = []
    for message in rows:
        if (
            message.queue != rows[0].queue
            or message.guarantee != rows[0].guarantee
            or len(batch) == BATCH_SIZE[message.queue]
        ):
            break
        batch.append(message)
    return batch


@transaction.atomic
def release_expired_leases() -> None:
    """End the leases of lost workers: retry their messages, or leave them to staff where a repeat would do harm."""
    skip_locked = connection.features.has_select_for_update_skip_locked
    for message in Message.objects.select_for_update(skip_locked=skip_locked).lease_expired():
        is_idempotent = message.channel in CHANNELS and CHANNELS[message.channel].is_idempotent
        if message.guarantee == DeliveryGuarantee.AT_MOST_ONCE and not is_idempotent:
            finish([message], MessageState.UNCLEAR, WORKER_LOST)
        else:
            retry_or_fail(message, WORKER_LOST)


def leased_rows(messages: list[Message]):
    """Return those of the rows that this worker still leases: a slow worker may have lost its lease."""
    keys = [message.pk for message in messages]
    return Message.objects.filter(pk__in=keys, state=MessageState.SENDING, lease=messages[0].lease)


def unclaim(messages: list[Message], until: datetime.datetime | None = None) -> None:
    """Return claimed rows to the queue, as if they had never been claimed; until: not to be sent before."""
    due_at = {"due_at": until} if until else {}
    leased_rows(messages).update(
        state=MessageState.WAITING, attempts=models.F("attempts") - 1, lease="", leased_until=None, **due_at
    )


@transaction.atomic
def hold_unless_resumed(message: Message, subject: models.Model) -> None:
    """Lock the message's subject, and hold the claimed message unless the subject has been resumed since."""
    locked = type(subject)._default_manager.select_for_update().get(pk=subject.pk)
    is_paused = decision_of(locked, message) == DeliveryDecision.HOLD
    leased_rows([message]).update(
        state=MessageState.HELD if is_paused else MessageState.WAITING,
        attempts=models.F("attempts") - 1,
        lease="",
        leased_until=None,
    )


@transaction.atomic
def retry_or_fail(message: Message, cause: str) -> None:
    """Return a claimed row to the queue for its next attempt, or mark it as failed after the last one."""
    if message.attempts > len(Message.RETRY_DELAYS):
        finish([message], MessageState.FAILED, cause)
        return
    due_at = timezone.now() + Message.RETRY_DELAYS[message.attempts - 1]
    if message.expires_at and due_at >= message.expires_at:
        finish([message], MessageState.FAILED, cause)
        return
    leased_rows([message]).update(state=MessageState.WAITING, lease="", leased_until=None, due_at=due_at, cause=cause)


def finish(messages: list[Message], state: MessageState, cause: str = "", *, written_in: str | models.F = "") -> None:
    """Record the outcome of claimed rows, in one statement, so that a crash leaves all of them or none.

    written_in: the language of what was sent. The context is emptied where it is not needed again, or is a secret.
    """
    values = {"state": state, "lease": "", "leased_until": None, "ended_at": timezone.now(), "cause": cause}
    if written_in:
        values["written_in"] = written_in
    # A sent message is not rendered again; what expires is a secret, which nobody may find here later.
    secret = [message for message in messages if message.context and (state == MessageState.SENT or message.expires_at)]
    others = [message for message in messages if message not in secret]
    if others:
        leased_rows(others).update(**values)
    if secret:
        leased_rows(secret).update(context={}, **values)
