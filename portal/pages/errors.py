"""Error pages in the reader's language. They use no database, so that they also work without one."""

import sys
from urllib.parse import urlsplit

from django.db import InterfaceError, OperationalError
from django.shortcuts import render
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext_lazy as _
from django.views.decorators.csrf import requires_csrf_token

from portal.form_pages import page_of_form

SECRETS = ("password", "code", "csrf", "token", "otp")
# Choices and hidden fields are not shown again: they are quick to choose again, and their values are internal.
CHOICES = {"topics", "language", "second_language", "area", "channel", "how", "interpreting"}
HIDDEN = {"idempotency_key", "next", "action", "sure"}
LABELS = {
    "name": _("Name"),
    "email": _("Email address"),
    "login": _("Email address"),
    "address": _("Your contact details"),
    "phone": _("Phone number"),
}


def _page(request, status: int, **context):
    return render(request, f"{status}.html", {"status": status, **context}, status=status)


def bad_request(request, exception=None):
    """400: the request is malformed."""
    return _page(request, 400)


@requires_csrf_token
def permission_denied(request, exception=None):
    """403: the user may not open this."""
    return _page(request, 403)


def not_found(request, exception=None):
    """404: nothing is here, or nothing that the user may see."""
    return _page(request, 404)


def method_not_allowed(request, allowed: str):
    """405: the URL only accepts a form's POST. Links to the form's page."""
    response = _page(request, 405, back=page_of_form(request))
    response.headers["Allow"] = allowed
    return response


def too_many_requests(request, exception=None):
    """429: a rate limit was reached."""
    return _page(request, 429)


def server_error(request):
    """500: an error of ours; 503 if it was caused by a busy or missing database."""
    if isinstance(sys.exc_info()[1], (OperationalError, InterfaceError)):
        return unavailable(request)
    return _page(request, 500)


def unavailable(request):
    """503: the database is busy or missing. Shows what was typed, so that it can be sent again."""
    response = _page(request, 503, form_kept=submitted_values(request))
    response.headers["Retry-After"] = "30"
    return response


@requires_csrf_token
def csrf_failure(request, reason=""):
    """403: the form was open for too long, or cookies are off. Shows what was typed, and a link to the form."""
    context = {"status": 403, "form_kept": submitted_values(request), "form_url": _form_url(request)}
    return render(request, "403_csrf.html", context, status=403)


def _form_url(request) -> str:
    """Return the page that sent the form, if it is ours; else the request's own URL, where most forms are."""
    referrer = request.headers.get("Referer", "")
    if not url_has_allowed_host_and_scheme(referrer, allowed_hosts={request.get_host()}):
        referrer = request.path
    page = urlsplit(referrer)
    return "/" + page._replace(scheme="", netloc="", fragment="").geturl().lstrip("/")


def submitted_values(request) -> list[tuple[str, str]]:
    """Return what was typed into a form that could not be processed, as (label or "", value); without secrets."""
    if request.method != "POST":
        return []
    return [
        (LABELS.get(name, ""), value)
        for name, values in request.POST.lists()
        if name not in CHOICES | HIDDEN and not any(secret in name.lower() for secret in SECRETS)
        for value in values
        if value.strip()
    ]
