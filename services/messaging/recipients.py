"""Rows of other apps to which messages are addressed, such as a subscription to the news.

A message to a resident or a user finds its person through a foreign key. An app above this one that keeps addresses
of its own registers a `RecipientSource`; its messages then name their row by type and key.
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol

from django.db import models

from services.messaging.models import PERSONAL_SUBJECTS, Message


@dataclass(frozen=True, slots=True)
class RecipientLinks:
    """The recipient's own links, as whole URLs."""

    unsubscribe: str = ""
    manage: str = ""


class RecipientSource(Protocol):
    """What delivery needs to know about the rows of one model to which messages are addressed."""

    model: type[models.Model]

    def reason_not_to_send(self, recipient: models.Model) -> str:
        """Return why nothing may be sent to this recipient now; empty if it may."""

    def links(self, recipient: models.Model, language: str) -> RecipientLinks:
        """Return the recipient's own links, for a message in `language`."""

    def lock(self, channel: str, address: str) -> None:
        """Lock the rows with this address. They are always locked before their messages."""

    def stop(self, channel: str, address: str) -> None:
        """End what is sent to this address, because it accepts no messages."""


_SOURCES: dict[str, RecipientSource] = {}
SUBSCRIPTION_ENDED = "The subscription has ended."


def register_recipients(source: RecipientSource) -> None:
    """Let messages be addressed to the rows of `source.model`. Messages about such a row are kept only briefly."""
    label = source.model._meta.label_lower
    _SOURCES[label] = source
    if label not in PERSONAL_SUBJECTS:
        PERSONAL_SUBJECTS.append(label)


def load_recipients(messages: Iterable[Message]) -> None:
    """Fetch the recipients of many messages, in one query for each model."""
    wanted = defaultdict(list)
    for message in messages:
        if message.recipient_id:
            wanted[message.recipient_type].append(message)
    for label, addressed in wanted.items():
        rows = _SOURCES[label].model._default_manager.in_bulk({message.recipient_id for message in addressed})
        for message in addressed:
            message.recipient = rows.get(message.recipient_id)


def reason_not_to_send(message: Message) -> str:
    """Return why nothing may be sent to the message's recipient now; empty if it may, or without such a recipient."""
    if message.recipient_id is None:
        return ""
    if message.recipient is None:
        return SUBSCRIPTION_ENDED
    return _SOURCES[message.recipient_type].reason_not_to_send(message.recipient)


def links_of(message: Message) -> RecipientLinks:
    """Return the own links of the message's recipient; empty links without such a recipient."""
    if not message.recipient:
        return RecipientLinks()
    return _SOURCES[message.recipient_type].links(message.recipient, message.language)


def lock_recipients(channel: str, address: str) -> None:
    """Lock every recipient with this address. All code locks recipients before their messages."""
    for source in _SOURCES.values():
        source.lock(channel, address)


def stop_sending(channel: str, address: str) -> None:
    """Tell every source that an address accepts no messages."""
    for source in _SOURCES.values():
        source.stop(channel, address)
