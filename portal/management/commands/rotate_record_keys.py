"""manage.py rotate_record_keys: re-encrypt the desk's records under a new key.

Put the new key first in RECORD_KEYS, restart everything, then run this.
"""

from django.core.management.base import BaseCommand

from services.audit.trail import record
from services.base.encryption import encrypted_models, rotate_keys


class Command(BaseCommand):
    """Re-encrypt all records. The desk can keep working; an interrupted run can be repeated."""

    help = "Encrypt every record with the first of RECORD_KEYS; after that the other keys are no longer needed."

    def handle(self, *args, **options):
        """Print the number of re-encrypted texts by model."""
        total = 0
        for model, fields in encrypted_models().items():
            count = rotate_keys(model, fields)
            total += count
            self.stdout.write(f"{model._meta.label}: {count}")
        record(None, "portal.rotate_record_keys", reason=f"{total} texts", changes=False)
