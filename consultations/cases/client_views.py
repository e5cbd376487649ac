"""The client of a case: register, change, forget, notify, merge; and search for earlier contacts."""

from django.contrib import messages
from django.http import Http404
from django.shortcuts import redirect, render
from django.utils.translation import pgettext
from django.views.decorators.http import require_POST

from consultations.cases import merging
from consultations.cases.forms import ClientForm, EarlierContactForm, MergeClientsForm
from consultations.cases.views import get_case
from consultations.message_kinds import PLEASE_CALL
from consultations.records import clients as actions
from consultations.records import presentation
from consultations.records.models import Client
from services.audit.decryption import decrypt_with_audit
from services.base.http import GET_OR_POST
from services.base.refusals import Refused


@require_POST
def earlier(request):
    """Search for an earlier contact, and show only the names of the staff who keep its records."""
    form = EarlierContactForm(request.POST)
    keepers = actions.find_earlier_contact(by=request.user, **form.cleaned_data) if form.is_valid() else []
    context = {"form": form, "keepers": keepers}
    return render(request, "consultations/cases/earlier.html", context, status=400 if form.errors else 200)


@GET_OR_POST
def person(request, public_id):
    """Show and edit the case's client; the search for an earlier contact saves nothing."""
    case = get_case(request.user, public_id, is_member=True)
    form = ClientForm(request.POST or None, case=case, user=request.user, initial=_initial(request, case))
    keepers = None
    if request.method == "POST" and form.is_valid():
        if "look" in request.POST:
            typed = {name: form.cleaned_data[name] for name in ("name", "contact")}
            keepers = actions.find_earlier_contact(by=request.user, **typed)
        elif _save(request, case, form):
            return redirect("cases:case", case.public_id)
    return _page(request, case, form, keepers=keepers)


def _page(request, case, form, *, keepers=None, other_form=None):
    """Render the person's page. other_form: the form for a second record, if its code was wrong."""
    context = {"form": form, "case": case, "keepers": keepers, "other_form": other_form or MergeClientsForm()}
    if case.client:
        context["merged"] = case.client.regroupings.filter(undone_at__isnull=True).select_related("other_client")
    is_wrong = form.errors or other_form
    return render(request, "consultations/cases/person.html", context, status=400 if is_wrong else 200)


def _initial(request, case) -> dict:
    if case.client is None or request.method == "POST":
        return {"language": case.language}
    return _decrypt_details(request, case.client)


def _decrypt_details(request, client: Client) -> dict:
    details = decrypt_with_audit(request.user, "consultations.open_client", client, "name", "contact")
    return details | {"language": client.language, "safe_channels": client.safe_channels}


def _save(request, case, form) -> bool:
    try:
        if case.client:
            actions.change_client(case.client, by=request.user, **form.cleaned_data)
        else:
            actions.identify_client(by=request.user, case=case, **form.cleaned_data)
    except Refused as refusal:
        form.add_error(None, str(refusal))
        return False
    messages.success(request, pgettext("staff", "Your changes have been saved."))
    return True


@require_POST
def forget(request, public_id):
    """Delete the client's details at their request, once the box is ticked."""
    case, client = _get_client(request, public_id)
    if request.POST.get("sure") != "yes":
        messages.error(request, pgettext("staff", "Tick the box first. This cannot be undone."))
        return redirect("cases:person", case.public_id)
    return _run(
        request, case, pgettext("staff", "The person's details have been deleted."), actions.forget_client, client
    )


@require_POST
def notify(request, public_id):
    """Send the client a neutral message in their language that asks them to come or call."""
    case, client = _get_client(request, public_id)
    done = pgettext("staff", "A short message will be sent. It does not mention the subject.")
    return _run(request, case, done, actions.notify_client, client, PLEASE_CALL, case=case)


@require_POST
def merge(request, public_id):
    """Show two records of one person side by side, and merge them once the user has chosen which details to keep."""
    case, client = _get_client(request, public_id)
    form = MergeClientsForm(request.POST)
    other = actions.find_client(form.cleaned_data["code"], by=request.user) if form.is_valid() else None
    if form.is_valid() and other in {None, client}:
        form.add_error("code", pgettext("staff", "No other record that you can see has this code."))
    if form.errors:
        person_form = ClientForm(case=case, user=request.user, initial=_decrypt_details(request, client))
        return _page(request, case, person_form, other_form=form)
    into = {it.code: it for it in (client, other)}.get(request.POST.get("keep"))
    if into:
        done = pgettext("staff", "The two records have been merged.")
        return _run(request, case, done, merging.merge_clients, other if into == client else client, into=into)
    records = [(it, _decrypt_details(request, it), presentation.safe_methods(it)) for it in (client, other)]
    is_sent = "sure" in request.POST
    context = {"case": case, "records": records, "other": other, "is_sent": is_sent}
    return render(request, "consultations/cases/same_person.html", context, status=400 if is_sent else 200)


def _get_client(request, public_id: str) -> tuple:
    case = get_case(request.user, public_id, is_member=True)
    if case.client is None:
        raise Http404
    return case, Client.objects.get(pk=case.client_id)


def _run(request, case, done: str, action, /, *arguments, **named):
    try:
        action(*arguments, by=request.user, **named)
    except Refused as refusal:
        messages.error(request, str(refusal))
    else:
        messages.success(request, done)
    return redirect("cases:case", case.public_id)
