"""The ledger: claim, commit, contact the mail server, record the outcome."""

import datetime
import logging
import smtplib
import threading
from contextlib import ExitStack

import pytest
from django.core import mail
from django.core.mail.backends.locmem import EmailBackend
from django.db import IntegrityError, connection, connections, transaction
from django.utils import timezone

from services.base.states import InvalidTransition
from services.messaging import bounces, leases
from services.messaging import delivery as actions
from services.messaging.bounces import process_bounce, suppress
from services.messaging.delivery import deliver_due
from services.messaging.leases import claim, release_expired_leases
from services.messaging.models import (
    DeliveryGuarantee,
    DomainBackoff,
    Heartbeat,
    Message,
    MessageState,
    Queue,
    Suppression,
)
from services.messaging.staff_actions import mark_delivered, try_again
from services.notices.broadcast import begin_due_notices
from services.notices.emergencies.actions import add_language, end, issue
from services.notices.models import Notice
from services.notices.news.approval import cancel, pause, resume
from services.notices.subscriptions.actions import unsubscribe
from tests.factories import (
    MessageFactory,
    NoticeFactory,
    ResidentFactory,
    SubscriptionFactory,
    TopicFactory,
    UserFactory,
)

pytestmark = pytest.mark.django_db
RETRY_DELAYS = [10, 60, 300, 1800, 7200]


class DeadServer(EmailBackend):
    """Fail as if no server answered. Configured as Django's email backend; the portal's own code is unchanged."""

    def open(self):
        raise ConnectionRefusedError("nobody there")


class UnknownAddress(EmailBackend):
    """Refuse the address permanently as unknown."""

    def send_messages(self, messages):
        raise smtplib.SMTPRecipientsRefused({messages[0].to[0]: (550, b"5.1.1 No such mailbox")})


class BusyAddress(EmailBackend):
    """Refuse the address temporarily as busy."""

    def send_messages(self, messages):
        raise smtplib.SMTPRecipientsRefused({messages[0].to[0]: (451, b"4.3.2 Try again later")})


class WritesAnUrgentOne(EmailBackend):
    """Queue an urgent message while accepting an email, as if someone asked for a code."""

    def send_messages(self, messages):
        if not Message.objects.filter(queue=Queue.URGENT).exists():
            MessageFactory(queue=Queue.URGENT, address="urgent@example.org")
        return super().send_messages(messages)


class ChecksDanish(EmailBackend):
    """Add the Danish text of the emergency while accepting the first email."""

    def send_messages(self, messages):
        if not mail.outbox:
            notice = Notice.objects.get()
            add_language(notice, "da", title="Storm", body="Bliv inde.", by=notice.author)
        return super().send_messages(messages)


class ResumesMeanwhile(EmailBackend):
    """Resume the paused notice while accepting an email."""

    def send_messages(self, messages):
        notice = Notice.objects.get()
        if notice.is_paused:
            resume(notice, by=notice.author)
        return super().send_messages(messages)


class HangsUp(EmailBackend):
    """Receive the email and hang up before saying whether it is accepted."""

    def send_messages(self, messages):
        super().send_messages(messages)
        raise smtplib.SMTPServerDisconnected("Connection unexpectedly closed")


class HangsUpAtOnce(EmailBackend):
    """Hang up before receiving anything."""

    def open(self):
        raise smtplib.SMTPServerDisconnected("Connection unexpectedly closed")


class BusyDomain(EmailBackend):
    """Count emails to busy.example and refuse them all temporarily."""

    asked = 0

    def send_messages(self, messages):
        if messages[0].to[0].endswith("@busy.example"):
            type(self).asked += 1
            raise smtplib.SMTPRecipientsRefused({messages[0].to[0]: (451, b"4.3.2 Try again later")})
        return super().send_messages(messages)


def through(settings, backend):
    settings.EMAIL_BACKEND = f"{backend.__module__}.{backend.__qualname__}"


def past_due(notice) -> None:
    """End the pause before the next attempt."""
    Message.objects.filter(pk=notice.pk).update(due_at=timezone.now())


def lease_over(notice) -> None:
    """End the lease, as if the worker that holds the row had disappeared."""
    Message.objects.filter(pk=notice.pk).update(leased_until=timezone.now() - datetime.timedelta(seconds=1))


def seconds_until_due(notice) -> int:
    return round((notice.due_at - timezone.now()).total_seconds())


def test_delivered_notice_is_sent_once_and_its_context_emptied():
    notice = MessageFactory(language="ne")
    assert deliver_due(worker="test") == 1
    assert deliver_due(worker="test") == 0
    notice.refresh_from_db()
    assert (notice.state, notice.attempts, notice.context, notice.cause) == (MessageState.SENT, 1, {}, "")
    assert notice.leased_until is None
    assert notice.ended_at is not None
    assert [message.to for message in mail.outbox] == [[notice.address]]


def test_delivery_claims_no_further_batch_once_its_limit_is_reached():
    MessageFactory.create_batch(13)
    assert deliver_due(worker="test", limit=3) == 10
    assert deliver_due(worker="test", limit=3) == 3
    assert len(mail.outbox) == 13


def test_delivery_claims_nothing_once_its_time_is_over():
    MessageFactory()
    assert deliver_due(worker="test", seconds=0) == 0
    assert deliver_due(worker="test", seconds=60) == 1


def test_what_somebody_waits_for_goes_first():
    ago = [timezone.now() - datetime.timedelta(minutes=minutes) for minutes in range(60)]
    bulk = MessageFactory(queue=Queue.BULK, due_at=ago[59])
    late, early = (MessageFactory(queue=Queue.PERSONAL, due_at=ago[minutes]) for minutes in (1, 2))
    emergency = MessageFactory(queue=Queue.EMERGENCY, due_at=ago[0])
    urgent = MessageFactory(queue=Queue.URGENT)
    assert [claim() for _ in range(5)] == [[urgent], [emergency], [early, late], [bulk], []]


@pytest.mark.parametrize(
    ("queue", "most"), [(Queue.URGENT, 5), (Queue.EMERGENCY, 100), (Queue.PERSONAL, 10), (Queue.BULK, 100)]
)
def test_batch_is_as_large_as_its_queue_can_bear(queue, most):
    MessageFactory.create_batch(most + 1, queue=queue)
    first, second, third = claim(), claim(), claim()
    assert (len(first), len(second), third) == (most, 1, [])
    assert len({message.lease for message in first}) == 1
    assert first[0].lease != second[0].lease


def test_what_must_not_repeat_is_claimed_alone():
    rows = [
        MessageFactory(guarantee=guarantee)
        for guarantee in (
            DeliveryGuarantee.AT_LEAST_ONCE,
            DeliveryGuarantee.AT_MOST_ONCE,
            DeliveryGuarantee.AT_MOST_ONCE,
            DeliveryGuarantee.AT_LEAST_ONCE,
        )
    ]
    assert [claim() for _ in range(5)] == [[rows[0]], [rows[1]], [rows[2]], [rows[3]], []]


def test_slow_server_gives_the_rest_of_its_batch_back(monkeypatch):
    """Nothing urgent should wait behind the batch; rows given back count as never attempted."""
    rows = MessageFactory.create_batch(3, queue=Queue.BULK)
    monkeypatch.setattr(actions, "LONGEST_BATCH", -1)
    with ExitStack() as lines:
        assert actions.BatchSender(lines).send(claim()) == 1
    states = list(Message.objects.order_by("pk").values_list("state", "attempts", "lease", "leased_until"))
    assert states == [("sent", 1, "", None), ("waiting", 0, "", None), ("waiting", 0, "", None)]
    assert deliver_due(worker="test") == 2
    assert [message.to for message in mail.outbox] == [[row.address] for row in rows]


def test_urgent_overtakes_a_batch_that_a_slow_server_holds_up(monkeypatch, settings):
    monkeypatch.setattr(actions, "LONGEST_BATCH", -1)
    MessageFactory.create_batch(3, queue=Queue.BULK)
    through(settings, WritesAnUrgentOne)
    deliver_due(worker="test")
    assert [message.to[0].partition("@")[0] for message in mail.outbox][1] == "urgent"


def test_what_is_not_due_waits():
    MessageFactory(due_at=timezone.now() + datetime.timedelta(minutes=1))
    assert claim() == []
    assert deliver_due(worker="test") == 0


def test_claim_takes_the_row_for_two_minutes():
    MessageFactory()
    [notice] = claim()
    notice.refresh_from_db()
    assert (notice.state, notice.attempts) == (MessageState.SENDING, 1)
    assert round((notice.leased_until - timezone.now()).total_seconds()) == 120
    assert claim() == []
    release_expired_leases()
    assert claim() == []


def test_each_delivery_shows_that_the_worker_lives():
    deliver_due(worker="one")
    deliver_due(worker="two")
    deliver_due(worker="one")
    assert sorted(Heartbeat.objects.values_list("worker", flat=True)) == ["one", "two"]


@pytest.mark.parametrize(
    ("guarantee", "state", "sent"),
    [
        (DeliveryGuarantee.AT_LEAST_ONCE, MessageState.SENT, 1),
        (DeliveryGuarantee.AT_MOST_ONCE, MessageState.UNCLEAR, 0),
    ],
)
def test_lost_worker_leaves_what_the_promise_says(guarantee, state, sent):
    notice = MessageFactory(guarantee=guarantee)
    claim()
    lease_over(notice)
    assert deliver_due(worker="other") == 0
    notice.refresh_from_db()
    assert notice.cause == "Sending was interrupted."
    if guarantee == DeliveryGuarantee.AT_LEAST_ONCE:
        assert (notice.state, seconds_until_due(notice)) == (MessageState.WAITING, 10)
        past_due(notice)
        deliver_due(worker="other")
    notice.refresh_from_db()
    assert (notice.state, len(mail.outbox)) == (state, sent)
    assert notice.leased_until is None


def test_slow_worker_that_lost_its_lease_does_not_overwrite_the_next_ones_result():
    notice = MessageFactory()
    [slow] = claim()
    lease_over(notice)
    release_expired_leases()
    past_due(notice)
    deliver_due(worker="quick")
    leases.retry_or_fail(slow, "too late")
    leases.finish([slow], MessageState.FAILED, "too late")
    leases.unclaim([slow])
    notice.refresh_from_db()
    assert (notice.state, notice.attempts, notice.cause) == (MessageState.SENT, 2, "")


def test_dead_mail_server_is_tried_up_the_ladder_and_then_given_up(settings):
    through(settings, DeadServer)
    notice = MessageFactory()
    for attempt, seconds in enumerate(RETRY_DELAYS, start=1):
        assert deliver_due(worker="test") == 1
        notice.refresh_from_db()
        assert (notice.state, notice.attempts) == (MessageState.WAITING, attempt)
        assert seconds_until_due(notice) == seconds
        assert notice.cause == "The email server could not be reached (ConnectionRefusedError)."
        past_due(notice)
    deliver_due(worker="test")
    notice.refresh_from_db()
    assert (notice.state, notice.attempts) == (MessageState.FAILED, 6)
    assert notice.ended_at is not None
    assert claim() == []


def test_dead_mail_server_that_comes_back_gets_everything(settings):
    through(settings, DeadServer)
    notices = MessageFactory.create_batch(3)
    deliver_due(worker="test")
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
    for notice in notices:
        past_due(notice)
    assert deliver_due(worker="test") == 3
    assert len(mail.outbox) == 3
    assert set(Message.objects.values_list("state", flat=True)) == {"sent"}


def test_address_refused_for_good_fails_at_once(settings):
    through(settings, UnknownAddress)
    notice = MessageFactory()
    deliver_due(worker="test")
    notice.refresh_from_db()
    assert (notice.state, notice.attempts) == (MessageState.FAILED, 1)
    assert notice.cause == "The email server does not recognise the email address."
    assert list(Suppression.objects.values_list("channel", "address", "reason")) == [
        ("email", notice.address, "The email server does not recognise the email address.")
    ]


def test_address_refused_for_now_is_tried_again(settings):
    through(settings, BusyAddress)
    notice = MessageFactory()
    deliver_due(worker="test")
    notice.refresh_from_db()
    assert (notice.state, seconds_until_due(notice)) == (MessageState.WAITING, 10)
    assert notice.cause == "The email server has asked us to wait."


@pytest.mark.parametrize(
    "poison",
    [{"kind": "accounts/no_such_kind"}, {"language": "xx"}, {"context": ["not", "words"]}, {"address": "a\nb"}],
)
def test_poisoned_message_ends_alone_and_the_others_go_out(poison, caplog):
    before, poisoned, after = MessageFactory(), MessageFactory(**poison), MessageFactory()
    with caplog.at_level(logging.CRITICAL):
        assert deliver_due(worker="test") == 3
        for _ in RETRY_DELAYS:
            past_due(poisoned)
            assert deliver_due(worker="test") == 1
    poisoned.refresh_from_db()
    assert (poisoned.state, poisoned.attempts) == (MessageState.FAILED, 6)
    assert poisoned.cause.startswith("The text could not be created (")
    assert [message.to[0] for message in mail.outbox] == [before.address, after.address]


@pytest.mark.parametrize("state", MessageState.values)
def test_database_knows_that_sending_means_leased(state):
    leased = timezone.now() if state != MessageState.SENDING else None
    with pytest.raises(IntegrityError), transaction.atomic():
        MessageFactory(state=state, leased_until=leased)
    with pytest.raises(IntegrityError), transaction.atomic():
        MessageFactory(state="lost")


@pytest.mark.django_db(transaction=True)
def test_threads_deliver_each_message_once():
    """Ten workers deliver forty rows at once."""
    MessageFactory.create_batch(40)
    faults, together = [], threading.Barrier(10)

    def work(number):
        together.wait()
        try:
            deliver_due(worker=f"thread{number}")
        except Exception as fault:  # noqa: BLE001  whatever it is, the test shall see it
            faults.append(fault)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=work, args=(number,)) for number in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert faults == []
    assert len(mail.outbox) == 40
    assert len({message.to[0] for message in mail.outbox}) == 40
    assert set(Message.objects.values_list("state", "attempts")) == {("sent", 1)}


@pytest.mark.django_db(transaction=True)
def test_without_the_lock_a_row_is_claimed_twice():
    """Negative control, one step at a time: two workers that read without the lock both get the row."""
    MessageFactory()
    if connection.vendor == "sqlite":
        # In SQLite, BEGIN IMMEDIATE is the lock: a second writer cannot even begin to read.
        assert connection.transaction_mode == "IMMEDIATE"
        return
    seen, read, written = [], threading.Barrier(2), threading.Barrier(2)

    def work():
        with transaction.atomic():
            seen.append(Message.objects.due().first())
            read.wait()
            written.wait()
        connections.close_all()

    threads = [threading.Thread(target=work) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert seen[0] == seen[1] is not None


@pytest.mark.django_db(transaction=True)
def test_mail_server_is_spoken_to_with_no_transaction_open(settings):
    open_transactions = []

    class Watching(EmailBackend):
        def send_messages(self, messages):
            open_transactions.append(connection.in_atomic_block)
            return super().send_messages(messages)

    globals()["Watching"] = Watching
    settings.EMAIL_BACKEND = f"{__name__}.Watching"
    MessageFactory()
    assert deliver_due(worker="test") == 1
    assert open_transactions == [False]


def test_expired_notice_is_never_sent_and_keeps_no_secret(db, mailoutbox):
    notice = MessageFactory(expires_at=timezone.now() - datetime.timedelta(seconds=1))

    assert actions.deliver_due(worker="test") == 1

    notice.refresh_from_db()
    assert (notice.state, notice.cause, notice.context) == (
        "failed",
        "The message was not sent, because it would have arrived too late.",
        {},
    )
    assert mailoutbox == []


def test_notice_that_would_expire_before_its_next_try_ends_and_keeps_no_secret(db, settings):
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", 1  # nothing listens on this port
    notice = MessageFactory(expires_at=timezone.now() + datetime.timedelta(seconds=5))

    actions.deliver_due(worker="test")

    notice.refresh_from_db()
    assert (notice.state, notice.context) == ("failed", {})
    assert notice.cause.startswith("The email server could not be reached")


# --- Checked again just before sending ---------------------------------------------------------------


def news(**facts) -> Notice:
    """Return published news that nobody has received."""
    return NoticeFactory(**facts)


def message_about(notice, **facts) -> Message:
    return MessageFactory(
        kind="notices/news", context={}, about_type="notices.notice", about_id=notice.pk, queue=Queue.BULK, **facts
    )


def state_of(message) -> tuple[str, str]:
    message.refresh_from_db()
    return message.state, message.cause


def test_who_has_left_since_gets_nothing():
    topic = TopicFactory()
    stays, leaves = SubscriptionFactory(topics=[topic]), SubscriptionFactory(topics=[topic])
    notice = news(topic=topic)
    of_stays, of_leaves = Message.objects.to(stays).get(), Message.objects.to(leaves).get()
    unsubscribe(leaves)
    deliver_due(worker="test")
    assert state_of(of_leaves) == ("withdrawn", "The subscription has ended.")
    assert state_of(of_stays) == ("sent", "")
    assert [mail.to for mail in mail.outbox] == [[stays.address]]
    assert notice.state == "sending"


@pytest.mark.parametrize("guarantee", DeliveryGuarantee.values)
def test_resident_is_written_to_where_they_are_now(guarantee):
    resident = ResidentFactory(email="old@example.org")
    message = MessageFactory(resident=resident, address="old@example.org", guarantee=guarantee)
    suppress("email", "old@example.org", "moved")
    resident.email = "new@example.org"
    resident.save()
    deliver_due(worker="test")
    assert state_of(message) == ("sent", "")
    assert message.address == "new@example.org"
    assert [mail.to for mail in mail.outbox] == [["new@example.org"]]
    process_bounce(message.public_id, for_good=True, cause="550")
    assert set(Suppression.objects.values_list("address", flat=True)) == {"old@example.org", "new@example.org"}


def test_new_address_that_takes_no_mail_gets_none():
    resident = ResidentFactory(email="new@example.org")
    message = MessageFactory(resident=resident, address="old@example.org")
    suppress("email", "new@example.org", "550")
    deliver_due(worker="test")
    assert state_of(message) == ("failed", "Email to this address bounced, so we no longer send to it.")
    assert mail.outbox == []


def test_resident_who_took_their_address_back_gets_nothing_there():
    resident = ResidentFactory(email="", phone="09012345678")
    message = MessageFactory(resident=resident, address="old@example.org")
    deliver_due(worker="test")
    assert state_of(message) == ("failed", "This person has not given any contact details.")
    assert mail.outbox == []


def test_message_about_something_that_is_gone_is_not_sent():
    notice = news(is_published=False)
    message = message_about(notice)
    notice.delete()
    deliver_due(worker="test")
    assert state_of(message) == ("withdrawn", "The message was about something that no longer exists.")
    assert mail.outbox == []


@pytest.mark.parametrize(("stop", "is_emergency"), [(cancel, False), (end, False), (end, True)])
def test_row_in_a_workers_hands_is_not_sent_later_once_its_notice_has_stopped(stop, is_emergency, settings):
    """The notice stops while a worker fails to send the message; the next attempt checks again."""
    subscription = SubscriptionFactory(topics=[topic := TopicFactory()])
    notice = NoticeFactory(topic=topic, emergency=True) if is_emergency else NoticeFactory(topic=topic)
    [message] = claim()
    stop(notice, by=UserFactory())
    leases.retry_or_fail(message, "The email server has asked us to wait.")
    past_due(message)
    deliver_due(worker="test")
    assert state_of(message) == ("withdrawn", "The message no longer applies to this person.")
    assert (message.recipient, mail.outbox) == (subscription, [])


def test_what_was_claimed_just_before_the_pause_is_held_and_goes_on_later():
    SubscriptionFactory(topics=[topic := TopicFactory()])
    notice = news(topic=topic)
    batch = claim()
    pause(notice, by=notice.author)
    with ExitStack() as lines:
        assert actions.BatchSender(lines).send(batch) == 0
    [message] = batch
    assert (state_of(message), message.attempts, mail.outbox) == (("held", ""), 0, [])
    assert resume(notice, by=notice.author) == 1
    assert deliver_due(worker="test") == 1
    assert state_of(message) == ("sent", "")


def test_notice_that_goes_on_while_a_worker_holds_it_back_leaves_nothing_behind(settings):
    """The worker read “paused”; the notice is resumed before the worker reaches the second row."""
    SubscriptionFactory(topics=[topic := TopicFactory()])
    notice = news(topic=topic)
    [message] = Message.objects.all()
    Message.objects.filter(pk=message.pk).update(queue=Queue.PERSONAL)
    MessageFactory(due_at=timezone.now() - datetime.timedelta(hours=1))
    batch = claim()
    pause(notice, by=notice.author)
    through(settings, ResumesMeanwhile)
    with ExitStack() as lines:
        actions.BatchSender(lines).send(batch)
    assert state_of(message) == ("waiting", "")
    deliver_due(worker="test")
    assert state_of(message) == ("sent", "")


def test_language_checked_while_a_worker_is_at_it_reaches_whoever_comes_next(settings, monkeypatch):
    monkeypatch.setitem(leases.BATCH_SIZE, Queue.EMERGENCY, 1)
    SubscriptionFactory.create_batch(2, language="da")
    notice = Notice(pattern="heat", level=2, title_en="Heat", body_en="Drink.", source_language="en")
    notice.topic = TopicFactory()
    issue(notice, by=UserFactory())
    begin_due_notices()
    through(settings, ChecksDanish)
    deliver_due(worker="test")
    subjects = [(message.to[0], message.subject) for message in mail.outbox]
    first, second = (
        Message.objects.filter(idempotency_key=notice.public_id).order_by("pk").values_list("address", flat=True)
    )
    assert subjects == [(first, "Heat – Ota"), (second, "Storm – Ota"), (first, "Storm – Ota")]


# --- Failing providers --------------------------------------------------------------------------------


def test_domain_that_asks_to_wait_rests_and_the_others_go_out(settings):
    through(settings, BusyDomain)
    BusyDomain.asked = 0
    busy = MessageFactory.create_batch(4)
    Message.objects.filter(pk__in=[row.pk for row in busy]).update(address="x@busy.example")
    others = MessageFactory.create_batch(2)
    deliver_due(worker="test")
    rest = DomainBackoff.objects.get()
    assert (rest.domain, rest.times, BusyDomain.asked) == ("busy.example", 1, 1)
    assert round((rest.until - timezone.now()).total_seconds()) == 30
    tried, *waiting = Message.objects.filter(address="x@busy.example").order_by("pk")
    assert (tried.state, tried.attempts, tried.cause) == ("waiting", 1, "The email server has asked us to wait.")
    assert [(row.state, row.attempts, row.due_at) for row in waiting] == [("waiting", 0, rest.until)] * 3
    assert sorted(message.to[0] for message in mail.outbox) == sorted(row.address for row in others)


def test_domain_rests_longer_each_time_and_starts_anew_after_a_quiet_day():
    pauses = []
    for _time in range(5):
        bounces.back_off("busy.example")
        rest = DomainBackoff.objects.get()
        pauses.append(round((rest.until - timezone.now()).total_seconds()))
        DomainBackoff.objects.update(until=timezone.now())
    assert pauses == [30, 120, 600, 1800, 1800]
    DomainBackoff.objects.update(until=timezone.now() - datetime.timedelta(days=1, seconds=1))
    bounces.back_off("busy.example")
    assert DomainBackoff.objects.get().times == 1


def test_several_workers_that_hear_it_at_once_make_one_rest():
    assert bounces.back_off("busy.example") == bounces.back_off("busy.example")
    assert DomainBackoff.objects.get().times == 1


@pytest.mark.parametrize(
    ("guarantee", "state"), [(DeliveryGuarantee.AT_LEAST_ONCE, "waiting"), (DeliveryGuarantee.AT_MOST_ONCE, "unclear")]
)
def test_server_that_hangs_up_in_the_middle_leaves_what_the_promise_says(guarantee, state, settings):
    through(settings, HangsUp)
    message = MessageFactory(guarantee=guarantee)
    deliver_due(worker="test")
    assert state_of(message) == (
        state,
        "The email server closed the connection too early. The message may have been sent.",
    )


@pytest.mark.parametrize("guarantee", DeliveryGuarantee.values)
def test_server_that_hangs_up_before_it_was_given_anything_is_asked_again(guarantee, settings):
    through(settings, HangsUpAtOnce)
    message = MessageFactory(guarantee=guarantee)
    deliver_due(worker="test")
    assert state_of(message) == ("waiting", "The email server could not be reached (SMTPServerDisconnected).")


@pytest.mark.parametrize("guarantee", DeliveryGuarantee.values)
def test_lost_provider_that_drops_repeats_is_simply_asked_again(guarantee, settings):
    settings.PUSH_URL = "http://127.0.0.1:1/"
    message = MessageFactory(channel="push", address="U1", guarantee=guarantee)
    claim()
    lease_over(message)
    release_expired_leases()
    assert state_of(message) == ("waiting", "Sending was interrupted.")


# --- Bounces ------------------------------------------------------------------------------------------


def test_bounce_for_good_ends_the_subscription_and_stops_the_address():
    subscription = SubscriptionFactory(address="sita@example.org")
    message = MessageFactory(address="sita@example.org", state="sent")
    assert process_bounce(message.public_id, for_good=True, cause="x" * 300) is True
    subscription.refresh_from_db()
    assert (subscription.state, subscription.address.startswith("left-")) == ("unsubscribed", True)
    assert state_of(message) == ("bounced", "x" * 200)
    later = MessageFactory(address="sita@example.org")
    deliver_due(worker="test")
    assert state_of(later) == ("failed", "Email to this address bounced, so we no longer send to it.")
    assert mail.outbox == []


def test_bounce_for_now_stops_nothing():
    message = MessageFactory(address="sita@example.org", state="sent")
    assert process_bounce(message.public_id, for_good=False, cause="mailbox full") is True
    assert state_of(message) == ("bounced", "mailbox full")
    assert Suppression.objects.count() == 0


def test_bounce_that_comes_twice_or_of_nobodys_message_changes_nothing():
    message = MessageFactory(state="sent")
    process_bounce(message.public_id, for_good=False, cause="first")
    assert process_bounce(message.public_id, for_good=True, cause="second") is True
    assert process_bounce("nobody-knows-this-one", for_good=True, cause="x") is False
    assert state_of(message) == ("bounced", "first")
    assert Suppression.objects.count() == 0


@pytest.mark.parametrize("state", ["failed", "bounced", "unclear"])
def test_trying_again_starts_from_the_beginning_and_trusts_the_address(state):
    message = MessageFactory(state=state, attempts=6, ended_at=timezone.now(), cause="some")
    suppress("email", message.address, "550")
    try_again(message, by=UserFactory())
    assert state_of(message) == ("waiting", "")
    assert (message.attempts, message.ended_at) == (0, None)
    assert deliver_due(worker="test") == 1
    assert state_of(message) == ("sent", "")


@pytest.mark.parametrize("state", ["waiting", "sent", "withdrawn", "held", "sending"])
def test_only_what_went_wrong_can_be_tried_again(state):
    message = MessageFactory(state=state, leased_until=timezone.now() if state == "sending" else None)
    with pytest.raises(InvalidTransition):
        try_again(message, by=UserFactory())
    assert state_of(message) == (state, "")


@pytest.mark.parametrize("state", ["unclear", "failed", "bounced"])
def test_message_that_arrived_or_was_said_by_phone_is_closed(state):
    message = MessageFactory(state=state, cause="some")
    mark_delivered(message, by=UserFactory())
    message.refresh_from_db()
    assert message.state == "sent"
    with pytest.raises(InvalidTransition):
        mark_delivered(MessageFactory(state="waiting"), by=UserFactory())


def test_message_whose_recipient_was_deleted_is_withdrawn():
    reader = SubscriptionFactory()
    message = MessageFactory(recipient=reader, address=reader.address)
    reader.delete()
    deliver_due(worker="test")
    assert (state_of(message), mail.outbox) == (("withdrawn", "The subscription has ended."), [])
