"""What stands above every page while an emergency holds.

Every page asks; so each process keeps the answer with the edition that it was read at, as the page cache does.
"""

import logging
import re
from collections.abc import Mapping
from dataclasses import dataclass

from django.core.cache import caches
from django.db import Error
from django.utils import timezone
from django.utils.translation import get_language

from services.audit.trail import public_edition
from services.notices.models import Notice
from services.notices.reading import NoticeWords, in_words

logger = logging.getLogger(__name__)

PUT_AWAY_COOKIE = "put_away"
MOST_PUT_AWAY = 10
_VALUE = re.compile(r"[A-Za-z0-9_.-]{1,240}")


@dataclass(frozen=True, slots=True)
class Banner:
    """An emergency's words for the head of a page."""

    words: NoticeWords
    can_be_put_away: bool


def banners(request, edition: int | None = None) -> list[Banner]:
    """The emergencies that hold now, the gravest first, without those that this reader has put away.

    edition: the public edition, where the caller has read it already.
    """
    away = set(put_away_in(request.COOKIES).split("."))
    return [
        Banner(words, not words.must_be_seen)
        for words in emergencies_now(edition)
        if words.must_be_seen or words.public_id not in away
    ]


def put_away_in(cookies: Mapping[str, str]) -> str:
    """The cookie as we could have set it, else nothing.

    The page cache's key and the page itself both ask here: a value that one of them read and the other did not would
    take a banner away from everybody's copy. ASCII alone, because one reads the header as Latin-1, the other as UTF-8.
    """
    value = cookies.get(PUT_AWAY_COOKIE, "")
    return value if _VALUE.fullmatch(value) else ""


def put_away(request, public_id: str) -> str:
    """The cookie's new value: the newest few that this reader has put away."""
    before = [it for it in put_away_in(request.COOKIES).split(".") if it and it != public_id]
    return ".".join([public_id, *before][:MOST_PUT_AWAY])


def emergencies_now(edition: int | None = None) -> list[NoticeWords]:
    """All emergencies that hold now in the active language, the gravest first, whoever has put them away."""
    now = timezone.now()
    return [words for words in _kept(edition) if words.until_at is None or words.until_at > now]


def _kept(edition: int | None) -> list[NoticeWords]:
    language = get_language()
    kept_edition, words = caches["template_fragments"].get(f"emergencies:{language}") or (None, [])
    try:
        edition = public_edition() if edition is None else edition
        if kept_edition != edition:
            words = in_words(Notice.objects.current().emergencies(), language)
            words.sort(key=lambda it: -it.level)
            caches["template_fragments"].set(f"emergencies:{language}", (edition, words))
    except Error:  # the emergency page must open when the database is gone, with what was last known
        logger.warning("The emergencies could not be read.")
    return words
