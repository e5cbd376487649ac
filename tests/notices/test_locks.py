"""Locks are taken in one order, so there are no deadlocks; and two requests at once take effect only once.

Each test has its negative control: without the fix, PostgreSQL detects the deadlock. SQLite has one writer at a time.
"""

import threading
import time

import pytest
from django.db import connection

from services.accounts import personal_data_registry
from services.accounts.actions import create_resident
from services.accounts.models import User
from services.audit.models import AuditEntry
from services.messaging import bounces
from services.messaging.bounces import process_bounce
from services.messaging.delivery import deliver_due
from services.messaging.models import Message, Suppression
from services.notices.broadcast import begin_due_notices
from services.notices.emergencies.actions import add_language
from services.notices.models import Notice, Subscription, SubscriptionState
from services.notices.news import drafts as news_drafts
from services.notices.news.drafts import correct
from services.notices.subscriptions import actions as subscriptions_actions
from services.notices.subscriptions.actions import unsubscribe
from tests.factories.accounts import UserFactory
from tests.factories.emergencies import DANISH, issue_emergency
from tests.factories.notices import MessageFactory, NoticeFactory, SubscriptionFactory, TopicFactory
from tests.factories.registration import RegistrationFactory
from tests.support.races import DEADLOCK, LONG_ENOUGH, at_the_same_time, once_set

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def pause_in(monkeypatch):
    """Return a function that puts a pause before a subscription action and returns an event set in the pause."""

    def make(name: str) -> threading.Event:
        stands, original = threading.Event(), getattr(subscriptions_actions, name)

        def paused(*args, **options):
            stands.set()
            time.sleep(LONG_ENOUGH)
            return original(*args, **options)

        monkeypatch.setattr(subscriptions_actions, name, paused)
        return stands

    return make


# --- A language is added while one of its readers unsubscribes ------------------------------------------


def told_in_english(language: str) -> tuple[Notice, Subscription]:
    """Return an emergency and a reader of another language who got it in English."""
    reader = SubscriptionFactory(language=language)
    notice = issue_emergency()
    begin_due_notices()
    deliver_due(worker="test")
    return notice, reader


def test_language_is_added_while_one_of_its_readers_leaves(pause_in):
    """A message names its subscription without a foreign key, so PostgreSQL takes no lock on it that could deadlock."""
    notice, reader = told_in_english("da")
    by = UserFactory()
    has_locked = pause_in("record")

    faults = at_the_same_time(
        lambda: unsubscribe(reader), once_set(has_locked, lambda: add_language(notice, "da", **DANISH, by=by))
    )

    assert faults == []
    reader.refresh_from_db()
    assert reader.state == SubscriptionState.UNSUBSCRIBED
    assert notice.translations.get(language="da").state == "reviewed"


# --- A person is erased while they unsubscribe ------------------------------------------------------------


@pytest.mark.parametrize("is_mended", [True, False])
def test_person_is_forgotten_while_they_leave(pause_in, monkeypatch, is_mended):
    """Erasing first cancels the appointment, with an audit entry; it and unsubscribing would then deadlock."""
    user = UserFactory()
    RegistrationFactory(resident=create_resident(user, name="Sita", language="ne"))
    reader = SubscriptionFactory(address=user.email)
    if not is_mended:
        monkeypatch.setattr(personal_data_registry, "_lock_all", lambda user: None)
    has_locked = pause_in("record")

    faults = at_the_same_time(
        lambda: unsubscribe(reader), once_set(has_locked, lambda: personal_data_registry.erase_personal_data(user))
    )

    assert [type(fault) for fault in faults] == ([] if is_mended else DEADLOCK[connection.vendor])
    if is_mended:
        assert not User.objects.filter(pk=user.pk).exists()


# --- A message bounces while its reader unsubscribes -----------------------------------------------------


def asked(reader: Subscription) -> Message:
    """Return the message that asked the reader to confirm; the ledger leads from it to the subscription."""
    return MessageFactory(
        kind="notices/confirm_subscription",
        state="sent",
        address=reader.address,
        about_type="notices.subscription",
        about_id=reader.pk,
    )


@pytest.mark.parametrize("find", [lambda reader: Message.objects.to(reader).get(), asked])
@pytest.mark.parametrize("is_mended", [True, False])
def test_mail_comes_back_while_its_reader_leaves(pause_in, monkeypatch, is_mended, find):
    _notice, reader = told_in_english("en")
    message = find(reader)
    if not is_mended:
        monkeypatch.setattr(bounces, "_lock_recipient", lambda public_id: None)
    has_locked = pause_in("public_id")

    faults = at_the_same_time(
        lambda: unsubscribe(reader),
        once_set(has_locked, lambda: process_bounce(message.public_id, for_good=True, cause="gone")),
    )

    assert [type(fault) for fault in faults] == ([] if is_mended else DEADLOCK[connection.vendor])
    if is_mended:
        reader.refresh_from_db()
        assert reader.state == SubscriptionState.UNSUBSCRIBED
        assert Suppression.objects.count() == 0  # no address is left to suppress


# --- Two requests at once --------------------------------------------------------------------------------


@pytest.fixture
def slow_copy(monkeypatch):
    """Slow down copying, so that the second request arrives during the first."""
    original = news_drafts._copy_notice

    def slowly(*args, **options):
        time.sleep(LONG_ENOUGH)
        return original(*args, **options)

    monkeypatch.setattr(news_drafts, "_copy_notice", slowly)


@pytest.mark.parametrize("has_lock", [True, False])
def test_correction_asked_for_twice_at_once_is_one_draft(slow_copy, monkeypatch, has_lock):
    notice, by = NoticeFactory(topic=TopicFactory()), UserFactory()
    if not has_lock:
        monkeypatch.setattr(news_drafts, "lock_notice", lambda row: Notice.objects.get(pk=row.pk))

    drafts = []
    faults = at_the_same_time(*[lambda: drafts.append(correct(notice, by=by))] * 2)

    assert faults == []
    made = 1 if has_lock or connection.vendor == "sqlite" else 2
    assert notice.corrections.count() == len(set(drafts)) == made
    assert (
        AuditEntry.objects.filter(action="notices.save", object_id__in=[it.public_id for it in drafts]).count() == made
    )
