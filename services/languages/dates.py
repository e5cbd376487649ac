"""Format dates in the reader's language; in Easy Japanese with weekday and furigana, as readings are irregular."""

import datetime
from functools import lru_cache

from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import get_language

_WEEKDAYS = ["月げつ", "火か", "水すい", "木もく", "金きん", "土ど", "日にち"]
# Where the time of day stands beside the date; after it and a space in all other languages.
_DATETIMES = {
    "en": "{date}, {time}",
    "vi": "{time}, {date}",
    "ar": "{date}، الساعة {time}",
    "ne": "{date}, {time}",
    "fil": "{date}, {time}",
    "da": "{date} kl. {time}",
}
_DAYS = {
    **dict(
        enumerate(
            ["ついたち", "ふつか", "みっか", "よっか", "いつか", "むいか", "なのか", "ようか", "ここのか", "とおか"],
            start=1,
        )
    ),
    14: "じゅうよっか",
    20: "はつか",
    24: "にじゅうよっか",
}


def format_date(day: datetime.date, language: str | None = None) -> str:
    """Format a full date in a language. A datetime is first converted to the city's time zone."""
    if isinstance(day, datetime.datetime):
        day = timezone.localdate(day) if timezone.is_aware(day) else day.date()
    return _format(day, language or get_language(), get_language())


def format_datetime(at: datetime.datetime, language: str | None = None) -> str:
    """Format the date likewise, and the time of day."""
    local = timezone.localtime(at) if timezone.is_aware(at) else at
    return join_date_and_time(format_date(local, language), f"{local:%H:%M}", language)


def join_date_and_time(date: str, time: str, language: str | None = None) -> str:
    """Join a formatted date and a time of day, or a span of times, in the language's own order."""
    return _DATETIMES.get(language or get_language(), "{date} {time}").format(date=date, time=time)


@lru_cache(maxsize=1000)  # a list repeats the same few dates
def _format(day: datetime.date, language: str, active: str) -> str:
    if language == "ja-simple":
        return _format_easy_japanese(day)
    return date_format(day, "DATE_FORMAT", use_l10n=True)


def _format_easy_japanese(day: datetime.date) -> str:
    weekday = _WEEKDAYS[day.weekday()]
    return f"{day.year}{{年|ねん}}{_easy_day_of_month(day)}（{{{weekday[0]}|{weekday[1:]}}}）"


def _easy_day_of_month(day: datetime.date) -> str:
    # An irregular reading covers the number and 日 (ついたち); otherwise only 日 has one (にち).
    irregular = _DAYS.get(day.day)
    of_month = f"{{{day.day}日|{irregular}}}" if irregular else f"{day.day}{{日|にち}}"
    return f"{day.month}{{月|がつ}}{of_month}"


def format_month(day: datetime.date) -> str:
    """Format a month and its year in the active language."""
    if get_language() == "ja-simple":
        return f"{day.year}{{年|ねん}}{day.month}{{月|がつ}}"
    return date_format(day, "YEAR_MONTH_FORMAT")


def format_weekday(day: datetime.date) -> str:
    """Return the weekday's full name in the active language."""
    return date_format(day, "l")


def format_day_of_month(day: datetime.date) -> str:
    """Format a date without its year in the active language."""
    return _easy_day_of_month(day) if get_language() == "ja-simple" else date_format(day, "MONTH_DAY_FORMAT")
