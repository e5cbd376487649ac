"""The consultation desk."""

from django.apps import AppConfig


class ConsultationsConfig(AppConfig):
    """Consultations."""

    name = "consultations"
    label = "consultations"
