"""Delivering what the ledger holds.

Whoever calls `deliver_waiting` (a Celery task, the embedded worker's thread, `manage.py deliver` from cron)
claims a few rows, commits, talks to the provider with no transaction open, and writes down what came of it.
What nobody wrote down belongs to whoever looks next, once its lease is over.
"""

import datetime
import logging
import math
import secrets
import time
from collections import defaultdict
from collections.abc import Iterable
from contextlib import ExitStack

from django.apps import apps
from django.db import connection, models, transaction
from django.utils import timezone

from services.audit.trail import public_edition, record
from services.base.states import WrongMove, move
from services.notices.actions.broadcasting import begin_due_notices
from services.notices.actions.subscribing import LEFT, leave
from services.notices.actions.telling import wake_after_commit
from services.notices.channels import CHANNELS, TryLater, Unclear, Undeliverable
from services.notices.composing import CannotBeWritten, Letter, compose, read_for_words
from services.notices.models import (
    ChannelCode,
    Heartbeat,
    Message,
    MessageState,
    Promise,
    Queue,
    Rest,
    Subscription,
    SubscriptionState,
    Suppression,
)

logger = logging.getLogger(__name__)

# How many rows a claim takes at most: a crash may repeat those, and what is urgent waits for them.
AT_ONCE = {Queue.URGENT: 5, Queue.EMERGENCY: 100, Queue.PERSONAL: 10, Queue.BULK: 100}
LONGEST_BATCH = 2.0  # seconds; what a slow server left of a batch goes back, so that nothing urgent waits behind it
LOST = "The worker was lost while sending."
TOO_LATE = "It would have come too late."
NO_ADDRESS = "This person has given no address."
SUPPRESSED = "This address sent mail back; nothing is sent there any more."
NEEDS_SOMEBODY = {TOO_LATE, NO_ADDRESS, SUPPRESSED}  # the other reasons not to send are as they should be


def deliver_waiting(worker: str, limit: int = 1000, seconds: float = math.inf) -> int:
    """Deliver messages whose time has come until none is left; returns how many were tried.

    limit, seconds: no further batch is claimed once so many were tried or so long ago it began.
    """
    end = time.monotonic() + seconds
    _show_alive(worker)
    if Message.objects.lost().exists():
        end_lost_leases()
    # What was approved a moment ago does not wait for the periodic job; a thousand rows, then whatever is more urgent.
    written = begin_due_notices(most=1)
    if not Message.objects.due().exists():  # so that an idle worker only reads
        return written
    tried = 0
    with ExitStack() as lines:
        post_office = _PostOffice(lines)
        while tried < limit and time.monotonic() < end and (batch := claim()):
            tried += post_office.send(batch)
    return tried


def _show_alive(worker: str) -> None:
    """Write a heartbeat, four times a minute at most."""
    now = timezone.now()
    if not Heartbeat.objects.filter(worker=worker, seen_at__gt=now - Heartbeat.PAUSE).exists():
        Heartbeat.objects.update_or_create(worker=worker, defaults={"seen_at": now})
        Heartbeat.objects.filter(seen_at__lt=now - Heartbeat.FORGOTTEN).delete()


@transaction.atomic
def claim() -> list[Message]:
    """Take the next messages for this worker alone, for two minutes; none if nothing is due.

    They are of one queue, so that what somebody waits for is never in one batch with what they do not; one that
    must not be repeated comes alone, so that a crash leaves only itself in doubt.
    """
    skip_locked = connection.features.has_select_for_update_skip_locked
    # Joined, PostgreSQL would read and sort all that is waiting, for each batch anew.
    due = Message.objects.select_for_update(skip_locked=skip_locked).due()
    rows = list(due.prefetch_related("subscription", "resident__user")[: max(AT_ONCE.values())])
    batch = _of_one_kind(rows)
    if batch:
        lease, until = secrets.token_urlsafe(16), timezone.now() + Message.LEASE
        Message.objects.filter(pk__in=[message.pk for message in batch]).update(
            state=MessageState.SENDING, attempts=models.F("attempts") + 1, lease=lease, leased_until=until
        )
        for message in batch:
            move(message, MessageState.SENDING)
            message.attempts += 1
            message.lease, message.leased_until = lease, until
    return batch


def _of_one_kind(rows: list[Message]) -> list[Message]:
    if rows and rows[0].promise == Promise.MUST_NOT_REPEAT:
        return rows[:1]
    batch = []
    for message in rows:
        if message.queue != rows[0].queue or message.promise != rows[0].promise or len(batch) == AT_ONCE[message.queue]:
            break
        batch.append(message)
    return batch


@transaction.atomic
def end_lost_leases() -> None:
    """Give back what a lost worker held: to be sent again, or to the staff's list where a repeat would do harm."""
    skip_locked = connection.features.has_select_for_update_skip_locked
    for message in Message.objects.select_for_update(skip_locked=skip_locked).lost():
        if message.promise == Promise.MUST_NOT_REPEAT and not CHANNELS[message.channel].drops_repeats:
            _end([message], MessageState.UNCLEAR, LOST)
        else:
            _try_later(message, LOST)


class _PostOffice:
    """One delivery's open connections, the letters it has written and the objects they tell of."""

    def __init__(self, lines: ExitStack):
        self.lines = lines
        self.senders = {}
        self.letters: dict[tuple, Letter] = {}
        self.edition = None
        self.resting: dict[str, datetime.datetime] = {}

    def send(self, batch: list[Message]) -> int:
        """Send a claimed batch and write down what came of each; returns how many were tried."""
        began, sent = time.monotonic(), defaultdict(list)
        self._forget_old_letters()
        _take_newest_addresses(batch)
        about = _objects_of(batch)
        # Most letters of a broadcast are written already; its notice alone is read anew for each batch.
        read_for_words(_told_of(message, about) for message in batch if self._is_unwritten(message, about))
        hindered = _hindrances(batch)
        self.resting = _resting(batch)
        try:
            return self._send_each(batch, about, hindered, began, sent)
        finally:  # whatever happened in between, what has gone out is written down, or it would go out twice
            for written_in, messages in sent.items():
                _end(messages, MessageState.SENT, written_in=written_in or models.F("language"))

    def _send_each(self, batch: list[Message], about: dict, hindered: dict, began: float, sent: dict) -> int:
        """Send one after the other; `sent` collects what went out, by the language that it is noted in."""
        tried = 0
        for place, message in enumerate(batch):
            if place and time.monotonic() - began > LONGEST_BATCH:
                _give_back(batch[place:])
                break
            if message.channel == ChannelCode.EMAIL and (until := self.resting.get(_domain(message.address))):
                _give_back([message], until)
                continue
            told_of = _told_of(message, about)
            if getattr(told_of, "is_paused", False):
                _hold(message, told_of)
                continue
            tried += 1
            if cause := hindered.get(message.pk) or _not_any_more(message, about):
                needs_somebody = cause in NEEDS_SOMEBODY and not message.subscription_id
                _end([message], MessageState.FAILED if needs_somebody else MessageState.WITHDRAWN, cause)
            elif letter := self._try(message, about):
                # Who got it in their own language is one statement, whatever the language.
                sent[letter.written_in if letter.is_fallback else None].append(message)
        return tried

    def _try(self, message: Message, about: dict) -> Letter | None:
        """Send one message; the letter if it went out. What went wrong is written down at once."""
        try:
            letter = self._letter(message, about)
            self._sender(message.channel)(message, letter)
        except Undeliverable as fault:
            _end([message], MessageState.FAILED, str(fault))
            if fault.is_address_gone:
                suppress(message.channel, message.address, str(fault))
        except Unclear as fault:
            if message.promise == Promise.MUST_NOT_REPEAT:
                _end([message], MessageState.UNCLEAR, str(fault))
            else:
                _try_later(message, str(fault))
        except TryLater as fault:
            if fault.slow_down and message.channel == ChannelCode.EMAIL:
                domain = _domain(message.address)
                self.resting[domain] = _let_rest(domain)
            _try_later(message, str(fault))
        except CannotBeWritten as fault:
            _try_later(message, f"The text could not be made: {fault}.")
        except Exception as fault:  # a poisoned row must end as its own failure, never stop the others
            logger.exception("A message could not be sent.", extra={"message_id": message.public_id})
            _try_later(message, f"The text could not be made: {type(fault).__name__}.")
        else:
            return letter
        return None

    def _forget_old_letters(self) -> None:
        """Somebody may have checked another language since: then whoever comes next gets it."""
        edition = public_edition()
        if edition != self.edition:
            self.letters, self.edition = {}, edition

    def _sender(self, channel: str):
        if channel not in self.senders:
            self.senders[channel] = self.lines.enter_context(CHANNELS[channel].open())
        return self.senders[channel]

    def _letter(self, message: Message, about: dict) -> Letter:
        told_of = _told_of(message, about)
        if message.context:
            return _compose(message, told_of)
        key = _letter_key(message)
        if key not in self.letters:
            self.letters[key] = _compose(message, told_of)
        return self.letters[key]

    def _is_unwritten(self, message: Message, about: dict) -> bool:
        is_kept = not message.context and _letter_key(message) in self.letters
        return not is_kept and _told_of(message, about) is not None


def _letter_key(message: Message) -> tuple:
    return message.kind, message.about_type, message.about_id, message.language, message.second_language


def _told_of(message: Message, about: dict) -> models.Model | None:
    return about.get((message.about_type, message.about_id))


def _compose(message: Message, about) -> Letter:
    return compose(
        message.kind,
        message.language,
        second_language=message.second_language,
        about=about,
        context=message.context,
    )


def objects_told_of(messages: Iterable[Message]) -> dict[tuple[str, int], models.Model]:
    """The objects that messages tell of, by type and key, with all that their words are made from."""
    about = _objects_of(messages)
    read_for_words(about.values())
    return about


def _objects_of(messages: Iterable[Message]) -> dict[tuple[str, int], models.Model]:
    """The objects alone, in one query for each type."""
    wanted = defaultdict(set)
    for message in messages:
        if message.about_type:
            wanted[message.about_type].add(message.about_id)
    return {
        (about_type, row.pk): row
        for about_type, keys in wanted.items()
        if (model := _model(about_type))
        for row in model._default_manager.filter(pk__in=keys)
    }


def _model(about_type: str) -> type[models.Model] | None:
    """A model by its label; None if it is not there any more, so that one old row spoils no batch."""
    try:
        return apps.get_model(about_type)
    except (LookupError, ValueError):
        return None


def _hindrances(batch: list[Message]) -> dict[int, str]:
    """Why some of a batch must not go out: addresses that take no more mail."""
    suppressed = set(
        Suppression.objects.filter(address__in={message.address for message in batch}).values_list("channel", "address")
    )
    return {
        message.pk: SUPPRESSED
        for message in batch
        # Who has asked for a code or a link a moment ago shows that the address lives.
        if (message.channel, message.address) in suppressed and message.queue != Queue.URGENT
    }


def _not_any_more(message: Message, about: dict) -> str:
    """Why a message is of no use any more, looked at again just before it goes: it may have waited for hours."""
    if message.expires_at and message.expires_at <= timezone.now():
        return TOO_LATE
    if message.subscription and message.subscription.state != SubscriptionState.ACTIVE:
        return LEFT
    if message.about_type:
        told_of = _told_of(message, about)
        if told_of is None:
            return "What it was about is not there any more."
        if hasattr(told_of, "still_concerns") and not told_of.still_concerns(message):
            return "It does not concern this person any more."
    if not message.address:  # Django would send it to nobody and call that sent
        return NO_ADDRESS
    return ""


def _take_newest_addresses(batch: list[Message]) -> None:
    """Write to where people are now; kept in the row, so that a mail that comes back names the right address."""
    for message in batch:
        if message.resident and (newest := _newest_address(message)) != message.address:
            message.address = newest
            _held([message]).update(address=newest)


def _newest_address(message: Message) -> str:
    resident = message.resident
    if message.channel == ChannelCode.EMAIL:
        return resident.email or (resident.user.email if resident.user else "")
    return resident.phone if message.channel == ChannelCode.SMS else message.address


def _domain(address: str) -> str:
    return address.rpartition("@")[2].lower()


def _resting(batch: list[Message]) -> dict[str, datetime.datetime]:
    """Mail domains that asked us to slow down, and until when."""
    domains = {_domain(message.address) for message in batch if message.channel == ChannelCode.EMAIL}
    return dict(Rest.objects.filter(domain__in=domains, until__gt=timezone.now()).values_list("domain", "until"))


@transaction.atomic
def _let_rest(domain: str) -> datetime.datetime:
    """Leave a domain alone for a while, and say until when; longer each time, as at first after a quiet day."""
    now = timezone.now()
    rest, made = Rest.objects.select_for_update().get_or_create(domain=domain, defaults={"until": now + Rest.LADDER[0]})
    if not made and rest.until <= now:  # several workers may hear it at once: that is one time
        rest.times = 1 if rest.until < now - datetime.timedelta(days=1) else min(rest.times + 1, len(Rest.LADDER))
        rest.until = now + Rest.LADDER[rest.times - 1]
        rest.save()
    return rest.until


def _held(messages: list[Message]):
    """Those of the rows that are still this worker's: a slow one may have lost its lease, and the rows with it."""
    keys = [message.pk for message in messages]
    return Message.objects.filter(pk__in=keys, state=MessageState.SENDING, lease=messages[0].lease)


def _give_back(messages: list[Message], until: datetime.datetime | None = None) -> None:
    """Let rows wait again as if they had never been claimed; until: not before."""
    due_at = {"due_at": until} if until else {}
    _held(messages).update(
        state=MessageState.WAITING, attempts=models.F("attempts") - 1, lease="", leased_until=None, **due_at
    )


@transaction.atomic
def _hold(message: Message, told_of: models.Model) -> None:
    """Keep back what was claimed just before its notice was paused, unless it has gone on since."""
    is_paused = type(told_of)._default_manager.select_for_update().get(pk=told_of.pk).is_paused
    _held([message]).update(
        state=MessageState.HELD if is_paused else MessageState.WAITING,
        attempts=models.F("attempts") - 1,
        lease="",
        leased_until=None,
    )


@transaction.atomic
def _try_later(message: Message, cause: str) -> None:
    """Let a row wait for its next try, or end it if there is none."""
    if message.attempts > len(Message.LADDER):
        _end([message], MessageState.FAILED, cause)
        return
    due_at = timezone.now() + Message.LADDER[message.attempts - 1]
    if message.expires_at and due_at >= message.expires_at:
        _end([message], MessageState.FAILED, cause)
        return
    _held([message]).update(state=MessageState.WAITING, lease="", leased_until=None, due_at=due_at, cause=cause)


def _end(messages: list[Message], state: MessageState, cause: str = "", *, written_in: str | models.F = "") -> None:
    """Write down how rows ended; in one statement, so that a crash leaves all of them or none."""
    values = {"state": state, "lease": "", "leased_until": None, "ended_at": timezone.now(), "cause": cause}
    if written_in:
        values["written_in"] = written_in
    # What was sent needs its words no more; what expires is a secret, and nobody may find it here later.
    secret = [message for message in messages if message.context and (state == MessageState.SENT or message.expires_at)]
    others = [message for message in messages if message not in secret]
    if others:
        _held(others).update(**values)
    if secret:
        _held(secret).update(context={}, **values)


@transaction.atomic
def suppress(channel: str, address: str, reason: str) -> None:
    """Send nothing more to an address, and end its subscription."""
    _row, made = Suppression.objects.get_or_create(channel=channel, address=address, defaults={"reason": reason})
    if made:
        active = Subscription.objects.active().filter(channel=channel, address=address)
        for subscription in active:
            leave(subscription)
        record(None, "notices.suppress", fields=["address"], reason=reason, changes=False)


@transaction.atomic
def trust_again(suppression: Suppression, *, by) -> None:
    """Send to an address again: whoever owns it has said that it works. A subscription that it had stays ended."""
    suppression.delete()
    record(by, "notices.trust_again", fields=["address"], changes=False)


@transaction.atomic
def take_bounce(public_id: str, *, for_good: bool, cause: str) -> bool:
    """Note that a message came back. for_good: its address takes no mail at all. Returns whether we know it."""
    _lock_reader_of(public_id)
    message = Message.objects.select_for_update().filter(public_id=public_id).first()
    if message is None or message.state != MessageState.SENT:
        return message is not None
    move(message, MessageState.BOUNCED)
    message.cause = cause[:200]
    message.save(update_fields=["state", "cause"])
    if for_good and message.address:  # who has left meanwhile has none here any more
        suppress(message.channel, message.address, cause[:200])
    return True


def _lock_reader_of(public_id: str) -> None:
    """Lock the subscription of a message's address before the message, as whoever leaves does: it may be ended too."""
    for channel, address in Message.objects.filter(public_id=public_id).values_list("channel", "address"):
        list(Subscription.objects.select_for_update().filter(channel=channel, address=address))


@transaction.atomic
def try_again(message: Message, *, by) -> None:
    """Send once more what failed, came back or is unclear; the address is trusted again."""
    message = _in_trouble(message)
    move(message, MessageState.WAITING)
    message.attempts, message.due_at, message.ended_at, message.cause = 0, timezone.now(), None, ""
    message.save(update_fields=["state", "attempts", "due_at", "ended_at", "cause"])
    Suppression.objects.filter(channel=message.channel, address=message.address).delete()
    record(by, "notices.try_again", message, changes=False)
    wake_after_commit(message.queue)


@transaction.atomic
def call_it_sent(message: Message, *, by) -> None:
    """Close an unclear one: somebody has found out that it arrived."""
    message = _in_trouble(message)
    move(message, MessageState.SENT)
    message.save(update_fields=["state"])
    record(by, "notices.call_it_sent", message, changes=False)


def _in_trouble(message: Message) -> Message:
    """The row, locked. Raises WrongMove if somebody was faster: what a worker holds now may not be moved under it."""
    found = Message.objects.in_trouble().select_for_update().filter(pk=message.pk).first()
    if found is None:
        raise WrongMove("This message is not in trouble any more.")
    return found
