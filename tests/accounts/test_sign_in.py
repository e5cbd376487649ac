"""Signing up and signing in by real POSTs, in Nepali: every email goes through the ledger in the reader's language."""

import pytest
from allauth.mfa.totp.internal.auth import (
    TOTP,
    format_hotp_value,
    generate_totp_secret,
    hotp_value,
    yield_hotp_counters_from_time,
)
from django.core import mail
from django.core.cache import caches

from services.accounts.actions import revoke_role
from services.accounts.models import Resident, User
from services.accounts.roles import NEED_SECOND_FACTOR, Role
from services.audit.models import AuditEntry
from services.messaging.delivery import deliver_due
from services.messaging.models import Message, MessageState
from tests.factories.accounts import PASSWORD, UserFactory
from tests.support.sign_in import DEVANAGARI, SITA, code_from_mail, is_signed_in

pytestmark = pytest.mark.django_db


def test_resident_signs_up_in_nepali(client):
    assert client.get("/ne/me/signup/").status_code == 200
    response = client.post("/ne/me/signup/", SITA)
    assert (response.status_code, response["Location"]) == (302, "/ne/me/confirm-email/")
    assert is_signed_in(client) is False
    code = code_from_mail()
    sent = mail.outbox[0]
    assert (sent.to, sent.extra_headers["Content-Language"]) == (["sita@example.org"], "ne")
    assert DEVANAGARI.search(sent.subject)
    assert DEVANAGARI.search(sent.body)

    response = client.post("/ne/me/confirm-email/", {"code": code})
    assert (response.status_code, response["Location"]) == (302, "/ne/me/")
    assert is_signed_in(client) is True
    user = User.objects.get()
    assert (user.email, user.name, user.language) == ("sita@example.org", "सीता गुरुङ", "ne")
    resident = Resident.objects.get()
    assert (resident.user, resident.name, resident.language) == (user, "सीता गुरुङ", "ne")
    assert user.emailaddress_set.get().verified is True


def test_wrong_code_is_refused_in_nepali(client):
    client.post("/ne/me/signup/", SITA)
    code = code_from_mail()
    wrong = "AAAA-AAAA" if code != "AAAA-AAAA" else "BBBB-BBBB"
    response = client.post("/ne/me/confirm-email/", {"code": wrong})
    assert response.status_code == 200
    assert "is-invalid" in response.content.decode() or "field-error" in response.content.decode()
    assert is_signed_in(client) is False


@pytest.mark.parametrize(
    ("typed", "field"),
    [
        ({"name": "\u3164"}, "name"),
        ({"name": "\u202esita"}, "name"),
        ({"name": "x" * 101}, "name"),
        ({"name": ""}, "name"),
        ({"email": "sita"}, "email"),
        ({"email": f"{'x' * 400}@example.org"}, "email"),
        ({"password1": "short"}, "password1"),
        ({"password1": "1234567890"}, "password1"),
    ],
)
def test_bad_sign_up_is_answered_beside_its_field_and_keeps_what_was_typed(client, typed, field):
    response = client.post("/ne/me/signup/", SITA | typed)
    assert response.status_code == 200
    assert list(response.context["form"].errors) == [field]
    html = response.content.decode()
    assert f'id="id_{field}_error"' in html
    if field != "name":
        assert 'value="सीता गुरुङ"' in html
    assert PASSWORD not in html
    assert User.objects.count() == 0


@pytest.mark.parametrize("typed", ["sita@exam\u200dple.org", "si\u200dta@example.org", "\u2068sita@example.org\u2069"])
def test_c4_invisible_mark_in_an_address_is_stripped(client, typed):
    client.post("/ne/me/signup/", SITA | {"email": typed})
    assert User.objects.get().email == "sita@example.org"


def test_taken_address_is_not_told_to_strangers(client):
    UserFactory(email="sita@example.org")
    response = client.post("/ne/me/signup/", SITA)
    assert (response.status_code, response["Location"]) == (302, "/ne/me/confirm-email/")
    deliver_due(worker="test")
    assert [(row.kind, row.address) for row in Message.objects.all()] == [
        ("accounts/address_known", "sita@example.org")
    ]
    assert "http://localhost:8000/ne/me/password/reset/" in mail.outbox[0].body
    assert User.objects.count() == 1


def test_code_signs_in_again_and_again(client):
    """Sign in twice, because the second message must be separate from the first."""
    UserFactory(email="sita@example.org")
    for _ in range(2):
        response = client.post("/ne/me/login/code/", {"email": "sita@example.org"})
        assert (response.status_code, response["Location"]) == (302, "/ne/me/login/code/confirm/")
        response = client.post(response["Location"], {"code": code_from_mail()})
        assert (response.status_code, response["Location"]) == (302, "/ne/me/")
        assert is_signed_in(client) is True
        client.post("/ne/me/logout/")
        assert is_signed_in(client) is False
    assert len(mail.outbox) == 2
    assert Message.objects.filter(state=MessageState.SENT, context={}).count() == 2


def test_code_request_for_an_unknown_address_looks_the_same(client):
    response = client.post("/ne/me/login/code/", {"email": "nobody@example.org"})
    assert (response.status_code, response["Location"]) == (302, "/ne/me/login/code/confirm/")
    deliver_due(worker="test")
    assert [row.kind for row in Message.objects.all()] == ["accounts/unknown_address"]
    assert "http://localhost:8000/ne/me/signup/" in mail.outbox[0].body


def test_password_signs_in_and_a_wrong_one_does_not(client):
    UserFactory(email="sita@example.org")
    wrong = client.post("/ne/me/login/", {"login": "sita@example.org", "password": "wrong-but-long-enough"})
    assert wrong.status_code == 200
    assert is_signed_in(client) is False
    right = client.post("/ne/me/login/", {"login": "SITA@example.org", "password": PASSWORD})
    assert (right.status_code, right["Location"]) == (302, "/ne/me/")
    assert is_signed_in(client) is True


def test_forgotten_password_is_replaced_by_a_code(client):
    UserFactory(email="sita@example.org")
    response = client.post("/ne/me/password/reset/", {"email": "sita@example.org"})
    assert response["Location"] == "/ne/me/password/reset/confirm/"
    response = client.post(response["Location"], {"code": code_from_mail()})
    assert response["Location"] == "/ne/me/password/reset/complete/"
    new = "another-long-password"
    response = client.post(response["Location"], {"password1": new, "password2": new})
    assert response.status_code == 302
    client.logout()
    client.post("/ne/me/login/", {"login": "sita@example.org", "password": new})
    assert is_signed_in(client) is True


@pytest.mark.parametrize("next_page", ["//evil.example/", "https://evil.example/me/", "javascript:alert(1)"])
def test_sign_in_never_leads_to_another_host(client, next_page):
    UserFactory(email="sita@example.org")
    typed = {"login": "sita@example.org", "password": PASSWORD, "next": next_page}
    assert client.post("/ne/me/login/", typed)["Location"] == "/ne/me/"


def test_page_of_ones_own_asks_to_sign_in_and_comes_back(client):
    UserFactory(email="sita@example.org")
    response = client.get("/ne/me/email/")
    assert (response.status_code, response["Location"]) == (302, "/ne/me/login/?next=/ne/me/email/")
    typed = {"login": "sita@example.org", "password": PASSWORD, "next": "/ne/me/email/"}
    assert client.post("/ne/me/login/", typed)["Location"] == "/ne/me/email/"


def test_get_of_sign_out_asks_first(client):
    client.force_login(UserFactory())
    assert client.get("/ne/me/logout/").status_code == 200
    assert is_signed_in(client) is True


def test_guessing_is_limited_for_each_account_in_the_readers_language(client):
    UserFactory(email="sita@example.org")
    typed = {"login": "sita@example.org", "password": "wrong-but-long-enough"}
    answers = [client.post("/ne/me/login/", typed) for _ in range(11)]
    assert [answer.status_code for answer in answers] == [200] * 11
    right = client.post("/ne/me/login/", typed | {"password": PASSWORD})
    assert right.status_code == 200
    assert is_signed_in(client) is False


def test_staff_come_to_their_board(client):
    UserFactory(email="editor@example.org", roles=[Role.EDITOR])
    response = client.post("/ja/me/login/", {"login": "editor@example.org", "password": PASSWORD})
    assert response["Location"] == "/ja/staff/"


def test_role_taken_away_works_on_the_next_request(client):
    user = UserFactory(roles=[Role.TEACHER])
    client.force_login(user)
    assert client.get("/ja/staff/").status_code == 200
    revoke_role(user, Role.TEACHER, by=None)
    assert client.get("/ja/staff/").status_code == 403


def test_inactive_person_is_out_on_the_next_request(client):
    user = UserFactory()
    client.force_login(user)
    assert is_signed_in(client) is True
    User.objects.filter(pk=user.pk).update(is_active=False)
    assert client.get("/ne/me/").status_code == 302


@pytest.mark.parametrize("role", Role)
def test_second_factor_is_asked_of_staff_outside_the_demo(client, settings, role):
    client.force_login(UserFactory(roles=[role]))
    assert client.get("/ja/staff/").status_code == 200
    settings.DEMO = False
    response = client.get("/ja/staff/")
    asked = (302, "/ja/me/second-factor/app/activate/") if role in NEED_SECOND_FACTOR else (200, None)
    assert (response.status_code, response.get("Location")) == asked


def test_second_factor_once_set_up_opens_the_board(client, settings):
    settings.DEMO = False
    user = UserFactory(roles=[Role.EDITOR])
    secret = generate_totp_secret()
    client.post("/ja/me/login/", {"login": user.email, "password": PASSWORD})
    TOTP.activate(user, secret)
    # This session began before the second factor was set up, so it has not shown it yet.
    asked = client.get("/ja/staff/")
    assert (asked.status_code, asked["Location"]) == (302, "/ja/me/second-factor/reauthenticate/?next=/ja/staff/")
    code = format_hotp_value(hotp_value(secret, next(yield_hotp_counters_from_time())))
    shown = client.post("/ja/me/second-factor/reauthenticate/?next=/ja/staff/", {"code": code})
    assert (shown.status_code, shown["Location"]) == (302, "/ja/staff/")
    assert client.get("/ja/staff/").status_code == 200


def test_invented_people_cannot_sign_in_outside_the_demo(client, settings):
    person = UserFactory(email="administrator@demo.example")
    typed = {"login": person.email, "password": PASSWORD}
    settings.DEMO = False
    assert client.post("/ja/me/login/", typed).status_code == 200
    settings.DEMO = True
    assert client.post("/ja/me/login/", typed).status_code == 302


def test_sign_in_leaves_a_line_in_the_trail(client):
    user = UserFactory()
    client.post("/ja/me/login/", {"login": user.email, "password": PASSWORD})
    line = AuditEntry.objects.get(action="accounts.sign_in")
    assert (line.actor, line.object_id) == (user.public_id, user.public_id)


def test_user_made_by_an_administrator_signs_in_by_one_code(client, new_client):
    client.force_login(UserFactory(roles=[Role.ADMINISTRATOR]))
    typed = {"email": "new@example.org", "name": "New", "language": "ne", "is_active": "on", "roles": ["teacher"]}
    assert client.post("/ja/staff/admin/accounts/user/add/", typed).status_code == 302
    newcomer = new_client()
    newcomer.post("/ne/me/login/code/", {"email": "new@example.org"})
    code = Message.objects.get(kind="accounts/sign_in_code").context["code"]
    answer = newcomer.post("/ne/me/login/code/confirm/", {"code": code})
    assert (answer.status_code, answer["Location"]) == (302, "/ne/staff/")


@pytest.mark.parametrize("path", ["demo", "styleguide"])
def test_demo_pages_do_not_exist_outside_the_demo(client, settings, path):
    assert client.get(f"/ne/{path}/").status_code == 200
    settings.DEMO = False
    caches["pages"].clear()  # as in a process that started without the demo
    assert client.get(f"/ne/{path}/").status_code == 404
    assert client.post(f"/ne/{path}/", {"person": "x"}).status_code == 404


def test_demo_signs_in_as_its_people_and_nobody_else(client):
    sita = UserFactory(email="resident@demo.example")
    stranger = UserFactory()
    assert client.post("/ne/demo/", {"person": stranger.public_id}).status_code == 404
    assert client.post("/ne/demo/", {"person": ""}).status_code == 404
    assert client.post("/ne/demo/", {"person": sita.public_id})["Location"] == "/ne/me/"
    assert is_signed_in(client) is True


def test_staff_session_ends_when_idle_and_a_residents_does_not(client, settings):
    client.force_login(UserFactory(roles=[Role.EDITOR]))
    client.get("/ja/staff/")
    assert client.session.get_expiry_age() == settings.STAFF_IDLE_SECONDS == 900
    client.logout()
    client.force_login(UserFactory())
    client.get("/ja/me/")
    assert client.session.get_expiry_age() == settings.SESSION_COOKIE_AGE


@pytest.mark.parametrize("path", ["/ne/me/", "/ne/guide/", "/ne/"])
def test_no_browser_keeps_what_a_signed_in_person_sees(client, path):
    client.force_login(UserFactory())
    assert "no-store" in client.get(path)["Cache-Control"]


def test_language_chosen_while_signed_in_is_kept_for_notices(client):
    user = UserFactory(language="ne")
    client.force_login(user)
    client.post("/choose/", {"language": "vi", "next": "/ne/me/"})
    assert User.objects.get(pk=user.pk).language == "vi"


@pytest.mark.parametrize(
    ("reader", "marked"),
    [
        ("ar", ' lang="en" dir="ltr"'),
        ("ne", ' lang="en" dir="ltr"'),
        ("ja-simple", ' lang="ja" dir="ltr"'),
        ("ja", ""),
        ("en", ""),
    ],
)
@pytest.mark.parametrize("path", ["staff/", "me/second-factor/"])
def test_words_for_staff_are_marked_where_the_reader_has_another_language(client, reader, marked, path):
    client.force_login(UserFactory(roles=[Role.EDITOR]))
    page = client.get(f"/{reader}/{path}").content.decode()
    assert f'<main class="page" id="main" tabindex="-1"{marked}>' in page


def _signed_up(client, address="taro@example.com"):
    client.post("/ne/me/signup/", {**SITA, "email": address})
    client.post("/ne/me/confirm-email/", {"code": code_from_mail()})
    client.logout()
    assert is_signed_in(client) is False


def _as_full_width(code):
    return "".join(chr(ord(letter) + 0xFEE0) for letter in code)


@pytest.mark.parametrize(
    "typed",
    [
        _as_full_width,
        lambda code: code.replace("-", "ー"),
        lambda code: _as_full_width(code.lower()).replace("－", "−"),
        lambda code: " ".join(code.replace("-", "")),
        lambda code: f"\u202a{code}\u202c",
        lambda code: f"\u200f{code[:3]}\u2060{code[3:]}\ufeff",
        lambda code: f"\u3000{code.lower()}\u3000",
    ],
)
def test_c6_sign_in_code_is_accepted_as_keyboards_write_it(client, typed):
    _signed_up(client)
    client.post("/ne/me/login/code/", {"email": "taro@example.com"})
    client.post("/ne/me/login/code/confirm/", {"code": typed(code_from_mail())})
    assert is_signed_in(client) is True


@pytest.mark.parametrize(
    "typed", ["taro＠example.com", "Taro@example.com。", "\u202ataro@example．com\u202c", "taro@example.com."]
)
def test_c5_sign_in_finds_the_mailbox_however_it_is_typed(client, typed):
    _signed_up(client)
    mail.outbox.clear()
    client.post("/ne/me/login/code/", {"email": typed})
    code = code_from_mail()
    assert mail.outbox[-1].to == ["taro@example.com"]
    client.post("/ne/me/login/code/confirm/", {"code": code})
    assert is_signed_in(client) is True


def test_c5_sign_up_with_another_spelling_makes_no_second_account(client):
    _signed_up(client, "taro@example.com。")
    assert User.objects.get().email == "taro@example.com"
    client.post("/ne/me/signup/", {**SITA, "email": "taro＠example.com"})
    assert User.objects.count() == 1


def test_c7_resident_with_an_irregular_carrier_address_signs_up_and_in(client):
    _signed_up(client, "taro..yamada@docomo.ne.jp")
    client.post("/ne/me/login/", {"login": "taro..yamada＠docomo.ne.jp", "password": PASSWORD})
    assert User.objects.get().email == "taro..yamada@docomo.ne.jp"
    assert is_signed_in(client) is True


def test_c6_second_factor_is_accepted_in_full_width(client):
    user = UserFactory(roles=["manager"])
    secret = generate_totp_secret()
    TOTP.activate(user, secret)
    client.post("/ne/me/login/", {"login": user.email, "password": PASSWORD})
    code = format_hotp_value(hotp_value(secret, next(yield_hotp_counters_from_time())))
    client.post("/ne/me/second-factor/authenticate/", {"code": _as_full_width(code)})
    assert client.get("/ne/me/").status_code == 200
