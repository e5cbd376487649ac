"""The ledger: claim, commit, talk to the mail server, write down what came of it."""

import datetime
import logging
import smtplib
import threading

import pytest
from django.core import mail
from django.core.mail.backends.locmem import EmailBackend
from django.db import IntegrityError, connection, connections, transaction
from django.utils import timezone

from services.languages.table import SPOKEN
from services.notices.actions import delivering as actions
from services.notices.actions.delivering import claim, deliver_waiting, end_lost_leases
from services.notices.actions.telling import notify
from services.notices.composing import compose
from services.notices.models import Heartbeat, Message, MessageState, Promise, Queue
from tests.factories import MessageFactory, ResidentFactory

pytestmark = pytest.mark.django_db
LADDER = [10, 60, 300, 1800, 7200]
KINDS = {
    "accounts/sign_in_code": {"code": "ABCD-1234"},
    "accounts/confirm_address": {"code": "ABCD-1234"},
    "accounts/password_code": {"code": "ABCD-1234"},
    "accounts/unknown_address": {"signup_url": "https://tabunka.example/ne/me/signup/"},
    "accounts/address_known": {"password_reset_url": "https://tabunka.example/ne/me/password/reset/"},
}


class DeadServer(EmailBackend):
    """Nobody answers. Configured as Django's mail backend; the portal's own code is as it is."""

    def open(self):
        raise ConnectionRefusedError("nobody there")


class UnknownAddress(EmailBackend):
    """Says for good that it does not know the address."""

    def send_messages(self, messages):
        raise smtplib.SMTPRecipientsRefused({messages[0].to[0]: (550, b"5.1.1 No such mailbox")})


class BusyAddress(EmailBackend):
    """Says that the address can take nothing just now."""

    def send_messages(self, messages):
        raise smtplib.SMTPRecipientsRefused({messages[0].to[0]: (451, b"4.3.2 Try again later")})


def through(settings, backend):
    settings.EMAIL_BACKEND = f"{backend.__module__}.{backend.__qualname__}"


def past_due(notice) -> None:
    """As if the pause until the next try were over."""
    Message.objects.filter(pk=notice.pk).update(due_at=timezone.now())


def lease_over(notice) -> None:
    """As if the worker that holds the row had been gone for longer than its lease."""
    Message.objects.filter(pk=notice.pk).update(leased_until=timezone.now() - datetime.timedelta(seconds=1))


def seconds_until_due(notice) -> int:
    return round((notice.due_at - timezone.now()).total_seconds())


def test_notify_writes_one_row_in_the_residents_language():
    resident = ResidentFactory(language="vi")
    notice = notify(resident, "accounts/sign_in_code", language="ja", context={"code": "X"}, queue=Queue.URGENT)
    row = Message.objects.get()
    assert row == notice
    assert (row.address, row.language, row.resident, row.state) == (resident.email, "vi", resident, "waiting")
    assert (row.context, row.queue, row.promise, row.attempts) == ({"code": "X"}, "urgent", "must_arrive", 0)


def test_each_call_without_an_occasion_is_a_message_of_its_own():
    for _ in range(3):
        notify("sita@example.org", "accounts/sign_in_code", language="ne", context={"code": "X"})
    assert Message.objects.count() == 3
    assert len(set(Message.objects.values_list("occasion", flat=True))) == 3


def test_same_occasion_is_the_same_message():
    first = notify("sita@example.org", "accounts/sign_in_code", language="ne", occasion="course 7 cancelled")
    second = notify("sita@example.org", "accounts/sign_in_code", language="ne", occasion="course 7 cancelled")
    other = notify("lan@example.org", "accounts/sign_in_code", language="vi", occasion="course 7 cancelled")
    assert first == second != other
    assert Message.objects.count() == 2
    with pytest.raises(IntegrityError), transaction.atomic():
        MessageFactory(kind=first.kind, occasion=first.occasion, address=first.address)


@pytest.mark.django_db(transaction=True)
def test_row_goes_with_the_transaction_that_it_is_about():
    @transaction.atomic
    def deed_that_fails():
        notify("sita@example.org", "accounts/sign_in_code", language="ne")
        raise RuntimeError

    with pytest.raises(RuntimeError):
        deed_that_fails()
    assert Message.objects.count() == 0
    assert deliver_waiting(worker="test") == 0


def test_delivered_notice_is_sent_once_and_its_context_emptied():
    notice = MessageFactory(language="ne")
    assert deliver_waiting(worker="test") == 1
    assert deliver_waiting(worker="test") == 0
    notice.refresh_from_db()
    assert (notice.state, notice.attempts, notice.context, notice.cause) == (MessageState.SENT, 1, {}, "")
    assert notice.leased_until is None
    assert notice.ended_at is not None
    assert [message.to for message in mail.outbox] == [[notice.address]]


def test_delivery_stops_at_its_limit():
    MessageFactory.create_batch(5)
    assert deliver_waiting(worker="test", limit=3) == 3
    assert deliver_waiting(worker="test", limit=3) == 2
    assert len(mail.outbox) == 5


def test_what_somebody_waits_for_goes_first():
    bulk = MessageFactory(queue=Queue.BULK, due_at=timezone.now() - datetime.timedelta(hours=1))
    late, early = (
        MessageFactory(queue=Queue.PERSONAL, due_at=timezone.now() - datetime.timedelta(minutes=m)) for m in (1, 2)
    )
    urgent = MessageFactory(queue=Queue.URGENT)
    assert [claim().pk for _ in range(4)] == [urgent.pk, early.pk, late.pk, bulk.pk]
    assert claim() is None


def test_what_is_not_due_waits():
    MessageFactory(due_at=timezone.now() + datetime.timedelta(minutes=1))
    assert claim() is None
    assert deliver_waiting(worker="test") == 0


def test_claim_takes_the_row_for_two_minutes():
    MessageFactory()
    notice = claim()
    notice.refresh_from_db()
    assert (notice.state, notice.attempts) == (MessageState.SENDING, 1)
    assert round((notice.leased_until - timezone.now()).total_seconds()) == 120
    assert claim() is None
    end_lost_leases()
    assert claim() is None


def test_each_delivery_shows_that_the_worker_lives():
    deliver_waiting(worker="one")
    deliver_waiting(worker="two")
    deliver_waiting(worker="one")
    assert sorted(Heartbeat.objects.values_list("worker", flat=True)) == ["one", "two"]


@pytest.mark.parametrize(
    ("promise", "state", "sent"),
    [(Promise.MUST_ARRIVE, MessageState.SENT, 1), (Promise.MUST_NOT_REPEAT, MessageState.UNCLEAR, 0)],
)
def test_lost_worker_leaves_what_the_promise_says(promise, state, sent):
    notice = MessageFactory(promise=promise)
    claim()
    lease_over(notice)
    assert deliver_waiting(worker="other") == 0
    notice.refresh_from_db()
    assert notice.cause == "The worker was lost while sending."
    if promise == Promise.MUST_ARRIVE:
        assert (notice.state, seconds_until_due(notice)) == (MessageState.WAITING, 10)
        past_due(notice)
        deliver_waiting(worker="other")
    notice.refresh_from_db()
    assert (notice.state, len(mail.outbox)) == (state, sent)
    assert notice.leased_until is None


def test_slow_worker_that_lost_its_lease_does_not_overwrite_the_next_ones_result():
    notice = MessageFactory()
    slow = claim()
    lease_over(notice)
    end_lost_leases()
    past_due(notice)
    deliver_waiting(worker="quick")
    actions._try_later(slow, "too late")
    actions._end(slow, MessageState.FAILED, "too late")
    notice.refresh_from_db()
    assert (notice.state, notice.attempts, notice.cause) == (MessageState.SENT, 2, "")


def test_dead_mail_server_is_tried_up_the_ladder_and_then_given_up(settings):
    through(settings, DeadServer)
    notice = MessageFactory()
    for attempt, pause in enumerate(LADDER, start=1):
        assert deliver_waiting(worker="test") == 1
        notice.refresh_from_db()
        assert (notice.state, notice.attempts) == (MessageState.WAITING, attempt)
        assert seconds_until_due(notice) == pause
        assert notice.cause == "The mail server could not be reached: ConnectionRefusedError."
        past_due(notice)
    deliver_waiting(worker="test")
    notice.refresh_from_db()
    assert (notice.state, notice.attempts) == (MessageState.FAILED, 6)
    assert notice.ended_at is not None
    assert claim() is None


def test_dead_mail_server_that_comes_back_gets_everything(settings):
    through(settings, DeadServer)
    notices = MessageFactory.create_batch(3)
    deliver_waiting(worker="test")
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
    for notice in notices:
        past_due(notice)
    assert deliver_waiting(worker="test") == 3
    assert len(mail.outbox) == 3
    assert set(Message.objects.values_list("state", flat=True)) == {"sent"}


def test_address_refused_for_good_fails_at_once(settings):
    through(settings, UnknownAddress)
    notice = MessageFactory()
    deliver_waiting(worker="test")
    notice.refresh_from_db()
    assert (notice.state, notice.attempts) == (MessageState.FAILED, 1)
    assert notice.cause == "The mail server does not know the address."


def test_address_refused_for_now_is_tried_again(settings):
    through(settings, BusyAddress)
    notice = MessageFactory()
    deliver_waiting(worker="test")
    notice.refresh_from_db()
    assert (notice.state, seconds_until_due(notice)) == (MessageState.WAITING, 10)
    assert notice.cause == "The mail server could not be reached: SMTPRecipientsRefused."


@pytest.mark.parametrize(
    "poison",
    [{"kind": "accounts/no_such_kind"}, {"language": "xx"}, {"context": ["not", "words"]}, {"address": "a\nb"}],
)
def test_poisoned_message_ends_alone_and_the_others_go_out(poison, caplog):
    before, poisoned, after = MessageFactory(), MessageFactory(**poison), MessageFactory()
    with caplog.at_level(logging.CRITICAL):
        assert deliver_waiting(worker="test") == 3
        for _ in LADDER:
            past_due(poisoned)
            assert deliver_waiting(worker="test") == 1
    poisoned.refresh_from_db()
    assert (poisoned.state, poisoned.attempts) == (MessageState.FAILED, 6)
    assert poisoned.cause.startswith("The text could not be made: ")
    assert [message.to[0] for message in mail.outbox] == [before.address, after.address]


def test_failed_notice_can_be_sent_once_more():
    assert Message.MOVES[MessageState.FAILED] == {MessageState.WAITING}


@pytest.mark.parametrize("state", MessageState.values)
def test_database_knows_that_sending_means_leased(state):
    leased = timezone.now() if state != MessageState.SENDING else None
    with pytest.raises(IntegrityError), transaction.atomic():
        MessageFactory(state=state, leased_until=leased)
    with pytest.raises(IntegrityError), transaction.atomic():
        MessageFactory(state="lost")


@pytest.mark.parametrize("language", SPOKEN)
@pytest.mark.parametrize("kind", KINDS)
def test_mail_is_in_its_readers_language_whatever_the_workers(kind, language):
    message = compose(MessageFactory(kind=kind, language=language, context=KINDS[kind]))
    english = compose(MessageFactory(kind=kind, language="en", context=KINDS[kind]))
    html = message.alternatives[0].content
    word = next(iter(KINDS[kind].values()))
    assert message.extra_headers == {"Content-Language": language, "Auto-Submitted": "auto-generated"}
    assert f'<html lang="{language}" dir="{SPOKEN[language].dir}">' in html
    assert word in message.body
    assert word in html
    assert "|" not in message.subject + message.body + html
    if language != "en":
        assert message.subject != english.subject
        assert message.body.split("\n")[0] != english.body.split("\n")[0]


def test_mail_in_easy_japanese_has_its_three_faces():
    message = compose(MessageFactory(language="ja-simple"))
    assert "<ruby>" not in message.subject
    assert "（" in message.body
    assert "<rt>" in message.alternatives[0].content


def test_mail_escapes_words_in_html_only():
    message = compose(MessageFactory(context={"code": "<b>&"}))
    assert "<b>&" in message.body
    assert "&lt;b&gt;&amp;" in message.alternatives[0].content


@pytest.mark.django_db(transaction=True)
def test_threads_deliver_each_message_once():
    """Ten workers at once on forty rows."""
    MessageFactory.create_batch(40)
    faults, together = [], threading.Barrier(10)

    def work(number):
        together.wait()
        try:
            deliver_waiting(worker=f"thread{number}")
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
    """The negative control, one step at a time: two workers that read without the lock both get the row."""
    MessageFactory()
    if connection.vendor == "sqlite":
        # There BEGIN IMMEDIATE is the lock: a second writer cannot even begin to read.
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
    assert deliver_waiting(worker="test") == 1
    assert open_transactions == [False]


def test_expired_notice_is_never_sent_and_keeps_no_secret(db, mailoutbox):
    notice = MessageFactory(expires_at=timezone.now() - datetime.timedelta(seconds=1))

    assert actions.deliver_waiting(worker="test") == 1

    notice.refresh_from_db()
    assert (notice.state, notice.cause, notice.context) == ("failed", "It would have come too late.", {})
    assert mailoutbox == []


def test_notice_that_would_expire_before_its_next_try_ends_and_keeps_no_secret(db, settings):
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", 1  # nobody listens there
    notice = MessageFactory(expires_at=timezone.now() + datetime.timedelta(seconds=5))

    actions.deliver_waiting(worker="test")

    notice.refresh_from_db()
    assert (notice.state, notice.context) == ("failed", {})
    assert notice.cause.startswith("The mail server could not be reached")
