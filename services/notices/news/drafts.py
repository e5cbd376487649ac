"""Writing a notice: a draft in many languages, each checked by somebody; a correction, which is a draft again."""

from collections.abc import Iterable

from django.db import transaction
from django.utils import timezone
from django.utils.translation import pgettext

from services.accounts.models import User
from services.audit.trail import record
from services.base.refusals import Refused
from services.languages.table import SPOKEN
from services.notices.actions.steps import BEFORE_SENDING, NOBODY_YET, locked
from services.notices.models import Notice, NoticeState, Wording, WordingState


@transaction.atomic
def save_draft(notice: Notice, *, by: User, changed: Iterable[str], is_minor: bool = False) -> Notice:
    """Keep a draft as it stands on the object.

    changed: the names of the fields that were edited (`title_ja`…). A language whose text was edited is no longer
    checked; if the source text was edited and the edit is not minor, the other languages are outdated.
    """
    if notice.pk is None:
        notice.author = by
    elif locked(notice).state != NoticeState.DRAFT:
        raise Refused(pgettext("staff", "Only a draft can be changed. Take it back first."))
    notice.changed_at = timezone.now()
    notice.editors = sorted({*notice.editors, by.public_id})
    notice.save()
    changed = list(changed)
    _note_edited_languages(notice, changed, is_minor=is_minor)
    record(by, "notices.save", notice, fields=changed, changes=False)
    return notice


def _note_edited_languages(notice: Notice, changed: list[str], *, is_minor: bool) -> None:
    wordings = {wording.language: wording for wording in notice.wordings.all()}
    edited = {
        code
        for code, language in SPOKEN.items()
        if any(f"{name}_{language.column}" in changed for name in (*Notice.TEXTS, "place"))
    }
    for code in SPOKEN:
        wording = wordings.get(code) or Wording(notice=notice, language=code)
        state, was_checked = wording.state, wording.state == WordingState.CHECKED
        if not has_text(notice, code):
            state = WordingState.MISSING
        elif code in edited:
            has_been_checked = was_checked or state == WordingState.OUTDATED
            state = WordingState.OUTDATED if has_been_checked else WordingState.MACHINE
        elif notice.source_language in edited and not is_minor and was_checked:
            state = WordingState.OUTDATED
        if state != wording.state or wording.pk is None:
            wording.state, wording.checked_by, wording.checked_at = state, None, None
            wording.save()


def has_text(notice: Notice, language: str) -> bool:
    """Whether a notice has both a title and a text in a language."""
    return all(getattr(notice, f"{name}_{SPOKEN[language].column}") for name in Notice.TEXTS)


@transaction.atomic
def check_wording(notice: Notice, language: str, *, by: User) -> Wording:
    """Say that a person has read the text in this language and that it says what the source says."""
    notice = locked(notice)
    if not has_text(notice, language):
        raise Refused(pgettext("staff", "There is no text in this language yet."))
    if notice.state != NoticeState.DRAFT:
        raise Refused(pgettext("staff", "Only a draft can be changed. Take it back first."))
    return mark_checked(notice, language, by)


def mark_checked(notice: Notice, language: str, by: User) -> Wording:
    """Note on a locked notice who has checked a language, with a line in the trail."""
    now = timezone.now()
    wording, _made = Wording.objects.update_or_create(
        notice=notice,
        language=language,
        defaults={"state": WordingState.CHECKED, "checked_by": by, "checked_at": now},
    )
    record(by, "notices.check", notice, fields=[language])
    return wording


@transaction.atomic
def save_checked(notice: Notice, language: str, *, by: User, changed: Iterable[str], is_minor: bool = False) -> Notice:
    """Keep a draft and say that one of its languages has been checked: both, or neither where one is refused."""
    save_draft(notice, by=by, changed=changed, is_minor=is_minor)
    check_wording(notice, language, by=by)
    return notice


@transaction.atomic
def correct(notice: Notice, *, by: User) -> Notice:
    """A draft that will go only to those who got the wrong one, with its texts to begin from.

    Asked for twice, even at once, it is the same one, as long as it has not gone out.
    """
    notice = locked(notice)
    if notice.published_at is None:
        raise Refused(NOBODY_YET)
    if notice.is_emergency:
        raise Refused(pgettext("staff", "An emergency is updated or ended, not corrected."))
    begun = notice.corrections.filter(state__in=BEFORE_SENDING).first()
    return begun or _copy(notice, by=by, corrects=notice)


def _copy(notice: Notice, *, by: User, **links) -> Notice:
    texts = {
        f"{name}_{language.column}": getattr(notice, f"{name}_{language.column}")
        for name in (*Notice.TEXTS, "place")
        for language in SPOKEN.values()
    }
    kept = ("topic", "source_language", "area", "to_languages", "starts_at", "ends_at", "until")
    draft = Notice(**texts, **{name: getattr(notice, name) for name in kept}, **links)
    return save_draft(draft, by=by, changed=list(texts))
