"""A messaging app (LINE or the like) through its web-hook."""

from django.utils.translation import pgettext_lazy

from services.messaging.channels.base import register_channel
from services.messaging.channels.webhook import WebhookChannel
from services.messaging.models import Message


@register_channel
class MessengerChannel(WebhookChannel):
    """A messaging app. The provider gets {"to", "messages": [{"type": "text", "text"}]} and the key in two headers."""

    code = "push"
    label = pgettext_lazy("way to reach somebody", "Messaging app")
    rank = 30
    setting = "PUSH_URL"
    is_idempotent = True

    def payload(self, message: Message, text: str) -> dict:
        """Return one text message in LINE's format."""
        return {"to": message.address, "messages": [{"type": "text", "text": text}]}

    def headers(self, idempotency_key: str) -> dict[str, str]:
        """Return the key under LINE's name for it, too."""
        return {"Idempotency-Key": idempotency_key, "X-Line-Retry-Key": idempotency_key}
