"""Staff pages of a single notice: status, previews, approval, pausing, cancelling and correcting."""

from dataclasses import dataclass

from django.conf import settings
from django.contrib import messages
from django.http import Http404
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import npgettext, pgettext
from django.views.decorators.http import require_POST, require_safe

from services.accounts.roles import Role
from services.base.refusals import Refused
from services.languages.furigana import annotate_page
from services.languages.registry import SPOKEN, Language
from services.messaging.channels.sms import sms_size
from services.messaging.models import NEEDS_ATTENTION, MessageState
from services.messaging.rendering import (
    BODY_ONLY,
    MANAGE_PLACEHOLDER,
    UNSUBSCRIBE_PLACEHOLDER,
    CannotRender,
    as_page_fragment,
    render_message,
)
from services.notices.audience import audience_counts, by_channel, progress_of
from services.notices.emergencies import actions
from services.notices.news import approval, drafts, lifecycle
from services.notices.news.draft_views import get_notice, title_of
from services.notices.news.forms import ApprovalForm, NoticeReasonForm, composing_order
from services.notices.news.lifecycle import UNSENT_STATES
from services.notices.news.models import Notice, NoticeState, NoticeTranslation, NoticeTranslationState
from services.notices.news.presentation import language_for, languages_to_add, present


@require_safe
def notice(request, public_id):
    """The notice's status, its languages and audience, and the possible next steps."""
    return _notice_page(request, get_notice(request, public_id))


@require_safe
def progress(request, public_id):
    """The progress part of the page, for the script that refreshes it."""
    row = get_notice(request, public_id)
    return render(request, "notices/staff/_progress.html", _progress(row))


def _progress(notice: Notice) -> dict:
    counts = progress_of(notice)
    languages = [
        (language.own_name, states[MessageState.SENT], states.total(), sum(states[it] for it in NEEDS_ATTENTION))
        for code, language in SPOKEN.items()
        if (states := counts.by_language.get(code))
    ]
    return {"notice": notice, "progress": counts, "languages_told": languages, "states": _state_labels(counts)}


def _state_labels(counts) -> list[tuple[str, int]]:
    return [(state.label, counts.by_state[state.value]) for state in MessageState if counts.by_state[state.value]]


def _notice_page(request, notice: Notice, status: int = 200, *, approval=None, reason=None):
    counts = audience_counts(notice) if notice.published_at is None else {}
    gate = [_language_status_row(notice, language, counts) for language in composing_order(notice.source_language)]
    user = request.user
    editor, decides = user.has_role(Role.EDITOR), user.has_role(Role.EDITOR, Role.MANAGER)
    wrote_it = user.pk == notice.author_id or user.public_id in notice.editors
    context = {
        "notice": notice,
        "title": title_of(notice),
        "gate": gate,
        "people": sum(counts.values()),
        "channels": by_channel(counts),
        "approval": approval or ApprovalForm(initial={"seen": notice.changed_at}),
        "reason": reason or NoticeReasonForm(auto_id="id_%s"),
        "may": {
            "edit": notice.state == NoticeState.DRAFT and user.has_role(Role.EDITOR, Role.TRANSLATOR),
            "submit": notice.state == NoticeState.DRAFT and editor,
            "approve": notice.state == NoticeState.PENDING and decides and not wrote_it,
            "wait_for_another": notice.state == NoticeState.PENDING and decides and wrote_it,
            "send_back": notice.state in {NoticeState.PENDING, NoticeState.APPROVED} and decides,
            "pause": notice.state == NoticeState.SENDING and decides,
            "resume": notice.state == NoticeState.PAUSED and decides,
            "cancel": decides and NoticeState.CANCELLED in Notice.TRANSITIONS[notice.state] and not notice.is_emergency,
            "correct": editor and notice.published_at is not None and not notice.is_emergency,
            "add": languages_to_add(notice) if decides else [],
            "update": decides and notice.is_emergency and notice.is_current,
            "end": decides and notice.is_current,
        },
        "has_messages": notice.state not in UNSENT_STATES,
    }
    if context["has_messages"]:
        context |= _progress(notice)
    return render(request, "notices/staff/notice.html", context, status=status)


@dataclass(frozen=True, slots=True)
class _LanguageStatusRow:
    """A language before sending: its translation, the number of readers, and the language that they will get."""

    language: Language
    wording: NoticeTranslation | None
    people: int
    gets: Language

    @property
    def is_fallback(self) -> bool:
        """Whether the readers get another language."""
        return self.gets != self.language


def _language_status_row(notice: Notice, language: Language, counts) -> _LanguageStatusRow:
    translations = {it.language: it for it in notice.translations.all()}
    people = sum(number for (code, _channel), number in counts.items() if code == language.code)
    gets = SPOKEN[language_for(notice, language.code)]
    return _LanguageStatusRow(language, translations.get(language.code), people, gets)


# --- Previews -----------------------------------------------------------------------------------


@require_safe
def preview_message(request, public_id, language):
    """Preview a language as an email, a text message and plain text, as if it had been reviewed."""
    if language not in settings.CITY.languages:
        raise Http404
    notice = get_notice(request, public_id)
    gets = language_for(notice, language)
    _treat_as_reviewed(notice, language)
    kind = lifecycle.message_kind_for(notice).folder
    message, problem = None, ""
    try:
        message = render_message(kind, language, about=notice, frame=BODY_ONLY)
    except CannotRender as error:
        problem = str(error)
    tabs = [
        {"url": f"../{it.code}/", "label": it.own_name, "current": it.code == language}
        for it in composing_order(notice.source_language)
    ]
    context = {
        "notice": notice,
        "title": title_of(notice),
        "tabs": tabs,
        "shown": SPOKEN[language],
        "gets": SPOKEN[gets] if gets != language else None,
        "letter": message,
        "fault": problem,
    }
    if message:
        own_link = pgettext("staff", "[each reader's own link]")
        context |= {
            "text": message.text.replace(UNSUBSCRIBE_PLACEHOLDER, own_link).replace(MANAGE_PLACEHOLDER, own_link),
            "html": as_page_fragment(annotate_page(message.html, furigana=True)),
            "sms": sms_size(message.short),
        }
    return render(request, "notices/staff/preview.html", context)


@require_safe
def preview_public_page(request, public_id):
    """Preview the public page in the URL's language."""
    notice = get_notice(request, public_id)
    _treat_as_reviewed(notice, request.LANGUAGE_CODE)
    if notice.published_at is None:  # changes only this object, nothing is saved
        notice.state, notice.published_at = NoticeState.SENDING, timezone.now()
    context = {"notice": present(notice, request.LANGUAGE_CODE), "newer": []}
    return render(request, "notices/staff/page.html", context)


def _treat_as_reviewed(notice: Notice, language: str) -> None:
    """Mark a language as reviewed on this object only, for a preview; nothing is saved."""
    for wording in notice.translations.all():
        if wording.language == language and drafts.has_text(notice, language):
            wording.state = NoticeTranslationState.REVIEWED


# --- Actions --------------------------------------------------------------------------------------


@require_POST
def submit(request, public_id):
    """Submit the notice for approval."""
    return _run_action(
        request,
        public_id,
        approval.submit,
        pgettext("staff", "The notice has been submitted for approval. Another person can now approve it."),
    )


@require_POST
def approve(request, public_id):
    """Approve the notice, to be sent at once or later."""
    row = get_notice(request, public_id)
    form = ApprovalForm(request.POST)
    if not form.is_valid():
        return _notice_page(request, row, 400, approval=form)
    return _run_action(
        request,
        public_id,
        approval.approve,
        pgettext(
            "staff", "The notice has been approved. It will be sent immediately, or automatically at the time you set."
        ),
        scheduled_at=form.cleaned_data["scheduled_at"],
        seen=form.cleaned_data["seen"],
    )


@require_POST
def send_back(request, public_id):
    """Return the notice to its author, with a reason."""
    return _run_action_with_reason(
        request, public_id, approval.send_back, pgettext("staff", "The notice has been returned to draft.")
    )


@require_POST
def cancel(request, public_id):
    """Cancel the notice for good."""
    return _run_action_with_reason(
        request, public_id, approval.cancel, pgettext("staff", "The notice has been cancelled.")
    )


@require_POST
def end(request, public_id):
    """End the notice and move it to the archive."""
    return _run_action_with_reason(
        request, public_id, actions.end, pgettext("staff", "The notice has ended and has been moved to the archive.")
    )


@require_POST
def pause(request, public_id):
    """Pause sending."""
    return _run_action(request, public_id, approval.pause, _on_hold_message)


@require_POST
def resume(request, public_id):
    """Resume sending."""
    return _run_action(request, public_id, approval.resume, pgettext("staff", "Sending has resumed."))


@require_POST
def correct(request, public_id):
    """Open a draft that corrects the notice; the same one if it exists already."""
    row = get_notice(request, public_id)
    try:
        draft = drafts.correct(row, by=request.user)
    except Refused as error:
        messages.error(request, str(error))
        return redirect("newsroom:notice", public_id)
    return redirect("newsroom:edit", draft.public_id)


def _on_hold_message(number: int) -> str:
    message = npgettext(
        "staff", "Paused: %(number)s message is waiting.", "Paused: %(number)s messages are waiting.", number
    )
    return message % {"number": number}


def _run_action(request, public_id: str, action, success, **arguments):
    row = get_notice(request, public_id)
    try:
        result = action(row, by=request.user, **arguments)
    except Refused as error:
        messages.error(request, str(error))
    else:
        messages.success(request, success(result) if callable(success) else success)
    return redirect("newsroom:notice", public_id)


def _run_action_with_reason(request, public_id: str, action, success: str):
    row = get_notice(request, public_id)
    form = NoticeReasonForm(request.POST)
    if not form.is_valid():
        return _notice_page(request, row, 400, reason=form)
    return _run_action(request, public_id, action, success, reason=form.cleaned_data["reason"])
