"""The roster: the desk's hours in each language, and the advisers' shifts."""

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from services.base.public_ids import PublicIdField
from services.base.retention import NO_PERSONAL_DATA, RetentionPolicy
from services.schedules.models import Schedule


class DeskService(models.TextChoices):
    """Who answers: the desk's advisers, or a visiting professional."""

    ADVICE = "advice", _("Advice on daily life")
    LAWYER = "lawyer", _("Lawyer")
    IMMIGRATION = "immigration", _("Visas and residence status")
    LABOUR = "labour", _("Problems at work")
    HEALTH = "health", _("Health and wellbeing")


class ConsultationMode(models.TextChoices):
    """How a person can speak to the desk."""

    VISIT = "visit", pgettext_lazy("at the desk", "In person")
    PHONE = "phone", pgettext_lazy("at the desk", "By phone")
    VIDEO = "video", pgettext_lazy("at the desk", "By video")


class RosterLock(models.Model):
    """A single row that serialises all changes to the timetable: lock it first."""

    RETENTION = NO_PERSONAL_DATA

    class Meta:
        constraints = [models.CheckConstraint(condition=models.Q(pk=1), name="consultations_only_one_roster")]

    def __str__(self):
        return "roster"


class DeskHours(models.Model):
    """Hours in which one language is spoken at the desk, or a professional is available.

    Hours for advice are shown as open only while an adviser's shift covers them. `language` is empty for a
    professional, who works with whichever interpreter the person needs. `slot_minutes` is the length of one
    appointment. `video_room` is the URL of a permanent video room.
    """

    RETENTION = NO_PERSONAL_DATA

    public_id = PublicIdField()
    schedule = models.OneToOneField(Schedule, on_delete=models.CASCADE, related_name="desk_hours")
    service = models.CharField(max_length=20, choices=DeskService, default=DeskService.ADVICE)
    language = models.CharField(max_length=12, blank=True)
    modes = models.JSONField(default=list)
    by_appointment = models.BooleanField(default=False)
    slot_minutes = models.PositiveSmallIntegerField(default=30, db_default=30)
    video_room = models.URLField(max_length=300, blank=True, db_default="")

    class Meta:
        ordering = ["pk"]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(service__in=DeskService.values), name="consultations_known_service"
            ),
            models.CheckConstraint(
                condition=~models.Q(service=DeskService.ADVICE) | ~models.Q(language=""),
                name="consultations_advice_has_a_language",
            ),
            models.CheckConstraint(
                condition=models.Q(slot_minutes__range=(10, 240)), name="consultations_length_of_an_appointment"
            ),
        ]

    def __str__(self):
        return f"{self.service} {self.language} {self.schedule}"


class DeskShift(models.Model):
    """An adviser's shift at the desk, and the languages they speak during it."""

    RETENTION = RetentionPolicy("Who of the staff is at the desk when. Kept for counting the desk's hours.")

    public_id = PublicIdField()
    adviser = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="shifts")
    schedule = models.OneToOneField(Schedule, on_delete=models.CASCADE, related_name="shift")
    languages = models.JSONField(default=list)

    class Meta:
        ordering = ["pk"]
        verbose_name_plural = "shifts"

    def __str__(self):
        return f"{self.adviser} {self.schedule}"
