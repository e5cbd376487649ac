"""Actions of drafts: save texts in several languages, review translations, correct a sent notice."""

from collections.abc import Iterable

from django.db import transaction
from django.utils import timezone
from django.utils.translation import pgettext

from services.accounts.models import User
from services.audit.trail import record
from services.base.markdown import to_plain_text
from services.base.refusals import Refused
from services.languages.furigana import with_reading
from services.languages.registry import SPOKEN
from services.languages.search_folding import searchable_text
from services.notices.news.lifecycle import NOT_SENT_YET, UNSENT_STATES, lock_notice
from services.notices.news.models import Notice, NoticeState, NoticeTranslation, NoticeTranslationState


@transaction.atomic
def save_draft(notice: Notice, *, by: User, changed: Iterable[str], is_minor: bool = False) -> Notice:
    """Save a draft.

    changed: the names of the edited fields (`title_ja`…). A language whose text was edited is no longer reviewed; if
    the source text was edited and the edit is not minor, the other languages become outdated.
    """
    if notice.pk is None:
        notice.author = by
    elif lock_notice(notice).state != NoticeState.DRAFT:
        raise Refused(pgettext("staff", "You can change only a draft. Return the notice to draft first."))
    notice.changed_at = timezone.now()
    notice.editors = sorted({*notice.editors, by.public_id})
    notice.save()
    changed = list(changed)
    _mark_edited_languages(notice, changed, is_minor=is_minor)
    record(by, "notices.save", notice, fields=changed, changes=False)
    return notice


def _mark_edited_languages(notice: Notice, changed: list[str], *, is_minor: bool) -> None:
    translations = {translation.language: translation for translation in notice.translations.all()}
    edited = {
        code
        for code, language in SPOKEN.items()
        if any(f"{name}_{language.column}" in changed for name in (*Notice.TEXTS, "place"))
    }
    for code in SPOKEN:
        translation = translations.get(code) or NoticeTranslation(notice=notice, language=code)
        state, was_checked = translation.state, translation.state == NoticeTranslationState.REVIEWED
        if not has_text(notice, code):
            state = NoticeTranslationState.MISSING
        elif code in edited:
            has_been_checked = was_checked or state == NoticeTranslationState.OUTDATED
            state = NoticeTranslationState.OUTDATED if has_been_checked else NoticeTranslationState.UNREVIEWED
        elif notice.source_language in edited and not is_minor and was_checked:
            state = NoticeTranslationState.OUTDATED
        if state != translation.state or translation.pk is None:
            translation.state, translation.checked_by, translation.checked_at = state, None, None
            translation.save()


def has_text(notice: Notice, language: str) -> bool:
    """Whether a notice has both a title and a text in a language."""
    return all(getattr(notice, f"{name}_{SPOKEN[language].column}") for name in Notice.TEXTS)


def search_text(notice: Notice, language: str) -> str:
    """Return a notice's title, place and text in a language as search compares them, with readings."""
    title, body, place = (
        getattr(notice, f"{name}_{SPOKEN[language].column}") or "" for name in (*Notice.TEXTS, "place")
    )
    return searchable_text(" ".join(map(with_reading, (title, place, to_plain_text(body)))))


@transaction.atomic
def review_translation(notice: Notice, language: str, *, by: User) -> NoticeTranslation:
    """Record that a person has read a draft's text in a language and that it matches the source."""
    notice = lock_notice(notice)
    if not has_text(notice, language):
        raise Refused(pgettext("staff", "There is no text in this language yet."))
    if notice.state != NoticeState.DRAFT:
        raise Refused(pgettext("staff", "You can change only a draft. Return the notice to draft first."))
    return mark_reviewed(notice, language, by)


def mark_reviewed(notice: Notice, language: str, by: User) -> NoticeTranslation:
    """Mark a language of a locked notice as reviewed, with an audit entry."""
    now = timezone.now()
    translation, _created = NoticeTranslation.objects.update_or_create(
        notice=notice,
        language=language,
        defaults={
            "state": NoticeTranslationState.REVIEWED,
            "checked_by": by,
            "checked_at": now,
            "search_text": search_text(notice, language),
        },
    )
    record(by, "notices.check", notice, fields=[language])
    return translation


@transaction.atomic
def save_and_review(
    notice: Notice, language: str, *, by: User, changed: Iterable[str], is_minor: bool = False
) -> Notice:
    """Save a draft and mark one of its languages as reviewed: both, or neither if one is refused."""
    save_draft(notice, by=by, changed=changed, is_minor=is_minor)
    review_translation(notice, language, by=by)
    return notice


@transaction.atomic
def correct(notice: Notice, *, by: User) -> Notice:
    """Return a draft, prefilled with the notice's texts, that will go only to people who got the wrong one.

    Returns the same draft every time, even for simultaneous calls, until it has been sent.
    """
    notice = lock_notice(notice)
    if notice.published_at is None:
        raise Refused(NOT_SENT_YET)
    if notice.is_emergency:
        raise Refused(pgettext("staff", "You cannot correct an emergency notice. Update it or end it instead."))
    draft = notice.corrections.filter(state__in=UNSENT_STATES).first()
    return draft or _copy_notice(notice, by=by, corrects=notice, first_version=notice.event_id)


def _copy_notice(notice: Notice, *, by: User, **links) -> Notice:
    texts = {
        f"{name}_{language.column}": getattr(notice, f"{name}_{language.column}")
        for name in (*Notice.TEXTS, "place")
        for language in SPOKEN.values()
    }
    copied = ("topic", "source_language", "area", "to_languages", "starts_at", "ends_at", "is_all_day", "until")
    draft = Notice(**texts, **{name: getattr(notice, name) for name in copied}, **links)
    return save_draft(draft, by=by, changed=list(texts))
