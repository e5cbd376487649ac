"""Signing up by code: no password, a new code if none arrives, and the page says how long a code is valid."""

import re

import pytest
from django.core import mail

from services.languages.registry import SPOKEN
from services.messaging.delivery import deliver_due
from services.messaging.rendering import render_message
from tests.factories import UserFactory
from tests.support.sign_in import DEVANAGARI, SITA, code_from_mail, is_signed_in

pytestmark = pytest.mark.django_db
LASTS = "You can use the code for 15 minutes."


def words(response) -> str:
    return " ".join(re.sub("<[^>]+>", " ", response.content.decode()).split())


def test_sign_up_says_that_a_code_comes_and_spares_the_rules_of_passwords(client):
    page = words(client.get("/en/me/signup/"))
    assert page.count("We will email you a code. You do not need a password.") == 1
    assert page.count("Your password") == 1
    assert "Your password must contain at least 10 characters." in page


def test_rule_that_a_password_breaks_is_told(client):
    page = words(client.post("/en/me/signup/", SITA | {"password1": "password123"}))
    assert "This password is too common. Choose another one." in page


def test_code_that_did_not_come_is_sent_anew_and_the_old_one_is_void(client):
    client.post("/en/me/signup/", SITA)
    page = client.get("/en/me/confirm-email/")
    assert (LASTS in words(page), "Send a new code" in words(page)) == (True, True)
    old = code_from_mail()
    answer = client.post("/ne/me/confirm-email/", {"action": "resend"}, follow=True)
    [told] = [str(message) for message in answer.context["messages"]]
    assert ("sita@example.org" in told, bool(DEVANAGARI.search(told))) == (True, True)
    new = code_from_mail()
    assert (len(mail.outbox), old == new) == (2, False)
    client.post("/en/me/confirm-email/", {"code": old})
    assert is_signed_in(client) is False
    client.post("/en/me/confirm-email/", {"code": new})
    assert is_signed_in(client) is True


def test_code_to_sign_in_is_sent_anew_too(client):
    user = UserFactory()
    page = client.post("/en/me/login/code/", {"email": user.email}, follow=True)
    assert (LASTS in words(page), "Send a new code" in words(page)) == (True, True)
    client.post("/en/me/login/code/confirm/", {"action": "resend"})
    client.post("/en/me/login/code/confirm/", {"code": code_from_mail()})
    assert (len(mail.outbox), is_signed_in(client)) == (2, True)


def test_nobody_fills_a_mailbox_with_codes(client):
    client.post("/en/me/signup/", SITA)
    for _press in range(6):
        client.post("/en/me/confirm-email/", {"action": "resend"})
    deliver_due(worker="test")
    assert len(mail.outbox) == 3


@pytest.mark.parametrize("language", SPOKEN)
@pytest.mark.parametrize("kind", ["sign_in_code", "confirm_address", "password_code"])
def test_mail_says_how_long_its_code_works(kind, language):
    letter = render_message(f"accounts/{kind}", language, context={"code": "ABCD-1234", "minutes": "15"})
    without = render_message(f"accounts/{kind}", language, context={"code": "ABCD-1234"})
    assert ("15" in letter.text, "15" in letter.html, "15" in without.text) == (True, True, False)
    assert len(letter.text.split("\n\n")) == len(without.text.split("\n\n")) + 1
