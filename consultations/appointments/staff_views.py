"""Appointments for desk staff: list them, book, cancel, and record attendance."""

import datetime
from dataclasses import dataclass

from django.contrib import messages
from django.core.paginator import Paginator
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import pgettext
from django.views.decorators.http import require_POST, require_safe

from consultations.appointments import actions, availability
from consultations.appointments.appointment_needs import AppointmentNeeds
from consultations.appointments.availability import slot_ids_within_hours
from consultations.appointments.forms import AttendanceForm, StaffBookingForm
from consultations.appointments.models import Slot
from consultations.appointments.presentation import service_name
from consultations.message_kinds import PROGRAMME
from consultations.timetable.models import ConsultationMode
from services.audit.trail import record
from services.base.http import GET_OR_POST
from services.base.refusals import Refused
from services.languages import negotiation
from services.languages.registry import SPOKEN, Language
from services.messaging.models import Message
from services.messaging.outbox import phone_if_unreachable, preferred_channel
from services.messaging.staff_actions import mark_delivered
from services.registration import actions as registration
from services.registration.message_kinds import event_folder
from services.registration.models import ENDED_STATES, Registration, RegistrationState

ON_A_PAGE = 50
PHONED_INSTEAD = (event_folder(PROGRAMME, "cancelled_by_centre"), event_folder(PROGRAMME, "offered"))
LOOK_BACK = datetime.timedelta(days=30)


@dataclass(frozen=True, slots=True)
class _AppointmentRow:
    """An appointment in the staff list.

    `call`: a phone number if the portal cannot write to the person. `is_uncovered`: no shift covers it any longer.
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
    attended: bool | None
    is_uncovered: bool


def _registrations():
    rows = Registration.objects.filter(offering__programme=availability.PROGRAMME, resident__isnull=False)
    return rows.exclude(state__in=ENDED_STATES).select_related("offering__slot__hours", "resident__user")


@require_safe
def index(request):
    """List upcoming appointments; with ?past=1 those of the last 30 days. Viewing leaves an audit entry."""
    is_past = "past" in request.GET
    page = Paginator(_past() if is_past else _upcoming(), ON_A_PAGE).get_page(request.GET.get("page"))
    page.object_list = _rows(page.object_list)
    record(request.user, "consultations.list_appointments", fields=["name"], changes=False)
    context = {"page": page, "is_past": is_past, "calls": _calls_to_make()}
    return render(request, "consultations/staff/appointments.html", context)


@dataclass(frozen=True, slots=True)
class _Call:
    """Somebody to phone, whom no message could tell that their appointment was cancelled or that a place is free."""

    public_id: str
    name: str
    phone: str
    language: Language | None
    about: str
    when: str
    is_offer: bool


def _failed_messages():
    """Return the messages about appointments that did not reach people whom the desk can phone instead."""
    failed = Message.objects.needing_attention().filter(kind__in=PHONED_INSTEAD, resident__isnull=False)
    return failed.exclude(resident__phone="").select_related("resident").order_by("created_at", "pk")


def _calls_to_make() -> list[_Call]:
    failed = list(_failed_messages())
    about = Registration.objects.select_related("offering__slot").in_bulk([it.about_id for it in failed])
    with negotiation.staff_language_override():
        return [_call(it, about[it.about_id]) for it in failed if it.about_id in about]


def _call(message: Message, row: Registration) -> _Call:
    slot, begins = row.offering.slot, timezone.localtime(row.offering.starts_at)
    return _Call(
        public_id=message.public_id,
        name=message.resident.name,
        phone=message.resident.phone,
        language=SPOKEN.get(message.resident.language),
        about=service_name(slot.service, slot.language),
        when=f"{begins:%Y-%m-%d %H:%M}",
        is_offer=message.kind == PHONED_INSTEAD[1],
    )


@require_POST
def record_call(request, public_id):
    """Take somebody off the list of calls: they have been told by phone."""
    mark_delivered(get_object_or_404(_failed_messages(), public_id=public_id), by=request.user)
    messages.success(request, pgettext("staff", "The call has been recorded."))
    return redirect("desk:appointments")


def _upcoming():
    midnight = timezone.localtime().replace(hour=0, minute=0, second=0, microsecond=0)
    return _registrations().filter(offering__starts_at__gte=midnight).order_by("offering__starts_at", "pk")


def _past():
    now = timezone.now()
    placed = _registrations().filter(state=RegistrationState.PLACED)
    return placed.filter(offering__starts_at__range=(now - LOOK_BACK, now)).order_by("-offering__starts_at", "pk")


def _rows(rows) -> list[_AppointmentRow]:
    rows, now = list(rows), timezone.now()
    covered = slot_ids_within_hours([_slot(row) for row in rows if row.offering.starts_at > now])
    with negotiation.staff_language_override():
        return [_row(row, covered, now) for row in rows]


def _slot(row: Registration) -> Slot:
    slot = row.offering.slot
    slot.offering = row.offering
    return slot


def _row(row: Registration, covered: set[int], now: datetime.datetime) -> _AppointmentRow:
    offering, slot, needs = row.offering, row.offering.slot, AppointmentNeeds.from_json(row.needs)
    begins, ends = timezone.localtime(offering.starts_at), timezone.localtime(offering.ends_at)
    has_begun = offering.starts_at <= now
    return _AppointmentRow(
        public_id=row.public_id,
        day=begins.date(),
        is_today=begins.date() == timezone.localdate(now),
        times=f"{begins:%H:%M}–{ends:%H:%M}",
        about=service_name(slot.service, slot.language),
        name=row.resident.name,
        call=phone_if_unreachable(row.resident),
        language=SPOKEN.get(row.resident.language),
        how=str(ConsultationMode(needs.how).label) if needs.how in ConsultationMode.values else "",
        interpreter=SPOKEN.get(needs.interpreting),
        state=row.state,
        has_begun=has_begun,
        attended=None if row.attendees is None else row.attendees > 0,
        is_uncovered=not has_begun and slot.pk not in covered,
    )


@GET_OR_POST
def book(request):
    """Book for a person at the desk or on the phone."""
    form = StaffBookingForm(request.POST or None, times=availability.available_times())
    if request.method == "POST" and form.is_valid():
        try:
            row = actions.book(by=request.user, **form.booking_arguments())
        except Refused as refusal:
            form.add_error(None, str(refusal))
        else:
            messages.success(request, _booked_message(row))
            return redirect("desk:appointments")
    return render(request, "consultations/staff/book.html", {"form": form}, status=400 if form.errors else 200)


def _booked_message(row: Registration) -> str:
    if preferred_channel(row.resident)[1]:
        return pgettext("staff", "The appointment has been booked. A message is on its way.")
    return pgettext(
        "staff",
        "The appointment has been booked. We cannot send messages to this person, so tell them the date and time "
        "yourself.",
    )


@require_POST
def cancel(request, public_id):
    """Cancel for the desk or for the person. They are told which, and the time is offered to others."""
    row = get_object_or_404(_registrations(), public_id=public_id)
    try:
        registration.cancel(row, by=request.user, for_centre=request.POST.get("for") != "person")
    except Refused as refusal:
        messages.error(request, str(refusal))
    else:
        messages.success(request, _cancelled_message(row))
    return redirect("desk:appointments")


def _cancelled_message(row: Registration) -> str:
    if preferred_channel(row.resident)[1]:
        return pgettext("staff", "The appointment has been cancelled. A message is on its way.")
    text = pgettext(
        "staff",
        "The appointment has been cancelled. We cannot send messages to this person, so call %(name)s on %(number)s.",
    )
    return text % {"name": row.resident.name, "number": row.resident.phone}


@require_POST
def record_attendance(request, public_id):
    """Record whether the person attended."""
    row = get_object_or_404(_registrations(), public_id=public_id)
    form = AttendanceForm(request.POST)
    if form.is_valid():
        try:
            attended = form.cleaned_data["attended"]
            attendees = None if attended is None else attended * row.party_size
            registration.record_attendance(row, attendees, by=request.user)
        except Refused as refusal:
            messages.error(request, str(refusal))
    return redirect("desk:appointments")
