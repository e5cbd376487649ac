"""What letters and pages say of appointments."""

from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from consultations.models import Mode
from consultations.slots import PROGRAMME
from consultations.times_in_words import how_in_words, interpreter_in_words, name_of, place_of, when
from services.languages.table import SPOKEN
from services.registration.letters import Facts, describes
from services.registration.links import MANAGE, token_for
from services.registration.models import Registration


@describes(PROGRAMME, "offering__slot")
def appointment_in_words(registration: Registration, language: str) -> Facts:
    """An appointment: about what, when, how, with which interpreter."""
    slot, needs = registration.offering.slot, registration.needs
    how = needs.get("how", Mode.VISIT)
    more = [(pgettext("to speak with the desk", "How"), how_in_words(how, language))]
    if needs.get("interpreting") in SPOKEN:
        more.append((_("Interpreter"), interpreter_in_words(needs["interpreting"])))
    # Translators: an appointment at the desk and what it is about: "Appointment: Lawyer".
    title = pgettext("calendar entry", "Appointment: %(about)s")
    return Facts(
        title=title % {"about": name_of(slot.service, slot.language)},
        when=when(registration),
        where=place_of(how, language),
        more=tuple(more),
        another_url=reverse("consultations:another", args=[token_for(registration, MANAGE)]),
        again_url=reverse("consultations:times", args=[slot.service]),
    )
