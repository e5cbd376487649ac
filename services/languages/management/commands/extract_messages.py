"""manage.py extract_messages: bring new strings into all catalogues and drop those that are gone."""

from pathlib import Path

import polib
from django.core.management.base import BaseCommand

from services.languages.catalogue import source_file
from services.languages.management.commands.check_catalogues import extract
from services.languages.table import SPOKEN


class Command(BaseCommand):
    """makemessages with the project's own options, for every language at once; without its guesses."""

    help = "Run makemessages over the project for every language."
    requires_system_checks = []

    def handle(self, *args, **options):
        """Extract; then translators fill what is empty and `check_catalogues` says what is not."""
        extract()
        for code in SPOKEN:
            _forget_guesses(source_file(code))


def _forget_guesses(file: Path) -> None:
    """Empty what gettext guessed from similar strings: a wrong sentence is worse than none."""
    catalogue = polib.pofile(file, wrapwidth=0)
    guesses = [entry for entry in catalogue if entry.fuzzy]
    for entry in guesses:
        entry.msgstr = ""
        entry.msgstr_plural = dict.fromkeys(entry.msgstr_plural, "")
        entry.flags.remove("fuzzy")
        entry.previous_msgid = entry.previous_msgctxt = entry.previous_msgid_plural = None
    if guesses:
        catalogue.save(file)
