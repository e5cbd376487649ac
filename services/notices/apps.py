"""News, emergencies and subscriptions."""

from django.apps import AppConfig


class NoticesConfig(AppConfig):
    """The notices app."""

    name = "services.notices"
    label = "notices"

    def ready(self):
        """Register the app's messages and recipients, and let each delivery begin with the notices that are due."""
        from services.messaging.delivery import BEFORE_DELIVERY  # noqa: PLC0415  models must be loaded first
        from services.messaging.kinds import register_kinds, register_reminder_handler  # noqa: PLC0415
        from services.notices import message_context, message_kinds, tasks  # noqa: PLC0415
        from services.notices.broadcast import begin_due_notices  # noqa: PLC0415
        from services.notices.subscriptions import recipients  # noqa: PLC0415

        register_kinds(*message_kinds.KINDS)
        register_reminder_handler(message_kinds.BEFORE_END, tasks.remind_author_of_end)
        message_context.register()
        recipients.register()
        # A notice just approved need not wait for the periodic job. One batch only, so that urgent messages go first.
        BEFORE_DELIVERY.append(lambda: begin_due_notices(most=1))
