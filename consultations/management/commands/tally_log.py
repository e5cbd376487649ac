"""manage.py tally_log: tally the consultation log, from cron or after a change made by hand."""

from django.core.management.base import BaseCommand

from consultations.records.models import CountedMonth
from consultations.records.tallies import tally_months


class Command(BaseCommand):
    """Tally the log as the scheduled job does every 15 minutes."""

    help = "Count the months of the consultation desk to which something came; --all: every month, from the log itself."

    def add_arguments(self, parser):
        """Add --all, which tallies every month again."""
        parser.add_argument("--all", action="store_true", help="every month")

    def handle(self, *args, **options):
        """Tally, and print how many months were tallied."""
        if options["all"]:
            CountedMonth.objects.all().delete()
        self.stdout.write(f"Months counted: {tally_months()}")
