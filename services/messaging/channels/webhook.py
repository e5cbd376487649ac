"""A messenger (LINE or the like) through a web-hook that drops repeats by a key: exactly once."""

import uuid
from contextlib import contextmanager

from django.conf import settings
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from services.base.hygiene import clean_code
from services.notices.channels.web_service import post
from services.notices.composing import Letter
from services.notices.links import with_own_links
from services.notices.models import Message


class Push:
    """A messenger. The provider gets {"to", "messages": [{"type": "text", "text"}]} and the key in two headers."""

    drops_repeats = True

    @property
    def is_offered(self) -> bool:
        """Whether a provider is named."""
        return bool(settings.PUSH_URL)

    def clean_address(self, typed: str) -> str:
        """The id that the provider knows somebody by."""
        name = clean_code(typed)
        if not name.isascii() or not name.isalnum():
            raise ValidationError(_("This is not an address that we know."), code="push")
        return name

    @contextmanager
    def open(self):
        """Each message is a request of its own."""
        yield self._send

    def _send(self, message: Message, letter: Letter) -> None:
        key = str(uuid.uuid5(uuid.NAMESPACE_URL, message.public_id))  # the same at every try
        text = with_own_links(f"{letter.subject}\n\n{letter.text}", message)
        words = {"to": message.address, "messages": [{"type": "text", "text": text}]}
        headers = {"Idempotency-Key": key, "X-Line-Retry-Key": key}
        post(settings.PUSH_URL, words, headers=headers, drops_repeats=self.drops_repeats)
