"""The demo: one sign-in for each role, and the mails that the demo city has sent."""

import email
import email.policy
from pathlib import Path

from django.conf import settings
from django.contrib.auth import login
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods

from services.accounts.models import User
from services.accounts.roles import Role

MAILS_SHOWN = 20


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
    files = sorted(Path(folder).glob("*.log"), key=lambda file: file.stat().st_mtime, reverse=True)[:MAILS_SHOWN]
    return [_mail(file) for file in files]


def _mail(file: Path) -> dict:
    # Django ends each message in the file with a line of dashes.
    message = email.message_from_bytes(file.read_bytes().rsplit(b"-" * 79, 1)[0], policy=email.policy.default)
    body = message.get_body(("plain",))
    return {
        "subject": message["Subject"],
        "to": message["To"],
        "sent": message["Date"],
        "language": message["Content-Language"] or "",
        "body": body.get_content() if body else "",
    }
