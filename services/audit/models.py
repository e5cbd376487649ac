"""The audit trail: lines that are only ever added, each sealed by the one before."""

from django.db import models

from services.base.keeping import NOTHING_PERSONAL, Keeping


class Head(models.Model):
    """The trail's one row that everybody who writes a line locks first.

    Chaining by "the line before" forks under load; chaining through this row cannot.
    """

    KEEPING = NOTHING_PERSONAL

    sequence = models.PositiveBigIntegerField(default=0)
    mac = models.CharField(max_length=64, default="", blank=True)
    # Rises with every change that is recorded: copies of public pages made before it are stale.
    public_edition = models.PositiveBigIntegerField(default=0)

    class Meta:
        constraints = [models.CheckConstraint(condition=models.Q(pk=1), name="audit_only_one_head")]

    def __str__(self):
        return f"line {self.sequence}"


class Line(models.Model):
    """One thing that somebody did or saw. A trigger in the database refuses to change or delete it.

    It names fields, never what stood in them, and people by their public id, so that it can outlive them.
    """

    KEEPING = Keeping("Who did and saw what, by public ids. Kept as long as the city keeps its records.")

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
