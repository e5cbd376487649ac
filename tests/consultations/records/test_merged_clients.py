"""Merged records of a person: their codes, texts and restrictions are still correct afterwards."""

import threading
from contextlib import contextmanager

import pytest
from django.db import connection, connections, transaction
from django.utils import timezone

from consultations.cases.actions import open_case, restrict
from consultations.cases.followups import plan_follow_up
from consultations.cases.merging import merge_cases, merge_clients, undo_merge_or_split
from consultations.cases.referrals import draft_referral
from consultations.log.actions import log
from consultations.log.viewing import look_up_earlier_contact
from consultations.models import Case, Client
from consultations.records.clients import find_client, find_earlier_contact, forget_client, identify_client
from services.base.refusals import Refused
from tests.factories import UserFactory
from tests.factories.log_entries import new_log_entry
from tests.support.races import is_waiting_for_a_lock
from tests.support.servers import wait_until

pytestmark = pytest.mark.django_db


@pytest.fixture
def adviser():
    return UserFactory(roles=["adviser"], name="Adviser")


def known(adviser, name="Sita", **words) -> Client:
    """Create a client whom the adviser has met, with one consultation."""
    client = identify_client(by=adviser, name=name, contact=f"{name.lower()}@example.org", language="ne", **words)
    log(new_log_entry(), by=adviser, client=client)
    return client


def test_code_of_a_merged_record_leads_to_the_thread_also_for_who_met_them(adviser):
    old, kept = known(adviser, "Sita"), known(adviser, "Rai")
    merge_clients(old, into=kept, by=adviser)
    assert look_up_earlier_contact(old.code, by=adviser).client == kept
    assert find_client(old.code, by=adviser) == kept


def test_code_leads_to_the_thread_however_often_it_was_merged(adviser):
    first, second, third = known(adviser, "A"), known(adviser, "B"), known(adviser, "C")
    merge_clients(first, into=second, by=adviser)
    record = merge_clients(second, into=third, by=adviser)
    for code in (first.code, second.code):
        assert look_up_earlier_contact(code, by=adviser).client == third
        assert find_client(code, by=adviser) == third
    undo_merge_or_split(record, by=adviser)
    assert find_client(first.code, by=adviser) == second


def test_case_is_not_opened_for_whoever_was_merged_since_the_page_was_made(adviser):
    """The new record comes later in the lock order, so waiting for it here could deadlock."""
    old, kept = known(adviser, "Sita"), known(adviser, "Rai")
    consultation = old.consultations.get()
    merge_clients(old, into=kept, by=adviser)
    with pytest.raises(Refused, match="has since been merged"):
        open_case(consultation, by=adviser, subject="The lease")
    consultation.refresh_from_db()
    assert open_case(consultation, by=adviser, subject="The lease").client == kept


@pytest.mark.parametrize("typed", [{"name": "Sita"}, {"contact": "sita@example.org"}, {"code": "the old one"}])
def test_earlier_thread_is_found_by_what_was_merged(adviser, typed):
    old, kept = known(adviser, "Sita"), known(adviser, "Rai")
    merge_clients(old, into=kept, by=adviser)
    typed = {"code": old.code} if "code" in typed else typed
    assert find_earlier_contact(by=UserFactory(roles=["adviser"]), **typed) == ["Adviser"]


def test_merged_record_is_merged_no_further_and_takes_nothing_in(adviser):
    old, kept, other = known(adviser, "A"), known(adviser, "B"), known(adviser, "C")
    stale = Client.objects.get(pk=old.pk)
    merge_clients(old, into=kept, by=adviser)
    for client, into in ((stale, other), (other, stale), (kept, stale)):
        with pytest.raises(Refused, match="has since been merged"):
            merge_clients(client, into=into, by=adviser)
    with pytest.raises(Refused, match="has since been merged"):
        log(new_log_entry(), by=adviser, client=stale)


def test_who_is_forgotten_is_forgotten_in_what_was_merged_too(adviser):
    first, second, third = known(adviser, "A"), known(adviser, "B"), known(adviser, "C")
    other = known(adviser, "D")
    merge_clients(first, into=second, by=adviser)
    merge_clients(second, into=third, by=adviser)
    forget_client(third, by=adviser)
    assert list(Client.objects.all()) == [other]


@contextmanager
def waited_for_by(deed):
    """Run `deed` in another thread, which waits for the locks taken in this block (on SQLite, for all of it)."""
    done = []

    def run():
        try:
            deed()
            done.append(deed)
        finally:
            connections.close_all()

    def wait():
        thread.start()
        if connection.vendor == "postgresql":
            wait_until(is_waiting_for_a_lock)

    thread = threading.Thread(target=run)
    with transaction.atomic():
        yield wait
    thread.join()
    assert done == [deed]


@pytest.mark.django_db(transaction=True)
def test_case_that_is_restricted_during_a_merge_shares_its_person_with_nobody(adviser):
    """Merging does not lock the case, because only one of its consultations has a person."""
    colleague = UserFactory(roles=["adviser"])
    old, kept = known(adviser, "Sita"), known(adviser, "Rai")
    log(new_log_entry(), by=colleague, client=kept)
    case = open_case(log(new_log_entry(), by=adviser), by=adviser, subject="x")
    hidden = log(new_log_entry(), by=adviser, case=case, client=old)

    with waited_for_by(lambda: restrict(case, by=adviser)) as wait:
        merge_clients(old, into=kept, by=adviser)
        wait()

    hidden.refresh_from_db()
    assert hidden.is_restricted
    assert list(hidden.client.consultations.all()) == [hidden]
    assert not Client.objects.visible_to(colleague).filter(pk=hidden.client_id).exists()


def planned(case, adviser):
    return plan_follow_up(case, by=adviser, owner=adviser, due_on=timezone.localdate(), what="x", kind="call")


def drafted(case, adviser):
    return draft_referral(case, by=adviser, body="school", what="x", why="y", written_in="en")


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("write", [planned, drafted])
def test_what_is_written_during_a_merge_is_refused_and_not_lost_in_the_merged_case(adviser, write):
    case, into = (open_case(log(new_log_entry(), by=adviser), by=adviser, subject="x") for _ in range(2))

    def refused():
        with pytest.raises(Refused, match="merged into another"):
            write(case, adviser)

    with waited_for_by(refused) as wait:
        merge_cases(case, into=into, by=adviser)
        wait()
    assert (case.follow_ups.count(), case.referrals.count()) == (0, 0)


@pytest.mark.django_db(transaction=True)
def test_cases_of_a_person_are_locked_in_the_order_of_all_others(adviser):
    """A merged case is locked after the case that it is in, whichever is older, to prevent deadlocks."""
    if connection.vendor == "sqlite":  # one writer at a time
        return
    client = known(adviser)
    older, newer = (
        open_case(log(new_log_entry(), by=adviser, client=client), by=adviser, subject="x") for _ in range(2)
    )
    merge_cases(older, into=newer, by=adviser)

    with waited_for_by(lambda: forget_client(client, by=adviser)) as wait:
        Case.objects.select_for_update().get(pk=older.pk)
        wait()
        free = list(Case.objects.select_for_update(skip_locked=True).filter(pk=newer.pk))

    assert free == []
