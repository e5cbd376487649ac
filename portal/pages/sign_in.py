"""Integration of sign-in (django-allauth) with the portal."""

import datetime
from urllib.parse import urlsplit

from allauth.account.adapter import DefaultAccountAdapter
from allauth.account.signals import email_confirmed
from allauth.mfa import signals as second_factor
from django.conf import settings
from django.dispatch import receiver
from django.utils import timezone
from django.utils.translation import get_language

from portal.message_kinds import ADDRESS_KNOWN, CONFIRM_ADDRESS, PASSWORD_CODE, SIGN_IN_CODE, UNKNOWN_ADDRESS
from services.accounts.actions import forget_unproven_password
from services.accounts.demo import is_invented
from services.accounts.models import User
from services.audit.trail import record
from services.base.machine_text import clean_email
from services.messaging.models import Message, Queue
from services.messaging.outbox import notify

# allauth's email templates -> our kinds of messages, and the context that each needs.
EMAILS = {
    "account/email/login_code": (SIGN_IN_CODE, ("code",)),
    "account/email/email_confirmation": (CONFIRM_ADDRESS, ("code",)),
    "account/email/email_confirmation_signup": (CONFIRM_ADDRESS, ("code",)),
    "account/email/password_reset_code": (PASSWORD_CODE, ("code",)),
    "account/email/unknown_account": (UNKNOWN_ADDRESS, ("signup_url",)),
    "account/email/account_already_exists": (ADDRESS_KNOWN, ("password_reset_url",)),
}


class Adapter(DefaultAccountAdapter):
    """Send allauth's emails through the outbox, so that a slow mail server delays nobody and no email is lost."""

    def send_mail(self, template_prefix, email, context):
        """Add the email to the outbox, in the page's language."""
        if len(email) > Message._meta.get_field("address").max_length:
            return  # no mailbox has such a long address (RFC 5321, 4.5.3.1.3); the page's answer is the same as always
        kind, names = EMAILS[template_prefix]
        values = {name: _with_our_host(str(context[name])) for name in names}
        if "code" in values:
            values["minutes"] = str(settings.CODE_SECONDS // 60)
        notify(
            email,
            kind,
            language=get_language(),
            context=values,
            queue=Queue.URGENT,
            expires_at=timezone.now() + datetime.timedelta(seconds=settings.CODE_SECONDS),
        )

    def clean_email(self, email):
        """Return the one spelling of an address."""
        return clean_email(email)

    def _get_login_attempts_cache_key(self, request, **credentials):
        """Limit attempts by account only. allauth adds the request's host, so each port would have its own limit."""
        return credentials.get("email", "").lower()

    def authenticate(self, request, **credentials):
        """Refuse the demo's invented users, whose password everybody knows, outside the demo."""
        user = super().authenticate(request, **credentials)
        return user if settings.DEMO or user is None or not is_invented(user) else None

    def post_login(self, request, user, **options):
        """Sign in as allauth does, and write an audit entry."""
        record(user, "accounts.sign_in", user, changes=False)
        return super().post_login(request, user, **options)

    def get_login_redirect_url(self, request):
        """Send staff to their dashboard and residents to their page."""
        return f"/{request.LANGUAGE_CODE}/{'staff' if _is_staff(request.user) else 'me'}/"


@receiver(email_confirmed)
def remove_unproven_password(request, email_address, **_signal) -> None:
    """Remove an unproven password: whoever set it may not be the person who has now confirmed the address by a code."""
    if request.resolver_match.view_name == "account_confirm_login_code":
        forget_unproven_password(email_address.user)


@receiver([second_factor.authenticator_added, second_factor.authenticator_removed, second_factor.authenticator_reset])
def record_second_factor_change(signal, user, authenticator, **_signal) -> None:
    """Write an audit entry for each change of a second factor, which a thief of a session would try first."""
    actions = {
        second_factor.authenticator_added: "accounts.add_second_factor",
        second_factor.authenticator_removed: "accounts.remove_second_factor",
        second_factor.authenticator_reset: "accounts.reset_second_factor",
    }
    record(user, actions[signal], user, fields=[authenticator.type], changes=False)


def _with_our_host(value: str) -> str:
    """Make a URL lead to SITE_URL, whatever host the request named; return any other value unchanged."""
    url = urlsplit(value)
    return f"{settings.SITE_URL}{url.path}" if url.netloc else value


def _is_staff(user: User) -> bool:
    return user.is_authenticated and user.is_desk_staff
