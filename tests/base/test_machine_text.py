"""Machine-readable text: one spelling for each email address, phone number, code, time and year."""

import datetime
import unicodedata
from dataclasses import replace

import pytest
from django.core.exceptions import ValidationError
from hypothesis import given
from hypothesis import strategies as st

from services.base.form_fields import ClockField, CodeField, DayField, LineField, MachineTextField
from services.base.machine_text import (
    clean_code,
    clean_email,
    clean_phone,
    isolate_digit_runs,
    isolate_in_html,
    parse_clock,
    parse_day,
    quote_local_part,
    year_of_era,
)
from services.base.markdown import to_html, to_text_email
from tests.support.nasty_texts import every_nasty_text

INVISIBLE = list("\u200b\u200c\u200e\u200f\u061c\u2060\ufeff\u202a\u202d\u2068\u00ad")


@pytest.mark.parametrize("mark", INVISIBLE)
def test_c4_invisible_marks_are_dropped_from_what_machines_read(mark):
    assert unicodedata.category(mark) == "Cf"
    assert clean_email(f"{mark}two@exam{mark}ple.com{mark}") == "two@example.com"
    assert clean_phone(f"{mark}+81 90-1234{mark}-5678{mark}") == "09012345678"
    assert clean_code(f"{mark}VSXS-{mark}CJVF") == "VSXS-CJVF"
    assert MachineTextField().clean(f"{mark}two@example.com") == "two@example.com"
    assert CodeField().clean(f"{mark}K7F2{mark}ーQX9M") == "K7F2-QX9M"
    assert DayField().clean(f"{mark}2027-03-01{mark}") == datetime.date(2027, 3, 1)


def test_c4_names_still_refuse_what_changes_their_direction():
    with pytest.raises(ValidationError):
        LineField().clean("Sita\u202eanuR")


@pytest.mark.parametrize(
    ("typed", "stored"),
    [
        ("two@example.com。", "two@example.com"),
        ("two@example。com", "two@example.com"),
        ("two@example．com．", "two@example.com"),
        ("two@example｡com", "two@example.com"),
        ("two@example.com.", "two@example.com"),
        ("Two@BÜCHER.example", "two@bücher.example"),
        ("two@xn--bcher-kva.example", "two@bücher.example"),
        ("two@bu\u0308cher.example", "two@bücher.example"),
        ("two@コーヒー.example", "two@コーヒー.example"),
    ],
)
def test_c5_one_mailbox_has_one_spelling(typed, stored):
    assert clean_email(typed) == stored


@pytest.mark.parametrize(
    "typed", ["two@example.com，", "two@example.com..", "two@.com", "two@example", "two@exa mple.com"]
)
def test_c5_what_is_no_address_is_refused(typed):
    with pytest.raises(ValidationError):
        clean_email(typed)


@pytest.mark.parametrize("typed", ["two＠example.com", "ｔｗｏ＠ｅｘａｍｐｌｅ．ｃｏｍ", "ＴＷＯ@example.com\u3000"])
def test_c6_full_width_addresses_are_read(typed):
    assert clean_email(typed) == "two@example.com"


@pytest.mark.parametrize("name", ["taro..yamada", "taro.yamada.", ".taro", "a.", "..a", "a/b..c"])
@pytest.mark.parametrize(
    "domain", ["docomo.ne.jp", "ezweb.ne.jp", "au.com", "softbank.ne.jp", "i.softbank.jp", "t.vodafone.ne.jp"]
)
def test_c7_irregular_addresses_of_carriers_are_accepted_and_quoted(name, domain):
    assert clean_email(f"{name}@{domain}") == f"{name}@{domain}"
    assert quote_local_part(f"{name}@{domain}") == f'"{name}"@{domain}'


def test_c7_other_addresses_keep_the_rules_and_have_no_quotation_marks():
    for address in ("a..b@example.com", "taro.@notdocomo.ne.jp", '"a b"@docomo.ne.jp', 'a..b"@docomo.ne.jp'):
        with pytest.raises(ValidationError):
            clean_email(address)
    assert quote_local_part(clean_email("taro.yamada@docomo.ne.jp")) == "taro.yamada@docomo.ne.jp"


@pytest.mark.parametrize(
    "typed",
    [
        "+81 (0)90 1234 5678",
        "+81 90-1234-5678",
        "0081 90 1234 5678",
        "0081 (0)90 1234 5678",
        "010 81 90 1234 5678",
        "81-90-1234-5678",
        "(090) 1234.5678",
        "０９０－１２３４－５６７８",
        "090ー1234ー5678",
        "＋81 90 1234 5678",
        "०९०-१२३४-५६७८",
    ],
)
def test_c8_one_phone_has_one_spelling_in_japan(typed):
    assert clean_phone(typed) == "09012345678"


@pytest.mark.parametrize(
    ("country", "typed", "stored"),
    [
        ("DK", "+45 20 12 34 56", "20123456"),
        ("DK", "0045 20123456", "20123456"),
        ("DK", "+45 (0)20 12 34 56", "20123456"),
        ("DK", "20 12 34 56", "20123456"),
        ("DK", "+81 (0)90 1234 5678", "+819012345678"),
        ("KR", "+82 (0)10-1234-5678", "01012345678"),
        ("KR", "82-10-1234-5678", "01012345678"),
        ("KR", "010-1234-5678", "01012345678"),
        ("KR", "0082 10 1234 5678", "01012345678"),
        ("JP", "+82 (0)10-1234-5678", "+821012345678"),
        ("JP", "0570-013904", "0570013904"),
    ],
)
def test_c8_the_citys_country_decides(settings, country, typed, stored):
    settings.CITY = replace(settings.CITY, holidays=country)
    assert clean_phone(typed) == stored
    assert clean_phone(stored) == stored


@pytest.mark.parametrize("typed", ["119", "090-1234-567x", "+" + "1" * 16, "", "()", "0" * 15])
def test_c8_what_is_no_phone_number_is_refused(typed):
    with pytest.raises(ValidationError):
        clean_phone(typed)


@pytest.mark.parametrize(
    ("text", "time"),
    [
        ("午前12:30:00", "00:30"),
        ("午前0:30", "00:30"),
        ("am 12:15", "00:15"),
        ("午後12:30", "12:30"),
        ("午後0時", "12:00"),
        ("2:30 PM", "14:30"),
        ("2:30\u202fPM", "14:30"),
        ("12:30:00 AM", "00:30"),
        ("12:30 p.m.", "12:30"),
        ("A.M. 9:05", "09:05"),
        ("9:05 A.M.", "09:05"),
        ("午後２時半", "14:30"),
        ("下午2点", "14:00"),
        ("오후 3시 20분", "15:20"),
        ("12 a.m.", "00:00"),
        ("11:59 pm", "23:59"),
        ("14:30", "14:30"),
        ("\u200f14:30", "14:30"),
        ("9時30分", "09:30"),
    ],
)
def test_c15_clock_is_read_on_both_sides_of_noon(text, time):
    assert parse_clock(text) == datetime.time.fromisoformat(time)
    assert ClockField().clean(text) == datetime.time.fromisoformat(time)


@pytest.mark.parametrize("text", ["", "9", "25:00", "12:60", "午前13:00", "am 9:00 pm", "noon", "25 pm"])
def test_c15_what_is_no_time_is_refused(text):
    with pytest.raises(ValueError, match=r".+"):
        parse_clock(text)


def test_c15_every_minute_of_the_day_is_read_back():
    for minute in range(24 * 60):
        time = (datetime.datetime(2027, 1, 1) + datetime.timedelta(minutes=minute)).time()  # noqa: DTZ001
        assert parse_clock(time.strftime("%I:%M %p")) == time
        assert parse_clock(("午前" if time.hour < 12 else "午後") + time.strftime("%I:%M:%S")) == time


@pytest.mark.parametrize(
    ("era", "year", "common"),
    [("令和", "元", 2019), ("R", "8", 2026), ("平成", "31", 2019), ("h", "1", 1989), ("昭和", "50", 1975),
     ("大正", "元", 1912),
     ("明治", "45", 1912), ("T", "15", 1926), ("m", "1", 1868)],
)  # fmt: skip
def test_c14_japanese_eras_are_years(era, year, common):
    assert year_of_era(era, year) == common


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("2026-03-01", (2026, 3, 1)),
        ("2026/3/1", (2026, 3, 1)),
        ("2026.3.1", (2026, 3, 1)),
        ("20260301", (2026, 3, 1)),
        ("２０２６年３月１日（日）", (2026, 3, 1)),
        ("2026년 3월 1일", (2026, 3, 1)),
        ("令和8年3月1日", (2026, 3, 1)),
        ("R8.3.1", (2026, 3, 1)),
        ("令和元年5月1日", (2019, 5, 1)),
        ("平成23年12月31日", (2011, 12, 31)),
    ],
)
def test_c14_every_date_field_reads_dates_as_offices_write_them(text, day):
    assert parse_day(text) == datetime.date(*day)
    assert DayField().clean(text) == datetime.date(*day)


@pytest.mark.parametrize(
    "text", ["", "2026-03", "2026-02-30", "202603011", "2026-03-01 10:00", "令和0年13月1日", "3月1日"]
)
def test_c14_what_is_not_a_whole_date_is_refused(text):
    with pytest.raises(ValueError):  # noqa: PT011  its text is for programmers
        parse_day(text)


ISOLATED = [
    "0570-013904", "0570-078374", "144-8621", "4-16-8", "#7119", "03 5744 1111", "03-5744-1111", "(03) 5744-1111",
    "+81 (0)3 5744-1111", "+819012345678", "1-2", "5/4", "10:00-12:00", "2027-03-01 14:30", "#8000#", "03(5744)1111",
    "٠٣-٥٧٤٤",
]  # fmt: skip


@pytest.mark.parametrize("number", ISOLATED)
def test_c3_runs_of_digits_keep_their_order_in_pages_and_mails(number):
    assert f'<bdi dir="ltr">{number}</bdi>' in to_html(f"اتصل على {number} الآن")
    assert f'<bdi dir="ltr">{number}</bdi>' in to_html(f"و{number}، ثم")
    assert to_text_email(f"اتصل على {number}.") == f"اتصل على \u2066{number}\u2069."
    assert isolate_in_html(f"<p>هاتف: {number}</p>") == f"<p>هاتف: \u2066{number}\u2069</p>"


@pytest.mark.parametrize(
    "text", ["عام 2027 م", "(2027)", "1,500 ين", "1.5", "50%", "https://x.example/03-5744?a=1-2", "A4-5", "see-03-57",
             "a@4-5.example",
             "https://x.example:8000/1"]
)  # fmt: skip
def test_c3_plain_numbers_and_urls_stay_as_they_are(text):
    assert isolate_digit_runs(f"نص {text}") == f"نص {text}"


def test_c3_text_from_left_to_right_is_left_alone():
    assert to_html("Call 03-5744-1111 now") == "<p>Call 03-5744-1111 now</p>\n"
    assert to_text_email("Call 03-5744-1111 now") == "Call 03-5744-1111 now"


def test_c3_isolating_twice_is_isolating_once_and_tags_stay():
    once = isolate_in_html('<a href="tel:03-5744">03-5744</a> <bdi>1-2</bdi> <style>a{margin:1 2}</style>&#8206;3-4')
    link = '<a href="tel:03-5744">\u206603-5744\u2069</a>'
    assert once == link + " <bdi>1-2</bdi> <style>a{margin:1 2}</style>&#8206;\u20663-4\u2069"
    assert isolate_in_html(once) == once


@given(st.text(max_size=200))
@every_nasty_text("text")
def test_c3_isolating_adds_marks_and_loses_nothing(text):
    isolated = isolate_digit_runs(text, "<", ">")
    assert isolated.replace("<", "").replace(">", "") == text.replace("<", "").replace(">", "")


@given(st.text(max_size=60))
@every_nasty_text("text")
def test_c8_a_stored_value_is_its_own_spelling(text):
    for clean in (clean_email, clean_phone, clean_code):
        try:
            stored = clean(text)
        except ValidationError:
            continue
        assert clean(stored) == stored
