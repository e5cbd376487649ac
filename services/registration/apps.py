"""Anything with a limited number of places: appointments, courses, events, shifts."""

from django.apps import AppConfig


class RegistrationConfig(AppConfig):
    """The registration app."""

    name = "services.registration"
    label = "registration"

    def ready(self):
        """Register the reminder on the day before; each programme registers the messages about its registrations."""
        from services.messaging.kinds import register_kinds, register_reminder_handler  # noqa: PLC0415  models first
        from services.registration import message_kinds, tasks  # noqa: PLC0415

        register_kinds(*message_kinds.KINDS)
        register_reminder_handler(message_kinds.DAY_BEFORE, tasks.remind_the_day_before)
