"""What a channel is, and the registry of all channels. Each channel is one file beside this one."""

import re
from collections.abc import Callable
from contextlib import AbstractContextManager

from django.db.models import Case, F, Value, When
from django.db.models.expressions import Combinable
from django.utils.translation import gettext_lazy as _

from services.accounts.models import Resident
from services.messaging.models import Message
from services.messaging.rendering import RenderedMessage


class Channel:
    """A way to reach somebody, such as email. A subclass states what differs; `register_channel` adds it.

    A resident is reached by the first channel, in the order of `rank`, that is configured and for which they gave an
    address. Subclasses must set `code` and `label` and define `is_configured`, `clean_address` and `open`.
    """

    code: str
    """What rows of messages, subscriptions and residents store: at most ten characters, never changed."""

    label: str
    """The channel's name for residents and staff, translated when it is read."""

    rank = 50
    """The place in lists of channels, and in the order in which a resident's addresses are tried: smallest first."""

    is_configured = False
    """Whether this installation has what the channel needs, such as a gateway's URL and key."""

    is_idempotent = False
    """Whether the provider recognises a message by its public id, so that sending it twice is harmless."""

    takes_address = True
    """Whether people give an address for it, so that forms offer it."""

    address_pattern: re.Pattern | None = None
    """What an address looks like, if it cannot be mistaken for one of another channel: it is recognised by that."""

    address_label = _("Your contact details")
    """The label of the field for the address in a form that offers only this channel."""

    input_type = "text"
    """The HTML input type of that field."""

    autocomplete = "off"
    """What a browser may fill into that field (HTML, autofill field names)."""

    def clean_address(self, typed: str) -> str:
        """Return the address as it is stored. Raises ValidationError for text that cannot be an address."""
        raise NotImplementedError

    def address_of(self, resident: Resident) -> str:
        """Return a resident's address on this channel; empty if they gave none."""
        return resident.contact_address if resident.contact_channel == self.code else ""

    def address_expression(self) -> Combinable:
        """Return `address_of` as a database expression over residents, to count many at once."""
        return Case(When(contact_channel=self.code, then=F("contact_address")), default=Value(""))

    def resident_fields(self, address: str) -> dict[str, str]:
        """Return the fields of Resident in which an address on this channel is stored."""
        return {"contact_channel": self.code, "contact_address": address}

    def backoff_domain(self, address: str) -> str:
        """Return the domain to leave alone for a while if it asks us to slow down; empty if there is no such thing."""
        return ""

    def open(self) -> AbstractContextManager[Callable[[Message, RenderedMessage], None]]:
        """Open a connection for a batch of messages, and yield a function that sends one message.

        The function returns when the other side has accepted the message. Raises PermanentDeliveryError,
        TemporaryDeliveryError or DeliveryUnknownError.
        """
        raise NotImplementedError


CHANNELS: dict[str, Channel] = {}


def register_channel(channel: type[Channel]) -> type[Channel]:
    """Class decorator: add a channel to CHANNELS."""
    if channel.code in CHANNELS:
        raise ValueError(f"Two channels have the code {channel.code!r}.")
    CHANNELS[channel.code] = channel()
    return channel
