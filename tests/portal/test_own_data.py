"""The portal's data about a person: downloaded, erased everywhere, and never someone else's."""

import datetime
import json
import re

import pytest
from allauth.account.models import EmailAddress
from django.apps import apps
from django.core.management import call_command
from django.utils import timezone, translation
from django.utils.translation import pgettext

from portal.message_kinds import SIGN_IN_CODE
from services.accounts.actions import create_resident
from services.accounts.models import Resident, User
from services.accounts.roles import Role
from services.audit.models import AuditEntry
from services.audit.trail import first_broken_entry
from services.base.retention import RetentionPolicy, apply_retention, check_every_model_has_a_policy, retention_policies
from services.languages.furigana import to_parentheses
from services.messaging.models import Message, MessageState
from services.messaging.outbox import notify
from services.notices.models import Subscription, SubscriptionState
from tests.factories.accounts import UserFactory
from tests.factories.notices import MessageFactory
from tests.support.personal_data import confirm_identity, whole_database

pytestmark = pytest.mark.django_db


MARKER = "zq7marker"


def person(roles=()) -> User:
    """Create a user whose marker is wherever the portal stores a person."""
    user = UserFactory(email=f"{MARKER}@example.org", name=f"Name {MARKER}", roles=roles)
    resident = create_resident(user, name=f"Name {MARKER}", language="ne")
    notify(resident, SIGN_IN_CODE, context={"code": MARKER}, idempotency_key="one")
    MessageFactory(address=user.email, person=user.email, state=MessageState.SENT, context={"code": MARKER})
    Subscription.objects.create(
        address=user.email, language="ne", state=SubscriptionState.ACTIVE, confirmed_at=timezone.now()
    )
    return user


def test_button_pressed_too_late_leads_back_to_the_page(client):
    client.force_login(person())
    for verb in ("download", "forget"):
        answer = client.post(f"/en/me/data/{verb}/", {"sure": "yes"})
        assert (answer.status_code, answer["Location"]) == (302, "/en/me/data/")
    assert User.objects.count() == 1


def test_forgetting_leaves_the_marker_nowhere_and_everybody_else_as_they_were(client):
    other = person()
    other_rows = whole_database().replace(MARKER, "other")
    User.objects.filter(pk=other.pk).update(email="other@example.org", name="Other")
    EmailAddress.objects.update(email="other@example.org")
    Resident.objects.update(name="Other", email="other@example.org")
    Message.objects.update(address="other@example.org", person="other", context={})
    Subscription.objects.update(address="other@example.org")
    user = person()
    assert whole_database().count(MARKER) > 8
    confirm_identity(client, user)
    answer = client.post("/ne/me/data/forget/", {"sure": "yes"})
    assert (answer.status_code, answer["Location"]) == (302, "/ne/")
    assert MARKER not in whole_database()
    assert other_rows.count("other") > 8
    assert (User.objects.get().pk, Resident.objects.count(), Subscription.objects.active().count()) == (other.pk, 1, 1)
    assert Message.objects.filter(address="other@example.org").count() == 3
    assert AuditEntry.objects.get(action="accounts.erase").object_id == user.public_id
    assert first_broken_entry() is None


def test_what_waits_for_who_is_forgotten_never_goes_out(client):
    user = person()
    confirm_identity(client, user)
    client.post("/ne/me/data/forget/", {"sure": "yes"})
    assert set(Message.objects.values_list("state", flat=True)) == {MessageState.WITHDRAWN, MessageState.SENT}


def test_tick_is_a_target_for_a_thumb(client):
    """Its label has a field's size: 44 pixels high and as wide as the page (portal.css)."""
    confirm_identity(client, person())
    page = client.get("/en/me/data/").content.decode()
    assert '<div class="field check"><label><input type="checkbox" name="sure" value="yes" required>Yes, ' in page


def test_forgetting_needs_the_tick(client):
    user = person()
    confirm_identity(client, user)
    answer = client.post("/ne/me/data/forget/", {})
    assert (answer.status_code, answer["Location"]) == (302, "/ne/me/data/")
    assert User.objects.filter(pk=user.pk).exists()


def test_who_works_at_the_centre_is_refused_and_nothing_is_lost(client):
    user = person(roles=[Role.EDITOR])
    confirm_identity(client, user)
    before = whole_database().count(MARKER)
    client.post("/en/me/data/forget/", {"sure": "yes"})
    assert whole_database().count(MARKER) == before
    assert b"You work at the centre." in client.get("/en/me/data/").content


def test_unproved_address_of_somebody_else_is_neither_taken_along_nor_deleted(client):
    theirs = Subscription.objects.create(address="theirs@example.org", language="vi")
    user = person()
    EmailAddress.objects.create(user=user, email="theirs@example.org", verified=False)
    confirm_identity(client, user)
    known = json.loads(client.post("/en/me/data/download/", {"as": "json"}).content)
    assert [row["Email address"] for row in known.pop("Your account") if row.get("Status")] == [
        user.email,
        "theirs@example.org",
    ]
    assert "theirs@example.org" not in json.dumps(known)
    client.post("/en/me/data/forget/", {"sure": "yes"})
    assert Subscription.objects.filter(state=SubscriptionState.PENDING).get() == theirs


def test_address_that_was_typed_in_capitals_is_theirs_too(client):
    user = person()
    typed = f"{MARKER.capitalize()}@example.org"
    Subscription.objects.filter(address=user.email).update(address=typed)
    Message.objects.filter(address=user.email).update(address=typed, user=None, resident=None)
    confirm_identity(client, user)
    _account, _contact, messages, news = json.loads(
        client.post("/en/me/data/download/", {"as": "json"}).content
    ).values()
    assert (len(news), len(messages)) == (1, 3)
    client.post("/en/me/data/forget/", {"sure": "yes"})
    assert typed not in whole_database()


@pytest.mark.parametrize("language", ["en", "ne", "ar"])
def test_download_holds_what_is_known_in_the_readers_language(client, language):
    user = person()
    confirm_identity(client, user)
    answer = client.post(f"/{language}/me/data/download/", {"as": "json"})
    known = json.loads(answer.content)
    assert answer["Content-Disposition"] == 'attachment; filename="my-data.json"'
    account, _contact, messages, news = known.values()
    assert user.email in account[0].values()
    assert (len(messages), len(news)) == (3, 1)
    page = client.post(f"/{language}/me/data/download/", {"as": "html"})
    assert page["Content-Disposition"] == 'attachment; filename="my-data.html"'
    assert f'<html lang="{language}"' in page.content.decode()
    assert user.email in page.content.decode()
    assert b"<script" not in page.content
    assert AuditEntry.objects.filter(action="accounts.export", object_id=user.public_id).count() == 2


@pytest.mark.parametrize(("language", "begins"), [("en", "This is your sign-in code"), ("ja-simple", "ログインの")])
def test_download_holds_the_text_of_what_stands_on_ones_page(client, language, begins):
    user = person()
    MessageFactory(user=UserFactory(), channel="inbox", state="sent", context={"code": "STRANGER"})
    gone = {"kind": "notices/staff/ends_soon", "context": {}, "about_type": "notices.notice", "about_id": 404}
    MessageFactory(user=user, channel="inbox", state="sent", **gone)
    confirm_identity(client, user)
    answer = client.post(f"/{language}/me/data/download/", {"as": "json"})
    page = client.post(f"/{language}/me/data/download/", {"as": "html"}).content.decode()
    _account, _contact, messages, _news = json.loads(answer.content).values()
    with translation.override(language):
        name = to_parentheses(pgettext("of a message", "Message"))
    (text,) = [row[name] for row in messages if name in row]
    assert text.startswith(begins)
    assert MARKER in text
    assert text.split()[0] in page
    assert "STRANGER" not in answer.content.decode() + page
    assert not re.search(r"\{[^{}|]+\|[^{}|]+\}", answer.content.decode())
    assert [text for row in messages for text in row.values()].count("notices/staff/ends_soon") == 1


def test_every_model_says_how_long_it_is_kept():
    assert check_every_model_has_a_policy(None) == []
    assert {model._meta.label for model in retention_policies()} >= {
        "accounts.User",
        "messaging.Message",
        "audit.AuditEntry",
    }
    model = apps.get_model("accounts.RoleAssignment")
    kept = model.RETENTION
    try:
        del model.RETENTION
        assert [error.id for error in check_every_model_has_a_policy(None)] == ["base.E001"]
    finally:
        model.RETENTION = kept


def old(days: int) -> datetime.datetime:
    return timezone.now() - datetime.timedelta(days=days)


def test_messages_lose_their_person_after_three_months():
    past = MessageFactory(state=MessageState.SENT, ended_at=old(91), address="a@example.org", person="a@example.org")
    recent = MessageFactory(state=MessageState.SENT, ended_at=old(89), address="b@example.org", person="b@example.org")
    waiting = MessageFactory(created_at=old(200), due_at=old(200))
    assert apply_retention(dry_run=True) == {"messaging.Message": 1}
    past.refresh_from_db()
    assert past.address == "a@example.org"
    assert apply_retention() == {"messaging.Message": 1}
    assert apply_retention() == {}
    for row in (past, recent, waiting):
        row.refresh_from_db()
    assert (past.address, past.person, past.context, past.state) == ("", past.public_id, {}, MessageState.SENT)
    assert (recent.address, waiting.context) == ("b@example.org", {"code": "ABC123"})


def test_message_without_an_address_loses_its_person_all_the_same():
    resident = create_resident(UserFactory(), name="Sita", language="ne")
    row = MessageFactory(
        state=MessageState.FAILED, ended_at=old(91), address="", person=f"resident:{resident.pk}", resident=resident
    )
    assert apply_retention() == {"messaging.Message": 1}
    assert apply_retention() == {}
    row.refresh_from_db()
    assert (row.person, row.resident, row.context) == (row.public_id, None, {})


def test_message_to_a_subscriber_no_longer_leads_to_their_address_after_three_months():
    reader = Subscription.objects.create(
        address="ne@example.org", language="ne", state=SubscriptionState.ACTIVE, confirmed_at=timezone.now()
    )
    row = MessageFactory(state=MessageState.SENT, ended_at=old(91), address=reader.address, recipient=reader)
    assert apply_retention() == {"messaging.Message": 1}
    row.refresh_from_db()
    assert (row.address, row.recipient) == ("", None)


def test_unconfirmed_wishes_and_sign_ups_go_by_themselves():
    Subscription.objects.create(address="old@example.org", language="ne", asked_at=old(4))
    Subscription.objects.create(address="new@example.org", language="ne", asked_at=old(2))
    never, proved, staff = UserFactory(), UserFactory(), UserFactory(roles=[Role.TEACHER])
    EmailAddress.objects.exclude(user=proved).update(verified=False)
    User.objects.update(joined_at=old(8))
    assert apply_retention() == {"accounts.User": 1, "notices.Subscription": 1}
    assert set(User.objects.all()) == {proved, staff}
    assert never.email not in whole_database()
    assert list(Subscription.objects.values_list("address", flat=True)) == ["new@example.org"]


def test_many_rows_are_done_a_thousand_at_a_time(monkeypatch):
    monkeypatch.setattr("services.base.retention.BATCH_SIZE", 2)
    MessageFactory.create_batch(5, state=MessageState.SENT, ended_at=old(91))
    assert apply_retention() == {"messaging.Message": 5}


def test_command_lists_the_promises_and_counts(capsys):
    MessageFactory(state=MessageState.SENT, ended_at=old(91))
    call_command("apply_retention", "--policies")
    assert "messaging.Message: Delivering a message" in capsys.readouterr().out
    call_command("apply_retention", "--dry-run")
    assert capsys.readouterr().out == "messaging.Message: 1\n"
    call_command("apply_retention")
    call_command("apply_retention")
    assert capsys.readouterr().out == "messaging.Message: 1\nNothing is past its time.\n"


def test_promise_without_days_never_ends():
    assert RetentionPolicy("As long as needed.").expired_rows(User).count() == 0
