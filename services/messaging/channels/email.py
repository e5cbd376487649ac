"""Email by SMTP: one connection for a batch, one text for each language, one return address for each message."""

import re
import smtplib
from contextlib import contextmanager
from email.charset import QP, SHORTEST, Charset
from email.utils import parseaddr

from django.conf import settings
from django.core.mail import EmailMultiAlternatives, get_connection
from django.core.mail.backends import smtp
from django.core.mail.message import DNS_NAME
from django.db.models import Case, Value, When
from django.db.models.functions import Lower
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from services.accounts.models import Resident
from services.base.machine_text import clean_email, quote_local_part
from services.messaging.channels.base import Channel, register_channel
from services.messaging.channels.errors import DeliveryUnknownError, PermanentDeliveryError, TemporaryDeliveryError
from services.messaging.channels.smtp_pipelining import send_pipelined
from services.messaging.models import EMAIL, Message, Queue
from services.messaging.recipients import links_of
from services.messaging.rendering import MANAGE_PLACEHOLDER, UNSUBSCRIBE_PLACEHOLDER, RenderedMessage, fill_links

_TO, _ID, _HEADER_UNSUBSCRIBE = "stand-in@stand-in.invalid", "stand-in-id", "https://stand-in.invalid/in-header"
_PLAIN = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]+@[A-Za-z0-9.-]+")  # as in browsers; most are
_LONGEST_LINE = 998  # RFC 5322, 2.1.1
_QUOTED = Charset("utf-8")
_QUOTED.body_encoding, _QUOTED.header_encoding = QP, SHORTEST
_TEMPORARY = range(400, 500)
_TOO_FAST = re.compile(rb"4\.[37]\.")  # RFC 3463: the server's own trouble or its rules; 4.2.x is one full mailbox


@register_channel
class EmailChannel(Channel):
    """Email."""

    code = EMAIL
    label = pgettext_lazy("way to reach somebody", "Email")
    rank = 10
    is_configured = True
    address_pattern = re.compile(r".*@.*", re.DOTALL)
    address_label = _("Your email address")
    input_type = "email"
    autocomplete = "email"

    def clean_address(self, typed: str) -> str:
        """Return the email address in lower case."""
        return clean_email(typed)

    def address_of(self, resident: Resident) -> str:
        """Return the email address that the resident gave, or else the one with which they sign in."""
        return resident.email or (resident.user.email if resident.user else "")

    def address_expression(self) -> Case:
        """Return the same as a database expression."""
        return Case(
            When(email__gt="", then=Lower("email")),
            When(user__isnull=False, then=Lower("user__email")),
            default=Value(""),
        )

    def resident_fields(self, address: str) -> dict[str, str]:
        """Store the address as the resident's email address."""
        return {"email": address}

    def backoff_domain(self, address: str) -> str:
        """Return the domain of the email address, in lower case."""
        return address.rpartition("@")[2].lower()

    @contextmanager
    def open(self):
        """Connect to the mail server at the first message, and use the connection again for the others."""
        server = get_connection()
        templates: dict[tuple[int, bool], _EmailTemplate] = {}  # by the text's id(), which its template keeps alive

        def send(message: Message, rendered: RenderedMessage) -> None:
            is_news = message.recipient_id is not None and message.queue == Queue.BULK
            key = (id(rendered), is_news)
            if key not in templates:
                templates[key] = _EmailTemplate(rendered, is_news=is_news)
            try:
                server.open()
            except OSError as fault:
                server.close()
                raise _translate_error(fault, is_handed_over=False) from fault
            try:
                _send_email(templates[key], message, server)
            except OSError as fault:
                server.close()
                raise _translate_error(fault, is_handed_over=True) from fault

        try:
            yield send
        finally:
            server.close()


class _EmailTemplate:
    """A rendered message as the bytes of an email, made once, with placeholders for what differs between readers."""

    def __init__(self, rendered: RenderedMessage, *, is_news: bool):
        self.rendered = rendered
        self.is_news = is_news
        has_long_lines = any(
            len(line.encode()) > _LONGEST_LINE for part in (rendered.text, rendered.html) for line in part.split("\n")
        )
        self.is_quoted = has_long_lines
        headers = self._headers(_ID, _HEADER_UNSUBSCRIBE)
        mail = EmailMultiAlternatives(rendered.subject, rendered.text, to=[_TO], headers=headers)
        self._add_parts(mail, rendered.html)
        self.bytes = mail.message().as_bytes(linesep="\r\n")

    def bytes_for(self, message: Message) -> bytes:
        """Return the email to one reader as it is sent over SMTP. The address must be a plain one (`_PLAIN`)."""
        links = links_of(message)
        in_body = _quoted if self.is_quoted else str
        filled = self.bytes
        for placeholder, value in (
            (_TO, quote_local_part(message.address)),
            (_ID, message.public_id),
            (_HEADER_UNSUBSCRIBE, links.unsubscribe),
            (UNSUBSCRIBE_PLACEHOLDER, in_body(links.unsubscribe)),
            (MANAGE_PLACEHOLDER, in_body(links.manage)),
        ):
            filled = filled.replace(placeholder.encode(), value.encode())
        return filled

    def mail_for(self, message: Message) -> EmailMultiAlternatives:
        """Return the same as Django's email object: for its other backends, and for addresses that it must encode."""
        links = links_of(message)
        mail = EmailMultiAlternatives(
            self.rendered.subject,
            fill_links(self.rendered.text, links),
            from_email=return_address(message),
            to=[quote_local_part(message.address)],
            headers=self._headers(message.public_id, links.unsubscribe),
        )
        self._add_parts(mail, fill_links(self.rendered.html, links))
        return mail

    def _add_parts(self, mail: EmailMultiAlternatives, html: str) -> None:
        mail.encoding = _QUOTED if self.is_quoted else None
        mail.attach_alternative(html, "text/html")
        if self.rendered.calendar:
            # RFC 6047, 2.4: mail programs decide by the parameter whether the part changes the calendar.
            content_type = f"text/calendar; method={self.rendered.calendar_method}"
            mail.attach("calendar.ics", self.rendered.calendar.decode(), content_type)

    def _headers(self, public_id: str, unsubscribe_url: str) -> dict[str, str]:
        headers = {
            "From": settings.DEFAULT_FROM_EMAIL,
            "Message-ID": f"<{public_id}@{DNS_NAME}>",
            "Content-Language": self.rendered.language,
            "Auto-Submitted": "auto-generated",  # RFC 3834
        }
        if self.is_news:
            headers["List-Unsubscribe"] = f"<{unsubscribe_url}>"  # RFC 2369
            headers["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"  # RFC 8058
            headers["Precedence"] = "bulk"
        return headers


def _send_email(template: _EmailTemplate, message: Message, server) -> None:
    """Hand an email to the server. With SMTP, plain addresses bypass Django, which would parse each of them again."""
    sender = _bare_return_address(message)
    if type(server) is smtp.EmailBackend and _PLAIN.fullmatch(sender) and _PLAIN.fullmatch(message.address):
        send_pipelined(server.connection, sender, quote_local_part(message.address), template.bytes_for(message))
    else:
        server.send_messages([template.mail_for(message)])


def _bare_return_address(message: Message) -> str:
    sender = return_address(message)
    return sender if settings.MAIL_BOUNCES else parseaddr(sender)[1]


def return_address(message: Message) -> str:
    """Return the envelope's sender, by which a returned email names its message (variable envelope return path)."""
    if not settings.MAIL_BOUNCES:
        return settings.DEFAULT_FROM_EMAIL
    name, _at, domain = settings.MAIL_BOUNCES.rpartition("@")
    return f"{name}+{message.public_id}@{domain}"


def _quoted(text: str) -> str:
    """Encode a URL as quoted-printable (RFC 2045, 6.7), with soft line breaks."""
    escaped = text.replace("=", "=3D")
    return "=\r\n".join(escaped[at : at + 60] for at in range(0, len(escaped), 60))


def _translate_error(fault: OSError, *, is_handed_over: bool) -> Exception:
    """Return our own error for one of smtplib. is_handed_over: the server may already have the email."""
    if isinstance(fault, smtplib.SMTPRecipientsRefused):
        ((code, reply), *_others) = fault.recipients.values()  # each of our emails has one recipient
        if code >= 500:
            # RFC 3463: 5.1.x is about the address; 5.7.1 and the like are about us, or this one message.
            about = bytes(reply)[:4]
            is_gone = about == b"5.1." or not about.startswith(b"5.")
            cause = (
                "The email server does not recognise the email address."
                if is_gone
                else "The email server is refusing our messages."
            )
            return PermanentDeliveryError(cause, is_address_gone=is_gone)
        return TemporaryDeliveryError(
            "The email server has asked us to wait.", slow_down=code == 421 or bool(_TOO_FAST.match(reply))
        )
    if isinstance(fault, smtplib.SMTPDataError) and fault.smtp_code >= 500:
        return PermanentDeliveryError(f"The email server refused the message ({fault.smtp_code}).")
    if isinstance(fault, smtplib.SMTPResponseException) and fault.smtp_code in _TEMPORARY:
        return TemporaryDeliveryError(
            "The email server has asked us to wait.", slow_down=isinstance(fault, smtplib.SMTPDataError)
        )
    if is_handed_over and isinstance(fault, smtplib.SMTPServerDisconnected | TimeoutError):
        return DeliveryUnknownError("The email server closed the connection too early. The message may have been sent.")
    return TemporaryDeliveryError(f"The email server could not be reached ({type(fault).__name__}).")
