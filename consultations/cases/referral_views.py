"""Referrals: draft, show the text to the person, send with their consent, record the reply, withdraw."""

from collections.abc import Callable

from django.conf import settings
from django.contrib import messages
from django.http import Http404
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.html import conditional_escape
from django.utils.safestring import mark_safe
from django.utils.translation import get_language, pgettext
from django.views.decorators.http import require_POST, require_safe

from consultations.cases import presentation
from consultations.cases import referrals as actions
from consultations.cases.consent import consent_lines, consent_text, proof_of_shown_text
from consultations.cases.forms import CaseActionForm, ConfirmForm, ConsentForm, ReferralForm, ReferralReplyForm
from consultations.cases.views import get_case
from consultations.log.views import call_or_404
from consultations.records.models import Referral, ReferralState
from services.base.http import GET_OR_POST
from services.base.refusals import Refused
from services.languages.furigana import to_ruby
from services.languages.negotiation import staff_language
from services.languages.registry import SPOKEN

REFERRAL_ACTIONS: dict[str, tuple[Callable, type[CaseActionForm]]] = {
    "change": (actions.change_referral, ReferralForm),
    "ask": (actions.request_consent, ConfirmForm),
    "word-anew": (actions.reword_referral, ConfirmForm),
    "send": (actions.mark_referral_sent, ConsentForm),
    "answer": (actions.record_answer, ReferralReplyForm),
    "revoke": (actions.withdraw_referral, ConfirmForm),
}


@GET_OR_POST
def draft(request, public_id):
    """Draft a referral in a case."""
    case = get_case(request.user, public_id, is_member=True)
    form = ReferralForm(request.POST or None, case=case, user=request.user)
    if request.method == "POST" and form.is_valid():
        try:
            referral = actions.draft_referral(case, by=request.user, **form.cleaned_data)
        except Refused as refusal:
            form.add_error(None, str(refusal))
        else:
            return redirect("cases:referral", referral.public_id)
    context = {"form": form, "case": case}
    return render(request, "consultations/cases/new_referral.html", context, status=400 if form.errors else 200)


@require_safe
def show(request, public_id):
    """Show a referral and the possible next steps."""
    return _page(request, _get_referral(request, public_id))


@require_POST
def run_action(request, public_id, verb):
    """Run one of `REFERRAL_ACTIONS`."""
    referral = _get_referral(request, public_id)
    if verb not in REFERRAL_ACTIONS:
        raise Http404
    action, form_class = REFERRAL_ACTIONS[verb]
    form = form_class(request.POST, case=referral.case, user=request.user)
    if not form.is_valid():
        return _refused_page(request, public_id, verb, form)
    try:
        result = action(referral, by=request.user, **form.cleaned_data)
    except Refused as refusal:
        form.add_error(None, str(refusal))
        return _refused_page(request, public_id, verb, form)
    messages.success(request, _success_message(verb, referral, result))
    return redirect("cases:referral", public_id)


def _refused_page(request, public_id: str, verb: str, form):
    """Show the form again with the reason. After a button without fields, show the current referral."""
    referral = _get_referral(request, public_id)
    if verb == "change":
        return _page(request, referral, form)
    if verb == "send" and referral.state == ReferralState.CONSENT_PENDING:
        return _consent_page(request, referral, _reading_language(referral, form.data.get("language")), form)
    messages.error(request, " ".join(error for errors in form.errors.values() for error in errors))
    return redirect("cases:referral", public_id)


def _reading_language(referral: Referral, requested: str | None = None) -> str:
    """Return the language in which the person reads the text: the requested one if offered, else their own."""
    if requested in {offered.code for offered in settings.CITY.offered()}:
        return requested
    return referral.case.client.language if referral.case.client else referral.case.language


def _success_message(verb: str, referral: Referral, shared) -> str:
    if verb != "revoke":
        return pgettext("staff", "The record has been updated.")
    if not shared:
        return pgettext("staff", "The referral has been withdrawn. Nothing had been shared.")
    return pgettext(
        "staff", "The referral has been withdrawn. The following had already been shared with “%(body)s”: %(what)s"
    ) % {
        "body": presentation.body_name(referral.body),
        "what": shared,
    }


@require_safe
def consent(request, public_id, language):
    """Show the consent text in the person's language and the user's, to read, or to print and sign."""
    referral = _get_referral(request, public_id)
    if language not in {offered.code for offered in settings.CITY.offered()} or referral.state == ReferralState.DRAFT:
        raise Http404
    return _consent_page(request, referral, language)


def _consent_page(request, referral: Referral, language: str, refused: ConsentForm | None = None):
    """Render the current text with its fingerprint in the form, also after another text was refused."""
    words = call_or_404(presentation.decrypt_referral, referral, by=request.user)
    own = staff_language(get_language())
    faces = [_consent_text(referral, words, code) for code in dict.fromkeys([language, own])]
    initial = {
        "language": language,
        "shown": proof_of_shown_text(consent_text(referral.body, words["what"], words["why"], language)),
    }
    form = refused or ConsentForm(case=referral.case, user=request.user, initial=initial)
    if refused:
        refused.data = refused.data.dict() | initial
    context = {"referral": referral, "faces": faces, "form": form, "languages": settings.CITY.offered()}
    status = 400 if refused else 200
    return render(request, "consultations/cases/consent.html", context | {"shown_in": SPOKEN[language]}, status=status)


def _consent_text(referral: Referral, words: dict[str, str], code: str) -> dict:
    """Return the sentences with furigana, whatever the adviser has chosen for themselves: they are for the person."""
    lines = consent_lines(referral.body, code)
    html = {name: mark_safe(to_ruby(conditional_escape(line))) for name, line in lines.items()}  # noqa: S308  escaped
    return html | {
        "language": SPOKEN[code],
        "told": words["what"],
        "because": words["why"],
        "written_in": SPOKEN[referral.written_in],
    }


def _get_referral(request, public_id: str) -> Referral:
    mine = Referral.objects.visible_to(request.user)
    return get_object_or_404(mine.select_related("case__client", "by", "recorded_by"), public_id=public_id)


def _page(request, referral: Referral, refused: ReferralForm | None = None):
    words = call_or_404(presentation.decrypt_referral, referral, by=request.user)
    initial = {"body": referral.body, "written_in": referral.written_in, "what": words["what"], "why": words["why"]}
    context = {
        "referral": referral,
        "words": words,
        "case": referral.case,
        "body": presentation.body_name(referral.body),
        "written_in": SPOKEN[referral.written_in],
        "form": refused or ReferralForm(case=referral.case, user=request.user, initial=initial),
        "consent_in": _reading_language(referral),
        "consented_in": SPOKEN.get(referral.consent_language),
        "answers": [(state, state.label) for state in actions.ANSWERS if state in referral.TRANSITIONS[referral.state]],
        "may_be_revoked": ReferralState.REVOKED in referral.TRANSITIONS[referral.state],
    }
    return render(request, "consultations/cases/referral.html", context, status=400 if refused else 200)
