"""The language middleware: redirects, headers and the page's own attributes."""

import pytest

from services.languages.registry import ALIASES, SPOKEN

pytestmark = pytest.mark.django_db
OFFERED_ALIASES = sorted(ALIASES.items())


@pytest.mark.parametrize(("alias", "code"), OFFERED_ALIASES)
def test_alias_in_the_address_redirects_for_good_with_its_query(client, alias, code):
    response = client.get(f"/{alias}/guide/?page=2&q=%E3%81%94%E3%81%BF")
    assert (response.status_code, response["Location"]) == (301, f"/{code}/guide/?page=2&q=%E3%81%94%E3%81%BF")


def test_alias_without_a_query_redirects_without_a_question_mark(client):
    assert client.get("/tl/")["Location"] == "/fil/"
    assert client.get("/tl")["Location"] == "/fil/"
    assert client.head("/tl/guide/").status_code == 301


def test_capitals_in_the_address_redirect_too(client):
    response = client.get("/NE/emergency/")
    assert (response.status_code, response["Location"]) == (301, "/ne/emergency/")


def test_alias_keeps_the_method_and_body_of_a_post(client):
    response = client.post("/tl/me/login/?next=/fil/me/", {"login": "a@example.org"})
    assert (response.status_code, response["Location"]) == (308, "/fil/me/login/?next=/fil/me/")


@pytest.mark.parametrize("code", SPOKEN)
def test_page_says_its_language_and_direction(client, code):
    response = client.get(f"/{code}/emergency/")
    assert response.status_code == 200
    assert response["Content-Language"] == code
    html = response.content.decode()
    assert f'<html lang="{code}" dir="{SPOKEN[code].dir}"' in html
    for other in SPOKEN.values():
        assert f'hreflang="{other.code}"' in html
        assert f"/{other.code}/emergency/" in html


def test_only_arabic_goes_from_right_to_left():
    assert [language.code for language in SPOKEN.values() if language.dir == "rtl"] == ["ar"]


def test_bare_address_leads_home_in_the_browsers_language(client):
    response = client.get("/", headers={"accept-language": "ne,en;q=0.5"})
    assert (response.status_code, response["Location"]) == (302, "/ne/")
    assert {word.strip() for word in response["Vary"].split(",")} >= {"Accept-Language", "Cookie"}


def test_language_chosen_by_hand_is_kept(client):
    response = client.post("/choose/", {"language": "ne", "next": "/ja/guide/?page=2"})
    assert (response.status_code, response["Location"]) == (302, "/ne/guide/?page=2")
    assert client.get("/", headers={"accept-language": "da"})["Location"] == "/ne/"
    cookie = response.cookies["language"]
    assert (cookie["httponly"], cookie["samesite"], cookie["max-age"]) == (True, "Lax", 365 * 24 * 3600)


@pytest.mark.parametrize(
    "back", ["//evil.example/", "https://evil.example/", "/\\evil.example", "javascript:alert(1)", ""]
)
def test_choice_never_leads_to_another_host(client, back):
    assert client.post("/choose/", {"language": "ne", "next": back})["Location"] == "/ne/"
    assert client.post("/choose/", {"furigana": "on", "next": back})["Location"] == "/"


@pytest.mark.parametrize("typed", [{}, {"language": "xx"}, {"language": "tl"}, {"furigana": "maybe"}])
def test_choice_of_nothing_offered_changes_nothing(client, typed):
    response = client.post("/choose/", {"next": "/ne/", **typed})
    assert (response.status_code, response["Location"], dict(response.cookies)) == (302, "/ne/", {})


def test_get_never_chooses(client):
    assert client.get("/choose/?language=ne").status_code == 405


def test_furigana_switch_is_kept_and_answered_by_the_server(client):
    assert b"<ruby>" in client.get("/ja-simple/emergency/").content
    client.post("/choose/", {"furigana": "off", "next": "/ja-simple/emergency/"})
    page = client.get("/ja-simple/emergency/").content.decode()
    assert "<ruby>" not in page
    assert "|" not in page.split("<main", 1)[1].split("</main>", 1)[0]
    client.post("/choose/", {"furigana": "on", "next": "/"})
    assert b"<ruby>" in client.get("/ja-simple/emergency/").content


@pytest.mark.parametrize("code", SPOKEN)
def test_no_page_shows_the_notation_of_furigana(client, code):
    for path in ("", "emergency/", "guide/", "search/?q=x", "consultations/", "me/login/", "me/signup/"):
        page = client.get(f"/{code}/{path}").content.decode()
        assert "|" not in page, (code, path)


def test_searched_furigana_comes_back_as_typed(client):
    page = client.get("/ja-simple/search/", {"q": "{漢字|かんじ}"}).content.decode()
    assert 'value="{漢字|かんじ}"' in page
