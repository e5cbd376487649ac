"""Changes to an offering and what follows for its people: other times, more or fewer places, draws, offers, parties."""

import datetime
from datetime import timedelta

import icalendar
import pytest
from django.db import transaction
from django.utils import timezone
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from services.audit.models import AuditEntry
from services.base.refusals import Refused
from services.messaging.models import Message, Reminder
from services.messaging.reminders import send_due
from services.registration import actions
from services.registration.models import Offering, PlaceUnit, Registration
from services.registration.summaries import calendar_entry, summary_of
from services.schedules.calendar_files import render_calendar
from tests.factories import AppointmentFactory, OfferingFactory, ResidentFactory, UserFactory
from tests.support.crowds import at_once

pytestmark = pytest.mark.django_db
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
START = datetime.datetime(2027, 5, 8, 4, tzinfo=datetime.UTC)  # a Saturday, 13:00 in Tokyo


@pytest.fixture(autouse=True)
def now(monkeypatch):
    """Set the clock to 20 April 2027; call the result to change the time."""
    moment = [datetime.datetime(2027, 4, 20, tzinfo=datetime.UTC)]
    monkeypatch.setattr(timezone, "now", lambda: moment[0])
    return lambda later: moment.__setitem__(0, later)


def meeting(starts_at=START, *, hours: float = 1, **more) -> Offering:
    return OfferingFactory(starts_at=starts_at, ends_at=starts_at + hours * HOUR, is_one_meeting=True, **more)


def lottery(**more) -> Offering:
    return meeting(selection="lottery", closes_at=START - DAY, **more)


def registers(offering, resident=None, **more) -> Registration:
    return actions.register(resident or ResidentFactory(), offering, **more)


def states(offering) -> list[str]:
    return list(offering.registrations.order_by("pk").values_list("state", flat=True))


def told(resident) -> list[str]:
    kinds = Message.objects.filter(resident=resident).order_by("pk").values_list("kind", flat=True)
    return [kind.partition("_")[2] for kind in kinds]


# --- The draw and offers: one meeting at a time ---------------------------------------------------


@pytest.mark.parametrize("apart", [0, 0.5])
def test_f4_draw_gives_one_person_one_meeting_at_a_time_and_says_why(now, apart):
    person, first, second = ResidentFactory(), lottery(capacity=5), lottery(starts_at=START + apart * HOUR, capacity=5)
    for offering in (first, second):
        registers(offering, person)
    now(START - HOUR)

    for offering in (first, second):
        actions.draw(offering, by=UserFactory())

    assert (states(first), states(second)) == (["placed"], ["not_drawn"])
    assert told(person)[-2:] == ["booked", "not_drawn"]
    assert Message.objects.order_by("pk").last().context["because"] == "busy"


def test_f4_meetings_back_to_back_are_both_given(now):
    person, first, second = ResidentFactory(), lottery(capacity=1), lottery(starts_at=START + HOUR, capacity=1)
    for offering in (first, second):
        registers(offering, person)
    now(START - HOUR)
    for offering in (first, second):
        actions.draw(offering, by=UserFactory())
    assert (states(first), states(second)) == (["placed"], ["placed"])


@pytest.mark.parametrize("late", [timedelta(), HOUR])
def test_f5_draw_is_not_held_after_the_start(now, late):
    offering = lottery()
    registers(offering)
    now(START + late)
    with pytest.raises(Refused, match=r"^This appointment or event has already started\.$"):
        actions.draw(offering, by=UserFactory())
    assert states(offering) == ["applied"]


def test_f9_offer_goes_past_who_has_another_meeting_then():
    busy, free, offering = ResidentFactory(), ResidentFactory(), meeting()
    holder = registers(offering)
    registers(offering, busy)
    registers(offering, free)
    other = meeting(starts_at=START + HOUR / 2)
    Registration.objects.filter(resident=busy).update(state="waiting")
    registers(other, busy)

    actions.cancel(holder)

    assert states(offering) == ["cancelled", "waiting", "offered"]


def test_f9_who_takes_one_of_two_offers_gives_the_other_back_within_a_tick():
    person, next_one = ResidentFactory(), ResidentFactory()
    first, second = meeting(), meeting()
    holders = [registers(offering) for offering in (first, second)]
    rows = [registers(offering, person) for offering in (first, second)]
    registers(second, next_one)
    for holder in holders:
        actions.cancel(holder)
    assert [Registration.objects.get(pk=row.pk).state for row in rows] == ["offered", "offered"]

    actions.accept(rows[0])
    assert actions.expire_offers() == 1

    assert [Registration.objects.get(pk=row.pk).state for row in rows] == ["placed", "waiting"]
    assert states(second)[-1] == "offered"
    actions.cancel(rows[0])
    actions.decline(second.registrations.get(resident=next_one))
    assert Registration.objects.get(pk=rows[1].pk).state == "offered"


def test_f9_free_place_finds_who_was_busy_within_a_tick_of_their_cancelling():
    busy, offering, other = ResidentFactory(), meeting(), meeting(starts_at=START + HOUR / 2)
    holder = registers(offering)
    registers(offering, busy)
    elsewhere = registers(other, ResidentFactory())
    Registration.objects.filter(pk=elsewhere.pk).update(resident=busy)
    actions.cancel(holder)
    assert states(offering) == ["cancelled", "waiting"]

    actions.cancel(elsewhere)
    actions.expire_offers()

    assert states(offering) == ["cancelled", "offered"]


def test_f11_who_let_an_offer_lapse_may_register_again(now):
    person, offering = ResidentFactory(), meeting()
    holder = registers(offering)
    registers(offering, person)
    actions.cancel(holder)
    now(timezone.now() + 25 * HOUR)

    assert registers(offering, person).state == "placed"
    assert states(offering) == ["cancelled", "expired", "placed"]


# --- More and fewer places ------------------------------------------------------------------------


def test_f6_nobody_loses_a_place_when_there_are_fewer_and_less_is_always_possible():
    offering = meeting(capacity=10)
    six, four = registers(offering, party_size=6), registers(offering, party_size=4)
    actions.change_capacity(offering, 3, by=UserFactory())
    offering.refresh_from_db()
    assert (states(offering), offering.excess()) == (["placed", "placed"], 7)
    with pytest.raises(Refused, match=r"^All places are taken\.$"):
        actions.change_party(six, 7)
    assert actions.change_party(six, 3).party_size == 3
    assert actions.change_party(four, 1).party_size == 1
    assert offering.excess() == 1


def test_f10_new_places_are_offered_at_once_in_order_and_before_newcomers():
    offering = meeting(capacity=2)
    for _number in range(5):
        registers(offering)
    actions.change_capacity(offering, 4, by=UserFactory())
    assert states(offering) == ["placed", "placed", "offered", "offered", "waiting"]
    assert registers(offering).state == "waiting"
    line = AuditEntry.objects.get(action="registration.change_capacity")
    assert line.object_id == offering.public_id


@pytest.mark.parametrize("party_size", [1, 4])
def test_f22_without_places_there_is_a_waiting_list_only(party_size):
    offering = meeting(capacity=0)
    row = registers(offering, party_size=party_size)
    assert row.state == "waiting"
    assert actions.change_party(row, party_size + 1).party_size == party_size + 1
    actions.change_capacity(offering, party_size + 1, by=UserFactory())
    assert states(offering) == ["offered"]


def test_f22_without_places_and_without_a_list_all_are_taken():
    with pytest.raises(Refused, match=r"^All places are taken\.$"):
        registers(meeting(capacity=0, has_waiting_list=False))


def test_places_for_families_are_counted_by_family():
    offering = meeting(capacity=2, place_unit=PlaceUnit.PARTY)
    rows = [registers(offering, party_size=size) for size in (5, 3, 2)]
    assert [row.state for row in rows] == ["placed", "placed", "waiting"]
    assert actions.change_party(rows[0], 6).party_size == 6
    assert offering.held() == 2
    actions.cancel(rows[1])
    assert states(offering) == ["placed", "cancelled", "offered"]


# --- Another time ---------------------------------------------------------------------------------


def sequence_in_file(row: Registration) -> int:
    entry = calendar_entry(row, summary_of(row, "en"), "en")
    [event] = icalendar.Calendar.from_ical(render_calendar([entry], stamp=timezone.now())).walk("VEVENT")
    assert event["UID"].startswith(row.public_id)
    return event["SEQUENCE"]


def test_f7_postponed_offering_takes_everybody_and_their_reminders_along(now):
    row = AppointmentFactory(offering=meeting(capacity=2))
    offering = row.offering
    other, waits = registers(offering), registers(offering)
    before = sequence_in_file(row)
    now(datetime.datetime(2027, 5, 1, tzinfo=datetime.UTC))

    actions.reschedule(offering, START + 7 * DAY, START + 7 * DAY + HOUR, by=UserFactory())

    for person in (row, other, waits):
        assert told(person.resident).count("changed") == 1
    row = Registration.objects.get(pk=row.pk)
    assert sequence_in_file(row) > before
    assert row.resident.needed_until == START + 7 * DAY + HOUR
    now(datetime.datetime(2027, 5, 7, 1, tzinfo=datetime.UTC))
    assert send_due() == 0
    now(datetime.datetime(2027, 5, 14, 1, tzinfo=datetime.UTC))  # 10:00 in Tokyo
    assert send_due() == 2
    assert told(other.resident)[-1] == "reminder"


def test_f7_moved_after_the_reminder_is_reminded_anew(now):
    row = registers(meeting())
    now(datetime.datetime(2027, 5, 7, 1, tzinfo=datetime.UTC))
    assert send_due() == 1
    actions.reschedule(row.offering, START + 7 * DAY, START + 7 * DAY + HOUR, by=UserFactory())
    now(datetime.datetime(2027, 5, 14, 1, tzinfo=datetime.UTC))
    assert send_due() == 1
    assert told(row.resident) == ["booked", "reminder", "changed", "reminder"]


def test_f7_time_in_the_past_is_refused_and_moves_nothing(now):
    row = registers(meeting())
    with pytest.raises(Refused, match=r"^The new time is in the past\."):
        actions.reschedule(row.offering, timezone.now() - DAY, timezone.now(), by=UserFactory())
    assert Offering.objects.get().starts_at == START
    assert Reminder.objects.get().due_at == datetime.datetime(2027, 5, 7, 1, tzinfo=datetime.UTC)


def test_f7_offer_does_not_outlive_an_earlier_start(now):
    offering = meeting()
    holder, waits = registers(offering), registers(offering)
    actions.cancel(holder)
    earlier = timezone.now() + 2 * HOUR
    actions.reschedule(offering, earlier, earlier + HOUR, by=UserFactory())
    assert Registration.objects.get(pk=waits.pk).offered_until == earlier


def test_f7_whoever_has_another_meeting_then_is_named_first():
    busy, offering = ResidentFactory(), meeting()
    row = registers(offering, busy)
    registers(meeting(starts_at=START + 7 * DAY), busy)
    new = (START + 7 * DAY, START + 7 * DAY + HOUR)
    with pytest.raises(actions.WouldOverlap) as refusal:
        actions.reschedule(offering, *new, by=UserFactory())
    assert refusal.value.rows == [row]
    assert Offering.objects.get(pk=offering.pk).starts_at == START
    actions.reschedule(offering, *new, by=UserFactory(), agreed=[row.public_id])
    assert states(offering) == ["cancelled"]
    assert told(busy)[-1] == "cancelled_by_centre"


# --- People and parties ---------------------------------------------------------------------------


def test_f19_part_of_a_party_came_and_the_same_number_again_is_no_change(now):
    row = registers(meeting(capacity=4), party_size=4)
    now(START)
    for came in (3, 3, 4, None, None):
        assert actions.record_attendance(row, came, by=UserFactory()).attendees == came
    assert AuditEntry.objects.filter(action="registration.note_attendance").count() == 3
    for wrong in (5, -1):
        with pytest.raises(Refused):
            actions.record_attendance(row, wrong, by=UserFactory())


@pytest.mark.parametrize(
    ("name", "email", "is_same"),
    [
        ("SITA R.", "Sita@example.org", True),
        ("Ｓｉｔａ　Ｒ．", "sita@example.org", True),
        ("Ram R.", "sita@example.org", False),
        ("Sita R.", "other@example.org", False),
    ],
)
def test_f20_same_person_under_two_rows_has_one_place(name, email, is_same):
    offering = meeting(capacity=2)
    registers(offering, ResidentFactory(name="Sita R.", email="sita@example.org"))
    again = ResidentFactory(name=name, email=email)
    if not is_same:
        assert registers(offering, again).state == "placed"
        return
    with pytest.raises(Refused, match=r"^We cannot accept this registration\."):
        registers(offering, again)
    with pytest.raises(Refused, match=r"^You have already registered for this\.$"):
        registers(offering, again, by=UserFactory())
    assert states(offering) == ["placed"]


def test_f20_same_telephone_number_and_name_is_the_same_person():
    offering = meeting(capacity=2)
    registers(offering, ResidentFactory(name="Hung", email="", phone="09012345678"))
    with pytest.raises(Refused):
        registers(offering, ResidentFactory(name="hung", email="hung@example.org", phone="09012345678"))


def test_f21_person_is_told_when_staff_change_their_party():
    row = registers(meeting(capacity=4), party_size=2)
    actions.change_party(row, 3, by=UserFactory())
    assert told(row.resident) == ["booked", "changed"]
    actions.change_party(row, 2)
    assert told(row.resident) == ["booked", "changed"]


# --- Anything, in any order -----------------------------------------------------------------------

DEED = st.tuples(
    st.sampled_from(["register", "move", "capacity", "draw", "expire", "accept", "decline", "cancel", "reschedule"]),
    st.integers(0, 11),
    st.integers(0, 6),
)


def perform(deed: str, number: int, other: int, offerings: list, people: list) -> None:
    """Perform one action; what is refused changes nothing."""
    offering = Offering.objects.get(pk=offerings[number % len(offerings)].pk)
    rows = list(Registration.objects.order_by("pk"))
    row = rows[number % len(rows)] if rows else None
    time = START + other * HOUR / 2
    deeds = {
        "register": lambda: actions.register(people[other % len(people)], offering, party_size=1 + number % 3),
        "capacity": lambda: actions.change_capacity(offering, other, by=None),
        "draw": lambda: actions.draw(offering, by=None, seed="seed"),
        "expire": lambda: actions.offer_freed_places(offering),
        "reschedule": lambda: actions.reschedule(offering, time, time + HOUR, by=None),
        "move": lambda: row and actions.move_to(row, offerings[other % len(offerings)]),
        "accept": lambda: row and actions.accept(row),
        "decline": lambda: row and actions.decline(row),
        "cancel": lambda: row and actions.cancel(row),
    }
    try:
        with transaction.atomic():
            deeds[deed]()
    except Refused:
        pass


@pytest.mark.thorough
@settings(max_examples=30, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(deeds=st.lists(DEED, min_size=5, max_size=25))
@example(deeds=[("register", 0, 0), ("register", 2, 0), ("draw", 2, 0), ("capacity", 0, 0), ("reschedule", 0, 1)])
@example(deeds=[("register", 0, 0), ("register", 1, 1), ("capacity", 0, 2), ("move", 1, 0), ("cancel", 0, 0)])
def test_any_sequence_keeps_places_order_and_one_meeting_at_a_time_and_loses_nobody(db, deeds):
    with transaction.atomic():
        people = [ResidentFactory() for _number in range(4)]
        offerings = [
            meeting(capacity=2),
            meeting(starts_at=START + HOUR / 2, capacity=3),
            meeting(starts_at=START + HOUR, selection="lottery", capacity=2),
        ]
        registered = 0
        for deed, number, other in deeds:
            before = {offering.pk: offering.held() for offering in Offering.objects.all()}
            perform(deed, number, other, offerings, people)
            for offering in Offering.objects.all():
                held = offering.held()
                assert held <= offering.capacity or held <= before[offering.pk]  # of too many, only ever fewer
                assert offering.excess() == max(held - offering.capacity, 0)
            actions.expire_offers()
            for offering in Offering.objects.all():
                busy = set(offering.registrations.waiting().busy_elsewhere())
                free = 0 if offering.waits_for_draw else offering.capacity - offering.held()
                assert [it for it in offering.registrations.waiting() if it.party_size <= free and it not in busy] == []
            assert Registration.objects.filter(state="placed").busy_elsewhere().count() == 0
            assert Registration.objects.count() >= registered
            registered = Registration.objects.count()
        transaction.set_rollback(True)


# --- At the same moment ---------------------------------------------------------------------------


def two_draws(now) -> set[str]:
    person, first, second = ResidentFactory(), lottery(capacity=5), lottery(starts_at=START + HOUR / 2, capacity=5)
    for offering in (first, second):
        registers(offering, person)
    now(START - HOUR)
    at_once(2, lambda number: actions.draw((first, second)[number], by=None).pk)
    return {*states(first), *states(second)}


@pytest.mark.django_db(transaction=True)
def test_f4_two_draws_at_the_same_moment_give_one_meeting(now):
    assert two_draws(now) == {"placed", "not_drawn"}


@pytest.mark.django_db(transaction=True)
def test_f10_places_added_while_others_register_are_given_once():
    offering = meeting(capacity=1)
    registers(offering)

    def act(number):
        if number == 0:
            return actions.change_capacity(offering, 3, by=None).pk
        return registers(offering).state

    at_once(8, act)
    assert offering.held() == 3
