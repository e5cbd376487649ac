"""manage.py extract_messages: bring new strings into all catalogues and drop those that are gone."""

from django.core.management.base import BaseCommand

from services.languages.catalogue import source_file
from services.languages.extraction import extract


class Command(BaseCommand):
    """Run makemessages for all languages with the project's options, and without fuzzy guesses."""

    help = "Extract the source strings of the project into the catalogues of all languages."
    requires_system_checks = []

    def handle(self, *args, **options):
        """Extract. Translators then fill in the empty entries; `check_catalogues` lists missing ones."""
        for code, content in extract().items():
            source_file(code).write_bytes(content)
