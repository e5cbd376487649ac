"""Emergencies from checked patterns: warning levels, texts with slots, what may stand in a slot.

Levels are Japan's five (Cabinet Office, 2021) with 0 for mere information; severity, urgency and certainty are
those of CAP 1.2. Every text stands in every language that the portal speaks, checked before it is needed.
"""

import json
import re
from dataclasses import dataclass
from datetime import date, datetime
from functools import cache
from pathlib import Path

from django.conf import settings
from django.utils import translation

from services.languages.days import written_day, written_moment
from services.languages.names import NAMES
from services.languages.ruby import as_plain
from services.languages.table import SPOKEN

_FILE = Path(__file__).parent / "patterns.json"
NAMES_OF_PLACES = frozenset({"place", "shelter", "alternative", "line"})
_SLOT = re.compile(r"\{(\w+)\}")
TIMES = frozenset({"time", "start", "end"})


@dataclass(frozen=True, slots=True)
class Level:
    """How grave it is. `names` and `actions` (what to do first) by language."""

    number: int
    severity: str
    urgency: str
    certainty: str
    names: dict[str, str]
    actions: dict[str, str]


@dataclass(frozen=True, slots=True)
class Pattern:
    """One text with slots. `category` and `response` are CAP's; `usual_level` is where the form starts.

    is_about_leaving: whether the warning levels' own words fit, which all tell how to leave. A heat wave or a power
    cut has a level only to say how grave it is; what to do first stands in its text.
    """

    code: str
    category: str
    response: str
    usual_level: int
    is_about_leaving: bool
    slots: tuple[str, ...]
    titles: dict[str, str]
    texts: dict[str, str]

    def languages(self) -> list[str]:
        """The offered languages in which it is ready."""
        return [language.code for language in settings.CITY.offered() if self.texts.get(language.code)]

    def fill(self, slots: dict, language: str) -> str:
        """The text with its slots filled, as a reader of the language writes days and names."""
        with translation.override(language):
            words = {name: say_slot(name, slots[name], language) for name in self.slots}
        # str.format would stumble over furigana; in one pass, so that no name is filled in turn.
        return _SLOT.sub(lambda slot: words[slot[1]], self.texts[language])


@cache
def _read() -> dict:
    return json.loads(_FILE.read_text("utf-8"))


@cache
def levels() -> dict[int, Level]:
    """Every level, the gravest first."""
    return {
        int(number): Level(
            int(number), it["severity"], it["urgency"], it["certainty"], names=it["name"], actions=it["action"]
        )
        for number, it in _read()["levels"].items()
    }


@cache
def patterns() -> dict[str, Pattern]:
    """Every pattern by its code."""
    return {
        code: Pattern(
            code,
            it["category"],
            it["response"],
            it["usual_level"],
            it["is_about_leaving"],
            tuple(it["slots"]),
            titles=it["title"],
            texts=it["text"],
        )
        for code, it in _read()["patterns"].items()
    }


def words_of_pattern(code: str, slots: dict, language: str) -> tuple[str, str]:
    """Title and filled text of a pattern in a language; empty where it has none, or has got other slots since."""
    pattern = patterns().get(code)
    if pattern is None or not pattern.texts.get(language) or not slots.keys() >= set(pattern.slots):
        return "", ""
    return pattern.titles[language], pattern.fill(slots, language)


def intensities() -> dict[str, dict[str, str]]:
    """The Japan Meteorological Agency's seismic intensities from 3 up, by code and language."""
    return _read()["intensities"]


def say_slot(name: str, value, language: str) -> str:
    """What stands in a slot, for a reader of the language.

    value: for the name of a place {"local", "latin"}; for a time "14:05"; for a date "2026-03-01"; for "eta"
    "2026-03-01T14:05" in the city's time; for "area" its code, or "" for the whole city; for "languages" codes.
    """
    if name in NAMES_OF_PLACES:
        return _name_of_place(value, language)
    if name == "area":
        return settings.CITY.area(value, language)
    if name == "intensity":
        return intensities()[value][language]
    if name == "languages":
        comma = {"ja": "、", "zh": "、", "ar": "، "}.get(language[:2], ", ")
        return comma.join(str(NAMES[code]) for code in value)
    if name == "date":
        return written_day(date.fromisoformat(value), language)
    if name == "eta":
        return written_moment(datetime.fromisoformat(value), language)
    return value


def _name_of_place(value: dict, language: str) -> str:
    """The name as it stands on the signs; for readers of other scripts in Latin letters before it."""
    local, latin = value["local"], value.get("latin", "")
    own = settings.CITY.default_language.partition("-")[0]
    if language.partition("-")[0] == own:
        return local if language == "ja-simple" else as_plain(local)
    if {language.partition("-")[0], own} == {"ja", "zh"}:  # each reads the other's signs
        return as_plain(local)
    said = f"{latin} ({as_plain(local)})" if latin else as_plain(local)
    # Isolated, so that the bracket stays with its name in a line from right to left (Unicode TR 9, 2.4).
    return f"\u2068{said}\u2069" if SPOKEN[language].dir == "rtl" else said
