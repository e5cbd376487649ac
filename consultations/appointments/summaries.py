"""What messages and pages say about an appointment."""

from dataclasses import dataclass

from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from consultations.appointments.appointment_needs import AppointmentNeeds
from consultations.appointments.models import Slot
from consultations.appointments.presentation import (
    available_times_url,
    format_appointment_time,
    format_interpreter,
    format_mode,
    place_for,
    service_name,
)
from consultations.message_kinds import PROGRAMME
from consultations.timetable.models import ConsultationMode
from services.languages.registry import SPOKEN
from services.registration.links import MANAGE, token_for
from services.registration.models import Registration, RegistrationState
from services.registration.summaries import RegistrationSummary, register_summary, summary_of


def appointment_summary(registration: Registration, language: str) -> RegistrationSummary:
    """Summarise an appointment for its message or page.

    Mode, place and interpreter appear only for a confirmed or offered place. Someone on the waiting list, or who has
    cancelled, must not be told to come.
    """
    slot, needs = registration.offering.slot, AppointmentNeeds.from_json(registration.needs)
    has_place = registration.state in {RegistrationState.PLACED, RegistrationState.OFFERED}
    how = needs.how or ConsultationMode.VISIT
    more = [(pgettext("to speak with the desk", "How to speak to us"), format_mode(how, language))] if has_place else []
    if has_place and needs.interpreting in SPOKEN:
        more.append((_("Interpreter"), format_interpreter(needs.interpreting)))
    # Translators: an appointment at the desk and what it is about: "Appointment: Lawyer".
    title = pgettext("calendar entry", "Appointment: %(about)s")
    return RegistrationSummary(
        title=title % {"about": service_name(slot.service, slot.language)},
        when=format_appointment_time(registration),
        where=_place(slot, how, language) if has_place else "",
        more=tuple(more),
        another_url=reverse("consultations:another", args=[token_for(registration, MANAGE)]),
        again_url=available_times_url(slot.service, slot.language),
    )


def _place(slot: Slot, how: str, language: str) -> str:
    if how == ConsultationMode.VIDEO:
        return slot.hours.video_room if slot.hours else ""
    return place_for(how, language)


@dataclass(frozen=True, slots=True)
class UpcomingAppointment:
    """An appointment of a signed-in resident, with the URL of the page for changing it."""

    facts: RegistrationSummary
    state: str
    url: str


def upcoming_appointments(user, language: str) -> list[UpcomingAppointment]:
    """Return the user's booked, offered and waiting-list appointments, in order of time. One query."""
    rows = Registration.objects.visible_to(user).active().select_related("offering__slot__hours")
    upcoming = rows.filter(offering__programme=PROGRAMME, offering__ends_at__gt=timezone.now())
    return [
        UpcomingAppointment(
            summary_of(row, language),
            row.state,
            reverse("registration:show", args=[token_for(row, MANAGE)]),
        )
        for row in upcoming.order_by("offering__starts_at")
    ]


def register() -> None:
    """Let messages be about appointments; called once when the app is ready."""
    register_summary(PROGRAMME, appointment_summary, "offering__slot__hours", needs=AppointmentNeeds)
