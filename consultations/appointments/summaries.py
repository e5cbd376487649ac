"""What letters and pages say of appointments."""

from dataclasses import dataclass

from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from consultations.models import Mode, Slot
from consultations.slots import PROGRAMME
from consultations.times_in_words import how_in_words, interpreter_in_words, name_of, place_of, times_url, when
from services.languages.table import SPOKEN
from services.registration.letters import Facts, describes, facts_of
from services.registration.links import MANAGE, token_for
from services.registration.models import Registration, RegistrationState


@describes(PROGRAMME, "offering__slot__hours")
def appointment_in_words(registration: Registration, language: str) -> Facts:
    """An appointment: about what, when; how, where and with which interpreter only for whom it is kept.

    Who waits, or has cancelled, must not read "please come".
    """
    slot, needs = registration.offering.slot, registration.needs
    is_kept = registration.state in {RegistrationState.PLACED, RegistrationState.OFFERED}
    how = needs.get("how", Mode.VISIT)
    more = [(pgettext("to speak with the desk", "How"), how_in_words(how, language))] if is_kept else []
    if is_kept and needs.get("interpreting") in SPOKEN:
        more.append((_("Interpreter"), interpreter_in_words(needs["interpreting"])))
    # Translators: an appointment at the desk and what it is about: "Appointment: Lawyer".
    title = pgettext("calendar entry", "Appointment: %(about)s")
    return Facts(
        title=title % {"about": name_of(slot.service, slot.language)},
        when=when(registration),
        where=_where(slot, how, language) if is_kept else "",
        more=tuple(more),
        another_url=reverse("consultations:another", args=[token_for(registration, MANAGE)]),
        again_url=times_url(slot.service, slot.language),
    )


def _where(slot: Slot, how: str, language: str) -> str:
    if how == Mode.VIDEO:
        return slot.hours.video_room if slot.hours else ""
    return place_of(how, language)


@dataclass(frozen=True, slots=True)
class Coming:
    """An appointment of somebody who is signed in, with the page on which they change it."""

    facts: Facts
    state: str
    url: str


def coming_appointments(user, language: str) -> list[Coming]:
    """What the user has, is offered or waits for, in order of time. One query."""
    rows = Registration.objects.visible_to(user).active().select_related("offering__slot__hours")
    coming = rows.filter(offering__programme=PROGRAMME, offering__ends_at__gt=timezone.now())
    return [
        Coming(
            facts_of(row, language),
            row.state,
            reverse("registration:show", args=[token_for(row, MANAGE)]),
        )
        for row in coming.order_by("offering__starts_at")
    ]
