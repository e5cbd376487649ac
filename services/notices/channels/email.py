"""E-mail by SMTP: one connection for a batch, one text for each language, one return address for each message."""

import smtplib
from contextlib import contextmanager
from email.charset import QP, SHORTEST, Charset

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.mail import EmailMultiAlternatives, get_connection
from django.core.mail.message import DNS_NAME
from django.core.validators import validate_email
from django.utils.translation import gettext as _

from services.base.hygiene import clean_code
from services.notices.channels.faults import TryLater, Unclear, Undeliverable
from services.notices.composing import LEAVE, MANAGE, Letter
from services.notices.links import own_links, with_own_links
from services.notices.models import Message, Queue

_TO, _ID, _HEADER_LEAVE = "stand-in@stand-in.invalid", "stand-in-id", "https://stand-in.invalid/in-header"
_LONGEST_LINE = 998  # RFC 5322, 2.1.1
_QUOTED = Charset("utf-8")
_QUOTED.body_encoding, _QUOTED.header_encoding = QP, SHORTEST
_TEMPORARY = range(400, 500)
_TOO_FAST = {421, 450, 451, 452}


class Email:
    """E-mail."""

    is_offered = True
    drops_repeats = False

    def clean_address(self, typed: str) -> str:
        """A mailbox's address, its domain in lower case."""
        address = clean_code(typed)
        try:
            validate_email(address)
        except ValidationError as fault:
            raise ValidationError(_("Please write an e-mail address, like name@example.org."), code="email") from fault
        name, _at, domain = address.rpartition("@")
        return f"{name}@{domain.lower()}"

    @contextmanager
    def open(self):
        """A connection to the mail server, made at the first message and used again."""
        server = get_connection()
        moulds: dict[tuple[int, bool], _Mould] = {}  # by the letter: its life is at least as long as this block

        def send(message: Message, letter: Letter) -> None:
            is_news = message.subscription is not None and message.queue == Queue.BULK
            key = (id(letter), is_news)
            if key not in moulds:
                moulds[key] = _Mould(letter, is_news=is_news)
            try:
                server.open()
                server.send_messages([moulds[key].mail_for(message)])
            except (smtplib.SMTPException, OSError) as fault:
                server.close()
                raise _in_our_words(fault) from fault

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
        mail.encoding = _QUOTED if has_long_lines else None
        mail.attach_alternative(letter.html, "text/html")
        if letter.calendar:
            mail.attach("calendar.ics", letter.calendar.decode(), "text/calendar")
        self.bytes = mail.message().as_bytes(linesep="\r\n")

    def mail_for(self, message: Message) -> EmailMultiAlternatives:
        """The mail to one reader."""
        leave, manage = own_links(message)
        mail = _ReadyMail(
            self.letter.subject,
            with_own_links(self.letter.text, message),
            from_email=return_address(message),
            to=[message.address],
            headers=self._headers(message.public_id, leave),
        )
        mail.attach_alternative(with_own_links(self.letter.html, message), "text/html")
        if not (message.address.isascii() and message.address.isprintable()):
            return mail  # Django writes such an address in its own way, or refuses it
        in_body = _quoted if self.is_quoted else str
        mail.bytes = self.bytes
        for stand_in, words in (
            (_TO, message.address),
            (_ID, message.public_id),
            (_HEADER_LEAVE, leave),
            (LEAVE, in_body(leave)),
            (MANAGE, in_body(manage)),
        ):
            mail.bytes = mail.bytes.replace(stand_in.encode(), words.encode())
        return mail

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


class _ReadyMail(EmailMultiAlternatives):
    """A mail whose bytes are already there."""

    bytes = b""

    def message(self):
        """What Django's backends ask: something with `as_bytes`."""
        return self if self.bytes else super().message()

    def as_bytes(self, linesep: str = "\n", **options):
        """The mail as it goes over the line."""
        return self.bytes if linesep == "\r\n" else self.bytes.replace(b"\r\n", linesep.encode())


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


def _in_our_words(fault: Exception) -> Exception:
    if isinstance(fault, smtplib.SMTPRecipientsRefused):
        codes = [code for code, _text in fault.recipients.values()]
        if all(code >= 500 for code in codes):
            return Undeliverable("The mail server does not know the address.")
        return TryLater("The mail server asks to wait.", slow_down=any(code in _TOO_FAST for code in codes))
    if isinstance(fault, smtplib.SMTPDataError) and fault.smtp_code >= 500:
        return Undeliverable(f"The mail server refuses the message ({fault.smtp_code}).")
    if isinstance(fault, smtplib.SMTPResponseException) and fault.smtp_code in _TEMPORARY:
        return TryLater("The mail server asks to wait.", slow_down=isinstance(fault, smtplib.SMTPDataError))
    if isinstance(fault, smtplib.SMTPServerDisconnected | TimeoutError):
        return Unclear("The mail server hung up in the middle; it may have gone out.")
    return TryLater(f"The mail server could not be reached: {type(fault).__name__}.")
