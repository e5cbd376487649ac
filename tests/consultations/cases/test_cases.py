"""Cases: who may open, read, join, leave and restrict them, and which events are permanent."""

import datetime
import re

import pytest
from django.core.management import call_command
from django.db import DatabaseError, connection, transaction
from django.utils import timezone

from consultations.cases.actions import (
    add_member,
    add_note,
    assign_case,
    close_case,
    lift_restriction,
    open_case,
    remove_member,
    reopen_case,
    restrict,
)
from consultations.cases.followups import plan_follow_up
from consultations.cases.merging import merge_cases
from consultations.log.actions import assign, break_the_glass, log
from consultations.models import Case, CaseEvent, Client, Consultation, EventKind, ReadGrant
from services.accounts.actions import revoke_role
from services.audit.decryption import decrypt_with_audit
from services.audit.models import AuditEntry
from services.base.refusals import Refused
from services.base.retention import apply_retention
from tests.factories import (
    CaseFactory,
    ClientFactory,
    ConsultationFactory,
    FollowUpFactory,
    ReferralFactory,
    UserFactory,
)
from tests.factories.log_entries import new_log_entry

pytestmark = pytest.mark.django_db
LONG_AGO = timezone.now() - datetime.timedelta(days=5 * 365 + 1)


@pytest.fixture
def adviser():
    return UserFactory(roles=["adviser"], name="Adviser")


@pytest.fixture
def colleague():
    return UserFactory(roles=["adviser"], name="Colleague")


@pytest.fixture
def manager():
    return UserFactory(roles=["manager"], name="Manager")


def readers(consultation) -> set[str]:
    return {reader.user.name for reader in ReadGrant.objects.active().filter(consultation=consultation)}


def opened(adviser, **words) -> Case:
    consultation = log(new_log_entry(), by=adviser, client=words.pop("client", None))
    return open_case(consultation, by=adviser, subject="The lease", **words)


def test_case_begins_with_its_consultation_and_whoever_opens_it(adviser, colleague):
    client = ClientFactory()
    case = opened(adviser, client=client)

    assert (case.client, case.language, case.assigned, case.state) == (client, "ne", adviser, "open")
    assert [event.kind for event in case.events.all()] == [EventKind.OPENED]
    assert list(Case.objects.readable_by(adviser)) == [case]
    assert list(Case.objects.visible_to(colleague)) == []
    assert decrypt_with_audit(adviser, "x", Case.objects.get(), "subject") == {"subject": "The lease"}


def test_case_is_opened_once_and_by_a_reader_alone(adviser, colleague):
    case = opened(adviser)
    with pytest.raises(Refused, match="This consultation is already part of a case"):
        open_case(case.consultations.get(), by=adviser, subject="Again")
    with pytest.raises(Refused, match="You cannot change this consultation"):
        open_case(log(new_log_entry(), by=adviser), by=colleague, subject="Not mine")
    assert Case.objects.count() == 1


def test_members_read_all_consultations_of_their_case(adviser, colleague):
    case = opened(adviser)
    second = log(new_log_entry(), by=adviser, case=case)

    add_member(case, colleague, by=adviser)
    add_member(case, colleague, by=adviser)
    third = log(new_log_entry(), by=colleague, case=case)

    assert [readers(it) for it in (case.consultations.last(), second, third)] == [{"Adviser", "Colleague"}] * 3
    assert case.events.filter(kind=EventKind.JOINED).count() == 1


def test_who_leaves_reads_only_what_is_their_own(adviser, colleague):
    case = opened(adviser)
    first = case.consultations.get()
    add_member(case, colleague, by=adviser)
    theirs = log(new_log_entry(), by=colleague, case=case)
    handed = log(new_log_entry(), by=adviser, case=case)
    assign(handed, colleague, by=adviser)
    follow_up = FollowUpFactory(case=case, owner=colleague)

    remove_member(case, colleague, by=adviser)

    assert readers(first) == {"Adviser"}
    assert readers(theirs) == readers(handed) == {"Adviser", "Colleague"}
    follow_up.refresh_from_db()
    assert follow_up.owner == adviser


def test_last_member_and_the_assigned_one_cannot_leave(adviser, colleague):
    case = opened(adviser)
    with pytest.raises(Refused, match="The last member cannot leave"):
        remove_member(case, adviser, by=adviser)
    add_member(case, colleague, by=adviser)
    with pytest.raises(Refused, match="This case is assigned to this person"):
        remove_member(case, adviser, by=colleague)
    assign_case(case, colleague, by=adviser)
    remove_member(case, adviser, by=colleague)
    assert [member.user for member in case.members.all()] == [colleague]


@pytest.mark.parametrize("role", ["manager", "administrator", "teacher"])
def test_only_advisers_become_members(adviser, role):
    case = opened(adviser)
    with pytest.raises(Refused, match="Only an adviser"):
        add_member(case, UserFactory(roles=[role]), by=adviser)


def test_strangers_do_nothing_in_a_case(adviser, colleague, manager):
    case = opened(adviser)
    for stranger in (colleague, manager):
        for deed in (
            lambda by: add_note(case, by=by, text="x"),
            lambda by: add_member(case, by, by=by),
            lambda by: close_case(case, by=by),
            lambda by: restrict(case, by=by),
            lambda by: log(new_log_entry(), by=UserFactory(roles=["adviser"]), case=case),
            lambda by: plan_follow_up(case, by=by, owner=adviser, due_on=timezone.localdate(), what="x", kind="call"),
        ):
            with pytest.raises(Refused):
                deed(stranger)
    assert case.events.count() == 1


def test_member_without_their_role_does_nothing_any_more(adviser, colleague):
    case = opened(adviser)
    add_member(case, colleague, by=adviser)
    revoke_role(colleague, "adviser", by=None)
    with pytest.raises(Refused, match=r"no(t| longer) a member"):
        add_note(case, by=colleague, text="x")
    assert list(Case.objects.visible_to(colleague)) == []


def test_manager_hands_a_case_to_an_adviser_with_a_reason_and_never_to_themselves(adviser, colleague):
    manager = UserFactory(roles=["manager", "adviser"])
    case = opened(adviser)
    with pytest.raises(Refused, match="Enter a reason"):
        assign_case(case, colleague, by=manager)
    with pytest.raises(Refused, match="to yourself"):
        assign_case(case, manager, by=manager, text="I want to read it")
    assign_case(case, colleague, by=manager, text="She is on leave for half a year")
    case.refresh_from_db()
    assert case.assigned == colleague
    assert readers(case.consultations.get()) == {"Adviser", "Colleague"}
    restrict(case, by=adviser)
    with pytest.raises(Refused, match=r"no(t| longer) a member"):
        assign_case(case, adviser, by=manager, text="I have heard of it")


def test_restricting_takes_it_from_everybody_else_at_once(adviser, colleague, manager):
    author = UserFactory(roles=["adviser"], name="Author")
    consultation = log(new_log_entry(topics=("dv_abuse",)), by=author)
    assign(consultation, adviser, by=author)
    case = open_case(consultation, by=adviser, subject="Safe now")
    break_the_glass(consultation, by=colleague, reason="She stands at the counter")
    break_the_glass(consultation, by=manager, reason="She stands at the counter")
    assert readers(consultation) == {"Adviser", "Author", "Colleague", "Manager"}

    restrict(case, by=adviser, text="He works in this building")

    assert readers(consultation) == {"Adviser"}
    for user in (author, colleague, manager):
        assert list(Consultation.objects.visible_to(user)) == list(Case.objects.visible_to(user)) == []
    consultation.refresh_from_db()
    assert consultation.is_restricted
    lift_restriction(case, by=adviser, text="He has moved away")
    assert readers(consultation) == {"Adviser", "Author"}
    assert list(Case.objects.visible_to(manager)) == [case]


def test_restriction_is_lifted_with_a_reason_alone(adviser):
    case = opened(adviser, is_restricted=True)
    with pytest.raises(Refused, match="Enter a reason"):
        lift_restriction(case, by=adviser, text="")


def test_restricted_case_shares_its_person_with_nothing(adviser, colleague):
    client = ClientFactory(name="Sita", contact="old@example.org", safe_channels=["email"])
    before = log(new_log_entry(), by=colleague, client=client)
    case = opened(adviser, client=client, is_restricted=True)

    own = case.client
    before.refresh_from_db()
    assert (before.client, case.consultations.get().client) == (client, own)
    assert own != client
    assert own.code != client.code
    assert (own.name_index, own.contact_index) == (client.name_index, client.contact_index)
    assert decrypt_with_audit(adviser, "x", Client.objects.get(pk=own.pk), "name") == {"name": "Sita"}
    with pytest.raises(Refused, match="own record"):
        log(new_log_entry(), by=adviser, case=case, client=client)
    with pytest.raises(Refused, match="belongs to a restricted case"):
        log(new_log_entry(), by=adviser, client=own)
    assert log(new_log_entry(), by=adviser, case=case).client == own


def test_person_of_a_restricted_case_alone_keeps_record_and_code(adviser):
    client = ClientFactory()
    assert opened(adviser, client=client, is_restricted=True).client == client


def test_consultation_of_a_restricted_case_is_handed_to_members_alone(adviser, colleague):
    case = opened(adviser, is_restricted=True)
    with pytest.raises(Refused, match="Only members of a restricted case can take over its consultations"):
        assign(case.consultations.get(), colleague, by=adviser)
    add_member(case, colleague, by=adviser)
    assert assign(case.consultations.get(), colleague, by=adviser).assigned == colleague


def test_log_notes_that_the_person_was_seen(adviser):
    client = ClientFactory(last_seen_at=LONG_AGO)
    consultation = log(new_log_entry(), by=adviser, client=client)
    client.refresh_from_db()
    assert client.last_seen_at == consultation.began_at


def test_case_is_closed_when_nothing_is_left_to_do(adviser):
    case = opened(adviser)
    follow_up = FollowUpFactory(case=case)
    with pytest.raises(Refused, match="This case has follow-ups that are not finished"):
        close_case(case, by=adviser)
    follow_up.delete()
    referral = ReferralFactory(case=case, state="consent_pending")
    with pytest.raises(Refused, match="This case has a pending referral"):
        close_case(case, by=adviser)
    referral.delete()
    case = close_case(case, by=adviser, text="They have a flat")
    assert (case.state, case.closed_at is None) == ("closed", False)
    with pytest.raises(Refused, match="This case is closed"):
        log(new_log_entry(), by=adviser, case=case)
    with pytest.raises(Refused, match="This case is closed"):
        add_note(case, by=adviser, text="One thing more")
    assert reopen_case(case, by=adviser).closed_at is None


def test_each_deed_leaves_a_line_and_an_event(adviser, colleague):
    case = opened(adviser)
    add_note(case, by=adviser, text="The landlord answered.")
    add_member(case, colleague, by=adviser)
    assign_case(case, colleague, by=adviser)
    remove_member(case, adviser, by=colleague)
    restrict(case, by=colleague)
    lift_restriction(case, by=colleague, text="A mistake")
    close_case(case, by=colleague)
    kinds = ["opened", "note", "joined", "assigned", "left", "restricted", "lifted", "closed"]
    assert [event.kind for event in reversed(case.events.all())] == kinds
    lines = AuditEntry.objects.filter(object_id=case.public_id).values_list("action", flat=True)
    deeds = "open_case write_in_case add_member assign_case remove_member restrict lift_restriction close_case"
    assert list(lines) == [f"consultations.{deed}" for deed in deeds.split()]


# --- Events are append-only ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    "change", [{"kind": "closed"}, {"at": LONG_AGO}, {"text": b""}, {"text": b"\x01new!" + b"x" * 12 + b"y"}]
)
def test_database_refuses_to_change_an_event(adviser, change):
    case = opened(adviser)
    add_note(case, by=adviser, text="The landlord answered.")
    with pytest.raises(DatabaseError), transaction.atomic():
        CaseEvent.objects.filter(kind="note").update(**change)


@pytest.fixture
def clock(monkeypatch):
    """Return a function that sets the portal's clock back by some days (0: to now)."""
    real = timezone.now

    def set_back(days: int) -> None:
        monkeypatch.setattr(timezone, "now", lambda: real() - datetime.timedelta(days=days))

    return set_back


@pytest.mark.parametrize("days", [0, 5 * 365 - 2])
def test_database_refuses_to_delete_an_event_before_its_time(adviser, clock, days):
    clock(days)
    close_case(opened(adviser), by=adviser)
    clock(0)
    with pytest.raises(DatabaseError), transaction.atomic():
        CaseEvent.objects.all().delete()
    assert apply_retention() == {}


def test_events_go_with_a_case_whose_time_is_over(adviser, clock):
    other = opened(adviser)
    clock(5 * 365 + 1)
    close_case(opened(adviser), by=adviser)
    clock(0)
    assert apply_retention()["consultations.Case"] == 1
    assert {event.case for event in CaseEvent.objects.all()} == {other}
    assert Consultation.objects.filter(case__isnull=True).count() == 1


def test_years_of_a_closed_case_count_from_the_last_thing_that_happened(adviser, clock):
    clock(5 * 365 + 1)
    case = close_case(opened(adviser), by=adviser)
    clock(10)
    closed_at = restrict(case, by=adviser).closed_at
    clock(0)
    assert (timezone.now() - closed_at).days == 10
    assert "consultations.Case" not in apply_retention()


def test_merged_case_goes_with_the_one_that_it_is_in(adviser, clock):
    clock(5 * 365 + 1)
    first, second = opened(adviser), opened(adviser)
    merge_cases(second, into=first, by=adviser)
    close_case(first, by=adviser)
    clock(0)
    apply_retention()
    assert (Case.objects.count(), CaseEvent.objects.count()) == (0, 0)


def test_triggers_look_at_no_other_table():
    """On SQLite, a trigger that mentions another table would block every later migration of that table."""
    if connection.vendor == "sqlite":
        with connection.cursor() as cursor:
            cursor.execute("SELECT name, tbl_name, sql FROM sqlite_master WHERE type = 'trigger'")
            triggers = cursor.fetchall()
        assert len(triggers) == 6
        for name, table, sql in triggers:
            words = set(re.findall(r"\w+", sql)) - {name, table}
            assert words & set(connection.introspection.table_names()) == set()


def test_change_of_keys_reaches_events(adviser, settings):
    case = opened(adviser)
    add_note(case, by=adviser, text="The landlord answered.")
    settings.RECORD_KEYS = ("bmV3LWtleS1vZi0zMi1ieXRlcy1mb3ItdGhpcy10ZXM=", *settings.RECORD_KEYS)
    call_command("rotate_record_keys")
    settings.RECORD_KEYS = settings.RECORD_KEYS[:1]
    event = CaseEvent.objects.get(kind="note")
    assert decrypt_with_audit(adviser, "x", event, "text") == {"text": "The landlord answered."}


def test_cases_are_listed_by_one_query(adviser, django_assert_num_queries):
    assert adviser.roles
    CaseFactory(assigned=adviser)
    with django_assert_num_queries(1):
        assert len(Case.objects.visible_to(adviser)) == 1
    for _number in range(29):
        CaseFactory(assigned=adviser)
        CaseFactory(is_restricted=True)
    with django_assert_num_queries(1):
        assert len(Case.objects.visible_to(adviser)) == 30


def test_factories_make_what_could_leak(adviser):
    ConsultationFactory()
    CaseFactory()
    assert list(Case.objects.visible_to(adviser)) == list(Consultation.objects.visible_to(adviser)) == []
