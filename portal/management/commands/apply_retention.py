"""manage.py apply_retention: delete or anonymise data whose retention is over."""

from django.core.management.base import BaseCommand

from services.base.retention import apply_retention, retention_policies


class Command(BaseCommand):
    """Apply all retention policies, as the background job does every hour."""

    help = "Delete or anonymise the rows whose retention period has ended. --policies lists the retention policies."

    def add_arguments(self, parser):
        """`--dry-run` does everything and rolls it back; `--policies` only lists the policies."""
        parser.add_argument("--dry-run", action="store_true", help="Count what would be done, by really doing it.")
        parser.add_argument("--policies", action="store_true", help="Only list what is stored, why and for how long.")

    def handle(self, *args, **options):
        """Print the number of rows by model."""
        if options["policies"]:
            for model, policy in retention_policies().items():
                days = f"{policy.days} days after {policy.since}" if policy.days else "no end by itself"
                self.stdout.write(f"{model._meta.label}: {policy.purpose} ({days})")
            return
        counts = apply_retention(dry_run=options["dry_run"])
        for label, count in counts.items():
            self.stdout.write(f"{label}: {count}")
        if not counts:
            self.stdout.write("Nothing is past its time.")
