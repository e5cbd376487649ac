"""manage.py verify_audit: is the trail as it was written?"""

from django.core.management.base import BaseCommand, CommandError

from services.audit.models import Line
from services.audit.trail import first_broken


class Command(BaseCommand):
    """Verifies the whole chain and names the first broken line."""

    help = "Verify the audit trail; fails and names the first line that is not as it was written."

    def handle(self, *args, **options):
        """Raises CommandError if a line was changed, dropped or inserted."""
        if broken := first_broken():
            raise CommandError(f"The audit trail is broken at line {broken}: it was changed, dropped or inserted.")
        self.stdout.write(f"The audit trail is whole: {Line.objects.count()} lines.")
