"""The object that a message is about, which may hold the message or make it untrue while it waits."""

from enum import Enum
from typing import Protocol, runtime_checkable

from django.db import models

from services.messaging.models import Message


class DeliveryDecision(Enum):
    """What to do with a message just before it is sent: SEND it, HOLD it for later, or DROP it."""

    SEND = "send"
    HOLD = "hold"
    DROP = "drop"


@runtime_checkable
class Subject(Protocol):
    """An object that decides whether messages about it are sent. Messages about other objects always are."""

    def delivery_decision(self, message: Message) -> DeliveryDecision:
        """Return what to do with a message now. Asked just before each attempt, as it may have waited for hours."""


def decision_of(subject: models.Model | None, message: Message) -> DeliveryDecision:
    """Return the subject's decision about a message; SEND if it makes none."""
    return subject.delivery_decision(message) if isinstance(subject, Subject) else DeliveryDecision.SEND
