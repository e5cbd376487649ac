"""Merging and splitting: nothing is exposed or lost, and each can be undone from its record."""

import pytest

from consultations.cases.actions import add_member, open_case, remove_member, restrict
from consultations.cases.merging import merge_cases, merge_clients, split_case, undo_merge_or_split
from consultations.log.actions import log
from consultations.models import Case, CaseEvent, Client, Consultation, ReadGrant
from consultations.records.clients import find_client, find_earlier_contact
from services.base.refusals import Refused
from tests.factories import ClientFactory, FollowUpFactory, ReferralFactory, UserFactory
from tests.factories.log_entries import new_log_entry

pytestmark = pytest.mark.django_db


@pytest.fixture
def adviser():
    return UserFactory(roles=["adviser"], name="Adviser")


@pytest.fixture
def colleague():
    return UserFactory(roles=["adviser"], name="Colleague")


def opened(adviser, *, client=None, contacts=1, **words) -> Case:
    case = open_case(log(new_log_entry(), by=adviser, client=client), by=adviser, subject="x", **words)
    for _number in range(contacts - 1):
        log(new_log_entry(), by=adviser, case=case)
    return case


def who_reads_what() -> set[tuple[int, int]]:
    return set(ReadGrant.objects.active().values_list("consultation", "user"))


def what_is_where() -> dict[str, list]:
    return {
        "consultations": list(Consultation.objects.order_by("pk").values_list("pk", "case", "is_restricted", "client")),
        "cases": list(Case.objects.order_by("pk").values_list("pk", "state", "merged_into", "client", "assigned")),
        "readers": sorted(who_reads_what()),
    }


def test_merged_case_brings_everything_and_changes_no_reader(adviser, colleague):
    first, second = opened(adviser, contacts=2), opened(adviser, contacts=2)
    for case in (first, second):
        add_member(case, colleague, by=adviser)
    follow_up, referral = FollowUpFactory(case=second), ReferralFactory(case=second)
    before, placed = who_reads_what(), what_is_where()

    record = merge_cases(second, into=first, by=colleague)

    assert who_reads_what() == before
    assert (first.consultations.count(), second.consultations.count()) == (4, 0)
    follow_up.refresh_from_db()
    referral.refresh_from_db()
    assert follow_up.case == referral.case == first
    assert [event.case for event in CaseEvent.objects.filter(kind="opened").order_by("pk")] == [first, second]
    undo_merge_or_split(record, by=adviser)
    assert what_is_where() == placed
    follow_up.refresh_from_db()
    assert follow_up.case == second
    with pytest.raises(Refused, match="This has already been undone"):
        undo_merge_or_split(record, by=adviser)


def test_cases_with_different_members_are_not_merged(adviser, colleague):
    first, second = opened(adviser), opened(adviser)
    add_member(first, colleague, by=adviser)
    for case, into in ((first, second), (second, first)):
        with pytest.raises(Refused, match="different members"):
            merge_cases(case, into=into, by=adviser)


def test_only_who_reads_both_merges(adviser, colleague):
    mine, theirs = opened(adviser), opened(colleague)
    for case, into in ((mine, theirs), (theirs, mine)):
        for by in (adviser, colleague, UserFactory(roles=["manager"])):
            with pytest.raises(Refused, match=r"no(t| longer) a member"):
                merge_cases(case, into=into, by=by)


def test_restricted_case_is_never_merged_with_one_that_is_not(adviser):
    hidden, plain = opened(adviser, is_restricted=True), opened(adviser)
    for case, into in ((hidden, plain), (plain, hidden)):
        with pytest.raises(Refused, match="cannot be merged"):
            merge_cases(case, into=into, by=adviser)
    other = opened(adviser, is_restricted=True)
    assert merge_cases(hidden, into=other, by=adviser).case == other


def test_case_is_merged_with_another_once(adviser):
    first, second, third = opened(adviser), opened(adviser), opened(adviser)
    with pytest.raises(Refused, match="Choose a different case"):
        merge_cases(first, into=first, by=adviser)
    merge_cases(second, into=first, by=adviser)
    with pytest.raises(Refused, match="Other cases have been merged into this one"):
        merge_cases(first, into=third, by=adviser)
    with pytest.raises(Refused, match="merged into another"):
        merge_cases(second, into=third, by=adviser)
    merge_cases(third, into=first, by=adviser)
    assert first.merged.count() == 2


def test_what_changes_in_a_merged_case_holds_for_what_is_taken_out_again(adviser, colleague):
    first, second = opened(adviser), opened(adviser)
    for case in (first, second):
        add_member(case, colleague, by=adviser)
    record = merge_cases(second, into=first, by=adviser)
    newcomer = UserFactory(roles=["adviser"])
    remove_member(first, colleague, by=adviser)
    add_member(first, newcomer, by=adviser)
    restrict(first, by=adviser)

    undo_merge_or_split(record, by=adviser)

    second.refresh_from_db()
    assert second.is_restricted
    for case in (first, second):
        assert {member.user for member in case.members.all()} == {adviser, newcomer}
        for consultation in case.consultations.all():
            assert {reader.user for reader in consultation.readers.all()} == {adviser, newcomer}
    assert list(Case.objects.visible_to(colleague)) == []


def test_split_moves_the_chosen_and_makes_readers_anew(adviser, colleague):
    case = opened(adviser, contacts=3)
    add_member(case, colleague, by=adviser)
    chosen = list(case.consultations.order_by("pk")[1:])
    before = what_is_where()

    record = split_case(case, [it.public_id for it in chosen], by=adviser, subject="School", members=[])

    new = record.other
    assert set(new.consultations.all()) == set(chosen)
    assert [member.user for member in new.members.all()] == [adviser]
    assert {reader.user for it in chosen for reader in it.readers.all()} == {adviser}
    with pytest.raises(Refused, match="different members"):
        undo_merge_or_split(record, by=adviser)
    add_member(new, colleague, by=adviser)
    undo_merge_or_split(record, by=adviser)
    assert what_is_where()["consultations"] == before["consultations"]
    assert what_is_where()["readers"] == before["readers"]


def test_split_leaves_one_and_takes_one_and_no_stranger(adviser, colleague):
    case = opened(adviser, contacts=2)
    everything = list(case.consultations.values_list("public_id", flat=True))
    for chosen in ([], everything, [log(new_log_entry(), by=adviser).public_id]):
        with pytest.raises(Refused, match="Choose at least one consultation to move, and leave at least one"):
            split_case(case, chosen, by=adviser, subject="x", members=[])
    with pytest.raises(Refused, match=r"no(t| longer) a member"):
        split_case(case, everything[:1], by=adviser, subject="x", members=[colleague])


def test_split_of_a_restricted_case_has_a_person_of_its_own(adviser):
    case = opened(adviser, client=ClientFactory(), contacts=2, is_restricted=True)
    chosen = case.consultations.first()
    new = split_case(case, [chosen.public_id], by=adviser, subject="x", members=[]).other
    new.refresh_from_db()
    chosen.refresh_from_db()
    assert new.is_restricted
    assert new.client == chosen.client != case.client


def test_two_records_of_a_person_become_one_and_two_again(adviser):
    first, second = ClientFactory(name="Sita"), ClientFactory(name="Sita R.")
    case = opened(adviser, client=first)
    visit = log(new_log_entry(), by=adviser, client=second)
    before = what_is_where()

    record = merge_clients(second, into=first, by=adviser)

    visit.refresh_from_db()
    second.refresh_from_db()
    assert (visit.client, case.client, second.merged_into) == (first, first, first)
    assert find_client(second.code, by=adviser) == first
    undo_merge_or_split(record, by=adviser)
    assert what_is_where() == before
    assert find_client(second.code, by=adviser) == second


def test_records_are_not_merged_where_somebody_would_read_a_new_name(adviser, colleague):
    first, second, third = ClientFactory(), ClientFactory(), ClientFactory()
    log(new_log_entry(), by=adviser, client=first)
    shared = opened(adviser, client=second)
    add_member(shared, colleague, by=adviser)
    log(new_log_entry(), by=colleague, client=third)
    with pytest.raises(Refused, match="new name"):
        merge_clients(second, into=first, by=adviser)
    with pytest.raises(Refused, match="You can no longer see this person's details"):
        merge_clients(first, into=third, by=adviser)
    with pytest.raises(Refused, match="different person"):
        merge_clients(first, into=first, by=adviser)
    merge_clients(first, into=second, by=adviser)


def test_record_of_a_restricted_case_is_never_merged(adviser):
    plain, hidden = ClientFactory(name="Sita"), ClientFactory(name="Sita")
    log(new_log_entry(), by=adviser, client=plain)
    opened(adviser, client=hidden, is_restricted=True)
    for client, into in ((plain, hidden), (hidden, plain)):
        with pytest.raises(Refused, match="cannot be merged"):
            merge_clients(client, into=into, by=adviser)
    assert Client.objects.filter(merged_into__isnull=False).count() == 0


def test_earlier_thread_of_a_merged_case_is_kept_by_who_has_it_now(adviser, colleague):
    client = ClientFactory(name="Sita")
    first, second = opened(adviser), opened(colleague, client=client)
    add_member(first, colleague, by=adviser)
    add_member(second, adviser, by=colleague)
    assert find_earlier_contact(by=adviser, name="Sita") == ["Colleague"]
    merge_cases(second, into=first, by=adviser)
    assert find_earlier_contact(by=adviser, name="Sita") == ["Adviser"]
