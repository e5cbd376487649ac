"""The lists that advisers choose from: topics, languages, countries, organisations. The data are in taxonomies/.

A topic keeps its code for ever. Retired entries stay in the file, so that old rows keep their names. Every entry is
found by code, by Japanese or English name, by kana and by romaji: nobody needs a Japanese keyboard.
"""

import json
import unicodedata
from dataclasses import dataclass
from functools import cache
from pathlib import Path

FOLDER = Path(__file__).parent / "taxonomies"
_TO_HIRAGANA = {code: code - 0x60 for code in range(ord("ァ"), ord("ヶ") + 1)}


@dataclass(frozen=True, slots=True)
class TaxonomyChoice:
    """One entry of a list. `keys`: more search terms."""

    code: str
    ja: str
    en: str
    keys: tuple[str, ...] = ()

    def name(self, language: str) -> str:
        """Return the name in the language of a member of staff: Japanese or English."""
        return self.ja if language.startswith("ja") else self.en

    @cache
    def search_keys(self) -> tuple[str, ...]:
        """Return every search term of the entry, folded by `folded_key`."""
        words = (self.code, self.ja, self.en, *self.keys)
        return tuple(dict.fromkeys(folded_key(word) for word in words if word))


@dataclass(frozen=True, slots=True)
class TopicChoice(TaxonomyChoice):
    """A topic of consultations. `group`: the group of the national report that counts it."""

    group: str = ""
    is_sensitive: bool = False


@dataclass(frozen=True, slots=True)
class LanguageChoice(TaxonomyChoice):
    """A language spoken at the desk. There are many more than the portal's own languages."""

    own_name: str = ""

    @cache
    def search_keys(self) -> tuple[str, ...]:
        """Return every search term, including the language's own name."""
        return tuple(
            dict.fromkeys([*super(LanguageChoice, self).search_keys(), *filter(None, [folded_key(self.own_name)])])
        )


@dataclass(frozen=True, slots=True)
class CountryChoice(TaxonomyChoice):
    """A country by its ISO 3166-1 code; XX means stateless. `group`: its region in statistics."""

    group: str = ""


@dataclass(frozen=True, slots=True)
class ConsultationPreset(TaxonomyChoice):
    """A frequent question, with the topics and note usually logged for it. `article`: the slug of a guide article."""

    topics: tuple[str, ...] = ()
    outcome: str = ""
    referred_to: str = ""
    note_ja: str = ""
    note_en: str = ""
    article: str = ""

    def note(self, language: str) -> str:
        """Return the note in the language of a member of staff."""
        return self.note_ja if language.startswith("ja") else self.note_en


def folded_key(text: str) -> str:
    """Fold text for matching: NFKC, case folded, katakana as hiragana, without spaces."""
    return "".join(unicodedata.normalize("NFKC", text).casefold().translate(_TO_HIRAGANA).split())


def find(among: dict[str, TaxonomyChoice], typed: str) -> TaxonomyChoice | None:
    """Return the entry meant by `typed`: an exact match, else the only prefix match, else the only substring match."""
    key = folded_key(typed)
    if typed in among or not key:
        return among.get(typed)
    for matches in (key.__eq__, lambda word: word.startswith(key), lambda word: key in word):
        if found := [it for it in among.values() if any(map(matches, it.search_keys()))]:
            return found[0] if len(found) == 1 else None
    return None


@cache
def topics() -> dict[str, TopicChoice]:
    """Return all topics by code, in display order."""
    return _choices(TopicChoice, _load("topics")["topics"])


def scheme_version() -> str:
    """Return the version of the topic list, which is stored with each new consultation."""
    return _load("topics")["version"]


def column_synonyms() -> dict[str, list[str]]:
    """Return the names that other logs use for our fields."""
    return _load("importing")["columns"]


def value_synonyms(name: str) -> dict[str, list[str]]:
    """Return the texts that other logs use for each code of a field."""
    return _load("importing")["values"].get(name, {})


@cache
def languages() -> dict[str, LanguageChoice]:
    """Return the desk's languages by code."""
    return _choices(LanguageChoice, _load("languages")["languages"])


@cache
def countries() -> dict[str, CountryChoice]:
    """Return all countries by code."""
    return _choices(CountryChoice, _load("countries")["countries"])


@cache
def country_groups() -> dict[str, TaxonomyChoice]:
    """Return the regions in which statistics group nationalities."""
    return _choices(TaxonomyChoice, _load("countries")["groups"])


@cache
def bodies() -> dict[str, TaxonomyChoice]:
    """Return the organisations that people can be referred to, by code."""
    return _choices(TaxonomyChoice, _load("bodies")["bodies"])


@cache
def questions() -> dict[str, ConsultationPreset]:
    """Return the frequent questions by code."""
    return _choices(ConsultationPreset, _load("frequent")["questions"])


def search_words_for(column: str) -> dict[str, list[str]]:
    """Return more search terms (kana, romaji) for the values of a column, such as channels or outcomes."""
    return _load("words")[column]


def _choices(kind: type[TaxonomyChoice], rows: list[dict]) -> dict[str, TaxonomyChoice]:
    plain = [{name: tuple(it) if isinstance(it, list) else it for name, it in row.items()} for row in rows]
    return {row["code"]: kind(**row) for row in plain}


@cache
def _load(name: str) -> dict:
    return json.loads((FOLDER / f"{name}.json").read_text("utf-8"))
