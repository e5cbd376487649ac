"""Whatever is typed, pasted or forged: a page or a clear refusal, never a 5xx; nothing stored breaks a page."""

from urllib.parse import quote, quote_from_bytes

import pytest
from allauth.account.models import EmailAddress
from django.core.exceptions import ValidationError
from hypothesis import example, given, settings
from hypothesis import strategies as st

from portal.pages.forms import SearchForm
from services.accounts.models import User
from services.base import normalisation
from services.languages.furigana import annotate_page, strip_readings, to_parentheses, to_ruby
from tests.factories.guide import ArticleFactory
from tests.support.nasty_texts import MANY, TEXT, browser, every_nasty_text, sendable

BYTES = st.binary(max_size=60)


PAGES = [
    "/", "/ne/", "/ne/search/", "/ne/guide/", "/ne/guide/open-category/", "/ne/guide/article/open/", "/ne/emergency/",
    "/ne/me/login/", "/ne/me/signup/", "/ne/demo/", "/ne/classes/", "/ne/consultations/",
    "/ne/consultations/calendar.ics", "/ne/consultations/figures/", "/ne/consultations/appointments/",
    "/ne/consultations/appointments/lawyer/", "/manifest.webmanifest", "/healthz",
]  # fmt: skip


PARAMETERS = ["q", "page", "next", "week", "language", "x"]


FORMS = {
    "/choose/": ("next", "language", "furigana"),
    "/ne/me/login/": ("login", "password", "remember", "next"),
    "/ne/me/signup/": ("email", "name", "password1", "next"),
    "/ne/me/login/code/": ("email", "next"),
    "/ne/me/password/reset/": ("email",),
    "/ne/demo/": ("person",),
}


@pytest.fixture
def city(db):
    """A guide with one article."""
    ArticleFactory(slug="open", category__slug="open-category")


@pytest.mark.parametrize("page", PAGES)
@MANY
@given(name=st.sampled_from(PARAMETERS), text=TEXT)
@every_nasty_text("text", name=PARAMETERS)
def test_page_survives_any_parameter(page, city, name, text):
    response = browser().get(f"{page}?{name}={quote(sendable(text), safe='')}")

    assert response.status_code < 500, (page, name, text)


@MANY
@given(raw=BYTES)
@example(raw=b"\x00")
@example(raw=b"\xff\xfe")
@example(raw=b"\xed\xa0\x80")
@example(raw=b"")
def test_page_survives_any_bytes_in_the_query(city, raw):
    response = browser().get(f"/ne/search/?q={quote_from_bytes(raw, safe='')}")

    assert response.status_code in {200, 400}


@MANY
@given(
    raw=BYTES,
    before=st.sampled_from(["/", "/ne/", "/ne/guide/", "/ne/guide/article/", "/ne/staff/admin/guide/article/"]),
)
@example(raw=b"\x00", before="/ne/guide/")
@example(raw=b"\x00", before="/ne/guide/article/")
@example(raw=b"\xff\xfe", before="/ne/guide/article/")
@example(raw=b"\xed\xa0\x80", before="/ne/staff/admin/guide/article/")
@example(raw=b"9" * 60, before="/ne/staff/admin/guide/article/")
@example(raw=b"\x00", before="/")
def test_page_survives_any_path(city, raw, before):
    response = browser().get(before + quote_from_bytes(raw, safe=""))

    assert response.status_code < 500


@MANY
@given(
    language=TEXT.map(sendable),
    furigana=TEXT.map(sendable),
    accept=st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=200),
    session=TEXT.map(sendable),
)
@every_nasty_text("language", "furigana", "session", accept=["", "ne", "*", "xx;q=9"])
def test_page_survives_any_cookie_and_header(city, language, furigana, accept, session):
    client = browser()
    for name, value in {"language": language, "furigana": furigana, "session": session}.items():
        client.cookies[name] = quote(value, safe="")
    response = client.get("/", HTTP_ACCEPT_LANGUAGE=accept, HTTP_COOKIE=f"language={quote(language)}")

    assert response.status_code == 302
    assert client.get("/ne/").status_code == 200


@pytest.mark.parametrize("host", ["evil.example", "", "a b", "localhost@evil", "[::1", "\x00"])
def test_host_that_is_not_ours_is_refused(host, city):
    assert browser().get("/ne/", HTTP_HOST=host).status_code == 400


@pytest.mark.parametrize("form", sorted(FORMS))
@settings(MANY, max_examples=62)  # with the 18 explicit ones, 80
@given(words=st.lists(TEXT.map(sendable), min_size=4, max_size=4))
@every_nasty_text(words=4, step=2)
def test_form_survives_anything_typed(form, city, words):
    typed = dict(zip(FORMS[form], words, strict=False))

    response = browser().post(form, typed)

    assert response.status_code < 500, (form, typed)


@MANY
@given(
    back=st.one_of(
        TEXT, st.sampled_from(["//evil.example/", "https://evil.example", "/\\evil.example", "\\\\evil", "/ne//evil"])
    )
)
@every_nasty_text("back")
def test_choice_never_leads_away_from_the_portal(city, back):
    for choice in ({"language": "ne"}, {"furigana": "on"}, {}):
        response = browser().post("/choose/", {"next": sendable(back), **choice})
        if response.status_code == 302:
            address = response.headers["Location"]
            assert address.startswith("/")
            assert not address.startswith(("//", "/\\"))
        else:
            assert response.status_code == 400


@pytest.mark.parametrize("evil", ["//evil.example/", "https://evil.example/", "javascript:alert(1)", "/\\evil.example"])
def test_sign_in_never_leads_away_from_the_portal(evil, city):
    user = User.objects.create_user("reader@example.org", "a-long-enough-password", name="R", language="ne")
    EmailAddress.objects.create(user=user, email=user.email, primary=True, verified=True)

    response = browser().post(
        "/ne/me/login/", {"login": user.email, "password": "a-long-enough-password", "next": evil}
    )

    assert (response.status_code, response.headers["Location"]) == (302, "/ne/me/")


@MANY
@given(name=TEXT)
@every_nasty_text("name")
def test_name_is_kept_clean_or_refused_with_a_reason(city, name):
    client = browser()
    User.objects.filter(email="new@example.org").delete()
    typed = {"email": "new@example.org", "name": sendable(name), "password1": "a-long-enough-password"}

    response = client.post("/ne/me/signup/", typed)

    user = User.objects.filter(email="new@example.org").first()
    if user is None:
        assert response.status_code in {200, 400, 429}
    else:
        assert user.name == normalisation.clean_line(user.name)
        assert normalisation.is_visible(user.name)
        assert client.get("/ne/").status_code == 200


@MANY
@given(text=TEXT)
def test_search_form_says_yes_or_why_not(text):
    form = SearchForm({"q": text})

    assert form.is_valid() or form.errors["q"]


@MANY
@given(text=TEXT)
def test_line_cleaned_twice_is_the_same(text):
    try:
        once = normalisation.clean_line(text)
    except ValidationError:
        return
    assert normalisation.clean_line(once) == once
    assert "\x00" not in once
    assert "\n" not in once


@MANY
@given(text=TEXT)
def test_prose_cleaned_twice_is_the_same(text):
    try:
        once = normalisation.clean_prose(text)
    except ValidationError:
        return
    assert normalisation.clean_prose(once) == once


@MANY
@given(text=st.one_of(TEXT, st.text("{}|<>&\"'=漢かa /", max_size=60)))
def test_furigana_never_brings_markup_of_its_own(text):
    for face in (strip_readings(text), to_parentheses(text)):
        assert face.count("<") <= text.count("<")
    shown = annotate_page(to_ruby(text.replace("<", "&lt;").replace(">", "&gt;")), furigana=True)
    assert "<script" not in shown.replace("&lt;", "")


@MANY
@given(typed=TEXT)
@every_nasty_text("typed")
def test_what_was_typed_into_search_comes_back_as_it_was(city, typed):
    from html.parser import HTMLParser

    class Fields(HTMLParser):
        values = ()

        def handle_starttag(self, tag, attributes):
            found = dict(attributes)
            if tag == "input" and found.get("name") == "q":
                self.values = (*self.values, found.get("value") or "")

    typed = sendable(typed)
    response = browser().get("/ja-simple/search/", {"q": typed})
    if response.status_code == 400:
        return
    fields = Fields()
    fields.feed(response.content.decode())
    # HTML itself turns three kinds of line ending into one.
    one_kind = typed.replace("\r\n", "\n").replace("\r", "\n")
    assert one_kind in {value.replace("\r\n", "\n").replace("\r", "\n") for value in fields.values}
