"""When things happen: rules, exceptions, holidays, calendars."""

from django.apps import AppConfig


class SchedulesConfig(AppConfig):
    """Schedules."""

    name = "services.schedules"
    label = "schedules"
