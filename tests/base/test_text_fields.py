"""Rules for typed text: the table of bad input, row by row (see services/base/normalisation.py)."""

import datetime

import pytest
from django import forms
from django.core.exceptions import ValidationError
from django.utils import translation

from services.base.form_fields import DayField, LineField, NumberField, ProseField
from services.base.machine_text import clean_code
from services.base.normalisation import BIDI_CONTROLS, clean_line, clean_prose, is_visible, search_key

GA, GA_DECOMPOSED = "が", "か\u3099"


def refusal(clean, text) -> str:
    """Return the code of the validation error."""
    with pytest.raises(ValidationError) as refused:
        clean(text)
    return refused.value.code


@pytest.mark.parametrize("clean", [clean_line, clean_prose, clean_code])
@pytest.mark.parametrize("text", ["a\x00b", "\x07", "a\ud800b", "\udfff", "a\x85b\x9f", "a\x1b[31m"])
def test_control_and_surrogate_are_refused(clean, text):
    assert refusal(clean, text) == "broken"


@pytest.mark.parametrize(
    "text", ["\u200b", "\u3164", "\u3164\u200d", "\u2800", "\uffa0\u115f\u1160", "\ufeff", "\u00ad", "\u200c", "\u180e"]
)
@pytest.mark.parametrize("clean", [clean_line, clean_prose])
def test_text_without_a_visible_mark_is_refused(clean, text):
    assert refusal(clean, text) == "invisible"
    assert is_visible(text) is False


@pytest.mark.parametrize("text", ["あ", "ر", "न", "7", "?", "+", "😀", "ﾊ", "\u3164a"])
def test_any_visible_mark_is_enough(text):
    assert is_visible(text) is True
    assert clean_line(text) == text


@pytest.mark.parametrize("mark", sorted(BIDI_CONTROLS))
def test_bidi_control_is_refused_in_a_line_and_dropped_from_prose(mark):
    assert refusal(clean_line, f"abc{mark}def") == "bidi"
    assert clean_code(f"abc{mark}def") == "abcdef"
    assert clean_prose(f"abc{mark}def\nghi{mark}") == "abcdef\nghi"


def test_bidi_controls_are_the_nine_of_unicode():
    assert sorted(map(ord, BIDI_CONTROLS)) == [0x202A, 0x202B, 0x202C, 0x202D, 0x202E, 0x2066, 0x2067, 0x2068, 0x2069]


def test_direction_marks_of_ordinary_arabic_typing_are_kept():
    assert clean_line("سعر 5\u200f دولار") == "سعر 5\u200f دولار"


def test_joiners_stay_in_names_and_prose_and_go_from_codes():
    nepali, persian = "श\u094d\u200dरेष्ठ", "می\u200cخواهم"
    assert clean_line(nepali) == nepali
    assert clean_prose(persian) == persian
    assert clean_code("sita\u200d@exam\u200cple.org") == "sita@example.org"


def test_text_is_composed_before_its_length_is_measured():
    field = LineField(max_length=3)
    assert field.clean(GA_DECOMPOSED * 3) == GA * 3
    with pytest.raises(ValidationError):
        field.clean(GA_DECOMPOSED * 4)
    assert ProseField(max_length=3).clean(GA_DECOMPOSED * 3) == GA * 3


def test_line_is_kept_with_single_spaces():
    assert clean_line("  Sita \t Gurung\u3000さん \n") == "Sita Gurung さん"
    assert clean_line("") == ""


def test_prose_keeps_its_lines_with_unix_ends():
    assert clean_prose(" one\r\ntwo\rthree\tx \n\n") == "one\ntwo\nthree\tx"


@pytest.mark.parametrize(
    ("typed", "key"),
    [
        ("ＧＯＭＩ　ゴミ", "gomi ゴミ"),
        ("ｺﾞﾐ", "ゴミ"),
        ("Straße", "strasse"),
        ("①", "1"),
        (GA_DECOMPOSED, GA),
        ("  a \n b ", "a b"),
        ("", ""),
    ],
)
def test_search_key_folds_width_case_and_space(typed, key):
    assert search_key(typed) == key
    assert search_key(key) == key


@pytest.mark.parametrize("number", ["2147483648", "-2147483648", "9" * 400, "1e999999", "NaN", "inf", "٣.٥", "0x10"])
def test_number_that_no_column_holds_is_refused(number):
    with pytest.raises(ValidationError):
        NumberField().clean(number)


@pytest.mark.parametrize("number", [2147483647, -2147483647, 0])
def test_number_that_a_column_holds_is_taken(number):
    assert NumberField().clean(str(number)) == number


@pytest.mark.parametrize("day", ["0001-01-01", "1899-12-31", "2101-01-01", "9999-12-31", "2026-02-30", "10000-01-01"])
def test_day_outside_two_centuries_is_refused(day):
    with pytest.raises(ValidationError):
        DayField().clean(day)


@pytest.mark.parametrize("day", [datetime.date(1900, 1, 1), datetime.date(2100, 12, 31), datetime.date(2024, 2, 29)])
def test_day_within_two_centuries_is_taken(day):
    assert DayField().clean(day.isoformat()) == day


def test_empty_field_is_left_to_required():
    class Form(forms.Form):
        line = LineField(required=False)
        prose = ProseField(required=False)

    form = Form({"line": "   ", "prose": ""})
    assert form.is_valid() is True
    assert form.cleaned_data == {"line": "", "prose": ""}


def test_refusals_are_told_in_the_readers_language():
    texts = set()
    for language in ("en", "ja", "ne", "ar"):
        with translation.override(language), pytest.raises(ValidationError) as refused:
            clean_line("\u3164")
        with translation.override(language):
            texts.add(refused.value.messages[0])
    assert len(texts) == 4
