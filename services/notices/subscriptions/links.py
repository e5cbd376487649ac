"""Signed links of subscriptions: to confirm, to manage, to unsubscribe."""

import datetime
from functools import cache

from django.conf import settings
from django.urls import reverse
from django.utils import translation

from services.base.signed_links import is_valid, make_token, unverified_public_id
from services.messaging.recipients import RecipientLinks
from services.notices.subscriptions.models import Subscription

CONFIRM, MANAGE, UNSUBSCRIBE = "subscription/confirm", "subscription/manage", "subscription/leave"
MAX_AGES = {CONFIRM: Subscription.TIME_TO_PROVE, MANAGE: datetime.timedelta(days=365), UNSUBSCRIBE: None}


def token_for(subscription: Subscription, purpose: str) -> str:
    """Return a token for one purpose, valid until `link_version` changes or it expires (never, to unsubscribe)."""
    return make_token(purpose, subscription.public_id, subscription.link_version)


def subscription_for_token(token: str, purpose: str) -> Subscription | None:
    """Return the subscription of a token; None if the token is not, or no longer, valid for the purpose."""
    subscription = Subscription.objects.filter(public_id=unverified_public_id(token)).first()
    if subscription and is_valid(token, purpose, subscription.link_version, lasts=MAX_AGES[purpose]):
        return subscription
    return None


def confirm_url(subscription: Subscription, language: str) -> str:
    """Return the link to confirm a subscription."""
    return _url(subscription, language, "notices:confirm", CONFIRM)


def settings_url(subscription: Subscription, language: str) -> str:
    """Return the link to change topics and languages."""
    return _url(subscription, language, "notices:manage", MANAGE)


def unsubscribe_url(subscription: Subscription, language: str) -> str:
    """Return the link to unsubscribe, to which email programs can also post (RFC 8058)."""
    return _url(subscription, language, "notices:leave", UNSUBSCRIBE)


def links_for(subscription: Subscription, language: str) -> RecipientLinks:
    """Return the links for a message to a subscription."""
    return RecipientLinks(unsubscribe_url(subscription, language), settings_url(subscription, language))


def _url(subscription: Subscription, language: str, name: str, purpose: str) -> str:
    before, after = _url_parts(name, language)
    return f"{settings.SITE_URL}{before}{token_for(subscription, purpose)}{after}"


@cache
def _url_parts(name: str, language: str) -> tuple[str, str]:
    """Return the URL's parts before and after the token, cached because thousands of emails share them."""
    placeholder = "token-stands-here"
    with translation.override(language):
        before, _token, after = reverse(name, args=[placeholder]).partition(placeholder)
    return before, after
