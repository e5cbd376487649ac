"""Search the portal's own pages by their titles and by search words, in all languages.

The search words are in search_words.toml, not in the catalogues, because they are not translations of each other.
"""

import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from django.urls import reverse
from django.utils import translation
from django.utils.translation import gettext as _

from consultations.appointments.availability import services_by_appointment
from consultations.models import DeskService
from portal.pages.placeholder_programmes import describe_programme
from services.languages.furigana import strip_readings, to_reading
from services.languages.registry import SPOKEN
from services.languages.search_folding import Alternatives, folded_search_words, searchable_text
from services.languages.translated import languages_to_search

WORDS = Path(__file__).parent / "search_words.toml"
MAX_RESULTS = 5
DESK, APPOINTMENTS, GUIDE = "consultations:index", "consultations:appointments", "guide:index"


@dataclass(frozen=True, slots=True)
class PageSearchResult:
    """A page of the portal in the list of results."""

    title: str
    lead: str
    url: str


def own_pages() -> dict[str, tuple[str, str]]:
    """Return title and lead in the active language, by URL name or, for professions, by the service's code."""
    appointments = _("Choose a time to speak to us. You do not need an account, and it is free.")
    programmes = {name: describe_programme(name) for name in ("classes", "events", "volunteers", "interpreting")}
    news = _("We will write to you in your language when there is news. You do not need an account.")
    return {
        "emergency": (_("Emergency"), _("Who to call and what to do first, in your language.")),
        DESK: (_("Consultation desk"), _("Ask us anything about daily life, in your language. It is free.")),
        **{str(it): (str(it.label), appointments) for it in DeskService if it != DeskService.ADVICE},
        APPOINTMENTS: (_("Book an appointment"), appointments),
        GUIDE: (_("Guide to daily life"), _("What to do, where to go and what to bring.")),
        "notices:index": (_("News from the city"), _("Information from the city for its residents, in your language.")),
        "notices:subscribe": (_("Sign up for our news"), news),
        "me": (_("My page"), _("Your messages, appointments and account.")),
        **{name: (it.title, it.lead) for name, it in programmes.items()},
    }


def search_pages(typed: str, language: str) -> list[PageSearchResult]:
    """Return the pages whose text contains every typed word; ranked by the reader's languages, then by position."""
    words = folded_search_words(typed)
    if not words:
        return []
    ranks = {name: _rank(name, words, language) for name in _texts(language)}
    found = sorted((name for name in ranks if ranks[name]), key=ranks.__getitem__)
    return _rows(found[:MAX_RESULTS])


def other_ways() -> list[PageSearchResult]:
    """Return pages to suggest after a search without results; the desk has a button of its own."""
    return _rows([APPOINTMENTS, GUIDE])


def _rank(name: str, words: list[Alternatives], language: str) -> tuple[int, int] | None:
    """Return the index of the first language whose text contains all words, and the position; None if there is none."""
    own_languages = languages_to_search()
    for number, code in enumerate(dict.fromkeys((language, *own_languages, *SPOKEN))):
        text = _texts(code)[name]
        positions = [_find_word(text, word, whole=code not in own_languages) for word in words]
        if min(positions) >= 0:
            return number, positions[0]
    return None


def _find_word(text: str, word: Alternatives, *, whole: bool) -> int:
    """Return the position of the first alternative in the text, or -1."""
    positions = (_find_key(text, key, whole=whole) for key in word)
    return min((position for position in positions if position >= 0), default=-1)


def _find_key(text: str, key: str, *, whole: bool) -> int:
    """Return a key's position, or -1. A key in Latin letters must start a word; a single letter must be one."""
    if not key.isascii():
        return text.find(key)
    return text.find(f" {key} " if whole or len(key) == 1 else f" {key}")


@cache  # fifteen titles and the file in ten languages; they change only with the code
def _texts(language: str) -> dict[str, str]:
    words = tomllib.loads(WORDS.read_text("utf-8"))
    with translation.override(language):
        titles = {name: f"{strip_readings(title)} {to_reading(title)}" for name, (title, _lead) in own_pages().items()}
    return {name: f" {searchable_text(f'{title} {words[name][language]}')} " for name, title in titles.items()}


def _rows(names: list[str]) -> list[PageSearchResult]:
    pages = own_pages() if names else {}
    by_appointment = services_by_appointment() if any(name in DeskService.values for name in names) else set()
    return [_row(name, *pages[name], by_appointment) for name in names]


def _row(name: str, title: str, lead: str, by_appointment: set[str]) -> PageSearchResult:
    if name not in DeskService.values:
        return PageSearchResult(title, lead, reverse(name))
    if name in by_appointment:
        return PageSearchResult(title, lead, reverse("consultations:times", args=[name]))
    # A service without online appointments: people come to the desk.
    return PageSearchResult(title, _("Ask us anything about daily life, in your language. It is free."), reverse(DESK))
