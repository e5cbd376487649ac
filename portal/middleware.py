"""What stands between every request and its view: headers, the log, input that cannot be, access."""

import logging
import time

from allauth.account.authentication import get_authentication_records
from allauth.mfa.utils import is_mfa_enabled
from django.conf import settings
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.http import Http404
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.cache import add_never_cache_headers

from portal import errors
from portal.access import rule_for
from services.audit.trail import record

logger = logging.getLogger("portal.requests")

CONTENT_SECURITY_POLICY = "; ".join(
    [
        "default-src 'none'",
        *(f"{kind}-src 'self'" for kind in ("script", "style", "img", "font", "manifest", "connect")),
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    ]
)
PERMISSIONS_POLICY = ", ".join(
    f"{feature}=()" for feature in ("camera", "microphone", "geolocation", "payment", "usb", "interest-cohort")
)


class SecurityHeaders:
    """Headers that Django's own middleware does not send."""

    def __init__(self, get_response):
        self.get_response = get_response

    def __call__(self, request):
        """Answer, with the same headers on everything."""
        response = self.get_response(request)
        response.headers["Content-Security-Policy"] = CONTENT_SECURITY_POLICY
        response.headers["Permissions-Policy"] = PERMISSIONS_POLICY
        response.headers["Cross-Origin-Resource-Policy"] = "same-origin"
        return response


class RequestLog:
    """One line for each request: which view, how it ended, how long it took; nothing about the person."""

    def __init__(self, get_response):
        self.get_response = get_response

    def __call__(self, request):
        """Answer, then log."""
        begun = time.monotonic()
        response = self.get_response(request)
        match = request.resolver_match
        told = {
            "method": request.method,
            "view": match.view_name if match else "",
            "status": response.status_code,
            "milliseconds": round((time.monotonic() - begun) * 1000),
        }
        logger.info("request", extra=told)
        return response


class CleanInput:
    """What no text can hold (NUL, lone surrogates, broken UTF-8) is a 400 page before any view sees it."""

    def __init__(self, get_response):
        self.get_response = get_response

    def __call__(self, request):
        """Answer, or say that this cannot be read."""
        if _is_broken(request.path_info) or any(
            _is_broken(text) for key, values in request.GET.lists() for text in (key, *values)
        ):
            return errors.bad_request(request)
        return self.get_response(request)

    def process_view(self, request, view, args, kwargs):
        """The body is read only where a view answers to it."""
        if request.method != "POST":
            return None
        if any(_is_broken(text) for key, values in request.POST.lists() for text in (key, *values)):
            return errors.bad_request(request)
        return None


def _is_broken(text: str) -> bool:
    return "\x00" in text or any("\ud800" <= mark <= "\udfff" or mark == "\ufffd" for mark in text)


class FormAddress:
    """What only takes a form, opened by a link or a switch of the language, is a page that leads back to the form's."""

    def __init__(self, get_response):
        self.get_response = get_response

    def __call__(self, request):
        """Answer; in place of nothing, in words."""
        response = self.get_response(request)
        return errors.not_like_this(request, response.headers["Allow"]) if response.status_code == 405 else response


class Access:
    """Default deny: a request goes on only if its URL's row in portal/access.py admits the user."""

    def __init__(self, get_response):
        self.get_response = get_response

    def __call__(self, request):
        """Answer; what staff see is kept by no browser."""
        response = self.get_response(request)
        if request.user.is_authenticated:
            add_never_cache_headers(response)
            response.headers["Cache-Control"] += ", no-store"
        return response

    def process_view(self, request, view, args, kwargs):
        """Admit, ask to sign in, ask for a second factor, or refuse."""
        rule = rule_for(request.resolver_match.view_name)
        if rule is None:
            raise Http404
        if not rule.admits(request.user):
            if request.user.is_authenticated:
                if request.user.is_desk_staff:
                    record(request.user, "portal.refuse", reason=request.resolver_match.view_name, changes=False)
                raise PermissionDenied
            if errors.typed(request):  # the session has ended meanwhile: what was typed is shown, not thrown away
                return errors.csrf_failure(request)
            return redirect_to_login(request.get_full_path(), reverse(settings.LOGIN_URL))
        if rule.needs_second_factor(request.user) and not settings.DEMO:
            if not is_mfa_enabled(request.user):
                return redirect("mfa_activate_totp")
            if not any(record["method"] == "mfa" for record in get_authentication_records(request, request.user)):
                # Signed in before the second factor was enrolled, perhaps by somebody else.
                return redirect_to_login(request.get_full_path(), reverse("mfa_reauthenticate"))
        if request.user.is_authenticated and request.user.is_desk_staff:
            _end_when_idle(request.session)
        return None


def _end_when_idle(session) -> None:
    """Staff sessions end after a quarter of an hour without a request; written down once a minute."""
    now = int(time.time())
    if now - session.get("seen_at", 0) >= 60:
        session["seen_at"] = now
        session.set_expiry(settings.STAFF_IDLE_SECONDS)
