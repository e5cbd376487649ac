"""manage.py process_bounce: process a returned email from a mail server's pipe.

The return address `bounces+<id>@…` names the message; the content is a delivery status notification (RFC 3464).
Anybody who knows the id can send one, so only its status is used, and nothing else is stored.
"""

import re
import sys
from dataclasses import dataclass
from email import message_from_bytes, policy
from email.message import EmailMessage

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import OperationalError

from services.messaging.bounces import process_bounce

LONGEST = 1_000_000  # bytes; the status is near the beginning, before the returned email
TRY_AGAIN = 75  # EX_TEMPFAIL of sysexits.h: the mail server keeps the email and tries again
_ID = re.compile(r"\+([A-Za-z0-9_-]{22})@")
_CODE = re.compile(r"(?<![\d.])([245])\.(\d{1,3})\.(\d{1,3})(?!\.?\d)")  # RFC 3463, 2; no IP address


@dataclass(frozen=True, slots=True)
class BounceStatus:
    """The status of a returned email. `cause`: a sentence for the staff's list, without an address."""

    for_good: bool
    cause: str


class Command(BaseCommand):
    """Records that a message bounced."""

    help = "Read a returned mail from standard input and note that its message came back. For a mail server's pipe."

    def add_arguments(self, parser: CommandParser) -> None:
        """Add the address to which the email was returned."""
        parser.add_argument("--to", default="", help="the address it came back to; else its own headers say it")

    def handle(self, *args, to: str, **options):
        """Process the email and print the result. Garbage gets exit code 0, because a failure would cause a reply."""
        mail = message_from_bytes(sys.stdin.buffer.read(LONGEST), policy=policy.compat32)
        public_id, returned = id_named_in(mail, to), read_status(mail)
        if not public_id:
            self.stdout.write("No address of ours: nothing done.")
        elif not returned:
            self.stdout.write("No delivery status that says it failed: nothing done.")
        elif self._take(public_id, returned):
            self.stdout.write(f"Came back{' for good' if returned.for_good else ''}: {returned.cause}")
        else:
            self.stdout.write("No message of ours: nothing done.")

    def _take(self, public_id: str, returned: BounceStatus) -> bool:
        try:
            return process_bounce(public_id, for_good=returned.for_good, cause=returned.cause)
        except OperationalError as fault:
            raise CommandError("The database could not be reached.", returncode=TRY_AGAIN) from fault


def id_named_in(mail: EmailMessage, to: str) -> str:
    """Return the id of the message that bounced, from the address that the server names or from the headers."""
    headers = [str(words) for name in ("X-Original-To", "Delivered-To", "To") for words in mail.get_all(name, [])]
    found = (_ID.search(words) for words in (to, *headers))
    return next((match[1] for match in found if match), "")


def read_status(mail: EmailMessage) -> BounceStatus | None:
    """Return the email's delivery status (RFC 3464, 2.3); None if it has none or does not say `failed`.

    `delayed`, `relayed` and `delivered` are not failures, nor is an automatic reply, which has no status. `failed` with
    4.x.x means that the server has given up: the message bounced, but the address is not gone for good.
    """
    for part in mail.walk():
        if part.get_content_type() != "message/delivery-status" or not part.is_multipart():
            continue
        for fields in part.get_payload():
            if str(fields.get("Action", "")).strip().lower() == "failed":
                code = _CODE.search(str(fields.get("Status", "")))
                return _bounce_status(code, str(fields.get("Diagnostic-Code", "")))
    return None


def _bounce_status(status: re.Match | None, diagnostic: str) -> BounceStatus:
    if status is None or status[2] == "0":  # "other": the other server's own text may say more
        status = _CODE.search(diagnostic) or status
    code = status[0] if status else "?"
    for_good = bool(status) and _address_is_gone(*status.groups())
    told = "The email bounced: this email address does not exist" if for_good else "The email bounced"
    return BounceStatus(for_good, f"{told} ({code}).")


def _address_is_gone(kind: str, subject: str, detail: str) -> bool:
    """Whether a status code says that the address does not exist (RFC 3463, 3.2, 3.3 and 3.5).

    Only that ends a subscription. A mailbox that is full (5.2.2), a message that is too large (5.2.3) or refused as
    spam (5.7.x), or a fault on the way (5.3–5.6) may pass or is our own fault; staff see it and can send again.
    """
    if kind != "5":
        return False
    return (
        (subject == "1" and detail not in {"7", "8"})  # about the address, but not about ours as the sender
        or (subject, detail) == ("2", "1")  # the mailbox was closed
        or (subject, detail) == ("4", "4")  # no server accepts email for the domain
    )
