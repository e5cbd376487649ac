"""Appointments for residents: choose a subject and a time, enter details, check them, confirm."""

from allauth.core import ratelimit
from django.conf import settings
from django.contrib import messages
from django.core.paginator import Paginator
from django.http import Http404
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from consultations.appointments import actions, availability
from consultations.appointments.availability import SlotAvailability, existed_in_timetable, find_bookable_time
from consultations.appointments.forms import AppointmentDetailsForm, AppointmentForm
from consultations.appointments.presentation import (
    appointment_subjects,
    available_times_url,
    duration_in_minutes,
    format_bookable_time,
    format_interpreter,
    format_mode,
    group_by_day,
    place_for,
    service_name,
)
from consultations.timetable.models import DeskService
from services.base.http import GET_OR_POST
from services.base.refusals import Refused
from services.languages.registry import SPOKEN
from services.registration.actions import reminder_time
from services.registration.links import MANAGE, VIEW, registration_for_token, token_for
from services.registration.summaries import summary_of
from services.registration.views import acting_user, invalid_link, no_store

DAYS_ON_A_PAGE = 8


@never_cache  # availability changes at any moment
@require_safe
def index(request):
    """List the subjects that have appointments."""
    subjects = appointment_subjects(availability.available_times())
    return render(request, "consultations/appointments.html", {"subjects": subjects})


@never_cache
@require_safe
def times(request, service):
    """List a subject's free and waiting-list times by day."""
    if service not in DeskService.values:
        raise Http404
    language = request.GET.get("language", "") if service == DeskService.ADVICE else ""
    if service == DeskService.ADVICE and language not in settings.CITY.languages:
        return redirect("consultations:appointments")  # the language is part of the subject
    found = availability.available_times(service, language)
    context = {
        "page": _days_page(request, found, _booking_url),
        "name": service_name(service, language),
        "minutes": duration_in_minutes(found),
    }
    return render(request, "consultations/times.html", context)


def _days_page(request, found: list, make_url):
    days = group_by_day(found, make_url)
    return Paginator(days, DAYS_ON_A_PAGE).get_page(request.GET.get("page"))


def _booking_url(time) -> str:
    return reverse("consultations:book", args=[time.hours, time.at])


@never_cache
@GET_OR_POST
def book(request, hours, at):
    """Ask for the details, show a summary to check, and book."""
    if not ratelimit.consume(request, action="book"):
        return ratelimit.respond_429(request)
    time = find_bookable_time(hours, at)
    if time is None:
        return _redirect_if_gone(request, hours, at, reverse("consultations:appointments"))
    resident = getattr(request.user, "resident", None)
    form_class = AppointmentDetailsForm if resident else AppointmentForm
    form = form_class(request.POST or None, time=time, reader_language=request.LANGUAGE_CODE)
    if request.method == "POST" and form.is_valid() and "sure" in request.POST:
        if registration := _book(request, form, time, resident):
            return redirect("consultations:booked", token_for(registration, VIEW))
        time = find_bookable_time(hours, at) or time  # someone else may have taken it
    context = {
        "form": form,
        "time": time,
        "name": service_name(time.service, time.language),
        "when": format_bookable_time(time),
    }
    context |= {
        "must_wait": time.availability == SlotAvailability.WAIT,
        "is_taken": time.availability == SlotAvailability.TAKEN,
    }
    context["again_url"] = available_times_url(time.service, time.language)
    if request.method == "POST" and form.is_valid() and "again" not in request.POST:
        return render(request, "consultations/summary.html", context | _summary_context(form, resident))
    return render(request, "consultations/book.html", context, status=400 if form.errors else 200)


def _redirect_if_gone(request, hours: str, at: str, url: str):
    """Redirect from an old page or link to a time that no longer exists; 404 if it never existed."""
    if not existed_in_timetable(hours, at):
        raise Http404
    messages.error(request, _("This time is no longer available. Choose another one."))
    return redirect(url)


def _book(request, form, time, resident):
    """Return the registration, or None if refused; the form then shows the reason."""
    by = request.user if resident else None
    accept_waiting_list = request.POST["sure"] == "wait"
    try:
        return actions.book(
            time, resident or form.person(), by=by, accept_waiting_list=accept_waiting_list, **form.booking_arguments()
        )
    except Refused as refusal:
        form.add_error(None, str(refusal))
        return None


def _summary_context(form, resident) -> dict:
    """Return what the person entered, in words, for the summary page."""
    data, language = form.cleaned_data, get_language()
    interpreting = data.get("interpreting")
    return {
        "called": resident.name if resident else data["name"],
        "written_in": SPOKEN.get(resident.language if resident else data["language"]),
        "address": "" if resident else data["address"],
        "how": format_mode(data["how"], language),
        "place": place_for(data["how"], language),
        "interpreter": format_interpreter(interpreting) if interpreting else "",
    }


@never_cache
@require_safe
def booked(request, token):
    """Confirm the booking or the waiting-list place. The message already on its way contains the link."""
    registration = registration_for_token(token, VIEW)
    if registration is None:
        return invalid_link(request)
    context = {
        "facts": summary_of(registration, request.LANGUAGE_CODE),
        "state": registration.state,
        "position": registration.position(),
        "is_reminded": reminder_time(registration.offering) is not None,
        "token": token,
    }
    return no_store(render(request, "consultations/booked.html", context))


@never_cache
@require_safe
def another(request, token):
    """List the free times that an appointment can be changed to."""
    registration = _own_registration(token)
    if registration is None:
        return invalid_link(request)
    if registration.has_ended:
        return redirect("registration:show", token)
    slot = registration.offering.slot
    found = [
        it
        for it in availability.available_times(slot.service, slot.language)
        if it.availability == SlotAvailability.FREE
    ]
    context = {
        "facts": summary_of(registration, request.LANGUAGE_CODE),
        "page": _days_page(request, found, lambda it: reverse("consultations:change", args=[token, it.hours, it.at])),
        "minutes": duration_in_minutes(found),
        "token": token,
    }
    return no_store(render(request, "consultations/another.html", context))


def _own_registration(token: str):
    registration = registration_for_token(token, MANAGE)
    return registration if registration and registration.offering.programme == availability.PROGRAMME else None


@never_cache
@GET_OR_POST
def change(request, token, hours, at):
    """Show the old and the new time, and change the appointment on POST."""
    registration = _own_registration(token)
    if registration is None:
        return invalid_link(request)
    if registration.has_ended:
        return redirect("registration:show", token)
    time = find_bookable_time(hours, at)
    if time is None:
        return _redirect_if_gone(request, hours, at, reverse("consultations:another", args=[token]))
    refused = ""
    if request.method == "POST":
        try:
            actions.change_time(registration, time, by=acting_user(request, registration))
        except Refused as refusal:
            refused = str(refusal)
        else:
            messages.success(request, _("Your appointment has been changed. We have sent you a message."))
            return redirect("registration:show", token)
    context = {"facts": summary_of(registration, request.LANGUAGE_CODE), "token": token, "refused": refused}
    context |= {"when": format_bookable_time(time), "name": service_name(time.service, time.language)}
    return no_store(render(request, "consultations/change.html", context, status=400 if refused else 200))
