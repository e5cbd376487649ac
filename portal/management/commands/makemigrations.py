"""manage.py makemigrations: Django's command, without text in migrations (portal/management/autodetector.py)."""

from django.core.management.commands import makemigrations

from portal.management.autodetector import TablesOnlyAutodetector


class Command(makemigrations.Command):
    """Write migrations without labels, help texts and choices."""

    autodetector = TablesOnlyAutodetector
