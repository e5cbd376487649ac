"""Attacks that once worked."""

import logging
import re
import time

import pytest
from django.core import mail
from django.core.exceptions import ValidationError
from django.test import Client, RequestFactory
from django.test.client import ClientHandler

from portal import embedded_worker
from portal.log_redaction import PersonalDataFilter
from portal.page_cache import CachedPageApplication
from services.accounts.roles import Role
from services.base.normalisation import clean_line, clean_prose
from services.languages.negotiation import resolve_language
from services.messaging.delivery import deliver_due
from services.messaging.models import Message
from tests.factories import UserFactory
from tests.factories.accounts import PASSWORD
from tests.support.production import variables
from tests.support.servers import environment, manage

pytestmark = pytest.mark.django_db
SEARCH = "/ja/search/?q=%E3%81%94%E3%81%BF"  # ごみ


def code_from_mail() -> str:
    deliver_due(worker="test")
    return re.findall(r"\b[A-Z0-9]{4}-[A-Z0-9]{4}\b", mail.outbox[-1].body)[0]


def through_the_door(content_type: str):
    """Return the response to the search through the application that the web server calls."""
    environ = RequestFactory(HTTP_HOST="localhost").get(SEARCH).environ | {"CONTENT_TYPE": content_type}
    return CachedPageApplication(lambda environ, start_response: ClientHandler()(environ))(environ, None)


@pytest.mark.parametrize("charset", ["latin-1", "hex", "rot13", "idna", "undefined", "utf-16", '"hex"', "hex; a=b"])
def test_announced_charset_neither_breaks_a_page_nor_poisons_its_copy(client, charset):
    response = through_the_door(f"text/plain; CharSet={charset}")
    assert response.status_code == 200
    assert 'value="ごみ"' in response.content.decode()
    assert 'value="ごみ"' in client.get(SEARCH).content.decode()


@pytest.mark.parametrize("heap", ["\u0300" * 40_000 + "\u0327" * 40_000, "\u0f73" * 80_000])
@pytest.mark.parametrize("clean", [clean_line, clean_prose])
def test_heap_of_marks_is_refused_at_once(clean, heap):
    begun = time.monotonic()
    with pytest.raises(ValidationError):
        clean(f"a{heap}")
    assert time.monotonic() - begun < 1


@pytest.mark.parametrize("name", ["Nguyễn Thị Lan", "नेपाली", "مُحَمَّد", "ཀཱི", "e" + "\u0301" * 30])
def test_marks_of_real_writing_are_kept(name):
    assert clean_line(name) != ""


def test_language_cookie_of_any_length_costs_nothing():
    begun = time.monotonic()
    assert resolve_language("a-" * 200_000) is None
    assert time.monotonic() - begun < 0.1
    assert resolve_language("zh-Hans-CN-x-something-longer-than-anybody-needs") == "zh-hans"


def test_administrator_cannot_ask_for_a_password_letter_by_letter(client):
    client.force_login(UserFactory(roles=[Role.ADMINISTRATOR]))
    assert client.get("/ja/staff/admin/accounts/user/?is_active__exact=1").status_code == 200
    assert client.get("/ja/staff/admin/accounts/user/?password__startswith=md5").status_code == 400


@pytest.mark.parametrize("path", ["/ne/me/login/code/", "/ne/me/password/reset/"])
def test_address_longer_than_any_mailbox_is_refused_with_a_reason_and_not_kept(client, path):
    response = client.post(path, {"email": f"{'a' * 290}@example.org"})
    assert response.status_code == 200
    assert list(response.context["form"].errors) == ["email"]
    assert Message.objects.count() == 0


def test_password_of_who_never_proved_the_address_dies_when_its_owner_comes(client, new_client):
    """Eve creates an account with Sita's email address and waits until Sita signs in by code."""
    eve = {"name": "Eve", "email": "sita@example.org", "password1": PASSWORD}
    client.post("/ne/me/signup/", eve)
    sita = new_client()
    sita.post("/ne/me/login/code/", {"email": "sita@example.org"})
    sita.post("/ne/me/login/code/confirm/", {"code": code_from_mail()})
    assert sita.get("/ne/me/").status_code == 200
    again = new_client()
    again.post("/ne/me/login/", {"login": "sita@example.org", "password": PASSWORD})
    assert (again.get("/ne/me/").status_code, client.get("/ne/me/").status_code) == (302, 302)


def test_password_of_who_proved_the_address_survives_a_code(client, new_client):
    UserFactory(email="sita@example.org")
    client.post("/ne/me/login/code/", {"email": "sita@example.org"})
    client.post("/ne/me/login/code/confirm/", {"code": code_from_mail()})
    again = new_client()
    again.post("/ne/me/login/", {"login": "sita@example.org", "password": PASSWORD})
    assert again.get("/ne/me/").status_code == 200


def test_guessing_is_limited_whatever_port_the_request_names(new_client):
    UserFactory(email="sita@example.org")
    typed = {"login": "sita@example.org", "password": "wrong-but-long-enough"}
    for number in range(10):
        Client(HTTP_HOST=f"localhost:{number + 1}").post("/ne/me/login/", typed)
    browser = new_client()
    browser.post("/ne/me/login/", typed | {"password": PASSWORD})
    assert browser.get("/ne/me/").status_code == 302


def test_embedded_work_knows_the_tasks_of_beat():
    embedded_worker.app.loader.import_default_modules()
    last_run = dict.fromkeys(embedded_worker.app.conf.beat_schedule, float("-inf"))
    embedded_worker._run_periodic(last_run)
    assert min(last_run.values()) > 0


@pytest.mark.parametrize(
    ("logger", "message", "kept"),
    [
        ("django.request", "Not Found: /ne/guide/sita gurung 080-1234-5678/", "Not Found"),
        ("django.request", "Forbidden (Permission denied): /ne/staff/sita/", "Forbidden"),
        ("django.security.csrf", "Forbidden (Origin checking failed - http://sita): /ne/", "Forbidden"),
        ("django.security.DisallowedHost", "Invalid HTTP_HOST header: 'sita'.", "Invalid HTTP_HOST header"),
    ],
)
def test_log_holds_no_path_or_header_that_somebody_typed(logger, message, kept):
    record = logging.LogRecord(logger, logging.WARNING, "", 0, message, (), None)
    PersonalDataFilter().filter(record)
    assert record.getMessage() == kept


@pytest.mark.parametrize("name", ["SECRET_KEY", "AUDIT_KEY"])
def test_demos_secret_is_refused_outside_the_demo(name, tmp_path):
    known = f"demo-{name.lower()}-is-known-to-everybody-and-protects-nothing"
    env = environment(**variables(str(tmp_path)) | {"DEMO": "", name: known})
    ended = manage("check", env=env, check=False)
    assert ended.returncode == 1
    assert f"{name} is too weak" in ended.stderr
