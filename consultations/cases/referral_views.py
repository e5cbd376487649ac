"""Referrals: worded, shown to the person in their language, sent with their consent, answered, taken back."""

from collections.abc import Callable

from django.conf import settings
from django.contrib import messages
from django.http import Http404
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.html import conditional_escape
from django.utils.safestring import mark_safe
from django.utils.translation import get_language, pgettext
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from consultations import case_words
from consultations.actions import referrals as actions
from consultations.consent import consent_lines, consent_text, seal_of
from consultations.forms.cases import AnswerForm, ConsentForm, NothingForm, ReferralForm, VerbForm
from consultations.models import Referral, ReferralState
from consultations.views.cases import found
from consultations.views.log import or_404
from services.base.refusals import Refused
from services.languages.choice import staff_language
from services.languages.ruby import as_html
from services.languages.table import SPOKEN

VERBS: dict[str, tuple[Callable, type[VerbForm]]] = {
    "change": (actions.change_referral, ReferralForm),
    "ask": (actions.ask_consent, NothingForm),
    "word-anew": (actions.word_anew, NothingForm),
    "send": (actions.send, ConsentForm),
    "answer": (actions.answer, AnswerForm),
    "revoke": (actions.revoke, NothingForm),
}


@require_http_methods(["GET", "HEAD", "POST"])
def write(request, public_id):
    """A new referral of a case."""
    case = found(request.user, public_id, is_member=True)
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
    """One referral and what can be done next."""
    return _page(request, _found(request, public_id))


@require_POST
def do(request, public_id, verb):
    """One of the verbs."""
    referral = _found(request, public_id)
    if verb not in VERBS:
        raise Http404
    act, form_class = VERBS[verb]
    form = form_class(request.POST, case=referral.case, user=request.user)
    if not form.is_valid():
        return _refused(request, public_id, verb, form)
    try:
        told = act(referral, by=request.user, **form.cleaned_data)
    except Refused as refusal:
        form.add_error(None, str(refusal))
        return _refused(request, public_id, verb, form)
    messages.success(request, _done(verb, referral, told))
    return redirect("cases:referral", public_id)


def _refused(request, public_id: str, verb: str, form):
    """The page of the form with what was typed and why it was refused; of a button alone, the referral as it is now."""
    referral = _found(request, public_id)
    if verb == "change":
        return _page(request, referral, form)
    if verb == "send" and referral.state == ReferralState.CONSENT_PENDING:
        return _consent_page(request, referral, _read_in(referral, form.data.get("language")), form)
    messages.error(request, " ".join(error for errors in form.errors.values() for error in errors))
    return redirect("cases:referral", public_id)


def _read_in(referral: Referral, asked: str | None = None) -> str:
    """In which language the person reads it: the one asked for, if it is offered, else their own."""
    if asked in {offered.code for offered in settings.CITY.offered()}:
        return asked
    return referral.case.client.language if referral.case.client else referral.case.language


def _done(verb: str, referral: Referral, told) -> str:
    if verb != "revoke":
        return pgettext("staff", "Written down.")
    if not told:
        return pgettext("staff", "Taken back. Nothing had been told to anybody.")
    return pgettext("staff", "Taken back. This had been told to “%(body)s” already: %(what)s") % {
        "body": case_words.body_name(referral.body),
        "what": told,
    }


@require_safe
def consent(request, public_id, language):
    """The consent in the person's language and the reader's, to be shown, or printed and signed."""
    referral = _found(request, public_id)
    if language not in {offered.code for offered in settings.CITY.offered()} or referral.state == ReferralState.DRAFT:
        raise Http404
    return _consent_page(request, referral, language)


def _consent_page(request, referral: Referral, language: str, refused: ConsentForm | None = None):
    """The words as they are now, whose seal the form carries, also where another's was refused."""
    words = or_404(case_words.open_referral, referral, by=request.user)
    own = staff_language(get_language())
    faces = [_face(referral, words, code) for code in dict.fromkeys([language, own])]
    shown = {"language": language, "shown": seal_of(consent_text(referral.body, words["what"], words["why"], language))}
    form = refused or ConsentForm(case=referral.case, user=request.user, initial=shown)
    if refused:
        refused.data = refused.data.dict() | shown
    context = {"referral": referral, "faces": faces, "form": form, "languages": settings.CITY.offered()}
    status = 400 if refused else 200
    return render(request, "consultations/cases/consent.html", context | {"shown_in": SPOKEN[language]}, status=status)


def _face(referral: Referral, words: dict[str, str], code: str) -> dict:
    """The sentences with furigana where they have it: it is shown to the person, whatever the adviser has switched."""
    lines = consent_lines(referral.body, code)
    shown = {name: mark_safe(as_html(conditional_escape(line))) for name, line in lines.items()}  # noqa: S308  escaped
    return shown | {
        "language": SPOKEN[code],
        "told": words["what"],
        "because": words["why"],
        "written_in": SPOKEN[referral.written_in],
    }


def _found(request, public_id: str) -> Referral:
    mine = Referral.objects.visible_to(request.user)
    return get_object_or_404(mine.select_related("case__client", "by", "recorded_by"), public_id=public_id)


def _page(request, referral: Referral, refused: ReferralForm | None = None):
    words = or_404(case_words.open_referral, referral, by=request.user)
    initial = {"body": referral.body, "written_in": referral.written_in, "what": words["what"], "why": words["why"]}
    context = {
        "referral": referral,
        "words": words,
        "case": referral.case,
        "body": case_words.body_name(referral.body),
        "written_in": SPOKEN[referral.written_in],
        "form": refused or ReferralForm(case=referral.case, user=request.user, initial=initial),
        "consent_in": _read_in(referral),
        "consented_in": SPOKEN.get(referral.consent_language),
        "answers": [(state, state.label) for state in actions.ANSWERS if state in referral.MOVES[referral.state]],
        "may_be_revoked": ReferralState.REVOKED in referral.MOVES[referral.state],
    }
    return render(request, "consultations/cases/referral.html", context, status=400 if refused else 200)
