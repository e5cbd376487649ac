"""Clients who gave their name: saved, changed, forgotten, found without exposure, notified only by safe channels."""

import ast
import re
from pathlib import Path

import pytest
from django.conf import settings

from consultations.cases.actions import add_member, open_case
from consultations.log.actions import log
from consultations.message_kinds import PLEASE_CALL
from consultations.models import Client, Consultation
from consultations.records.clients import (
    change_client,
    find_client,
    find_earlier_contact,
    forget_client,
    identify_client,
    notify_client,
)
from services.audit.decryption import decrypt_with_audit
from services.audit.models import AuditEntry
from services.base.refusals import Refused
from services.messaging.models import Message
from tests.factories import CaseFactory, ClientFactory, UserFactory
from tests.factories.log_entries import new_log_entry
from tests.support.personal_data import whole_database

pytestmark = pytest.mark.django_db
SITA = {"name": "Sita Rai", "contact": "sita@example.org", "language": "ne"}
KIND = PLEASE_CALL


@pytest.fixture
def adviser():
    return UserFactory(roles=["adviser"], name="Adviser")


@pytest.fixture
def colleague():
    return UserFactory(roles=["adviser"], name="Colleague")


def test_client_is_sealed_and_has_a_code_to_take_home(adviser):
    client = identify_client(by=adviser, **SITA, safe_channels=["email", "letter"])
    assert re.fullmatch(r"[2-9A-Z]{4}-[2-9A-Z]{4}", client.code)
    found = Client.objects.get(code=client.code)
    assert (str(found.name), str(found.contact)) == ("[encrypted]", "[encrypted]")
    assert found.safe_channels == ["email", "letter"]
    assert decrypt_with_audit(adviser, "x", found, "name", "contact") == {
        "name": "Sita Rai",
        "contact": "sita@example.org",
    }
    assert "Sita Rai" not in whole_database()
    assert "sita@example.org" not in whole_database()


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ({"name": "", "contact": ""}, "Enter a name, email address or phone number"),
        ({"safe_channels": ["smoke"]}, "Choose a valid contact method"),
        ({"safe_channels": ["sms"]}, "The safe contact methods do not match the contact details"),
        (
            {"contact": "090-0000-0000", "safe_channels": ["email"]},
            "The safe contact methods do not match the contact details",
        ),
        ({"contact": "", "safe_channels": ["email"]}, "The safe contact methods do not match the contact details"),
    ],
)
def test_impossible_client_is_refused(adviser, words, told):
    with pytest.raises(Refused, match=told):
        identify_client(by=adviser, **SITA | words)


def test_client_of_a_case_is_that_of_its_consultations(adviser):
    case = open_case(log(new_log_entry(), by=adviser), by=adviser, subject="x")
    client = identify_client(by=adviser, **SITA, case=case)
    assert case.consultations.get().client == client
    with pytest.raises(Refused, match="The person's details have already been added to this case"):
        identify_client(by=adviser, **SITA, case=case)


def test_client_is_known_to_who_reads_and_before_that_to_who_met_them(adviser, colleague):
    manager = UserFactory(roles=["manager"])
    client = identify_client(by=adviser, **SITA)
    assert list(Client.objects.visible_to(adviser)) == [client]
    log(new_log_entry(), by=colleague, client=client)
    assert list(Client.objects.visible_to(colleague)) == [client]
    assert list(Client.objects.visible_to(adviser)) == list(Client.objects.visible_to(manager)) == []


def test_client_is_changed_by_who_knows_them(adviser, colleague):
    client = identify_client(by=adviser, **SITA)
    changed = change_client(client, by=adviser, name="Sita Gurung", contact="", language="en", safe_channels=[])
    assert (changed.language, changed.contact_index, changed.name_index == client.name_index) == ("en", "", False)
    with pytest.raises(Refused, match="You can no longer see this person's details"):
        change_client(client, by=colleague, **SITA, safe_channels=[])


def test_forgotten_client_is_nowhere_and_the_record_of_visits_stays(adviser):
    client = identify_client(by=adviser, **SITA)
    consultation = log(new_log_entry(), by=adviser, client=client)
    traces = [client.code, client.name_index, client.contact_index]
    forget_client(client, by=adviser)
    assert [trace for trace in traces if trace in whole_database()] == []
    consultation.refresh_from_db()
    assert consultation.client is None
    assert AuditEntry.objects.get(action="consultations.forget_client").object_id == client.public_id


@pytest.mark.parametrize("state", ["waiting", "sent"])
def test_forgotten_client_is_forgotten_in_the_ledger_too_and_told_nothing_more(adviser, state):
    client = identify_client(by=adviser, **SITA, safe_channels=["email"])
    other = identify_client(by=adviser, **SITA | {"contact": "other@example.org"}, safe_channels=["email"])
    for told in (client, other):
        notify_client(told, KIND, by=adviser)
    Message.objects.update(state=state)

    forget_client(client, by=adviser)

    assert SITA["contact"] not in whole_database()
    left = Message.objects.order_by("pk").values_list("state", "address")
    assert list(left) == [("withdrawn" if state == "waiting" else "sent", ""), (state, "other@example.org")]


def test_code_finds_for_who_knows_alone(adviser, colleague):
    client = identify_client(by=adviser, **SITA)
    assert find_client(f" {client.code.lower()} ", by=adviser) == client
    assert find_client(client.code.replace("-", ""), by=adviser) == client
    assert find_client(client.code, by=colleague) is None
    assert find_client("XXXX-XXXX", by=adviser) is None


# --- Earlier contact ----------------------------------------------------------------------------------


def test_earlier_thread_names_who_keeps_it_and_nothing_else(adviser, colleague):
    client = identify_client(by=adviser, **SITA)
    log(new_log_entry(), by=adviser, client=client)
    for typed in ({"name": "ｓｉｔａ　RAI"}, {"contact": "Sita@Example.org"}, {"code": client.code.lower()}):
        assert find_earlier_contact(by=colleague, **typed) == ["Adviser"]
    assert find_earlier_contact(by=colleague, name="Sita", contact="", code="") == []
    line = AuditEntry.objects.filter(action="consultations.find_earlier").first()
    assert (line.actor, line.fields, line.reason, line.object_id) == (colleague.public_id, ["name"], "", "")
    assert "sita rai" not in whole_database().casefold()


def test_earlier_case_is_kept_by_whom_it_is_assigned_to(adviser, colleague):
    case = CaseFactory(assigned=colleague, client=ClientFactory(**SITA))
    add_member(case, adviser, by=colleague)
    log(new_log_entry(), by=adviser, case=case)
    assert find_earlier_contact(by=adviser, name="Sita Rai") == ["Colleague"]


def test_restricted_thread_looks_like_none(adviser, colleague, django_assert_num_queries):
    case = open_case(log(new_log_entry(), by=adviser), by=adviser, subject="x", is_restricted=True)
    client = identify_client(by=adviser, **SITA, case=case)
    for by in (adviser, colleague, UserFactory(roles=["manager"])):
        assert by.roles
        for known, unknown in (("Sita Rai", "Nobody Known"), (client.code, "XXXX-XXXX")):
            key = "code" if "-" in known else "name"
            with django_assert_num_queries(7):
                assert find_earlier_contact(by=by, **{key: known}) == []
            with django_assert_num_queries(7):
                assert find_earlier_contact(by=by, **{key: unknown}) == []


# --- Notifications ------------------------------------------------------------------------------------


def test_client_is_told_in_their_language_by_a_safe_way(adviser):
    client = identify_client(by=adviser, **SITA, safe_channels=["email"])
    [message] = notify_client(client, KIND, by=adviser)
    assert (message.address, message.language, message.channel) == ("sita@example.org", "ne", "email")
    assert message.about_id is None


@pytest.mark.parametrize(
    ("contact", "safe"),
    [
        ("sita@example.org", []),
        ("sita@example.org", ["call", "letter"]),
        ("090-0000-0000", ["call"]),
        ("090-0000-0000", ["sms"]),  # no SMS gateway is configured
        ("", []),
    ],
)
def test_client_without_a_safe_way_is_told_nothing(adviser, contact, safe):
    client = identify_client(by=adviser, **SITA | {"contact": contact}, safe_channels=safe)
    with pytest.raises(Refused, match="no safe way"):
        notify_client(client, KIND, by=adviser)
    assert Message.objects.count() == 0


def test_client_of_a_restricted_case_is_told_nothing_by_the_portal(adviser):
    case = open_case(log(new_log_entry(), by=adviser), by=adviser, subject="x", is_restricted=True)
    client = identify_client(by=adviser, **SITA, safe_channels=["email"], case=case)
    with pytest.raises(Refused, match="restricted case"):
        notify_client(client, KIND, by=adviser, case=case)
    assert Message.objects.count() == 0


def test_stranger_cannot_have_a_client_told(adviser, colleague):
    client = identify_client(by=adviser, **SITA, safe_channels=["email"])
    with pytest.raises(Refused, match="You can no longer see this person's details"):
        notify_client(client, KIND, by=colleague)


def test_no_other_code_notifies_a_client():
    app = Path(settings.BASE_DIR) / "consultations"
    found = set()
    for file in app.rglob("*.py"):
        source = file.read_text("utf-8")
        for node in ast.walk(ast.parse(source)):
            if not isinstance(node, ast.FunctionDef):
                continue
            names = {
                it.id if isinstance(it, ast.Name) else it.attr
                for it in ast.walk(node)
                if hasattr(it, "ctx") and isinstance(it, ast.Name | ast.Attribute)
            }
            if "notify" in names and names & {"client", "contact", "Client"}:
                found.add((file.name, node.name))
    assert found == {("clients.py", "notify_client")}
    assert Consultation.objects.count() == 0


@pytest.mark.parametrize(
    ("stored", "typed"),
    [
        ("090-1234-5678", "+81 (0)90 1234 5678"),
        ("+81 90 1234 5678", "０９０ー１２３４ー５６７８"),
        ("two@example.com", "\u202aTwo＠example。com\u202c"),
    ],
)
def test_c8_earlier_contact_is_found_however_the_contact_is_typed(adviser, stored, typed):
    case = CaseFactory(assigned=adviser)
    identify_client(by=adviser, **SITA | {"contact": stored}, case=case)
    assert find_earlier_contact(by=adviser, contact=typed) == [str(adviser)]
