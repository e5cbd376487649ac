"""The app configuration of the consultation desk."""

from django.apps import AppConfig


class ConsultationsConfig(AppConfig):
    """The app of the consultation desk."""

    name = "consultations"
    label = "consultations"

    def ready(self):
        """Register the desk's messages, their reminders, and what messages say of appointments."""
        from consultations import message_kinds, tasks  # noqa: PLC0415  models must be loaded first
        from consultations.appointments import summaries  # noqa: PLC0415
        from services.messaging.kinds import register_kinds, register_reminder_handler  # noqa: PLC0415

        register_kinds(*message_kinds.KINDS)
        summaries.register()
        register_reminder_handler(message_kinds.FOLLOW_UP_DAY, tasks.remind_of_follow_up)
