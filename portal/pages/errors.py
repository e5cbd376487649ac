"""Error pages in the reader's language. They ask no database, so that they can be shown when it is gone."""

import sys
from urllib.parse import urlsplit

from django.db import InterfaceError, OperationalError
from django.shortcuts import render
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext_lazy as _
from django.views.decorators.csrf import requires_csrf_token

from portal.pages import page_of_form

SECRETS = ("password", "code", "csrf", "token", "otp")
# What is chosen from a list or stands in the form unseen is quick to choose again, and its value is the program's word.
CHOSEN = {"topics", "language", "second_language", "area", "channel", "how", "interpreting"}
UNSEEN = {"form_key", "next", "action", "sure"}
LABELS = {
    "name": _("Name"),
    "email": _("E-mail"),
    "login": _("E-mail"),
    "address": _("Your address"),
    "phone": _("Telephone"),
}


def _page(request, status: int, **context):
    return render(request, f"{status}.html", {"status": status, **context}, status=status)


def bad_request(request, exception=None):
    """400: what came cannot be read."""
    return _page(request, 400)


@requires_csrf_token
def permission_denied(request, exception=None):
    """403: not yours to open."""
    return _page(request, 403)


def not_found(request, exception=None):
    """404: nothing here, or nothing that you may see."""
    return _page(request, 404)


def not_like_this(request, allowed: str):
    """405: opened like a page, but it only takes what a form sends. Leads back to the page of the form."""
    response = _page(request, 405, back=page_of_form(request))
    response.headers["Allow"] = allowed
    return response


def too_many(request, exception=None):
    """429: a limit was reached."""
    return _page(request, 429)


def server_error(request):
    """500: a fault of ours; 503 if it was only a busy or missing database, wherever that was noticed."""
    if isinstance(sys.exc_info()[1], (OperationalError, InterfaceError)):
        return unavailable(request)
    return _page(request, 500)


def unavailable(request):
    """503: the database is busy or gone; what was typed is shown so that it can be sent again."""
    response = _page(request, 503, form_kept=typed(request))
    response.headers["Retry-After"] = "30"
    return response


@requires_csrf_token
def csrf_failure(request, reason=""):
    """403: the form was open for too long, or cookies are off; what was typed is shown, and the way to the form."""
    context = {"status": 403, "form_kept": typed(request), "form_url": _form_url(request)}
    return render(request, "403_csrf.html", context, status=403)


def _form_url(request) -> str:
    """The page that sent the form, if it is ours; else the form's own address, which most forms have."""
    before = request.headers.get("Referer", "")
    if not url_has_allowed_host_and_scheme(before, allowed_hosts={request.get_host()}):
        before = request.path
    page = urlsplit(before)
    return "/" + page._replace(scheme="", netloc="", fragment="").geturl().lstrip("/")


def typed(request) -> list[tuple[str, str]]:
    """What was typed into the form that could not be taken, each with its label if it has one; without secrets."""
    if request.method != "POST":
        return []
    return [
        (LABELS.get(name, ""), value)
        for name, values in request.POST.lists()
        if name not in CHOSEN | UNSEEN and not any(secret in name.lower() for secret in SECRETS)
        for value in values
        if value.strip()
    ]
