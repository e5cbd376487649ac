"""What every verb on a notice has in common: lock it, move it, turn its messages over, write the line.

Locks are taken in one order by everybody: the notice, its readers (subscriptions, residents), their messages, and
the trail's head last. Who holds the head waits for nobody.
"""

from collections.abc import Iterable

from django.db import models
from django.utils import timezone
from django.utils.translation import pgettext, pgettext_lazy

from services.accounts.models import User
from services.audit.trail import record
from services.base.refusals import Refused
from services.base.states import move
from services.notices.models import Message, MessageState, Notice, NoticeState, Queue

NEWS, EMERGENCY = "notices/news", "notices/emergency"
KINDS = (NEWS, EMERGENCY)
BEFORE_SENDING = (NoticeState.DRAFT, NoticeState.PENDING, NoticeState.APPROVED)
NOBODY_YET = pgettext_lazy("staff", "Nobody has got it yet: cancel it, or take it back.")


def locked(notice: Notice) -> Notice:
    """The notice as the database has it now, nobody else's until the transaction ends."""
    return Notice.objects.select_for_update().get(pk=notice.pk)


def take_step(
    notice: Notice, state: NoticeState, by: User | None, action: str, *, reason: str = "", turn=(), **facts
) -> int:
    """Move a locked notice, with a line in the trail. What its state does not allow is refused in words.

    turn: from which states its messages go to which; returns how many did. They come before the line, as whoever
    leaves locks their messages first and the trail's head last: the other way round the two would wait for each other.
    """
    if state not in notice.MOVES[notice.state]:
        raise Refused(not_now(notice))
    move(notice, state)
    for name, value in facts.items():
        setattr(notice, name, value)
    notice.changed_at = timezone.now()
    notice.save(update_fields=["state", "changed_at", *facts])
    turned = turn_messages(notice, *turn) if turn else 0
    record(by, action, notice, fields=["state"], reason=reason)
    return turned


def not_now(notice: Notice) -> str:
    """Why a verb is refused that the notice's state does not allow."""
    told = pgettext("staff", "This cannot be done now: the notice is “%(state)s”.")
    return told % {"state": notice.get_state_display()}


def turn_messages(notice: Notice, states: Iterable[str], to: MessageState) -> int:
    """Let its messages in some states go to another one; returns how many did."""
    # Without an end its time would never be over, and the address would stay (Message.KEEPING).
    ended_at = timezone.now() if to == MessageState.WITHDRAWN else None
    return messages_of(notice).filter(state__in=states).update(state=to, ended_at=ended_at)


def messages_of(notice: Notice) -> models.QuerySet[Message]:
    """What was written to its readers; the reminder to its author is none of them."""
    return Message.objects.about(notice).filter(kind__in=KINDS)


def queue_of(notice: Notice) -> Queue:
    """An emergency goes before everything but a code that somebody is waiting for."""
    return Queue.EMERGENCY if notice.is_emergency else Queue.BULK
