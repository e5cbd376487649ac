"""Uploaded tables that are waiting to be imported."""

from django.conf import settings
from django.db import models

from services.base.encryption import EncryptedTextField
from services.base.public_ids import PublicIdField
from services.base.retention import RetentionPolicy


class ImportUpload(models.Model):
    """A past log that somebody uploaded, encrypted until it is imported or discarded. Only they can open it."""

    RETENTION = RetentionPolicy("Importing a past log. Deleted a day later.", since="made_at", days=1)

    public_id = PublicIdField()
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    text = EncryptedTextField()
    made_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-made_at"]

    def __str__(self):
        return self.public_id
