"""Appointments: times come from the real hours, are booked once, moved and cancelled, also by many people at once."""

import threading
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from consultations.appointments import actions, availability
from consultations.appointments.actions import GuestContact
from consultations.appointments.availability import available_times, find_bookable_time
from consultations.models import DeskService, Slot
from consultations.roster import actions as roster_actions
from services.accounts.models import Resident
from services.base.refusals import Refused
from services.messaging.models import Message
from services.registration.actions import cancel
from services.registration.models import Offering, Registration
from tests.factories import DeskShiftFactory, HoursFactory, ResidentFactory, UserFactory
from tests.support.crowds import at_once

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)
TOKYO = ZoneInfo("Asia/Tokyo")
NOW = datetime(2026, 11, 27, 9, tzinfo=TOKYO)  # a Friday
SITA = GuestContact("Sita", "ne", email="sita@example.org")


@pytest.fixture(autouse=True)
def now(monkeypatch):
    """Set the clock to nine on a Friday morning; call the result to change the time."""
    moment = [NOW]
    monkeypatch.setattr(timezone, "now", lambda: moment[0])
    return lambda later: moment.__setitem__(0, later)


def lawyer(**more):
    """Create a lawyer's hours: Sundays from 13:00 to 15:00, half an hour per appointment."""
    given = {"service": DeskService.LAWYER, "language": "", "by_appointment": True, "schedule__weekdays": (6,)}
    return HoursFactory(**given | {"schedule__times": (13, 15)} | more)


def starts(found) -> list[str]:
    return [f"{it.starts_at:%m-%d %H:%M}" for it in found]


def book(it, person=SITA, **more) -> Registration:
    return actions.book(it, person, **{"how": "visit"} | more)


def told() -> list[str]:
    return [kind.partition("_")[2] for kind in Message.objects.order_by("pk").values_list("kind", flat=True)]


# --- Available times -----------------------------------------------------------------------------


def test_times_are_the_hours_cut_into_pieces_for_eight_weeks():
    lawyer(schedule__weeks=(1, 3))
    HoursFactory(service=DeskService.LABOUR, language="", schedule__weekdays=(0,))  # without an appointment
    found = available_times()
    assert starts(found)[:5] == ["12-06 13:00", "12-06 13:30", "12-06 14:00", "12-06 14:30", "12-20 13:00"]
    assert found[-1].day == date(2027, 1, 17)  # eight weeks end on 22 January
    assert {(it.ends_at - it.starts_at, it.service, it.availability) for it in found} == {
        (timedelta(minutes=30), "lawyer", "free")
    }


def test_times_know_holidays_exceptions_and_what_does_not_fit():
    hours = lawyer(slot_minutes=45, schedule__weekdays=(0, 6))
    roster_actions.change_day(hours, date(2026, 11, 30), by=None)
    roster_actions.change_day(hours, date(2026, 12, 6), by=None, begins=time(13, 50), ends=time(15, 20))
    found = starts(available_times())
    assert found[:4] == ["11-29 13:00", "11-29 13:45", "12-06 14:30", "12-07 13:00"]
    assert not any(it.startswith("01-11") for it in found)  # Coming of Age Day


def test_times_on_a_day_that_begins_earlier_keep_the_same_steps():
    hours = lawyer()
    roster_actions.change_day(hours, date(2026, 11, 29), by=None, begins=time(11, 50), ends=time(13))
    assert starts(available_times())[:3] == ["11-29 12:00", "11-29 12:30", "12-06 13:00"]


def test_times_for_advice_are_those_at_which_somebody_is_on_duty():
    HoursFactory(by_appointment=True, schedule__weekdays=(6,), schedule__times=(10, 17))
    assert available_times() == []
    DeskShiftFactory(schedule__weekdays=(6,), schedule__times=(16, 20))
    assert starts(available_times(DeskService.ADVICE, "ne"))[:3] == ["11-29 16:00", "11-29 16:30", "12-06 16:00"]
    assert available_times(DeskService.ADVICE, "vi") == []
    assert available_times(DeskService.LAWYER) == []


def test_times_that_are_past_are_gone(now):
    lawyer()
    now(datetime(2026, 11, 29, 13, 30, tzinfo=TOKYO))
    assert starts(available_times())[0] == "11-29 14:00"
    assert find_bookable_time(available_times()[0].hours, "20261129T1330") is None


def test_taken_time_can_be_waited_for_until_that_list_is_full_too():
    lawyer()
    first, second = available_times()[:2]
    book(first)
    assert [it.availability for it in available_times()[:2]] == ["wait", "free"]
    for _number in range(availability.WAITING_LIMIT):
        book(first, ResidentFactory(), accept_waiting_list=True)
    assert available_times()[0].starts_at == second.starts_at
    assert find_bookable_time(first.hours, first.at).availability == "taken"


@pytest.mark.parametrize("at", ["", "x", "20261129T1310", "20251129T1300", "20291202T1300", "99999999T9999"])
def test_time_that_the_desk_has_not_is_none(at):
    assert find_bookable_time(lawyer().public_id, at) is None


@pytest.mark.parametrize("many", [1, 30])
def test_times_cost_the_same_queries_for_one_as_for_thirty(many, django_assert_num_queries):
    lawyer()
    for it in available_times()[:many]:
        book(it, ResidentFactory())
    with django_assert_num_queries(4):
        assert len(available_times()) == 28  # the Sundays in eight weeks, without 3 January


# --- Booking -------------------------------------------------------------------------------------


def test_appointment_is_kept_for_somebody_without_an_account():
    hours = lawyer()
    row = book(available_times()[0], interpreting="ne", idempotency_key="key")
    slot = row.offering.slot
    assert (row.state, row.needs) == ("placed", {"how": "visit", "interpreting": "ne"})
    assert (slot.hours, slot.service, slot.starts_at) == (hours, "lawyer", datetime(2026, 11, 29, 13, tzinfo=TOKYO))
    assert (row.resident.name, row.resident.email, row.resident.user) == ("Sita", "sita@example.org", None)
    assert told() == ["booked"]


def test_form_sent_twice_is_one_appointment_and_one_person():
    lawyer()
    first, again = (book(available_times()[0], idempotency_key="key") for _time in range(2))
    assert first == again
    assert (Resident.objects.count(), Offering.objects.count(), told()) == (1, 1, ["booked"])


def test_time_that_was_free_a_moment_ago_is_refused_and_nobody_is_kept():
    lawyer()
    it = available_times()[0]
    book(it)
    with pytest.raises(Refused, match=r"^Someone else has just booked this time\."):
        book(it, GuestContact("Hung", "vi", email="hung@example.org"))
    assert Resident.objects.count() == 1
    assert book(it, ResidentFactory(), accept_waiting_list=True).state == "waiting"


def test_time_that_is_gone_meanwhile_is_refused():
    hours = lawyer()
    it = available_times()[0]
    roster_actions.change_day(hours, it.day, by=None)
    with pytest.raises(Refused, match=r"^This time is no longer available\."):
        book(it)


def test_nobody_has_two_appointments_at_once():
    lawyer()
    lawyer(service=DeskService.HEALTH, schedule__times=(13, 14))
    one, other = available_times(DeskService.LAWYER)[0], available_times(DeskService.HEALTH)[0]
    resident = ResidentFactory()
    book(one, resident)
    with pytest.raises(Refused, match=r"^You already have another booking with us at that time\.$"):
        book(other, resident)
    book(available_times(DeskService.LAWYER)[1])
    with pytest.raises(Refused, match=r"^We cannot book another appointment for you\."):
        book(available_times(DeskService.HEALTH)[1], GuestContact("SITA", "ne", email="Sita@example.org"))
    book(
        available_times(DeskService.HEALTH)[1], GuestContact("Ram", "ne", email="sita@example.org")
    )  # a family that shares a mailbox


def test_three_appointments_are_enough_for_one_address_but_not_for_the_desk():
    lawyer()
    for _number in range(3):
        book(
            available_times(DeskService.LAWYER)[0],
            GuestContact(f"Name {_number}", "ne", email="sita@example.org"),
            accept_waiting_list=True,
        )
    with pytest.raises(Refused, match=r"^We cannot book another appointment for you\."):
        book(available_times()[1])
    book(available_times()[1], by=UserFactory(roles=["adviser"]))


# --- Changing ------------------------------------------------------------------------------------


def test_time_is_changed_and_the_old_one_is_free_again():
    lawyer()
    first, second = available_times()[:2]
    row = book(first)
    changed = actions.change_time(row, second)
    assert (changed.pk, changed.offering.starts_at) == (row.pk, second.starts_at)
    assert [it.availability for it in available_times()[:2]] == ["free", "wait"]
    assert told() == ["booked", "changed"]


def test_time_is_changed_to_one_with_other_ways_to_speak():
    lawyer(modes=["visit"], schedule__last_day=date(2026, 11, 30))
    lawyer(modes=["phone"], schedule__first_day=date(2026, 12, 1))
    row = actions.change_time(book(available_times()[0]), available_times()[-1])
    assert Registration.objects.get().needs == {"how": "phone"} == row.needs


def test_taken_time_is_not_changed_to():
    lawyer()
    first, second = available_times()[:2]
    row = book(first)
    book(second, ResidentFactory())
    with pytest.raises(Refused, match=r"^This time has already been booked\."):
        actions.change_time(row, second)


# --- When the timetable changes ---------------------------------------------------------------------


def booked_on(hours, day=date(2026, 11, 29)) -> Registration:
    return book(
        next(it for it in available_times() if it.hours == hours.public_id and it.day == day), ResidentFactory()
    )


def later_hours(hours):
    hours.schedule.begins = time(14)
    roster_actions.save_hours(hours, hours.schedule, by=None)


def other_service(hours):
    hours.service = DeskService.LABOUR
    roster_actions.save_hours(hours, hours.schedule, by=None)


LOSE = {
    "closed that day": lambda hours: roster_actions.change_day(hours, date(2026, 11, 29), by=None),
    "later that day": lambda hours: roster_actions.change_day(
        hours, date(2026, 11, 29), by=None, begins=time(13, 30), ends=time(15)
    ),
    "later every day": later_hours,
    "something else": other_service,
    "ended": lambda hours: roster_actions.end_after(hours, date(2026, 11, 28), by=None),
    "never begun": lambda hours: (
        type(hours.schedule).objects.update(first_day=date(2026, 11, 29)),
        roster_actions.end_after(hours, date(2026, 11, 27), by=None),
    ),
}


@pytest.mark.parametrize("lose", LOSE.values(), ids=LOSE)
def test_appointment_that_the_timetable_loses_is_called_off_and_everybody_told(lose):
    hours = lawyer()
    row, waits = booked_on(hours), book(available_times()[0], ResidentFactory(), accept_waiting_list=True)
    kept = booked_on(lawyer(service=DeskService.HEALTH))
    lose(hours)
    states = [Registration.objects.get(pk=it.pk).state for it in (row, waits, kept)]
    assert states == ["cancelled", "cancelled", "placed"]
    assert told() == ["booked", "waiting", "booked", "cancelled_by_centre", "cancelled_by_centre"]
    assert Slot.objects.get(offering=row.offering).hours is None


def test_appointments_for_advice_are_lost_with_the_adviser():
    hours, shift = HoursFactory(by_appointment=True), DeskShiftFactory()
    row = booked_on(hours)
    roster_actions.end_after(shift, date(2026, 11, 28), by=None)
    assert Registration.objects.get(pk=row.pk).state == "cancelled"


def test_time_that_was_called_off_can_be_given_again_when_the_day_comes_back():
    hours = lawyer()
    row = booked_on(hours)
    roster_actions.change_day(hours, date(2026, 11, 29), by=None)
    roster_actions.restore_regular_hours(hours, date(2026, 11, 29), by=None)
    assert available_times()[0].availability == "free"
    assert booked_on(hours).offering != row.offering


def test_another_length_of_appointments_leaves_who_has_one_in_peace():
    hours = lawyer()
    row = book(available_times()[1], ResidentFactory())  # 13:30
    hours.slot_minutes = 60
    roster_actions.save_hours(hours, hours.schedule, by=None)
    assert Registration.objects.get(pk=row.pk).state == "placed"
    found = available_times()[:3]
    assert starts(found) == ["11-29 13:30", "11-29 14:00", "12-06 13:00"]
    assert [it.availability for it in found] == ["wait", "free", "free"]
    cancel(row)
    assert starts(available_times())[:2] == ["11-29 13:00", "11-29 14:00"]


def test_database_keeps_one_slot_for_a_time_of_the_hours():
    row = booked_on(lawyer())
    other = Offering.objects.create(
        programme="x", capacity=1, starts_at=row.offering.starts_at, ends_at=row.offering.ends_at
    )
    slot = row.offering.slot
    with pytest.raises(IntegrityError), transaction.atomic():
        Slot.objects.create(
            offering=other, hours=slot.hours, starts_at=slot.starts_at, ends_at=slot.ends_at, service=slot.service
        )


# --- Many at once ---------------------------------------------------------------------------------


@pytest.mark.django_db(transaction=True)
@pytest.mark.thorough
def test_slot_that_fifty_want_at_once_is_given_once():
    lawyer()
    it = available_times()[0]
    people = [GuestContact(f"Name {number}", "ne", email=f"name{number}@example.org") for number in range(50)]
    ends = at_once(50, lambda number: book(it, people[number]).state)
    assert ends == {"placed": 1, "refused": 49}
    assert (Slot.objects.count(), Offering.objects.count(), Resident.objects.count()) == (1, 1, 1)


@pytest.mark.django_db(transaction=True)
def test_slot_is_never_left_on_a_day_that_is_cancelled_at_the_same_moment():
    hours = lawyer()
    found = available_times()[:4]

    def act(number):
        if number == 4:
            roster_actions.change_day(hours, found[0].day, by=None)
            return "closed"
        return book(found[number], GuestContact(f"Name {number}", "ne", email=f"name{number}@example.org")).state

    ends = at_once(5, act)
    assert ends["closed"] == 1
    assert Registration.objects.holding().count() == 0
    assert told().count("cancelled_by_centre") == told().count("booked") == ends["placed"]


@pytest.mark.django_db(transaction=True)
def test_slot_is_made_twice_without_the_lock(monkeypatch):
    """Negative control: two requests look before either creates the slot; only the database constraint stops one."""
    lawyer()
    it = available_times()[0]
    both_have_looked = threading.Barrier(2)
    monkeypatch.setattr(actions, "lock_roster", lambda: None)
    monkeypatch.setattr(actions, "find_bookable_time", lambda *names: it)
    # Both have found no slot of this time when they come to this.
    monkeypatch.setattr(actions, "_remove_empty_slots", lambda slots: both_have_looked.wait())
    if connection.vendor == "sqlite":  # one writer at a time: the transaction itself is the lock
        monkeypatch.setattr(actions, "book", actions.book.__wrapped__)

    def act(number):
        try:
            return book(it, GuestContact(f"Name {number}", "ne", email=f"name{number}@example.org")).state
        except IntegrityError:
            return "broken"

    assert at_once(2, act) == {"placed": 1, "broken": 1}
