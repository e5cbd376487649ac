"""The lists from which an adviser chooses: topics, languages, countries. Data in taxonomies/, in the staff's languages.

A topic keeps its code for ever; what is no longer chosen stays in the file, so that old rows keep their name.
"""

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path

FOLDER = Path(__file__).parent / "taxonomies"


@dataclass(frozen=True, slots=True)
class Topic:
    """What a consultation can be about. `group`: under which the national report counts it."""

    code: str
    ja: str
    en: str
    group: str
    is_sensitive: bool

    def name(self, language: str) -> str:
        """For staff who read in a language."""
        return self.ja if language.startswith("ja") else self.en


@cache
def topics() -> dict[str, Topic]:
    """All topics by their code, in the order in which they are shown."""
    return {row["code"]: Topic(**row) for row in _read("topics")["topics"]}


def scheme_version() -> str:
    """Which edition of the topics a new consultation is logged with."""
    return _read("topics")["version"]


def past_columns() -> dict[str, list[str]]:
    """What other people's logs call our fields."""
    return _read("importing")["columns"]


def past_words(name: str) -> dict[str, list[str]]:
    """What other people's logs write for the codes of one of our fields."""
    return _read("importing")["values"].get(name, {})


@cache
def _read(name: str) -> dict:
    return json.loads((FOLDER / f"{name}.json").read_text("utf-8"))
