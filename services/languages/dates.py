"""Days as readers write them; in Easy Japanese with weekday and furigana, whose readings are irregular."""

import datetime
from functools import lru_cache

from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import get_language

_WEEKDAYS = ["月げつ", "火か", "水すい", "木もく", "金きん", "土ど", "日にち"]
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


def written_day(day: datetime.date, language: str | None = None) -> str:
    """The whole day as the reader's language writes it; a datetime counts in the city's time zone."""
    if isinstance(day, datetime.datetime):
        day = timezone.localdate(day) if timezone.is_aware(day) else day.date()
    return _written(day, language or get_language(), get_language())


def written_moment(at: datetime.datetime, language: str | None = None) -> str:
    """The day likewise, and the time of day."""
    local = timezone.localtime(at) if timezone.is_aware(at) else at
    return f"{written_day(local, language)} {local:%H:%M}"


@lru_cache(maxsize=1000)  # a list says the same few days over and over
def _written(day: datetime.date, language: str, active: str) -> str:
    if language == "ja-simple":
        return _easy(day)
    return date_format(day, "DATE_FORMAT", use_l10n=True)


def _easy(day: datetime.date) -> str:
    weekday = _WEEKDAYS[day.weekday()]
    return f"{day.year}{{年|ねん}}{_easy_day_of_month(day)}（{{{weekday[0]}|{weekday[1:]}}}）"


def _easy_day_of_month(day: datetime.date) -> str:
    # The whole day takes one reading where it is irregular (ついたち), else only the 日 (にち).
    irregular = _DAYS.get(day.day)
    of_month = f"{{{day.day}日|{irregular}}}" if irregular else f"{day.day}{{日|にち}}"
    return f"{day.month}{{月|がつ}}{of_month}"


def written_month(day: datetime.date) -> str:
    """The month and its year, in the active language."""
    if get_language() == "ja-simple":
        return f"{day.year}{{年|ねん}}{day.month}{{月|がつ}}"
    return date_format(day, "YEAR_MONTH_FORMAT")


def written_weekday(day: datetime.date) -> str:
    """The weekday's whole name in the active language."""
    return date_format(day, "l")


def written_day_of_month(day: datetime.date) -> str:
    """The day without its year, in the active language."""
    return _easy_day_of_month(day) if get_language() == "ja-simple" else date_format(day, "MONTH_DAY_FORMAT")
