"""The kinds of messages and reminders that the city's news, emergencies and subscriptions send."""

from services.messaging.kinds import Audience, MessageKind, ReminderKind

NEWS = MessageKind("notices/news")
EMERGENCY = MessageKind("notices/emergency")
CONFIRM_SUBSCRIPTION = MessageKind("notices/confirm_subscription")
ALREADY_SUBSCRIBED = MessageKind("notices/already_subscribed")
ENDS_SOON = MessageKind("notices/staff/ends_soon", Audience.STAFF)

BEFORE_END = ReminderKind("notices/before_end")

KINDS = (NEWS, EMERGENCY, CONFIRM_SUBSCRIPTION, ALREADY_SUBSCRIBED, ENDS_SOON, BEFORE_END)
