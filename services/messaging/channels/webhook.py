"""Channels whose provider takes each message as JSON by HTTP POST (a web-hook)."""

import uuid
from contextlib import contextmanager

from django.conf import settings
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from services.base.machine_text import clean_code
from services.messaging.channels.base import Channel
from services.messaging.channels.http_post import post
from services.messaging.models import Message
from services.messaging.recipients import links_of
from services.messaging.rendering import RenderedMessage, fill_links


class WebhookChannel(Channel):
    """A channel behind a web-hook. A subclass names the setting with its URL and shapes the JSON.

    `is_idempotent`: the provider discards repeats that have the same `Idempotency-Key`, so that each message arrives
    exactly once.
    """

    setting: str
    """The setting and environment variable with the provider's URL (portal/environment.py)."""

    def payload(self, message: Message, text: str) -> dict:
        """Return the JSON that the provider gets for one message."""
        raise NotImplementedError

    def text(self, rendered: RenderedMessage) -> str:
        """Return the text to send: the subject and the whole body, unless the subclass says otherwise."""
        return f"{rendered.subject}\n\n{rendered.text}"

    def headers(self, idempotency_key: str) -> dict[str, str]:
        """Return the headers that let the provider recognise a repeat."""
        return {"Idempotency-Key": idempotency_key}

    @property
    def is_configured(self) -> bool:
        """Whether the provider's URL is set."""
        return bool(getattr(settings, self.setting, ""))

    def clean_address(self, typed: str) -> str:
        """Return the id by which the provider knows somebody: ASCII letters and digits."""
        user_id = clean_code(typed)
        if not user_id.isascii() or not user_id.isalnum():
            raise ValidationError(_("We do not recognise this messaging ID."), code="push")
        return user_id

    @contextmanager
    def open(self):
        """Yield the function that sends one message; each message is a request of its own."""
        yield self._send

    def _send(self, message: Message, rendered: RenderedMessage) -> None:
        text = fill_links(self.text(rendered), links_of(message))
        key = str(uuid.uuid5(uuid.NAMESPACE_URL, message.public_id))  # the same for every attempt
        headers = self.headers(key) if self.is_idempotent else {}
        url = getattr(settings, self.setting)
        post(url, self.payload(message, text), headers=headers, is_idempotent=self.is_idempotent)
