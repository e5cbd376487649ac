"""Tallies of the log: they make counting many months fast, and outlast the anonymised consultations."""

from django.db import models

from services.base.retention import NO_PERSONAL_DATA, RetentionPolicy


class Dimension(models.TextChoices):
    """What consultations are counted by."""

    ALL = "all"
    LANGUAGE = "language"
    CHANNEL = "channel"
    LANGUAGE_SUPPORT = "language_support"
    NATIONALITY = "nationality"
    OUTCOME = "outcome"
    ADVISER = "adviser"
    PRIMARY_TOPIC = "primary"
    TOPIC = "topic"
    TOPIC_GROUP = "group"  # of the national report


class CountedMonth(models.Model):
    """A month whose tallies are complete. A month without such a row is counted from the log."""

    RETENTION = NO_PERSONAL_DATA

    month = models.DateField(primary_key=True)

    class Meta:
        ordering = ["month"]

    def __str__(self):
        return f"{self.month:%Y-%m}"


class MonthlyTally(models.Model):
    """One cell of a month's count. Only `consultations.records.tallies` writes it.

    Restricted consultations are counted apart: figures include them only if there are at least five.
    """

    RETENTION = RetentionPolicy("How much the desk did, also by adviser. Kept with the figures.")

    month = models.DateField()
    dimension = models.CharField(max_length=20, choices=Dimension)
    value = models.CharField(max_length=30, blank=True)
    is_restricted = models.BooleanField(default=False)
    consultations = models.IntegerField()
    topics = models.IntegerField()
    minutes = models.IntegerField()

    class Meta:
        verbose_name_plural = "tallies"
        indexes = [models.Index(fields=["month", "dimension"], name="consultations_tallies")]

    def __str__(self):
        return f"{self.month:%Y-%m} {self.dimension} {self.value}"


class TallyDelta(models.Model):
    """What one consultation adds to its month since the month was tallied. `sign` -1: it is no longer counted.

    `facts`: the columns it is counted by, and its topics. The next tally of the month includes and deletes it.
    """

    RETENTION = RetentionPolicy("Up-to-date figures. Deleted by the next tally, within 15 minutes.")

    month = models.DateField(db_index=True)
    is_restricted = models.BooleanField()
    sign = models.SmallIntegerField()
    facts = models.JSONField()

    class Meta:
        verbose_name_plural = "tally deltas"

    def __str__(self):
        return f"{self.month:%Y-%m} {self.sign:+}"
