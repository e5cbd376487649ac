"""Staff pages to issue an emergency: choose a template, fill it in, check all languages, send; add languages later."""

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
from services.base.http import GET_OR_POST
from services.base.refusals import Refused
from services.languages.furigana import annotate_page, to_ruby
from services.languages.negotiation import staff_language
from services.languages.registry import SPOKEN, Language
from services.notices import broadcast
from services.notices.alert_templates import AlertTemplate, alert_levels, alert_templates
from services.notices.audience import audience_counts, by_channel
from services.notices.emergencies import actions
from services.notices.emergencies.forms import EmergencyForm, LanguageForm, named_placeholders, typed_placeholders
from services.notices.news.draft_views import get_notice, title_of, warnings_between
from services.notices.news.models import Notice
from services.notices.news.presentation import languages_to_add, readable_languages
from services.notices.subscriptions.models import Topic

TOPIC = "disasters"


@dataclass(frozen=True, slots=True)
class _TemplateCard:
    """A template to choose: its title, and its text with placeholders in brackets."""

    code: str
    title: str
    text: str
    level: int
    is_same: bool


@require_safe
def choose(request):
    """List all templates; with `updates`, for the update of an emergency."""
    before = _previous_notice(request.GET.get("updates", ""))
    code = staff_language(request.LANGUAGE_CODE)
    cards = [
        _TemplateCard(
            it.code,
            it.titles[code],
            named_placeholders(it.texts[code]),
            it.usual_level,
            bool(before and before.pattern == it.code),
        )
        for it in alert_templates().values()
    ]
    cards.sort(key=lambda card: not card.is_same)
    return render(request, "notices/staff/patterns.html", {"cards": cards, "before": before})


@GET_OR_POST
def warn(request, pattern):
    """Fill in a template, then check the text in every language, then send. Each step validates everything again."""
    if pattern not in alert_templates():
        raise Http404
    chosen = alert_templates()[pattern]
    if request.method != "POST":
        before = _previous_notice(request.GET.get("updates", ""))
        typed = typed_placeholders(before) if before else {}
        form = EmergencyForm(pattern=chosen, language=request.LANGUAGE_CODE, initial=typed)
        return _form_page(request, form, chosen, before)
    form = EmergencyForm(request.POST, pattern=chosen, language=request.LANGUAGE_CODE)
    before = _previous_notice(request.POST.get("updates", ""))
    if not form.is_valid() or request.POST.get("step") == "change":
        return _form_page(request, form, chosen, before, 400 if form.errors else 200)
    notice = form.notice()
    notice.updates = before
    if request.POST.get("step") == "send":
        return _send(request, notice)
    return _confirmation(request, form, notice, chosen)


def _previous_notice(public_id: str) -> Notice | None:
    """Return the emergency to update; 404 if it does not exist."""
    if not public_id:
        return None
    return get_object_or_404(Notice.objects.published().emergencies(), public_id=public_id)


def _form_page(request, form: EmergencyForm, pattern: AlertTemplate, before: Notice | None, status: int = 200):
    code = staff_language(request.LANGUAGE_CODE)
    context = {
        "form": form,
        "pattern": pattern,
        "title": pattern.titles[code],
        "text": named_placeholders(pattern.texts[code]),
        "before": before,
    }
    return render(request, "notices/staff/warn.html", context, status=status)


@dataclass(frozen=True, slots=True)
class _LanguagePreview:
    """A language on the last page before sending."""

    language: Language
    level: str
    title: str
    text: str
    people: int


def _render_text(text: str) -> str:
    """Render text with its furigana, whatever the sender's own setting: they check what readers will see."""
    return mark_safe(to_ruby(escape(text)))  # noqa: S308  escaped before


def _render_body(body: str) -> str:
    """Render Markdown likewise, as on the notice's page."""
    return mark_safe(annotate_page(markdown.to_html(body), furigana=True))  # noqa: S308  markdown.to_html cleans it


def _confirmation(request, form: EmergencyForm, notice: Notice, pattern: AlertTemplate):
    counts = audience_counts(notice)
    level = alert_levels()[notice.level]
    faces = [
        _LanguagePreview(
            language,
            _render_text(level.names[language.code]),
            _render_text(getattr(notice, f"title_{language.column}") or ""),
            _render_text(getattr(notice, f"body_{language.column}") or ""),
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
        "typed": [(field.html_name, value) for field in form for value in _typed_values(request, field.html_name)],
    }
    return render(request, "notices/staff/confirm.html", context)


def _typed_values(request, name: str) -> list[str]:
    return [value for value in request.POST.getlist(name) if value]


def _send(request, notice: Notice):
    """Issue the emergency once, however often the button is pressed."""
    key = notice.public_id
    topic = Topic.objects.filter(code=TOPIC).first() or Topic.objects.first()
    try:
        if topic is None:
            raise Refused(pgettext("staff", "There are no topics yet. Ask the administrator to load them."))
        if not Notice.objects.filter(public_id=key).exists():
            notice.topic = topic
            actions.issue(notice, by=request.user)
            messages.success(request, pgettext("staff", "The emergency notice is being sent."))
    except IntegrityError:  # the form was sent twice at once, and the other request has issued it
        pass
    except Refused as error:
        messages.error(request, str(error))
        return redirect("newsroom:patterns")
    return redirect("newsroom:notice", key)


# --- Additional languages -----------------------------------------------------------------------------


@GET_OR_POST
def add_language(request, public_id, language):
    """Add a language to an issued emergency: write it, compare it with the source, then send it."""
    if language not in settings.CITY.languages:
        raise Http404
    notice = get_notice(request, public_id)
    if not notice.is_emergency:
        raise Http404
    if language not in languages_to_add(notice):
        messages.info(
            request, pgettext("staff", "The text in this language has already been sent, or the emergency has ended.")
        )
        return redirect("newsroom:notice", public_id)
    form = LanguageForm(request.POST or None, notice=notice, spoken=SPOKEN[language])
    step = request.POST.get("step") if form.is_valid() else ""
    if step == "send":
        return _send_language(request, notice, language, form)
    return _language_page(request, notice, SPOKEN[language], form, is_read=step == "read")


def _send_language(request, notice: Notice, language: str, form: LanguageForm):
    try:
        actions.add_language(notice, language, **form.cleaned_data, by=request.user)
    except Refused as error:
        messages.error(request, str(error))
    else:
        messages.success(
            request, pgettext("staff", "The emergency notice is being sent to the readers of this language.")
        )
    return redirect("newsroom:notice", notice.public_id)


def _language_page(request, notice: Notice, spoken: Language, form: LanguageForm, *, is_read: bool):
    source = SPOKEN[notice.source_language]
    originals = [
        (
            language,
            *(_render_text(getattr(notice, f"{name}_{language.column}") or "") for name in Notice.TEXTS),
        )
        for language in dict.fromkeys([source, SPOKEN["en"]])
        if language.code in readable_languages(notice)
    ]
    context = {
        "notice": notice,
        "title": title_of(notice),
        "spoken": spoken,
        "form": form,
        "originals": originals,
        "people": broadcast.recipients_waiting_for(notice, spoken.code).count(),
    }
    if is_read:
        data = form.cleaned_data
        original, added = (
            "\n\n".join(texts)
            for texts in ([getattr(notice, f"{name}_{source.column}") for name in Notice.TEXTS], data.values())
        )
        context |= {
            "read": {"title": _render_text(data["title"]), "body": _render_body(data["body"])},
            "warnings": warnings_between(original, added, source_language=source.code, language=spoken.code),
        }
    return render(request, "notices/staff/language.html", context, status=400 if form.errors else 200)
