"""Actions of approval: submit, return, approve, pause, resume, cancel. An approved text never changes."""

import datetime

from django.db import transaction
from django.utils import timezone
from django.utils.translation import pgettext

from services.accounts.models import User
from services.base.refusals import Refused
from services.messaging.models import UNSENT, MessageState, Queue
from services.messaging.outbox import wake_after_commit
from services.notices.news.lifecycle import lock_notice, message_queue_for, refusal_for_state, transition_notice
from services.notices.news.models import Notice, NoticeState, NoticeTranslationState


@transaction.atomic
def submit(notice: Notice, *, by: User) -> None:
    """Submit a notice for another person's approval. Refused until the source text has been reviewed."""
    notice = lock_notice(notice)
    _require_source_text(notice)
    transition_notice(notice, NoticeState.PENDING, by, "notices.submit", returned_because="")


@transaction.atomic
def send_back(notice: Notice, *, by: User, reason: str) -> None:
    """Return a notice to draft with a reason, also after its approval as long as sending has not started."""
    transition_notice(
        lock_notice(notice), NoticeState.DRAFT, by, "notices.send_back", approver=None, returned_because=reason
    )


@transaction.atomic
def approve(
    notice: Notice,
    *,
    by: User,
    scheduled_at: datetime.datetime | None = None,
    seen: datetime.datetime | None = None,
) -> None:
    """Approve a notice, to be sent at once or at a given time. Refused to anybody who wrote or edited it.

    seen: the `changed_at` of the text that the approver has read, if known; refused if it has changed since.
    """
    notice = lock_notice(notice)
    if by.public_id in notice.editors or by.pk == notice.author_id:
        raise Refused(pgettext("staff", "Someone else has to approve a notice that you have written or edited."))
    if seen and seen != notice.changed_at:
        raise Refused(
            pgettext("staff", "The text has changed since you opened the page. Read it again before you approve it.")
        )
    _require_source_text(notice)
    at = max(scheduled_at or timezone.now(), timezone.now())
    transition_notice(notice, NoticeState.APPROVED, by, "notices.approve", approver=by, scheduled_at=at)
    wake_after_commit(Queue.BULK)


def _require_source_text(notice: Notice) -> None:
    checked = notice.translations.filter(language=notice.source_language, state=NoticeTranslationState.REVIEWED)
    if not checked.exists():
        raise Refused(pgettext("staff", "Check the source text first."))


@transaction.atomic
def pause(notice: Notice, *, by: User) -> int:
    """Hold a notice's unsent messages; return their number. Messages being sent still arrive."""
    message_states = [MessageState.WAITING], MessageState.HELD
    return transition_notice(
        lock_notice(notice), NoticeState.PAUSED, by, "notices.pause", message_states=message_states
    )


@transaction.atomic
def resume(notice: Notice, *, by: User) -> int:
    """Resume sending; return the number of messages on hold."""
    notice = lock_notice(notice)
    if not notice.is_paused:
        raise Refused(refusal_for_state(notice))
    wake_after_commit(message_queue_for(notice))
    message_states = [MessageState.HELD], MessageState.WAITING
    return transition_notice(notice, NoticeState.SENDING, by, "notices.resume", message_states=message_states)


@transaction.atomic
def cancel(notice: Notice, *, by: User, reason: str = "") -> int:
    """Cancel a notice for good; return the number of withdrawn messages.

    Afterwards no worker claims another of its messages: each is either withdrawn here or was being sent already, and
    the progress page counts those.
    """
    notice = lock_notice(notice)
    if notice.is_emergency and notice.published_at:
        raise Refused(pgettext("staff", "You cannot cancel an emergency notice. End it instead."))
    message_states = UNSENT, MessageState.WITHDRAWN
    return transition_notice(
        notice, NoticeState.CANCELLED, by, "notices.cancel", reason=reason, message_states=message_states
    )
