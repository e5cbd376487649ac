"""Actions of emergencies: issue, add a language, end. They are never deleted."""

from django.db import transaction
from django.utils import timezone
from django.utils.translation import pgettext

from services.accounts.models import User
from services.audit.trail import record
from services.base.deferred_constraints import check_constraints_now
from services.base.refusals import Refused
from services.languages.registry import SPOKEN
from services.messaging.models import UNSENT, MessageState, Queue
from services.messaging.outbox import wake_after_commit
from services.notices.broadcast import publish, send_follow_up
from services.notices.news.drafts import has_text, mark_reviewed, search_text
from services.notices.news.lifecycle import NOT_SENT_YET, lock_notice, set_message_states
from services.notices.news.models import Notice, NoticeState, NoticeTranslation, NoticeTranslationState


@transaction.atomic
def issue(notice: Notice, *, by: User) -> Notice:
    """Send an emergency, made from a template, to everybody at once in all languages of the template.

    No second person has to approve it: the texts were checked in advance, and waiting costs lives
    (docs/adr/0010-notices.md). An update ends the emergency that it updates.
    """
    if notice.updates_id:
        earlier = lock_notice(notice.updates)
        if not earlier.is_current:  # updated already in another tab or by another person
            raise Refused(pgettext("staff", "This notice has already ended."))
        _end_emergency(earlier, by)
    notice.author, notice.state, notice.scheduled_at = by, NoticeState.APPROVED, timezone.now()
    notice.save()
    ready = [code for code in SPOKEN if has_text(notice, code)]
    NoticeTranslation.objects.bulk_create(
        NoticeTranslation(
            notice=notice,
            language=code,
            state=NoticeTranslationState.REVIEWED if code in ready else NoticeTranslationState.MISSING,
            checked_at=timezone.now() if code in ready else None,
            search_text=search_text(notice, code) if code in ready else "",
        )
        for code in SPOKEN
    )
    record(by, "notices.issue", notice, fields=["level", "area", "placeholders"])
    publish(notice)
    wake_after_commit(Queue.EMERGENCY)
    return notice


@transaction.atomic
def add_language(notice: Notice, language: str, *, title: str, body: str, by: User) -> NoticeTranslation:
    """Add a language to an issued emergency, and send it again to people who read that language.

    Adding a text also marks it as reviewed by `by`. Refused if the language has been sent: sent texts never change.
    """
    notice = lock_notice(notice)
    if not (notice.is_emergency and notice.is_current):
        raise Refused(pgettext("staff", "This notice has already ended."))
    if notice.translations.filter(language=language, state=NoticeTranslationState.REVIEWED).exists():
        raise Refused(
            pgettext(
                "staff", "The text in this language has already been sent. If it is wrong, update the emergency notice."
            )
        )
    texts = {f"{name}_{SPOKEN[language].column}": text for name, text in (("title", title), ("body", body))}
    for name, text in texts.items():
        setattr(notice, name, text)
    notice.save(update_fields=list(texts))
    send_follow_up(notice, language)
    check_constraints_now()
    return mark_reviewed(notice, language, by)


@transaction.atomic
def end(notice: Notice, *, by: User | None, reason: str = "") -> None:
    """End a notice: move it to the archive and withdraw its unsent messages."""
    notice = lock_notice(notice)
    if notice.published_at is None:
        raise Refused(NOT_SENT_YET)
    if notice.ended_at:
        raise Refused(pgettext("staff", "This notice has already ended."))
    _end_emergency(notice, by, reason)


def _end_emergency(notice: Notice, by: User | None, reason: str = "") -> None:
    if notice.ended_at is None:
        notice.ended_at = timezone.now()
        notice.written_at = notice.written_at or notice.ended_at  # stops the creation of messages
        notice.save(update_fields=["ended_at", "written_at"])
        set_message_states(notice, UNSENT, MessageState.WITHDRAWN)
        record(by, "notices.end", notice, fields=["ended_at"], reason=reason)


def end_past_notices() -> int:
    """End the notices whose time is over, so that they leave all pages at once; return their number."""
    past = Notice.objects.published().filter(ended_at__isnull=True, until__lte=timezone.now())
    for notice in past:
        with transaction.atomic():
            _end_emergency(lock_notice(notice), None)
    return len(past)
