"""manage.py verify_audit: check that nobody has tampered with the audit trail."""

from django.core.management.base import BaseCommand, CommandError

from services.audit.models import AuditEntry
from services.audit.trail import first_broken_entry


class Command(BaseCommand):
    """Verify the whole chain and report the first broken entry."""

    help = "Verify the audit trail; if an entry has been tampered with, fail and report its number."

    def handle(self, *args, **options):
        """Raise CommandError if an entry was changed, deleted or inserted."""
        if broken := first_broken_entry():
            raise CommandError(f"The audit trail is broken at entry {broken}: it was changed, dropped or inserted.")
        self.stdout.write(f"The audit trail is whole: {AuditEntry.objects.count()} entries.")
