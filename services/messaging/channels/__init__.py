"""The ways in which a letter reaches somebody. Adding one is adding a file here and a row to CHANNELS.

A channel's `open()` gives a function that sends one letter to one address and returns when the other side has
taken it. What goes wrong it says by one of three exceptions, whatever the provider's own words are.
"""

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Protocol

from services.notices.channels.email import Email
from services.notices.channels.faults import TryLater, Unclear, Undeliverable
from services.notices.channels.inbox import Inbox
from services.notices.channels.push import Push
from services.notices.channels.sms import Sms
from services.notices.composing import Letter
from services.notices.models import ChannelCode, Message


class Channel(Protocol):
    """What the ledger asks of a way to reach somebody."""

    is_offered: bool
    """Whether this installation has what it takes: a gateway's address and key."""

    drops_repeats: bool
    """Whether the provider recognises a message by its public id, so that sending it twice is harmless."""

    def clean_address(self, typed: str) -> str:
        """The address as it is kept. Raises ValidationError for what can be none."""

    def open(self) -> AbstractContextManager[Callable[[Message, Letter], None]]:
        """A connection that is used again for each message. Its function raises Undeliverable, TryLater or Unclear."""


CHANNELS: dict[str, Channel] = {
    ChannelCode.EMAIL: Email(),
    ChannelCode.SMS: Sms(),
    ChannelCode.PUSH: Push(),
    ChannelCode.INBOX: Inbox(),
}

__all__ = ["CHANNELS", "Channel", "TryLater", "Unclear", "Undeliverable"]
