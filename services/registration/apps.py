"""Anything with places to give."""

from django.apps import AppConfig


class RegistrationConfig(AppConfig):
    """Registration."""

    name = "services.registration"
    label = "registration"
