"""The roster: when the desk is open, in which language, and who is there."""

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from services.base.keeping import NOTHING_PERSONAL, Keeping
from services.base.public_ids import PublicIdField
from services.schedules.models import Schedule


class Service(models.TextChoices):
    """Who answers: the desk's advisers, or somebody of a profession who comes on certain days."""

    ADVICE = "advice", _("Advice on daily life")
    LAWYER = "lawyer", _("Lawyer")
    IMMIGRATION = "immigration", _("Residence status and visas")
    LABOUR = "labour", _("Trouble at work")
    HEALTH = "health", _("Health and worries")


class Mode(models.TextChoices):
    """How one can speak with the desk."""

    VISIT = "visit", pgettext_lazy("at the desk", "In person")
    PHONE = "phone", pgettext_lazy("at the desk", "By telephone")
    VIDEO = "video", pgettext_lazy("at the desk", "By video")


class Roster(models.Model):
    """The timetable's one row, locked first by whoever changes it."""

    KEEPING = NOTHING_PERSONAL

    class Meta:
        constraints = [models.CheckConstraint(condition=models.Q(pk=1), name="consultations_only_one_roster")]

    def __str__(self):
        return "roster"


class DeskHours(models.Model):
    """When one language is spoken at the desk, or a profession is there. Nothing is promised without a duty behind it.

    `language` is empty for a profession that comes with whatever interpreter the person needs. `slot_minutes`: how long
    one appointment is, where it is by appointment. `video_room`: the address of a video room that stays the same.
    """

    KEEPING = NOTHING_PERSONAL

    public_id = PublicIdField()
    schedule = models.OneToOneField(Schedule, on_delete=models.CASCADE, related_name="desk_hours")
    service = models.CharField(max_length=20, choices=Service, default=Service.ADVICE)
    language = models.CharField(max_length=12, blank=True)
    modes = models.JSONField(default=list)
    by_appointment = models.BooleanField(default=False)
    slot_minutes = models.PositiveSmallIntegerField(default=30, db_default=30)
    video_room = models.URLField(max_length=300, blank=True, db_default="")

    class Meta:
        ordering = ["pk"]
        constraints = [
            models.CheckConstraint(condition=models.Q(service__in=Service.values), name="consultations_known_service"),
            models.CheckConstraint(
                condition=~models.Q(service=Service.ADVICE) | ~models.Q(language=""),
                name="consultations_advice_has_a_language",
            ),
            models.CheckConstraint(
                condition=models.Q(slot_minutes__range=(10, 240)), name="consultations_length_of_an_appointment"
            ),
        ]

    def __str__(self):
        return f"{self.service} {self.language} {self.schedule}"


class Duty(models.Model):
    """When an adviser is at the desk, and which languages they speak there."""

    KEEPING = Keeping("Who of the staff is at the desk when. Kept for counting the desk's hours.")

    public_id = PublicIdField()
    adviser = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="duties")
    schedule = models.OneToOneField(Schedule, on_delete=models.CASCADE, related_name="duty")
    languages = models.JSONField(default=list)

    class Meta:
        ordering = ["pk"]
        verbose_name_plural = "duties"

    def __str__(self):
        return f"{self.adviser} {self.schedule}"
