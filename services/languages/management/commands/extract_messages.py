"""manage.py extract_messages: bring new strings into all catalogues and drop those that are gone."""

from django.core.management.base import BaseCommand

from services.languages.management.commands.check_catalogues import extract


class Command(BaseCommand):
    """makemessages with the project's own options, for every language at once."""

    help = "Run makemessages over the project for every language."
    requires_system_checks = []

    def handle(self, *args, **options):
        """Extract; then translators fill what is empty and `check_catalogues` says what is not."""
        extract()
