"""The portal's middleware: security headers, request log, input validation, access."""

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

from portal.access import access_rule_for
from portal.pages import errors
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
    """Set the security headers that Django's own middleware does not send."""

    def __init__(self, get_response):
        self.get_response = get_response

    def __call__(self, request):
        """Respond with the headers."""
        response = self.get_response(request)
        response.headers["Content-Security-Policy"] = CONTENT_SECURITY_POLICY
        response.headers["Permissions-Policy"] = PERMISSIONS_POLICY
        response.headers["Cross-Origin-Resource-Policy"] = "same-origin"
        return response


class RequestLog:
    """Log each request's view, status and duration, and nothing about the person."""

    def __init__(self, get_response):
        self.get_response = get_response

    def __call__(self, request):
        """Respond, then log."""
        started = time.monotonic()
        response = self.get_response(request)
        match = request.resolver_match
        details = {
            "method": request.method,
            "view": match.view_name if match else "",
            "status": response.status_code,
            "milliseconds": round((time.monotonic() - started) * 1000),
        }
        logger.info("request", extra=details)
        return response


class RejectMalformedInput:
    """Reject input with NUL, lone surrogates or broken UTF-8 (400) before it reaches a view."""

    def __init__(self, get_response):
        self.get_response = get_response

    def __call__(self, request):
        """Check the path and the query."""
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


class MethodNotAllowedPage:
    """Show a page that links to the form, if a URL that only accepts POST is opened by a link or a language switch."""

    def __init__(self, get_response):
        self.get_response = get_response

    def __call__(self, request):
        """Replace Django's empty 405 response."""
        response = self.get_response(request)
        return (
            errors.method_not_allowed(request, response.headers["Allow"]) if response.status_code == 405 else response
        )


class Access:
    """Deny by default: a request proceeds only if its URL's rule in portal/access.py admits the user."""

    def __init__(self, get_response):
        self.get_response = get_response

    def __call__(self, request):
        """Respond; signed-in users' pages are not stored by browsers."""
        response = self.get_response(request)
        if request.user.is_authenticated:
            add_never_cache_headers(response)
            response.headers["Cache-Control"] += ", no-store"
        return response

    def process_view(self, request, view, args, kwargs):
        """Admit, refuse, or ask to sign in or for a second factor."""
        rule = access_rule_for(request.resolver_match.view_name)
        if rule is None:
            raise Http404
        if not rule.admits(request.user):
            if request.user.is_authenticated:
                if request.user.is_desk_staff:
                    record(request.user, "portal.refuse", reason=request.resolver_match.view_name, changes=False)
                raise PermissionDenied
            if errors.submitted_values(request):  # the session has expired: show what was typed, so that it is not lost
                return errors.csrf_failure(request)
            return redirect_to_login(request.get_full_path(), reverse(settings.LOGIN_URL))
        if rule.needs_second_factor(request.user) and not settings.DEMO:
            if not is_mfa_enabled(request.user):
                return redirect("mfa_activate_totp")
            if not any(record["method"] == "mfa" for record in get_authentication_records(request, request.user)):
                # This session is older than the second factor, and may be somebody else's.
                return redirect_to_login(request.get_full_path(), reverse("mfa_reauthenticate"))
        if request.user.is_authenticated and request.user.is_desk_staff:
            _end_when_idle(request.session)
        return None


def _end_when_idle(session) -> None:
    """End staff sessions after STAFF_IDLE_SECONDS without a request; the expiry is saved once a minute at most."""
    now = int(time.time())
    if now - session.get("seen_at", 0) >= 60:
        session["seen_at"] = now
        session.set_expiry(settings.STAFF_IDLE_SECONDS)
