"""One set of desk hours is never booked twice at a time, whatever the lengths of appointments and of openings."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from consultations.appointments import actions
from consultations.appointments.actions import GuestContact
from consultations.appointments.availability import available_times, find_bookable_time
from consultations.models import DeskService, Slot
from consultations.roster import actions as roster_actions
from services.base.refusals import Refused
from services.registration.actions import cancel
from services.registration.models import Registration
from tests.factories import HoursFactory, OfferingFactory, ResidentFactory, SlotFactory
from tests.support.crowds import at_once

pytestmark = pytest.mark.django_db
TOKYO = ZoneInfo("Asia/Tokyo")
NOW = datetime(2026, 11, 27, 9, tzinfo=TOKYO)  # a Friday
SATURDAY = 5
MINUTE = timedelta(minutes=1)


@pytest.fixture(autouse=True)
def _now(monkeypatch):
    monkeypatch.setattr(timezone, "now", lambda: NOW)


def saturday(service: str, begins: int, ends: int, **more):
    """Create hours by appointment on Saturdays."""
    given = {"service": service, "language": "", "by_appointment": True, "schedule__weekdays": (SATURDAY,)}
    return HoursFactory(**given | {"schedule__times": (begins, ends)} | more)


def saturday_at(hour: int, minute: int = 0) -> str:
    return f"20261128T{hour:02}{minute:02}"


def book_at(hours, at: str, **more) -> Registration:
    return actions.book(find_bookable_time(hours.public_id, at), ResidentFactory(), how="visit", **more)


def with_length(hours, minutes: int) -> None:
    hours.slot_minutes = minutes
    roster_actions.save_hours(hours, hours.schedule, by=None)


def availability(hours, at: str) -> str | None:
    found = find_bookable_time(hours.public_id, at)
    return found.availability if found else None


@pytest.mark.parametrize(("begins", "ends"), [(13, 15), (13, 17), (9, 10), (16, 18)])
def test_c1_taken_time_can_be_waited_for_whatever_other_hours_there_are(begins, ends):
    labour = saturday(DeskService.LABOUR, 10, 17)
    saturday(DeskService.HEALTH, begins, ends)
    book_at(labour, saturday_at(16))

    assert availability(labour, saturday_at(16)) == "wait"
    assert book_at(labour, saturday_at(16), accept_waiting_list=True).state == "waiting"
    listed = {(it.hours, it.at): it.availability for it in available_times(DeskService.LABOUR)}
    assert listed[labour.public_id, saturday_at(16)] == "wait"


@pytest.mark.parametrize(("length", "overlapping"), [(60, saturday_at(15)), (45, saturday_at(15, 15))])
def test_c2_another_length_of_appointments_never_overlaps_a_booking(length, overlapping):
    labour = saturday(DeskService.LABOUR, 10, 17)
    saturday(DeskService.HEALTH, 11, 13)
    book_at(labour, saturday_at(15, 30))
    with_length(labour, length)

    assert availability(labour, overlapping) is None
    assert availability(labour, saturday_at(15, 30)) == "wait"
    assert availability(labour, saturday_at(10)) == "free"


def test_c2_booking_that_reaches_into_later_hours_keeps_its_time():
    labour = saturday(DeskService.LABOUR, 10, 17)
    slot = SlotFactory(
        hours=labour,
        offering=OfferingFactory(
            is_one_meeting=True,
            starts_at=datetime(2026, 11, 28, 9, 30, tzinfo=TOKYO),
            ends_at=datetime(2026, 11, 28, 10, 30, tzinfo=TOKYO),
        ),
    )
    Registration.objects.create(offering=slot.offering, resident=ResidentFactory(), state="placed")

    assert availability(labour, saturday_at(10)) is None
    assert availability(labour, saturday_at(10, 30)) == "free"


def test_c2_slot_that_nobody_has_any_longer_makes_room_for_another_length():
    labour = saturday(DeskService.LABOUR, 10, 17, slot_minutes=60)
    cancel(book_at(labour, saturday_at(15)))
    with_length(labour, 30)

    first, second = book_at(labour, saturday_at(15, 30)), book_at(labour, saturday_at(15))

    assert (first.state, second.state) == ("placed", "placed")
    assert second.offering.ends_at == first.offering.starts_at


def test_c2_time_that_was_shown_with_another_end_is_refused():
    labour = saturday(DeskService.LABOUR, 10, 17, slot_minutes=60)
    shown = find_bookable_time(labour.public_id, saturday_at(15))
    with_length(labour, 30)

    with pytest.raises(Refused):
        actions.book(shown, ResidentFactory(), how="visit")


@pytest.mark.parametrize(
    ("begins", "ends"), [((15, 0), (16, 0)), ((14, 30), (15, 1)), ((15, 29), (16, 0)), ((15, 10), (15, 20))]
)
def test_c2_database_refuses_slots_that_overlap(begins, ends):
    labour = saturday(DeskService.LABOUR, 10, 17)
    slot = book_at(labour, saturday_at(15)).offering.slot

    def offering(begins, ends):
        day = datetime(2026, 11, 28, tzinfo=TOKYO)
        return OfferingFactory(
            starts_at=day + timedelta(hours=begins[0], minutes=begins[1]),
            ends_at=day + timedelta(hours=ends[0], minutes=ends[1]),
        )

    with pytest.raises(IntegrityError), transaction.atomic():
        SlotFactory(hours=labour, offering=offering(begins, ends))
    beside = SlotFactory(hours=labour, offering=offering((15, 30), (16, 0)))
    with pytest.raises(IntegrityError), transaction.atomic():
        Slot.objects.filter(pk=beside.pk).update(starts_at=slot.ends_at - MINUTE)
    elsewhere = saturday(DeskService.HEALTH, 10, 17)
    SlotFactory(hours=elsewhere, offering=offering(begins, ends))


@pytest.mark.django_db(transaction=True)
def test_c2_overlapping_times_that_two_want_at_once_are_given_to_one():
    """One still has the page with the hour, whose slot nobody has any longer; the other books half of it."""
    labour = saturday(DeskService.LABOUR, 10, 17, slot_minutes=60)
    hour = find_bookable_time(labour.public_id, saturday_at(15))
    cancel(book_at(labour, saturday_at(15)))
    with_length(labour, 30)
    half = find_bookable_time(labour.public_id, saturday_at(15, 30))
    people = [GuestContact(f"Name {number}", "ne", email=f"name{number}@example.org") for number in range(20)]

    ends = at_once(20, lambda number: actions.book((hour, half)[number % 2], people[number], how="visit").state)

    assert ends == {"placed": 1, "refused": 19}
    assert Registration.objects.get(state="placed").offering.starts_at == half.starts_at


LENGTHS = (15, 20, 30, 45, 60, 90)
HOURS = st.lists(
    st.tuples(
        st.sampled_from([DeskService.LABOUR, DeskService.HEALTH, DeskService.LAWYER]),
        st.integers(9, 14),
        st.integers(1, 6),
        st.sampled_from(LENGTHS),
    ),
    min_size=1,
    max_size=3,
    unique_by=lambda it: it[0],
)
DEEDS = st.lists(st.tuples(st.sampled_from(["book", "cancel", "length"]), st.integers(0, 40)), max_size=8)


def perform(deed: str, number: int, every: list, booked: list) -> None:
    """Book a listed time, cancel a booking or change the length of appointments of some hours."""
    listed = [it for it in available_times() if it.at.startswith("20261128")]
    if deed == "book" and listed:
        time = listed[number % len(listed)]
        booked.append(actions.book(time, ResidentFactory(), how=time.modes[0], accept_waiting_list=True))
    elif deed == "cancel" and booked:
        cancel(booked.pop(number % len(booked)))
    elif deed == "length":
        with_length(every[number % len(every)], LENGTHS[number % len(LENGTHS)])


@pytest.mark.thorough
@settings(max_examples=25, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(hours=HOURS, deeds=DEEDS)
@example(
    hours=[(DeskService.LABOUR, 10, 6, 30), (DeskService.HEALTH, 11, 2, 30)],
    deeds=[("book", 5), ("length", 4), ("book", 4), ("cancel", 0), ("book", 4)],
)
def test_c1_c2_time_shown_as_free_can_be_booked_and_any_other_be_waited_for(db, hours, deeds):
    with transaction.atomic():
        every = [
            saturday(service, begins, begins + long, slot_minutes=length) for service, begins, long, length in hours
        ]
        booked = []
        for deed, number in deeds:
            perform(deed, number, every, booked)
        taken = sorted(
            Slot.objects.not_cancelled()
            .filter(offering__registrations__state="placed")
            .values_list("hours", "starts_at", "ends_at")
        )
        for one, other in pairwise(taken):
            assert one[0] != other[0] or one[2] <= other[1]
        listed = [it for it in available_times() if it.at.startswith("20261128")]
        shown = {(it.hours, it.starts_at.astimezone(UTC), it.ends_at.astimezone(UTC)) for it in listed}
        keys = {row.pk: row.public_id for row in every}
        assert {(keys[pk], begins, ends) for pk, begins, ends in taken} <= shown | {
            (keys[row.hours_id], row.starts_at, row.ends_at) for row in Slot.objects.all() if not _has_room_to_wait(row)
        }
        for time in listed:
            assert find_bookable_time(time.hours, time.at) == time
            point = transaction.savepoint()
            row = actions.book(
                time, ResidentFactory(), how=time.modes[0], accept_waiting_list=time.availability == "wait"
            )
            assert row.state == {"free": "placed", "wait": "waiting"}[time.availability]
            transaction.savepoint_rollback(point)
        transaction.set_rollback(True)


def _has_room_to_wait(slot: Slot) -> bool:
    return slot.offering.is_waiting_list_open()
