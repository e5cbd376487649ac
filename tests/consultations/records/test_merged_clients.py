"""Records of a person that were put together: their codes, their words and their restrictions stay right afterwards."""

import threading
from contextlib import contextmanager

import pytest
from django.db import connection, connections, transaction
from django.utils import timezone

from consultations.actions.cases import open_case, restrict
from consultations.actions.clients import find_client, find_earlier, forget_client, meet
from consultations.actions.consultations import log
from consultations.actions.followups import plan
from consultations.actions.looking import find_thread
from consultations.actions.referrals import draft_referral
from consultations.actions.regrouping import merge_cases, merge_clients, undo
from consultations.models import Case, Client
from services.base.refusals import Refused
from tests.base.test_sealed import somebody_waits
from tests.consultations.test_consultations import an_entry
from tests.factories import UserFactory
from tests.servers import wait_until

pytestmark = pytest.mark.django_db


@pytest.fixture
def adviser():
    return UserFactory(roles=["adviser"], name="Adviser")


def known(adviser, name="Sita", **words) -> Client:
    """Somebody whom the adviser met and who was at the desk once."""
    client = meet(by=adviser, name=name, contact=f"{name.lower()}@example.org", language="ne", **words)
    log(an_entry(), by=adviser, client=client)
    return client


def test_code_of_a_merged_record_leads_to_the_thread_also_for_who_met_them(adviser):
    old, kept = known(adviser, "Sita"), known(adviser, "Rai")
    merge_clients(old, into=kept, by=adviser)
    assert find_thread(old.code, by=adviser).client == kept
    assert find_client(old.code, by=adviser) == kept


def test_code_leads_to_the_thread_however_often_it_was_merged(adviser):
    first, second, third = known(adviser, "A"), known(adviser, "B"), known(adviser, "C")
    merge_clients(first, into=second, by=adviser)
    record = merge_clients(second, into=third, by=adviser)
    for code in (first.code, second.code):
        assert find_thread(code, by=adviser).client == third
        assert find_client(code, by=adviser) == third
    undo(record, by=adviser)
    assert find_client(first.code, by=adviser) == second


def test_case_is_not_opened_for_whoever_was_merged_since_the_page_was_made(adviser):
    """Their new record stands later in the order of locks: waiting for it here could be waiting in a circle."""
    old, kept = known(adviser, "Sita"), known(adviser, "Rai")
    consultation = old.consultations.get()
    merge_clients(old, into=kept, by=adviser)
    with pytest.raises(Refused, match="meanwhile"):
        open_case(consultation, by=adviser, subject="The lease")
    consultation.refresh_from_db()
    assert open_case(consultation, by=adviser, subject="The lease").client == kept


@pytest.mark.parametrize("typed", [{"name": "Sita"}, {"contact": "sita@example.org"}, {"code": "the old one"}])
def test_earlier_thread_is_found_by_what_was_merged(adviser, typed):
    old, kept = known(adviser, "Sita"), known(adviser, "Rai")
    merge_clients(old, into=kept, by=adviser)
    typed = {"code": old.code} if "code" in typed else typed
    assert find_earlier(by=UserFactory(roles=["adviser"]), **typed) == ["Adviser"]


def test_merged_record_is_merged_no_further_and_takes_nothing_in(adviser):
    old, kept, other = known(adviser, "A"), known(adviser, "B"), known(adviser, "C")
    stale = Client.objects.get(pk=old.pk)
    merge_clients(old, into=kept, by=adviser)
    for client, into in ((stale, other), (other, stale), (kept, stale)):
        with pytest.raises(Refused, match="was merged into another"):
            merge_clients(client, into=into, by=adviser)
    with pytest.raises(Refused, match="was merged into another"):
        log(an_entry(), by=adviser, client=stale)


def test_who_is_forgotten_is_forgotten_in_what_was_merged_too(adviser):
    first, second, third = known(adviser, "A"), known(adviser, "B"), known(adviser, "C")
    other = known(adviser, "D")
    merge_clients(first, into=second, by=adviser)
    merge_clients(second, into=third, by=adviser)
    forget_client(third, by=adviser)
    assert list(Client.objects.all()) == [other]


@contextmanager
def waited_for_by(deed):
    """What is locked within, a deed in another thread waits for; where there is one writer, for all of it."""
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
            wait_until(somebody_waits)

    thread = threading.Thread(target=run)
    with transaction.atomic():
        yield wait
    thread.join()
    assert done == [deed]


@pytest.mark.django_db(transaction=True)
def test_case_that_is_restricted_during_a_merge_shares_its_person_with_nobody(adviser):
    """The case has no person of its own, so that merging does not lock it: one of its consultations has."""
    colleague = UserFactory(roles=["adviser"])
    old, kept = known(adviser, "Sita"), known(adviser, "Rai")
    log(an_entry(), by=colleague, client=kept)
    case = open_case(log(an_entry(), by=adviser), by=adviser, subject="x")
    hidden = log(an_entry(), by=adviser, case=case, client=old)

    with waited_for_by(lambda: restrict(case, by=adviser)) as wait:
        merge_clients(old, into=kept, by=adviser)
        wait()

    hidden.refresh_from_db()
    assert hidden.is_restricted
    assert list(hidden.client.consultations.all()) == [hidden]
    assert not Client.objects.visible_to(colleague).filter(pk=hidden.client_id).exists()


def planned(case, adviser):
    return plan(case, by=adviser, owner=adviser, due_on=timezone.localdate(), what="x", kind="call")


def drafted(case, adviser):
    return draft_referral(case, by=adviser, body="school", what="x", why="y", written_in="en")


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("write", [planned, drafted])
def test_what_is_written_during_a_merge_is_refused_and_not_lost_in_the_merged_case(adviser, write):
    case, into = (open_case(log(an_entry(), by=adviser), by=adviser, subject="x") for _ in range(2))

    def refused():
        with pytest.raises(Refused, match="merged into another"):
            write(case, adviser)

    with waited_for_by(refused) as wait:
        merge_cases(case, into=into, by=adviser)
        wait()
    assert (case.follow_ups.count(), case.referrals.count()) == (0, 0)


@pytest.mark.django_db(transaction=True)
def test_cases_of_a_person_are_locked_in_the_order_of_all_others(adviser):
    """What was merged comes after what it is in, whichever is older; else two would wait for each other."""
    if connection.vendor == "sqlite":  # one writes at a time
        return
    client = known(adviser)
    older, newer = (open_case(log(an_entry(), by=adviser, client=client), by=adviser, subject="x") for _ in range(2))
    merge_cases(older, into=newer, by=adviser)

    with waited_for_by(lambda: forget_client(client, by=adviser)) as wait:
        Case.objects.select_for_update().get(pk=older.pk)
        wait()
        free = list(Case.objects.select_for_update(skip_locked=True).filter(pk=newer.pk))

    assert free == []
