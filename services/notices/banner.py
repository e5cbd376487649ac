"""What stands above every page while an emergency holds.

Every page asks; so each process keeps the answer with the edition that it was read at, as the page cache does.
"""

from dataclasses import dataclass

from django.utils import timezone
from django.utils.translation import get_language

from services.audit.trail import public_edition
from services.notices.models import Notice
from services.notices.reading import NoticeWords, words_of

PUT_AWAY_COOKIE = "put_away"
MOST_PUT_AWAY = 10
_kept: dict[str, tuple[int, list]] = {}


@dataclass(frozen=True, slots=True)
class Banner:
    """An emergency's words for the head of a page."""

    words: NoticeWords
    can_be_put_away: bool


def banners(request) -> list[Banner]:
    """The emergencies that hold now, the gravest first, without those that this reader has put away."""
    away = set(request.COOKIES.get(PUT_AWAY_COOKIE, "").split("."))
    now = timezone.now()
    return [
        Banner(words, not words.must_be_seen)
        for words, until in _emergencies()
        if (until is None or until > now) and (words.must_be_seen or words.public_id not in away)
    ]


def put_away(request, public_id: str) -> str:
    """The cookie's new value: the newest few that this reader has put away."""
    before = [it for it in request.COOKIES.get(PUT_AWAY_COOKIE, "").split(".") if it and it != public_id]
    return ".".join([public_id, *before][:MOST_PUT_AWAY])


def _emergencies() -> list:
    language = get_language()
    edition = public_edition()
    kept = _kept.get(language)
    if kept is None or kept[0] != edition:
        rows = Notice.objects.current().emergencies().select_related("topic").prefetch_related("wordings")
        grave = sorted(rows, key=lambda row: -row.level)
        kept = _kept[language] = (edition, [(words_of(row, language), row.until) for row in grave])
    return kept[1]
