"""SMTP with PIPELINING, against a server that answers as each test requires."""

import contextlib
import smtplib
import socket
import threading

import pytest

from services.messaging.channels.smtp_pipelining import send_pipelined
from services.messaging.delivery import deliver_due
from services.messaging.models import Message
from tests.factories import MessageFactory

pytestmark = pytest.mark.servers

MAIL = b"Subject: Dots\r\n\r\n.one\r\n..two\r\nthree.\r\n"
COMMANDS = ["MAIL FROM:<us@example.org>", "RCPT TO:<reader@example.org>", "DATA"]
TAKEN = ["250 OK", "250 OK", "354 Go on", "250 Kept"]
HANGS_UP = None


class Server:
    """Answer MAIL, RCPT, DATA and the email's end with one line each, and record what arrived in one piece."""

    def __init__(self, answers, offers=("PIPELINING",)):
        self.answers, self.offers, self.pieces = answers, offers, []
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.thread = threading.Thread(target=self._serve)
        self.thread.start()

    def _serve(self):
        while True:
            try:
                line, _address = self.listener.accept()
            except OSError:
                return
            with line:
                line.sendall(b"220 here\r\n")
                self._speak(line)

    def _speak(self, line):
        answers, got, in_mail = iter(self.answers), b"", False
        while piece := line.recv(100_000):
            self.pieces.append(piece.decode())
            got += piece
            while (end := got.find(b"\r\n.\r\n" if in_mail else b"\r\n")) >= 0:
                command, got = got[:end], got[end + (5 if in_mail else 2) :]
                if command[:4].lower() == b"ehlo":
                    line.sendall(
                        "".join(f"250-{name}\r\n" for name in ("here", *self.offers)).encode() + b"250 HELP\r\n"
                    )
                elif command[:4].lower() in {b"quit", b"rset"}:
                    line.sendall(b"221 Bye\r\n")
                else:
                    answer = next(answers, HANGS_UP)
                    if answer is HANGS_UP:
                        return
                    line.sendall(f"{answer}\r\n".encode())
                    in_mail = answer.startswith("354")

    def close(self):
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        self.thread.join()


@pytest.fixture
def server():
    """Return a function that starts a server."""
    with contextlib.ExitStack() as last:

        def make(*words, **options):
            made = Server(*words, **options)
            last.callback(made.close)
            return made

        yield make


def send(server):
    with smtplib.SMTP("127.0.0.1", server.port, timeout=5) as line:
        send_pipelined(line, "us@example.org", "reader@example.org", MAIL)


def test_mail_takes_two_round_trips(server):
    there = server(TAKEN)

    send(there)

    assert there.pieces[1] == "\r\n".join([*COMMANDS, ""])
    assert there.pieces[2] == "Subject: Dots\r\n\r\n..one\r\n...two\r\nthree.\r\n.\r\n"


def test_size_is_told_to_a_server_that_asks(server):
    there = server(TAKEN, offers=("PIPELINING", "SIZE 1000000"))

    send(there)

    assert there.pieces[1].startswith(f"MAIL FROM:<us@example.org> SIZE={len(MAIL)}\r\n")


def test_server_without_pipelining_is_asked_one_by_one(server):
    there = server(TAKEN, offers=("8BITMIME",))

    send(there)

    assert [piece.strip().upper()[:4] for piece in there.pieces[1:4]] == ["MAIL", "RCPT", "DATA"]


@pytest.mark.parametrize(
    ("answers", "fault"),
    [
        (["550 no", "503 MAIL first", "503 MAIL first"], smtplib.SMTPSenderRefused),
        (["421 busy", HANGS_UP], smtplib.SMTPSenderRefused),
        (["250 OK", "550 5.1.1 who", "554 nobody"], smtplib.SMTPRecipientsRefused),
        (["250 OK", "550 5.1.1 who", "354 Go on"], smtplib.SMTPRecipientsRefused),
        (["250 OK", "451 later", "554 nobody"], smtplib.SMTPRecipientsRefused),
        (["250 OK", "250 OK", "451 later"], smtplib.SMTPDataError),
        (["250 OK", "250 OK", "354 Go on", "554 spam"], smtplib.SMTPDataError),
        (["250 OK", "250 OK", "354 Go on", HANGS_UP], smtplib.SMTPServerDisconnected),
        (["250 OK", HANGS_UP], smtplib.SMTPServerDisconnected),
        ([HANGS_UP], smtplib.SMTPServerDisconnected),
    ],
)
def test_refusals_are_smtplibs_own(server, answers, fault):
    with pytest.raises(fault):
        send(server(answers))


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("answers", "state"),
    [
        (TAKEN, "sent"),
        (["250 OK", "550 5.1.1 who", "354 Go on"], "failed"),
        (["421 busy", HANGS_UP], "waiting"),
        (["250 OK", "250 OK", "354 Go on", HANGS_UP], "unclear"),
    ],
)
def test_message_ends_as_the_server_says(server, settings, answers, state):
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT, settings.EMAIL_TIMEOUT = "127.0.0.1", server(answers).port, 5
    MessageFactory(guarantee="at_most_once")

    deliver_due(worker="test")

    assert Message.objects.get().state == state


@pytest.mark.django_db
@pytest.mark.parametrize("offers", [("PIPELINING",), ()])
@pytest.mark.parametrize(
    ("address", "command"),
    [
        ("taro..yamada@docomo.ne.jp", 'RCPT TO:<"taro..yamada"@docomo.ne.jp>'),
        (".taro.@ezweb.ne.jp", 'RCPT TO:<".taro."@ezweb.ne.jp>'),
        ("taro.yamada@docomo.ne.jp", "RCPT TO:<taro.yamada@docomo.ne.jp>"),
    ],
)
def test_c7_irregular_name_is_quoted_on_the_wire(server, settings, offers, address, command):
    listening = server(TAKEN, offers=offers)
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT, settings.EMAIL_TIMEOUT = "127.0.0.1", listening.port, 5
    MessageFactory(address=address)

    deliver_due(worker="test")

    wire = "".join(listening.pieces)
    assert f"{command}\r\n".lower() in wire.lower()
    assert f"\r\nTo: {command.removeprefix('RCPT TO:<').removesuffix('>')}\r\n" in wire
    assert Message.objects.get().state == "sent"
