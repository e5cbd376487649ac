"""The ledger of messages to people, each in their language."""

from django.apps import AppConfig
from django.utils.module_loading import autodiscover_modules


class NoticesConfig(AppConfig):
    """Notices."""

    name = "services.notices"
    label = "notices"

    def ready(self):
        """Learn from each app's letters.py how its objects are put into words."""
        autodiscover_modules("letters")
