"""The roof's own app: its management commands, checks and templates."""

from django.apps import AppConfig

from portal import access  # noqa: F401  importing registers its check


class PortalConfig(AppConfig):
    """No tables."""

    name = "portal"
