"""Messages on "my page": the row is the message, so nothing is sent."""

from contextlib import contextmanager

from django.utils.translation import pgettext_lazy

from services.messaging.channels.base import Channel, register_channel
from services.messaging.channels.errors import PermanentDeliveryError
from services.messaging.models import INBOX


@register_channel
class InboxChannel(Channel):
    """Messages on "my page", stored as sent and rendered when they are opened."""

    code = INBOX
    label = pgettext_lazy("way to reach somebody", "My page")
    rank = 90
    is_configured = True
    is_idempotent = True
    takes_address = False

    def clean_address(self, typed: str) -> str:
        """Return nothing: "my page" has no address."""
        return ""

    def address_of(self, resident) -> str:
        """Return nothing: "my page" has no address."""
        return ""

    @contextmanager
    def open(self):
        """Yield a function that refuses every message: no inbox row should ever wait for delivery."""

        def send(message, rendered):
            raise PermanentDeliveryError("Messages for My page are never sent.")

        yield send
