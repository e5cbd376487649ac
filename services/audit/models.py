"""The audit trail: a hash chain of entries that are never changed or deleted."""

from django.db import models

from services.base.retention import NO_PERSONAL_DATA, RetentionPolicy


class AuditChainHead(models.Model):
    """The end of the chain: a single row, locked by everybody who adds an entry.

    Reading "the last entry" instead would fork the chain under load.
    """

    RETENTION = NO_PERSONAL_DATA

    sequence = models.PositiveBigIntegerField(default=0)
    mac = models.CharField(max_length=64, default="", blank=True)
    # Grows with every recorded change: public pages cached before it are stale.
    content_version = models.PositiveBigIntegerField(default=0)

    class Meta:
        constraints = [models.CheckConstraint(condition=models.Q(pk=1), name="audit_only_one_head")]

    def __str__(self):
        return f"line {self.sequence}"


class AuditEntry(models.Model):
    """An audit entry: one thing that somebody did or saw. A database trigger forbids changes and deletion.

    It holds the names of fields, never their values, and people's public ids, so that it can outlive the people.
    """

    RETENTION = RetentionPolicy("Who did and saw what, by public ids. Kept as long as the city keeps its records.")

    sequence = models.PositiveBigIntegerField(unique=True)
    at = models.DateTimeField(db_index=True)
    actor = models.CharField(max_length=22, blank=True, db_index=True)
    roles = models.CharField(max_length=200, blank=True)
    action = models.CharField(max_length=60, db_index=True)
    object_type = models.CharField(max_length=60, blank=True)
    object_id = models.CharField(max_length=40, blank=True)
    fields = models.JSONField(default=list, blank=True)
    reason = models.CharField(max_length=500, blank=True)
    mac = models.CharField(max_length=64)

    class Meta:
        ordering = ["sequence"]
        indexes = [models.Index(fields=["object_type", "object_id"], name="audit_by_object")]

    def __str__(self):
        return f"{self.sequence} {self.action}"
