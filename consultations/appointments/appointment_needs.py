"""What has to be ready for an appointment at the desk."""

from dataclasses import dataclass

from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from consultations.timetable.models import ConsultationMode
from services.languages.names import NAMES
from services.registration.needs import RegistrationNeeds


@dataclass(frozen=True, slots=True, kw_only=True)
class AppointmentNeeds(RegistrationNeeds):
    """How the person will speak to the desk (a Mode), and the language of their interpreter, if one is arranged."""

    how: str = ""
    interpreting: str = ""

    def export_known(self) -> dict[str, str]:
        """Return both in words. A value that is no Mode or language of ours goes out as stored."""
        return {
            pgettext("to speak with the desk", "How to speak to us"): str(
                dict(ConsultationMode.choices).get(self.how, self.how)
            ),
            _("Interpreter"): str(NAMES.get(self.interpreting, self.interpreting)),
        }
