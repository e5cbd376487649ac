"""Many people want the last place at the same moment, with real threads; and all actions come in any order."""

import contextlib
import threading

import pytest
from django.db import connections
from django.db.models import Sum
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.base.refusals import Refused
from services.registration import actions
from services.registration.models import ENDED_STATES, Offering, Registration
from tests.factories import OfferingFactory, ResidentFactory
from tests.support.crowds import at_once
from tests.support.nasty_texts import EVEN_ON_POSTGRESQL

MANY = 50


@pytest.mark.django_db(transaction=True)
@pytest.mark.thorough
def test_last_place_that_fifty_want_at_once_is_given_once():
    offering, residents = OfferingFactory(waiting_limit=10), ResidentFactory.create_batch(MANY)
    ends = at_once(MANY, lambda number: actions.register(residents[number], offering).state)
    assert ends == {"placed": 1, "waiting": 10, "refused": 39}
    assert Registration.objects.count() == 11


@pytest.mark.django_db(transaction=True)
@pytest.mark.thorough
def test_one_form_that_is_sent_fifty_times_at_once_is_one_registration():
    offering, residents = OfferingFactory(capacity=100), ResidentFactory.create_batch(MANY)
    ends = at_once(MANY, lambda number: actions.register(residents[number], offering, idempotency_key="key").public_id)
    assert list(ends.values()) == [MANY]


@pytest.mark.django_db(transaction=True)
def test_one_person_who_wants_two_meetings_at_once_gets_one():
    resident, offerings = ResidentFactory(), OfferingFactory.create_batch(8, is_one_meeting=True)
    ends = at_once(8, lambda number: actions.register(resident, offerings[number]).state)
    assert ends == {"placed": 1, "refused": 7}


@pytest.mark.django_db(transaction=True)
def test_two_who_change_places_crosswise_do_not_wait_for_each_other():
    one, other = OfferingFactory.create_batch(2, capacity=20)
    rows = [actions.register(ResidentFactory(), one if number % 2 else other) for number in range(10)]
    ends = at_once(10, lambda number: actions.move_to(rows[number], other if number % 2 else one).state)
    assert ends == {"placed": 10}
    assert [one.held(), other.held()] == [5, 5]


@pytest.mark.django_db(transaction=True)
def test_last_place_is_given_twice_without_the_lock(monkeypatch):
    """Negative control: two threads that count before either has written both find the place free."""
    offering, residents = OfferingFactory(), ResidentFactory.create_batch(2)
    both_have_counted = threading.Barrier(2)
    state_for = actions._state_for

    def state_after_both(*args):
        state = state_for(*args)
        both_have_counted.wait()
        return state

    monkeypatch.setattr(actions, "_lock_offering", lambda offering: Offering.objects.get(pk=offering.pk))
    monkeypatch.setattr(actions, "_state_for", state_after_both)
    if connections["default"].vendor == "sqlite":  # one writer at a time: the transaction itself is the lock
        monkeypatch.setattr(actions, "register", actions.register.__wrapped__)
    ends = at_once(2, lambda number: actions.register(residents[number], offering).state)
    assert ends == {"placed": 2}
    assert offering.held() == 2


VERBS = st.one_of(
    st.tuples(st.just("register"), st.integers(1, 3)),
    st.tuples(st.sampled_from(["accept", "decline", "cancel", "expire"]), st.integers(0, 9)),
    st.tuples(st.just("change_party"), st.integers(0, 9), st.integers(1, 4)),
    st.tuples(st.just("move_to"), st.integers(0, 9)),
    st.tuples(st.just("draw")),
)


@pytest.mark.django_db
@settings(
    EVEN_ON_POSTGRESQL,
    max_examples=60,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(verbs=st.lists(VERBS, max_size=15), capacity=st.integers(1, 4), is_lottery=st.booleans())
def test_there_are_never_more_than_there_are_places(verbs, capacity, is_lottery):
    offering = OfferingFactory(capacity=capacity, selection="lottery" if is_lottery else "first_come")
    other = OfferingFactory(capacity=1)
    for verb in verbs:
        with contextlib.suppress(Refused):
            do(offering, other, *verb)
        for it in (offering, other):
            assert it.held() <= it.capacity
    waiting = Registration.objects.filter(offering=offering, state="waiting")
    free = offering.capacity - offering.held()
    assert all(row.party_size > free for row in waiting)  # nobody waits for a free place
    active = Registration.objects.exclude(state__in=ENDED_STATES).aggregate(people=Sum("party_size"))["people"] or 0
    assert offering.held() + other.held() <= active


def do(offering, other, verb, *numbers) -> None:
    """Apply one action to the registration with that number, if there is one."""
    if verb == "register":
        actions.register(ResidentFactory(), offering, party_size=numbers[0])
        return
    if verb == "draw":
        actions.draw(offering, by=None)
        return
    rows = list(Registration.objects.filter(offering__in=[offering, other]).order_by("pk"))
    if not rows:
        return
    row = rows[numbers[0] % len(rows)]
    if verb == "expire":
        Registration.objects.filter(pk=row.pk, state="offered").update(offered_until=row.applied_at)
        actions.expire_offers()
    elif verb == "change_party":
        actions.change_party(row, numbers[1])
    elif verb == "move_to":
        actions.move_to(row, other)
    else:
        getattr(actions, verb)(row)
