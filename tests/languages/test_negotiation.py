"""Which language a reader gets, and through which redirects."""

from dataclasses import replace

import pytest
from django.test import RequestFactory

from services.languages.negotiation import (
    language_in_path,
    negotiate_language,
    resolve_language,
    url_in_language,
    wants_furigana,
)

CITY_DEFAULT = "ja"


def request(accept="", **cookies):
    made = RequestFactory().get("/", headers={"accept-language": accept})
    made.COOKIES.update(cookies)
    return made


@pytest.mark.parametrize(
    ("asked", "given"),
    [
        ("ne", "ne"),
        ("NE", "ne"),
        ("ne-NP", "ne"),
        ("tl", "fil"),
        ("tl-PH", "fil"),
        ("fil-PH", "fil"),
        ("easy", "ja-simple"),
        ("ja-easy", "ja-simple"),
        ("ja_Simple", "ja-simple"),
        ("zh", "zh-hans"),
        ("zh-CN", "zh-hans"),
        ("zh-Hans-CN", "zh-hans"),
        ("zh-SG", "zh-hans"),
        ("ja-JP-u-ca-japanese", "ja"),
        ("en-GB", "en"),
        ("xx", None),
        ("", None),
        ("-", None),
        ("nepali", None),
        ("../etc", None),
    ],
)
def test_code_alias_or_region_stands_for_an_offered_language(asked, given):
    assert resolve_language(asked) == given


@pytest.mark.parametrize(
    ("header", "given"),
    [
        ("", CITY_DEFAULT),
        ("*", CITY_DEFAULT),
        ("ne", "ne"),
        ("fr,ne;q=0.8,en;q=0.5", "ne"),
        ("en;q=0.1,vi;q=0.9", "vi"),
        ("tl,en;q=0.9", "fil"),
        ("zh-CN,zh;q=0.9", "zh-hans"),
        ("pt-BR,da-DK;q=0.3", "da"),
        (";;;,,,q=", CITY_DEFAULT),
        ("ne;q=x", CITY_DEFAULT),
        ("a" * 5000, CITY_DEFAULT),
    ],
)
def test_browser_is_asked_then_the_city(header, given):
    assert negotiate_language(request(header)) == given


@pytest.mark.parametrize("header", ["pt-BR,pt;q=0.9", "es", "id", "my,*;q=0.1", "xx,yy;q=0.5", "pt,ja;q=0"])
def test_c17_browser_that_asks_only_for_languages_not_offered_gets_the_fallback(header, settings):
    assert negotiate_language(request(header)) == "en"
    settings.CITY = replace(settings.CITY, fallback_language="ja-simple")
    assert negotiate_language(request(header)) == "ja-simple"


def test_c17_without_a_language_header_the_city_decides():
    without = RequestFactory().get("/")
    assert "accept-language" not in without.headers
    assert negotiate_language(without) == CITY_DEFAULT


def test_choice_made_by_hand_goes_before_the_browser():
    assert negotiate_language(request("en", language="ne")) == "ne"
    assert negotiate_language(request("en", language="tl")) == "fil"
    assert negotiate_language(request("en", language="nonsense")) == "en"


@pytest.mark.parametrize(
    ("cookie", "language", "wanted"),
    [
        ({}, "ja-simple", True),
        ({}, "ja", False),
        ({"furigana": "off"}, "ja-simple", False),
        ({"furigana": "on"}, "ja", True),
        ({"furigana": "maybe"}, "ja-simple", True),
    ],
)
def test_furigana_is_on_in_easy_japanese_unless_switched(cookie, language, wanted):
    assert wants_furigana(request(**cookie), language) is wanted


@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("/ne/", "ne"),
        ("/ne", "ne"),
        ("/ja-simple/guide/", "ja-simple"),
        ("/TL/guide/", "TL"),
        ("/easy/", "easy"),
        ("/news/", None),
        ("/en-GB/", None),
        ("/", None),
        ("//ne/", None),
        ("/healthz", None),
    ],
)
def test_address_names_a_language_only_as_a_whole_word(path, code):
    assert language_in_path(path) == code


@pytest.mark.parametrize(
    ("path", "same_page"),
    [
        ("/ne/guide/article/rubbish/", "/ar/guide/article/rubbish/"),
        ("/ja-simple/", "/ar/"),
        ("/ne", "/ar/"),
        ("/", "/ar/"),
        ("/healthz", "/ar/"),
    ],
)
def test_switching_leads_to_the_same_page(path, same_page):
    assert url_in_language(path, "ar") == same_page
