"""The ledger of messages to people, each in their language."""

from django.apps import AppConfig


class NoticesConfig(AppConfig):
    """Notices."""

    name = "services.notices"
    label = "notices"
