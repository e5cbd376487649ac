"""Change source strings without losing their translations."""

import json
from dataclasses import dataclass
from pathlib import Path

import polib

from services.languages.catalogue import PLACEHOLDER, city_files, source_file
from services.languages.extraction import save
from services.languages.registry import SPOKEN

Key = tuple[str | None, str]  # context and source string


class RenamingError(ValueError):
    """A table of renames that cannot be applied; nothing has been changed."""


@dataclass(frozen=True, slots=True)
class Rename:
    """A source string's new wording. `new_plural` is set exactly if the string has a plural form."""

    context: str | None
    old: str
    new: str
    new_plural: str | None = None
    meaning_changed: bool = False

    @property
    def source(self) -> Key:
        """Return the context and the old string."""
        return self.context, self.old

    @property
    def target(self) -> Key:
        """Return the context and the new string."""
        return self.context, self.new


def read_table(file: Path) -> list[Rename]:
    """Read a JSON list of objects with the fields of `Rename`."""
    try:
        return [Rename(**row) for row in json.loads(file.read_text(encoding="utf-8"))]
    except (OSError, ValueError, TypeError) as error:
        raise RenamingError(f"{file}: {error}") from error


def apply_renames(renames: list[Rename], *, fuzzy: bool = False) -> None:
    """Carry the translations of every catalogue, the cities' own included, over to the new source strings.

    If the new string is already in a catalogue, its own translations are kept and the old entry is removed.
    With `fuzzy`, the entries whose meaning has changed are flagged. Raises `RenamingError` before anything
    is written.
    """
    files = [source_file(code) for code in SPOKEN] + list(city_files().values())
    catalogues = {file: polib.pofile(file) for file in files}
    _validate(renames, _entries(catalogues[source_file("en")]))
    for file, catalogue in catalogues.items():
        if _rename_in(catalogue, renames, fuzzy=fuzzy):
            save(catalogue, file)


def _entries(catalogue: polib.POFile) -> dict[Key, polib.POEntry]:
    return {(entry.msgctxt, entry.msgid): entry for entry in catalogue if not entry.obsolete}


def _validate(renames: list[Rename], entries: dict[Key, polib.POEntry]) -> None:
    problems, seen = [], set()
    for rename in renames:
        entry = entries.get(rename.source)
        if entry is None:
            problems.append(f"not in the catalogue: {rename.old!r} ({rename.context})")
        elif rename.source in seen:
            problems.append(f"renamed twice: {rename.old!r} ({rename.context})")
        elif bool(entry.msgid_plural) != bool(rename.new_plural):
            problems.append(f"plural form missing or unexpected: {rename.old!r}")
        elif _placeholders(entry.msgid, entry.msgid_plural) != _placeholders(rename.new, rename.new_plural):
            problems.append(f"placeholders differ: {rename.old!r} and {rename.new!r}")
        seen.add(rename.source)
    if problems:
        raise RenamingError("\n".join(problems))


def _placeholders(*texts: str | None) -> set[str]:
    return {found for text in texts for found in PLACEHOLDER.findall(text or "")}


def _rename_in(catalogue: polib.POFile, renames: list[Rename], *, fuzzy: bool) -> bool:
    """Rename one catalogue's entries; return whether it had any of them."""
    entries = _entries(catalogue)
    renamed = [(entries.pop(rename.source), rename) for rename in renames if rename.source in entries]
    for entry, rename in renamed:  # all old entries have been popped, so that A → B and B → C do not collide
        existing = entries.get(rename.target)
        if existing is None:
            entry.msgid, entry.msgid_plural = rename.new, rename.new_plural or ""
            entries[rename.target] = existing = entry
        else:
            _absorb(existing, entry)
            catalogue.remove(entry)
        if fuzzy and rename.meaning_changed and "fuzzy" not in existing.flags:
            existing.flags.append("fuzzy")
    return bool(renamed)


def _absorb(entry: polib.POEntry, other: polib.POEntry) -> None:
    """Add the occurrences of an entry that will be removed, and its translation if there is none."""
    entry.occurrences = [*entry.occurrences, *other.occurrences]
    if not entry.msgid_plural and not other.msgid_plural:
        entry.msgstr = entry.msgstr or other.msgstr
