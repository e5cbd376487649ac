"""Locks are taken in one order, so nobody waits in a circle; and what is asked for twice at once happens once.

Each has its negative control: with the mend taken out, PostgreSQL finds the circle. SQLite has one writer at a time.
"""

import threading
import time

import pytest
from django.db import OperationalError, connection

from services.accounts import rights
from services.accounts.actions import welcome
from services.accounts.models import User
from services.audit.models import Line
from services.notices.actions import delivering, subscribing, warning, writing
from services.notices.actions.broadcasting import begin_due_notices
from services.notices.actions.delivering import deliver_waiting, take_bounce
from services.notices.actions.subscribing import leave
from services.notices.actions.warning import add_language
from services.notices.actions.writing import correct
from services.notices.models import Message, Notice, Subscription, SubscriptionState, Suppression
from tests.factories import (
    MessageFactory,
    NoticeFactory,
    RegistrationFactory,
    SubscriptionFactory,
    TopicFactory,
    UserFactory,
)
from tests.notices.test_broadcasting import DANISH, emergency, together

pytestmark = pytest.mark.django_db(transaction=True)
LONG_ENOUGH = 0.5  # seconds, for the other one to come to where it waits
CIRCLE = {"postgresql": [OperationalError], "sqlite": []}


@pytest.fixture
def pause_in(monkeypatch):
    """A maker of a pause before a function of subscribing.py; what it gives back is set once somebody stands there."""

    def make(name: str) -> threading.Event:
        stands, original = threading.Event(), getattr(subscribing, name)

        def paused(*args, **options):
            stands.set()
            time.sleep(LONG_ENOUGH)
            return original(*args, **options)

        monkeypatch.setattr(subscribing, name, paused)
        return stands

    return make


def after(event: threading.Event, deed):
    """The deed, once the event has happened."""

    def do():
        assert event.wait(10)
        deed()

    return do


# --- A language is added while one of its readers leaves ------------------------------------------------


def told_in_english(language: str) -> tuple[Notice, Subscription]:
    """An emergency that a reader of another language got in English."""
    reader = SubscriptionFactory(language=language)
    notice = emergency()
    begin_due_notices()
    deliver_waiting(worker="test")
    return notice, reader


@pytest.mark.parametrize("is_mended", [True, False])
def test_language_is_added_while_one_of_its_readers_leaves(pause_in, monkeypatch, is_mended):
    notice, reader = told_in_english("da")
    by = UserFactory()
    if not is_mended:
        monkeypatch.setattr(warning, "look_at_references_now", lambda: None)
    has_locked = pause_in("record")

    faults = together(lambda: leave(reader), after(has_locked, lambda: add_language(notice, "da", **DANISH, by=by)))

    assert [type(fault) for fault in faults] == ([] if is_mended else CIRCLE[connection.vendor])
    if is_mended:
        reader.refresh_from_db()
        assert reader.state == SubscriptionState.LEFT
        assert notice.wordings.get(language="da").state == "checked"


# --- Somebody is forgotten while they leave ---------------------------------------------------------------


@pytest.mark.parametrize("is_mended", [True, False])
def test_person_is_forgotten_while_they_leave(pause_in, monkeypatch, is_mended):
    """Their appointment is cancelled first, with a line in the trail; then who leaves and who forgets would wait."""
    user = UserFactory()
    RegistrationFactory(resident=welcome(user, name="Sita", language="ne"))
    reader = SubscriptionFactory(address=user.email)
    if not is_mended:
        monkeypatch.setattr(rights, "_lock_all", lambda user: None)
    has_locked = pause_in("record")

    faults = together(lambda: leave(reader), after(has_locked, lambda: rights.erase(user)))

    assert [type(fault) for fault in faults] == ([] if is_mended else CIRCLE[connection.vendor])
    if is_mended:
        assert not User.objects.filter(pk=user.pk).exists()


# --- A mail comes back while its reader leaves -----------------------------------------------------------


def asked(reader: Subscription) -> Message:
    """The mail that asked them whether they want our news; the ledger leads from it to the subscription."""
    return MessageFactory(
        kind="notices/confirm_subscription",
        state="sent",
        address=reader.address,
        about_type="notices.subscription",
        about_id=reader.pk,
    )


@pytest.mark.parametrize("find", [lambda reader: Message.objects.get(subscription=reader), asked])
@pytest.mark.parametrize("is_mended", [True, False])
def test_mail_comes_back_while_its_reader_leaves(pause_in, monkeypatch, is_mended, find):
    _notice, reader = told_in_english("en")
    message = find(reader)
    if not is_mended:
        monkeypatch.setattr(delivering, "_lock_reader_of", lambda public_id: None)
    has_locked = pause_in("public_id")

    faults = together(
        lambda: leave(reader),
        after(has_locked, lambda: take_bounce(message.public_id, for_good=True, cause="gone")),
    )

    assert [type(fault) for fault in faults] == ([] if is_mended else CIRCLE[connection.vendor])
    if is_mended:
        reader.refresh_from_db()
        assert reader.state == SubscriptionState.LEFT
        assert Suppression.objects.count() == 0  # there is no address any more that could be suppressed


# --- Asked for twice at once -----------------------------------------------------------------------------


@pytest.fixture
def slow_copy(monkeypatch):
    """Copying takes its time, so that the other one comes while it is at it."""
    original = writing._copy

    def slowly(*args, **options):
        time.sleep(LONG_ENOUGH)
        return original(*args, **options)

    monkeypatch.setattr(writing, "_copy", slowly)


@pytest.mark.parametrize("has_lock", [True, False])
def test_correction_asked_for_twice_at_once_is_one_draft(slow_copy, monkeypatch, has_lock):
    notice, by = NoticeFactory(topic=TopicFactory()), UserFactory()
    if not has_lock:
        monkeypatch.setattr(writing, "locked", lambda row: Notice.objects.get(pk=row.pk))

    drafts = []
    faults = together(*[lambda: drafts.append(correct(notice, by=by))] * 2)

    assert faults == []
    made = 1 if has_lock or connection.vendor == "sqlite" else 2
    assert notice.corrections.count() == len(set(drafts)) == made
    assert Line.objects.filter(action="notices.save", object_id__in=[it.public_id for it in drafts]).count() == made
