"""What the counted values are called in the language in which staff read."""

import json
from collections.abc import Callable
from functools import cache

from django.utils.translation import get_language, pgettext

from consultations import taxonomy
from consultations.models import Bridging, Channel, Consultation, Dimension, Outcome
from services.languages.choice import staff_language

DECLINED = Consultation.DECLINED


def topic_name(code: str) -> str:
    """A topic; one that no scheme knows keeps its code."""
    known = taxonomy.topics().get(code)
    return known.name(get_language()) if known else code


def language_name(code: str) -> str:
    """A language of the desk."""
    return _named(rows("languages", "languages").get(code), code)


def country_name(code: str) -> str:
    """A country."""
    return _named(rows("countries", "countries").get(code), code)


def country_group(code: str) -> str:
    """The region under which a nationality is counted; "not asked" and "declined" stand for themselves."""
    if code in ("", DECLINED):
        return code
    country = rows("countries", "countries").get(code)
    return country["group"] if country else "other"


def country_group_name(code: str) -> str:
    """Such a region."""
    words = {
        "": pgettext("staff: a fact about a client", "Not asked"),
        DECLINED: pgettext("staff: a fact about a client", "Declined to say"),
        "other": pgettext("staff: nationality", "Another country"),
    }
    return words.get(code) or _named(rows("countries", "groups").get(code), code)


def group_name(code: str) -> str:
    """A group of the national report."""
    return _named(rows("reports", "groups").get(code), code) or pgettext("staff", "Topics without a group")


@cache
def rows(file: str, key: str) -> dict[str, dict]:
    """The rows of one list of the taxonomies by their code, in its order."""
    found = json.loads((taxonomy.FOLDER / f"{file}.json").read_text("utf-8"))
    return {row["code"]: row for row in found[key]}


def mapping_version() -> str:
    """The edition of the reporting body's groups."""
    return json.loads((taxonomy.FOLDER / "reports.json").read_text("utf-8"))["mapping"]


def _named(row: dict | None, code: str) -> str:
    return row[staff_language(get_language())] if row else code


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
