"""One notice on its way: its languages, its next step, how far it is; previews, approval, what stops or mends it."""

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
from services.languages.ruby import annotate_page
from services.languages.table import SPOKEN, Language
from services.notices.actions import deciding, steps, warning, writing
from services.notices.actions.steps import BEFORE_SENDING
from services.notices.channels.sms import size
from services.notices.composing import LEAVE, MANAGE, WORDS_ONLY, CannotBeWritten, compose, part_of_a_page
from services.notices.counting import audience_counts, progress_of
from services.notices.models import TROUBLED, ChannelCode, MessageState, Notice, NoticeState, Wording, WordingState
from services.notices.reading import language_for, readable_languages, words_of
from services.notices.staff_forms import ApprovalForm, ReasonForm, composing_order
from services.notices.views.writing import found_notice, title_of


@require_safe
def notice(request, public_id):
    """Where it stands, who will get which language, and what can be done next."""
    return _notice_page(request, found_notice(request, public_id))


@require_safe
def progress(request, public_id):
    """The progress alone, for the script that refreshes it."""
    row = found_notice(request, public_id)
    return render(request, "notices/staff/_progress.html", _progress(row))


def _progress(notice: Notice) -> dict:
    counts = progress_of(notice)
    languages = [
        (language.own_name, told[MessageState.SENT], told.total(), sum(told[state] for state in TROUBLED))
        for code, language in SPOKEN.items()
        if (told := counts.by_language.get(code))
    ]
    return {"notice": notice, "progress": counts, "languages_told": languages, "states": _states_in_words(counts)}


def _states_in_words(counts) -> list[tuple[str, int]]:
    return [(state.label, counts.by_state[state.value]) for state in MessageState if counts.by_state[state.value]]


def _notice_page(request, notice: Notice, status: int = 200, *, approval=None, reason=None):
    counts = audience_counts(notice) if notice.published_at is None else {}
    gate = [_gate_row(notice, language, counts) for language in composing_order(notice.source_language)]
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
        "reason": reason or ReasonForm(auto_id="id_%s"),
        "may": {
            "edit": notice.state == NoticeState.DRAFT and user.has_role(Role.EDITOR, Role.TRANSLATOR),
            "submit": notice.state == NoticeState.DRAFT and editor,
            "approve": notice.state == NoticeState.PENDING and decides and not wrote_it,
            "wait_for_another": notice.state == NoticeState.PENDING and decides and wrote_it,
            "send_back": notice.state in {NoticeState.PENDING, NoticeState.APPROVED} and decides,
            "pause": notice.state == NoticeState.SENDING and decides,
            "resume": notice.state == NoticeState.PAUSED and decides,
            "cancel": decides and NoticeState.CANCELLED in Notice.MOVES[notice.state] and not notice.is_emergency,
            "correct": editor and notice.published_at is not None and not notice.is_emergency,
            "add": languages_to_add(notice) if decides else [],
            "update": decides and notice.is_emergency and notice.is_current,
            "end": decides and notice.is_current,
        },
        "has_messages": notice.state not in BEFORE_SENDING,
    }
    if context["has_messages"]:
        context |= _progress(notice)
    return render(request, "notices/staff/notice.html", context, status=status)


@dataclass(frozen=True, slots=True)
class _GateRow:
    """One language before sending: how far it is, how many read it, and what they will get."""

    language: Language
    wording: Wording | None
    people: int
    gets: Language

    @property
    def is_fallback(self) -> bool:
        """Whether its readers get another language."""
        return self.gets != self.language


def _gate_row(notice: Notice, language: Language, counts) -> _GateRow:
    wordings = {it.language: it for it in notice.wordings.all()}
    people = sum(number for (code, _channel), number in counts.items() if code == language.code)
    gets = SPOKEN[language_for(notice, language.code)]
    return _GateRow(language, wordings.get(language.code), people, gets)


def languages_to_add(notice: Notice) -> list[str]:
    """The offered languages that an emergency that holds lacks: its readers get another one until somebody adds it."""
    if not (notice.is_emergency and notice.is_current):
        return []
    return [code for code in settings.CITY.languages if code not in readable_languages(notice)]


def by_channel(counts) -> list[tuple[str, int]]:
    """How many people by which way, in words."""
    numbers = (
        (channel.label, sum(n for (_code, way), n in counts.items() if way == channel)) for channel in ChannelCode
    )
    return [(label, number) for label, number in numbers if number]


# --- Previews -----------------------------------------------------------------------------------


@require_safe
def preview(request, public_id, language):
    """A language as mail, as text message and in words alone, as if it had been checked."""
    if language not in settings.CITY.languages:
        raise Http404
    notice = found_notice(request, public_id)
    gets = language_for(notice, language)
    _as_if_checked(notice, language)
    kind = steps.EMERGENCY if notice.is_emergency else steps.NEWS
    letter, fault = None, ""
    try:
        letter = compose(kind, language, about=notice, frame=WORDS_ONLY)
    except CannotBeWritten as error:
        fault = str(error)
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
        "letter": letter,
        "fault": fault,
    }
    if letter:
        own_link = pgettext("staff", "[each reader's own link]")
        context |= {
            "text": letter.text.replace(LEAVE, own_link).replace(MANAGE, own_link),
            "html": part_of_a_page(annotate_page(letter.html, furigana=True)),
            "sms": size(letter.short),
        }
    return render(request, "notices/staff/preview.html", context)


@require_safe
def page(request, public_id):
    """The very page that readers of the address's language will see, before it is public."""
    notice = found_notice(request, public_id)
    _as_if_checked(notice, request.LANGUAGE_CODE)
    if notice.published_at is None:  # on this object only
        notice.state, notice.published_at = NoticeState.SENDING, timezone.now()
    context = {"notice": words_of(notice, request.LANGUAGE_CODE), "newer": []}
    return render(request, "notices/staff/page.html", context)


def _as_if_checked(notice: Notice, language: str) -> None:
    """Let a language be read before somebody has checked it; on this object only, nothing is saved."""
    for wording in notice.wordings.all():
        if wording.language == language and writing.has_text(notice, language):
            wording.state = WordingState.CHECKED


# --- What the buttons do --------------------------------------------------------------------------


@require_POST
def submit(request, public_id):
    """Ask for approval."""
    return _act(request, public_id, deciding.submit, pgettext("staff", "Another person can approve it now."))


@require_POST
def approve(request, public_id):
    """Let it go out, at once or later."""
    row = found_notice(request, public_id)
    form = ApprovalForm(request.POST)
    if not form.is_valid():
        return _notice_page(request, row, 400, approval=form)
    return _act(
        request,
        public_id,
        deciding.approve,
        pgettext("staff", "Approved. It goes out at its time by itself."),
        scheduled_at=form.cleaned_data["scheduled_at"],
        seen=form.cleaned_data["seen"],
    )


@require_POST
def send_back(request, public_id):
    """Return it to its author, with a reason."""
    return _act_with_reason(request, public_id, deciding.send_back, pgettext("staff", "It is a draft again."))


@require_POST
def cancel(request, public_id):
    """Stop it for good."""
    return _act_with_reason(request, public_id, deciding.cancel, pgettext("staff", "It is cancelled."))


@require_POST
def end(request, public_id):
    """Take it off the front pages into the archive."""
    return _act_with_reason(request, public_id, warning.end, pgettext("staff", "It has ended and is in the archive."))


@require_POST
def pause(request, public_id):
    """Keep back what has not gone out."""
    return _act(request, public_id, deciding.pause, _held)


@require_POST
def resume(request, public_id):
    """Go on."""
    return _act(request, public_id, deciding.resume, pgettext("staff", "It goes on."))


@require_POST
def correct(request, public_id):
    """A new draft for those who got the wrong one; asked for twice, the same draft."""
    row = found_notice(request, public_id)
    try:
        draft = writing.correct(row, by=request.user)
    except Refused as fault:
        messages.error(request, str(fault))
        return redirect("newsroom:notice", public_id)
    return redirect("newsroom:edit", draft.public_id)


def _held(number: int) -> str:
    told = npgettext("staff", "Paused: %(number)s message waits.", "Paused: %(number)s messages wait.", number)
    return told % {"number": number}


def _act(request, public_id: str, action, told, **arguments):
    row = found_notice(request, public_id)
    try:
        result = action(row, by=request.user, **arguments)
    except Refused as fault:
        messages.error(request, str(fault))
    else:
        messages.success(request, told(result) if callable(told) else told)
    return redirect("newsroom:notice", public_id)


def _act_with_reason(request, public_id: str, action, told: str):
    row = found_notice(request, public_id)
    form = ReasonForm(request.POST)
    if not form.is_valid():
        return _notice_page(request, row, 400, reason=form)
    return _act(request, public_id, action, told, reason=form.cleaned_data["reason"])
