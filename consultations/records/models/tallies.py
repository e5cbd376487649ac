"""What was counted of the log: many months stay fast to read, and the figures of what is long anonymous stay too."""

from django.db import models

from services.base.keeping import NOTHING_PERSONAL, Keeping


class Dimension(models.TextChoices):
    """By what consultations are counted."""

    ALL = "all"
    LANGUAGE = "language"
    CHANNEL = "channel"
    BRIDGING = "bridging"
    NATIONALITY = "nationality"
    OUTCOME = "outcome"
    ADVISER = "adviser"
    PRIMARY = "primary"
    TOPIC = "topic"
    GROUP = "group"  # of the national report


class CountedMonth(models.Model):
    """A month whose tallies hold all of it. A month without such a row is counted from the log itself."""

    KEEPING = NOTHING_PERSONAL

    month = models.DateField(primary_key=True)

    class Meta:
        ordering = ["month"]

    def __str__(self):
        return f"{self.month:%Y-%m}"


class Tally(models.Model):
    """One cell of a month's count. Only consultations.actions.counting writes it.

    Restricted consultations stand apart: figures tell of them only where there are five.
    """

    KEEPING = Keeping("How much the desk did, by adviser too. Kept with the figures.")

    month = models.DateField()
    dimension = models.CharField(max_length=12, choices=Dimension)
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


class Later(models.Model):
    """What one consultation adds to its month since the month was counted; `sign` -1: what it no longer adds.

    `facts`: what it is counted by, with its topics. The next count of the month takes it in and deletes it.
    """

    KEEPING = Keeping("Figures that are right at once. The next count, in a quarter of an hour, deletes it.")

    month = models.DateField(db_index=True)
    is_restricted = models.BooleanField()
    sign = models.SmallIntegerField()
    facts = models.JSONField()

    class Meta:
        verbose_name_plural = "later"

    def __str__(self):
        return f"{self.month:%Y-%m} {self.sign:+}"
