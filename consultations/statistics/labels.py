"""Labels of counted values, in the staff's language."""

import json
from collections.abc import Callable
from functools import cache

from django.utils.translation import pgettext

from consultations.records import taxonomy
from consultations.records.models import Consultation, ConsultationChannel, Dimension, LanguageSupport, Outcome
from consultations.records.presentation import name_of_code

DECLINED = Consultation.DECLINED


def topic_name(code: str) -> str:
    """Return a topic's name, or its code if it is unknown."""
    return name_of_code(taxonomy.topics(), code)


def language_name(code: str) -> str:
    """Return the name of a language spoken at the desk."""
    return name_of_code(taxonomy.languages(), code)


def country_group(code: str) -> str:
    """Return the region of a nationality; "not asked" and "declined" are returned unchanged."""
    if code in ("", DECLINED):
        return code
    country = taxonomy.countries().get(code)
    return country.group if country else "other"


def country_group_name(code: str) -> str:
    """Return the name of a region."""
    names = {
        "": pgettext("staff: a fact about a client", "Not asked"),
        DECLINED: pgettext("staff: a fact about a client", "Declined to say"),
        "other": pgettext("staff: nationality", "Another country or region"),
    }
    return names.get(code) or name_of_code(taxonomy.country_groups(), code)


def group_name(code: str) -> str:
    """Return the name of a group of the national report. An empty code stands for topics without a group."""
    return name_of_code(report_groups(), code) or pgettext("staff", "Topics without a group")


@cache
def report_groups() -> dict[str, taxonomy.TaxonomyChoice]:
    """Return the groups of the national report, in its order."""
    return {row["code"]: taxonomy.TaxonomyChoice(**row) for row in _report()["groups"]}


def mapping_version() -> str:
    """Return the edition of the report's groups."""
    return _report()["mapping"]


@cache
def _report() -> dict:
    return json.loads((taxonomy.FOLDER / "reports.json").read_text("utf-8"))


def _label(choices) -> Callable[[str], str]:
    return lambda value: str(choices(value).label) if value in choices.values else value


DIMENSION_LABELS: dict[str, Callable[[str], str]] = {
    Dimension.LANGUAGE: language_name,
    Dimension.PRIMARY_TOPIC: topic_name,
    Dimension.TOPIC: topic_name,
    Dimension.CHANNEL: _label(ConsultationChannel),
    Dimension.LANGUAGE_SUPPORT: _label(LanguageSupport),
    Dimension.NATIONALITY: country_group_name,
    Dimension.OUTCOME: _label(Outcome),
}
