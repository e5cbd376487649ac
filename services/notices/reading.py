"""Notices as their reader meets them, on a page and in a letter: prepared in Python so that templates only print."""

import datetime
from dataclasses import dataclass

from django.conf import settings
from django.urls import reverse
from django.utils import timezone, translation
from django.utils.formats import date_format
from django.utils.safestring import SafeString

from services.base.markdown import as_html, as_text, as_words
from services.languages.days import written_day
from services.languages.table import SPOKEN, Language
from services.languages.text import Text, reading_order, text_of
from services.notices.models import Notice, NoticeState, WordingState
from services.notices.patterns import levels
from services.schedules.calendar_files import Entry


@dataclass(frozen=True, slots=True)
class NoticeWords:
    """One notice for one reader. `title` and `body` share their language; the rest is in the reader's."""

    public_id: str
    url: str
    title: Text
    body: Text
    body_html: SafeString
    body_text: str
    summary: str
    topic: Text
    icon: str
    level: int | None
    level_name: str
    first: str
    area: str
    place: Text
    when: str
    until: str
    source: str
    published: str
    published_at: datetime.datetime | None
    is_exercise: bool
    must_be_seen: bool
    is_current: bool
    is_withdrawn: bool

    @property
    def fallback(self) -> Text | None:
        """The title, if the reader has to make do with another language."""
        return self.title if self.title.is_fallback else None


def readable_languages(notice: Notice) -> set[str]:
    """The languages in which a person has checked it."""
    return {wording.language for wording in notice.wordings.all() if wording.state == WordingState.CHECKED}


def language_for(notice: Notice, language: str, second_language: str = "") -> str:
    """The language in which a reader gets it: theirs, else the second they chose, else as content falls back."""
    readable = readable_languages(notice)
    wanted = [language, *(reading_order(second_language) if second_language else ()), *reading_order(language)]
    return next((code for code in wanted if code in readable), notice.source_language)


def words_of(notice: Notice, language: str, second_language: str = "") -> NoticeWords:
    """A notice for a reader of `language`, which must be the active one. Reads its wordings and its topic."""
    code = language_for(notice, language, second_language)
    found = SPOKEN[code]
    title, body = (Text(getattr(notice, f"{name}_{found.column}") or "", found, language) for name in Notice.TEXTS)
    level = levels()[notice.level] if notice.is_emergency else None
    return NoticeWords(
        notice.public_id,
        notice.get_absolute_url(),
        title,
        body,
        as_html(body.value),
        as_text(body.value),
        _beginning(as_words(body.value)),
        text_of(notice.topic, "name", language),
        notice.topic.icon,
        notice.level,
        level.names[language] if level else "",
        level.actions[language] if level else "",
        settings.CITY.area(notice.area, language) if notice.area or level else "",
        text_of(notice, "place", language),
        _span(notice.starts_at, notice.ends_at, language),
        _moment(notice.until, language),
        notice.source,
        _moment(notice.published_at, language),
        notice.published_at,
        notice.is_exercise,
        notice.must_be_seen,
        notice.is_current,
        notice.state == NoticeState.CANCELLED or notice.ended_at is not None,
    )


def calendar_entry(notice: Notice, language: str) -> Entry | None:
    """What the notice tells of as an entry in its reader's calendar; None if nothing happens at a certain time."""
    if not notice.starts_at:
        return None
    words = words_of(notice, language)
    return Entry(
        uid=f"{notice.public_id}@{settings.SITE_URL.partition('://')[2]}",
        title=words.title.value,
        starts_at=notice.starts_at,
        ends_at=notice.ends_at or notice.starts_at + datetime.timedelta(hours=1),
        language=words.title.language.code,
        place=words.place.value,
        url=settings.SITE_URL + words.url,
        is_cancelled=words.is_withdrawn,
    )


def addresses(notice: Notice) -> list[tuple[Language, str]]:
    """The notice's page in each offered language."""
    pages = []
    for language in settings.CITY.offered():
        with translation.override(language.code):
            pages.append((language, settings.SITE_URL + reverse("notices:notice", args=[notice.public_id])))
    return pages


def _moment(at: datetime.datetime | None, language: str) -> str:
    if at is None:
        return ""
    local = timezone.localtime(at)
    return f"{written_day(local, language)} {date_format(local, 'H:i')}"


def _span(begin: datetime.datetime | None, end: datetime.datetime | None, language: str) -> str:
    if begin is None:
        return ""
    begin, end = timezone.localtime(begin), timezone.localtime(end) if end else None
    if end is None:
        return _moment(begin, language)
    if begin.date() == end.date():
        return f"{_moment(begin, language)} – {date_format(end, 'H:i')}"
    return f"{_moment(begin, language)} – {_moment(end, language)}"


def _beginning(words: str, length: int = 160) -> str:
    # Furigana may not be cut in two: the bar of a cut one would stand in the page.
    if len(words) <= length:
        return words
    cut = words[:length]
    if cut.rfind("{") > cut.rfind("}"):
        cut = cut[: cut.rfind("{")]
    return cut.rstrip() + "…"
