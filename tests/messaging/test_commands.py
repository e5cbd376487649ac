"""The commands for cron, for a mail server's pipe and for setting up a city."""

import io
import sys
from email.message import EmailMessage
from types import SimpleNamespace

import pytest
from django.core.management import CommandError, call_command
from django.db import OperationalError, connection

from services.languages.registry import SPOKEN
from services.messaging.management.commands import process_bounce
from services.messaging.models import Heartbeat, Message, MessageState, Suppression
from services.notices.demo import load_topics
from services.notices.models import Notice, NoticeState, Topic
from tests.factories import MessageFactory, NoticeFactory, SubscriptionFactory, TopicFactory

pytestmark = pytest.mark.django_db


def told(*words, **options) -> str:
    """Run a command and return its output."""
    out = io.StringIO()
    call_command(*words, stdout=out, **options)
    return out.getvalue().strip()


# --- deliver ------------------------------------------------------------------------------------


def test_deliver_sends_what_is_due_and_says_how_many(mailoutbox):
    MessageFactory.create_batch(30)

    assert told("deliver") == "Tried 30 messages."
    assert told("deliver") == "Tried 0 messages."
    assert len(mailoutbox) == 30
    assert set(Message.objects.values_list("state", flat=True)) == {MessageState.SENT}
    assert Heartbeat.objects.get().worker.startswith("cron-")


def test_deliver_begins_and_finishes_a_broadcast_in_one_call(mailoutbox):
    topic = TopicFactory()
    SubscriptionFactory.create_batch(3, topics=[topic])
    notice = NoticeFactory(topic=topic, is_published=False)
    Notice.objects.filter(pk=notice.pk).update(state=NoticeState.APPROVED, scheduled_at=notice.changed_at)

    assert told("deliver") == "Tried 3 messages."
    assert len(mailoutbox) == 3
    assert Notice.objects.get(pk=notice.pk).state == NoticeState.DONE


def test_deliver_leaves_the_rest_when_its_time_is_over(mailoutbox):
    MessageFactory.create_batch(3)

    assert told("deliver", "--for", "0") == "Tried 0 messages."
    assert mailoutbox == []
    assert set(Message.objects.values_list("state", flat=True)) == {MessageState.WAITING}


# --- process_bounce --------------------------------------------------------------------------------


def returned(status="5.1.1", *, action="failed", to="", diagnostic="smtp; 550 5.1.1 User unknown") -> bytes:
    """Return a bounce as Postfix writes it (RFC 3464)."""
    return (
        "From: MAILER-DAEMON@mx.example.net (Mail Delivery System)\r\n"
        f"To: {to or 'undisclosed-recipients:;'}\r\n"
        "Subject: Undelivered Mail Returned to Sender\r\nAuto-Submitted: auto-replied\r\nMIME-Version: 1.0\r\n"
        'Content-Type: multipart/report; report-type=delivery-status; boundary="edge"\r\n\r\n'
        "--edge\r\nContent-Type: text/plain; charset=us-ascii\r\n\r\nI'm sorry.\r\n\r\n"
        "--edge\r\nContent-Type: message/delivery-status\r\n\r\n"
        "Reporting-MTA: dns; mx.example.net\r\nArrival-Date: Mon, 23 Nov 2026 03:00:00 +0000\r\n\r\n"
        "Final-Recipient: rfc822; reader@example.org\r\n"
        f"Action: {action}\r\nStatus: {status}\r\nDiagnostic-Code: {diagnostic}\r\n\r\n"
        "--edge\r\nContent-Type: message/rfc822\r\n\r\nSubject: News\r\n\r\nWords.\r\n\r\n--edge--\r\n"
    ).encode()


@pytest.fixture
def piped(monkeypatch):
    """Return a function that pipes an email to the command and returns the output."""

    def pipe(mail: bytes, *words: str) -> str:
        monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BytesIO(mail)))
        return told("process_bounce", *words)

    return pipe


@pytest.fixture
def message():
    """A message that has been sent."""
    return MessageFactory(state=MessageState.SENT, address="reader@example.org")


def home(message) -> str:
    return f"bounces+{message.public_id}@tabunka.example.org"


@pytest.mark.parametrize(
    ("status", "diagnostic", "for_good"),
    [
        ("5.1.1", "", True),
        ("5.1.10", "", True),  # RFC 7505: the domain accepts no email
        ("5.2.1", "", True),
        ("5.4.4", "", True),
        ("5.0.0", "smtp; 550-5.1.1 The email account does not exist", True),
        ("5.0.0", "smtp; host mx.example.net[203.0.113.5] said: 550 no", False),
        ("5.0.0", "smtp; host mx.example.net[5.1.1.1] said: 550 no", False),
        ("5.1.8", "", False),  # our own sender address is at fault
        ("5.2.2", "", False),  # the mailbox is full
        ("5.7.1", "smtp; 550 5.7.1 looks like spam", False),
        ("5.7.26", "", False),  # our own SPF and DKIM are at fault
        ("4.4.1", "", False),  # the server gave up after days
        ("nonsense", "", False),
    ],
)
def test_only_an_address_that_is_none_is_ended_for_good(message, piped, status, diagnostic, for_good):
    said = piped(returned(status, diagnostic=diagnostic), "--to", home(message))

    message.refresh_from_db()
    assert message.state == MessageState.BOUNCED
    assert said.startswith("Came back for good: " if for_good else "Came back: ")
    assert said.endswith(message.cause)
    assert Suppression.objects.filter(address="reader@example.org").exists() is for_good


@pytest.mark.parametrize("action", ["delayed", "delivered", "relayed", "expanded"])
def test_status_that_is_no_failure_changes_nothing(message, piped, action):
    assert piped(returned("4.4.7", action=action), "--to", home(message)) == (
        "No delivery status that says it failed: nothing done."
    )
    message.refresh_from_db()
    assert message.state == MessageState.SENT


@pytest.mark.parametrize("header", ["To", "Delivered-To", "X-Original-To"])
def test_message_is_named_by_the_mails_own_headers_too(message, piped, header):
    mail = returned(to="" if header != "To" else home(message))
    if header != "To":
        mail = f"{header}: <{home(message)}>\r\n".encode() + mail

    assert piped(mail) == "Came back for good: The email bounced: this email address does not exist (5.1.1)."


def test_address_that_the_server_names_counts_more_than_the_headers(message, piped):
    other = MessageFactory(state=MessageState.SENT)

    piped(returned(to=home(other)), "--to", home(message))

    message.refresh_from_db()
    other.refresh_from_db()
    assert (message.state, other.state) == (MessageState.BOUNCED, MessageState.SENT)


def test_answer_from_somebody_on_holiday_changes_nothing(message, piped):
    answer = EmailMessage()
    answer["To"], answer["Subject"] = home(message), "Out of office: 5.1.1 Action: failed"
    answer.set_content("Action: failed\nStatus: 5.1.1\n")

    assert piped(answer.as_bytes()) == "No delivery status that says it failed: nothing done."
    message.refresh_from_db()
    assert message.state == MessageState.SENT


def test_same_mail_twice_is_taken_once(message, piped):
    for _ in range(2):
        piped(returned(), "--to", home(message))

    assert Suppression.objects.count() == 1
    message.refresh_from_db()
    assert message.state == MessageState.BOUNCED


@pytest.mark.parametrize(
    "garbage",
    [
        b"",
        b"\x00\xff\xfe\r\n\r\n\x80",
        b"To: =?utf-8?b?\xff?=\r\nContent-Type: multipart/report\r\n\r\n",
        b"Content-Type: message/delivery-status\r\n\r\n\r\n\r\nAction: failed",
        b"Content-Type: multipart/mixed; boundary=a\r\n\r\n" + b"--a\r\n" * 500,
        b"Content-Type: message/rfc822\r\n\r\n" * 200,
        b"x" * 2_000_000,
        returned(to="bounces+AAAAAAAAAAAAAAAAAAAAAA@tabunka.example.org"),
        returned("5.1.1\x00"),
    ],
)
def test_garbage_is_answered_by_a_line(message, piped, garbage):
    assert piped(garbage).endswith("nothing done.")
    message.refresh_from_db()
    assert message.state == MessageState.SENT


def test_database_that_is_away_lets_the_mail_server_come_again(message, piped, monkeypatch):
    def away(execute, *words):
        raise OperationalError("gone")

    with pytest.raises(CommandError) as refused, connection.execute_wrapper(away):
        piped(returned(), "--to", home(message))
    assert refused.value.returncode == process_bounce.TRY_AGAIN == 75


# --- load_topics --------------------------------------------------------------------------------


def test_topics_are_loaded_in_every_language_and_a_second_time_changes_nothing():
    columns = [f"{name}_{language.column}" for name in ("name", "about") for language in SPOKEN.values()]
    assert told("load_topics") == "The topics are loaded: 8 new or changed."
    before = list(Topic.objects.values("code", "icon", "position", *columns))

    assert told("load_topics") == "The topics are loaded: 0 new or changed."
    assert list(Topic.objects.values("code", "icon", "position", *columns)) == before
    assert all(row[column] for row in before for column in columns)
    assert [row["position"] for row in before] == [1, 2, 3, 4, 5, 6, 7, 8]


def test_topic_that_was_changed_is_as_the_file_says_again():
    load_topics()
    Topic.objects.filter(code="disasters").update(name_ne="?", icon="house")

    assert load_topics() == 1
    assert Topic.objects.get(code="disasters").icon == "siren"
    assert Topic.objects.get(code="disasters").name_ne != "?"
