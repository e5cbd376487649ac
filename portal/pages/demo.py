"""The demo: one sign-in for each role, and the mails that the demo city has sent."""

import datetime
import email
import email.policy
import re
from itertools import chain, islice
from pathlib import Path

from django.conf import settings
from django.contrib.auth import login
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods

from services.accounts.models import User
from services.accounts.roles import Role
from services.languages.days import written_moment

MAILS_SHOWN = 20
# Django ends each mail in the file with a line of dashes; what goes in one connection stands in one file.
END_OF_MAIL = re.compile(rb"^-{79}\r?\n", re.MULTILINE)


@require_http_methods(["GET", "HEAD", "POST"])
def people(request):
    """Who can be signed in as; POST does it. Not there at all outside demo mode (portal/access.py)."""
    if request.method == "POST":
        person = get_object_or_404(_people(), public_id=request.POST.get("person", ""))
        login(request, person, backend=settings.AUTHENTICATION_BACKENDS[0])
        return redirect("staff" if person.is_desk_staff else "me")
    context = {"people": [_row(person) for person in _people()], "mails": mails()}
    return render(request, "portal/demo.html", context)


def _people():
    return User.objects.filter(email__endswith="@demo.example").order_by("pk").prefetch_related("grants")


def _row(person: User) -> dict:
    roles = [Role(grant.role).label for grant in person.grants.all()]
    return {"pk": person.public_id, "name": person.name, "email": person.email, "role": ", ".join(map(str, roles))}


def mails() -> list[dict]:
    """The last mails that were written into the demo's folder instead of being sent, the newest first."""
    folder = getattr(settings, "EMAIL_FILE_PATH", None)  # not there where the demo has a real mail server
    if not (settings.DEMO and folder):
        return []
    files = sorted(Path(folder).glob("*.log"), key=lambda file: file.stat().st_mtime, reverse=True)
    written = chain.from_iterable(reversed(END_OF_MAIL.split(file.read_bytes())[:-1]) for file in files)
    return [_mail(each) for each in islice(written, MAILS_SHOWN)]


def _mail(written: bytes) -> dict:
    message = email.message_from_bytes(written, policy=email.policy.default)
    body = message.get_body(("plain",))
    return {
        "subject": message["Subject"],
        "to": message["To"],
        # In UTC, and to Python a moment of no zone ("-0000").
        "sent": written_moment(message["Date"].datetime.replace(tzinfo=datetime.UTC)),
        "language": message["Content-Language"] or "",
        "body": body.get_content() if body else "",
    }
