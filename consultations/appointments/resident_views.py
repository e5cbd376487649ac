"""Appointments for everybody: choose what about, when, say who you are, see it all in words, press the button."""

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
from django.views.decorators.http import require_http_methods, require_safe

from consultations import slots
from consultations.actions import appointments as actions
from consultations.forms.appointments import AppointmentForm, HowForm
from consultations.models import Service
from consultations.slots import Free, find_time, was_there
from consultations.times_in_words import (
    by_day,
    how_in_words,
    interpreter_in_words,
    minutes_of,
    name_of,
    place_of,
    subjects,
    times_url,
    written_day_of,
)
from services.base.refusals import Refused
from services.languages.table import SPOKEN
from services.registration.actions import reminded_at
from services.registration.letters import facts_of
from services.registration.links import MANAGE, SEEN, registration_behind, token_for
from services.registration.views import opens_nothing, private

DAYS_ON_A_PAGE = 8
GET_OR_POST = require_http_methods(["GET", "HEAD", "POST"])


@never_cache  # which times are free is true for this moment only
@require_safe
def index(request):
    """What about?"""
    return render(request, "consultations/appointments.html", {"subjects": subjects(slots.times())})


@never_cache
@require_safe
def times(request, service):
    """When? What is free, and what can be waited for, day by day."""
    if service not in Service.values:
        raise Http404
    language = request.GET.get("language", "") if service == Service.ADVICE else ""
    if service == Service.ADVICE and language not in settings.CITY.languages:
        return redirect("consultations:appointments")  # in which language is a part of what it is about
    found = slots.times(service, language)
    context = {
        "page": _days(request, found, _to_book),
        "name": name_of(service, language),
        "minutes": minutes_of(found),
    }
    return render(request, "consultations/times.html", context)


def _days(request, found: list, address):
    days = by_day(found, address)
    return Paginator(days, DAYS_ON_A_PAGE).get_page(request.GET.get("page"))


def _to_book(time) -> str:
    return reverse("consultations:book", args=[time.hours, time.at])


@never_cache
@GET_OR_POST
def book(request, hours, at):
    """Who and how; then everything once more in words, and the button."""
    if not ratelimit.consume(request, action="book"):
        return ratelimit.respond_429(request)
    time = find_time(hours, at)
    if time is None:
        return _over(request, hours, at, reverse("consultations:appointments"))
    resident = getattr(request.user, "resident", None)
    kind = HowForm if resident else AppointmentForm
    form = kind(request.POST or None, time=time, reader_language=request.LANGUAGE_CODE)
    if request.method == "POST" and form.is_valid() and "sure" in request.POST:
        if registration := _booked(request, form, time, resident):
            return redirect("consultations:booked", token_for(registration, SEEN))
        time = find_time(hours, at) or time  # it may have been taken meanwhile
    context = {"form": form, "time": time, "name": name_of(time.service, time.language), "when": written_day_of(time)}
    context |= {"must_wait": time.free == Free.WAIT, "is_taken": time.free == Free.TAKEN}
    context["again_url"] = times_url(time.service, time.language)
    if request.method == "POST" and form.is_valid() and "again" not in request.POST:
        return render(request, "consultations/summary.html", context | _in_words(form, resident))
    return render(request, "consultations/book.html", context, status=400 if form.errors else 200)


def _over(request, hours: str, at: str, url: str):
    """From an old page or link to a time that was there once, the way on; 404 for what never was."""
    if not was_there(hours, at):
        raise Http404
    messages.error(request, _("This time is not there any more. Please choose another one."))
    return redirect(url)


def _booked(request, form, time, resident):
    """The registration; None if it is refused, and the form says why."""
    by = request.user if resident else None
    may_wait = request.POST["sure"] == "wait"
    try:
        return actions.book(time, resident or form.person(), by=by, may_wait=may_wait, **form.wishes())
    except Refused as refusal:
        form.add_error(None, str(refusal))
        return None


def _in_words(form, resident) -> dict:
    """What was typed, as the person reads it before the button."""
    words, language = form.cleaned_data, get_language()
    interpreting = words.get("interpreting")
    return {
        "called": resident.name if resident else words["name"],
        "written_in": SPOKEN.get(resident.language if resident else words["language"]),
        "address": "" if resident else words["address"],
        "how": how_in_words(words["how"], language),
        "place": place_of(words["how"], language),
        "interpreter": interpreter_in_words(interpreting) if interpreting else "",
    }


@never_cache
@require_safe
def booked(request, token):
    """It is kept, or waited for; the message that is on its way has the link."""
    registration = registration_behind(token, SEEN)
    if registration is None:
        return opens_nothing(request)
    context = {
        "facts": facts_of(registration, request.LANGUAGE_CODE),
        "state": registration.state,
        "position": registration.position(),
        "is_reminded": reminded_at(registration.offering) is not None,
        "token": token,
    }
    return private(render(request, "consultations/booked.html", context))


@never_cache
@require_safe
def another(request, token):
    """Which other times are free for who has one."""
    registration = _theirs(token)
    if registration is None:
        return opens_nothing(request)
    if registration.has_ended:
        return redirect("registration:show", token)
    slot = registration.offering.slot
    found = [it for it in slots.times(slot.service, slot.language) if it.free == Free.FREE]
    context = {
        "facts": facts_of(registration, request.LANGUAGE_CODE),
        "page": _days(request, found, lambda it: reverse("consultations:change", args=[token, it.hours, it.at])),
        "minutes": minutes_of(found),
        "token": token,
    }
    return private(render(request, "consultations/another.html", context))


def _theirs(token: str):
    registration = registration_behind(token, MANAGE)
    return registration if registration and registration.offering.programme == slots.PROGRAMME else None


@never_cache
@GET_OR_POST
def change(request, token, hours, at):
    """From that time to this one: shown, then done by the button."""
    registration = _theirs(token)
    if registration is None:
        return opens_nothing(request)
    if registration.has_ended:
        return redirect("registration:show", token)
    time = find_time(hours, at)
    if time is None:
        return _over(request, hours, at, reverse("consultations:another", args=[token]))
    refused = ""
    if request.method == "POST":
        is_own = request.user.is_authenticated and registration.resident.user_id == request.user.pk
        try:
            actions.change_time(registration, time, by=request.user if is_own else None)
        except Refused as refusal:
            refused = str(refusal)
        else:
            messages.success(request, _("It is changed. We have sent you a message."))
            return redirect("registration:show", token)
    context = {"facts": facts_of(registration, request.LANGUAGE_CODE), "token": token, "refused": refused}
    context |= {"when": written_day_of(time), "name": name_of(time.service, time.language)}
    return private(render(request, "consultations/change.html", context, status=400 if refused else 200))
