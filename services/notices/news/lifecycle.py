"""The steps that all actions on a notice share: lock it, change its state and its messages', write the audit entry.

All code takes locks in the same order: the notice, its readers (subscriptions, residents), their messages, and the
audit chain head last. Whoever holds the chain head never waits for another lock.
"""

from collections import Counter
from collections.abc import Iterable

from django.db import models
from django.utils import timezone
from django.utils.translation import pgettext, pgettext_lazy

from services.accounts.models import User
from services.audit.trail import record
from services.base.refusals import Refused
from services.base.states import transition
from services.messaging.kinds import MessageKind
from services.messaging.models import Message, MessageState, Queue
from services.notices.message_kinds import EMERGENCY, NEWS
from services.notices.news.models import Notice, NoticeState

KINDS = (NEWS.folder, EMERGENCY.folder)
UNSENT_STATES = (NoticeState.DRAFT, NoticeState.PENDING, NoticeState.APPROVED)
NOT_SENT_YET = pgettext_lazy("staff", "This notice has not been sent to anyone yet. Cancel it or return it to draft.")


def lock_notice(notice: Notice) -> Notice:
    """Lock a notice until the transaction ends; return it as it is in the database."""
    return Notice.objects.select_for_update().get(pk=notice.pk)


def transition_notice(
    notice: Notice, state: NoticeState, by: User | None, action: str, *, reason: str = "", message_states=(), **fields
) -> int:
    """Change the state of a locked notice and its messages, and write an audit entry; return the number of messages.

    message_states: the messages' old states and the new one. fields: other columns to set. Raise Refused if the state
    does not allow the transition. Messages change before the audit entry is written, because unsubscribing also locks
    messages first and the audit chain head last: the other order could deadlock.
    """
    if state not in notice.TRANSITIONS[notice.state]:
        raise Refused(refusal_for_state(notice))
    transition(notice, state)
    for name, value in fields.items():
        setattr(notice, name, value)
    notice.changed_at = timezone.now()
    notice.save(update_fields=["state", "changed_at", *fields])
    changed = set_message_states(notice, *message_states) if message_states else 0
    record(by, action, notice, fields=["state"], reason=reason)
    return changed


def refusal_for_state(notice: Notice) -> str:
    """Return the sentence for an action that the notice's state does not allow."""
    message = pgettext("staff", "You cannot do this now, because the status of the notice is “%(state)s”.")
    return message % {"state": notice.get_state_display()}


def set_message_states(notice: Notice, states: Iterable[str], to: MessageState) -> int:
    """Set the state of a notice's messages that are in one of `states`; return their number."""
    # Without `ended_at`, Message.RETENTION would never apply and the address would stay.
    ended_at = timezone.now() if to == MessageState.WITHDRAWN else None
    return messages_of(notice).filter(state__in=states).update(state=to, ended_at=ended_at)


def messages_of(notice: Notice) -> models.QuerySet[Message]:
    """Return the messages to a notice's readers, without the reminder to its author."""
    return Message.objects.about(notice).filter(kind__in=KINDS)


def message_kind_for(notice: Notice) -> MessageKind:
    """Return the kind of the messages that a notice sends."""
    return EMERGENCY if notice.is_emergency else NEWS


def message_queue_for(notice: Notice) -> Queue:
    """Return the queue of a notice's messages; only sign-in codes go before emergencies."""
    return Queue.EMERGENCY if notice.is_emergency else Queue.BULK


def notices_by_state() -> Counter[str]:
    """Count the notices in each state."""
    return Counter(dict(Notice.objects.order_by().values_list("state").annotate(models.Count("pk"))))
