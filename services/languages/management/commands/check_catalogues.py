"""manage.py check_catalogues: is every sentence there, in every language, whole?"""

import shutil

import polib
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError
from django.utils.translation import to_locale

from services.languages.catalogue import city_faults, faults, source_file
from services.languages.table import SPOKEN


class Command(BaseCommand):
    """Names every fault in the catalogues and fails if there is one."""

    help = "Check all catalogues: nothing missing or fuzzy, placeholders, tags, plurals, furigana, nothing unextracted."
    requires_system_checks = []

    def add_arguments(self, parser):
        """`--language` looks at one only; `--no-extract` leaves xgettext out."""
        parser.add_argument("--language", choices=list(SPOKEN))
        parser.add_argument("--no-extract", action="store_true", help="do not compare with what makemessages finds")

    def handle(self, *args, language=None, no_extract=False, **options):
        """Check; raises CommandError with the number of faults."""
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
        """What makemessages would add to or take from the English catalogue."""
        if not shutil.which("xgettext"):
            raise CommandError("xgettext is missing: apt-get install gettext")
        kept = {code: source_file(code).read_bytes() for code in SPOKEN}
        try:
            extract()
            return [
                f"{code}: makemessages changes the catalogue; run `make messages`"
                for code in SPOKEN
                if _strings(polib.pofile(source_file(code))) != _strings(polib.pofile(kept[code].decode()))
            ]
        finally:
            for code, content in kept.items():
                source_file(code).write_bytes(content)


def extract() -> None:
    """Run makemessages over the project for every language."""
    call_command(
        "makemessages",
        locale=[to_locale(code) for code in SPOKEN],
        no_obsolete=True,
        no_wrap=True,
        add_location="file",
        ignore_patterns=[".venv", "var", "tests", "benchmarks", "requirements"],
        verbosity=0,
    )


def _strings(catalogue: polib.POFile) -> set[tuple]:
    return {(entry.msgctxt, entry.msgid, entry.msgid_plural, entry.fuzzy) for entry in catalogue if not entry.obsolete}
