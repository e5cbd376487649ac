"""Notices as their reader meets them, on a page and in a letter: prepared in Python so that templates only print."""

import datetime
from dataclasses import dataclass

from django.conf import settings
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.safestring import SafeString
from django.utils.translation import pgettext

from services.base.markdown import as_html, as_text, as_words
from services.languages.days import written_day, written_moment
from services.languages.table import SPOKEN, Language
from services.languages.text import Text, reading_order, text_of
from services.notices.models import Notice, NoticeState, WordingState
from services.notices.models.notices import NoticeQuerySet
from services.notices.patterns import Level, levels, patterns
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
    level: int | None
    has_official_level: bool
    level_name: str
    first: str
    area: str
    place: Text
    when: str
    until: str
    until_at: datetime.datetime | None
    source: str
    published: str
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
    is_official = bool(level) and notice.pattern in patterns() and patterns()[notice.pattern].is_about_leaving
    return NoticeWords(
        notice.public_id,
        notice.get_absolute_url(),
        title,
        body,
        as_html(body.value),
        as_text(body.value),
        _beginning(as_words(body.value, between=" · ")),
        text_of(notice.topic, "name", language),
        notice.level,
        is_official,
        _grave(level, language, is_official=is_official) if level else "",
        level.actions[language] if is_official else "",
        settings.CITY.area(notice.area, language) if notice.area or level else "",
        _place(notice, found, language),
        _span(notice.starts_at, notice.ends_at, language),
        _moment(notice.until, language),
        notice.until,
        notice.source,
        _moment(notice.published_at, language),
        notice.is_exercise,
        notice.must_be_seen,
        notice.is_current,
        notice.state == NoticeState.CANCELLED or notice.ended_at is not None,
    )


def in_words(notices: NoticeQuerySet, language: str) -> list[NoticeWords]:
    """A query's notices for a reader of `language`, in two queries, without the languages nobody here can get."""
    rows = notices.select_related("topic").prefetch_related("wordings").defer(*columns_out_of_sight(language))
    return [words_of(row, language) for row in rows]


def columns_out_of_sight(language: str) -> list[str]:
    """The columns of a notice and its topic that no reader of `language` can come to see."""
    seen = {*reading_order(language), "en", settings.CITY.default_language}
    texts = (*Notice.TEXTS, "place", "topic__name", "topic__about")
    return [f"{text}_{spoken.column}" for text in texts for code, spoken in SPOKEN.items() if code not in seen]


def calendar_entry(notice: Notice, language: str, second_language: str = "") -> Entry | None:
    """What the notice tells of as an entry in its reader's calendar; None if nothing happens at a certain time."""
    if not notice.starts_at:
        return None
    words = words_of(notice, language, second_language)
    return Entry(
        uid=f"{notice.public_id}@{settings.SITE_URL.partition('://')[2]}",
        title=words.title.value,
        starts_at=notice.starts_at,
        ends_at=notice.ends_at or notice.starts_at + datetime.timedelta(hours=1),
        language=words.title.language.code,
        place=words.place.value,
        place_language=words.place.language.code,
        url=settings.SITE_URL + words.url,
        is_cancelled=words.is_withdrawn,
    )


def _place(notice: Notice, found: Language, wanted: str) -> Text:
    """The place in the text's language, else as content falls back, else as the source says it.

    Names need no translator, so a language without a text will do; one whose text nobody has checked yet will not.
    """
    states = {WordingState.MACHINE, WordingState.OUTDATED}
    unchecked = {wording.language for wording in notice.wordings.all() if wording.state in states}
    fallbacks = [code for code in reading_order(wanted) if code not in unchecked]
    for code in (found.code, *fallbacks, notice.source_language):
        if place := getattr(notice, f"place_{SPOKEN[code].column}"):
            return Text(place, SPOKEN[code], wanted)
    return Text("", found, wanted)


def _grave(level: Level, language: str, *, is_official: bool) -> str:
    """How grave it is in a word: the official level's name, or one that fits whatever has happened."""
    if is_official:
        return level.names[language]
    if level.number >= Notice.SAFETY_LEVEL:
        return pgettext("how grave it is", "Danger")
    return pgettext("how grave it is", "Warning") if level.number else pgettext("how grave it is", "Information")


def _moment(at: datetime.datetime | None, language: str) -> str:
    return written_moment(at, language) if at else ""


def _span(begin: datetime.datetime | None, end: datetime.datetime | None, language: str) -> str:
    if begin is None:
        return ""
    begin, end = timezone.localtime(begin), timezone.localtime(end) if end else None
    if end is None:
        return _moment(begin, language)
    if begin.date() == end.date():
        clock = {"begins": date_format(begin, "H:i"), "ends": date_format(end, "H:i")}
        return f"{written_day(begin, language)} {pgettext('times of day', '%(begins)s–%(ends)s') % clock}"
    # Translators: of an event, days with their times: "from Dec. 5, 2026 10:00 to Dec. 7, 2026 17:00".
    # Words, not a dash: a dash turns round among right-to-left words, and Easy Japanese has none (から／まで).
    told = pgettext("something of several days", "from %(begins)s to %(ends)s")
    return told % {"begins": _moment(begin, language), "ends": _moment(end, language)}


def _beginning(words: str, length: int = 160) -> str:
    # Furigana may not be cut in two: the bar of a cut one would stand in the page.
    if len(words) <= length:
        return words
    cut = words[:length]
    if cut.rfind("{") > cut.rfind("}"):
        cut = cut[: cut.rfind("{")]
    return cut.rstrip() + "…"
