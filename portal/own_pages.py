"""Search among the portal's own pages: by their titles, and by what people type who look for them, in any language.

The words stand in search_words.toml and are no part of the catalogue: they are not a translation of each other.
"""

import tomllib
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from django.urls import reverse
from django.utils import translation
from django.utils.translation import gettext as _

from consultations.models import Service
from consultations.slots import services_by_appointment
from portal.programmes import programme
from services.guide.reading import languages_searched
from services.languages.finding import folded, keys_of
from services.languages.ruby import as_plain, as_reading
from services.languages.table import SPOKEN

WORDS = Path(__file__).parent / "search_words.toml"
MOST = 5
DESK, APPOINTMENTS, GUIDE = "consultations:index", "consultations:appointments", "guide:index"


@dataclass(frozen=True, slots=True)
class Row:
    """One of the portal's own pages in a list."""

    title: str
    lead: str
    url: str


# By the URL's name, for a profession by the service's; in this order where two are found equally well.
_PAGES: dict[str, Callable[[], tuple[str, str]]] = {
    "emergency": lambda: (_("Emergency"), _("Whom to call and what to do first, in your language.")),
    DESK: lambda: (_("Consultation desk"), _("Ask us anything about daily life, in your language. It is free.")),
    **{
        service: lambda service=service: (
            str(service.label),
            _("Choose a time to speak with us. You need no account, and it costs nothing."),
        )
        for service in Service
        if service != Service.ADVICE
    },
    APPOINTMENTS: lambda: (
        _("Make an appointment"),
        _("Choose a time to speak with us. You need no account, and it costs nothing."),
    ),
    GUIDE: lambda: (_("Guide to daily life"), _("What to do, where to go, what to bring.")),
    "notices:index": lambda: (_("News from the city"), _("What the city tells its residents, in your language.")),
    "notices:subscribe": lambda: (
        _("Get our news"),
        _("We write to you in your language when there is news. You need no account."),
    ),
    "me": lambda: (_("My page"), _("Your messages, your appointments and your account.")),
    **{
        name: lambda name=name: (programme(name).title, programme(name).lead)
        for name in ("classes", "events", "volunteers", "interpreting")
    },
}


def pages_found(typed: str, language: str) -> list[Row]:
    """The pages that hold every word that was typed, those found in the reader's own languages first."""
    keys = keys_of(typed)
    if not keys:
        return []
    ranked = sorted((rank, name) for name in _PAGES if (rank := _rank(name, keys, language)))
    return _rows([name for _rank_, name in ranked[:MOST]])


def other_ways() -> list[Row]:
    """Where else somebody can look or ask whose search found nothing; the desk has a button of its own."""
    return _rows([APPOINTMENTS, GUIDE])


def _rank(name: str, keys: list[str], language: str) -> tuple[int, int, int] | None:
    """Which language holds the keys and where in it, the place of the page; None where no language does."""
    near = languages_searched()
    order = list(_PAGES)
    for number, code in enumerate(dict.fromkeys((language, *near, *SPOKEN))):
        text = _texts(code)[name]
        places = [_place(text, key, whole=code not in near) for key in keys]
        if min(places) >= 0:
            return number, places[0], order.index(name)
    return None


def _place(text: str, key: str, *, whole: bool) -> int:
    """Where a key stands. In Latin letters it begins a word; a single letter, or a key of a strange language, has to be one."""
    if not key.isascii():
        return text.find(key)
    return text.find(f" {key} " if whole or len(key) == 1 else f" {key}")


@cache  # thirteen titles and the file in ten languages; they change only with the code
def _texts(language: str) -> dict[str, str]:
    words = tomllib.loads(WORDS.read_text("utf-8"))
    with translation.override(language):
        titles = {name: title for name, page in _PAGES.items() for title in [page()[0]]}
    return {
        name: f" {folded(f'{as_plain(title)} {as_reading(title)} {words[name][language]}')} "
        for name, title in titles.items()
    }


def _rows(names: list[str]) -> list[Row]:
    by_appointment = services_by_appointment() if any(name in Service.values for name in names) else set()
    return [_row(name, by_appointment) for name in names]


def _row(name: str, by_appointment: set[str]) -> Row:
    title, lead = _PAGES[name]()
    if name not in Service.values:
        return Row(title, lead, reverse(name))
    if name in by_appointment:
        return Row(title, lead, reverse("consultations:times", args=[name]))
    return Row(title, _PAGES[DESK]()[1], reverse(DESK))  # who comes without an appointment, or whom the desk knows
