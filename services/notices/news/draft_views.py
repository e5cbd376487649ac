"""Staff pages to write notices: the list, and the editing page with all languages."""

from dataclasses import dataclass

from django.conf import settings
from django.contrib import messages
from django.core.paginator import Paginator
from django.db import IntegrityError, transaction
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import translation
from django.utils.safestring import SafeString
from django.utils.translation import pgettext, pgettext_lazy
from django.views.decorators.http import require_safe

from services.accounts.roles import Role
from services.base.http import GET_OR_POST
from services.base.refusals import Refused
from services.languages.consistency import find_inconsistencies
from services.languages.names import NAMES
from services.languages.negotiation import staff_language
from services.languages.registry import SPOKEN, Language
from services.languages.translated import translated
from services.notices.news import drafts
from services.notices.news.forms import DraftForm, NewDraftForm, TextsForm, version_token
from services.notices.news.lifecycle import UNSENT_STATES, notices_by_state
from services.notices.news.models import Notice, NoticeState, NoticeTranslation, NoticeTranslationState

PAGE_SIZE = 20
IN_PROGRESS = (*UNSENT_STATES, NoticeState.SENDING, NoticeState.PAUSED)
DETAIL_FIELDS = ("topic", "starts_at", "ends_at", "is_all_day", "until", "area", "to_languages")
DIFFERENCE_LABELS = {
    "link": pgettext_lazy("staff", "Links"),
    "phone": pgettext_lazy("staff", "Phone numbers"),
    "date": pgettext_lazy("staff", "Dates"),
    "time": pgettext_lazy("staff", "Times"),
    "number": pgettext_lazy("staff", "Numbers"),
}


def get_notice(request, public_id: str) -> Notice:
    """Return a notice that the user may see, with its translations and their reviewers; 404 for any other."""
    rows = Notice.objects.visible_to(request.user).select_related("topic", "author", "approver")
    return get_object_or_404(rows.prefetch_related("translations__checked_by"), public_id=public_id)


# --- The list -----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _NoticeRow:
    """A notice in the list."""

    notice: Notice
    title: SafeString
    ready: int


@require_safe
def index(request):
    """Notices by state; at first those in progress."""
    state = request.GET.get("state", "")
    counts = notices_by_state()
    rows = Notice.objects.visible_to(request.user)
    rows = rows.filter(state=state) if state in NoticeState.values else rows.filter(state__in=IN_PROGRESS)
    rows = rows.select_related("topic", "author").prefetch_related("translations").order_by("-changed_at", "-pk")
    page = Paginator(rows, PAGE_SIZE).get_page(request.GET.get("page"))
    page.object_list = [_NoticeRow(row, title_of(row), len(_reviewed_languages(row))) for row in page.object_list]
    in_work = sum(counts[it] for it in IN_PROGRESS)
    tabs = [_tab("?", pgettext("staff", "In progress"), in_work, state not in NoticeState.values)]
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
    pattern = pgettext("staff", "%(name)s (%(number)s)")
    return {"url": url, "label": pattern % {"name": label, "number": number}, "current": is_current}


def title_of(notice: Notice) -> SafeString:
    """Return a notice's title for staff, in its source language."""
    source = SPOKEN[notice.source_language]
    text = translated(notice, "title", source.code)
    return text.marked or notice.public_id


def _reviewed_languages(notice: Notice) -> list[str]:
    return [it.language for it in notice.translations.all() if it.state == NoticeTranslationState.REVIEWED]


# --- The editing page ---------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _LanguagePane:
    """A language on the editing page: its fields, its translation's state and warnings about differences."""

    language: Language
    name: str
    fields: list
    wording: NoticeTranslation | None
    is_source: bool
    warnings: list[str]
    theirs: list[tuple[str, str]]

    @property
    def has_errors(self) -> bool:
        """Whether one of the fields has errors."""
        return any(field.errors for field in self.fields)


@GET_OR_POST
def write(request):
    """Write a new draft."""
    notice = Notice(source_language=settings.CITY.default_language)
    form = NewDraftForm(request.POST or None, notice=notice, language=request.LANGUAGE_CODE)
    if request.method == "POST" and form.is_valid():
        key = form.cleaned_data["key"]
        try:
            if not Notice.objects.filter(public_id=key).exists():
                _fill_and_save(request, form, Notice(public_id=key, source_language=notice.source_language))
        except IntegrityError:  # the form was sent twice at once, and the other request has created it
            pass
        except Refused as error:
            messages.error(request, str(error))
            return _editor_page(request, form, notice, 409)
        return redirect("newsroom:edit", key)
    return _editor_page(request, form, notice, 400 if form.errors else 200)


def _fill_and_save(request, form: TextsForm, notice: Notice) -> None:
    """Save a draft; by a language's button "Save and mark as checked", also mark that language as reviewed."""
    changed = form.changed_names()
    form.fill(notice)
    arguments = {"by": request.user, "changed": changed, "is_minor": form.cleaned_data["is_minor"]}
    language = request.POST.get("check", "")
    if language in SPOKEN:
        drafts.save_and_review(notice, language, **arguments)
    else:
        drafts.save_draft(notice, **arguments)


@GET_OR_POST
def edit(request, public_id):
    """Edit a draft in all languages. Never overwrites what somebody else has saved in the meantime."""
    notice = get_notice(request, public_id)
    if request.method == "POST":
        return _save(request, notice)
    if notice.state != NoticeState.DRAFT:
        messages.info(request, pgettext("staff", "You can change only a draft. Return the notice to draft first."))
        return redirect("newsroom:notice", public_id)
    return _editor_page(request, _form_for(request, notice), notice)


def _form_for(request, notice: Notice, typed=None) -> TextsForm:
    form = DraftForm if request.user.has_role(Role.EDITOR) else TextsForm
    return form(typed, notice=notice, language=request.LANGUAGE_CODE)


def _save(request, notice: Notice):
    row, form, is_conflict = _save_draft(request, notice)
    if row:
        messages.success(request, pgettext("staff", "Your changes have been saved."))
        return redirect("newsroom:edit", row.public_id)
    return _editor_page(request, form, notice, 400 if form.errors else 409, compare=is_conflict)


def _save_draft(request, notice: Notice) -> tuple[Notice | None, TextsForm, bool]:
    """Save a draft; return the row (None if not saved), the form, and whether somebody else has saved first."""
    with transaction.atomic():
        row = Notice.objects.select_for_update().get(pk=notice.pk)
        form = _form_for(request, row, request.POST)
        if not form.is_valid():
            return None, form, False
        if form.cleaned_data["seen"] != version_token(row):
            message = pgettext(
                "staff",
                "Someone else changed this draft after you opened it. Your text is not lost, but it has not been "
                "saved. Compare the two versions, then save again.",
            )
            messages.error(request, message)
            return None, form, True
        try:
            _fill_and_save(request, form, row)
        except Refused as error:
            messages.error(request, str(error))
            return None, form, False
    return row, form, False


def _editor_page(request, form: TextsForm, notice: Notice, status: int = 200, *, compare: bool = False):
    if compare:
        form.data = form.data.copy()
        form.data["seen"] = version_token(notice)
    with translation.override(staff_language(request.LANGUAGE_CODE)):
        panes = [_pane(form, notice, code, compare=compare) for code in form.text_columns]
    first = {form.source, "en", *(["ja-simple"] if form.source == "ja" else [])}
    beside = [pane for pane in panes if pane.language.code in first]
    context = {
        "notice": notice,
        "title": title_of(notice) if notice.pk else "",
        "form": form,
        "beside": beside,
        "below": [pane for pane in panes if pane not in beside],
        "facts": [form[name] for name in DETAIL_FIELDS if name in form.fields],
    }
    return render(request, "notices/staff/composer.html", context, status=status)


def _pane(form: TextsForm, notice: Notice, code: str, *, compare: bool) -> _LanguagePane:
    names = form.text_columns[code]
    translations = {it.language: it for it in notice.translations.all()} if notice.pk else {}
    theirs = []
    if compare:
        typed = [(form[name].value() or "").replace("\r\n", "\n") for name in names]
        stored = [getattr(notice, name) or "" for name in names]
        theirs = [(form[name].label, now) for name, mine, now in zip(names, typed, stored, strict=True) if mine != now]
    return _LanguagePane(
        SPOKEN[code],
        str(NAMES[code]),
        [form[name] for name in names],
        translations.get(code),
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
    """Return sentences about dates, times, numbers and links that differ between a text and its source."""
    if not text.strip():
        return []
    return [
        _warning(it) for it in find_inconsistencies(source, text, source_language=source_language, language=language)
    ]


def _warning(difference) -> str:
    values = {
        "kind": DIFFERENCE_LABELS[difference.kind],
        "missing": ", ".join(difference.missing),
        "added": ", ".join(difference.added),
    }
    if difference.missing and difference.added:
        return (
            pgettext("staff", "%(kind)s – missing from this text: %(missing)s; only in this text: %(added)s.") % values
        )
    if difference.missing:
        return pgettext("staff", "%(kind)s – missing from this text: %(missing)s.") % values
    return pgettext("staff", "%(kind)s – only in this text: %(added)s.") % values
