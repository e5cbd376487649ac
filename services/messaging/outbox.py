"""Adding messages to the ledger: `notify` is the one action by which every app writes to people."""

import datetime
import logging
from collections.abc import Mapping
from functools import partial

from celery import current_app
from django.conf import settings
from django.db import connection, models, transaction
from django.utils import timezone
from kombu.exceptions import OperationalError as BrokerUnreachable

from services.accounts.models import Resident, User
from services.messaging.channels import addressable_channels
from services.messaging.kinds import MessageKind
from services.messaging.models import EMAIL, INBOX, DeliveryGuarantee, Message, MessageState, Queue

logger = logging.getLogger(__name__)


@transaction.atomic
def notify(
    to: Resident | User | str,
    kind: MessageKind,
    *,
    about: models.Model | None = None,
    language: str = "",
    idempotency_key: str = "",
    context: Mapping[str, str] | None = None,
    channel: str = EMAIL,
    queue: Queue = Queue.PERSONAL,
    guarantee: DeliveryGuarantee = DeliveryGuarantee.AT_LEAST_ONCE,
    due_at: datetime.datetime | None = None,
    expires_at: datetime.datetime | None = None,
) -> list[Message]:
    """Add a message to the ledger, one row for each channel; delivery starts when the caller's transaction commits.

    to: a resident or user, who gets it in their own language by `preferred_channel` (and on "my page" if they can sign
    in), or an address on `channel` with a `language`. about: the object that the message is about, read only when the
    message is sent, so that it describes the latest state. context: further text for the templates, no objects.
    idempotency_key: a repeat with the same key is the same message; without one each call is a new message. due_at:
    not before. expires_at: not after; what expires is a secret, so it never appears on "my page".
    """
    row = {
        "language": language if isinstance(to, str) else to.language or language or settings.CITY.default_language,
        "context": dict(context or {}),
        "queue": queue,
        "guarantee": guarantee,
        "expires_at": expires_at,
    }
    if due_at:
        row["due_at"] = due_at
    if about is not None:
        row |= {"about_type": about._meta.label_lower, "about_id": about.pk}
    person, foreign_keys, addresses = _recipient(to, channel)
    messages = []
    for code, address in addresses:
        if code == INBOX and expires_at:
            continue
        state = MessageState.SENT if code == INBOX else MessageState.WAITING
        values = row | foreign_keys | {"address": address, "state": state}
        key = {"kind": kind.folder, "person": person, "channel": code}
        messages.append(_get_or_create_message(idempotency_key, key, values))
    wake_after_commit(queue)
    return messages


def _get_or_create_message(idempotency_key: str, key: dict, values: dict) -> Message:
    if not idempotency_key:
        return Message.objects.create(**key, **values)
    message, _created = Message.objects.get_or_create(idempotency_key=idempotency_key, **key, defaults=values)
    return message


def _recipient(to: Resident | User | str, channel: str) -> tuple[str, dict, list[tuple[str, str]]]:
    """Return who somebody is whatever their address, the message's foreign keys, and their channels with addresses."""
    if isinstance(to, str):
        return to.lower(), {}, [(channel, to)]
    if isinstance(to, User):
        return f"user:{to.pk}", {"user": to}, [(EMAIL, to.email), (INBOX, "")]
    addresses = [preferred_channel(to)]
    if to.user:
        addresses.append((INBOX, ""))
    return f"resident:{to.pk}", {"resident": to, "user": to.user}, addresses


def preferred_channel(resident: Resident) -> tuple[str, str]:
    """Return the code of the channel by which to reach a resident, and their address.

    That is the first configured channel, in order of rank, for which they gave an address; email with an empty address
    if there is none.
    """
    addresses = ((channel.code, channel.address_of(resident)) for channel in addressable_channels())
    return next(((code, address) for code, address in addresses if address), (EMAIL, ""))


def phone_if_unreachable(resident: Resident) -> str:
    """Return the phone number of a resident whom no message can reach; empty if one can."""
    return "" if preferred_channel(resident)[1] else resident.phone


def wake_after_commit(queue: int) -> None:
    """Wake a worker when the transaction has committed, once for all the messages it added to a queue."""
    if settings.CELERY_BROKER_URL and not any(call[1] is _WAKE[queue] for call in connection.run_on_commit):
        transaction.on_commit(_WAKE[queue])


def _wake(queue: str) -> None:
    """Wake a worker. If that fails, the periodic job finds the rows anyway."""
    try:
        current_app.send_task("services.messaging.tasks.deliver_due", queue=queue, retry=False)
    except (BrokerUnreachable, OSError):
        logger.warning("Redis could not be reached; the periodic job will deliver.")


# Celery's queues. A worker sends the most urgent row first, whichever queue woke it.
_WAKE = {
    Queue.URGENT: partial(_wake, "urgent"),
    Queue.EMERGENCY: partial(_wake, "urgent"),
    Queue.PERSONAL: partial(_wake, "personal"),
    Queue.BULK: partial(_wake, "bulk"),
}


def mark_as_read(message: Message) -> None:
    """Record when the person first opened the message."""
    Message.objects.filter(pk=message.pk, read_at__isnull=True).update(read_at=timezone.now())
