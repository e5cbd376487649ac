"""manage.py count_log: count the desk's log anew, for cron or after something was changed by hand."""

from django.core.management.base import BaseCommand

from consultations.actions.counting import count_months
from consultations.models import CountedMonth


class Command(BaseCommand):
    """Counts what has to be counted, as the background work does each quarter of an hour."""

    help = "Count the months of the consultation desk to which something came; --all: every month, from the log itself."

    def add_arguments(self, parser):
        """Only the new, or all."""
        parser.add_argument("--all", action="store_true", help="every month")

    def handle(self, *args, **options):
        """Says how many months were counted."""
        if options["all"]:
            CountedMonth.objects.all().delete()
        self.stdout.write(f"Months counted: {count_months()}")
