"""Text messages through any gateway that takes JSON over HTTP."""

import re
from dataclasses import dataclass

from django.db.models import F
from django.utils.translation import pgettext_lazy

from services.accounts.models import Resident
from services.base.machine_text import clean_phone
from services.messaging.channels.base import register_channel
from services.messaging.channels.webhook import WebhookChannel
from services.messaging.models import Message
from services.messaging.rendering import RenderedMessage

# 3GPP TS 23.038, 6.2.1: the seven-bit alphabet, and what costs two places in it.
_SEVEN_BIT = set(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿"
    "abcdefghijklmnopqrstuvwxyzäöñüà"
)
_TWO_PLACES = set("^{}\\[~]|€\f")


@dataclass(frozen=True, slots=True)
class SmsSize:
    """How long a text message is: its places, its parts, and whether each letter takes two bytes."""

    places: int
    parts: int
    is_wide: bool


def sms_size(text: str) -> SmsSize:
    """Return the size of a text message. One letter outside the seven-bit alphabet makes all letters two bytes wide."""
    if all(letter in _SEVEN_BIT or letter in _TWO_PLACES for letter in text):
        costs = [2 if letter in _TWO_PLACES else 1 for letter in text]
        one, each, is_wide = 160, 153, False
    else:
        costs = [len(letter.encode("utf-16-be")) // 2 for letter in text]
        one, each, is_wide = 70, 67, True
    return SmsSize(sum(costs), 1 if sum(costs) <= one else _count_parts(costs, each), is_wide)


def _count_parts(costs: list[int], each: int) -> int:
    """Return how many parts of `each` places the letters need; no letter is split between two parts."""
    parts, left = 1, each
    for cost in costs:
        if cost > left:
            parts, left = parts + 1, each
        left -= cost
    return parts


@register_channel
class SmsChannel(WebhookChannel):
    """Text messages. The gateway gets {"to", "text", "unicode", "id"}."""

    code = "sms"
    label = pgettext_lazy("way to reach somebody", "Text message")
    rank = 20
    setting = "SMS_URL"
    address_pattern = re.compile(r"(?=.*\d)(?:\d|[^\w@])+")  # no letters
    input_type = "tel"
    autocomplete = "tel"

    def clean_address(self, typed: str) -> str:
        """Return a phone number as the gateway takes it."""
        return clean_phone(typed)

    def address_of(self, resident: Resident) -> str:
        """Return the resident's phone number."""
        return resident.phone

    def address_expression(self) -> F:
        """Return the phone number as a database expression."""
        return F("phone")

    def resident_fields(self, address: str) -> dict[str, str]:
        """Store the phone number where staff find it to call, too."""
        return {"phone": address}

    def text(self, rendered: RenderedMessage) -> str:
        """Return the short text."""
        return rendered.short

    def payload(self, message: Message, text: str) -> dict:
        """Return the gateway's JSON; `unicode` says that the text needs two bytes for each letter."""
        return {"to": message.address, "text": text, "unicode": sms_size(text).is_wide, "id": message.public_id}
