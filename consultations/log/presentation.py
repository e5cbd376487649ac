"""The log for display: rows of the list, the facts of a consultation, its previous versions."""

import datetime
import json
from dataclasses import dataclass

from django.utils.translation import pgettext

from consultations.records import taxonomy
from consultations.records.models import Consultation
from consultations.records.presentation import name_of_code
from services.languages.negotiation import current_staff_language


def taxonomy_choices(among: dict[str, taxonomy.TaxonomyChoice]) -> list[tuple[str, str]]:
    """Return a taxonomy as choices for a form, in the staff's language."""
    language = current_staff_language()
    return [(code, it.name(language)) for code, it in among.items()]


@dataclass(frozen=True, slots=True)
class LogRow:
    """A consultation in a list: only facts, no note."""

    public_id: str
    began_at: datetime.datetime
    minutes: int
    language: str
    channel: str
    topics: list[str]
    outcome: str
    adviser: str
    assigned: str
    is_restricted: bool
    was_amended: bool


def log_row(it: Consultation) -> LogRow:
    """Return a row for a list. Prefetch topics, adviser and assigned."""
    return LogRow(
        it.public_id,
        it.began_at,
        it.minutes,
        name_of_code(taxonomy.languages(), it.language),
        it.get_channel_display(),
        [name_of_code(taxonomy.topics(), row.topic) for row in it.topics.all()],
        it.get_outcome_display(),
        str(it.adviser),
        str(it.assigned or ""),
        it.is_restricted,
        it.version > 1,
    )


def consultation_facts(it: Consultation, *, for_reader: bool) -> list[tuple[str, str]]:
    """Return labels and values of the facts. for_reader: include what only its readers may see."""
    facts = [
        (pgettext("staff", "Language used"), name_of_code(taxonomy.languages(), it.language)),
        (pgettext("staff", "Language support"), it.get_language_support_display()),
        (pgettext("staff", "How they contacted us"), it.get_channel_display()),
        (pgettext("staff", "Who contacted us"), it.get_enquirer_display()),
        (pgettext("staff", "Outcome"), it.get_outcome_display()),
        (pgettext("staff", "Referred to"), name_of_code(taxonomy.bodies(), it.referred_to)),
        (pgettext("staff", "Mother tongue"), _personal_fact(taxonomy.languages(), it.mother_tongue)),
        (pgettext("staff", "Nationality"), _personal_fact(taxonomy.countries(), it.nationality)),
    ]
    if for_reader:
        facts.append((pgettext("staff", "Reason for logging late"), it.late_reason))
        facts.append((pgettext("staff", "Person's code"), it.client.code if it.client else ""))
    return [(label, value) for label, value in facts if value]


def _personal_fact(among: dict[str, taxonomy.TaxonomyChoice], code: str) -> str:
    if code == Consultation.DECLINED:
        return pgettext("staff: a fact about a person", "Declined to say")
    return name_of_code(among, code) if code else pgettext("staff: a fact about a person", "Not asked")


def field_label(name: str) -> str:
    """Return a column's label."""
    names = {
        "began_at": pgettext("staff", "Started at"),
        "minutes": pgettext("staff", "Minutes"),
        "topics": pgettext("staff", "Topics"),
        "language": pgettext("staff", "Language used"),
        "language_support": pgettext("staff", "Language support"),
        "channel": pgettext("staff", "How they contacted us"),
        "enquirer": pgettext("staff", "Who contacted us"),
        "outcome": pgettext("staff", "Outcome"),
        "referred_to": pgettext("staff", "Referred to"),
        "mother_tongue": pgettext("staff", "Mother tongue"),
        "nationality": pgettext("staff", "Nationality"),
        "late_reason": pgettext("staff", "Reason for logging late"),
        "note": pgettext("staff", "Note"),
    }
    return names.get(name, name)


def previous_version(before: str, changed: list[str]) -> list[tuple[str, str]]:
    """Return labels and values of the changed columns before an amendment. before: its decrypted JSON."""
    values = json.loads(before)
    return [(field_label(name), _value(name, values[name])) for name in changed if name in values]


def _value(name: str, value) -> str:
    lists = {"language": taxonomy.languages(), "referred_to": taxonomy.bodies()}
    people = {"mother_tongue": taxonomy.languages(), "nationality": taxonomy.countries()}
    if name == "topics":
        return ", ".join(name_of_code(taxonomy.topics(), code) for code in value)
    if name in lists:
        return name_of_code(lists[name], value)
    if name in people:
        return _personal_fact(people[name], value)
    choices = Consultation._meta.get_field(name).choices
    return str(dict(choices).get(value, value) if choices else value)
