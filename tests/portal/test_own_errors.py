"""The portal reports form errors in the page's language; the browser would report them in its own."""

import re

import pytest

from tests.factories import TopicFactory, UserFactory
from tests.support.personal_data import confirm_identity
from tests.support.project import ROOT, TEMPLATES
from tests.support.sign_in import DEVANAGARI, SITA

pytestmark = pytest.mark.django_db
FORM = re.compile(r"<form\b((?:\{[{%].*?[%}]\}|[^>])*)>(.*?)</form>", re.DOTALL)
# Fields that a browser would check: all that a form class renders, and those with such an attribute.
ASKS = re.compile(
    r"\{\{ (?:\w+_)?form \}\}|as_field_group|\{\{ (?!redirect_)[\w.]*field \}\}|\brequired\b"
    r'|type="(?:email|number|url|tel|date|time|datetime-local)"'
)
ERROR = re.compile(r'class="field-error".*?<p>(.*?)</p>', re.DOTALL)


def left_to_the_browser(html: str) -> list[str]:
    """Return the forms that a browser checks before the portal does."""
    return [
        attributes.strip()
        for attributes, inside in FORM.findall(html)
        if 'method="post"' in attributes and "novalidate" not in attributes and ASKS.search(inside)
    ]


def test_no_form_is_left_to_the_browser():
    found = {
        str(file.relative_to(ROOT / "templates")): left_to_the_browser(file.read_text("utf-8")) for file in TEMPLATES
    }
    assert {name for name, forms in found.items() if forms} == set()


@pytest.mark.parametrize(
    "inside", ["{{ form }}", "{{ verify_form }}", '<input name="a" required>', '<input type="email">']
)
def test_rule_finds_a_form_that_is_left_to_the_browser(inside):
    assert left_to_the_browser(f'<form action="{{% url "x" %}}" method="post">{inside}</form>') != []
    assert left_to_the_browser(f'<form method="post" novalidate>{inside}</form>') == []


def errors_in(response) -> list[str]:
    return ERROR.findall(response.content.decode())


@pytest.mark.parametrize(
    ("path", "typed", "kept", "count"),
    [
        ("/ne/me/signup/", SITA | {"email": "sita@", "name": ""}, "sita@", 2),
        ("/ne/me/login/", {"login": "sita@", "password": ""}, "sita@", 2),
        ("/ne/me/login/code/", {"email": "sita@"}, "sita@", 1),
        ("/ne/me/password/reset/", {"email": "sita@"}, "sita@", 1),
        ("/ne/notices/subscribe/", {"address": "sita@", "language": "ar"}, "sita@", 2),
        ("/ne/notices/subscribe/", {"address": "", "language": ""}, "", 3),
    ],
)
def test_all_faults_are_told_at_once_in_nepali_and_nothing_typed_is_lost(client, path, typed, kept, count):
    TopicFactory()
    told = errors_in(response := client.post(path, typed))
    assert (len(told), [error for error in told if not DEVANAGARI.search(error)]) == (count, [])
    assert kept in response.content.decode()


@pytest.mark.parametrize(
    ("path", "typed"),
    [
        ("/ne/me/email/", {"email": "sita@", "action_add": ""}),
        ("/ne/me/password/change/", {"oldpassword": "", "password1": "", "password2": ""}),
    ],
)
def test_faults_about_the_account_are_told_in_nepali(client, path, typed):
    client.force_login(UserFactory())
    told = errors_in(client.post(path, typed))
    assert told
    assert [error for error in told if not DEVANAGARI.search(error)] == []


def test_forgetting_without_the_tick_is_told_in_nepali(client):
    confirm_identity(client, UserFactory())
    told = [str(message) for message in client.post("/ne/me/data/forget/", {}, follow=True).context["messages"]]
    assert (len(told), bool(DEVANAGARI.search(told[0]))) == (1, True)
