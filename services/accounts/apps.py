"""User (signs in), Resident (is served), roles."""

from django.apps import AppConfig


class AccountsConfig(AppConfig):
    """People."""

    name = "services.accounts"
    label = "accounts"
