"""manage.py migrate: Django's command, without text in migrations (portal/management/autodetector.py)."""

from django.core.management.commands import migrate

from portal.management.autodetector import TablesOnlyAutodetector


class Command(migrate.Command):
    """Apply migrations; report missing ones only if tables, not texts, have changed."""

    autodetector = TablesOnlyAutodetector
