"""Notices prepared for the templates of pages and messages."""

import datetime
from dataclasses import dataclass

from django.conf import settings
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.safestring import SafeString
from django.utils.translation import pgettext

from services.base.markdown import to_html, to_plain_text, to_text_email
from services.languages.dates import format_date, format_datetime, join_date_and_time
from services.languages.registry import SPOKEN, Language
from services.languages.search_folding import folded_search_words
from services.languages.translated import TranslatedText, fallback_order, languages_to_search, translated
from services.notices.alert_templates import AlertLevel, alert_levels, alert_templates
from services.notices.news.models import Notice, NoticeQuerySet, NoticeState, NoticeTranslationState
from services.schedules.calendar_files import CalendarEntry


@dataclass(frozen=True, slots=True)
class NoticePresentation:
    """A notice for one reader. `title` and `body` are in the same language; the rest is in the reader's."""

    public_id: str
    url: str
    title: TranslatedText
    body: TranslatedText
    body_html: SafeString
    body_text: str
    summary: str
    topic: TranslatedText
    level: int | None
    has_official_level: bool
    level_name: str
    first: str
    area: str
    place: TranslatedText
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
    def fallback(self) -> TranslatedText | None:
        """The title, if it is not in the reader's language."""
        return self.title if self.title.is_fallback else None


def readable_languages(notice: Notice) -> set[str]:
    """Return the languages in which the notice has been reviewed."""
    return {
        translation.language
        for translation in notice.translations.all()
        if translation.state == NoticeTranslationState.REVIEWED
    }


def language_for(notice: Notice, language: str, second_language: str = "") -> str:
    """Return the language in which a reader gets a notice: their own, their second one, or the usual fallback."""
    readable = readable_languages(notice)
    wanted = [language, *(fallback_order(second_language) if second_language else ()), *fallback_order(language)]
    return next((code for code in wanted if code in readable), notice.source_language)


def present(notice: Notice, language: str, second_language: str = "") -> NoticePresentation:
    """Prepare a notice for a reader of `language`, which must be active. Reads its translations and its topic."""
    code = language_for(notice, language, second_language)
    found = SPOKEN[code]
    title, body = (
        TranslatedText(getattr(notice, f"{name}_{found.column}") or "", found, language) for name in Notice.TEXTS
    )
    level = alert_levels()[notice.level] if notice.is_emergency else None
    is_official = (
        bool(level) and notice.pattern in alert_templates() and alert_templates()[notice.pattern].is_about_leaving
    )
    return NoticePresentation(
        notice.public_id,
        notice.get_absolute_url(),
        title,
        body,
        to_html(body.value),
        to_text_email(body.value),
        _excerpt(to_plain_text(body.value, between=" · ")),
        translated(notice.topic, "name", language),
        notice.level,
        is_official,
        _severity(level, language, is_official=is_official) if level else "",
        level.actions[language] if is_official else "",
        settings.CITY.area(notice.area, language) if notice.area or level else "",
        _place(notice, found, language),
        _format_days(notice, language)
        if notice.is_all_day
        else _format_span(notice.starts_at, notice.ends_at, language),
        _format_moment(notice.until, language),
        notice.until,
        notice.source,
        _format_moment(notice.published_at, language),
        notice.is_exercise,
        notice.must_be_seen,
        notice.is_current,
        notice.state == NoticeState.CANCELLED or notice.ended_at is not None,
    )


def present_all(notices: NoticeQuerySet, language: str) -> list[NoticePresentation]:
    """Prepare all notices of a QuerySet for a reader of `language`, in two queries of only the needed columns."""
    rows = notices.select_related("topic").prefetch_related("translations").defer(*unneeded_columns(language))
    return [present(row, language) for row in rows]


def search_notices(typed: str, language: str, most: int = 5) -> list[NoticePresentation]:
    """Return the newest published notices that contain all typed words, for a reader of `language`, at most `most`."""
    words = folded_search_words(typed)
    if not words:
        return []
    return present_all(Notice.objects.published().containing(words, languages_to_search())[:most], language)


def unneeded_columns(language: str) -> list[str]:
    """Return the columns of notices and topics that readers of `language` never see."""
    seen = {*fallback_order(language), "en", settings.CITY.default_language}
    texts = (*Notice.TEXTS, "place", "topic__name", "topic__about")
    return [f"{text}_{spoken.column}" for text in texts for code, spoken in SPOKEN.items() if code not in seen]


def calendar_entry(notice: Notice, language: str, second_language: str = "") -> CalendarEntry | None:
    """Return a notice's event as a calendar entry; None if the event has no start time.

    If a correction has been published, the entry is the correction's, so that every link leads to the right date. It is
    cancelled once all its notices have been withdrawn; one that has only ended says nothing about the event.
    """
    versions = _versions_of_event(notice)
    notice = next((it for it in versions if not it.is_withdrawn), versions[0])
    if not notice.starts_at:
        return None
    presentation = present(notice, language, second_language)
    starts_at, ends_at = _days(notice) if notice.is_all_day else _times(notice)
    return CalendarEntry(
        uid=f"{notice.event_id}@{settings.SITE_URL.partition('://')[2]}",
        title=presentation.title.value,
        starts_at=starts_at,
        ends_at=ends_at,
        language=presentation.title.language.code,
        place=presentation.place.value,
        place_language=presentation.place.language.code,
        url=settings.SITE_URL + presentation.url,
        sequence=len(versions) + sum(it.is_withdrawn for it in versions) - 1,
        is_cancelled=notice.is_withdrawn,
    )


def _days(notice: Notice) -> tuple[datetime.date, datetime.date]:
    """Return the first and the last day of an event that has a start."""
    return timezone.localdate(notice.starts_at), timezone.localdate(notice.ends_at or notice.starts_at)


def _times(notice: Notice) -> tuple[datetime.datetime, datetime.datetime]:
    return notice.starts_at, notice.ends_at or notice.starts_at + datetime.timedelta(hours=1)


def _versions_of_event(notice: Notice) -> list[Notice]:
    """Return the published notices of the same event, the newest first; of a draft, also the draft itself.

    Each publication and each withdrawal counts as one change of the event. None can be undone, so the number grows.
    """
    published = Notice.objects.about_event(notice.event_id).ever_published()
    published = published.select_related("topic").prefetch_related("translations")
    return [*([] if notice.published_at else [notice]), *published]


def _place(notice: Notice, found: Language, wanted: str) -> TranslatedText:
    """Return the place in the text's language, else in a fallback language, else in the source language.

    Place names need no review, so a language without a text is fine, but not one whose text is still unreviewed.
    """
    states = {NoticeTranslationState.UNREVIEWED, NoticeTranslationState.OUTDATED}
    unchecked = {translation.language for translation in notice.translations.all() if translation.state in states}
    fallbacks = [code for code in fallback_order(wanted) if code not in unchecked]
    for code in (found.code, *fallbacks, notice.source_language):
        if place := getattr(notice, f"place_{SPOKEN[code].column}"):
            return TranslatedText(place, SPOKEN[code], wanted)
    return TranslatedText("", found, wanted)


def _severity(level: AlertLevel, language: str, *, is_official: bool) -> str:
    """Return the severity as a word: the official level's name, or a general one."""
    if is_official:
        return level.names[language]
    if level.number >= Notice.SAFETY_LEVEL:
        return pgettext("how grave it is", "Danger")
    return pgettext("how grave it is", "Warning") if level.number else pgettext("how grave it is", "Information")


def _format_moment(at: datetime.datetime | None, language: str) -> str:
    return format_datetime(at, language) if at else ""


def _format_days(notice: Notice, language: str) -> str:
    if notice.starts_at is None:
        return ""
    first, last = _days(notice)
    return (
        format_date(first, language)
        if first == last
        else _from_to(*(format_date(it, language) for it in (first, last)))
    )


def _format_span(begin: datetime.datetime | None, end: datetime.datetime | None, language: str) -> str:
    if begin is None:
        return ""
    begin, end = timezone.localtime(begin), timezone.localtime(end) if end else None
    if end is None:
        return _format_moment(begin, language)
    if begin.date() == end.date():
        clock = {"begins": date_format(begin, "H:i"), "ends": date_format(end, "H:i")}
        times = pgettext("times of day", "%(begins)s–%(ends)s") % clock
        return join_date_and_time(format_date(begin, language), times, language)
    return _from_to(_format_moment(begin, language), _format_moment(end, language))


def _from_to(begins: str, ends: str) -> str:
    # Translators: of an event, days with their times: "from 5 December 2026, 10:00 to 7 December 2026, 17:00".
    # Words, not a dash: a dash turns round among right-to-left words, and Easy Japanese has none (から／まで).
    phrase = pgettext("something of several days", "from %(begins)s to %(ends)s")
    return phrase % {"begins": begins, "ends": ends}


def _excerpt(text: str, length: int = 160) -> str:
    # Do not cut furigana notation in two, or its braces would show on the page.
    if len(text) <= length:
        return text
    cut = text[:length]
    if cut.rfind("{") > cut.rfind("}"):
        cut = cut[: cut.rfind("{")]
    return cut.rstrip() + "…"


def languages_to_add(notice: Notice) -> list[str]:
    """Return the offered languages that a current emergency lacks; [] for any other notice."""
    if not (notice.is_emergency and notice.is_current):
        return []
    return [code for code in settings.CITY.languages if code not in readable_languages(notice)]
