"""Logging, amending, assigning and reading consultations, and emergency access to them."""

import datetime
import threading

import pytest
from django.core import mail
from django.core.exceptions import ObjectDoesNotExist
from django.db import connection, transaction
from django.db.models import QuerySet
from django.utils import timezone

from consultations.cases.actions import open_case, restrict
from consultations.cases.presentation import CasePresentation, decrypt_case, decrypt_referral
from consultations.log.actions import (
    EMERGENCY_ACCESS_LASTS,
    amend,
    assign,
    break_the_glass,
    decrypt_consultation,
    entry_of,
    log,
)
from consultations.log.submission import log_once
from consultations.log.viewing import decrypt_version, print_consultation
from consultations.models import Case, ClosedMonth, Consultation, ConsultationDraft, Outcome, ReadGrant
from services.accounts.actions import revoke_role
from services.audit.decryption import decrypt_with_audit
from services.audit.models import AuditEntry
from services.base.refusals import Refused
from services.messaging.models import Message
from tests.factories.accounts import UserFactory
from tests.factories.consultations import CaseFactory, ClientFactory, ConsultationFactory, ReferralFactory
from tests.factories.log_entries import new_log_entry
from tests.support.races import is_waiting_for_a_lock
from tests.support.servers import wait_until

pytestmark = pytest.mark.django_db


@pytest.fixture
def adviser():
    return UserFactory(roles=["adviser"])


@pytest.fixture
def manager():
    return UserFactory(roles=["manager"])


def seen_by(user) -> set[str]:
    return set(Consultation.objects.visible_to(user).values_list("public_id", flat=True))


def test_logged_consultation_says_what_was_written(adviser):
    consultation = log(new_log_entry(topics=("tax", "municipal", "tax")), by=adviser)

    found = Consultation.objects.get(pk=consultation.pk)
    note = decrypt_with_audit(adviser, "x", found, "note")["note"]
    began_at = found.began_at
    assert entry_of(found, note=note) == new_log_entry(topics=("tax", "municipal"), began_at=began_at)
    assert [(row.topic, row.is_primary, row.scheme) for row in found.topics.all()] == [
        ("tax", True, "2026"),
        ("municipal", False, "2026"),
    ]
    assert found.month == timezone.localdate(began_at).replace(day=1)
    line = AuditEntry.objects.get(action="consultations.log")
    assert (line.actor, line.object_id) == (adviser.public_id, found.public_id)


def test_logging_costs_ten_queries_at_most(adviser, django_assert_num_queries):
    draft = ConsultationDraft.objects.create(adviser=adviser, typed="{}")
    entry = new_log_entry(topics=("tax", "municipal", "housing"))
    assert adviser.roles
    with django_assert_num_queries(10):  # two of them are the test's own savepoint
        log(entry, by=adviser, draft=draft.public_id)


def test_draft_logged_twice_is_one_consultation(adviser):
    draft = ConsultationDraft.objects.create(adviser=adviser, typed="{}")

    entry = new_log_entry()
    first, second = (log_once(entry, by=adviser, key=draft.public_id) for _time in range(2))

    assert first == second
    assert (Consultation.objects.count(), ConsultationDraft.objects.count()) == (1, 0)


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ({"topics": ()}, "Choose at least one topic."),
        ({"topics": ("tax", "nonsense")}, "There is no topic with the code “nonsense”."),
        ({"outcome": Outcome.REFERRAL}, "Choose the organisation the person was referred to."),
        ({"began_at": datetime.datetime(2090, 1, 1, tzinfo=datetime.UTC)}, "The date and time must be in the past."),
        (
            {"began_at": datetime.datetime(2026, 1, 5, 3, tzinfo=datetime.UTC)},
            "Enter a reason for logging late.",
        ),
    ],
)
def test_impossible_entry_is_refused_and_leaves_nothing(adviser, words, told):
    with pytest.raises(Refused) as refusal:
        log(new_log_entry(**words), by=adviser)

    assert str(refusal.value) == told
    assert (Consultation.objects.count(), AuditEntry.objects.filter(action="consultations.log").count()) == (0, 0)


def test_only_advisers_log(manager):
    with pytest.raises(Refused):
        log(new_log_entry(), by=manager)


def test_past_day_is_logged_with_a_reason(adviser):
    entry = new_log_entry(began_at=timezone.now() - datetime.timedelta(days=40), late_reason="Outreach day")
    assert log(entry, by=adviser).late_reason == "Outreach day"


def test_closed_month_takes_nothing_until_it_is_reopened(adviser, manager):
    last_day = timezone.localtime().replace(day=1, hour=12) - datetime.timedelta(days=1)
    month = last_day.date().replace(day=1)
    then = {"began_at": last_day, "late_reason": "Outreach"}
    before = log(new_log_entry(**then), by=adviser)
    closing = ClosedMonth.objects.create(month=month, closed_at=timezone.now(), closed_by=manager)

    with pytest.raises(Refused):
        log(new_log_entry(**then), by=adviser)
    with pytest.raises(Refused):
        amend(before, new_log_entry(**then, minutes=20), by=adviser, reason="It took longer")
    with pytest.raises(Refused):
        amend(before, new_log_entry(), by=adviser, reason="It was today")
    note_alone = new_log_entry(**then, note="She asked about glass and paper.")
    assert amend(before, note_alone, by=adviser, reason="Forgotten").version == 2
    closing.reopened_at, closing.reopened_by, closing.reason = timezone.now(), manager, "Two sheets were found"
    closing.save()
    assert log(new_log_entry(**then), by=adviser).pk


def test_amendment_keeps_what_stood_there(adviser):
    consultation = log(new_log_entry(), by=adviser)
    entry = new_log_entry(began_at=consultation.began_at, minutes=25, topics=("housing",), note="About a lease.")

    amended = amend(consultation, entry, by=adviser, reason="Mixed up with the next call")

    kept = amended.amendments.get()
    assert (amended.version, kept.version, kept.reason) == (2, 1, "Mixed up with the next call")
    assert kept.fields == ["minutes", "note", "topics"]
    assert "glass is collected" in decrypt_with_audit(adviser, "x", kept, "before")["before"]
    assert b"glass" not in bytes(type(kept).objects.values_list("before", flat=True).get())
    assert [row.topic for row in amended.topics.all()] == ["housing"]


def test_amendment_without_a_reason_or_by_a_stranger_is_refused(adviser):
    consultation = log(new_log_entry(), by=adviser)
    with pytest.raises(Refused):
        amend(consultation, new_log_entry(minutes=20), by=adviser, reason="")
    with pytest.raises(Refused):
        amend(consultation, new_log_entry(minutes=20), by=UserFactory(roles=["adviser"]), reason="I want to")


def test_amendment_that_changes_nothing_leaves_no_version(adviser):
    consultation = log(new_log_entry(), by=adviser)
    assert amend(consultation, new_log_entry(began_at=consultation.began_at), by=adviser, reason="Look").version == 1


def test_who_sees_that_a_consultation_exists(adviser, manager):
    consultation = log(new_log_entry(), by=adviser)

    assert seen_by(adviser) == seen_by(manager) == {consultation.public_id}
    for role in ("administrator", "editor", "dispatcher", "interpreter"):
        assert seen_by(UserFactory(roles=[role])) == set()
    assert seen_by(UserFactory(roles=["adviser"])) == set()


def test_restricted_consultation_exists_for_members_alone(adviser, manager):
    member = UserFactory(roles=["adviser"])
    case = CaseFactory(assigned=adviser, members=[member], is_restricted=True)
    consultation = log(new_log_entry(topics=("dv_abuse",)), by=adviser, case=case)

    assert consultation.is_restricted
    assert seen_by(adviser) == seen_by(member) == {consultation.public_id}
    assert seen_by(manager) == set()
    with pytest.raises(Consultation.DoesNotExist):
        break_the_glass(consultation, by=manager, reason="Somebody asked for it by telephone")


def test_role_that_was_taken_away_sees_nothing(adviser):
    log(new_log_entry(), by=adviser)
    revoke_role(adviser, "adviser", by=None)
    assert seen_by(adviser) == set()


def test_opening_gives_words_to_readers_and_leaves_lines(adviser, manager):
    consultation = log(new_log_entry(), by=adviser, client=ClientFactory(name="Sita", contact="sita@example.org"))
    consultation = Consultation.objects.get(pk=consultation.pk)

    assert decrypt_consultation(consultation, by=adviser) == {
        "note": "She asked on which day glass is collected.",
        "name": "Sita",
        "contact": "sita@example.org",
    }
    assert decrypt_consultation(consultation, by=manager) == {}
    told = AuditEntry.objects.exclude(action__startswith="accounts.").values_list("actor", "action", "fields")
    assert list(told) == [
        (adviser.public_id, "consultations.log", []),
        (adviser.public_id, "consultations.open", ["note"]),
        (adviser.public_id, "consultations.open_client", ["contact", "name"]),
        (manager.public_id, "consultations.see", []),
    ]


def test_assigned_adviser_reads_and_the_one_before_does_not_any_more(adviser):
    first, second = UserFactory(roles=["adviser"]), UserFactory(roles=["adviser"])
    consultation = log(new_log_entry(), by=adviser)

    assign(consultation, first, by=adviser)
    assert seen_by(first) == {consultation.public_id}
    assign(consultation, second, by=adviser)
    assert (seen_by(first), seen_by(second), seen_by(adviser)) == (set(), {consultation.public_id}, seen_by(second))
    with pytest.raises(Refused):
        assign(consultation, UserFactory(roles=["editor"]), by=adviser)


def test_broken_glass_lasts_an_hour_is_told_and_stands_in_the_trail(adviser, manager, monkeypatch):
    consultation = log(new_log_entry(), by=adviser)
    assert break_the_glass(consultation, by=manager, reason="The client stands at the counter") is None
    other = UserFactory(roles=["adviser"])
    break_the_glass(consultation, by=other, reason="The client stands at the counter")

    assert Consultation.objects.readable_by(manager).get() == consultation
    assert (
        AuditEntry.objects.filter(action="consultations.break_the_glass")
        .latest("sequence")
        .reason.startswith("The client")
    )
    assert [message.user for message in Message.objects.filter(channel="email")] == [manager]
    assert mail.outbox == []
    ReadGrant.objects.filter(until__isnull=False).update(until=timezone.now() - datetime.timedelta(seconds=1))
    assert list(Consultation.objects.readable_by(manager)) == []
    assert seen_by(other) == set()
    assert datetime.timedelta(minutes=60) == EMERGENCY_ACCESS_LASTS


@pytest.mark.parametrize(
    ("others", "told"),
    [
        ({"manager": True, "administrator": True}, "manager"),
        ({"manager": False, "administrator": True}, "administrator"),
        ({"administrator": True}, "administrator"),
        ({"manager": False, "administrator": False}, None),
        ({}, None),
    ],
)
def test_broken_glass_is_told_to_who_is_there(adviser, others, told):
    """`others`: the roles of the other staff, and whether their accounts are active."""
    consultation = log(new_log_entry(), by=adviser)
    users = {role: UserFactory(roles=[role], is_active=is_active) for role, is_active in others.items()}
    breaker = UserFactory(roles=["manager", "administrator"])
    assert break_the_glass(consultation, by=breaker, reason="The client stands at the counter") == told
    assert [it.user for it in Message.objects.filter(channel="email")] == ([users[told]] if told else [])


def test_glass_is_not_broken_without_a_reason(adviser, manager):
    consultation = log(new_log_entry(), by=adviser)
    with pytest.raises(Refused):
        break_the_glass(consultation, by=manager, reason="because")


def test_list_costs_the_same_for_one_and_thirty(adviser, django_assert_num_queries):
    assert adviser.roles
    ConsultationFactory(adviser=adviser)
    with django_assert_num_queries(1):
        assert len(Consultation.objects.visible_to(adviser)) == 1
    for _number in range(29):
        ConsultationFactory(adviser=adviser)
    with django_assert_num_queries(1):
        assert len(Consultation.objects.visible_to(adviser)) == 30


def test_who_reads_for_an_hour_hands_nothing_over(adviser):
    consultation = log(new_log_entry(), by=adviser)
    guest, friend = UserFactory(roles=["adviser"]), UserFactory(roles=["adviser"])
    break_the_glass(consultation, by=guest, reason="The client stands at the counter")
    for to in (guest, friend):
        with pytest.raises(Refused):
            assign(consultation, to, by=guest)
    assert consultation.readers.get(user=guest).until is not None
    assert seen_by(friend) == set()


def test_nobody_hands_over_to_themselves(adviser):
    consultation = log(new_log_entry(), by=adviser)
    with pytest.raises(Refused) as refusal:
        assign(consultation, adviser, by=adviser)
    assert str(refusal.value) == "You cannot hand a consultation over to yourself."
    consultation.refresh_from_db()
    assert consultation.assigned is None


def test_manager_hands_over_to_others_and_not_to_themselves(adviser):
    consultation = log(new_log_entry(), by=adviser)
    both, other = UserFactory(roles=["adviser", "manager"]), UserFactory(roles=["adviser"])
    with pytest.raises(Refused):
        assign(consultation, both, by=both)
    assert list(Consultation.objects.readable_by(both)) == []
    assign(consultation, other, by=both)
    assert seen_by(other) == {consultation.public_id}


def test_what_was_restricted_meanwhile_is_not_handed_over(adviser, manager):
    member = UserFactory(roles=["adviser"])
    consultation = ConsultationFactory(adviser=member, case=CaseFactory(assigned=member), is_restricted=True)
    for by in (adviser, manager):
        with pytest.raises(Refused):
            assign(consultation, member, by=by)


def opened_while_it_is_restricted(role: str = "adviser") -> dict | str:
    """Return what the author reads while a member is restricting the case in an uncommitted transaction."""
    author, member, opened = UserFactory(roles=[role]), UserFactory(roles=["adviser"]), []
    case = CaseFactory(assigned=member)
    consultation = ConsultationFactory(adviser=author, case=case, readers=[member])
    consultation = Consultation.objects.get(pk=consultation.pk)

    def ask():
        try:
            opened.append(decrypt_consultation(consultation, by=author))
        except Consultation.DoesNotExist:
            opened.append("not there")
        finally:
            connection.close()

    thread = threading.Thread(target=ask)
    with transaction.atomic():
        restrict(case, by=member)
        thread.start()
        if connection.vendor == "postgresql":
            wait_until(is_waiting_for_a_lock)
    thread.join()
    return opened[0]


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("role", ["adviser", "manager"])
def test_words_are_not_given_to_who_is_shut_out_at_that_moment(role):
    assert opened_while_it_is_restricted(role) == "not there"


def case_opened_while_it_is_restricted() -> str | CasePresentation:
    """Return what a manager reads of a case while a member is restricting it in an uncommitted transaction."""
    manager, case, opened = UserFactory(roles=["manager"]), CaseFactory(), []
    ConsultationFactory(adviser=case.assigned, case=case, topics=["housing"])
    seen = Case.objects.visible_to(manager).get()

    def ask():
        try:
            opened.append(decrypt_case(seen, by=manager))
        except Case.DoesNotExist:
            opened.append("not there")
        finally:
            connection.close()

    thread = threading.Thread(target=ask)
    with transaction.atomic():
        restrict(case, by=case.assigned)
        thread.start()
        if connection.vendor == "postgresql":
            wait_until(is_waiting_for_a_lock)
    thread.join()
    return opened[0]


@pytest.mark.django_db(transaction=True)
def test_case_is_not_there_for_who_is_shut_out_at_that_moment():
    assert case_opened_while_it_is_restricted() == "not there"


@pytest.mark.parametrize("role", ["adviser", "manager"])
def test_what_was_restricted_since_the_page_looked_is_not_opened(role):
    author, member = UserFactory(roles=[role]), UserFactory(roles=["adviser"])
    case = CaseFactory(assigned=member)
    consultation = ConsultationFactory(adviser=author, case=case, readers=[member])
    amend(consultation, new_log_entry(), by=member, reason="Mixed up")
    referral = ReferralFactory(case=case)
    restrict(case, by=member)

    for opens, row in (
        (decrypt_consultation, consultation),
        (print_consultation, consultation),
        (decrypt_version, consultation.amendments.get()),
        (decrypt_case, case),
        (decrypt_referral, referral),
    ):
        with pytest.raises(ObjectDoesNotExist):
            opens(row, by=author)
    assert AuditEntry.objects.filter(actor=author.public_id).count() == 0


@pytest.mark.django_db(transaction=True)
def test_words_would_be_given_away_without_the_lock(monkeypatch):
    if connection.vendor == "sqlite":  # one writer at a time
        return
    select_for_update = QuerySet.select_for_update

    def unlocked(rows, *args, **options):
        is_asking = threading.current_thread() is not threading.main_thread() and rows.model is Consultation
        return rows if is_asking else select_for_update(rows, *args, **options)

    monkeypatch.setattr(QuerySet, "select_for_update", unlocked)

    assert opened_while_it_is_restricted() == {"note": "A note."}


def test_who_reads_for_an_hour_changes_nothing_and_opens_no_case(adviser):
    consultation = log(new_log_entry(), by=adviser)
    guest = UserFactory(roles=["adviser"])
    break_the_glass(consultation, by=guest, reason="The client stands at the counter")

    with pytest.raises(Refused):
        amend(consultation, new_log_entry(note="Another story."), by=guest, reason="I know better")
    for is_restricted in (False, True):
        with pytest.raises(Refused):
            open_case(consultation, by=guest, subject="Mine for good", is_restricted=is_restricted)

    assert (Case.objects.count(), consultation.amendments.count()) == (0, 0)
    assert consultation.readers.get(user=guest).until is not None
    assert seen_by(adviser) == {consultation.public_id}
