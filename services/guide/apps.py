"""The guide to daily life: municipal information in all languages."""

from django.apps import AppConfig


class GuideConfig(AppConfig):
    """The guide app."""

    name = "services.guide"
    label = "guide"

    def ready(self):
        """Register what messages say of articles."""
        from services.guide import message_context  # noqa: PLC0415  models must be loaded first

        message_context.register()
