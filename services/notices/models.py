"""All models of the app, for Django and for other apps; the subpackages import from their own modules."""

from services.notices.news.models import (
    PUBLISHED_STATES,
    Notice,
    NoticeState,
    NoticeTranslation,
    NoticeTranslationState,
)
from services.notices.subscriptions.models import CONFIRMATION_DAYS, Subscription, SubscriptionState, Topic

__all__ = [
    "CONFIRMATION_DAYS",
    "PUBLISHED_STATES",
    "Notice",
    "NoticeState",
    "NoticeTranslation",
    "NoticeTranslationState",
    "Subscription",
    "SubscriptionState",
    "Topic",
]
