"""Records for display: names of codes, topics and contact methods in the staff's language."""

from django.utils.translation import get_language

from consultations.records import taxonomy
from consultations.records.contact_methods import contact_methods
from consultations.records.models import Client, Consultation
from services.languages.negotiation import current_staff_language, staff_language


def safe_methods(client: Client) -> list[str]:
    """Return the labels of a client's safe contact methods."""
    return [str(label) for code, label in contact_methods().items() if code in client.safe_channels]


def topic_names(consultation: Consultation) -> list[str]:
    """Return a consultation's topic names in the staff's language, the primary topic first."""
    known, language = taxonomy.topics(), staff_language(get_language())
    return [known[row.topic].name(language) if row.topic in known else row.topic for row in consultation.topics.all()]


def name_of_code(among: dict[str, taxonomy.TaxonomyChoice], code: str) -> str:
    """Return the name of a code in the staff's language, or the code itself if the list no longer has it."""
    return among[code].name(current_staff_language()) if code in among else code
