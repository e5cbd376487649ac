"""Audit entries for viewing people and for changing sign-in methods: without an entry, nothing is shown."""

import pytest
from allauth.mfa.totp.internal.auth import format_hotp_value, hotp_value, yield_hotp_counters_from_time
from django.urls import reverse

from services.accounts.roles import Role
from services.audit.models import AuditEntry
from services.audit.trail import first_broken_entry
from tests.factories import UserFactory
from tests.factories.accounts import PASSWORD

pytestmark = pytest.mark.django_db


def lines(action):
    return list(AuditEntry.objects.filter(action=action).values_list("actor", "object_id", "fields"))


def test_opening_a_person_leaves_a_line_and_saving_leaves_another(client):
    administrator, seen = UserFactory(roles=[Role.ADMINISTRATOR]), UserFactory()
    client.force_login(administrator)
    assert client.get(reverse("admin:accounts_user_change", args=[seen.pk])).status_code == 200
    (actor, about, fields), *others = lines("accounts.view")
    assert (actor, about, others) == (administrator.public_id, seen.public_id, [])
    assert "email" in fields


def test_person_shown_once_more_beside_a_mistake_leaves_a_line(client):
    administrator, seen = UserFactory(roles=[Role.ADMINISTRATOR]), UserFactory()
    client.force_login(administrator)
    answer = client.post(reverse("admin:accounts_user_change", args=[seen.pk]), {"email": "no address"})
    assert (answer.status_code, seen.email in answer.content.decode()) == (200, True)
    assert [about for _actor, about, _fields in lines("accounts.view")] == [seen.public_id]


def test_history_of_a_person_names_them_and_leaves_a_line(client):
    administrator, seen = UserFactory(roles=[Role.ADMINISTRATOR]), UserFactory()
    client.force_login(administrator)
    assert client.get(reverse("admin:accounts_user_history", args=[seen.pk])).status_code == 200
    assert lines("accounts.view") == [(administrator.public_id, seen.public_id, ["name"])]


def test_a_person_who_does_not_exist_leaves_no_line(client):
    client.force_login(UserFactory(roles=[Role.ADMINISTRATOR]))
    client.get(reverse("admin:accounts_user_change", args=[10**9]))
    assert lines("accounts.view") == []


def test_list_of_people_tells_by_what_it_was_searched_and_never_for_what(client):
    administrator = UserFactory(roles=[Role.ADMINISTRATOR])
    client.force_login(administrator)
    page = reverse("admin:accounts_user_changelist")
    assert client.get(page, {"q": "sita@example.org", "grants__role": "editor"}).status_code == 200
    assert lines("accounts.list") == [(administrator.public_id, "", ["grants__role", "q"])]
    assert "sita" not in str(list(AuditEntry.objects.values()))


def test_who_may_not_look_sees_nothing_and_leaves_nothing(client):
    seen = UserFactory()
    client.force_login(UserFactory(roles=[Role.EDITOR]))
    assert client.get(reverse("admin:accounts_user_change", args=[seen.pk])).status_code == 403
    assert lines("accounts.view") == []


def test_setting_up_and_taking_away_a_second_factor_leaves_lines(client, settings, django_capture_on_commit_callbacks):
    settings.DEMO = False
    user = UserFactory(roles=[Role.EDITOR])
    client.post("/en/me/login/", {"login": user.email, "password": PASSWORD})
    asked = client.get("/en/me/second-factor/app/activate/")
    client.post(asked["Location"], {"password": PASSWORD})
    page = client.get("/en/me/second-factor/app/activate/")
    secret = page.context["form"].secret
    code = format_hotp_value(hotp_value(secret, next(yield_hotp_counters_from_time())))
    with django_capture_on_commit_callbacks(execute=True):
        assert client.post("/en/me/second-factor/app/activate/", {"code": code}).status_code == 302
    assert (user.public_id, user.public_id, ["totp"]) in lines("accounts.add_second_factor")
    with django_capture_on_commit_callbacks(execute=True):
        assert client.post("/en/me/second-factor/app/deactivate/").status_code == 302
    assert (user.public_id, user.public_id, ["totp"]) in lines("accounts.remove_second_factor")
    assert first_broken_entry() is None
