"""The signed links of subscriptions: to confirm, to manage, to leave."""

import datetime
from functools import cache

from django.conf import settings
from django.urls import reverse
from django.utils import translation

from services.base.signed_links import is_good, make_token, named_in
from services.notices.composing import LEAVE as LEAVE_STAND_IN
from services.notices.composing import MANAGE as MANAGE_STAND_IN
from services.notices.models import Message, Subscription

CONFIRM, MANAGE, LEAVE = "subscription/confirm", "subscription/manage", "subscription/leave"
LASTS = {CONFIRM: Subscription.TIME_TO_PROVE, MANAGE: datetime.timedelta(days=365), LEAVE: None}


def token_for(subscription: Subscription, purpose: str) -> str:
    """A token that opens one thing, as long as the subscription is as it is now. Leaving never runs out of time."""
    return make_token(purpose, subscription.public_id, subscription.key)


def subscription_behind(token: str, purpose: str) -> Subscription | None:
    """The subscription that a token opens for this purpose; None if it opens nothing (any more)."""
    subscription = Subscription.objects.filter(public_id=named_in(token)).first()
    if subscription and is_good(token, purpose, subscription.key, lasts=LASTS[purpose]):
        return subscription
    return None


def confirm_url(subscription: Subscription, language: str) -> str:
    """Where the owner of the address says yes."""
    return _url(subscription, language, "notices:confirm", CONFIRM)


def settings_url(subscription: Subscription, language: str) -> str:
    """Where topics and language are changed."""
    return _url(subscription, language, "notices:manage", MANAGE)


def leave_url(subscription: Subscription, language: str) -> str:
    """Where one tap ends it; also what mail programs post to (RFC 8058)."""
    return _url(subscription, language, "notices:leave", LEAVE)


def with_own_links(text: str, message: Message) -> str:
    """A letter's text with its reader's own links in the places of the stand-ins."""
    return with_links(text, *own_links(message)) if message.subscription else text


def with_links(text: str, leave: str, manage: str) -> str:
    """The same with links that have been made already."""
    return text.replace(LEAVE_STAND_IN, leave).replace(MANAGE_STAND_IN, manage)


def own_links(message: Message) -> tuple[str, str]:
    """Where the reader of a message leaves, and where they change their wishes; empty if they never subscribed."""
    if message.subscription is None:
        return "", ""
    return leave_url(message.subscription, message.language), settings_url(message.subscription, message.language)


def _url(subscription: Subscription, language: str, name: str, purpose: str) -> str:
    before, after = _around_token(name, language)
    return f"{settings.SITE_URL}{before}{token_for(subscription, purpose)}{after}"


@cache
def _around_token(name: str, language: str) -> tuple[str, str]:
    """What stands before and after the token in an address; the same in thousands of mails."""
    stand_in = "token-stands-here"
    with translation.override(language):
        before, _token, after = reverse(name, args=[stand_in]).partition(stand_in)
    return before, after
