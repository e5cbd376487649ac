"""What somebody booked without an account, before they made one with the same address: theirs to see and to forget."""

import json
import threading
import time

import pytest
from allauth.account.models import EmailAddress
from django.db import connection
from django.utils import timezone

from consultations.actions.appointments import Person, book
from consultations.models import Service
from consultations.slots import times
from services.accounts import rights
from services.accounts.actions import welcome
from services.accounts.models import Resident, User
from services.notices.actions.delivering import deliver_waiting
from services.notices.models import Message, MessageState
from services.registration import actions as registration
from services.registration import rights as of_registration
from services.registration.models import Registration
from tests.factories import HoursFactory, ResidentFactory, UserFactory
from tests.notices.test_broadcasting import together
from tests.notices.test_locks import CIRCLE, LONG_ENOUGH, after
from tests.portal.test_own_data import everything, prove

RAM = Person("Ram Zq7marker", "ne", email="Ram.zq7marker@example.org")
STRANGER = Person("Stranger", "ne", email="stranger@example.org")


@pytest.fixture
def free():
    """A lawyer's free times in some days, on different days."""
    HoursFactory(service=Service.LAWYER, language="", by_appointment=True, schedule__times=(13, 15))
    return [it for it in times() if (it.day - timezone.localdate()).days > 2]


def with_account(*, proved=True) -> User:
    user = UserFactory(email="ram.zq7marker@example.org", language="en")
    welcome(user, name="Ram Zq7marker", language="en")
    EmailAddress.objects.filter(user=user).update(verified=proved)
    return user


@pytest.mark.django_db
def test_booked_without_the_account_stands_on_my_page_and_in_the_download(client, free):
    for it in free[:2]:
        book(it, RAM, how="visit")
    book(free[2], STRANGER, how="visit")
    user = with_account()
    prove(client, user)
    assert client.get("/en/me/").content.decode().count("Appointment: Lawyer") == 2
    known = json.loads(client.post("/en/me/data/download/", {"as": "json"}).content)
    booked = known["What you are registered for"]
    assert [(row["What"], row["Name"], row["E-mail"]) for row in booked] == [
        ("Appointment: Lawyer", "Ram Zq7marker", "Ram.zq7marker@example.org")
    ] * 2
    assert len(known["Your messages"]) == 2


@pytest.mark.django_db
def test_address_that_is_not_proved_shows_and_deletes_nothing(client, free):
    row = book(free[0], RAM, how="visit")
    user = with_account(proved=False)
    client.force_login(user)
    assert b"You have no appointment at the moment." in client.get("/en/me/").content
    assert "What you are registered for" not in rights.export(user)
    rights.erase(user)
    row.refresh_from_db()
    assert (row.state, row.resident.name, row.resident.email) == ("placed", RAM.name, RAM.email)


@pytest.mark.django_db
def test_everything_means_what_was_booked_without_the_account_too(client, free):
    booked = [book(it, RAM, how="visit") for it in free[:2]]
    deliver_waiting(worker="test")
    waits = book(free[0], ResidentFactory(), how="visit", may_wait=True)
    another = book(free[2], STRANGER, how="visit")
    prove(client, with_account())
    client.post("/en/me/data/forget/", {"sure": "yes"})
    for row in booked:
        row.refresh_from_db()
        assert (row.state, row.resident, row.needs, row.form_key) == ("cancelled", None, {}, None)
    assert "zq7marker" not in everything().lower()
    waits.refresh_from_db()
    another.refresh_from_db()
    assert waits.state == "offered"
    assert (another.state, another.resident.email) == ("placed", STRANGER.email)
    assert Message.objects.filter(resident=another.resident).count() == 1


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("is_mended", [True, False])
def test_link_cancels_while_everything_is_forgotten(free, monkeypatch, is_mended):
    """Who cancels holds the place and wants the trail's head; who forgets must not hold the head and want the place."""
    booked = [book(it, RAM, how="visit") for it in free[:2]]
    user = with_account()
    if not is_mended:
        monkeypatch.setattr(rights, "_lock_all", lambda user: None)
    stands, record, main = threading.Event(), registration.record, []

    def slow_record(*args, **options):
        if not main:
            main.append(True)
            stands.set()
            time.sleep(LONG_ENOUGH)
        return record(*args, **options)

    monkeypatch.setattr(registration, "record", slow_record)
    faults = together(lambda: registration.cancel(booked[1]), after(stands, lambda: rights.erase(user)))
    assert [type(fault) for fault in faults] == ([] if is_mended else CIRCLE[connection.vendor])
    if is_mended:
        assert list(Registration.objects.values_list("state", "resident")) == [("cancelled", None)] * 2
        assert not Resident.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_booked_while_everything_is_forgotten_is_a_booking_after_it(free, monkeypatch):
    """It keeps its person and its letter: a place without anybody would be lost to all."""
    before = book(free[0], RAM, how="visit")
    user, stands, cancel = with_account(), threading.Event(), of_registration.cancel

    def slow_cancel(*args, **options):
        stands.set()
        time.sleep(LONG_ENOUGH)
        return cancel(*args, **options)

    monkeypatch.setattr(of_registration, "cancel", slow_cancel)
    assert together(lambda: rights.erase(user), after(stands, lambda: book(free[1], RAM, how="visit"))) == []
    before.refresh_from_db()
    assert (before.state, before.resident) == ("cancelled", None)
    stays = Registration.objects.exclude(pk=before.pk).get()
    assert (stays.state, stays.resident.email) == ("placed", RAM.email)
    assert Message.objects.get(resident=stays.resident).state == MessageState.WAITING
