"""The log in the words of its staff: codes by their names, one consultation as a row, as facts, as it once was."""

import datetime
import json
from dataclasses import dataclass

from django.utils.translation import get_language, pgettext

from consultations import taxonomy
from consultations.models import Consultation
from services.languages.choice import staff_language


def for_staff() -> str:
    """The language in which staff read the page that is being made."""
    return staff_language(get_language())


def in_words(among: dict[str, taxonomy.Choice]) -> list[tuple[str, str]]:
    """A taxonomy as a form's choices."""
    language = for_staff()
    return [(code, it.name(language)) for code, it in among.items()]


def named(among: dict[str, taxonomy.Choice], code: str) -> str:
    """A code in words; as it stands if the list does not have it any more."""
    return among[code].name(for_staff()) if code in among else code


@dataclass(frozen=True, slots=True)
class Row:
    """A consultation in a list: what is counted, nothing that was said."""

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


def row(it: Consultation) -> Row:
    """For a list; its topics, adviser and assigned should have been fetched."""
    return Row(
        it.public_id,
        it.began_at,
        it.minutes,
        named(taxonomy.tongues(), it.language),
        it.get_channel_display(),
        [named(taxonomy.topics(), row.topic) for row in it.topics.all()],
        it.get_outcome_display(),
        str(it.adviser),
        str(it.assigned or ""),
        it.is_restricted,
        it.version > 1,
    )


def facts(it: Consultation, *, for_reader: bool) -> list[tuple[str, str]]:
    """What is counted, in words; what leads to a person only for who may read of them."""
    told = [
        (pgettext("staff", "Language used"), named(taxonomy.tongues(), it.language)),
        (pgettext("staff", "Understood by"), it.get_bridging_display()),
        (pgettext("staff", "How they came"), it.get_channel_display()),
        (pgettext("staff", "Who asked"), it.get_asker_display()),
        (pgettext("staff", "What was done"), it.get_outcome_display()),
        (pgettext("staff", "Referred to"), named(taxonomy.bodies(), it.referred_to)),
        (pgettext("staff", "Mother tongue"), _said(taxonomy.tongues(), it.mother_tongue)),
        (pgettext("staff", "Nationality"), _said(taxonomy.countries(), it.nationality)),
    ]
    if for_reader:
        told.append((pgettext("staff", "Why on a later day"), it.late_reason))
        told.append((pgettext("staff", "Code"), it.client.code if it.client else ""))
    return [(label, value) for label, value in told if value]


def _said(among: dict[str, taxonomy.Choice], code: str) -> str:
    if code == Consultation.DECLINED:
        return pgettext("staff: a fact about a person", "Declined")
    return named(among, code) if code else pgettext("staff: a fact about a person", "Not asked")


def field_name(name: str) -> str:
    """What a column is called on the pages."""
    names = {
        "began_at": pgettext("staff", "Began at"),
        "minutes": pgettext("staff", "Minutes"),
        "topics": pgettext("staff", "Topics"),
        "language": pgettext("staff", "Language used"),
        "bridging": pgettext("staff", "Understood by"),
        "channel": pgettext("staff", "How they came"),
        "asker": pgettext("staff", "Who asked"),
        "outcome": pgettext("staff", "What was done"),
        "referred_to": pgettext("staff", "Referred to"),
        "mother_tongue": pgettext("staff", "Mother tongue"),
        "nationality": pgettext("staff", "Nationality"),
        "late_reason": pgettext("staff", "Why on a later day"),
        "note": pgettext("staff", "Note"),
    }
    return names.get(name, name)


def as_it_was(said: str, changed: list[str]) -> list[tuple[str, str]]:
    """What an amendment kept of the columns that it changed: name and value in words."""
    kept = json.loads(said)
    return [(field_name(name), _value(name, kept[name])) for name in changed if name in kept]


def _value(name: str, value) -> str:
    lists = {"language": taxonomy.tongues(), "referred_to": taxonomy.bodies()}
    people = {"mother_tongue": taxonomy.tongues(), "nationality": taxonomy.countries()}
    if name == "topics":
        return ", ".join(named(taxonomy.topics(), code) for code in value)
    if name in lists:
        return named(lists[name], value)
    if name in people:
        return _said(people[name], value)
    choices = Consultation._meta.get_field(name).choices
    return str(dict(choices).get(value, value) if choices else value)
