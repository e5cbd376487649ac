"""Bookings made before the person created an account with the same email address: they can see and erase them."""

import json
import threading
import time

import pytest
from allauth.account.models import EmailAddress
from django.db import connection
from django.utils import timezone

from consultations.appointments.actions import GuestContact, book
from consultations.appointments.availability import available_times
from consultations.models import DeskService
from services.accounts import personal_data_registry
from services.accounts.actions import create_resident
from services.accounts.models import Resident, User
from services.messaging.delivery import deliver_due
from services.messaging.models import Message, MessageState
from services.registration import actions as registration
from services.registration import personal_data as of_registration
from services.registration.models import Registration
from tests.factories import HoursFactory, ResidentFactory, UserFactory
from tests.support.personal_data import confirm_identity, whole_database
from tests.support.races import DEADLOCK, LONG_ENOUGH, at_the_same_time, once_set

RAM = GuestContact("Ram Zq7marker", "ne", email="Ram.zq7marker@example.org")
STRANGER = GuestContact("Stranger", "ne", email="stranger@example.org")


@pytest.fixture
def free():
    """Return a lawyer's free times, on different days and at least three days ahead."""
    HoursFactory(service=DeskService.LAWYER, language="", by_appointment=True, schedule__times=(13, 15))
    return [it for it in available_times() if (it.day - timezone.localdate()).days > 2]


def with_account(*, proved=True) -> User:
    user = UserFactory(email="ram.zq7marker@example.org", language="en")
    create_resident(user, name="Ram Zq7marker", language="en")
    EmailAddress.objects.filter(user=user).update(verified=proved)
    return user


@pytest.mark.django_db
def test_booked_without_the_account_stands_on_my_page_and_in_the_download(client, free):
    for it in free[:2]:
        book(it, RAM, how="visit")
    book(free[2], STRANGER, how="visit")
    user = with_account()
    confirm_identity(client, user)
    assert client.get("/en/me/").content.decode().count("Appointment: Lawyer") == 2
    known = json.loads(client.post("/en/me/data/download/", {"as": "json"}).content)
    booked = known["Your bookings and registrations"]
    assert [(row["Booking"], row["Name"], row["Email address"]) for row in booked] == [
        ("Appointment: Lawyer", "Ram Zq7marker", "Ram.zq7marker@example.org")
    ] * 2
    assert len(known["Your messages"]) == 2


@pytest.mark.django_db
def test_address_that_is_not_proved_shows_and_deletes_nothing(client, free):
    row = book(free[0], RAM, how="visit")
    user = with_account(proved=False)
    client.force_login(user)
    assert b"You do not have any appointments at the moment." in client.get("/en/me/").content
    assert "Your bookings and registrations" not in personal_data_registry.export_personal_data(user)
    personal_data_registry.erase_personal_data(user)
    row.refresh_from_db()
    assert (row.state, row.resident.name, row.resident.email) == ("placed", RAM.name, RAM.email)


@pytest.mark.django_db
def test_everything_means_what_was_booked_without_the_account_too(client, free):
    booked = [book(it, RAM, how="visit") for it in free[:2]]
    deliver_due(worker="test")
    waits = book(free[0], ResidentFactory(), how="visit", accept_waiting_list=True)
    another = book(free[2], STRANGER, how="visit")
    confirm_identity(client, with_account())
    client.post("/en/me/data/forget/", {"sure": "yes"})
    for row in booked:
        row.refresh_from_db()
        assert (row.state, row.resident, row.needs, row.idempotency_key) == ("cancelled", None, {}, None)
    assert "zq7marker" not in whole_database().lower()
    waits.refresh_from_db()
    another.refresh_from_db()
    assert waits.state == "offered"
    assert (another.state, another.resident.email) == ("placed", STRANGER.email)
    assert Message.objects.filter(resident=another.resident).count() == 1


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("is_mended", [True, False])
def test_link_cancels_while_everything_is_forgotten(free, monkeypatch, is_mended):
    """Cancelling locks the place, then the audit chain head; erasure must not lock them in the opposite order."""
    booked = [book(it, RAM, how="visit") for it in free[:2]]
    user = with_account()
    if not is_mended:
        monkeypatch.setattr(personal_data_registry, "_lock_all", lambda user: None)
    stands, record, main = threading.Event(), registration.record, []

    def slow_record(*args, **options):
        if not main:
            main.append(True)
            stands.set()
            time.sleep(LONG_ENOUGH)
        return record(*args, **options)

    monkeypatch.setattr(registration, "record", slow_record)
    faults = at_the_same_time(
        lambda: registration.cancel(booked[1]),
        once_set(stands, lambda: personal_data_registry.erase_personal_data(user)),
    )
    assert [type(fault) for fault in faults] == ([] if is_mended else DEADLOCK[connection.vendor])
    if is_mended:
        assert list(Registration.objects.values_list("state", "resident")) == [("cancelled", None)] * 2
        assert not Resident.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_booked_while_everything_is_forgotten_is_a_booking_after_it(free, monkeypatch):
    """The new booking keeps its person and its message: nobody could use a place that belongs to no one."""
    before = book(free[0], RAM, how="visit")
    user, stands, cancel = with_account(), threading.Event(), of_registration.cancel

    def slow_cancel(*args, **options):
        stands.set()
        time.sleep(LONG_ENOUGH)
        return cancel(*args, **options)

    monkeypatch.setattr(of_registration, "cancel", slow_cancel)
    assert (
        at_the_same_time(
            lambda: personal_data_registry.erase_personal_data(user),
            once_set(stands, lambda: book(free[1], RAM, how="visit")),
        )
        == []
    )
    before.refresh_from_db()
    assert (before.state, before.resident) == ("cancelled", None)
    stays = Registration.objects.exclude(pk=before.pk).get()
    assert (stays.state, stays.resident.email) == ("placed", RAM.email)
    assert Message.objects.get(resident=stays.resident).state == MessageState.WAITING
