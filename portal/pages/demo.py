"""The demo page: sign in as any role, and read the emails that the demo city has sent."""

import datetime
import email
import email.policy
import re
from itertools import chain, islice
from pathlib import Path

from django.conf import settings
from django.contrib.auth import login
from django.shortcuts import get_object_or_404, redirect, render

from services.accounts.models import User
from services.accounts.roles import Role
from services.base.http import GET_OR_POST
from services.languages.dates import format_datetime

EMAILS_SHOWN = 20
# Django separates the emails of a connection, which are in one file, by a line of dashes.
EMAIL_SEPARATOR = re.compile(rb"^-{79}\r?\n", re.MULTILINE)


@GET_OR_POST
def people(request):
    """List the demo users; POST signs in as one. Exists only in demo mode (portal/access.py)."""
    if request.method == "POST":
        person = get_object_or_404(_people(), public_id=request.POST.get("person", ""))
        login(request, person, backend=settings.AUTHENTICATION_BACKENDS[0])
        return redirect("staff" if person.is_desk_staff else "me")
    context = {"people": [_row(person) for person in _people()], "mails": sent_emails()}
    return render(request, "portal/demo.html", context)


def _people():
    return User.objects.filter(email__endswith="@demo.example").order_by("pk").prefetch_related("grants")


def _row(person: User) -> dict:
    roles = [Role(grant.role).label for grant in person.grants.all()]
    return {"pk": person.public_id, "name": person.name, "email": person.email, "role": ", ".join(map(str, roles))}


def sent_emails() -> list[dict]:
    """Return the latest emails in the demo's folder, to which they are written instead of being sent."""
    folder = getattr(settings, "EMAIL_FILE_PATH", None)  # missing if the demo has a real mail server
    if not (settings.DEMO and folder):
        return []
    files = sorted(Path(folder).glob("*.log"), key=lambda file: file.stat().st_mtime, reverse=True)
    written = chain.from_iterable(reversed(EMAIL_SEPARATOR.split(file.read_bytes())[:-1]) for file in files)
    return [_parse_email(each) for each in islice(written, EMAILS_SHOWN)]


def _parse_email(written: bytes) -> dict:
    message = email.message_from_bytes(written, policy=email.policy.default)
    body = message.get_body(("plain",))
    return {
        "subject": message["Subject"],
        "to": message["To"],
        # The header is in UTC, but Python returns a naive datetime for "-0000".
        "sent": format_datetime(message["Date"].datetime.replace(tzinfo=datetime.UTC)),
        "language": message["Content-Language"] or "",
        "body": body.get_content() if body else "",
    }
