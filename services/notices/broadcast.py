"""Broadcast an approved notice: create a message for everybody recipient it concerns.

Messages are created in batches of a thousand, each in one transaction with the notice's position, so that work
continues where it stopped after a crash.
"""

import datetime
import sys
from itertools import islice

from django.db import connection, models, transaction
from django.utils import timezone

from services.accounts.models import Resident
from services.audit.trail import record
from services.base.states import transition
from services.messaging.models import UNSENT, Message, MessageState
from services.messaging.outbox import preferred_channel, wake_after_commit
from services.messaging.reminders import schedule_reminder
from services.notices.message_kinds import BEFORE_END
from services.notices.news.lifecycle import lock_notice, message_kind_for, message_queue_for, messages_of
from services.notices.news.models import Notice, NoticeState
from services.notices.subscriptions.models import Subscription

BATCH_SIZE = 1000
WARN_BEFORE = datetime.timedelta(hours=1)


def begin_due_notices(most: int = sys.maxsize) -> int:
    """Publish the approved notices that are due and create their messages; return their number.

    most: the maximum number of batches for each notice. Safe to run concurrently.
    """
    written = 0
    for key in list(Notice.objects.due().values_list("pk", flat=True)):
        _publish_if_due(key)
        for _time in range(most):
            rows = _write_batch(key)
            if not rows:
                break
            written += rows
    return written


@transaction.atomic
def _publish_if_due(key: int) -> None:
    """Publish an approved notice in a transaction of its own, which creates no messages.

    PostgreSQL checks the foreign keys of new messages at commit and then waits for anybody who is unsubscribing. If
    this transaction also held the audit chain head, for which they wait, there would be a deadlock.
    """
    skip_locked = connection.features.has_select_for_update_skip_locked
    due = Notice.objects.select_for_update(skip_locked=skip_locked).due().filter(pk=key, state=NoticeState.APPROVED)
    if notice := due.first():
        publish(notice)
        record(notice.approver, "notices.begin", notice)


@transaction.atomic
def _write_batch(key: int) -> int:
    """Create a notice's next batch of messages; return 0 if none is left or another worker is doing it."""
    skip_locked = connection.features.has_select_for_update_skip_locked
    notice = Notice.objects.select_for_update(skip_locked=skip_locked).due().filter(pk=key).first()
    if notice is None or notice.state != NoticeState.SENDING:
        return 0
    for name, recipients, make in _recipient_passes(notice):
        after = notice.written_up_to.get(name, 0)
        rows = list(recipients.filter(pk__gt=after).order_by("pk")[:BATCH_SIZE])
        if rows:
            messages = [make(notice, row) for row in rows]
            Message.objects.bulk_create([message for message in messages if message], ignore_conflicts=True)
            notice.written_up_to[name] = rows[-1].pk
            notice.save(update_fields=["written_up_to"])
            wake_after_commit(message_queue_for(notice))
            return len(rows)
    notice.written_at = timezone.now()
    notice.save(update_fields=["written_at"])
    return 0


def publish(notice: Notice) -> None:
    """Publish a locked notice; the next run of `begin_due_notices` creates its messages."""
    transition(notice, NoticeState.SENDING)
    notice.published_at = timezone.now()
    notice.save(update_fields=["state", "published_at"])
    if notice.is_emergency and notice.until:
        schedule_reminder(BEFORE_END, notice, at=notice.until - WARN_BEFORE)


def finish_sent_notices() -> int:
    """Mark the notices whose messages have all been processed as done; return their number."""
    finished = 0
    for notice in Notice.objects.filter(state=NoticeState.SENDING, written_at__isnull=False):
        with transaction.atomic():
            notice = lock_notice(notice)
            left = messages_of(notice).filter(state__in=[*UNSENT, MessageState.SENDING])
            if notice.state == NoticeState.SENDING and not left.exists():
                transition(notice, NoticeState.DONE)
                notice.save(update_fields=["state"])
                finished += 1
    return finished


# --- Recipients ---------------------------------------------------------------------------------


def subscribers_for(notice: Notice) -> models.QuerySet[Subscription]:
    """Return the subscriptions that a notice goes to: all of them in an emergency, else those to its topic."""
    subscriptions = Subscription.objects.active()
    if not notice.is_emergency:
        subscriptions = subscriptions.filter(topics=notice.topic_id)
    if notice.to_languages:
        subscriptions = subscriptions.filter(language__in=notice.to_languages)
    if notice.area:
        subscriptions = subscriptions.filter(area__in=["", notice.area])
    return subscriptions


def residents_to_warn(notice: Notice) -> models.QuerySet[Resident]:
    """Return the residents to warn, subscribed or not: everybody in an emergency, else nobody."""
    if not notice.is_emergency:
        return Resident.objects.none()
    residents = Resident.objects.select_related("user")
    return residents.filter(language__in=notice.to_languages) if notice.to_languages else residents


def recipients_reached(notice: Notice) -> models.QuerySet[Message]:
    """Return the messages of a notice that its readers have received, or may receive any moment."""
    return messages_of(notice).filter(state__in=[MessageState.SENT, MessageState.SENDING, MessageState.UNCLEAR])


def _recipient_passes(notice: Notice):
    """Return the groups of recipients as (name, rows, function that makes a message of a row)."""
    if notice.corrects_id:
        return [("messages", recipients_reached(notice.corrects), _to_same_reader)]
    return [
        ("subscriptions", subscribers_for(notice), _to_subscriber),
        ("residents", residents_to_warn(notice), _to_resident),
    ]


def _message(notice: Notice, **recipient) -> Message:
    return Message(
        kind=message_kind_for(notice).folder,
        idempotency_key=notice.public_id,
        about_type=notice._meta.label_lower,
        about_id=notice.pk,
        queue=message_queue_for(notice),
        expires_at=notice.until,
        **recipient,
    )


def _to_subscriber(notice: Notice, reader: Subscription) -> Message:
    return _message(
        notice,
        person=reader.address.lower(),
        channel=reader.channel,
        address=reader.address,
        language=reader.language,
        second_language=reader.second_language,
        recipient=reader,
    )


def _to_resident(notice: Notice, resident: Resident) -> Message | None:
    channel, address = preferred_channel(resident)
    if not address:
        return None
    return _message(
        notice,
        person=address.lower(),  # the address, not the person: those who have also subscribed get one message
        channel=channel,
        address=address,
        language=resident.language,
        resident=resident,
    )


def _to_same_reader(notice: Notice, message: Message) -> Message:
    same = (
        "person",
        "channel",
        "address",
        "language",
        "second_language",
        "resident_id",
        "recipient_type",
        "recipient_id",
    )
    return _message(notice, **{name: getattr(message, name) for name in same})


# --- Additional languages -----------------------------------------------------------------------


def recipients_waiting_for(notice: Notice, language: str) -> models.QuerySet[Message]:
    """Return the messages of people who read a language but got an emergency in another one.

    Includes messages that are being sent, which may have been rendered just before.
    """
    return recipients_reached(notice).filter(language=language).exclude(written_in=language)


def send_follow_up(notice: Notice, language: str) -> None:
    """Send an emergency again, in their own language, to people who got it in another one."""
    rows = recipients_waiting_for(notice, language).iterator(chunk_size=BATCH_SIZE)
    while batch := list(islice(rows, BATCH_SIZE)):
        follow_ups = [_to_same_reader(notice, message) for message in batch]
        for message in follow_ups:
            message.idempotency_key = f"{notice.public_id}:{language}"
        Message.objects.bulk_create(follow_ups, ignore_conflicts=True)
    if notice.state == NoticeState.DONE:
        transition(notice, NoticeState.SENDING)
        notice.save(update_fields=["state"])
    wake_after_commit(message_queue_for(notice))
