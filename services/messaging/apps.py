"""The ledger of messages to people, and how they are delivered: each in the reader's language."""

from django.apps import AppConfig


class MessagingConfig(AppConfig):
    """The messaging app."""

    name = "services.messaging"
    label = "messaging"

    def ready(self):
        """Register the system checks of message kinds and channels."""
        from services.messaging import checks  # noqa: F401, PLC0415  models must be loaded first
