"""Deciding on a notice: asked for, approved by another person, paused, cancelled. What is approved stands still."""

import datetime

from django.db import transaction
from django.utils import timezone
from django.utils.translation import pgettext

from services.accounts.models import User
from services.base.refusals import Refused
from services.notices.actions.steps import locked, not_now, queue_of, take_step
from services.notices.actions.telling import wake_after_commit
from services.notices.models import UNSENT, MessageState, Notice, NoticeState, Queue, WordingState


@transaction.atomic
def submit(notice: Notice, *, by: User) -> None:
    """Ask for another person's approval. Refused while the source text is not checked."""
    notice = locked(notice)
    _insist_on_source(notice)
    take_step(notice, NoticeState.PENDING, by, "notices.submit", returned_because="")


@transaction.atomic
def send_back(notice: Notice, *, by: User, reason: str) -> None:
    """Return it to its author with a reason, or take back what was approved and has not begun."""
    take_step(locked(notice), NoticeState.DRAFT, by, "notices.send_back", approver=None, returned_because=reason)


@transaction.atomic
def approve(
    notice: Notice,
    *,
    by: User,
    scheduled_at: datetime.datetime | None = None,
    seen: datetime.datetime | None = None,
) -> None:
    """Let it go out, at once or at a time. Refused to whoever wrote any of it: four eyes see what two do not.

    seen: when the text that the approver has read was changed last, if they say so; refused if it has changed since.
    """
    notice = locked(notice)
    if by.public_id in notice.editors or by.pk == notice.author_id:
        raise Refused(pgettext("staff", "Another person has to approve what you wrote."))
    if seen and seen != notice.changed_at:
        raise Refused(pgettext("staff", "The text has changed since you opened the page. Please read it again."))
    _insist_on_source(notice)
    at = max(scheduled_at or timezone.now(), timezone.now())
    take_step(notice, NoticeState.APPROVED, by, "notices.approve", approver=by, scheduled_at=at)
    wake_after_commit(Queue.BULK)


def _insist_on_source(notice: Notice) -> None:
    checked = notice.wordings.filter(language=notice.source_language, state=WordingState.CHECKED)
    if not checked.exists():
        raise Refused(pgettext("staff", "Check the text in its own language first."))


@transaction.atomic
def pause(notice: Notice, *, by: User) -> int:
    """Keep back what has not gone out; returns how many messages. Those on their way arrive."""
    turn = [MessageState.WAITING], MessageState.HELD
    return take_step(locked(notice), NoticeState.PAUSED, by, "notices.pause", turn=turn)


@transaction.atomic
def resume(notice: Notice, *, by: User) -> int:
    """Go on; returns how many messages were waiting for it."""
    notice = locked(notice)
    if not notice.is_paused:
        raise Refused(not_now(notice))
    wake_after_commit(queue_of(notice))
    turn = [MessageState.HELD], MessageState.WAITING
    return take_step(notice, NoticeState.SENDING, by, "notices.resume", turn=turn)


@transaction.atomic
def cancel(notice: Notice, *, by: User, reason: str = "") -> int:
    """Stop it for good; returns how many messages will not go out.

    After this has returned no worker takes up another of its messages: each row is either withdrawn here or was
    already in a worker's hands, and the progress page counts those.
    """
    notice = locked(notice)
    if notice.is_emergency and notice.published_at:
        raise Refused(pgettext("staff", "An emergency is ended, not cancelled."))
    turn = UNSENT, MessageState.WITHDRAWN
    return take_step(notice, NoticeState.CANCELLED, by, "notices.cancel", reason=reason, turn=turn)
