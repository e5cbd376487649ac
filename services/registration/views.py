"""One's own registration without an account: a link shows it, buttons change it."""

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from services.base.refusals import Refused
from services.languages.days import written_moment
from services.registration import actions
from services.registration.forms import PartyForm
from services.registration.letters import calendar_entry, facts_of
from services.registration.links import MANAGE, SEEN, registration_behind, token_for
from services.registration.models import RegistrationState
from services.schedules.calendar_files import calendar_file

VERBS = {"accept": actions.accept, "decline": actions.decline, "cancel": actions.cancel}
DONE = {
    "accept": gettext_lazy("It is kept for you. We have sent you a message."),
    "cancel": gettext_lazy("It is cancelled. We have sent you a message."),
}


@never_cache
@require_safe
def show(request, token):
    """Where they stand, and what they can do."""
    registration = registration_behind(token, MANAGE)
    if registration is None:
        return opens_nothing(request)
    return _page(request, registration, token)


def _page(request, registration, token, form=None):
    offering = registration.offering
    is_open = not registration.has_ended and not offering.has_begun()
    context = {
        "registration": registration,
        "state": registration.state,
        "facts": facts_of(registration, request.LANGUAGE_CODE),
        "position": registration.position(),
        "until": written_moment(registration.offered_until) if registration.offered_until else "",
        "is_open": is_open,
        "party": (form or PartyForm(initial={"party_size": registration.party_size})) if is_party(offering) else None,
        "token": token,
        "seen_token": token_for(registration, SEEN),
    }
    return private(render(request, "registration/show.html", context, status=400 if form else 200))


def is_party(offering) -> bool:
    """Whether several people can come together."""
    return offering.capacity > 1


@never_cache
@require_POST
def answer(request, token, verb):
    """Take an offered place, give it back, or cancel."""
    registration = registration_behind(token, MANAGE)
    if registration is None:
        return opens_nothing(request)
    if verb not in VERBS:
        raise Http404
    try:
        VERBS[verb](registration, by=_person(request, registration))
    except Refused as refusal:
        messages.error(request, str(refusal))
    else:
        if verb in DONE:
            messages.success(request, DONE[verb])
    return redirect("registration:show", token)


@never_cache
@require_POST
def party(request, token):
    """More people, or fewer."""
    registration = registration_behind(token, MANAGE)
    if registration is None:
        return opens_nothing(request)
    form = PartyForm(request.POST)
    if form.is_valid():
        try:
            actions.change_party(registration, form.cleaned_data["party_size"], by=_person(request, registration))
        except Refused as refusal:
            form.add_error("party_size", str(refusal))
        else:
            messages.success(request, _("It is saved."))
            return redirect("registration:show", token)
    return _page(request, registration, token, form)


def _person(request, registration):
    """Who acts, if they are signed in as the person themselves; else it was the link."""
    is_own = request.user.is_authenticated and registration.resident.user_id == request.user.pk
    return request.user if is_own else None


@never_cache
@require_safe
def calendar(request, token):
    """What they have a place for, for their own calendar; the same UID whatever comes of it."""
    registration = registration_behind(token, SEEN)
    if registration is None or registration.state == RegistrationState.WAITING:
        raise Http404
    entry = calendar_entry(registration, facts_of(registration, request.LANGUAGE_CODE), request.LANGUAGE_CODE)
    headers = {"Content-Disposition": 'attachment; filename="appointment.ics"'}
    file = calendar_file([entry], stamp=timezone.now())
    return private(HttpResponse(file, content_type="text/calendar; charset=utf-8", headers=headers))


def opens_nothing(request):
    """A link that is too old, or was not made by us."""
    return private(render(request, "registration/old_link.html", status=410))


def private(response):
    """A page whose address is a key is not indexed."""
    response["X-Robots-Tag"] = "noindex"
    return response
