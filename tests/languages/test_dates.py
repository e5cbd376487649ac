"""Dates as readers write them."""

import datetime

import pytest
from django.utils import timezone, translation

from services.languages.dates import format_date
from services.languages.furigana import strip_readings, to_reading

READINGS = {
    1: "ついたち", 2: "ふつか", 3: "みっか", 4: "よっか", 5: "いつか", 6: "むいか", 7: "なのか", 8: "ようか",
    9: "ここのか", 10: "とおか", 14: "じゅうよっか", 20: "はつか", 24: "にじゅうよっか",
}  # fmt: skip


@pytest.mark.parametrize("number", range(1, 32))
def test_day_of_month_in_easy_japanese_has_its_reading(number):
    day = datetime.date(2026, 1, number)
    written = format_date(day, "ja-simple")
    of_month = f"{{{number}日|{READINGS[number]}}}" if number in READINGS else f"{number}{{日|にち}}"
    assert written.startswith(f"2026{{年|ねん}}1{{月|がつ}}{of_month}（")


@pytest.mark.parametrize(
    ("number", "kanji", "reading"),
    [(1, "木", "もく"), (2, "金", "きん"), (3, "土", "ど"), (4, "日", "にち"), (5, "月", "げつ"), (6, "火", "か"),
     (7, "水", "すい")],
)  # fmt: skip
def test_weekday_in_easy_japanese_has_its_reading(number, kanji, reading):
    assert format_date(datetime.date(2026, 1, number), "ja-simple").endswith(f"（{{{kanji}|{reading}}}）")


def test_easy_day_is_a_whole_sentence_part():
    written = format_date(datetime.date(2026, 9, 20), "ja-simple")
    assert strip_readings(written) == "2026年9月20日（日）"
    assert to_reading(written) == "2026ねん9がつはつか（にち）"


@pytest.mark.parametrize(
    ("language", "written"),
    [
        ("ja", "2026年9月1日"),
        ("en", "1 September 2026"),
        ("zh-hans", "2026年9月1日"),
        ("ko", "2026년 9월 1일"),
        ("ne", "2026 सेप्टेम्बर 1, मङ्गलबार"),
        ("vi", "ngày 1 tháng 9 năm 2026"),
        ("ar", "1 سبتمبر 2026"),
        ("da", "1. september 2026"),
    ],
)
def test_day_follows_the_readers_language(language, written):
    with translation.override(language):
        assert format_date(datetime.date(2026, 9, 1)) == written


def test_day_in_filipino_does_not_fall_back_to_english():
    with translation.override("fil"):
        written = format_date(datetime.date(2026, 9, 1))
    assert "Setyembre" in written
    assert "September" not in written


def test_moment_counts_in_the_citys_time_zone():
    """23:30 in London on New Year's Eve is New Year's morning in Tokyo."""
    moment = datetime.datetime(2025, 12, 31, 23, 30, tzinfo=datetime.UTC)
    assert timezone.get_current_timezone_name() == "Asia/Tokyo"
    assert strip_readings(format_date(moment, "ja-simple")) == "2026年1月1日（木）"


def test_moment_without_time_zone_is_taken_as_it_stands():
    assert strip_readings(format_date(datetime.datetime(2026, 1, 2, 23, 59), "ja-simple")) == "2026年1月2日（金）"  # noqa: DTZ001
