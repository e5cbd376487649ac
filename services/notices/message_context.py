"""Notices and subscriptions in messages."""

from functools import partial

from django.conf import settings

from services.messaging.rendering import register_context
from services.notices.news.models import Notice
from services.notices.news.presentation import calendar_entry, present
from services.notices.subscriptions.links import confirm_url, settings_url
from services.notices.subscriptions.models import Subscription


def notice_context(notice: Notice, language: str, second_language: str) -> dict:
    """Return a notice as its page shows it."""
    presentation = present(notice, language, second_language)
    return {
        "notice": presentation,
        "written_in": presentation.title.language.code,
        "url": settings.SITE_URL + presentation.url,
        "calendar": partial(calendar_entry, notice, language, second_language),
    }


def subscription_context(subscription: Subscription, language: str, second_language: str) -> dict:
    """Return the links to confirm a subscription and to change its settings."""
    return {
        "confirm_url": confirm_url(subscription, language),
        "settings_url": settings_url(subscription, language),
        "days": Subscription.TIME_TO_PROVE.days,
    }


def register() -> None:
    """Let messages be about notices and subscriptions; called once when the app is ready."""
    register_context(Notice, notice_context, "topic", "translations")
    register_context(Subscription, subscription_context)
