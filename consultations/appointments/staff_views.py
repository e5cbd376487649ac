"""Appointments for those who work at the desk: who comes, booking for somebody, cancelling, who came."""

import datetime
from dataclasses import dataclass

from django.contrib import messages
from django.core.paginator import Paginator
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import pgettext
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from consultations import reading, slots
from consultations.actions import appointments as actions
from consultations.forms.appointments import CameForm, CounterForm
from consultations.models import Mode, Slot
from consultations.slots import covered
from consultations.times_in_words import name_of
from services.audit.trail import record
from services.base.refusals import Refused
from services.languages.table import SPOKEN, Language
from services.notices.actions.telling import number_to_call, way_to
from services.registration import actions as registration
from services.registration.models import ENDED, Registration, RegistrationState

ON_A_PAGE = 50
LOOK_BACK = datetime.timedelta(days=30)


@dataclass(frozen=True, slots=True)
class _Line:
    """An appointment as the desk sees it.

    `call`: the number of who cannot be written to. `is_uncovered`: nobody is on duty for it any more.
    """

    public_id: str
    day: datetime.date
    is_today: bool
    times: str
    about: str
    name: str
    call: str
    language: Language | None
    how: str
    interpreter: Language | None
    state: str
    has_begun: bool
    came: bool | None
    is_uncovered: bool


def _appointments():
    rows = Registration.objects.filter(offering__programme=slots.PROGRAMME, resident__isnull=False)
    return rows.exclude(state__in=ENDED).select_related("offering__slot__hours", "resident__user")


@require_safe
def index(request):
    """Who comes; with ?past=1 who came in the last thirty days. Looking leaves a line in the trail."""
    is_past = "past" in request.GET
    page = Paginator(_past() if is_past else _coming(), ON_A_PAGE).get_page(request.GET.get("page"))
    page.object_list = _lines(page.object_list)
    record(request.user, "consultations.list_appointments", fields=["name"], changes=False)
    return render(request, "consultations/staff/appointments.html", {"page": page, "is_past": is_past})


def _coming():
    midnight = timezone.localtime().replace(hour=0, minute=0, second=0, microsecond=0)
    return _appointments().filter(offering__starts_at__gte=midnight).order_by("offering__starts_at", "pk")


def _past():
    now = timezone.now()
    placed = _appointments().filter(state=RegistrationState.PLACED)
    return placed.filter(offering__starts_at__range=(now - LOOK_BACK, now)).order_by("-offering__starts_at", "pk")


def _lines(rows) -> list[_Line]:
    rows, now = list(rows), timezone.now()
    kept = covered([_slot(row) for row in rows if row.offering.starts_at > now])
    with reading.for_staff():
        return [_line(row, kept, now) for row in rows]


def _slot(row: Registration) -> Slot:
    slot = row.offering.slot
    slot.offering = row.offering
    return slot


def _line(row: Registration, kept: set[int], now: datetime.datetime) -> _Line:
    offering, slot, how = row.offering, row.offering.slot, row.needs.get("how")
    begins, ends = timezone.localtime(offering.starts_at), timezone.localtime(offering.ends_at)
    has_begun = offering.starts_at <= now
    return _Line(
        public_id=row.public_id,
        day=begins.date(),
        is_today=begins.date() == timezone.localdate(now),
        times=f"{begins:%H:%M}–{ends:%H:%M}",
        about=name_of(slot.service, slot.language),
        name=row.resident.name,
        call=number_to_call(row.resident),
        language=SPOKEN.get(row.resident.language),
        how=str(Mode(how).label) if how in Mode.values else "",
        interpreter=SPOKEN.get(row.needs.get("interpreting")),
        state=row.state,
        has_begun=has_begun,
        came=row.came,
        is_uncovered=not has_begun and slot.pk not in kept,
    )


@require_http_methods(["GET", "HEAD", "POST"])
def write(request):
    """Book for somebody at the counter or on the telephone."""
    form = CounterForm(request.POST or None, times=slots.times())
    if request.method == "POST" and form.is_valid():
        try:
            row = actions.book(by=request.user, **form.booking())
        except Refused as refusal:
            form.add_error(None, str(refusal))
        else:
            messages.success(request, _what_now(row))
            return redirect("desk:appointments")
    return render(request, "consultations/staff/book.html", {"form": form}, status=400 if form.errors else 200)


def _what_now(row: Registration) -> str:
    if way_to(row.resident)[1]:
        return pgettext("staff", "The appointment is made. A message is on its way.")
    return pgettext("staff", "The appointment is made. We cannot write to them: please tell them the time.")


@require_POST
def cancel(request, public_id):
    """The desk cannot keep it, or the person called and cannot come: they are told which, and the time passes on."""
    row = get_object_or_404(_appointments(), public_id=public_id)
    try:
        registration.cancel(row, by=request.user, for_centre=request.POST.get("for") != "person")
    except Refused as refusal:
        messages.error(request, str(refusal))
    else:
        messages.success(request, _cancelled(row))
    return redirect("desk:appointments")


def _cancelled(row: Registration) -> str:
    if way_to(row.resident)[1]:
        return pgettext("staff", "Cancelled. A message is on its way.")
    told = pgettext("staff", "Cancelled. We cannot write to them: please call %(name)s, %(number)s.")
    return told % {"name": row.resident.name, "number": row.resident.phone}


@require_POST
def came(request, public_id):
    """Note who came and who did not."""
    row = get_object_or_404(_appointments(), public_id=public_id)
    form = CameForm(request.POST)
    if form.is_valid():
        try:
            registration.note_attendance(row, form.cleaned_data["came"], by=request.user)
        except Refused as refusal:
            messages.error(request, str(refusal))
    return redirect("desk:appointments")
