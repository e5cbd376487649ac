"""A person's own registration, without an account: a signed link shows it, buttons change it."""

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from services.base.refusals import Refused
from services.languages.dates import format_datetime
from services.registration import actions
from services.registration.forms import PartySizeForm
from services.registration.links import MANAGE, VIEW, registration_for_token, token_for
from services.registration.summaries import calendar_entry, has_calendar_entry, summary_of
from services.schedules.calendar_files import render_calendar

VERBS = {"accept": actions.accept, "decline": actions.decline, "cancel": actions.cancel}
SUCCESS_MESSAGES = {
    "accept": gettext_lazy("Your booking is confirmed. We have sent you a message."),
    "cancel": gettext_lazy("Your booking has been cancelled. We have sent you a message."),
}


@never_cache
@require_safe
def show(request, token):
    """Show the registration's status and what the person can do."""
    registration = registration_for_token(token, MANAGE)
    if registration is None:
        return invalid_link(request)
    return _page(request, registration, token)


def _page(request, registration, token, form=None):
    offering = registration.offering
    is_open = not registration.has_ended and not offering.has_begun()
    context = {
        "registration": registration,
        "state": registration.state,
        "facts": summary_of(registration, request.LANGUAGE_CODE),
        "position": registration.position(),
        "until": format_datetime(registration.offered_until) if registration.offered_until else "",
        "is_open": is_open,
        "party": (form or PartySizeForm(initial={"party_size": registration.party_size}))
        if is_party(offering)
        else None,
        "token": token,
        "view_token": token_for(registration, VIEW),
    }
    return no_store(render(request, "registration/show.html", context, status=400 if form else 200))


def is_party(offering) -> bool:
    """Whether one registration can be for several people."""
    return offering.capacity > 1


@never_cache
@require_POST
def answer(request, token, verb):
    """Accept or decline an offered place, or cancel."""
    registration = registration_for_token(token, MANAGE)
    if registration is None:
        return invalid_link(request)
    if verb not in VERBS:
        raise Http404
    try:
        VERBS[verb](registration, by=acting_user(request, registration))
    except Refused as refusal:
        messages.error(request, str(refusal))
    else:
        if verb in SUCCESS_MESSAGES:
            messages.success(request, SUCCESS_MESSAGES[verb])
    return redirect("registration:show", token)


@never_cache
@require_POST
def party(request, token):
    """Change the number of people."""
    registration = registration_for_token(token, MANAGE)
    if registration is None:
        return invalid_link(request)
    form = PartySizeForm(request.POST)
    if form.is_valid():
        try:
            actions.change_party(registration, form.cleaned_data["party_size"], by=acting_user(request, registration))
        except Refused as refusal:
            form.add_error("party_size", str(refusal))
        else:
            messages.success(request, _("Your changes have been saved."))
            return redirect("registration:show", token)
    return _page(request, registration, token, form)


def acting_user(request, registration):
    """Return the user if they are the registered person; None if only the link identifies who acts."""
    is_own = request.user.is_authenticated and registration.resident.user_id == request.user.pk
    return request.user if is_own else None


@never_cache
@require_safe
def calendar(request, token):
    """Download a calendar entry. Its UID stays the same through every change; without a place there is none."""
    registration = registration_for_token(token, VIEW)
    if registration is None or not has_calendar_entry(registration):
        raise Http404
    entry = calendar_entry(registration, summary_of(registration, request.LANGUAGE_CODE), request.LANGUAGE_CODE)
    headers = {"Content-Disposition": 'attachment; filename="appointment.ics"'}
    file = render_calendar([entry], stamp=timezone.now())
    return no_store(HttpResponse(file, content_type="text/calendar; charset=utf-8", headers=headers))


def invalid_link(request):
    """Answer a link that has expired or that we did not sign."""
    return no_store(render(request, "registration/old_link.html", status=410))


def no_store(response):
    """Keep search engines from indexing a page whose URL is a key."""
    response["X-Robots-Tag"] = "noindex"
    return response
