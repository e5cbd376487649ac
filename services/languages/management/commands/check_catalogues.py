"""manage.py check_catalogues: check that every translation is complete and correct."""

import shutil

import polib
from django.core.management.base import BaseCommand, CommandError

from services.languages.catalogue import city_faults, faults, source_file
from services.languages.extraction import extract
from services.languages.registry import SPOKEN


class Command(BaseCommand):
    """Print every fault in the catalogues; fail if there is one."""

    help = "Check all catalogues: nothing missing or fuzzy, placeholders, tags, plurals, furigana, nothing unextracted."
    requires_system_checks = []

    def add_arguments(self, parser):
        """`--language` checks a single language; `--no-extract` skips xgettext."""
        parser.add_argument("--language", choices=list(SPOKEN))
        parser.add_argument("--no-extract", action="store_true", help="do not compare with what makemessages finds")

    def handle(self, *args, language=None, no_extract=False, **options):
        """Check. Raise CommandError with the number of faults."""
        found = []
        for code in [language] if language else SPOKEN:
            found += faults(code, polib.pofile(source_file(code)))
        if not language:
            found += city_faults()
        if not no_extract:
            found += self._unextracted()
        for fault in found:
            self.stdout.write(fault)
        if found:
            raise CommandError(f"{len(found)} faults in the catalogues.")
        self.stdout.write("The catalogues are whole.")

    def _unextracted(self) -> list[str]:
        """Name the languages whose catalogue an extraction would change by as much as one byte."""
        if not shutil.which("xgettext"):
            raise CommandError("xgettext is missing: apt-get install gettext")
        return [
            f"{code}: makemessages changes the catalogue; run `make messages`"
            for code, content in extract().items()
            if content != source_file(code).read_bytes()
        ]
