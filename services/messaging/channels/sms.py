"""Text messages through any gateway that takes JSON over HTTP."""

import re
import unicodedata
from contextlib import contextmanager
from dataclasses import dataclass

from django.conf import settings
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from services.base.hygiene import clean_code
from services.notices.channels.web_service import post
from services.notices.composing import Letter
from services.notices.links import with_own_links
from services.notices.models import Message

# 3GPP TS 23.038, 6.2.1: the seven-bit alphabet, and what costs two places in it.
_SEVEN_BIT = set(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿"
    "abcdefghijklmnopqrstuvwxyzäöñüà"
)
_TWO_PLACES = set("^{}\\[~]|€\f")
_PHONE = re.compile(r"\+?[0-9]{8,15}")  # E.164


@dataclass(frozen=True, slots=True)
class Size:
    """What a text costs: its places, the parts that it is sent in, and whether it needs two bytes a letter."""

    places: int
    parts: int
    is_wide: bool


def size(text: str) -> Size:
    """How an SMS will be cut. Letters outside the seven-bit alphabet make all of it two bytes wide; none is lost."""
    if all(letter in _SEVEN_BIT or letter in _TWO_PLACES for letter in text):
        costs = [2 if letter in _TWO_PLACES else 1 for letter in text]
        one, each, is_wide = 160, 153, False
    else:
        costs = [len(letter.encode("utf-16-be")) // 2 for letter in text]
        one, each, is_wide = 70, 67, True
    return Size(sum(costs), 1 if sum(costs) <= one else _parts(costs, each), is_wide)


def _parts(costs: list[int], each: int) -> int:
    """How many parts of `each` places hold the letters; none is cut in two."""
    parts, left = 1, each
    for cost in costs:
        if cost > left:
            parts, left = parts + 1, each
        left -= cost
    return parts


class Sms:
    """SMS. The gateway gets {"to", "text", "unicode", "id"}."""

    drops_repeats = False

    @property
    def is_offered(self) -> bool:
        """Whether a gateway is named."""
        return bool(settings.SMS_URL)

    def clean_address(self, typed: str) -> str:
        """A phone number as the gateway takes it: digits, with a + before a country's code."""
        plain = unicodedata.normalize("NFKC", clean_code(typed))  # ０９０ and (०९०) are digits to who types them
        number = re.sub(r"[\s()./-]", "", "".join(str(unicodedata.decimal(mark, mark)) for mark in plain))
        if not _PHONE.fullmatch(number):
            raise ValidationError(_("Please write a phone number, like 090-1234-5678."), code="phone")
        return number

    @contextmanager
    def open(self):
        """Each message is a request of its own."""
        yield self._send

    def _send(self, message: Message, letter: Letter) -> None:
        text = with_own_links(letter.short, message)
        words = {
            "to": message.address,
            "text": text,
            "unicode": size(text).is_wide,
            "id": message.public_id,
        }
        post(settings.SMS_URL, words, headers={}, drops_repeats=self.drops_repeats)
