"""Registration actions: never more people than places, in order, each with a reason and a message."""

import datetime
import io
from datetime import timedelta

import pytest
from django.core.management import call_command
from django.db import IntegrityError, transaction
from django.utils import timezone

from consultations.appointments.appointment_needs import AppointmentNeeds
from services.accounts.models import Resident
from services.audit.models import AuditEntry
from services.audit.trail import content_version
from services.base.refusals import Refused
from services.base.retention import apply_retention
from services.messaging.models import Message, Reminder
from services.messaging.subjects import DeliveryDecision
from services.registration import actions, tasks
from services.registration.models import Offering, Registration
from tests.factories import OfferingFactory, RegistrationFactory, ResidentFactory, UserFactory

pytestmark = pytest.mark.django_db
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


def states(offering: Offering) -> list[str]:
    return list(offering.registrations.order_by("pk").values_list("state", flat=True))


def told(resident: Resident | None = None) -> list[str]:
    messages = Message.objects.filter(resident=resident) if resident else Message.objects.all()
    return [kind.partition("_")[2] for kind in messages.order_by("pk").values_list("kind", flat=True)]


def registers(offering: Offering, **more) -> Registration:
    return actions.register(ResidentFactory(), offering, **more)


def test_place_is_given_told_recorded_and_nothing_public_changes():
    offering, by, before = OfferingFactory(), UserFactory(), content_version()
    registration = registers(offering, by=by, needs=AppointmentNeeds(interpreting="ne"))
    assert (registration.state, registration.needs) == ("placed", {"interpreting": "ne"})
    assert told(registration.resident) == ["booked"]
    line = AuditEntry.objects.get(action="registration.register")
    assert (line.actor, line.object_id) == (by.public_id, registration.public_id)
    assert content_version() == before
    assert registration.resident.needed_until == offering.ends_at


def test_full_means_the_waiting_list_in_order_until_it_is_full_too():
    offering = OfferingFactory(waiting_limit=2)
    rows = [registers(offering) for _number in range(3)]
    assert states(offering) == ["placed", "waiting", "waiting"]
    assert [row.position() for row in rows] == [0, 1, 2]
    with pytest.raises(Refused, match=r"^All places are taken\.$"):
        registers(offering)
    assert told() == ["booked", "waiting", "waiting"]


def test_full_without_a_waiting_list_is_refused():
    offering = OfferingFactory(has_waiting_list=False)
    registers(offering)
    with pytest.raises(Refused, match=r"^All places are taken\.$"):
        registers(offering)


@pytest.mark.parametrize(
    ("more", "sentence"),
    [
        ({"opens_at": timezone.now() + DAY}, "Registration has not opened yet. Please come back later."),
        ({"closes_at": timezone.now() - DAY}, "Registration has closed."),
        ({"starts_at": timezone.now() - HOUR}, "This appointment or event has already started."),
        ({"is_cancelled": True}, "This appointment or event has been cancelled."),
    ],
)
def test_registering_outside_its_time_is_refused_with_a_sentence(more, sentence):
    offering = OfferingFactory(**more)
    with pytest.raises(Refused) as refusal:
        registers(offering)
    assert str(refusal.value) == sentence
    assert (Registration.objects.count(), Message.objects.count()) == (0, 0)


def test_form_sent_twice_is_one_registration():
    offering = OfferingFactory()
    first = registers(offering, idempotency_key="key")
    assert registers(offering, idempotency_key="key") == first
    assert (states(offering), told()) == (["placed"], ["booked"])


def test_same_resident_is_not_registered_twice_but_again_after_it_ended():
    offering, resident = OfferingFactory(capacity=3), ResidentFactory()
    first = actions.register(resident, offering)
    with pytest.raises(Refused, match=r"^You have already registered for this\.$"):
        actions.register(resident, offering)
    actions.cancel(first)
    assert actions.register(resident, offering).state == "placed"


def test_nobody_has_two_meetings_at_once():
    resident = ResidentFactory()
    one = OfferingFactory(is_one_meeting=True)
    actions.register(resident, one)
    overlaps = OfferingFactory(is_one_meeting=True, starts_at=one.starts_at + timedelta(minutes=30))
    with pytest.raises(Refused, match=r"^You already have another booking with us at that time\.$"):
        actions.register(resident, overlaps)
    touches = OfferingFactory(is_one_meeting=True, starts_at=one.ends_at)
    actions.register(resident, touches)
    actions.register(resident, OfferingFactory(starts_at=one.starts_at, ends_at=one.starts_at + 90 * DAY))  # a course
    assert Registration.objects.filter(resident=resident).count() == 3


def test_party_counts_by_its_people():
    offering = OfferingFactory(capacity=5)
    registers(offering, party_size=3)
    assert registers(offering, party_size=3).state == "waiting"
    assert registers(offering, party_size=2).state == "placed"
    with pytest.raises(Refused, match=r"^There is only room for 5 people\.$"):
        registers(offering, party_size=6)


def test_cancelled_place_goes_to_the_first_whose_party_fits():
    offering = OfferingFactory(capacity=2)
    first = registers(offering)
    registers(offering)
    large, small, later = registers(offering, party_size=2), registers(offering), registers(offering)
    actions.cancel(first)
    assert states(offering) == ["cancelled", "placed", "waiting", "offered", "waiting"]
    small.refresh_from_db()
    assert timezone.now() + 23 * HOUR < small.offered_until <= timezone.now() + 24 * HOUR
    assert (large.position(), later.position()) == (1, 2)
    assert told(first.resident) == ["booked", "cancelled"]
    assert told(small.resident) == ["waiting", "offered"]


def test_offered_place_is_held_taken_and_taking_it_twice_is_once():
    offering = OfferingFactory()
    first, second = registers(offering), registers(offering)
    actions.cancel(first)
    assert registers(offering).state == "waiting"
    assert actions.accept(second).state == "placed"
    assert actions.accept(second).offered_until is None
    assert told(second.resident) == ["waiting", "offered", "booked"]


def test_declined_place_passes_on():
    offering = OfferingFactory()
    first, second, third = (registers(offering) for _number in range(3))
    actions.cancel(first)
    actions.decline(second)
    actions.decline(second)
    assert states(offering) == ["cancelled", "declined", "offered"]
    for verb in (actions.accept, actions.decline):
        with pytest.raises(Refused, match=r"^This place is no longer reserved for you\.$"):
            verb(first)
    assert told(third.resident) == ["waiting", "offered"]


def test_offer_that_nobody_answers_expires_and_passes_on():
    offering = OfferingFactory()
    first, second, third = (registers(offering) for _number in range(3))
    actions.cancel(first)
    Registration.objects.filter(pk=second.pk).update(offered_until=timezone.now() - HOUR)
    with pytest.raises(Refused, match=r"^This place is no longer reserved for you\.$"):
        actions.accept(second)
    call_command("expire_offers", stdout=(said := io.StringIO()))
    tasks.expire_offers()
    assert said.getvalue() == "Passed on places of 1.\n"
    assert states(offering) == ["cancelled", "expired", "offered"]
    assert (told(second.resident), told(third.resident)) == (
        ["waiting", "offered", "expired"],
        ["waiting", "offered"],
    )


def test_offer_never_outlives_the_beginning():
    offering = OfferingFactory(starts_at=timezone.now() + 2 * HOUR)
    first, second = registers(offering), registers(offering)
    actions.cancel(first)
    second.refresh_from_db()
    assert second.offered_until == offering.starts_at


def test_cancelling_is_once_and_not_after_the_beginning():
    registration = registers(OfferingFactory())
    actions.cancel(registration)
    assert actions.cancel(registration).sequence == registration.sequence + 1
    past = RegistrationFactory(offering__starts_at=timezone.now() - HOUR)
    with pytest.raises(Refused, match=r"^This appointment or event has already started\.$"):
        actions.cancel(past)
    assert told(registration.resident) == ["booked", "cancelled"]


def test_centre_that_cancels_says_that_it_was_the_centre():
    registration = registers(OfferingFactory())
    actions.cancel(registration, by=UserFactory(), for_centre=True)
    assert told(registration.resident) == ["booked", "cancelled_by_centre"]


def test_smaller_party_lets_others_in_and_a_larger_one_needs_room():
    offering = OfferingFactory(capacity=4)
    party, other = registers(offering, party_size=3), registers(offering, party_size=2)
    with pytest.raises(Refused, match=r"^There is only room for 4 people\.$"):
        actions.change_party(party, 5)
    actions.change_party(party, 2)
    assert states(offering) == ["placed", "offered"]
    with pytest.raises(Refused, match=r"^There is only room for 2 people\.$"):
        actions.change_party(party, 3)
    assert actions.change_party(other, 1).state == "offered"
    actions.cancel(party)
    with pytest.raises(Refused, match=r"^This booking can no longer be changed\.$"):
        actions.change_party(party, 1)


def test_moving_keeps_the_registration_and_gives_the_old_place_away():
    old, new = (
        OfferingFactory(is_one_meeting=True),
        OfferingFactory(is_one_meeting=True, starts_at=timezone.now() + DAY),
    )
    registration, waits = registers(old), registers(old)
    moved = actions.move_to(registration, new)
    assert (moved.pk, moved.offering, moved.state, moved.sequence) == (registration.pk, new, "placed", 1)
    assert states(old) == ["offered"]
    assert (told(registration.resident), told(waits.resident)) == (["booked", "changed"], ["waiting", "offered"])
    assert actions.move_to(registration, new).sequence == 1


def test_moving_to_a_full_one_changes_nothing():
    old, new = OfferingFactory(), OfferingFactory()
    registration = registers(old)
    registers(new)
    with pytest.raises(Refused, match=r"^This time has already been booked\."):
        actions.move_to(registration, new)
    assert (states(old), states(new)) == (["placed"], ["placed"])


def test_who_waits_may_move_to_a_free_one():
    old, new = OfferingFactory(), OfferingFactory()
    registers(old)
    assert actions.move_to(registers(old), new).state == "placed"


def test_called_off_means_that_everybody_is_told_once():
    offering = OfferingFactory()
    rows = [registers(offering) for _number in range(3)]
    actions.cancel(rows[0])
    for _time in range(2):
        actions.cancel_offering(offering, by=UserFactory())
    assert states(offering) == ["cancelled"] * 3
    assert [told(row.resident)[-1] for row in rows] == ["cancelled", "cancelled_by_centre", "cancelled_by_centre"]
    with pytest.raises(Refused, match=r"^This appointment or event has been cancelled\.$"):
        registers(offering)


def test_attendance_is_noted_once_it_has_begun():
    registration, by = registers(OfferingFactory()), UserFactory()
    with pytest.raises(Refused, match=r"^You can only record attendance after the start time\.$"):
        actions.record_attendance(registration, 1, by=by)
    Offering.objects.update(starts_at=timezone.now() - HOUR)
    assert actions.record_attendance(registration, 0, by=by).attendees == 0


# --- Reminders -----------------------------------------------------------------------------------


def test_reminder_stands_for_the_day_before_moves_and_goes():
    starts = timezone.now() + 10 * DAY
    offering, other = OfferingFactory(starts_at=starts), OfferingFactory(starts_at=starts + DAY)
    registration = registers(offering)
    day = timezone.localdate(starts)
    due = timezone.localtime(Reminder.objects.get().due_at)
    assert (due.date(), due.time()) == (day - DAY, datetime.time(10))
    actions.move_to(registration, other)
    assert timezone.localdate(Reminder.objects.get().due_at) == day
    actions.cancel(registration)
    assert Reminder.objects.count() == 0


def test_reminder_is_told_to_who_has_a_place_and_once_a_time():
    registration = registers(OfferingFactory())
    Offering.objects.update(starts_at=timezone.now() + HOUR)
    for _time in range(2):
        tasks.remind_the_day_before(Registration.objects.get())
    assert told(registration.resident) == ["booked", "reminder"]
    actions.cancel(registration)
    tasks.remind_the_day_before(Registration.objects.get())
    assert told(registration.resident) == ["booked", "reminder", "cancelled"]


def test_booking_for_tomorrow_is_no_reason_to_remind_at_once():
    registers(OfferingFactory(starts_at=timezone.now() + HOUR))
    assert Reminder.objects.count() == 0


@pytest.mark.parametrize(
    ("event", "state", "is_true"),
    [
        ("booked", "placed", True),
        ("booked", "cancelled", False),
        ("reminder", "cancelled", False),
        ("offered", "placed", False),
        ("waiting", "waiting", True),
        ("cancelled_by_centre", "cancelled", True),
    ],
)
def test_message_that_waited_goes_only_while_it_is_true(event, state, is_true):
    registration = Registration(state=state)
    decision = registration.delivery_decision(Message(kind=f"consultations/appointment_{event}"))
    assert decision == (DeliveryDecision.SEND if is_true else DeliveryDecision.DROP)


# --- The lottery ---------------------------------------------------------------------------------


def lottery(**more) -> Offering:
    return OfferingFactory(**{"selection": "lottery", "capacity": 3, "waiting_limit": 2} | more)


def test_lottery_gives_places_turns_and_nothing_by_the_seed():
    offering = lottery()
    rows = [registers(offering) for _number in range(7)]
    assert states(offering) == ["applied"] * 7
    actions.draw(offering, by=UserFactory(), seed="a seed")
    order = sorted(rows, key=lambda row: actions.lot_number("a seed", row.public_id))
    for row in rows:
        row.refresh_from_db()
    assert [row.state for row in order] == ["placed"] * 3 + ["waiting"] * 2 + ["not_drawn"] * 2
    assert [row.drawn_as for row in order] == list(range(1, 8))
    assert [row.position() for row in order[3:5]] == [1, 2]
    assert told()[7:] == [{"placed": "booked"}.get(row.state, row.state) for row in order]
    actions.cancel(order[0])
    order[3].refresh_from_db()
    assert order[3].state == "offered"


def test_lot_is_the_same_for_whoever_draws_again():
    assert actions.lot_number("a seed", "AAAA") == "de8713bd69611aa093ab913aaf730b4e9dea1310299f6db48204f243e10877ac"


def test_lottery_is_drawn_once_after_its_time_with_a_seed_of_its_own():
    offering = lottery(closes_at=timezone.now() + HOUR)
    with pytest.raises(Refused, match=r"^Registration is still open\."):
        actions.draw(offering, by=None)
    Offering.objects.update(closes_at=timezone.now() - HOUR)
    assert len(actions.draw(offering, by=None).seed) == 32
    for it in (offering, OfferingFactory()):
        with pytest.raises(Refused, match=r"^The draw has already been held\.$"):
            actions.draw(it, by=None)
    assert AuditEntry.objects.filter(action="registration.draw").count() == 1


def test_lottery_that_is_drawn_goes_on_first_come():
    offering = lottery()
    actions.draw(offering, by=None)
    assert registers(offering).state == "placed"


# --- Database constraints and retention -----------------------------------------------------------


@pytest.mark.parametrize(
    "wrong",
    [
        {"state": "magic"},
        {"state": "offered"},
        {"state": "placed", "offered_until": timezone.now()},
        {"state": "cancelled"},
        {"state": "placed", "ended_at": timezone.now()},
        {"party_size": 0},
        {"state": "waiting", "attendees": 1},
        {"state": "placed", "attendees": 2},
    ],
)
def test_database_refuses_a_state_without_its_facts(wrong):
    with pytest.raises(IntegrityError), transaction.atomic():
        RegistrationFactory(**wrong)


@pytest.mark.parametrize(
    "wrong",
    [
        {"selection": "magic"},
        {"ends_at": timezone.now() - 30 * DAY},
        {"seed": "x"},
        {"drawn_at": timezone.now(), "seed": "x"},
        {"opens_at": timezone.now(), "closes_at": timezone.now() - HOUR},
    ],
)
def test_database_refuses_an_offering_that_cannot_be(wrong):
    with pytest.raises(IntegrityError), transaction.atomic():
        OfferingFactory(**wrong)


def test_database_refuses_the_same_person_and_the_same_form_twice():
    row = RegistrationFactory(idempotency_key="key")
    for same in ({"resident": row.resident}, {"idempotency_key": "key"}):
        with pytest.raises(IntegrityError), transaction.atomic():
            RegistrationFactory(offering=row.offering, **same)


def test_past_is_anonymous_after_ninety_days_and_who_had_no_account_is_gone():
    offering = OfferingFactory()
    registration = registers(offering, needs=AppointmentNeeds(interpreting="ne"), idempotency_key="key")
    assert apply_retention() == {}
    past = timezone.now() - 91 * DAY
    Offering.objects.update(starts_at=past - HOUR, ends_at=past)
    Resident.objects.update(needed_until=past)
    assert apply_retention() == {"accounts.Resident": 1, "registration.Registration": 1}
    registration.refresh_from_db()
    assert (registration.resident, registration.needs, registration.idempotency_key) == (None, {}, None)
    assert registration.state == "placed"
    assert apply_retention() == {}
