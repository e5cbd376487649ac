"""The portal app: management commands, checks and pages of the whole site."""

from django.apps import AppConfig

from portal.pages import emergency  # noqa: F401  importing it registers its checks


class PortalConfig(AppConfig):
    """The portal app. Has no models."""

    name = "portal"

    def ready(self):
        """Register the kinds of messages about signing in."""
        from portal import message_kinds  # noqa: PLC0415  models must be loaded first
        from services.messaging.kinds import register_kinds  # noqa: PLC0415

        register_kinds(*message_kinds.KINDS)
