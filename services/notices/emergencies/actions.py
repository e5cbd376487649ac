"""Emergencies: issued by one person from a checked pattern, completed by a language, ended; never deleted."""

from django.db import transaction
from django.utils import timezone
from django.utils.translation import pgettext

from services.accounts.models import User
from services.audit.trail import record
from services.base.locks import look_at_references_now
from services.base.refusals import Refused
from services.languages.table import SPOKEN
from services.notices.actions.broadcasting import begin, follow_up_in
from services.notices.actions.steps import NOBODY_YET, locked, turn_messages
from services.notices.actions.telling import wake_after_commit
from services.notices.actions.writing import has_text, mark_checked
from services.notices.models import UNSENT, MessageState, Notice, NoticeState, Queue, Wording, WordingState


@transaction.atomic
def issue(notice: Notice, *, by: User) -> Notice:
    """Tell everybody at once what a checked pattern says, in every language that it is ready in.

    One person is enough: the texts were checked beforehand, and waiting costs lives (docs/adr/0010-notices.md).
    An update ends what it updates.
    """
    if notice.updates_id:
        earlier = locked(notice.updates)
        if not earlier.is_current:  # two tabs, or two people: one update is enough
            raise Refused(pgettext("staff", "It has ended already."))
        _end(earlier, by)
    notice.author, notice.state, notice.scheduled_at = by, NoticeState.APPROVED, timezone.now()
    notice.save()
    ready = [code for code in SPOKEN if has_text(notice, code)]
    Wording.objects.bulk_create(
        Wording(
            notice=notice,
            language=code,
            state=WordingState.CHECKED if code in ready else WordingState.MISSING,
            checked_at=timezone.now() if code in ready else None,
        )
        for code in SPOKEN
    )
    record(by, "notices.issue", notice, fields=["level", "area", "slots"])
    begin(notice)
    wake_after_commit(Queue.EMERGENCY)
    return notice


@transaction.atomic
def add_language(notice: Notice, language: str, *, title: str, body: str, by: User) -> Wording:
    """Say an emergency that is out in one more language, and tell those who read it once more, in their own words.

    Whoever adds it says by that that it tells what the source tells. What has gone out stands still: refused then.
    """
    notice = locked(notice)
    if not (notice.is_emergency and notice.is_current):
        raise Refused(pgettext("staff", "It has ended already."))
    if notice.wordings.filter(language=language, state=WordingState.CHECKED).exists():
        raise Refused(pgettext("staff", "This language has gone out already. Update the emergency if it is wrong."))
    texts = {f"{name}_{SPOKEN[language].column}": text for name, text in (("title", title), ("body", body))}
    for name, text in texts.items():
        setattr(notice, name, text)
    notice.save(update_fields=list(texts))
    follow_up_in(notice, language)
    look_at_references_now()
    return mark_checked(notice, language, by)


@transaction.atomic
def end(notice: Notice, *, by: User | None, reason: str = "") -> None:
    """Take a notice off the front pages into the archive; what has not gone out is withdrawn. Never deleted."""
    notice = locked(notice)
    if notice.published_at is None:
        raise Refused(NOBODY_YET)
    if notice.ended_at:
        raise Refused(pgettext("staff", "It has ended already."))
    _end(notice, by, reason)


def _end(notice: Notice, by: User | None, reason: str = "") -> None:
    if notice.ended_at is None:
        notice.ended_at = timezone.now()
        notice.written_at = notice.written_at or notice.ended_at  # what has not been written yet never will be
        notice.save(update_fields=["ended_at", "written_at"])
        turn_messages(notice, UNSENT, MessageState.WITHDRAWN)
        record(by, "notices.end", notice, fields=["ended_at"], reason=reason)


def put_away_past_notices() -> int:
    """End what is past its time, so that every page forgets it at once; returns how many."""
    past = Notice.objects.published().filter(ended_at__isnull=True, until__lte=timezone.now())
    for notice in past:
        with transaction.atomic():
            _end(locked(notice), None)
    return len(past)
