"""manage.py take_bounce: a mail that came back, from a mail server's pipe.

The return address `bounces+<id>@…` names the message; what is inside is a delivery status notification (RFC 3464).
Whoever knows the id may say that it came back, so nothing is believed but the status, and nothing is kept but that.
"""

import re
import sys
from dataclasses import dataclass
from email import message_from_bytes, policy
from email.message import EmailMessage

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import OperationalError

from services.notices.actions.delivering import take_bounce

LONGEST = 1_000_000  # bytes; a status stands near the beginning, before the mail that came back
TRY_AGAIN = 75  # EX_TEMPFAIL of sysexits.h: the mail server keeps the mail and comes again
_ID = re.compile(r"\+([A-Za-z0-9_-]{22})@")
_CODE = re.compile(r"(?<![\d.])([245])\.(\d{1,3})\.(\d{1,3})(?!\.?\d)")  # RFC 3463, 2; no IP address


@dataclass(frozen=True, slots=True)
class Returned:
    """What a returned mail says. `cause`: for the staff's list, without an address."""

    for_good: bool
    cause: str


class Command(BaseCommand):
    """Notes that a message came back."""

    help = "Read a returned mail from standard input and note that its message came back. For a mail server's pipe."

    def add_arguments(self, parser: CommandParser) -> None:
        """The address it came back to."""
        parser.add_argument("--to", default="", help="the address it came back to; else its own headers say it")

    def handle(self, *args, to: str, **options):
        """Say what was done. Garbage is answered by a line and 0: a failure would be a mail back to somebody."""
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

    def _take(self, public_id: str, returned: Returned) -> bool:
        try:
            return take_bounce(public_id, for_good=returned.for_good, cause=returned.cause)
        except OperationalError as fault:
            raise CommandError("The database could not be reached.", returncode=TRY_AGAIN) from fault


def id_named_in(mail: EmailMessage, to: str) -> str:
    """The id of the message that came back: in the address that the server names, else in the mail's headers."""
    headers = [str(words) for name in ("X-Original-To", "Delivered-To", "To") for words in mail.get_all(name, [])]
    found = (_ID.search(words) for words in (to, *headers))
    return next((match[1] for match in found if match), "")


def read_status(mail: EmailMessage) -> Returned | None:
    """What the mail's delivery status says (RFC 3464, 2.3); None if it has none or it does not say `failed`.

    `delayed`, `relayed` and `delivered` are no failures, nor is an answer from somebody on holiday, which has no
    status. `failed` with 4.x.x means that the server has given up: it came back, but not for good.
    """
    for part in mail.walk():
        if part.get_content_type() != "message/delivery-status" or not part.is_multipart():
            continue
        for fields in part.get_payload():
            if str(fields.get("Action", "")).strip().lower() == "failed":
                return _judge(_CODE.search(str(fields.get("Status", ""))), str(fields.get("Diagnostic-Code", "")))
    return None


def _judge(status: re.Match | None, diagnostic: str) -> Returned:
    if status is None or status[2] == "0":  # "other": the other server's own words may say more
        status = _CODE.search(diagnostic) or status
    code = status[0] if status else "?"
    for_good = bool(status) and _is_no_address(*status.groups())
    told = "It came back: there is no such address" if for_good else "It came back"
    return Returned(for_good, f"{told} ({code}).")


def _is_no_address(kind: str, subject: str, detail: str) -> bool:
    """Whether a status code says that the address is none (RFC 3463, 3.2, 3.3 and 3.5).

    Only that ends a subscription. What is full (5.2.2), too large (5.2.3), refused as spam (5.7.x) or broken on the
    way (5.3–5.6) may be well tomorrow or is our own fault; the staff see it and can send it again.
    """
    if kind != "5":
        return False
    return (
        (subject == "1" and detail not in {"7", "8"})  # of the address, but not of our own as the sender
        or (subject, detail) == ("2", "1")  # the mailbox was closed
        or (subject, detail) == ("4", "4")  # nobody takes mail for the domain
    )
