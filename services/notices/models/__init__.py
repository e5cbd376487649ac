"""The ledger of messages, what the city tells many, who wants to be told, and what is to be told when."""

from services.notices.models.messages import (
    TROUBLED,
    UNSENT,
    ChannelCode,
    Heartbeat,
    Message,
    MessageState,
    Promise,
    Queue,
    Rest,
    Suppression,
)
from services.notices.models.notices import Notice, NoticeState, Reminder, Wording, WordingState
from services.notices.models.subscriptions import Subscription, SubscriptionState, Topic

__all__ = [
    "TROUBLED",
    "UNSENT",
    "ChannelCode",
    "Heartbeat",
    "Message",
    "MessageState",
    "Notice",
    "NoticeState",
    "Promise",
    "Queue",
    "Reminder",
    "Rest",
    "Subscription",
    "SubscriptionState",
    "Suppression",
    "Topic",
    "Wording",
    "WordingState",
]
