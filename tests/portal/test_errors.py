"""Error pages are in the reader's language, and nothing that was typed is lost."""

import inspect
import re

import pytest
from django.db import OperationalError
from django.test import RequestFactory
from django.urls import URLPattern, get_resolver

from portal.form_pages import FORM_PAGES
from portal.pages import errors
from services.languages.registry import SPOKEN
from services.messaging.models import Message
from tests.factories import CaseFactory, UserFactory

pytestmark = pytest.mark.django_db


def is_error_page(response, language) -> bool:
    html = response.content.decode()
    return f'<html lang="{language}" dir="{SPOKEN[language].dir}"' in html and "error-page" in html


@pytest.mark.parametrize("language", SPOKEN)
def test_not_found_is_told_in_the_readers_language(client, language):
    response = client.get(f"/{language}/nothing/")
    assert response.status_code == 404
    assert is_error_page(response, language)


def test_not_found_outside_a_language_is_told_in_the_browsers(client):
    response = client.get("/nothing/", headers={"accept-language": "ar"})
    assert response.status_code == 404
    assert is_error_page(response, "ar")


@pytest.mark.parametrize(
    "query",
    ["q=%00", "q=a%00b", "%00=x", "q=%ED%A0%80", "q=%FF%FE", "page=%00", "q=ok&other=%C3%28"],
)
def test_unreadable_query_is_400_in_the_readers_language(client, query):
    response = client.get(f"/ne/search/?{query}")
    assert response.status_code == 400
    assert is_error_page(response, "ne")


@pytest.mark.parametrize("path", ["/ne/%00/", "/ne/guide/a%00b/", "/ne/guide/article/%00/"])
def test_unreadable_path_is_400(client, path):
    assert client.get(path).status_code == 400


@pytest.mark.parametrize(
    ("path", "typed"),
    [
        ("/ne/me/login/", {"login": "a\x00@example.org", "password": "x"}),
        ("/ne/me/signup/", {"name": "a\x00b", "email": "a@example.org", "password1": "x"}),
        ("/ne/me/login/code/", {"email": "\x00"}),
        ("/choose/", {"language": "ne\x00", "next": "/"}),
        ("/ne/demo/", {"person": "\x00"}),
    ],
)
def test_unreadable_form_is_400(client, path, typed):
    assert client.post(path, typed).status_code == 400


def test_unreadable_bytes_in_a_form_are_400(client):
    response = client.post("/ne/me/login/", b"login=%ED%A0%80&password=x", "application/x-www-form-urlencoded")
    assert response.status_code == 400


def test_cookies_full_of_rubbish_are_answered(client):
    for name in ("language", "furigana", "session", "csrf", "messages"):
        client.cookies[name] = "\\000\udc80"[:4] + "x" * 3000
    assert client.get("/ne/").status_code == 200


def test_forged_host_is_400(client):
    assert client.get("/ne/", headers={"host": "evil.example"}).status_code == 400
    assert client.get("/ne/", headers={"host": "localhost:8000@evil.example"}).status_code == 400


def test_too_large_a_form_is_400(client):
    response = client.post("/ne/me/login/", {"login": "x" * 2_000_000})
    assert response.status_code == 400


def test_too_many_fields_are_400(client):
    assert client.post("/ne/me/login/", {f"f{n}": "x" for n in range(1100)}).status_code == 400
    assert client.get("/ne/search/?" + "&".join(f"f{n}=x" for n in range(1100))).status_code == 400


def test_refused_page_is_403_in_the_readers_language(client):
    client.force_login(UserFactory())
    response = client.get("/ne/staff/")
    assert response.status_code == 403
    assert is_error_page(response, "ne")


def test_stale_form_is_403_and_keeps_what_was_typed(new_client):
    client = new_client(enforce_csrf_checks=True)
    typed = {"name": "सीता <b>", "email": "sita@example.org", "password1": "secret-secret", "code": "ABCD-1234"}
    response = client.post("/ne/me/signup/", typed)
    html = response.content.decode()
    assert response.status_code == 403
    assert is_error_page(response, "ne")
    assert "सीता &lt;b&gt;" in html
    assert "sita@example.org" in html
    assert "secret-secret" not in html
    assert "ABCD-1234" not in html


SUBSCRIBE = "/en/notices/subscribe/"


def test_stale_form_lists_what_was_typed_by_its_label_and_leaves_out_the_programs_words(new_client):
    client = new_client(enforce_csrf_checks=True)
    typed = {"topics": ["health"], "language": "ar", "channel": "email", "address": "sita@example.org", "area": "omori"}
    html = client.post(SUBSCRIBE, typed | {"note": "no label"}).content.decode()
    kept = re.findall(r"<li>(?:<strong>(.*?)</strong> )?<bdi>(.*?)</bdi></li>", html)
    assert kept == [("Your contact details", "sita@example.org"), ("", "no label")]


@pytest.mark.parametrize(
    ("before", "leads_to"),
    [
        ("http://localhost/en/notices/?page=2&x=1#top", "/en/notices/?page=2&amp;x=1"),
        ("http://localhost//evil.example/", "/evil.example/"),
        ("https://evil.example/en/notices/", SUBSCRIBE),
        ("javascript:alert(1)", SUBSCRIBE),
        ("", SUBSCRIBE),
    ],
)
def test_stale_form_leads_back_to_its_own_page_and_nowhere_else(new_client, before, leads_to):
    client = new_client(enforce_csrf_checks=True)
    html = client.post(SUBSCRIBE, {"address": "a"}, headers={"referer": before}).content.decode()
    assert f'<a class="button" href="{leads_to}"><span>Open the form again</span></a>' in html
    assert "evil.example" not in html.replace('"/evil.example/"', "")


@pytest.mark.django_db(transaction=True)
def test_missing_database_is_503_with_what_was_typed(client, unreachable_database):
    client.raise_request_exception = False
    typed = {"email": "sita@example.org", "name": "सीता", "password1": "secret-secret"}
    response = client.post("/ne/me/signup/", typed)
    html = response.content.decode()
    assert (response.status_code, response["Retry-After"]) == (503, "30")
    assert is_error_page(response, "ne")
    assert "sita@example.org" in html
    assert "सीता" in html
    assert "secret-secret" not in html


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("path", ["/ne/", "/ne/guide/", "/ne/guide/article/x/", "/ne/search/?q=a"])
def test_missing_database_is_503_on_every_page_that_needs_it(client, unreachable_database, path):
    client.raise_request_exception = False
    response = client.get(path)
    assert response.status_code == 503
    assert is_error_page(response, "ne")


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("path", ["/ne/emergency/", "/ne/classes/"])
def test_page_without_rows_is_answered_without_a_database(client, unreachable_database, path):
    assert client.get(path).status_code == 200


@pytest.mark.parametrize(("fault", "status"), [(OperationalError, 503), (ZeroDivisionError, 500)])
def test_fault_of_ours_is_500_and_a_busy_database_503(fault, status, rf):
    request = rf.get("/ne/")
    request.LANGUAGE_CODE = "ne"
    try:
        raise fault
    except fault:
        response = errors.server_error(request)
    assert response.status_code == status
    assert is_error_page(response, "ne")


def test_too_many_is_429_in_the_readers_language():
    request = RequestFactory().get("/ne/")
    request.LANGUAGE_CODE = "ne"
    response = errors.too_many_requests(request)
    assert response.status_code == 429
    assert is_error_page(response, "ne")


def test_limit_of_an_address_is_429_in_the_readers_language(client, settings):
    settings.ACCOUNT_RATE_LIMITS = {"signup": "1/m/ip"}
    answers = [client.post("/ne/me/signup/", {"email": "not yet"}) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [200, 429]
    assert is_error_page(answers[1], "ne")


def test_codes_for_one_address_are_limited_whoever_asks(new_client):
    answers = [new_client().post("/ne/me/login/code/", {"email": "sita@example.org"}) for _ in range(4)]
    assert [answer.status_code for answer in answers] == [302, 302, 302, 200]
    assert list(answers[3].context["form"].errors) == ["email"]
    assert Message.objects.count() == 3


# --- URLs that only accept a form ---------------------------------------------------------------------


def methods_of(view) -> list[str]:
    """Return the methods that a view's decorator allows; none if it has no such decorator."""
    while view:
        if inspect.isfunction(view) and (held := inspect.getclosurevars(view).nonlocals.get("request_method_list")):
            return held
        view = getattr(view, "__wrapped__", None)
    return []


def names_of_forms(resolver, within: str = "") -> set[str]:
    """Return the names of the URLs that do not answer GET."""
    names = set()
    for it in resolver.url_patterns:
        if not isinstance(it, URLPattern):
            names |= names_of_forms(it, f"{within}{it.namespace}:" if it.namespace else within)
        elif "GET" not in (methods_of(it.callback) or ["GET"]):
            names.add(f"{within}{it.name}")
    return names


def test_each_form_belongs_to_a_page():
    assert names_of_forms(get_resolver()) == FORM_PAGES.keys()
    assert FORM_PAGES.keys() & {page for page, *_taken in FORM_PAGES.values()} == set()


@pytest.fixture
def case(client):
    adviser = UserFactory(roles=["adviser"])
    client.force_login(adviser)
    return CaseFactory(assigned=adviser)


@pytest.mark.parametrize("language", SPOKEN)
def test_address_of_a_form_is_told_in_the_readers_language_and_leads_to_its_page(client, case, language):
    page = f"/{language}/staff/cases/{case.public_id}/"
    response = client.get(f"{page}do/write/")
    assert (response.status_code, response.headers["Allow"]) == (405, "POST")
    assert is_error_page(response, language)
    assert f'class="button" href="{page}"' in response.content.decode()
    assert "no-store" in response.headers["Cache-Control"]
    assert client.get(page).status_code == 200


def test_resident_is_led_from_the_address_of_a_form_to_its_page(client):
    response = client.get("/vi/registrations/token/cancel/")
    assert response.status_code == 405
    assert is_error_page(response, "vi")
    assert 'class="button" href="/vi/registrations/token/"' in response.content.decode()


def test_languages_of_a_page_that_answered_a_form_lead_to_the_page_of_the_form(client, case):
    page = f"/en/staff/cases/{case.public_id}/"
    html = client.post(f"{page}do/write/", {"write-text": ""}).content.decode()
    assert f'name="next" value="{page}"' in html
    assert f'/vi/staff/cases/{case.public_id}/" hreflang="vi"' in html
    assert "/do/write/" not in html.replace(f'action="{page}do/write/"', "")
    chosen = client.post("/choose/", {"language": "vi", "next": page}, follow=True)
    assert chosen.status_code == 200


def test_languages_of_a_page_lead_to_the_same_page_with_its_query(client):
    assert 'name="next" value="/en/search/?q=tax"' in client.get("/en/search/?q=tax").content.decode()
