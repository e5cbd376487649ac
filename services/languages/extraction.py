"""Extract the source strings into the catalogues, in one fixed format: a second extraction changes nothing."""

import shutil
import tempfile
from pathlib import Path

import polib
from django.conf import settings
from django.core.management import call_command
from django.core.management.commands import makemessages
from django.utils.translation import to_locale

from services.languages.catalogue import source_file
from services.languages.registry import SPOKEN

IGNORED = [".venv", "var", "tests", "benchmarks", "requirements"]


class _Extraction(makemessages.Command):
    """Django's makemessages, writing to a folder of our choice and never guessing a translation."""

    msgmerge_options = [*makemessages.Command.msgmerge_options, "--no-fuzzy-matching"]

    def __init__(self, target: Path):
        super().__init__()
        self._target = str(target)

    def find_files(self, root):
        """Return the files with source strings, all of them belonging to the target folder."""
        files = super().find_files(root)
        self.locale_paths = [self._target]
        for file in files:
            file.locale_dir = self._target
        return files


def extract() -> dict[str, bytes]:
    """Return each language's catalogue as it would be after an extraction; the project's own files stay untouched."""
    project = Path(settings.LOCALE_PATHS[-1])
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder, project.name)
        shutil.copytree(project, target, ignore=shutil.ignore_patterns("*.mo"))
        call_command(
            _Extraction(target),
            locale=[to_locale(code) for code in SPOKEN],
            no_obsolete=True,
            no_wrap=True,
            add_location="file",
            ignore_patterns=IGNORED,
            verbosity=0,
        )
        extracted = {code: target / source_file(code).relative_to(project) for code in SPOKEN}
        for file in extracted.values():
            save(polib.pofile(file), file)
        return {code: file.read_bytes() for code, file in extracted.items()}


def save(catalogue: polib.POFile, file: Path) -> None:
    """Write a catalogue in the fixed format.

    Lines are not wrapped, places are file names without line numbers, entries are sorted by their first file
    and text, and the header has no date.
    """
    catalogue.wrapwidth = 0
    catalogue.metadata.pop("POT-Creation-Date", None)
    for entry in catalogue:
        entry.occurrences = sorted({(name, "") for name, _line in entry.occurrences})
    catalogue.sort(key=lambda entry: (entry.obsolete, entry.occurrences[:1], entry.msgid, entry.msgctxt or ""))
    catalogue.save(str(file))
