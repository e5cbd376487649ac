"""The first administrator, from the command line to the staff board."""

import pytest
from allauth.account.models import EmailAddress
from django.core.management import call_command
from django.core.management.base import CommandError

from services.accounts.models import User
from services.accounts.roles import Role
from services.audit.models import AuditEntry
from services.messaging.models import Message
from tests.factories.accounts import UserFactory


def lines() -> list[tuple[str, str]]:
    return list(AuditEntry.objects.values_list("action", "actor"))


@pytest.mark.django_db
def test_make_administrator_makes_a_user_with_a_confirmed_address(capsys):
    call_command("make_administrator", " Chief@Example.ORG ")
    user = User.objects.get()
    assert (user.email, user.language, user.roles) == ("chief@example.org", "ja", {Role.ADMINISTRATOR})
    assert not user.has_usable_password()
    assert list(EmailAddress.objects.values_list("email", "verified", "primary")) == [("chief@example.org", True, True)]
    assert lines() == [("accounts.save_user", ""), ("accounts.grant", "")]
    told = capsys.readouterr().out
    assert "chief@example.org is an administrator." in told
    assert "http://localhost:8000/ja/me/login/code/" in told


@pytest.mark.django_db
def test_make_administrator_twice_changes_nothing():
    call_command("make_administrator", "chief@example.org")
    before = lines()
    call_command("make_administrator", "chief@example.org")
    assert lines() == before
    assert (User.objects.count(), EmailAddress.objects.count()) == (1, 1)


@pytest.mark.django_db
def test_make_administrator_lets_a_locked_out_user_in_again():
    user = UserFactory(roles=[Role.EDITOR], is_active=False)
    call_command("make_administrator", user.email)
    user = User.objects.get()
    assert user.is_active
    assert user.roles == {Role.EDITOR, Role.ADMINISTRATOR}
    assert user.name.startswith("Person")


@pytest.mark.django_db
@pytest.mark.parametrize("email", ["chief", "", "chief@", "two@example.org, three@example.org", "a\x00@example.org"])
def test_make_administrator_refuses_what_is_no_address(email):
    with pytest.raises(CommandError, match="is not an e-mail address"):
        call_command("make_administrator", email)
    assert User.objects.count() == 0


@pytest.mark.django_db
def test_made_administrator_signs_in_by_a_code_and_must_set_up_a_second_factor(client, settings):
    settings.DEMO = False
    call_command("make_administrator", "chief@example.org")
    client.post("/en/me/login/code/", {"email": "chief@example.org"})
    code = Message.objects.get(kind="accounts/sign_in_code").context["code"]
    signed_in = client.post("/en/me/login/code/confirm/", {"code": code})
    assert (signed_in.status_code, signed_in["Location"]) == (302, "/en/staff/")
    board = client.get("/en/staff/")
    assert (board.status_code, board["Location"]) == (302, "/en/me/second-factor/app/activate/")
    assert client.get(board["Location"]).status_code == 200
