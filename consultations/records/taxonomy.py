"""The lists from which an adviser chooses: topics, languages, countries, bodies. Data in taxonomies/, in staff's words.

A topic keeps its code for ever; what is no longer chosen stays in the file, so that old rows keep their name.
Everything is found by code, by its Japanese and English name, in kana and in romaji: nobody needs a Japanese keyboard.
"""

import json
import unicodedata
from dataclasses import dataclass
from functools import cache
from pathlib import Path

FOLDER = Path(__file__).parent / "taxonomies"
_TO_HIRAGANA = {code: code - 0x60 for code in range(ord("ァ"), ord("ヶ") + 1)}


@dataclass(frozen=True, slots=True)
class Choice:
    """One line of a list. `keys`: further words by which it is found."""

    code: str
    ja: str
    en: str
    keys: tuple[str, ...] = ()

    def name(self, language: str) -> str:
        """For staff who read in a language."""
        return self.ja if language.startswith("ja") else self.en

    @cache
    def found_by(self) -> tuple[str, ...]:
        """Every word that leads to it, as `finding_key` makes them."""
        words = (self.code, self.ja, self.en, *self.keys)
        return tuple(dict.fromkeys(finding_key(word) for word in words if word))


@dataclass(frozen=True, slots=True)
class Topic(Choice):
    """What a consultation can be about. `group`: under which the national report counts it."""

    group: str = ""
    is_sensitive: bool = False


@dataclass(frozen=True, slots=True)
class Tongue(Choice):
    """A language that is spoken at the desk: many more than the portal is written in."""

    own_name: str = ""

    @cache
    def found_by(self) -> tuple[str, ...]:
        """By its own name too."""
        return tuple(dict.fromkeys([*super(Tongue, self).found_by(), *filter(None, [finding_key(self.own_name)])]))


@dataclass(frozen=True, slots=True)
class Country(Choice):
    """A country by its code of ISO 3166-1; XX stands for nobody's. `group`: the region by which figures are shown."""

    group: str = ""


@dataclass(frozen=True, slots=True)
class Question(Choice):
    """A question that is asked again and again, and what is written down of it. `article`: a slug of the guide."""

    topics: tuple[str, ...] = ()
    outcome: str = ""
    referred_to: str = ""
    note_ja: str = ""
    note_en: str = ""
    article: str = ""

    def note(self, language: str) -> str:
        """In the language in which somebody reads."""
        return self.note_ja if language.startswith("ja") else self.note_en


def finding_key(text: str) -> str:
    """The form in which typed letters and the words of a list are compared: NFKC, case folded, hiragana, no spaces."""
    return "".join(unicodedata.normalize("NFKC", text).casefold().translate(_TO_HIRAGANA).split())


def find(among: dict[str, Choice], typed: str) -> Choice | None:
    """What somebody means: a code or word as it stands, else the only one that begins with it, else that holds it."""
    key = finding_key(typed)
    if typed in among or not key:
        return among.get(typed)
    for fits in (key.__eq__, lambda word: word.startswith(key), lambda word: key in word):
        if found := [it for it in among.values() if any(map(fits, it.found_by()))]:
            return found[0] if len(found) == 1 else None
    return None


@cache
def topics() -> dict[str, Topic]:
    """All topics by their code, in the order in which they are shown."""
    return _choices(Topic, _read("topics")["topics"])


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
def tongues() -> dict[str, Tongue]:
    """The languages of the desk by their code."""
    return _choices(Tongue, _read("languages")["languages"])


@cache
def countries() -> dict[str, Country]:
    """Countries by their code."""
    return _choices(Country, _read("countries")["countries"])


@cache
def country_groups() -> dict[str, Choice]:
    """The regions by which nationalities are counted."""
    return _choices(Choice, _read("countries")["groups"])


@cache
def bodies() -> dict[str, Choice]:
    """Where somebody can be referred to."""
    return _choices(Choice, _read("bodies")["bodies"])


@cache
def questions() -> dict[str, Question]:
    """The most frequent questions."""
    return _choices(Question, _read("frequent")["questions"])


def words_for(column: str) -> dict[str, list[str]]:
    """Further words by which the values of a column are found: kana and romaji of channels, outcomes …"""
    return _read("words")[column]


def _choices(kind: type[Choice], rows: list[dict]) -> dict[str, Choice]:
    plain = [{name: tuple(it) if isinstance(it, list) else it for name, it in row.items()} for row in rows]
    return {row["code"]: kind(**row) for row in plain}


@cache
def _read(name: str) -> dict:
    return json.loads((FOLDER / f"{name}.json").read_text("utf-8"))
