"""The banner above every page during an emergency.

Every page needs it, so each process caches the current emergencies by content version, as the page cache does.
"""

import logging
import re
from collections.abc import Mapping
from dataclasses import dataclass

from django.core.cache import caches
from django.db import Error
from django.utils import timezone
from django.utils.translation import get_language

from services.audit.trail import content_version
from services.notices.news.models import Notice
from services.notices.news.presentation import NoticePresentation, present_all

logger = logging.getLogger(__name__)

DISMISSED_COOKIE = "put_away"
MAX_DISMISSED = 10
_VALUE = re.compile(r"[A-Za-z0-9_.-]{1,240}")


@dataclass(frozen=True, slots=True)
class Banner:
    """An emergency in the banner. `words` is the notice as presented."""

    words: NoticePresentation
    is_dismissible: bool


def banners(request, version: int | None = None) -> list[Banner]:
    """Return the current emergencies, the most severe first, without those that this reader has dismissed.

    version: the content version, if the caller has read it already.
    """
    dismissed = set(dismissed_in(request.COOKIES).split("."))
    return [
        Banner(words, not words.must_be_seen)
        for words in current_emergencies(version)
        if words.must_be_seen or words.public_id not in dismissed
    ]


def dismissed_in(cookies: Mapping[str, str]) -> str:
    """Return the cookie's value if we can have set it, else "".

    Both the page cache's key and the page use this: if only one of them accepted a value, a banner could disappear from
    everybody's cached copy. ASCII only, because one reads the header as Latin-1, the other as UTF-8.
    """
    value = cookies.get(DISMISSED_COOKIE, "")
    return value if _VALUE.fullmatch(value) else ""


def dismiss(request, public_id: str) -> str:
    """Return the cookie's new value: the emergencies that this reader has dismissed, the latest ones first."""
    before = [it for it in dismissed_in(request.COOKIES).split(".") if it and it != public_id]
    return ".".join([public_id, *before][:MAX_DISMISSED])


def current_emergencies(version: int | None = None) -> list[NoticePresentation]:
    """Return all current emergencies in the active language, the most severe first, dismissed or not."""
    now = timezone.now()
    return [words for words in _cached_emergencies(version) if words.until_at is None or words.until_at > now]


def _cached_emergencies(version: int | None) -> list[NoticePresentation]:
    language = get_language()
    cached_version, words = caches["template_fragments"].get(f"emergencies:{language}") or (None, [])
    try:
        version = content_version() if version is None else version
        if cached_version != version:
            words = present_all(Notice.objects.current().emergencies(), language)
            words.sort(key=lambda it: -it.level)
            caches["template_fragments"].set(f"emergencies:{language}", (version, words))
    except Error:  # without a database, the emergency page must still show what was last known
        logger.warning("The emergencies could not be read.")
    return words
