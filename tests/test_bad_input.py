"""Whatever is typed, pasted or forged: a page or a clear refusal, never a 5xx, and nothing kept that breaks a page."""

from urllib.parse import quote, quote_from_bytes

import pytest
from allauth.account.models import EmailAddress
from django.core.exceptions import ValidationError
from django.test import Client
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from portal.forms import SearchForm
from services.accounts.models import User
from services.base import hygiene
from services.languages.ruby import annotate_page, as_html, as_mail, as_plain
from tests.factories import ArticleFactory

NASTY = st.sampled_from(
    [
        "\x00", "\ud800".encode("utf-8", "surrogatepass").decode("latin-1"), "\ufffd", "\u200b", "\u3164",
        "\u202e", "\u2066", "\u200d", "か\u3099", "A\u030a", "<script>alert(1)</script>", "'; DROP TABLE x; --",
        "{a|b}", "{漢字|かんじ}", "{{ 7*7 }}", "%(name)s", "%s", "\r\nSet-Cookie: a=b", "../../etc/passwd",
        "//evil.example", "javascript:alert(1)", "9" * 400, "-1", "1e999999", "0001-01-01", "9999-12-31",
        "NaN", "=1+1", "+1", "@SUM(A1)", "\t", "𝔘𝔫𝔦", "🏳️‍🌈", "ﷺ" * 50, "م\u200cی",
    ]
)  # fmt: skip
TEXT = st.one_of(NASTY, st.text(max_size=300), st.lists(NASTY, max_size=4).map("".join))
BYTES = st.binary(max_size=60)
MANY = settings(
    max_examples=80, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
PAGES = [
    "/", "/ne/", "/ne/search/", "/ne/guide/", "/ne/guide/open-category/", "/ne/guide/article/open/", "/ne/emergency/",
    "/ne/me/login/", "/ne/me/signup/", "/ne/demo/", "/ne/classes/", "/ne/consultations/",
    "/ne/consultations/calendar.ics", "/ne/consultations/figures/", "/ne/consultations/appointments/",
    "/ne/consultations/appointments/lawyer/", "/manifest.webmanifest", "/healthz",
]  # fmt: skip
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
    """A guide to look at."""
    ArticleFactory(slug="open", category__slug="open-category")


def browser() -> Client:
    return Client(HTTP_HOST="localhost", raise_request_exception=False)


def sendable(text: str) -> str:
    """The text as a form can send it: lone surrogates do not survive UTF-8."""
    return text.encode("utf-8", "replace").decode()


@pytest.mark.parametrize("page", PAGES)
@MANY
@given(name=st.sampled_from(["q", "page", "next", "week", "language", "x"]), text=TEXT)
def test_page_survives_any_parameter(page, city, name, text):
    response = browser().get(f"{page}?{name}={quote(sendable(text), safe='')}")

    assert response.status_code < 500, (page, name, text)


@MANY
@given(raw=BYTES)
def test_page_survives_any_bytes_in_the_query(city, raw):
    response = browser().get(f"/ne/search/?q={quote_from_bytes(raw, safe='')}")

    assert response.status_code in {200, 400}


@MANY
@given(
    raw=BYTES,
    before=st.sampled_from(["/", "/ne/", "/ne/guide/", "/ne/guide/article/", "/ne/staff/admin/guide/article/"]),
)
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
@MANY
@given(data=st.data())
def test_form_survives_anything_typed(form, city, data):
    typed = {name: sendable(data.draw(TEXT)) for name in FORMS[form]}

    response = browser().post(form, typed)

    assert response.status_code < 500, (form, typed)


@MANY
@given(
    back=st.one_of(
        TEXT, st.sampled_from(["//evil.example/", "https://evil.example", "/\\evil.example", "\\\\evil", "/ne//evil"])
    )
)
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
def test_name_is_kept_clean_or_refused_with_a_reason(city, name):
    client = browser()
    User.objects.filter(email="new@example.org").delete()
    typed = {"email": "new@example.org", "name": sendable(name), "password1": "a-long-enough-password"}

    response = client.post("/ne/me/signup/", typed)

    user = User.objects.filter(email="new@example.org").first()
    if user is None:
        assert response.status_code in {200, 400, 429}
    else:
        assert user.name == hygiene.clean_line(user.name)
        assert hygiene.is_visible(user.name)
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
        once = hygiene.clean_line(text)
    except ValidationError:
        return
    assert hygiene.clean_line(once) == once
    assert "\x00" not in once
    assert "\n" not in once


@MANY
@given(text=TEXT)
def test_prose_cleaned_twice_is_the_same(text):
    try:
        once = hygiene.clean_prose(text)
    except ValidationError:
        return
    assert hygiene.clean_prose(once) == once


@MANY
@given(text=st.one_of(TEXT, st.text("{}|<>&\"'=漢かa /", max_size=60)))
def test_furigana_never_brings_markup_of_its_own(text):
    for face in (as_plain(text), as_mail(text)):
        assert face.count("<") <= text.count("<")
    shown = annotate_page(as_html(text.replace("<", "&lt;").replace(">", "&gt;")), furigana=True)
    assert "<script" not in shown.replace("&lt;", "")


@MANY
@given(typed=TEXT)
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
    # HTML itself makes one line end of three kinds.
    one_kind = typed.replace("\r\n", "\n").replace("\r", "\n")
    assert one_kind in {value.replace("\r\n", "\n").replace("\r", "\n") for value in fields.values}
