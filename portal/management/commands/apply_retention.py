"""manage.py keep_periods: delete or make anonymous what is past its time."""

from django.core.management.base import BaseCommand

from services.base.keeping import keep_periods, promises


class Command(BaseCommand):
    """Does by hand what the background work does each hour."""

    help = "Delete or make anonymous what has been kept for as long as promised. --promises lists the promises."

    def add_arguments(self, parser):
        """A dry run does everything and undoes it."""
        parser.add_argument("--dry-run", action="store_true", help="Count what would be done, by really doing it.")
        parser.add_argument("--promises", action="store_true", help="Only list what is kept, for what, how long.")

    def handle(self, *args, **options):
        """Say how many, by model."""
        if options["promises"]:
            for model, keeping in promises().items():
                days = f"{keeping.days} days after {keeping.since}" if keeping.days else "no end by itself"
                self.stdout.write(f"{model._meta.label}: {keeping.purpose} ({days})")
            return
        counts = keep_periods(dry_run=options["dry_run"])
        for label, count in counts.items():
            self.stdout.write(f"{label}: {count}")
        if not counts:
            self.stdout.write("Nothing is past its time.")
