"""The person of a case: known, changed, forgotten, told; and whether there was an earlier thread."""

from django.contrib import messages
from django.http import Http404
from django.shortcuts import redirect, render
from django.utils.translation import pgettext
from django.views.decorators.http import require_http_methods, require_POST

from consultations import case_words
from consultations.actions import clients as actions
from consultations.actions import regrouping
from consultations.forms.cases import EarlierForm, OtherRecordForm, PersonForm
from consultations.models import Client
from consultations.views.cases import found
from services.audit.opening import open_sealed
from services.base.refusals import Refused

PLEASE_CALL = "consultations/please_call"


@require_POST
def earlier(request):
    """Who keeps an earlier thread of somebody with what was typed: a name of an adviser, or nothing."""
    form = EarlierForm(request.POST)
    keepers = actions.find_earlier(by=request.user, **form.cleaned_data) if form.is_valid() else []
    context = {"form": form, "keepers": keepers}
    return render(request, "consultations/cases/earlier.html", context, status=400 if form.errors else 200)


@require_http_methods(["GET", "HEAD", "POST"])
def person(request, public_id):
    """Who the case is about, if they want to be known; "is there an earlier thread?" is asked without saving."""
    case = found(request.user, public_id, is_member=True)
    form = PersonForm(request.POST or None, case=case, user=request.user, initial=_as_known(request, case))
    keepers = None
    if request.method == "POST" and form.is_valid():
        if "look" in request.POST:
            typed = {name: form.cleaned_data[name] for name in ("name", "contact")}
            keepers = actions.find_earlier(by=request.user, **typed)
        elif _saved(request, case, form):
            return redirect("cases:case", case.public_id)
    return _page(request, case, form, keepers=keepers)


def _page(request, case, form, *, keepers=None, other_form=None):
    """The page of a person; other_form: where the code of a second record was wrong."""
    context = {"form": form, "case": case, "keepers": keepers, "other_form": other_form or OtherRecordForm()}
    if case.client:
        context["merged"] = case.client.regroupings.filter(undone_at__isnull=True).select_related("other_client")
    is_wrong = form.errors or other_form
    return render(request, "consultations/cases/person.html", context, status=400 if is_wrong else 200)


def _as_known(request, case) -> dict:
    if case.client is None or request.method == "POST":
        return {"language": case.language}
    return _words_of(request, case.client)


def _words_of(request, client: Client) -> dict:
    words = open_sealed(request.user, "consultations.open_client", client, "name", "contact")
    return words | {"language": client.language, "safe_channels": client.safe_channels}


def _saved(request, case, form) -> bool:
    try:
        if case.client:
            actions.change_client(case.client, by=request.user, **form.cleaned_data)
        else:
            actions.meet(by=request.user, case=case, **form.cleaned_data)
    except Refused as refusal:
        form.add_error(None, str(refusal))
        return False
    messages.success(request, pgettext("staff", "Saved."))
    return True


@require_POST
def forget(request, public_id):
    """Forget who it is, because they want it; the tick says that it cannot be undone."""
    case, client = _known(request, public_id)
    if request.POST.get("sure") != "yes":
        messages.error(request, pgettext("staff", "Please tick the box first: this cannot be undone."))
        return redirect("cases:person", case.public_id)
    return _do(request, case, pgettext("staff", "Forgotten."), actions.forget_client, client)


@require_POST
def tell(request, public_id):
    """Ask the person, in their language and in neutral words, to come or call."""
    case, client = _known(request, public_id)
    done = pgettext("staff", "A short message goes out. It does not say what about.")
    return _do(request, case, done, actions.tell_client, client, PLEASE_CALL, case=case)


@require_POST
def same(request, public_id):
    """Two records of one person, beside each other; once it is said whose words stay, they are one."""
    case, client = _known(request, public_id)
    form = OtherRecordForm(request.POST)
    other = actions.find_client(form.cleaned_data["code"], by=request.user) if form.is_valid() else None
    if form.is_valid() and other in {None, client}:
        form.add_error("code", pgettext("staff", "You know nobody else with this code."))
    if form.errors:
        person_form = PersonForm(case=case, user=request.user, initial=_words_of(request, client))
        return _page(request, case, person_form, other_form=form)
    into = {it.code: it for it in (client, other)}.get(request.POST.get("keep"))
    if into:
        done = pgettext("staff", "The two records are one.")
        return _do(request, case, done, regrouping.merge_clients, other if into == client else client, into=into)
    records = [(it, _words_of(request, it), case_words.safe_ways(it)) for it in (client, other)]
    is_sent = "sure" in request.POST
    context = {"case": case, "records": records, "other": other, "is_sent": is_sent}
    return render(request, "consultations/cases/same_person.html", context, status=400 if is_sent else 200)


def _known(request, public_id: str) -> tuple:
    case = found(request.user, public_id, is_member=True)
    if case.client is None:
        raise Http404
    return case, Client.objects.get(pk=case.client_id)


def _do(request, case, done: str, act, /, *arguments, **named):
    try:
        act(*arguments, by=request.user, **named)
    except Refused as refusal:
        messages.error(request, str(refusal))
    else:
        messages.success(request, done)
    return redirect("cases:case", case.public_id)
