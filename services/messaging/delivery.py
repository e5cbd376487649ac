"""Delivering the ledger's messages.

`deliver_due` is called by a Celery task, by the embedded worker's thread, and by `manage.py deliver` from cron. It
claims a few rows, commits, talks to the provider with no transaction open, and records the outcome. If a worker dies
before it has done so, the next one takes its rows when their lease has expired.
"""

import datetime
import logging
import math
import time
from collections import defaultdict
from collections.abc import Callable, Iterable
from contextlib import ExitStack

from django.apps import apps
from django.db import models
from django.utils import timezone

from services.audit.trail import content_version
from services.messaging.bounces import back_off, domains_backing_off, suppress
from services.messaging.channels import CHANNELS
from services.messaging.channels.errors import DeliveryUnknownError, PermanentDeliveryError, TemporaryDeliveryError
from services.messaging.leases import (
    claim,
    finish,
    hold_unless_resumed,
    leased_rows,
    release_expired_leases,
    retry_or_fail,
    unclaim,
)
from services.messaging.models import DeliveryGuarantee, Heartbeat, Message, MessageState, Queue, Suppression
from services.messaging.recipients import load_recipients, reason_not_to_send
from services.messaging.rendering import CannotRender, RenderedMessage, prefetch_context, render_message
from services.messaging.subjects import DeliveryDecision, decision_of

logger = logging.getLogger(__name__)

# Called before each delivery. An app above this one adds a function that may write messages and returns how many.
BEFORE_DELIVERY: list[Callable[[], int]] = []
# Seconds. The rest of a batch that takes longer is unclaimed, so that nothing urgent waits behind a slow server.
LONGEST_BATCH = 2.0
TOO_LATE = "The message was not sent, because it would have arrived too late."
NO_ADDRESS = "This person has not given any contact details."
BLOCKED_ADDRESS = "Email to this address bounced, so we no longer send to it."
NEEDS_STAFF = {TOO_LATE, NO_ADDRESS, BLOCKED_ADDRESS}  # the other reasons not to send are not failures


def deliver_due(worker: str, limit: int = 1000, seconds: float = math.inf) -> int:
    """Deliver the messages that are due, until none is left; returns how many were tried.

    limit, seconds: no further batch is claimed after so many messages, or after so long.
    """
    end = time.monotonic() + seconds
    _record_heartbeat(worker)
    if Message.objects.lease_expired().exists():
        release_expired_leases()
    written = sum(write() for write in BEFORE_DELIVERY)
    if not Message.objects.due().exists():  # an idle worker only reads
        return written
    tried = 0
    with ExitStack() as connections:
        sender = BatchSender(connections)
        while tried < limit and time.monotonic() < end and (batch := claim()):
            tried += sender.send(batch)
    return tried


def _record_heartbeat(worker: str) -> None:
    """Record that the worker is alive, at most four times a minute."""
    now = timezone.now()
    if not Heartbeat.objects.filter(worker=worker, seen_at__gt=now - Heartbeat.PAUSE).exists():
        Heartbeat.objects.update_or_create(worker=worker, defaults={"seen_at": now})
        Heartbeat.objects.filter(seen_at__lt=now - Heartbeat.FORGOTTEN).delete()


class BatchSender:
    """Sends claimed batches. Keeps, during one delivery, the open connections and the rendered messages."""

    def __init__(self, connections: ExitStack):
        self.connections = connections
        self.senders = {}
        self.rendered: dict[tuple, RenderedMessage] = {}
        self.content_version = None
        self.backing_off: dict[str, datetime.datetime] = {}

    def send(self, batch: list[Message]) -> int:
        """Send a claimed batch and record the outcome of each message; returns how many were tried."""
        started, sent = time.monotonic(), defaultdict(list)
        self._discard_stale_messages()
        _update_addresses(batch)
        load_recipients(batch)
        about = _load_subjects(batch)
        # Most messages of a broadcast are already rendered; then only the notice itself is read again for each batch.
        prefetch_context(_subject_of(message, about) for message in batch if self._must_render(message, about))
        blocked = _blocked_messages(batch)
        self.backing_off = domains_backing_off({domain for message in batch if (domain := _backoff_domain(message))})
        try:
            return self._send_each(batch, about, blocked, started, sent)
        finally:  # whatever happened, record what was sent, or it would be sent twice
            for written_in, messages in sent.items():
                finish(messages, MessageState.SENT, written_in=written_in or models.F("language"))

    def _send_each(self, batch: list[Message], about: dict, blocked: dict, started: float, sent: dict) -> int:
        """Send one message after the other; `sent` collects those that were sent, by language if it is a fallback."""
        tried = 0
        for index, message in enumerate(batch):
            if index and time.monotonic() - started > LONGEST_BATCH:
                unclaim(batch[index:])
                break
            if self.backing_off and (until := self.backing_off.get(_backoff_domain(message))):
                unclaim([message], until)
                continue
            subject = _subject_of(message, about)
            if decision_of(subject, message) == DeliveryDecision.HOLD:
                hold_unless_resumed(message, subject)
                continue
            tried += 1
            if cause := blocked.get(message.pk) or _reason_not_to_send(message, about):
                needs_staff = cause in NEEDS_STAFF and not message.recipient_id
                finish([message], MessageState.FAILED if needs_staff else MessageState.WITHDRAWN, cause)
            elif rendered := self._send_one(message, about):
                # Messages in their readers' own languages are recorded in one statement, whatever the language.
                sent[rendered.written_in if rendered.is_fallback else None].append(message)
        return tried

    def _send_one(self, message: Message, about: dict) -> RenderedMessage | None:
        """Send one message, and return it rendered if it was sent. A failure is recorded at once."""
        try:
            rendered = self._render_cached(message, about)
            self._sender(message.channel)(message, rendered)
        except PermanentDeliveryError as fault:
            finish([message], MessageState.FAILED, str(fault))
            if fault.is_address_gone:
                suppress(message.channel, message.address, str(fault))
        except DeliveryUnknownError as fault:
            if message.guarantee == DeliveryGuarantee.AT_MOST_ONCE:
                finish([message], MessageState.UNCLEAR, str(fault))
            else:
                retry_or_fail(message, str(fault))
        except TemporaryDeliveryError as fault:
            if fault.slow_down and (domain := _backoff_domain(message)):
                self.backing_off[domain] = back_off(domain)
            retry_or_fail(message, str(fault))
        except CannotRender as fault:
            retry_or_fail(message, f"The text could not be created ({fault}).")
        except Exception as fault:  # one broken row must fail alone and never stop the others
            logger.exception("A message could not be sent.", extra={"message_id": message.public_id})
            retry_or_fail(message, f"The text could not be created ({type(fault).__name__}).")
        else:
            return rendered
        return None

    def _discard_stale_messages(self) -> None:
        """Discard the rendered messages if content has changed: a translation may have been approved since."""
        version = content_version()
        if version != self.content_version:
            self.rendered, self.content_version = {}, version

    def _sender(self, channel: str):
        if channel not in self.senders:
            self.senders[channel] = self.connections.enter_context(CHANNELS[channel].open())
        return self.senders[channel]

    def _render_cached(self, message: Message, about: dict) -> RenderedMessage:
        """Render a message; those without a context of their own once for each kind, subject and language."""
        subject = _subject_of(message, about)
        if message.context:
            return _render(message, subject)
        key = _cache_key(message)
        if key not in self.rendered:
            self.rendered[key] = _render(message, subject)
        return self.rendered[key]

    def _must_render(self, message: Message, about: dict) -> bool:
        is_cached = not message.context and _cache_key(message) in self.rendered
        return not is_cached and _subject_of(message, about) is not None


def _cache_key(message: Message) -> tuple:
    return message.kind, message.about_type, message.about_id, message.language, message.second_language


def _subject_of(message: Message, about: dict) -> models.Model | None:
    return about.get((message.about_type, message.about_id))


def _render(message: Message, about) -> RenderedMessage:
    return render_message(
        message.kind,
        message.language,
        second_language=message.second_language,
        about=about,
        context=message.context,
    )


def subjects_of(messages: Iterable[Message]) -> dict[tuple[str, int], models.Model]:
    """Return the objects that messages are about, by type and key, with all that rendering needs."""
    about = _load_subjects(messages)
    prefetch_context(about.values())
    return about


def _load_subjects(messages: Iterable[Message]) -> dict[tuple[str, int], models.Model]:
    """Return the objects that messages are about, by type and key, in one query for each type."""
    wanted = defaultdict(set)
    for message in messages:
        if message.about_type:
            wanted[message.about_type].add(message.about_id)
    return {
        (about_type, row.pk): row
        for about_type, keys in wanted.items()
        if (model := _model_for(about_type))
        for row in model._default_manager.filter(pk__in=keys)
    }


def _model_for(about_type: str) -> type[models.Model] | None:
    """Return a model by its label; None if it has been removed, so that one old row spoils no batch."""
    try:
        return apps.get_model(about_type)
    except (LookupError, ValueError):
        return None


def _blocked_messages(batch: list[Message]) -> dict[int, str]:
    """Return why some messages of a batch must not be sent, by key: their addresses are suppressed."""
    suppressed = set(
        Suppression.objects.filter(address__in={message.address for message in batch}).values_list("channel", "address")
    )
    return {
        message.pk: BLOCKED_ADDRESS
        for message in batch
        # Somebody who has just asked for a code or a link shows that the address works.
        if (message.channel, message.address) in suppressed and message.queue != Queue.URGENT
    }


def _reason_not_to_send(message: Message, about: dict) -> str:
    """Return why a message must not be sent any longer; empty if it may. It may have waited for hours."""
    if message.expires_at and message.expires_at <= timezone.now():
        return TOO_LATE
    if reason := reason_not_to_send(message):
        return reason
    if message.about_type:
        subject = _subject_of(message, about)
        if subject is None:
            return "The message was about something that no longer exists."
        if decision_of(subject, message) == DeliveryDecision.DROP:
            return "The message no longer applies to this person."
    if not message.address:  # Django would send an email to nobody and report success
        return NO_ADDRESS
    return ""


def _backoff_domain(message: Message) -> str:
    """Return the domain that may ask us to send less to it; empty if the message's channel has no domains."""
    channel = CHANNELS.get(message.channel)
    return channel.backoff_domain(message.address) if channel else ""


def _update_addresses(batch: list[Message]) -> None:
    """Replace addresses that residents have changed. The row stores them too, so that a bounce names the right one."""
    for message in batch:
        if message.resident and (current := _current_address(message)) != message.address:
            message.address = current
            leased_rows([message]).update(address=current)


def _current_address(message: Message) -> str:
    """Return the resident's address on the message's channel as it is now."""
    channel = CHANNELS.get(message.channel)
    return channel.address_of(message.resident) if channel else message.address
