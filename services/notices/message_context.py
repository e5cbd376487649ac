"""What letters say of notices and subscriptions."""

from django.conf import settings

from services.notices.composing import words_about
from services.notices.links import confirm_url, settings_url
from services.notices.models import Notice, Subscription
from services.notices.reading import calendar_entry, words_of


@words_about(Notice, "topic", "wordings")
def notice_in_words(notice: Notice, language: str, second_language: str) -> dict:
    """A notice as its page shows it."""
    words = words_of(notice, language, second_language)
    return {
        "notice": words,
        "written_in": words.title.language.code,
        "url": settings.SITE_URL + words.url,
        "calendar": calendar_entry(notice, language, second_language),
    }


@words_about(Subscription)
def subscription_in_words(subscription: Subscription, language: str, second_language: str) -> dict:
    """The links with which the owner of an address says yes, or changes their mind."""
    return {
        "confirm_url": confirm_url(subscription, language),
        "settings_url": settings_url(subscription, language),
        "days": Subscription.TIME_TO_PROVE.days,
    }
