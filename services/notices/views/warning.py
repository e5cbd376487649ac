"""Issuing an emergency: choose a pattern, fill its slots, read every language, send."""

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

from services.base.refusals import Refused
from services.languages.choice import staff_language
from services.languages.ruby import as_html
from services.languages.table import Language
from services.notices.actions import broadcasting
from services.notices.counting import audience_counts
from services.notices.models import Notice, Topic
from services.notices.patterns import Pattern, levels, patterns
from services.notices.staff_forms import EmergencyForm, typed_slots, with_named_slots
from services.notices.views.deciding import by_channel
from services.notices.views.writing import GET_OR_POST

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
            broadcasting.issue(notice, by=request.user)
            messages.success(request, pgettext("staff", "It is being sent."))
    except IntegrityError:  # the same form, sent twice at once: the other one has issued it
        pass
    except Refused as fault:
        messages.error(request, str(fault))
        return redirect("newsroom:patterns")
    return redirect("newsroom:notice", key)
