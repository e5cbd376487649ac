"""Who chose to be known: kept, changed, forgotten, found again without revealing, told by safe ways alone."""

import ast
import re
from pathlib import Path

import pytest
from django.conf import settings

from consultations.actions.cases import add_member, open_case
from consultations.actions.clients import change_client, find_client, find_earlier, forget_client, meet, tell_client
from consultations.actions.consultations import log
from consultations.models import Client, Consultation
from services.audit.models import Line
from services.audit.opening import open_sealed
from services.base.refusals import Refused
from services.notices.models import Message
from tests.consultations.test_consultations import an_entry
from tests.factories import CaseFactory, ClientFactory, UserFactory
from tests.portal.test_own_data import everything

pytestmark = pytest.mark.django_db
SITA = {"name": "Sita Rai", "contact": "sita@example.org", "language": "ne"}
KIND = "consultations/please_call"


@pytest.fixture
def adviser():
    return UserFactory(roles=["adviser"], name="Adviser")


@pytest.fixture
def colleague():
    return UserFactory(roles=["adviser"], name="Colleague")


def test_client_is_sealed_and_has_a_code_to_take_home(adviser):
    client = meet(by=adviser, **SITA, safe_channels=["email", "letter"])
    assert re.fullmatch(r"[2-9A-Z]{4}-[2-9A-Z]{4}", client.code)
    found = Client.objects.get(code=client.code)
    assert (str(found.name), str(found.contact)) == ("[sealed]", "[sealed]")
    assert found.safe_channels == ["email", "letter"]
    assert open_sealed(adviser, "x", found, "name", "contact") == {"name": "Sita Rai", "contact": "sita@example.org"}
    assert "Sita Rai" not in everything()
    assert "sita@example.org" not in everything()


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ({"name": "", "contact": ""}, "a name, or a way"),
        ({"safe_channels": ["smoke"]}, "no way to reach"),
        ({"safe_channels": ["sms"]}, "does not fit"),
        ({"contact": "090-0000-0000", "safe_channels": ["email"]}, "does not fit"),
        ({"contact": "", "safe_channels": ["email"]}, "does not fit"),
    ],
)
def test_impossible_client_is_refused(adviser, words, told):
    with pytest.raises(Refused, match=told):
        meet(by=adviser, **SITA | words)


def test_client_of_a_case_is_that_of_its_consultations(adviser):
    case = open_case(log(an_entry(), by=adviser), by=adviser, subject="x")
    client = meet(by=adviser, **SITA, case=case)
    assert case.consultations.get().client == client
    with pytest.raises(Refused, match="known already"):
        meet(by=adviser, **SITA, case=case)


def test_client_is_known_to_who_reads_and_before_that_to_who_met_them(adviser, colleague):
    manager = UserFactory(roles=["manager"])
    client = meet(by=adviser, **SITA)
    assert list(Client.objects.visible_to(adviser)) == [client]
    log(an_entry(), by=colleague, client=client)
    assert list(Client.objects.visible_to(colleague)) == [client]
    assert list(Client.objects.visible_to(adviser)) == list(Client.objects.visible_to(manager)) == []


def test_client_is_changed_by_who_knows_them(adviser, colleague):
    client = meet(by=adviser, **SITA)
    changed = change_client(client, by=adviser, name="Sita Gurung", contact="", language="en", safe_channels=[])
    assert (changed.language, changed.contact_index, changed.name_index == client.name_index) == ("en", "", False)
    with pytest.raises(Refused, match="do not know"):
        change_client(client, by=colleague, **SITA, safe_channels=[])


def test_forgotten_client_is_nowhere_and_the_record_of_visits_stays(adviser):
    client = meet(by=adviser, **SITA)
    consultation = log(an_entry(), by=adviser, client=client)
    traces = [client.code, client.name_index, client.contact_index]
    forget_client(client, by=adviser)
    assert [trace for trace in traces if trace in everything()] == []
    consultation.refresh_from_db()
    assert consultation.client is None
    assert Line.objects.get(action="consultations.forget_client").object_id == client.public_id


@pytest.mark.parametrize("state", ["waiting", "sent"])
def test_forgotten_client_is_forgotten_in_the_ledger_too_and_told_nothing_more(adviser, state):
    client = meet(by=adviser, **SITA, safe_channels=["email"])
    other = meet(by=adviser, **SITA | {"contact": "other@example.org"}, safe_channels=["email"])
    for told in (client, other):
        tell_client(told, KIND, by=adviser)
    Message.objects.update(state=state)

    forget_client(client, by=adviser)

    assert SITA["contact"] not in everything()
    left = Message.objects.order_by("pk").values_list("state", "address")
    assert list(left) == [("withdrawn" if state == "waiting" else "sent", ""), (state, "other@example.org")]


def test_code_finds_for_who_knows_alone(adviser, colleague):
    client = meet(by=adviser, **SITA)
    assert find_client(f" {client.code.lower()} ", by=adviser) == client
    assert find_client(client.code.replace("-", ""), by=adviser) == client
    assert find_client(client.code, by=colleague) is None
    assert find_client("XXXX-XXXX", by=adviser) is None


# --- An earlier thread --------------------------------------------------------------------------------


def test_earlier_thread_names_who_keeps_it_and_nothing_else(adviser, colleague):
    client = meet(by=adviser, **SITA)
    log(an_entry(), by=adviser, client=client)
    for typed in ({"name": "ｓｉｔａ　RAI"}, {"contact": "Sita@Example.org"}, {"code": client.code.lower()}):
        assert find_earlier(by=colleague, **typed) == ["Adviser"]
    assert find_earlier(by=colleague, name="Sita", contact="", code="") == []
    line = Line.objects.filter(action="consultations.find_earlier").first()
    assert (line.actor, line.fields, line.reason, line.object_id) == (colleague.public_id, ["name"], "", "")
    assert "sita rai" not in everything().casefold()


def test_earlier_case_is_kept_by_whom_it_is_assigned_to(adviser, colleague):
    case = CaseFactory(assigned=colleague, client=ClientFactory(**SITA))
    add_member(case, adviser, by=colleague)
    log(an_entry(), by=adviser, case=case)
    assert find_earlier(by=adviser, name="Sita Rai") == ["Colleague"]


def test_restricted_thread_looks_like_none(adviser, colleague, django_assert_num_queries):
    case = open_case(log(an_entry(), by=adviser), by=adviser, subject="x", is_restricted=True)
    client = meet(by=adviser, **SITA, case=case)
    for by in (adviser, colleague, UserFactory(roles=["manager"])):
        assert by.roles
        for known, unknown in (("Sita Rai", "Nobody Known"), (client.code, "XXXX-XXXX")):
            key = "code" if "-" in known else "name"
            with django_assert_num_queries(7):
                assert find_earlier(by=by, **{key: known}) == []
            with django_assert_num_queries(7):
                assert find_earlier(by=by, **{key: unknown}) == []


# --- Telling ------------------------------------------------------------------------------------------


def test_client_is_told_in_their_language_by_a_safe_way(adviser):
    client = meet(by=adviser, **SITA, safe_channels=["email"])
    [message] = tell_client(client, KIND, by=adviser)
    assert (message.address, message.language, message.channel) == ("sita@example.org", "ne", "email")
    assert message.about_id is None


@pytest.mark.parametrize(
    ("contact", "safe"),
    [
        ("sita@example.org", []),
        ("sita@example.org", ["call", "letter"]),
        ("090-0000-0000", ["call"]),
        ("090-0000-0000", ["sms"]),  # no gateway here
        ("", []),
    ],
)
def test_client_without_a_safe_way_is_told_nothing(adviser, contact, safe):
    client = meet(by=adviser, **SITA | {"contact": contact}, safe_channels=safe)
    with pytest.raises(Refused, match="no safe way"):
        tell_client(client, KIND, by=adviser)
    assert Message.objects.count() == 0


def test_client_of_a_restricted_case_is_told_nothing_by_the_portal(adviser):
    case = open_case(log(an_entry(), by=adviser), by=adviser, subject="x", is_restricted=True)
    client = meet(by=adviser, **SITA, safe_channels=["email"], case=case)
    with pytest.raises(Refused, match="restricted case"):
        tell_client(client, KIND, by=adviser, case=case)
    assert Message.objects.count() == 0


def test_stranger_cannot_have_a_client_told(adviser, colleague):
    client = meet(by=adviser, **SITA, safe_channels=["email"])
    with pytest.raises(Refused, match="do not know"):
        tell_client(client, KIND, by=colleague)


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
    assert found == {("clients.py", "tell_client")}
    assert Consultation.objects.count() == 0
