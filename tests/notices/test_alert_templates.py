"""The reviewed texts of emergencies: every pattern, level and placeholder in every language."""

import itertools
import json
import re

import pytest
from django.conf import settings
from django.utils import translation

from services.languages.furigana import RUBY, strip_readings
from services.languages.registry import SPOKEN
from services.notices.alert_templates import _FILE, alert_levels, alert_templates, format_placeholder, intensities
from tests.support.alert_placeholders import PLACE, PLACEHOLDERS

PATTERNS = alert_templates()


KANJI = re.compile(r"[々一-鿿]")


SLOT = re.compile(r"\{([a-z]+)\}")


EVERY = [(code, language) for code in PATTERNS for language in SPOKEN]


def test_file_says_nothing_twice():
    """JSON silently keeps the last of two equal keys."""
    seen = []

    def pairs(items):
        keys = [key for key, _value in items]
        seen.append(len(keys) - len(set(keys)))
        return dict(items)

    json.loads(_FILE.read_text("utf-8"), object_pairs_hook=pairs)
    assert set(seen) == {0}


def test_patterns_are_these():
    assert set(PATTERNS) == {
        "quake", "tsunami", "evacuate", "shelter_open", "shelter_full", "water", "power", "trains", "school",
        "typhoon", "heat", "hotline", "rumour", "allclear",
    }  # fmt: skip
    assert {slot for pattern in PATTERNS.values() for slot in pattern.placeholders} == set(PLACEHOLDERS)


@pytest.mark.parametrize(("code", "language"), EVERY)
def test_pattern_fills_without_a_brace_left(code, language):
    pattern = PATTERNS[code]
    text = pattern.fill(PLACEHOLDERS, language)
    assert not re.search(r"[{}|]", strip_readings(text)), text
    assert not re.search(r"[{}|]", strip_readings(pattern.titles[language]))
    assert 0 < len(strip_readings(pattern.titles[language])) <= 60
    if language not in {"ja", "ja-simple"}:
        assert "|" not in text


@pytest.mark.parametrize(("code", "language"), EVERY)
def test_pattern_has_the_same_slots_in_every_language(code, language):
    pattern = PATTERNS[code]
    assert set(SLOT.findall(pattern.texts[language])) == set(pattern.placeholders)
    assert SLOT.findall(pattern.titles[language]) == []


@pytest.mark.parametrize("code", PATTERNS)
def test_each_language_says_what_stands_in_the_slots(code):
    pattern = PATTERNS[code]
    for language, slot in itertools.product(SPOKEN, pattern.placeholders):
        with translation.override(language):
            said = format_placeholder(slot, PLACEHOLDERS[slot], language)
        assert said in pattern.fill(PLACEHOLDERS, language)


def test_texts_of_two_languages_are_never_the_same():
    for pattern in PATTERNS.values():
        assert len(set(pattern.texts.values())) == len(SPOKEN)


def bare_kanji(text: str) -> str:
    """Return the kanji that have no furigana."""
    return "".join(KANJI.findall(RUBY.sub("", text)))


@pytest.mark.parametrize("code", PATTERNS)
def test_easy_japanese_has_furigana_on_every_kanji(code):
    pattern = PATTERNS[code]
    assert bare_kanji(pattern.titles["ja-simple"]) == ""
    assert bare_kanji(pattern.fill(PLACEHOLDERS, "ja-simple")) == ""


def test_rule_of_furigana_finds_a_bare_kanji():
    assert bare_kanji("{水|みず}を 飲んでください。") == "飲"


@pytest.mark.parametrize("code", PATTERNS)
def test_easy_japanese_is_cut_into_short_sentences(code):
    """EJ01: more than fifty characters are an error; EJ05: spaces separate words."""
    text = strip_readings(PATTERNS[code].fill(PLACEHOLDERS, "ja-simple"))
    sentences = [sentence for sentence in text.split("。") if sentence]
    assert [sentence for sentence in sentences if len(sentence) > 50] == []
    assert [sentence for sentence in sentences if len(sentence) > 15 and " " not in sentence] == []


def test_levels_are_complete():
    assert sorted(alert_levels()) == [0, 1, 2, 3, 4, 5]
    for number, level in alert_levels().items():
        assert level.number == number
        assert set(level.names) == set(level.actions) == set(SPOKEN)
        assert all(level.names.values())
        assert all(level.actions.values())
        assert bare_kanji(level.names["ja-simple"] + level.actions["ja-simple"]) == ""
        # CAP 1.2, 3.2.2
        assert level.severity in {"Extreme", "Severe", "Moderate", "Minor", "Unknown"}
        assert level.urgency in {"Immediate", "Expected", "Future", "Past", "Unknown"}
        assert level.certainty in {"Observed", "Likely", "Possible", "Unlikely", "Unknown"}


@pytest.mark.parametrize("code", PATTERNS)
def test_pattern_says_what_caps_readers_need(code):
    pattern = PATTERNS[code]
    assert pattern.category in {
        "Geo", "Met", "Safety", "Security", "Rescue", "Fire", "Health", "Env", "Transport", "Infra", "CBRNE", "Other",
    }  # fmt: skip
    assert pattern.response in {
        "Shelter", "Evacuate", "Prepare", "Execute", "Avoid", "Monitor", "Assess", "AllClear", "None",
    }  # fmt: skip
    assert pattern.usual_level in alert_levels()
    assert pattern.languages() == [language.code for language in settings.CITY.offered()]


def test_intensities_are_named_in_every_language():
    assert list(intensities()) == ["3", "4", "5-", "5+", "6-", "6+", "7"]
    for names in intensities().values():
        assert set(names) == set(SPOKEN)
        assert all(names.values())
        assert bare_kanji(names["ja-simple"]) == ""


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("time", "14:05", {"ja": "14:05", "ar": "14:05"}),
        ("place", PLACE, {
            "ja": "蒲田小学校",
            "ja-simple": "{蒲田|かまた}{小学校|しょうがっこう}",
            "en": "Kamata Elementary School (蒲田小学校)",
            "ar": "\u2068Kamata Elementary School (蒲田小学校)\u2069",
        }),
        ("place", {"local": "蒲田"}, {"ja": "蒲田", "ne": "蒲田"}),
        ("area", "", {"ja": "大田区", "vi": "Quận Ota"}),
        ("area", "no-such-area", {"da": "Ota"}),
        ("date", "2026-03-01", {
            "ja-simple": "2026{年|ねん}3{月|がつ}{1日|ついたち}（{日|にち}）",
            "en": "1 March 2026",
        }),
        ("eta", "2026-03-01T14:05", {"en": "1 March 2026, 14:05"}),
        ("languages", ["ne", "vi"], {"en": "Nepali, Vietnamese", "ja": "ネパール語、ベトナム語"}),
        ("phone", "03-1234-5678", {"ne": "03-1234-5678"}),
    ],
)  # fmt: skip
def test_slot_is_said_as_the_reader_says_it(name, value, said):
    for language, words in said.items():
        with translation.override(language):
            assert format_placeholder(name, value, language) == words


def test_slot_is_said_in_the_patterns_language_whatever_is_active():
    with translation.override("da"):
        assert "1 March 2026" in PATTERNS["school"].fill(PLACEHOLDERS, "en")
