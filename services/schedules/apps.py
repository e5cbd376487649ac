"""Schedules: recurrence rules, exceptions, holidays, calendar files."""

from django.apps import AppConfig


class SchedulesConfig(AppConfig):
    """The schedules app."""

    name = "services.schedules"
    label = "schedules"
