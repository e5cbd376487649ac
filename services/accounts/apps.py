"""The accounts app: users who sign in, residents who are served, roles."""

from django.apps import AppConfig
from django.utils.module_loading import autodiscover_modules


class AccountsConfig(AppConfig):
    """The accounts app."""

    name = "services.accounts"
    label = "accounts"

    def ready(self):
        """Load each app's personal_data.py, which registers what the app stores about people."""
        autodiscover_modules("personal_data")
