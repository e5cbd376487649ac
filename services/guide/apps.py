"""Multilingual municipal information."""

from django.apps import AppConfig


class GuideConfig(AppConfig):
    """The guide."""

    name = "services.guide"
    label = "guide"
