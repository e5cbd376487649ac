"""Writing news: the list, the composer with its languages, previews, approval, and what stops or mends it."""

from dataclasses import dataclass

import nh3
from django.conf import settings
from django.contrib import messages
from django.core.paginator import Paginator
from django.db import IntegrityError, transaction
from django.http import Http404
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone, translation
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import npgettext, pgettext, pgettext_lazy
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from services.accounts.roles import Role
from services.base.refusals import Refused
from services.languages.figures import differences
from services.languages.names import NAMES
from services.languages.ruby import annotate_page
from services.languages.table import SPOKEN, Language
from services.languages.text import text_of
from services.notices.actions import broadcasting
from services.notices.channels.sms import size
from services.notices.composing import LEAVE, MANAGE, CannotBeWritten, compose
from services.notices.counting import audience_counts, notices_by_state, progress_of
from services.notices.models import ChannelCode, MessageState, Notice, NoticeState, WordingState
from services.notices.reading import language_for, words_of
from services.notices.staff_forms import (
    ApprovalForm,
    DraftForm,
    NewDraftForm,
    ReasonForm,
    TextsForm,
    composing_order,
    staff_language,
    token_of,
)

ON_A_PAGE = 20
GET_OR_POST = require_http_methods(["GET", "HEAD", "POST"])
IN_WORK = (
    NoticeState.DRAFT,
    NoticeState.PENDING,
    NoticeState.APPROVED,
    NoticeState.SENDING,
    NoticeState.PAUSED,
)
FACTS = ("topic", "starts_at", "ends_at", "until", "area", "to_languages")
_WORDS_ONLY = "notices/words.html"
_LETTER_TAGS = {
    *("p", "h1", "h2", "h3", "h4", "ul", "ol", "li", "strong", "em", "a", "blockquote", "br", "hr", "code", "pre"),
    *("div", "span", "bdi", "ruby", "rt", "rp", "small"),
}
_LETTER_ATTRIBUTES = {"*": {"lang", "dir"}, "a": {"href"}, "ol": {"start"}}
FIGURES = {
    "link": pgettext_lazy("staff", "Links"),
    "phone": pgettext_lazy("staff", "Phone numbers"),
    "date": pgettext_lazy("staff", "Days"),
    "time": pgettext_lazy("staff", "Times"),
    "number": pgettext_lazy("staff", "Numbers"),
}


def _found(request, public_id: str) -> Notice:
    rows = Notice.objects.visible_to(request.user).select_related("topic", "author", "approver")
    return get_object_or_404(rows.prefetch_related("wordings__checked_by"), public_id=public_id)


# --- The list -----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Row:
    """One notice in the list."""

    notice: Notice
    title: object
    ready: int


@require_safe
def index(request):
    """Every notice by state, what is in work first."""
    state = request.GET.get("state", "")
    counts = notices_by_state()
    rows = Notice.objects.visible_to(request.user)
    rows = rows.filter(state=state) if state in NoticeState.values else rows.filter(state__in=IN_WORK)
    rows = rows.select_related("topic", "author").prefetch_related("wordings").order_by("-changed_at", "-pk")
    page = Paginator(rows, ON_A_PAGE).get_page(request.GET.get("page"))
    page.object_list = [_Row(row, _title(row), len(_checked(row))) for row in page.object_list]
    in_work = sum(counts[it] for it in IN_WORK)
    tabs = [_tab("?", pgettext("staff", "In work"), in_work, state not in NoticeState.values)]
    tabs += [_tab(f"?state={it.value}", it.label, counts[it.value], state == it.value) for it in NoticeState]
    context = {
        "page": page,
        "tabs": tabs,
        "languages_offered": len(settings.CITY.offered()),
        "may_write": request.user.has_role(Role.EDITOR),
        "may_warn": request.user.has_role(Role.EDITOR, Role.MANAGER),
    }
    return render(request, "notices/staff/index.html", context)


def _tab(url: str, label: str, number: int, is_current: bool) -> dict:
    told = pgettext("staff", "%(name)s (%(number)s)")
    return {"url": url, "label": told % {"name": label, "number": number}, "current": is_current}


def _title(notice: Notice) -> SafeString:
    """A notice's title for staff, in its own language."""
    source = SPOKEN[notice.source_language]
    text = text_of(notice, "title", source.code)
    return text.marked or notice.public_id


def _checked(notice: Notice) -> list[str]:
    return [it.language for it in notice.wordings.all() if it.state == WordingState.CHECKED]


# --- The composer -------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Face:
    """One language in the composer: its fields, how far it is, and what may be wrong with it."""

    language: Language
    name: str
    fields: list
    wording: object
    is_source: bool
    warnings: list[str]
    theirs: list[tuple[str, str]]

    @property
    def has_errors(self) -> bool:
        """Whether something typed here is not right."""
        return any(field.errors for field in self.fields)


@GET_OR_POST
def write(request):
    """A new draft."""
    notice = Notice(source_language=settings.CITY.default_language)
    form = NewDraftForm(request.POST or None, notice=notice, language=request.LANGUAGE_CODE)
    if request.method == "POST" and form.is_valid():
        key = form.cleaned_data["key"]
        if not Notice.objects.filter(public_id=key).exists():
            notice.public_id = key
            changed = form.changed_names()
            form.fill(notice)
            try:
                broadcasting.save_draft(notice, by=request.user, changed=changed)
            except IntegrityError:  # the same form, sent twice at once: the other one has made it
                return redirect("newsroom:edit", key)
            _check_if_asked(request, notice)
        return redirect("newsroom:edit", key)
    return _composer(request, form, notice, 400 if form.errors else 200)


@GET_OR_POST
def edit(request, public_id):
    """A draft with all its languages. What somebody else has saved meanwhile is never overwritten unseen."""
    notice = _found(request, public_id)
    if request.method == "POST":
        return _save(request, notice)
    if notice.state != NoticeState.DRAFT:
        messages.info(request, pgettext("staff", "Only a draft can be changed. Take it back first."))
        return redirect("newsroom:notice", public_id)
    return _composer(request, _form_for(request, notice), notice)


def _form_for(request, notice: Notice, typed=None) -> TextsForm:
    form = DraftForm if request.user.has_role(Role.EDITOR) else TextsForm
    return form(typed, notice=notice, language=request.LANGUAGE_CODE)


def _save(request, notice: Notice):
    row, form = _keep(request, notice)
    if row:
        messages.success(request, pgettext("staff", "Saved."))
        _check_if_asked(request, row)
        return redirect("newsroom:edit", row.public_id)
    return _composer(request, form, notice, 400 if form.errors else 409, compare=not form.errors)


def _keep(request, notice: Notice) -> tuple[Notice | None, TextsForm]:
    """Save what was typed; no row if it could not be: something is wrong with it, or somebody else was faster."""
    with transaction.atomic():
        row = Notice.objects.select_for_update().get(pk=notice.pk)
        form = _form_for(request, row, request.POST)
        if not form.is_valid():
            return None, form
        if form.cleaned_data["seen"] != token_of(row):
            told = pgettext(
                "staff",
                "Somebody else has changed this draft since you opened it. Nothing of yours is lost and nothing is "
                "saved yet: compare, then save again.",
            )
            messages.error(request, told)
            return None, form
        changed = form.changed_names()
        form.fill(row)
        try:
            broadcasting.save_draft(row, by=request.user, changed=changed, is_minor=form.cleaned_data["is_minor"])
        except Refused as fault:
            messages.error(request, str(fault))
            return None, form
    return row, form


def _check_if_asked(request, notice: Notice) -> None:
    """The button "Save and mark as checked" of one language."""
    language = request.POST.get("check", "")
    if language in SPOKEN:
        try:
            broadcasting.check_wording(notice, language, by=request.user)
        except Refused as fault:
            messages.error(request, str(fault))


def _composer(request, form: TextsForm, notice: Notice, status: int = 200, *, compare: bool = False):
    if compare:
        form.data = form.data.copy()
        form.data["seen"] = token_of(notice)
    with translation.override(staff_language(request.LANGUAGE_CODE)):
        faces = [_face(form, notice, code, compare=compare) for code in form.text_columns]
    first = {form.source, "en", *(["ja-simple"] if form.source == "ja" else [])}
    beside = [face for face in faces if face.language.code in first]
    context = {
        "notice": notice,
        "title": _title(notice) if notice.pk else "",
        "form": form,
        "beside": beside,
        "below": [face for face in faces if face not in beside],
        "facts": [form[name] for name in FACTS if name in form.fields],
    }
    return render(request, "notices/staff/composer.html", context, status=status)


def _face(form: TextsForm, notice: Notice, code: str, *, compare: bool) -> _Face:
    names = form.text_columns[code]
    wordings = {it.language: it for it in notice.wordings.all()} if notice.pk else {}
    theirs = []
    if compare:
        typed = [(form[name].value() or "").replace("\r\n", "\n") for name in names]
        kept = [getattr(notice, name) or "" for name in names]
        theirs = [(form[name].label, now) for name, mine, now in zip(names, typed, kept, strict=True) if mine != now]
    return _Face(
        SPOKEN[code],
        str(NAMES[code]),
        [form[name] for name in names],
        wordings.get(code),
        code == form.source,
        [] if code == form.source else _warnings(form, code),
        theirs,
    )


def _warnings(form: TextsForm, code: str) -> list[str]:
    """Where a language tells other days, times, numbers or links than the source, in words."""
    source, text = (
        "\n\n".join(form[name].value() or "" for name in form.text_columns[language][:2])
        for language in (form.source, code)
    )
    if not text.strip():
        return []
    return [_warning(it) for it in differences(source, text, source_language=form.source, language=code)]


def _warning(difference) -> str:
    words = {
        "kind": FIGURES[difference.kind],
        "missing": ", ".join(difference.missing),
        "added": ", ".join(difference.added),
    }
    if difference.missing and difference.added:
        return pgettext("staff", "%(kind)s: missing here %(missing)s, only here %(added)s.") % words
    if difference.missing:
        return pgettext("staff", "%(kind)s: missing here %(missing)s.") % words
    return pgettext("staff", "%(kind)s: only here %(added)s.") % words


# --- One notice: the gate, the next step, how far it is -------------------------------------------


@require_safe
def notice(request, public_id):
    """Where it stands, who will get which language, and what can be done next."""
    return _notice_page(request, _found(request, public_id))


@require_safe
def progress(request, public_id):
    """The progress alone, for the script that refreshes it."""
    row = _found(request, public_id)
    return render(request, "notices/staff/_progress.html", _progress(request, row))


def _progress(request, notice: Notice) -> dict:
    counts = progress_of(notice)
    spoken = staff_language(request.LANGUAGE_CODE)
    with translation.override(spoken):
        languages = [
            (SPOKEN[code].own_name, told["sent"], told.total(), told["failed"] + told["bounced"] + told["unclear"])
            for code in SPOKEN
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
    context = {
        "notice": notice,
        "title": _title(notice),
        "gate": gate,
        "people": sum(counts.values()),
        "channels": by_channel(counts),
        "approval": approval or ApprovalForm(),
        "reason": reason or ReasonForm(auto_id="id_%s"),
        "may": {
            "edit": notice.state == NoticeState.DRAFT and user.has_role(Role.EDITOR, Role.TRANSLATOR),
            "submit": notice.state == NoticeState.DRAFT and editor,
            "approve": notice.state == NoticeState.PENDING and decides and notice.author_id != user.pk,
            "wait_for_another": notice.state == NoticeState.PENDING and decides and notice.author_id == user.pk,
            "send_back": notice.state in {NoticeState.PENDING, NoticeState.APPROVED} and decides,
            "pause": notice.state == NoticeState.SENDING and decides,
            "resume": notice.state == NoticeState.PAUSED and decides,
            "cancel": decides and NoticeState.CANCELLED in Notice.MOVES[notice.state] and not notice.is_emergency,
            "correct": editor and notice.published_at is not None and not notice.is_emergency,
            "update": decides and notice.is_emergency and notice.is_current,
            "end": decides and notice.is_current,
        },
        "has_messages": notice.state not in IN_WORK[:3],
    }
    if context["has_messages"]:
        context |= _progress(request, notice)
    return render(request, "notices/staff/notice.html", context, status=status)


@dataclass(frozen=True, slots=True)
class _GateRow:
    """One language before sending: how far it is, how many read it, and what they will get."""

    language: Language
    state: str
    label: str
    wording: object
    people: int
    gets: Language

    @property
    def is_fallback(self) -> bool:
        """Whether its readers get another language."""
        return self.gets != self.language


def _gate_row(notice: Notice, language: Language, counts) -> _GateRow:
    wordings = {it.language: it for it in notice.wordings.all()}
    wording = wordings.get(language.code)
    state = WordingState(wording.state if wording else WordingState.MISSING)
    people = sum(number for (code, _channel), number in counts.items() if code == language.code)
    gets = SPOKEN[language_for(notice, language.code)]
    return _GateRow(language, state.value, state.label, wording, people, gets)


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
    notice = _found(request, public_id)
    gets = language_for(notice, language)
    _as_if_checked(notice, language)
    kind = broadcasting.EMERGENCY if notice.is_emergency else broadcasting.NEWS
    letter, fault = None, ""
    try:
        letter = compose(kind, language, about=notice, frame=_WORDS_ONLY)
    except CannotBeWritten as error:
        fault = str(error)
    tabs = [
        {"url": f"../{it.code}/", "label": it.own_name, "current": it.code == language}
        for it in composing_order(notice.source_language)
    ]
    context = {
        "notice": notice,
        "title": _title(notice),
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
            "html": _without_styles(letter.html),
            "sms": size(letter.short),
        }
    return render(request, "notices/staff/preview.html", context)


@require_safe
def page(request, public_id):
    """The very page that readers of the address's language will see, before it is public."""
    notice = _found(request, public_id)
    _as_if_checked(notice, request.LANGUAGE_CODE)
    if notice.published_at is None:  # on this object only
        notice.state, notice.published_at = NoticeState.SENDING, timezone.now()
    context = {"notice": words_of(notice, request.LANGUAGE_CODE), "newer": []}
    return render(request, "notices/staff/page.html", context)


def _as_if_checked(notice: Notice, language: str) -> None:
    """Let a language be read before somebody has checked it; on this object only, nothing is saved."""
    for wording in notice.wordings.all():
        if wording.language == language and broadcasting.has_text(notice, language):
            wording.state = WordingState.CHECKED


def _without_styles(html: str) -> SafeString:
    """A letter's inside for a page of the portal, on which no style may stand in an attribute."""
    return mark_safe(nh3.clean(annotate_page(html, furigana=True), tags=_LETTER_TAGS, attributes=_LETTER_ATTRIBUTES))  # noqa: S308  nh3 made it so


# --- What the buttons do --------------------------------------------------------------------------


@require_POST
def submit(request, public_id):
    """Ask for approval."""
    return _act(request, public_id, broadcasting.submit, pgettext("staff", "Another person can approve it now."))


@require_POST
def approve(request, public_id):
    """Let it go out, at once or later."""
    row = _found(request, public_id)
    form = ApprovalForm(request.POST)
    if not form.is_valid():
        return _notice_page(request, row, 400, approval=form)
    return _act(
        request,
        public_id,
        broadcasting.approve,
        pgettext("staff", "Approved. It goes out at its time by itself."),
        scheduled_at=form.cleaned_data["scheduled_at"],
    )


@require_POST
def send_back(request, public_id):
    """Return it to its author, with a reason."""
    return _act_with_reason(request, public_id, broadcasting.send_back, pgettext("staff", "It is a draft again."))


@require_POST
def cancel(request, public_id):
    """Stop it for good."""
    return _act_with_reason(request, public_id, broadcasting.cancel, pgettext("staff", "It is cancelled."))


@require_POST
def end(request, public_id):
    """Take it off the front pages into the archive."""
    return _act_with_reason(
        request, public_id, broadcasting.end, pgettext("staff", "It has ended and is in the archive.")
    )


@require_POST
def pause(request, public_id):
    """Keep back what has not gone out."""
    return _act(request, public_id, broadcasting.pause, _held)


@require_POST
def resume(request, public_id):
    """Go on."""
    return _act(request, public_id, broadcasting.resume, pgettext("staff", "It goes on."))


@require_POST
def correct(request, public_id):
    """A new draft for those who got the wrong one; asked for twice, the same draft."""
    row = _found(request, public_id)
    draft = row.corrections.filter(state=NoticeState.DRAFT).first()
    try:
        draft = draft or broadcasting.correct(row, by=request.user)
    except Refused as fault:
        messages.error(request, str(fault))
        return redirect("newsroom:notice", public_id)
    return redirect("newsroom:edit", draft.public_id)


def _held(number: int) -> str:
    told = npgettext("staff", "Paused: %(number)s message waits.", "Paused: %(number)s messages wait.", number)
    return told % {"number": number}


def _act(request, public_id: str, action, told, **arguments):
    row = _found(request, public_id)
    try:
        result = action(row, by=request.user, **arguments)
    except Refused as fault:
        messages.error(request, str(fault))
    else:
        messages.success(request, told(result) if callable(told) else told)
    return redirect("newsroom:notice", public_id)


def _act_with_reason(request, public_id: str, action, told: str):
    row = _found(request, public_id)
    form = ReasonForm(request.POST)
    if not form.is_valid():
        return _notice_page(request, row, 400, reason=form)
    return _act(request, public_id, action, told, reason=form.cleaned_data["reason"])
