"""The roof's own app: its management commands, checks and templates."""

from django.apps import AppConfig

from portal import access, emergency  # noqa: F401  importing registers their checks


class PortalConfig(AppConfig):
    """No tables."""

    name = "portal"
