"""manage.py rename_messages: carry translations over to reworded source strings."""

from pathlib import Path

from django.core.management.base import BaseCommand, CommandError

from services.languages.renaming import RenamingError, apply_renames, read_table


class Command(BaseCommand):
    """Rename source strings in all catalogues and list those that a translator has to review."""

    help = "Carry the translations of all catalogues over to reworded source strings."
    requires_system_checks = []

    def add_arguments(self, parser):
        """Take the table; `--fuzzy` flags the entries whose meaning has changed."""
        parser.add_argument(
            "table",
            type=Path,
            help='a JSON list of {"context", "old", "new", "new_plural", "meaning_changed"}; the last two are optional',
        )
        parser.add_argument("--fuzzy", action="store_true", help="flag the entries whose meaning has changed as fuzzy")

    def handle(self, *args, table, fuzzy=False, **options):
        """Rename everything or, if the table has a mistake, nothing."""
        try:
            renames = read_table(table)
            apply_renames(renames, fuzzy=fuzzy)
        except RenamingError as error:
            raise CommandError(str(error)) from error
        self.stdout.write(f"Renamed: {len(renames)}.")
        for rename in renames:
            if rename.meaning_changed:
                self.stdout.write(f"To review: {rename.new!r} (was {rename.old!r})")
