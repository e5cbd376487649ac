"""How signing in (django-allauth) meets the rest of the portal."""

import datetime
from urllib.parse import urlsplit

from allauth.account.adapter import DefaultAccountAdapter
from allauth.account.signals import email_confirmed
from allauth.mfa import signals as second_factor
from django.conf import settings
from django.dispatch import receiver
from django.utils import timezone
from django.utils.translation import get_language

from services.accounts.actions import forget_unproven_password
from services.accounts.demo import is_invented
from services.accounts.models import User
from services.audit.trail import record
from services.base.hygiene import clean_code
from services.notices.actions.telling import notify
from services.notices.models import Message, Queue

# allauth's mails -> our notices, with the words that each needs.
MAILS = {
    "account/email/login_code": ("accounts/sign_in_code", ("code",)),
    "account/email/email_confirmation": ("accounts/confirm_address", ("code",)),
    "account/email/email_confirmation_signup": ("accounts/confirm_address", ("code",)),
    "account/email/password_reset_code": ("accounts/password_code", ("code",)),
    "account/email/unknown_account": ("accounts/unknown_address", ("signup_url",)),
    "account/email/account_already_exists": ("accounts/address_known", ("password_reset_url",)),
}


class Adapter(DefaultAccountAdapter):
    """Sends allauth's mails through the ledger, so that a slow mail server stops nobody and nothing is lost."""

    def send_mail(self, template_prefix, email, context):
        """Write the mail into the ledger, in the language of the page that the reader has before them."""
        if len(email) > Message._meta.get_field("address").max_length:
            return  # no mailbox can have it (RFC 5321, 4.5.3.1.3); who asks is told the same as always
        kind, words = MAILS[template_prefix]
        told = {word: _at_our_site(str(context[word])) for word in words}
        if "code" in told:
            told["minutes"] = str(settings.CODE_SECONDS // 60)
        notify(
            email,
            kind,
            language=get_language(),
            context=told,
            queue=Queue.URGENT,
            expires_at=timezone.now() + datetime.timedelta(seconds=settings.CODE_SECONDS),
        )

    def clean_email(self, email):
        """An address without the joiners that Django's validator lets pass in a host name."""
        return clean_code(email)

    def _get_login_attempts_cache_key(self, request, **credentials):
        """The account alone: allauth adds the host that the request named, so each port had a limit of its own."""
        return credentials.get("email", "").lower()

    def authenticate(self, request, **credentials):
        """As allauth, but the demo's invented people, whose password everybody knows, stay in the demo."""
        user = super().authenticate(request, **credentials)
        return user if settings.DEMO or user is None or not is_invented(user) else None

    def post_login(self, request, user, **options):
        """As allauth, with a line in the trail."""
        record(user, "accounts.sign_in", user, changes=False)
        return super().post_login(request, user, **options)

    def get_login_redirect_url(self, request):
        """Staff to their board, residents to their page."""
        return f"/{request.LANGUAGE_CODE}/{'staff' if _is_staff(request.user) else 'me'}/"


@receiver(email_confirmed)
def on_address_proved(request, email_address, **_signal) -> None:
    """Who proves an address by a sign-in code may be another person than who once chose a password for it."""
    if request.resolver_match.view_name == "account_confirm_login_code":
        forget_unproven_password(email_address.user)


@receiver([second_factor.authenticator_added, second_factor.authenticator_removed, second_factor.authenticator_reset])
def on_second_factor_changed(signal, user, authenticator, **_signal) -> None:
    """Who changes how they prove themselves leaves a line: it is what a thief of a session would do first."""
    deeds = {
        second_factor.authenticator_added: "accounts.add_second_factor",
        second_factor.authenticator_removed: "accounts.remove_second_factor",
        second_factor.authenticator_reset: "accounts.reset_second_factor",
    }
    record(user, deeds[signal], user, fields=[authenticator.type], changes=False)


def _at_our_site(word: str) -> str:
    """Links in mail lead to SITE_URL, never to the host that a request named; other words stay."""
    address = urlsplit(word)
    return f"{settings.SITE_URL}{address.path}" if address.netloc else word


def _is_staff(user: User) -> bool:
    return user.is_authenticated and user.is_desk_staff
