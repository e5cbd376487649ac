"""City presets: everything that differs between cities, read from `cities/<code>.toml`."""

import datetime
import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from services.languages.registry import SPOKEN, Language

PRESETS = Path(__file__).parent / "cities"


YearlySpan = tuple[tuple[int, int], tuple[int, int]]  # first and last (month, day); may pass the end of the year
LEAP_YEAR = 2000


class UnknownCity(ValueError):
    """Raised for a preset that does not exist or is invalid."""


@dataclass(frozen=True, slots=True)
class EmergencyNumber:
    """An emergency number. `kind` selects its description (portal/pages/emergency.py); `free`: calls cost nothing.

    `say`: by meaning, the words to say first, in the city's language with their pronunciation.
    """

    kind: str
    number: str
    free: bool = False
    say: dict[str, str] = field(default_factory=dict)

    @property
    def dial(self) -> str:
        """The number as a `tel:` link takes it."""
        return "".join(mark for mark in self.number if mark.isdigit() or mark in "+#*").replace("#", "%23")


@dataclass(frozen=True, slots=True)
class Desk:
    """The consultation desk's contact details; the address is by language.

    `is_example` marks invented details, so that pages can say so.
    """

    address: dict[str, str]
    phone: str = ""
    is_example: bool = False

    @property
    def dial(self) -> str:
        """The number as a `tel:` link takes it."""
        return "".join(mark for mark in self.phone if mark.isdigit() or mark == "+")


@dataclass(frozen=True, slots=True)
class City:
    """A city's preset. `names`, `centres` and each of `areas` are by language.

    `fallback_language` is for readers whose browser asks only for languages that are not offered. `dangers` are those
    for which the emergency page says what to do first (portal/pages/emergency.py). `closed_days` are closed every year
    by the city's own decision, in addition to public holidays.
    """

    code: str
    names: dict[str, str]
    centres: dict[str, str]
    languages: tuple[str, ...]
    default_language: str
    fallback_language: str
    time_zone: str
    week_starts_on: int
    fiscal_year_starts_in: int
    holidays: str
    level_frameworks: tuple[str, ...]
    dangers: tuple[str, ...]
    emergency_numbers: tuple[EmergencyNumber, ...] = field(default=())
    areas: dict[str, dict[str, str]] = field(default_factory=dict)
    desk: Desk | None = None
    closed_days: tuple[YearlySpan, ...] = ()

    def closes_on(self, day: datetime.date) -> bool:
        """Return whether the city's offices are closed on this day every year, holiday or not."""
        at = (day.month, day.day)
        return any(
            first <= at <= last if first <= last else at >= first or at <= last for first, last in self.closed_days
        )

    @property
    def country(self) -> str:
        """The city's country (ISO 3166), which decides how a phone number is read."""
        return self.holidays.partition("-")[0]

    def name(self, language: str) -> str:
        """Return the city's name in a language, or in English."""
        return self.names.get(language) or self.names["en"]

    def centre(self, language: str) -> str:
        """Return the name of the city's multicultural centre in a language, or in English."""
        return self.centres.get(language) or self.centres["en"]

    def area(self, code: str, language: str) -> str:
        """Return an area's name; the city's name if the code is empty or unknown."""
        names = self.areas.get(code)
        return (names.get(language) or names["en"]) if names else self.name(language)

    def offered(self) -> list[Language]:
        """Return the city's languages in the switcher's order: its own, the easy one, English, the others."""
        return [SPOKEN[code] for code in self.languages]


def read_city(code: str) -> City:
    """Read the preset `code`. Raise UnknownCity with a text that tells an administrator what to do."""
    file = PRESETS / f"{code}.toml"
    if not code.isidentifier() or not file.is_file():
        known = ", ".join(sorted(path.stem for path in PRESETS.glob("*.toml")))
        raise UnknownCity(f"CITY={code!r} has no preset. There are: {known}.")
    try:
        facts = tomllib.loads(file.read_text("utf-8"))
        numbers = tuple(EmergencyNumber(**number) for number in facts.pop("emergency_numbers"))
        for key in ("languages", "level_frameworks", "dangers"):
            facts[key] = tuple(facts[key])
        desk = Desk(**facts.pop("desk")) if "desk" in facts else None
        facts["closed_days"] = tuple(_parse_yearly_span(text) for text in facts.get("closed_days", ()))
        city = City(code=code, emergency_numbers=numbers, desk=desk, **facts)
    except (tomllib.TOMLDecodeError, AttributeError, KeyError, TypeError, ValueError) as error:
        raise UnknownCity(f"{code}.toml lacks something, or says something that nobody reads: {error}.") from error
    _validate(city)
    return city


def _parse_yearly_span(text: str) -> YearlySpan:
    """Parse "12-24" or "12-29..01-03". Raises ValueError for anything else."""
    first, dots, last = text.partition("..")
    begin, end = (datetime.date.fromisoformat(f"{LEAP_YEAR}-{day}") for day in (first, last if dots else first))
    return (begin.month, begin.day), (end.month, end.day)


def _validate(city: City) -> None:
    unknown = set(city.languages) - set(SPOKEN)
    if unknown:
        raise UnknownCity(f"{city.code}.toml offers languages that the portal does not speak: {sorted(unknown)}.")
    if not {city.default_language, city.fallback_language, "en"} <= set(city.languages):
        raise UnknownCity(f"{city.code}.toml: its default and fallback languages and English must be offered.")
    nameless = [code for code in city.languages if code not in city.names or code not in city.centres]
    if nameless:
        raise UnknownCity(f"{city.code}.toml: the city's and the centre's names are missing in {nameless}.")
    unnamed = [area for area, names in city.areas.items() if set(city.languages) - set(names)]
    if unnamed:
        raise UnknownCity(f"{city.code}.toml: the areas {unnamed} are not named in every offered language.")
    if city.desk and set(city.languages) - set(city.desk.address):
        raise UnknownCity(f"{city.code}.toml: the desk's address is not there in every offered language.")
    if not (0 <= city.week_starts_on <= 6 and 1 <= city.fiscal_year_starts_in <= 12):
        raise UnknownCity(f"{city.code}.toml: week_starts_on is 0 to 6, fiscal_year_starts_in is 1 to 12.")
    try:
        ZoneInfo(city.time_zone)
    except (ZoneInfoNotFoundError, ValueError) as error:
        raise UnknownCity(f"{city.code}.toml: there is no time zone {city.time_zone!r}.") from error
