"""Appointments: the times that somebody has asked for."""

from django.db import models

from consultations.models.roster import DeskHours, Service
from services.base.keeping import NOTHING_PERSONAL
from services.registration.models import Offering


class SlotQuerySet(models.QuerySet):
    """Questions about slots."""

    def standing(self):
        """Those that have not been called off."""
        return self.filter(offering__is_cancelled=False)


class Slot(models.Model):
    """One time of the desk's hours by appointment, kept from the first time that somebody asks for it.

    Who has it stands in its offering. It repeats what the hours say, because they may change later. One that was called
    off belongs to no hours any more, so that the same time can be given again when they come back.
    """

    KEEPING = NOTHING_PERSONAL

    offering = models.OneToOneField(Offering, on_delete=models.PROTECT, related_name="slot")
    hours = models.ForeignKey(DeskHours, on_delete=models.SET_NULL, null=True, blank=True, related_name="slots")
    starts_at = models.DateTimeField()
    service = models.CharField(max_length=20, choices=Service)
    language = models.CharField(max_length=12, blank=True)
    modes = models.JSONField(default=list)

    objects = SlotQuerySet.as_manager()

    class Meta:
        ordering = ["starts_at", "pk"]
        constraints = [
            models.UniqueConstraint(fields=["hours", "starts_at"], name="consultations_one_slot_a_time"),
            models.CheckConstraint(
                condition=models.Q(service__in=Service.values), name="consultations_known_service_of_slot"
            ),
        ]

    def __str__(self):
        return f"{self.service} {self.starts_at:%Y-%m-%d %H:%M}"
