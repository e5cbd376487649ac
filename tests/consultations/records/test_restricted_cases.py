"""The rule of who may read what holds after any sequence of actions, and for any two at the same time."""

import threading
from collections import Counter

import pytest
from django.db import DatabaseError, connections, transaction
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from consultations.cases import actions
from consultations.cases.actions import add_member, open_case, restrict
from consultations.cases.merging import merge_cases, split_case, undo_merge_or_split
from consultations.log.actions import assign, log
from consultations.models import Case, CaseMerge, Consultation, ReadGrant
from services.accounts.models import User
from services.base.refusals import Refused
from tests.factories import ClientFactory, ConsultationFactory, UserFactory
from tests.factories.log_entries import new_log_entry
from tests.support.addresses import visit

VERBS = ["log", "add", "remove", "restrict", "lift", "assign_case", "assign", "merge", "split", "undo", "open"]
DEEDS = st.lists(
    st.tuples(
        st.sampled_from(VERBS),
        st.integers(0, 2),  # index of the person acting
        st.integers(0, 5),  # index of the case
        st.integers(0, 5),  # index of another row
        st.integers(0, 2),  # index of the recipient
    ),
    min_size=6,
    max_size=16,
)


def pick(rows, number: int):
    rows = list(rows)
    return rows[number % len(rows)] if rows else None


def do(deed, who, which, other, whom, advisers) -> None:
    """Carry out one action, which may be refused."""
    to = advisers[whom]
    case = pick(Case.objects.order_by("pk"), which)
    # Usually somebody who is allowed to; refusals are covered by the tests of each action.
    by = pick(User.objects.filter(case_memberships__case=case).order_by("pk"), who) if other % 3 else advisers[who]
    another = pick(Case.objects.exclude(pk=case.pk).filter(is_restricted=case.is_restricted).order_by("pk"), other)
    consultation = pick(Consultation.objects.readable_by(by).order_by("pk"), other)
    record = pick(CaseMerge.objects.order_by("pk"), other)
    moved = list(case.consultations.order_by("pk").values_list("public_id", flat=True))[: 1 + other // 4]
    verbs = {
        "log": lambda: log(new_log_entry(), by=by, case=case),
        "add": lambda: actions.add_member(case, to, by=by),
        "remove": lambda: actions.remove_member(case, to, by=by),
        "restrict": lambda: actions.restrict(case, by=by),
        "lift": lambda: actions.lift_restriction(case, by=by, text="why not"),
        "assign_case": lambda: actions.assign_case(case, to, by=by),
        "assign": lambda: consultation and assign(consultation, to, by=by),
        "merge": lambda: another and merge_cases(case, into=another, by=by),
        "split": lambda: split_case(case, moved, by=by, subject="x", members=[to]),
        "undo": lambda: record and undo_merge_or_split(record, by=by),
        "open": lambda: actions.open_case(
            log(new_log_entry(), by=by), by=by, subject="x", is_restricted=bool(other % 2)
        ),
    }
    verbs[deed]()


def check(users) -> None:
    """Check everything that must always be true."""
    check_rule()
    check_lists(users)


def check_rule() -> None:
    """Check the readers, restrictions and persons of all cases."""
    for case in Case.objects.all():
        members = set(case.members.values_list("user", flat=True))
        assert members
        assert case.assigned_id in members
        for consultation in case.consultations.all():
            assert consultation.is_restricted == case.is_restricted
            readers = set(ReadGrant.objects.active().filter(consultation=consultation).values_list("user", flat=True))
            own = {consultation.adviser_id, consultation.assigned_id} - {None}
            assert readers == (members if case.is_restricted else members | own)
        if case.is_restricted and case.client:
            family = Case.objects.filter(
                pk__in=[case.pk, case.merged_into_id or case.pk, *case.merged.values_list("pk", flat=True)]
            )
            assert not case.client.consultations.exclude(case__in=family).exists()
        if case.merged_into:
            assert members == set(case.merged_into.members.values_list("user", flat=True))
            assert case.is_restricted == case.merged_into.is_restricted


def check_lists(users) -> None:
    """Check that exactly the listed records can be opened and are counted."""
    for user in users:
        for model in (Case, Consultation):
            seen = model.objects.visible_to(user)
            keys = set(seen.values_list("public_id", flat=True))
            assert seen.count() == len(keys)
            opened = {key for key in model.objects.values_list("public_id", flat=True) if seen.filter(public_id=key)}
            assert opened == keys
            assert set(model.objects.readable_by(user).values_list("public_id", flat=True)) <= keys


@pytest.fixture
def desk(db):
    """Create three advisers, a manager, an administrator; two pairs of cases with the same members, one restricted."""
    advisers = [UserFactory(roles=["adviser"]) for _number in range(3)]
    for number in range(4):
        first, second = advisers[number // 2 : number // 2 + 2]
        consultation = log(new_log_entry(), by=first, client=ClientFactory())
        case = open_case(consultation, by=first, subject="x", is_restricted=number >= 2)
        add_member(case, second, by=first)
        for _number in range(2):
            log(new_log_entry(), by=second, case=case)
    return advisers, [*advisers, UserFactory(roles=["manager"]), UserFactory(roles=["administrator"])]


@pytest.mark.thorough
def test_any_sequence_of_deeds_leaves_the_rule_true(desk):
    advisers, users = desk
    reached = Counter()

    @settings(max_examples=25, deadline=None, derandomize=True, phases=[Phase.generate])
    @given(deeds=DEEDS)
    def run(deeds):
        with transaction.atomic():
            for deed in deeds:
                try:
                    with transaction.atomic():
                        do(*deed, [User.objects.get(pk=adviser.pk) for adviser in advisers])
                    reached[deed[0]] += 1
                except Refused:
                    pass
                check_rule()
            check_lists([User.objects.get(pk=user.pk) for user in users])
            transaction.set_rollback(True)

    run()
    assert {verb for verb, times in reached.items() if times >= 5} == set(VERBS)


@pytest.mark.parametrize("role", ["adviser", "manager"])
def test_pages_open_exactly_what_is_listed_and_counted(desk, role):
    browser = visit(role)
    user = User.objects.get(email=f"{role}@example.org")
    if role == "adviser":
        for case in Case.objects.order_by("pk")[1:3]:
            add_member(case, user, by=case.assigned)
    listed = browser.get("/en/staff/cases/").content.decode()
    keys = {key for key in Case.objects.values_list("public_id", flat=True) if f"/staff/cases/{key}/" in listed}
    opens = {
        key
        for key in Case.objects.values_list("public_id", flat=True)
        if browser.get(f"/en/staff/cases/{key}/").status_code == 200
    }
    assert keys == opens == set(Case.objects.visible_to(user).values_list("public_id", flat=True))
    assert len(keys) == 2


# --- Two at once --------------------------------------------------------------------------------------


def at_once(*deeds) -> list[str]:
    """Run each action in its own thread; return how they ended."""
    together, ends = threading.Barrier(len(deeds)), []

    def run(deed):
        together.wait()
        try:
            deed()
            ends.append("done")
        except Refused:
            ends.append("refused")
        except DatabaseError as fault:
            ends.append(type(fault).__name__)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=run, args=(deed,)) for deed in deeds]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sorted(ends)


def rule_holds() -> bool:
    try:
        check(User.objects.all())
    except AssertionError:
        return False
    return True


@pytest.fixture
def crowd(transactional_db):
    return [UserFactory(roles=["adviser"]) for _number in range(3)]


def case_of(adviser, contacts: int = 3) -> Case:
    case = open_case(log(new_log_entry(), by=adviser), by=adviser, subject="x")
    for _number in range(contacts - 1):
        log(new_log_entry(), by=adviser, case=case)
    return case


@pytest.mark.parametrize("round_", range(5))
def test_restricting_while_somebody_joins_and_logs_leaves_the_rule_true(crowd, round_):
    one, two, three = crowd
    case = case_of(one)
    add_member(case, two, by=one)
    ends = at_once(
        lambda: restrict(case, by=one),
        lambda: add_member(case, three, by=two),
        lambda: log(new_log_entry(), by=two, case=case),
        lambda: assign(case.consultations.first(), three, by=two),
    )
    assert set(ends) <= {"done", "refused"}
    assert rule_holds()
    assert Consultation.objects.filter(is_restricted=False).count() == 0


@pytest.mark.parametrize("round_", range(5))
def test_merging_both_ways_at_once_merges_once(crowd, round_):
    one, two, _three = crowd
    first, second = case_of(one), case_of(one)
    for case in (first, second):
        add_member(case, two, by=one)
    ends = at_once(lambda: merge_cases(first, into=second, by=one), lambda: merge_cases(second, into=first, by=two))
    assert ends == ["done", "refused"]
    assert Case.objects.filter(state="merged").count() == 1
    assert rule_holds()


@pytest.mark.parametrize("round_", range(3))
def test_last_two_members_cannot_both_leave(crowd, round_):
    one, two, _three = crowd
    case = case_of(one)
    add_member(case, two, by=one)
    ends = at_once(
        lambda: actions.remove_member(case, two, by=one),
        lambda: actions.assign_case(case, two, by=one),
        lambda: actions.remove_member(case, one, by=two),
    )
    assert "done" in ends
    assert case.members.count() >= 1
    assert rule_holds()


@pytest.mark.django_db
def test_without_the_lock_a_consultation_would_leak():
    """Negative control, step by step: log into a restricted case that was read before its restriction."""
    one, two = UserFactory(roles=["adviser"]), UserFactory(roles=["adviser"])
    case = case_of(one)
    add_member(case, two, by=one)
    as_read_before = Case.objects.get(pk=case.pk)
    restrict(case, by=one)

    assert log(new_log_entry(), by=two, case=as_read_before).is_restricted
    assert rule_holds()
    ConsultationFactory(case=as_read_before, is_restricted=as_read_before.is_restricted)
    assert not rule_holds()


@pytest.mark.django_db
def test_check_of_the_rule_sees_a_reader_too_many():
    adviser = UserFactory(roles=["adviser"])
    case = case_of(adviser)
    restrict(case, by=adviser)
    assert rule_holds()
    ReadGrant.objects.create(consultation=case.consultations.first(), user=UserFactory(roles=["manager"]))
    assert not rule_holds()
