"""User (signs in), Resident (is served), roles."""

from django.apps import AppConfig
from django.utils.module_loading import autodiscover_modules


class AccountsConfig(AppConfig):
    """People."""

    name = "services.accounts"
    label = "accounts"

    def ready(self):
        """Learn from each app's rights.py what it knows of people."""
        autodiscover_modules("rights")
