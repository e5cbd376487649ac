"""Templates for emergencies: warning levels, texts in all languages, and the formatting of their placeholders.

Levels are Japan's five (Cabinet Office, 2021), with 0 for mere information; severity, urgency and certainty are
those of CAP 1.2. All texts have been translated and checked in advance.
"""

import json
import re
from dataclasses import dataclass
from datetime import date, datetime
from functools import cache
from pathlib import Path

from django.conf import settings
from django.utils import translation

from services.languages.dates import format_date, format_datetime
from services.languages.furigana import strip_readings
from services.languages.names import NAMES
from services.languages.registry import SPOKEN

_FILE = Path(__file__).parent / "alert_templates.json"
PLACE_PLACEHOLDERS = frozenset({"place", "shelter", "alternative", "line"})
_PLACEHOLDER = re.compile(r"\{(\w+)\}")
TIME_PLACEHOLDERS = frozenset({"time", "start", "end"})


@dataclass(frozen=True, slots=True)
class AlertLevel:
    """A warning level. `names` and `actions` (what to do first) are by language."""

    number: int
    severity: str
    urgency: str
    certainty: str
    names: dict[str, str]
    actions: dict[str, str]


@dataclass(frozen=True, slots=True)
class AlertTemplate:
    """A text with placeholders. `category` and `response` are CAP's; `usual_level` is the form's default.

    is_about_leaving: whether the levels' own actions fit, which are all about evacuation. For a heat wave or a power
    cut, the level only states the severity, and the text says what to do first.
    """

    code: str
    category: str
    response: str
    usual_level: int
    is_about_leaving: bool
    placeholders: tuple[str, ...]
    titles: dict[str, str]
    texts: dict[str, str]

    def languages(self) -> list[str]:
        """Return the offered languages in which the template has a text."""
        return [language.code for language in settings.CITY.offered() if self.texts.get(language.code)]

    def fill(self, placeholders: dict, language: str) -> str:
        """Return the text with its placeholders filled, with dates and names in the style of the language."""
        with translation.override(language):
            values = {name: format_placeholder(name, placeholders[name], language) for name in self.placeholders}
        # Not str.format, because of the furigana. In one pass, so that braces in a value are not filled in turn.
        return _PLACEHOLDER.sub(lambda match: values[match[1]], self.texts[language])


@cache
def _load() -> dict:
    return json.loads(_FILE.read_text("utf-8"))


@cache
def alert_levels() -> dict[int, AlertLevel]:
    """Return all levels, the most severe first."""
    return {
        int(number): AlertLevel(
            int(number), it["severity"], it["urgency"], it["certainty"], names=it["name"], actions=it["action"]
        )
        for number, it in _load()["levels"].items()
    }


@cache
def alert_templates() -> dict[str, AlertTemplate]:
    """Return all templates by code."""
    return {
        code: AlertTemplate(
            code,
            it["category"],
            it["response"],
            it["usual_level"],
            it["is_about_leaving"],
            tuple(it["placeholders"]),
            titles=it["title"],
            texts=it["text"],
        )
        for code, it in _load()["patterns"].items()
    }


def fill_template(code: str, placeholders: dict, language: str) -> tuple[str, str]:
    """Return the title and the filled text of a template in a language; empty if it cannot be filled."""
    template = alert_templates().get(code)
    if template is None or not template.texts.get(language) or not placeholders.keys() >= set(template.placeholders):
        return "", ""
    return template.titles[language], template.fill(placeholders, language)


def intensities() -> dict[str, dict[str, str]]:
    """Return the Japan Meteorological Agency's seismic intensities from 3 up, by code and language."""
    return _load()["intensities"]


def format_placeholder(name: str, value, language: str) -> str:
    """Format a placeholder's value for readers of a language.

    value: {"local", "latin"} for a place; "14:05" for a time; "2026-03-01" for a date; "2026-03-01T14:05" in the
    city's time for "eta"; the code for "area", or "" for the whole city; codes for "languages".
    """
    if name in PLACE_PLACEHOLDERS:
        return _place_name(value, language)
    if name == "area":
        return settings.CITY.area(value, language)
    if name == "intensity":
        return intensities()[value][language]
    if name == "languages":
        separator = {"ja": "、", "zh": "、", "ar": "، "}.get(language[:2], ", ")
        return separator.join(str(NAMES[code]) for code in value)
    if name == "date":
        return format_date(date.fromisoformat(value), language)
    if name == "eta":
        return format_datetime(datetime.fromisoformat(value), language)
    return value


def _place_name(value: dict, language: str) -> str:
    """Return a place's name as on signs; for readers of other scripts, preceded by the name in Latin letters."""
    local, latin = value["local"], value.get("latin", "")
    own = settings.CITY.default_language.partition("-")[0]
    if language.partition("-")[0] == own:
        return local if language == "ja-simple" else strip_readings(local)
    if {language.partition("-")[0], own} == {"ja", "zh"}:  # readers of either can read the other's signs
        return strip_readings(local)
    name = f"{latin} ({strip_readings(local)})" if latin else strip_readings(local)
    # Isolate it, so that the bracket stays with its name in right-to-left text (Unicode TR 9, 2.4).
    return f"\u2068{name}\u2069" if SPOKEN[language].dir == "rtl" else name
