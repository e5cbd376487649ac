"""Issuing an emergency: choose a pattern, fill its slots, read every language, send; later add what was missing."""

from dataclasses import dataclass

from django.conf import settings
from django.contrib import messages
from django.db import IntegrityError
from django.http import Http404
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.html import escape
from django.utils.safestring import mark_safe
from django.utils.translation import pgettext
from django.views.decorators.http import require_safe

from services.base import markdown
from services.base.refusals import Refused
from services.languages.choice import staff_language
from services.languages.ruby import annotate_page, as_html
from services.languages.table import SPOKEN, Language
from services.notices.actions import broadcasting, warning
from services.notices.counting import audience_counts
from services.notices.emergency_forms import EmergencyForm, LanguageForm, typed_slots, with_named_slots
from services.notices.models import Notice, Topic
from services.notices.patterns import Pattern, levels, patterns
from services.notices.reading import readable_languages
from services.notices.views.deciding import by_channel, languages_to_add
from services.notices.views.writing import GET_OR_POST, found_notice, title_of, warnings_between

TOPIC = "disasters"


@dataclass(frozen=True, slots=True)
class _Card:
    """A pattern to choose: its name and its sentence, its slots named in brackets."""

    code: str
    title: str
    text: str
    level: int
    is_same: bool


@require_safe
def choose(request):
    """Every checked pattern; with `updates`, for an emergency that is out already."""
    before = _before(request.GET.get("updates", ""))
    code = staff_language(request.LANGUAGE_CODE)
    cards = [
        _Card(
            it.code,
            it.titles[code],
            with_named_slots(it.texts[code]),
            it.usual_level,
            bool(before and before.pattern == it.code),
        )
        for it in patterns().values()
    ]
    cards.sort(key=lambda card: not card.is_same)
    return render(request, "notices/staff/patterns.html", {"cards": cards, "before": before})


@GET_OR_POST
def warn(request, pattern):
    """The form of a pattern, then its text in every language, then sending. Each step checks everything again."""
    if pattern not in patterns():
        raise Http404
    chosen = patterns()[pattern]
    if request.method != "POST":
        before = _before(request.GET.get("updates", ""))
        typed = typed_slots(before) if before else {}
        form = EmergencyForm(pattern=chosen, language=request.LANGUAGE_CODE, initial=typed)
        return _form_page(request, form, chosen, before)
    form = EmergencyForm(request.POST, pattern=chosen, language=request.LANGUAGE_CODE)
    before = _before(request.POST.get("updates", ""))
    if not form.is_valid() or request.POST.get("step") == "change":
        return _form_page(request, form, chosen, before, 400 if form.errors else 200)
    notice = form.notice()
    notice.updates = before
    if request.POST.get("step") == "send":
        return _send(request, notice)
    return _confirmation(request, form, notice, chosen)


def _before(public_id: str) -> Notice | None:
    """The emergency that is to be updated; 404 for what is none."""
    if not public_id:
        return None
    return get_object_or_404(Notice.objects.published().emergencies(), public_id=public_id)


def _form_page(request, form: EmergencyForm, pattern: Pattern, before: Notice | None, status: int = 200):
    code = staff_language(request.LANGUAGE_CODE)
    context = {
        "form": form,
        "pattern": pattern,
        "title": pattern.titles[code],
        "text": with_named_slots(pattern.texts[code]),
        "before": before,
    }
    return render(request, "notices/staff/warn.html", context, status=status)


@dataclass(frozen=True, slots=True)
class _Face:
    """One language on the last page before sending."""

    language: Language
    level: str
    title: str
    text: str
    people: int


def _read_slowly(text: str) -> str:
    """A text with its furigana: what stands here is read by whoever sends it, whatever their switch says."""
    return mark_safe(as_html(escape(text)))  # noqa: S308  escaped before


def _shown_slowly(body: str) -> str:
    """The same of a text in Markdown, as its page shows it."""
    return mark_safe(annotate_page(markdown.as_html(body), furigana=True))  # noqa: S308  markdown.as_html cleans it


def _confirmation(request, form: EmergencyForm, notice: Notice, pattern: Pattern):
    counts = audience_counts(notice)
    level = levels()[notice.level]
    faces = [
        _Face(
            language,
            _read_slowly(level.names[language.code]),
            _read_slowly(getattr(notice, f"title_{language.column}") or ""),
            _read_slowly(getattr(notice, f"body_{language.column}") or ""),
            sum(number for (code, _channel), number in counts.items() if code == language.code),
        )
        for language in settings.CITY.offered()
    ]
    code = staff_language(request.LANGUAGE_CODE)
    context = {
        "form": form,
        "notice": notice,
        "title": pattern.titles[code],
        "level": level.names[code],
        "area": settings.CITY.area(notice.area, code),
        "faces": faces,
        "people": sum(counts.values()),
        "channels": by_channel(counts),
        "typed": [(field.html_name, value) for field in form for value in _typed(request, field.html_name)],
    }
    return render(request, "notices/staff/confirm.html", context)


def _typed(request, name: str) -> list[str]:
    return [value for value in request.POST.getlist(name) if value]


def _send(request, notice: Notice):
    """Issue it once, however often the button was pressed."""
    key = notice.public_id
    topic = Topic.objects.filter(code=TOPIC).first() or Topic.objects.first()
    try:
        if topic is None:
            raise Refused(pgettext("staff", "There is no topic yet. Please ask the administrator to load them."))
        if not Notice.objects.filter(public_id=key).exists():
            notice.topic = topic
            warning.issue(notice, by=request.user)
            messages.success(request, pgettext("staff", "It is being sent."))
    except IntegrityError:  # the same form, sent twice at once: the other one has issued it
        pass
    except Refused as fault:
        messages.error(request, str(fault))
        return redirect("newsroom:patterns")
    return redirect("newsroom:notice", key)


# --- One more language --------------------------------------------------------------------------------


@GET_OR_POST
def add_language(request, public_id, language):
    """Write a language that an emergency went out without, read it beside the source, then send it to its readers."""
    if language not in settings.CITY.languages:
        raise Http404
    notice = found_notice(request, public_id)
    if not notice.is_emergency:
        raise Http404
    if language not in languages_to_add(notice):
        messages.info(request, pgettext("staff", "This language has gone out already, or the emergency has ended."))
        return redirect("newsroom:notice", public_id)
    form = LanguageForm(request.POST or None, notice=notice, spoken=SPOKEN[language])
    step = request.POST.get("step") if form.is_valid() else ""
    if step == "send":
        return _send_language(request, notice, language, form)
    return _language_page(request, notice, SPOKEN[language], form, is_read=step == "read")


def _send_language(request, notice: Notice, language: str, form: LanguageForm):
    try:
        warning.add_language(notice, language, **form.cleaned_data, by=request.user)
    except Refused as fault:
        messages.error(request, str(fault))
    else:
        messages.success(request, pgettext("staff", "It is being sent to the readers of this language."))
    return redirect("newsroom:notice", notice.public_id)


def _language_page(request, notice: Notice, spoken: Language, form: LanguageForm, *, is_read: bool):
    source = SPOKEN[notice.source_language]
    originals = [
        (language, *(_read_slowly(getattr(notice, f"{name}_{language.column}") or "") for name in Notice.TEXTS))
        for language in dict.fromkeys([source, SPOKEN["en"]])
        if language.code in readable_languages(notice)
    ]
    context = {
        "notice": notice,
        "title": title_of(notice),
        "spoken": spoken,
        "form": form,
        "originals": originals,
        "people": broadcasting.waiting_for(notice, spoken.code).count(),
    }
    if is_read:
        words = form.cleaned_data
        told, said = (
            "\n\n".join(texts)
            for texts in ([getattr(notice, f"{name}_{source.column}") for name in Notice.TEXTS], words.values())
        )
        context |= {
            "read": {"title": _read_slowly(words["title"]), "body": _shown_slowly(words["body"])},
            "warnings": warnings_between(told, said, source_language=source.code, language=spoken.code),
        }
    return render(request, "notices/staff/language.html", context, status=400 if form.errors else 200)
