"""Appointment slots: the bookable times that somebody has asked for."""

from django.db import models

from consultations.timetable.models import DeskHours, DeskService
from services.base.retention import NO_PERSONAL_DATA
from services.registration.models import Offering


class SlotQuerySet(models.QuerySet):
    """Queries for slots."""

    def not_cancelled(self):
        """Slots that have not been cancelled."""
        return self.filter(offering__is_cancelled=False)

    def overlapping(self, start, end):
        """Slots of the desk's hours that have a moment in common with the time from `start` to `end`."""
        return self.not_cancelled().filter(hours__isnull=False, starts_at__lt=end, ends_at__gt=start)


class Slot(models.Model):
    """A bookable time of the desk's hours, created when somebody first asks for it.

    Its offering holds the registrations. It copies the service, language and modes, because the hours may change. A
    cancelled slot is detached from its hours, so that the same time can be booked again if the hours return.

    Slots of the same hours never overlap: the migration has an exclusion constraint on PostgreSQL, triggers on SQLite.
    """

    RETENTION = NO_PERSONAL_DATA

    offering = models.OneToOneField(Offering, on_delete=models.PROTECT, related_name="slot")
    hours = models.ForeignKey(DeskHours, on_delete=models.SET_NULL, null=True, blank=True, related_name="slots")
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField()
    service = models.CharField(max_length=20, choices=DeskService)
    language = models.CharField(max_length=12, blank=True)
    modes = models.JSONField(default=list)

    objects = SlotQuerySet.as_manager()

    class Meta:
        ordering = ["starts_at", "pk"]
        constraints = [
            models.UniqueConstraint(fields=["hours", "starts_at"], name="consultations_one_slot_a_time"),
            models.CheckConstraint(
                condition=models.Q(starts_at__lt=models.F("ends_at")), name="consultations_slot_starts_before_end"
            ),
            models.CheckConstraint(
                condition=models.Q(service__in=DeskService.values), name="consultations_known_service_of_slot"
            ),
        ]

    def __str__(self):
        return f"{self.service} {self.starts_at:%Y-%m-%d %H:%M}"
