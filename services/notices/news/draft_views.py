"""Writing news: the list, and the composer with its languages."""

from dataclasses import dataclass

from django.conf import settings
from django.contrib import messages
from django.core.paginator import Paginator
from django.db import IntegrityError, transaction
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import translation
from django.utils.safestring import SafeString
from django.utils.translation import pgettext, pgettext_lazy
from django.views.decorators.http import require_http_methods, require_safe

from services.accounts.roles import Role
from services.base.refusals import Refused
from services.languages.choice import staff_language
from services.languages.figures import differences
from services.languages.names import NAMES
from services.languages.table import SPOKEN, Language
from services.languages.text import text_of
from services.notices.actions import writing
from services.notices.actions.steps import BEFORE_SENDING
from services.notices.counting import notices_by_state
from services.notices.models import Notice, NoticeState, Wording, WordingState
from services.notices.staff_forms import DraftForm, NewDraftForm, TextsForm, token_of

ON_A_PAGE = 20
GET_OR_POST = require_http_methods(["GET", "HEAD", "POST"])
IN_WORK = (*BEFORE_SENDING, NoticeState.SENDING, NoticeState.PAUSED)
FACTS = ("topic", "starts_at", "ends_at", "until", "area", "to_languages")
FIGURES = {
    "link": pgettext_lazy("staff", "Links"),
    "phone": pgettext_lazy("staff", "Phone numbers"),
    "date": pgettext_lazy("staff", "Days"),
    "time": pgettext_lazy("staff", "Times"),
    "number": pgettext_lazy("staff", "Numbers"),
}


def found_notice(request, public_id: str) -> Notice:
    """A notice that this person may see, with its languages and people; 404 for any other."""
    rows = Notice.objects.visible_to(request.user).select_related("topic", "author", "approver")
    return get_object_or_404(rows.prefetch_related("wordings__checked_by"), public_id=public_id)


# --- The list -----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Row:
    """One notice in the list."""

    notice: Notice
    title: SafeString
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
    page.object_list = [_Row(row, title_of(row), len(_checked(row))) for row in page.object_list]
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


def title_of(notice: Notice) -> SafeString:
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
    wording: Wording | None
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
        try:
            if not Notice.objects.filter(public_id=key).exists():
                _store(request, form, Notice(public_id=key, source_language=notice.source_language))
        except IntegrityError:  # the same form, sent twice at once: the other one has made it
            pass
        except Refused as fault:
            messages.error(request, str(fault))
            return _composer(request, form, notice, 409)
        return redirect("newsroom:edit", key)
    return _composer(request, form, notice, 400 if form.errors else 200)


def _store(request, form: TextsForm, notice: Notice) -> None:
    """Keep what was typed; by the button "Save and mark as checked" of a language both, or neither."""
    changed = form.changed_names()
    form.fill(notice)
    kept = {"by": request.user, "changed": changed, "is_minor": form.cleaned_data["is_minor"]}
    language = request.POST.get("check", "")
    if language in SPOKEN:
        writing.save_checked(notice, language, **kept)
    else:
        writing.save_draft(notice, **kept)


@GET_OR_POST
def edit(request, public_id):
    """A draft with all its languages. What somebody else has saved meanwhile is never overwritten unseen."""
    notice = found_notice(request, public_id)
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
    row, form, is_outrun = _keep(request, notice)
    if row:
        messages.success(request, pgettext("staff", "Saved."))
        return redirect("newsroom:edit", row.public_id)
    return _composer(request, form, notice, 400 if form.errors else 409, compare=is_outrun)


def _keep(request, notice: Notice) -> tuple[Notice | None, TextsForm, bool]:
    """Save what was typed; no row if it could not be. At last, whether that was because somebody else was faster."""
    with transaction.atomic():
        row = Notice.objects.select_for_update().get(pk=notice.pk)
        form = _form_for(request, row, request.POST)
        if not form.is_valid():
            return None, form, False
        if form.cleaned_data["seen"] != token_of(row):
            told = pgettext(
                "staff",
                "Somebody else has changed this draft since you opened it. Nothing of yours is lost and nothing is "
                "saved yet: compare, then save again.",
            )
            messages.error(request, told)
            return None, form, True
        try:
            _store(request, form, row)
        except Refused as fault:
            messages.error(request, str(fault))
            return None, form, False
    return row, form, False


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
        "title": title_of(notice) if notice.pk else "",
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
    source, text = (
        "\n\n".join(form[name].value() or "" for name in form.text_columns[language][:2])
        for language in (form.source, code)
    )
    return warnings_between(source, text, source_language=form.source, language=code)


def warnings_between(source: str, text: str, *, source_language: str, language: str) -> list[str]:
    """Where a language tells other days, times, numbers or links than the source, in words."""
    if not text.strip():
        return []
    return [_warning(it) for it in differences(source, text, source_language=source_language, language=language)]


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
