"""Calendar files, read back by two programs (icalendar, vobject), in the reader's language and the city's time."""

import datetime
from zoneinfo import ZoneInfo

import pytest
import vobject
from django.test import override_settings
from hypothesis import given
from hypothesis import strategies as st
from icalendar import Calendar

from services.base.machine_text import isolate_in_right_to_left
from services.languages.furigana import strip_readings
from services.schedules.calendar_files import CANCEL, CalendarEntry, render_calendar
from tests.support.nasty_texts import TEXT, every_nasty_text

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


# --- What two programs read -----------------------------------------------------------------------

ZONES = ("Asia/Tokyo", "Asia/Seoul", "Europe/Copenhagen", "America/New_York", "Australia/Lord_Howe")


def by_icalendar(written: bytes) -> list[dict]:
    return [
        {
            "uid": str(event["uid"]),
            "title": str(event.get("summary", "")),
            "starts_at": event.decoded("dtstart"),
            "ends_at": event.decoded("dtend"),
            "sequence": int(event["sequence"]),
            "status": str(event["status"]),
            "organizer": str(event["organizer"]),
        }
        for event in Calendar.from_ical(written).walk("VEVENT")
    ]


def by_vobject(written: bytes) -> list[dict]:
    """Read with the zones as the file itself describes them, not as this machine knows them."""
    return [
        {
            "uid": event.uid.value,
            "title": event.summary.value if hasattr(event, "summary") else "",
            "starts_at": event.dtstart.value,
            "ends_at": event.dtend.value,
            "sequence": int(event.sequence.value),
            "status": event.status.value,
            "organizer": event.organizer.value,
        }
        for event in vobject.readOne(written.decode()).contents.get("vevent", [])
    ]


def expected(entry: CalendarEntry) -> dict:
    last = entry.ends_at + datetime.timedelta(days=1) if entry.is_all_day else entry.ends_at
    return {
        "uid": entry.uid,
        "title": " ".join(isolate_in_right_to_left(strip_readings(entry.title)).split()),
        "starts_at": entry.starts_at,
        "ends_at": last,
        "sequence": entry.sequence,
        "status": "CANCELLED" if entry.is_cancelled else "CONFIRMED",
        "organizer": "mailto:noreply@tabunka.example",
    }


MOMENTS = st.integers(1_577_836_800, 2_840_140_800).map(  # from 2020 to 2060
    lambda second: datetime.datetime.fromtimestamp(second, datetime.UTC)
)
DAYS = st.dates(datetime.date(2020, 1, 1), datetime.date(2060, 1, 1))


@given(
    zone=st.sampled_from(ZONES),
    spans=st.lists(st.one_of(st.tuples(MOMENTS, MOMENTS), st.tuples(DAYS, DAYS)), max_size=5),
    title=TEXT,
    sequence=st.integers(0, 1000),
    is_cancelled=st.booleans(),
)
@every_nasty_text(
    "title",
    zone=ZONES,
    spans=([(BEGIN, BEGIN)], [(BEGIN.date(), BEGIN.date())]),
    sequence=(0, 1),
    is_cancelled=(False, True),
)
def test_f17_two_programs_read_exactly_what_was_put_in(zone, spans, title, sequence, is_cancelled):
    entries = [
        entry(
            uid=f"{number}@tabunka.example",
            title=title,
            starts_at=min(span),
            ends_at=max(span),
            sequence=sequence,
            is_cancelled=is_cancelled,
        )
        for number, span in enumerate(spans)
    ]
    with override_settings(TIME_ZONE=zone, DEFAULT_FROM_EMAIL="Tabunka <noreply@tabunka.example>"):
        written = render_calendar(entries, stamp=STAMP)
    wanted = [expected(it) for it in entries]
    for found in (by_icalendar(written), by_vobject(written)):
        assert [it | {"title": " ".join(it["title"].split())} for it in found] == wanted


@pytest.mark.parametrize("minutes", range(-60, 181, 30))
def test_f17_hours_that_the_clock_shows_twice_are_told_apart(minutes, settings):
    settings.TIME_ZONE = "Europe/Copenhagen"
    at = datetime.datetime(2027, 10, 31, 0, 0, tzinfo=datetime.UTC) + datetime.timedelta(minutes=minutes)
    written = render_calendar([entry(starts_at=at, ends_at=at + datetime.timedelta(minutes=30))], stamp=STAMP)
    for [found] in (by_icalendar(written), by_vobject(written)):
        assert found["starts_at"].astimezone(datetime.UTC) == at
        assert found["ends_at"].astimezone(datetime.UTC) == at + datetime.timedelta(minutes=30)


@pytest.mark.parametrize("words", [r"C:\New", r"a\nb", "a\rb", "a\u2028b", "\x85c"])
def test_f17_backslashes_and_odd_line_ends_stay_words(words):
    written = render_calendar([entry(title=words)], stamp=STAMP)
    for [found] in (by_icalendar(written), by_vobject(written)):
        assert found["title"].split() == words.split()


def zone_lines(written: bytes) -> list[str]:
    zone = written.decode().partition("BEGIN:VTIMEZONE\r\n")[2].partition("END:VTIMEZONE")[0]
    return zone.split("\r\n")


@pytest.mark.parametrize(
    ("zone", "summer", "winter"),
    [
        (
            "Europe/Copenhagen",
            ["DTSTART:19700329T020000", "RRULE:FREQ=YEARLY;BYDAY=-1SU;BYMONTH=3"],
            ["DTSTART:19701025T030000", "RRULE:FREQ=YEARLY;BYDAY=-1SU;BYMONTH=10"],
        ),
        (
            "America/New_York",
            ["DTSTART:19700308T020000", "RRULE:FREQ=YEARLY;BYDAY=2SU;BYMONTH=3"],
            ["DTSTART:19701101T020000", "RRULE:FREQ=YEARLY;BYDAY=1SU;BYMONTH=11"],
        ),
    ],
)
def test_f17_zone_with_summer_time_has_yearly_rules_and_no_list_of_dates(zone, summer, winter, settings):
    settings.TIME_ZONE = zone
    lines = zone_lines(render_calendar([entry()], stamp=STAMP))
    daylight, standard = lines.index("BEGIN:DAYLIGHT"), lines.index("BEGIN:STANDARD")
    assert lines[daylight + 1 : daylight + 3] == summer
    assert lines[standard + 1 : standard + 3] == winter
    assert not [line for line in lines if line.startswith(("RDATE", "COMMENT"))]
    assert lines.count("BEGIN:DAYLIGHT") == lines.count("BEGIN:STANDARD") == 1


@pytest.mark.parametrize("zone", ["Asia/Tokyo", "Asia/Seoul"])
def test_f17_zone_without_summer_time_has_one_standard_time(zone, settings):
    settings.TIME_ZONE = zone
    lines = zone_lines(render_calendar([entry()], stamp=STAMP))
    assert [line for line in lines if line.startswith(("BEGIN", "DTSTART", "TZOFFSET", "RRULE", "RDATE"))] == [
        "BEGIN:STANDARD",
        "DTSTART:19700101T000000",
        "TZOFFSETFROM:+0900",
        "TZOFFSETTO:+0900",
    ]


def test_case_18_whole_days_are_dates_and_the_end_is_the_day_after():
    days = {"starts_at": datetime.date(2027, 8, 14), "ends_at": datetime.date(2027, 8, 16)}
    lines = render_calendar([entry(**days)], stamp=STAMP).decode().split("\r\n")
    assert "DTSTART;VALUE=DATE:20270814" in lines
    assert "DTEND;VALUE=DATE:20270817" in lines
    assert "BEGIN:VTIMEZONE" not in lines


def test_f18_entry_sent_to_cancel_an_event_says_so_and_who_cancels(settings):
    settings.DEFAULT_FROM_EMAIL = "Ota <desk@tabunka.example>"
    cancelled = entry(is_cancelled=True, sequence=2)
    lines = render_calendar([cancelled], stamp=STAMP, method=cancelled.method).decode().split("\r\n")
    assert cancelled.method == CANCEL
    assert "METHOD:CANCEL" in lines
    assert "ORGANIZER:mailto:desk@tabunka.example" in lines
    assert "ORGANIZER:mailto:desk@tabunka.example" in render_calendar([entry()], stamp=STAMP).decode().split("\r\n")


def copenhagen(day: int, month: int = 3) -> datetime.datetime:
    return datetime.datetime(2027, month, day, 18, 30, tzinfo=ZoneInfo("Europe/Copenhagen"))


def test_case_2_moved_session_replaces_the_one_of_the_series(settings):
    """12 Tuesdays; the fourth is moved from 23 to Wednesday 24 March, and called off afterwards."""
    settings.TIME_ZONE = "Europe/Copenhagen"
    series = entry(
        starts_at=copenhagen(2), ends_at=copenhagen(2) + datetime.timedelta(minutes=90), rule="FREQ=WEEKLY;COUNT=12"
    )
    moved = entry(
        starts_at=copenhagen(24),
        ends_at=copenhagen(24) + datetime.timedelta(minutes=90),
        original_start=copenhagen(23),
        sequence=1,
    )
    written = render_calendar([series, moved], stamp=STAMP)
    lines = written.decode().split("\r\n")
    assert "RECURRENCE-ID;TZID=Europe/Copenhagen:20270323T183000" in lines
    assert "DTSTART;TZID=Europe/Copenhagen:20270324T183000" in lines
    whole, single = vobject.readOne(written.decode()).vevent_list
    starts = set(whole.getrruleset(addRDate=False)) - {single.recurrence_id.value} | {single.dtstart.value}
    utc = sorted(start.astimezone(datetime.UTC) for start in starts)
    clock = datetime.timedelta(hours=17, minutes=30)
    first_four = [datetime.datetime(2027, 3, day, tzinfo=datetime.UTC) + clock for day in (2, 9, 16, 24)]
    summer = datetime.datetime(2027, 3, 30, 16, 30, tzinfo=datetime.UTC)
    assert utc == first_four + [summer + datetime.timedelta(weeks=week) for week in range(8)]
    assert single.uid.value == whole.uid.value
    called_off = entry(
        starts_at=moved.starts_at, ends_at=moved.ends_at, original_start=copenhagen(23), sequence=2, is_cancelled=True
    )
    [found] = Calendar.from_ical(render_calendar([called_off], stamp=STAMP)).walk("VEVENT")
    assert (found["status"], found["sequence"], found.decoded("recurrence-id")) == ("CANCELLED", 2, copenhagen(23))


def test_case_1_left_out_sessions_are_left_out(settings):
    settings.TIME_ZONE = "Europe/Copenhagen"
    series = entry(
        starts_at=copenhagen(4),
        ends_at=copenhagen(4) + datetime.timedelta(minutes=90),
        rule="FREQ=WEEKLY;COUNT=14",
        excluded=(copenhagen(25), copenhagen(6, month=5)),
    )
    event = vobject.readOne(render_calendar([series], stamp=STAMP).decode()).vevent
    starts = [(start.month, start.day) for start in event.getrruleset()]
    march, april = [(3, day) for day in (4, 11, 18)], [(4, day) for day in (1, 8, 15, 22, 29)]
    assert starts == [*march, *april, (5, 13), (5, 20), (5, 27), (6, 3)]
