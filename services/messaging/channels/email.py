"""E-mail by SMTP: one connection for a batch, one text for each language, one return address for each message."""

import re
import smtplib
from contextlib import contextmanager
from email.charset import QP, SHORTEST, Charset
from email.utils import parseaddr

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.mail import EmailMultiAlternatives, get_connection
from django.core.mail.backends import smtp
from django.core.mail.message import DNS_NAME
from django.core.validators import validate_email
from django.utils.translation import gettext as _

from services.base.hygiene import clean_code
from services.notices.channels.faults import TryLater, Unclear, Undeliverable
from services.notices.channels.pipelining import hand_over
from services.notices.composing import LEAVE, MANAGE, Letter
from services.notices.links import own_links, with_links
from services.notices.models import Message, Queue

_TO, _ID, _HEADER_LEAVE = "stand-in@stand-in.invalid", "stand-in-id", "https://stand-in.invalid/in-header"
_PLAIN = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]+@[A-Za-z0-9.-]+")  # as in browsers; most are
_LONGEST_LINE = 998  # RFC 5322, 2.1.1
_QUOTED = Charset("utf-8")
_QUOTED.body_encoding, _QUOTED.header_encoding = QP, SHORTEST
_TEMPORARY = range(400, 500)
_TOO_FAST = re.compile(rb"4\.[37]\.")  # RFC 3463: the server's own trouble, or its rules; 4.2.x is one full mailbox


class Email:
    """E-mail."""

    is_offered = True
    drops_repeats = False

    def clean_address(self, typed: str) -> str:
        """A mailbox's address in lower case: no server in use tells Sita@ from sita@."""
        address = clean_code(typed)
        try:
            validate_email(address)
        except ValidationError as fault:
            raise ValidationError(_("Please write an e-mail address, like name@example.org."), code="email") from fault
        name, _at, _domain = address.rpartition("@")
        if not name.isascii():  # Django's rule lets İ and ſ through, and no server of ours could write to them
            raise ValidationError(_("Please write an e-mail address, like name@example.org."), code="email")
        return address.lower()

    @contextmanager
    def open(self):
        """A connection to the mail server, made at the first message and used again."""
        server = get_connection()
        moulds: dict[tuple[int, bool], _Mould] = {}  # by the letter, which its mould keeps alive

        def send(message: Message, letter: Letter) -> None:
            is_news = message.subscription is not None and message.queue == Queue.BULK
            key = (id(letter), is_news)
            if key not in moulds:
                moulds[key] = _Mould(letter, is_news=is_news)
            try:
                server.open()
            except OSError as fault:
                server.close()
                raise _in_our_words(fault, is_handed_over=False) from fault
            try:
                _hand_over(moulds[key], message, server)
            except OSError as fault:
                server.close()
                raise _in_our_words(fault, is_handed_over=True) from fault

        try:
            yield send
        finally:
            server.close()


class _Mould:
    """A letter as a mail's bytes, made once, with stand-ins for what differs from reader to reader."""

    def __init__(self, letter: Letter, *, is_news: bool):
        self.letter = letter
        self.is_news = is_news
        has_long_lines = any(
            len(line.encode()) > _LONGEST_LINE for face in (letter.text, letter.html) for line in face.split("\n")
        )
        self.is_quoted = has_long_lines
        mail = EmailMultiAlternatives(letter.subject, letter.text, to=[_TO], headers=self._headers(_ID, _HEADER_LEAVE))
        self._fill(mail, letter.html)
        self.bytes = mail.message().as_bytes(linesep="\r\n")

    def bytes_for(self, message: Message) -> bytes:
        """The mail to one reader as it goes over the line. The address must be a plain one."""
        leave, manage = own_links(message)
        in_body = _quoted if self.is_quoted else str
        filled = self.bytes
        for stand_in, words in (
            (_TO, message.address),
            (_ID, message.public_id),
            (_HEADER_LEAVE, leave),
            (LEAVE, in_body(leave)),
            (MANAGE, in_body(manage)),
        ):
            filled = filled.replace(stand_in.encode(), words.encode())
        return filled

    def mail_for(self, message: Message) -> EmailMultiAlternatives:
        """The same as Django's own mail: for its other backends, and for addresses that it writes in its own way."""
        leave, manage = own_links(message)
        mail = EmailMultiAlternatives(
            self.letter.subject,
            with_links(self.letter.text, leave, manage) if message.subscription else self.letter.text,
            from_email=return_address(message),
            to=[message.address],
            headers=self._headers(message.public_id, leave),
        )
        self._fill(mail, with_links(self.letter.html, leave, manage) if message.subscription else self.letter.html)
        return mail

    def _fill(self, mail: EmailMultiAlternatives, html: str) -> None:
        mail.encoding = _QUOTED if self.is_quoted else None
        mail.attach_alternative(html, "text/html")
        if self.letter.calendar:
            mail.attach("calendar.ics", self.letter.calendar.decode(), "text/calendar")

    def _headers(self, public_id: str, leave: str) -> dict[str, str]:
        headers = {
            "From": settings.DEFAULT_FROM_EMAIL,
            "Message-ID": f"<{public_id}@{DNS_NAME}>",
            "Content-Language": self.letter.language,
            "Auto-Submitted": "auto-generated",  # RFC 3834
        }
        if self.is_news:
            headers["List-Unsubscribe"] = f"<{leave}>"  # RFC 2369
            headers["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"  # RFC 8058
            headers["Precedence"] = "bulk"
        return headers


def _hand_over(mould: _Mould, message: Message, server) -> None:
    """Give a mail to the server. By SMTP, plain ones go past Django, which would take each address apart once more."""
    sender = _bare_return_address(message)
    if type(server) is smtp.EmailBackend and _PLAIN.fullmatch(sender) and _PLAIN.fullmatch(message.address):
        hand_over(server.connection, sender, message.address, mould.bytes_for(message))
    else:
        server.send_messages([mould.mail_for(message)])


def _bare_return_address(message: Message) -> str:
    sender = return_address(message)
    return sender if settings.MAIL_BOUNCES else parseaddr(sender)[1]


def return_address(message: Message) -> str:
    """The envelope's sender: a mail that comes back names its message (variable envelope return path)."""
    if not settings.MAIL_BOUNCES:
        return settings.DEFAULT_FROM_EMAIL
    name, _at, domain = settings.MAIL_BOUNCES.rpartition("@")
    return f"{name}+{message.public_id}@{domain}"


def _quoted(words: str) -> str:
    """Words in quoted-printable (RFC 2045, 6.7), on lines of their own length."""
    escaped = words.replace("=", "=3D")
    return "=\r\n".join(escaped[at : at + 60] for at in range(0, len(escaped), 60))


def _in_our_words(fault: OSError, *, is_handed_over: bool) -> Exception:
    if isinstance(fault, smtplib.SMTPRecipientsRefused):
        ((code, told), *_others) = fault.recipients.values()  # a mail of ours has one recipient
        if code >= 500:
            # RFC 3463: 5.1.x is about the address; 5.7.1 and the like are about us, or this one message.
            about = bytes(told)[:4]
            is_gone = about == b"5.1." or not about.startswith(b"5.")
            cause = "The mail server does not know the address." if is_gone else "The mail server refuses us."
            return Undeliverable(cause, is_address_gone=is_gone)
        return TryLater("The mail server asks to wait.", slow_down=code == 421 or bool(_TOO_FAST.match(told)))
    if isinstance(fault, smtplib.SMTPDataError) and fault.smtp_code >= 500:
        return Undeliverable(f"The mail server refuses the message ({fault.smtp_code}).")
    if isinstance(fault, smtplib.SMTPResponseException) and fault.smtp_code in _TEMPORARY:
        return TryLater("The mail server asks to wait.", slow_down=isinstance(fault, smtplib.SMTPDataError))
    if is_handed_over and isinstance(fault, smtplib.SMTPServerDisconnected | TimeoutError):
        return Unclear("The mail server hung up in the middle; it may have gone out.")
    return TryLater(f"The mail server could not be reached: {type(fault).__name__}.")
