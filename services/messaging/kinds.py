"""The kinds of messages and reminders. Each app declares its own in message_kinds.py and registers them in ready()."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum

from django.db import models


class Audience(Enum):
    """Whom a kind of message is for, which decides the languages in which it is written."""

    RESIDENT = "resident"
    STAFF = "staff"


@dataclass(frozen=True, slots=True)
class MessageKind:
    """A kind of message: the folder of its templates below templates/notices/, and what the ledger must know of it.

    `Message.kind` stores `folder`. `valid_states`: the states of the message's subject in which the message is still
    true (it may have waited for hours); empty if it always is. `needs_short_text`: whether the folder must have a
    short.txt; without one a text message consists of the subject.
    """

    folder: str
    audience: Audience = Audience.RESIDENT
    valid_states: frozenset[str] = frozenset()
    needs_short_text: bool = True

    def is_valid_in(self, state: str) -> bool:
        """Whether the message is still true of a subject in this state."""
        return not self.valid_states or state in self.valid_states


@dataclass(frozen=True, slots=True)
class ReminderKind:
    """A kind of reminder. `Reminder.kind` stores `name`; AppConfig.ready() registers the handler."""

    name: str


MESSAGE_KINDS: dict[str, MessageKind] = {}
REMINDER_KINDS: dict[str, ReminderKind] = {}
REMINDER_HANDLERS: dict[str, Callable[[models.Model], None]] = {}


def register_kinds(*kinds: MessageKind | ReminderKind) -> None:
    """Add an app's kinds of messages and reminders. Called from AppConfig.ready()."""
    for kind in kinds:
        if isinstance(kind, MessageKind):
            MESSAGE_KINDS[kind.folder] = kind
        else:
            REMINDER_KINDS[kind.name] = kind


def register_reminder_handler(kind: ReminderKind, handler: Callable[[models.Model], None]) -> None:
    """Name the function that notifies people when a reminder of this kind is due; it gets the reminder's object."""
    REMINDER_HANDLERS[kind.name] = handler


def is_for_staff(folder: str) -> bool:
    """Whether a message is for staff, by its stored kind. A kind that no app declares any longer is for residents."""
    return folder in MESSAGE_KINDS and MESSAGE_KINDS[folder].audience == Audience.STAFF
