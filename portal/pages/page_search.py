"""Search among the portal's own pages: by their titles, and by what people type who look for them, in any language.

The words stand in search_words.toml and are no part of the catalogue: they are not a translation of each other.
"""

import tomllib
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


def own_pages() -> dict[str, tuple[str, str]]:
    """Title and lead in the reader's language, by the URL's name, for a profession by the service's."""
    appointments = _("Choose a time to speak with us. You need no account, and it costs nothing.")
    programmes = {name: programme(name) for name in ("classes", "events", "volunteers", "interpreting")}
    news = _("We write to you in your language when there is news. You need no account.")
    return {
        "emergency": (_("Emergency"), _("Whom to call and what to do first, in your language.")),
        DESK: (_("Consultation desk"), _("Ask us anything about daily life, in your language. It is free.")),
        **{str(it): (str(it.label), appointments) for it in Service if it != Service.ADVICE},
        APPOINTMENTS: (_("Make an appointment"), appointments),
        GUIDE: (_("Guide to daily life"), _("What to do, where to go, what to bring.")),
        "notices:index": (_("News from the city"), _("What the city tells its residents, in your language.")),
        "notices:subscribe": (_("Get our news"), news),
        "me": (_("My page"), _("Your messages, your appointments and your account.")),
        **{name: (it.title, it.lead) for name, it in programmes.items()},
    }


def pages_found(typed: str, language: str) -> list[Row]:
    """The pages that hold every word that was typed: in the reader's own languages first, and early."""
    keys = keys_of(typed)
    if not keys:
        return []
    ranks = {name: _rank(name, keys, language) for name in _texts(language)}
    found = sorted((name for name in ranks if ranks[name]), key=ranks.__getitem__)
    return _rows(found[:MOST])


def other_ways() -> list[Row]:
    """Where else somebody can look or ask whose search found nothing; the desk has a button of its own."""
    return _rows([APPOINTMENTS, GUIDE])


def _rank(name: str, keys: list[str], language: str) -> tuple[int, int] | None:
    """The number of the first language that holds the keys, and where in it; None where no language does."""
    near = languages_searched()
    for number, code in enumerate(dict.fromkeys((language, *near, *SPOKEN))):
        text = _texts(code)[name]
        places = [_place(text, key, whole=code not in near) for key in keys]
        if min(places) >= 0:
            return number, places[0]
    return None


def _place(text: str, key: str, *, whole: bool) -> int:
    """Where a key stands. One in Latin letters has to begin a word, a single letter to be one."""
    if not key.isascii():
        return text.find(key)
    return text.find(f" {key} " if whole or len(key) == 1 else f" {key}")


@cache  # fifteen titles and the file in ten languages; they change only with the code
def _texts(language: str) -> dict[str, str]:
    words = tomllib.loads(WORDS.read_text("utf-8"))
    with translation.override(language):
        titles = {name: f"{as_plain(title)} {as_reading(title)}" for name, (title, _lead) in own_pages().items()}
    return {name: f" {folded(f'{title} {words[name][language]}')} " for name, title in titles.items()}


def _rows(names: list[str]) -> list[Row]:
    pages = own_pages() if names else {}
    by_appointment = services_by_appointment() if any(name in Service.values for name in names) else set()
    return [_row(name, *pages[name], by_appointment) for name in names]


def _row(name: str, title: str, lead: str, by_appointment: set[str]) -> Row:
    if name not in Service.values:
        return Row(title, lead, reverse(name))
    if name in by_appointment:
        return Row(title, lead, reverse("consultations:times", args=[name]))
    # Who comes without an appointment, or whom the desk knows.
    return Row(title, _("Ask us anything about daily life, in your language. It is free."), reverse(DESK))
