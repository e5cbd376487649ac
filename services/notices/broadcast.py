"""From an approved notice to a message for everybody whom it concerns.

The ledger's rows are written a thousand at a time, each thousand in one transaction with the note of how far it got,
so that a crash goes on where it stopped.
"""

import datetime
import sys
from itertools import islice

from django.db import connection, models, transaction
from django.utils import timezone

from services.accounts.models import Resident
from services.audit.trail import record
from services.base.states import move
from services.notices.actions.reminding import remind
from services.notices.actions.steps import EMERGENCY, NEWS, locked, messages_of, queue_of
from services.notices.actions.telling import wake_after_commit, way_to
from services.notices.models import UNSENT, Message, MessageState, Notice, NoticeState, Subscription

AT_ONCE = 1000
WARN_BEFORE = datetime.timedelta(hours=1)


def begin_due_notices(most: int = sys.maxsize) -> int:
    """Begin what is approved and due and write the ledger's rows; returns how many rows. Safe to run twice at once.

    most: how often, for each notice, a thousand rows are written.
    """
    written = 0
    for key in list(Notice.objects.due().values_list("pk", flat=True)):
        _begin_if_due(key)
        for _time in range(most):
            rows = _write_some(key)
            if not rows:
                break
            written += rows
    return written


@transaction.atomic
def _begin_if_due(key: int) -> None:
    """Begin what is approved, in a transaction of its own.

    PostgreSQL looks at new rows' references when it commits, and waits there for whoever is leaving; had this one
    the trail's head in hand as well, for which that one waits, both would stand still.
    """
    skip_locked = connection.features.has_select_for_update_skip_locked
    due = Notice.objects.select_for_update(skip_locked=skip_locked).due().filter(pk=key, state=NoticeState.APPROVED)
    if notice := due.first():
        begin(notice)
        record(notice.approver, "notices.begin", notice)


@transaction.atomic
def _write_some(key: int) -> int:
    """Write the next thousand rows of a notice; 0 if there is nothing left, or another worker is at it."""
    skip_locked = connection.features.has_select_for_update_skip_locked
    notice = Notice.objects.select_for_update(skip_locked=skip_locked).due().filter(pk=key).first()
    if notice is None or notice.state != NoticeState.SENDING:
        return 0
    for name, readers, make in _passes(notice):
        after = notice.written_up_to.get(name, 0)
        rows = list(readers.filter(pk__gt=after).order_by("pk")[:AT_ONCE])
        if rows:
            messages = [make(notice, row) for row in rows]
            Message.objects.bulk_create([it for it in messages if it], ignore_conflicts=True)
            notice.written_up_to[name] = rows[-1].pk
            notice.save(update_fields=["written_up_to"])
            wake_after_commit(queue_of(notice))
            return len(rows)
    notice.written_at = timezone.now()
    notice.save(update_fields=["written_at"])
    return 0


def begin(notice: Notice) -> None:
    """Publish a locked notice; its rows are written by whoever looks next."""
    move(notice, NoticeState.SENDING)
    notice.published_at = timezone.now()
    notice.save(update_fields=["state", "published_at"])
    if notice.is_emergency and notice.until:
        remind("notices/staff/ends_soon", notice, at=notice.until - WARN_BEFORE)


def finish_sent_notices() -> int:
    """Note that nothing of a notice is on its way any more; returns how many have been finished."""
    finished = 0
    for notice in Notice.objects.filter(state=NoticeState.SENDING, written_at__isnull=False):
        with transaction.atomic():
            notice = locked(notice)
            left = messages_of(notice).filter(state__in=[*UNSENT, MessageState.SENDING])
            if notice.state == NoticeState.SENDING and not left.exists():
                move(notice, NoticeState.DONE)
                notice.save(update_fields=["state"])
                finished += 1
    return finished


# --- Whom it goes to ----------------------------------------------------------------------------


def audience(notice: Notice) -> models.QuerySet[Subscription]:
    """The subscriptions that a notice is for: everybody's in an emergency, else those to its topic."""
    readers = Subscription.objects.active()
    if not notice.is_emergency:
        readers = readers.filter(topics=notice.topic_id)
    if notice.to_languages:
        readers = readers.filter(language__in=notice.to_languages)
    if notice.area:
        readers = readers.filter(area__in=["", notice.area])
    return readers


def residents_to_warn(notice: Notice) -> models.QuerySet[Resident]:
    """In an emergency everybody whom the centre can reach is told, subscribed or not."""
    if not notice.is_emergency:
        return Resident.objects.none()
    residents = Resident.objects.select_related("user")
    return residents.filter(language__in=notice.to_languages) if notice.to_languages else residents


def reached(notice: Notice) -> models.QuerySet[Message]:
    """The messages that its readers have got, or may get any moment."""
    return messages_of(notice).filter(state__in=[MessageState.SENT, MessageState.SENDING, MessageState.UNCLEAR])


def _passes(notice: Notice):
    """Whom it goes to, as (name, rows, how a row becomes a message)."""
    if notice.corrects_id:
        return [("messages", reached(notice.corrects), _to_same_reader)]
    return [
        ("subscriptions", audience(notice), _to_subscriber),
        ("residents", residents_to_warn(notice), _to_resident),
    ]


def _message(notice: Notice, **whom) -> Message:
    return Message(
        kind=EMERGENCY if notice.is_emergency else NEWS,
        occasion=notice.public_id,
        about_type=notice._meta.label_lower,
        about_id=notice.pk,
        queue=queue_of(notice),
        expires_at=notice.until,
        **whom,
    )


def _to_subscriber(notice: Notice, reader: Subscription) -> Message:
    return _message(
        notice,
        person=reader.address.lower(),
        channel=reader.channel,
        address=reader.address,
        language=reader.language,
        second_language=reader.second_language,
        subscription=reader,
    )


def _to_resident(notice: Notice, resident: Resident) -> Message | None:
    channel, address = way_to(resident)
    if not address:
        return None
    return _message(
        notice,
        person=address.lower(),  # by address, not by person: who has subscribed as well is told once
        channel=channel,
        address=address,
        language=resident.language,
        resident=resident,
    )


def _to_same_reader(notice: Notice, message: Message) -> Message:
    same = ("person", "channel", "address", "language", "second_language", "resident_id", "subscription_id")
    return _message(notice, **{name: getattr(message, name) for name in same})


# --- One more language --------------------------------------------------------------------------


def waiting_for(notice: Notice, language: str) -> models.QuerySet[Message]:
    """The messages of those who read a language and got an emergency in another one.

    Those whose message is in a worker's hands are among them: it may have been written just before.
    """
    return reached(notice).filter(language=language).exclude(written_in=language)


def follow_up_in(notice: Notice, language: str) -> None:
    """Tell those who had to read an emergency in another language once more, in their own."""
    rows = waiting_for(notice, language).iterator(chunk_size=AT_ONCE)
    while some := list(islice(rows, AT_ONCE)):
        again = [_to_same_reader(notice, message) for message in some]
        for message in again:
            message.occasion = f"{notice.public_id}:{language}"
        Message.objects.bulk_create(again, ignore_conflicts=True)
    if notice.state == NoticeState.DONE:
        move(notice, NoticeState.SENDING)
        notice.save(update_fields=["state"])
    wake_after_commit(queue_of(notice))
