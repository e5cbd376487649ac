"""What the counted values are called in the language in which staff read."""

import json
from collections.abc import Callable
from functools import cache

from django.utils.translation import pgettext

from consultations import taxonomy
from consultations.log_words import named
from consultations.models import Bridging, Channel, Consultation, Dimension, Outcome

DECLINED = Consultation.DECLINED


def topic_name(code: str) -> str:
    """A topic; one that no scheme knows keeps its code."""
    return named(taxonomy.topics(), code)


def language_name(code: str) -> str:
    """A language of the desk."""
    return named(taxonomy.tongues(), code)


def country_group(code: str) -> str:
    """The region under which a nationality is counted; "not asked" and "declined" stand for themselves."""
    if code in ("", DECLINED):
        return code
    country = taxonomy.countries().get(code)
    return country.group if country else "other"


def country_group_name(code: str) -> str:
    """Such a region."""
    words = {
        "": pgettext("staff: a fact about a client", "Not asked"),
        DECLINED: pgettext("staff: a fact about a client", "Declined to say"),
        "other": pgettext("staff: nationality", "Another country"),
    }
    return words.get(code) or named(taxonomy.country_groups(), code)


def group_name(code: str) -> str:
    """A group of the national report; without a code: what belongs to none."""
    return named(report_groups(), code) or pgettext("staff", "Topics without a group")


@cache
def report_groups() -> dict[str, taxonomy.Choice]:
    """The groups of the reporting body, in its order."""
    return {row["code"]: taxonomy.Choice(**row) for row in _report()["groups"]}


def mapping_version() -> str:
    """The edition of these groups."""
    return _report()["mapping"]


@cache
def _report() -> dict:
    return json.loads((taxonomy.FOLDER / "reports.json").read_text("utf-8"))


def _label(choices) -> Callable[[str], str]:
    return lambda value: str(choices(value).label) if value in choices.values else value


NAMES: dict[str, Callable[[str], str]] = {
    Dimension.LANGUAGE: language_name,
    Dimension.PRIMARY: topic_name,
    Dimension.TOPIC: topic_name,
    Dimension.CHANNEL: _label(Channel),
    Dimension.BRIDGING: _label(Bridging),
    Dimension.NATIONALITY: country_group_name,
    Dimension.OUTCOME: _label(Outcome),
}
