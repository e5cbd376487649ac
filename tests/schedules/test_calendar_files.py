"""Calendar files, read back by another program (icalendar), in the reader's language and the city's time."""

import datetime

import pytest
from icalendar import Calendar

from services.schedules.calendar_files import CalendarEntry, render_calendar

STAMP = datetime.datetime(2026, 4, 1, 3, 0, tzinfo=datetime.UTC)
BEGIN = datetime.datetime(2026, 5, 1, 9, 0, tzinfo=datetime.UTC)


def entry(**facts) -> CalendarEntry:
    words = {"uid": "abc@tabunka.example", "title": "夏祭り", "language": "ja", "starts_at": BEGIN}
    return CalendarEntry(**words | {"ends_at": BEGIN + datetime.timedelta(hours=2)} | facts)


def read(*entries: CalendarEntry) -> list:
    calendar = Calendar.from_ical(render_calendar(list(entries), stamp=STAMP))
    assert (calendar["version"], calendar["method"]) == ("2.0", "PUBLISH")
    assert calendar["prodid"].startswith("-//Tabunka//")
    return list(calendar.walk("VEVENT"))


def test_entry_says_what_happens_where_and_when():
    [event] = read(entry(place="大田区民プラザ", description="浴衣で", url="https://tabunka.example/ja/notices/abc/"))
    assert (event["uid"], event["summary"], event["location"]) == ("abc@tabunka.example", "夏祭り", "大田区民プラザ")
    assert (event["description"], event["url"]) == ("浴衣で", "https://tabunka.example/ja/notices/abc/")
    assert (event["status"], event["sequence"]) == ("CONFIRMED", 0)
    assert event.decoded("dtstamp") == STAMP
    assert (event.decoded("dtstart"), event.decoded("dtend")) == (BEGIN, BEGIN + datetime.timedelta(hours=2))


def test_words_say_their_language():
    [event] = read(entry(title="Lễ hội", place="Ota", language="vi"))
    assert event["summary"].params["LANGUAGE"] == "vi"
    assert event["location"].params["LANGUAGE"] == "vi"
    assert "description" not in event


def test_furigana_never_stands_in_a_calendar():
    [event] = read(entry(title="{夏祭|なつまつ}り", place="{大田区|おおたく}", language="ja-simple"))
    assert (event["summary"], event["location"]) == ("夏祭り", "大田区")


@pytest.mark.parametrize(
    "words",
    [
        "Party\r\nATTENDEE:mailto:evil@example.org",
        "Party\nEND:VEVENT\nBEGIN:VEVENT\nUID:evil",
        'a, b; c\\d: "e"',
        "नेपाली कक्षा " * 30,
        "😀" * 60,
        "X" * 500,
    ],
)
def test_words_stay_words_whatever_stands_in_them(words):
    written = render_calendar([entry(title=words)], stamp=STAMP)
    [event] = read(entry(title=words))
    assert event["summary"] == words.replace("\r\n", "\n")
    assert "ATTENDEE" not in event
    assert max(len(line) for line in written.split(b"\r\n")) <= 75  # RFC 5545, 3.1


def test_cancelled_and_changed_entries_say_so():
    [event] = read(entry(is_cancelled=True, sequence=3))
    assert (event["status"], event["sequence"]) == ("CANCELLED", 3)


@pytest.mark.parametrize(
    ("zone", "month", "local"),
    [
        ("Asia/Tokyo", 7, "20260701T180000"),
        ("Asia/Seoul", 1, "20260101T180000"),
        ("Europe/Copenhagen", 7, "20260701T110000"),
        ("Europe/Copenhagen", 1, "20260101T100000"),
    ],
)
def test_times_are_the_citys_and_their_zone_goes_along(zone, month, local, settings):
    settings.TIME_ZONE = zone
    begin = datetime.datetime(2026, month, 1, 9, 0, tzinfo=datetime.UTC)
    written = render_calendar([entry(starts_at=begin, ends_at=begin + datetime.timedelta(hours=1))], stamp=STAMP)
    assert f"DTSTART;TZID={zone}:{local}".encode() in written
    calendar = Calendar.from_ical(written)
    assert [str(it["tzid"]) for it in calendar.walk("VTIMEZONE")] == [zone]
    assert next(iter(calendar.walk("VEVENT"))).decoded("dtstart") == begin


def test_file_may_hold_many_entries():
    events = read(*[entry(uid=f"{number}@tabunka.example") for number in range(30)])
    assert [event["uid"] for event in events] == [f"{number}@tabunka.example" for number in range(30)]


def test_empty_file_is_a_calendar_too():
    assert read() == []


def test_c3_numbers_keep_their_order_in_an_arabic_calendar():
    [event] = read(entry(title="هاتف 0570-013904", place="مبنى 4-16-8", description="رمز #7119", language="ar"))
    assert (event["summary"], event["location"]) == ("هاتف \u20660570-013904\u2069", "مبنى \u20664-16-8\u2069")
    assert event["description"] == "رمز \u2066#7119\u2069"
