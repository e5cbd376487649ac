"""The one verb with which every programme tells somebody something."""

import datetime
import logging
from collections.abc import Mapping
from functools import partial

from celery import current_app
from django.conf import settings
from django.db import connection, models, transaction
from kombu.exceptions import OperationalError as BrokerUnreachable

from services.accounts.models import Resident, User
from services.notices.channels import CHANNELS
from services.notices.models import ChannelCode, Message, MessageState, Promise, Queue

logger = logging.getLogger(__name__)


@transaction.atomic
def notify(
    to: Resident | User | str,
    kind: str,
    *,
    about: models.Model | None = None,
    language: str = "",
    occasion: str = "",
    context: Mapping[str, str] | None = None,
    channel: ChannelCode = ChannelCode.EMAIL,
    queue: Queue = Queue.PERSONAL,
    promise: Promise = Promise.MUST_ARRIVE,
    due_at: datetime.datetime | None = None,
    expires_at: datetime.datetime | None = None,
) -> list[Message]:
    """Write a message into the ledger, one row for each channel; they go once the caller's transaction has committed.

    to: a resident or user, told in their own language by the ways they have (and on "my page" if they sign in),
    or an address of `channel` with a `language`. kind: the folder of texts below templates/notices/. about: what
    it tells of; read when the message is sent, so the newest state is told. context: further words that the texts
    need, no objects. occasion: what makes a repeat the same message; without one each call is an occasion of its
    own. due_at: not before. expires_at: when it is of no use any more; it is not sent after that, and as what
    expires is a secret, it never stands on "my page".
    """
    row = {
        "language": language if isinstance(to, str) else to.language or language or settings.CITY.default_language,
        "context": dict(context or {}),
        "queue": queue,
        "promise": promise,
        "expires_at": expires_at,
    }
    if due_at:
        row["due_at"] = due_at
    if about is not None:
        row |= {"about_type": about._meta.label_lower, "about_id": about.pk}
    person, owners, ways = _whom(to, channel)
    written = []
    for way, address in ways:
        if way == ChannelCode.INBOX and expires_at:
            continue
        state = MessageState.SENT if way == ChannelCode.INBOX else MessageState.WAITING
        values = row | owners | {"address": address, "state": state}
        key = {"kind": kind, "person": person, "channel": way}
        written.append(_write(occasion, key, values))
    wake_after_commit(queue)
    return written


def _write(occasion: str, key: dict, values: dict) -> Message:
    if not occasion:
        return Message.objects.create(**key, **values)
    message, _made = Message.objects.get_or_create(occasion=occasion, **key, defaults=values)
    return message


def _whom(to: Resident | User | str, channel: str) -> tuple[str, dict, list[tuple[str, str]]]:
    """Who it is whatever their address, whose it is, and the ways to reach them."""
    if isinstance(to, str):
        return to.lower(), {}, [(channel, to)]
    if isinstance(to, User):
        return f"user:{to.pk}", {"user": to}, [(ChannelCode.EMAIL, to.email), (ChannelCode.INBOX, "")]
    ways = [way_to(to)]
    if to.user:
        ways.append((ChannelCode.INBOX, ""))
    return f"resident:{to.pk}", {"resident": to, "user": to.user}, ways


def way_to(resident: Resident) -> tuple[ChannelCode, str]:
    """The channel and address by which somebody is reached; the address is empty if there is none that we can use."""
    email = resident.email or (resident.user.email if resident.user else "")
    by_sms = not email and resident.phone and CHANNELS[ChannelCode.SMS].is_offered
    return (ChannelCode.SMS, resident.phone) if by_sms else (ChannelCode.EMAIL, email)


def number_to_call(resident: Resident) -> str:
    """The telephone number of somebody to whom nothing can be written; empty if something can."""
    return "" if way_to(resident)[1] else resident.phone


def wake_after_commit(queue: int) -> None:
    """Tell a worker once the transaction has committed, once however many rows it wrote."""
    if settings.CELERY_BROKER_URL and not any(call[1] is _WAKE[queue] for call in connection.run_on_commit):
        transaction.on_commit(_WAKE[queue])


def _wake(queue: str) -> None:
    """Wake a worker. If that fails, the periodic job finds the rows all the same."""
    try:
        current_app.send_task("services.notices.tasks.deliver_waiting", queue=queue, retry=False)
    except (BrokerUnreachable, OSError):
        logger.warning("Redis could not be reached; the periodic job will deliver.")


# Celery's queues; a worker takes the most urgent row whichever of them wakes it.
_WAKE = {
    Queue.URGENT: partial(_wake, "urgent"),
    Queue.EMERGENCY: partial(_wake, "urgent"),
    Queue.PERSONAL: partial(_wake, "personal"),
    Queue.BULK: partial(_wake, "bulk"),
}
