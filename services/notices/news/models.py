"""What the city tells many: news by topic, and emergencies. Each in every language it is ready in."""

import datetime

from django.conf import settings
from django.db import models
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import pgettext_lazy

from services.accounts.roles import Role
from services.base.keeping import NOTHING_PERSONAL, Keeping
from services.base.public_ids import PublicIdField
from services.languages.text import TranslatedQuerySet
from services.notices.models.subscriptions import Topic


class NoticeState(models.TextChoices):
    """Where a notice is on its way to its readers."""

    DRAFT = "draft", pgettext_lazy("staff", "Draft")
    PENDING = "pending", pgettext_lazy("staff", "Waits for approval")
    APPROVED = "approved", pgettext_lazy("staff", "Approved")
    SENDING = "sending", pgettext_lazy("staff", "Being sent")
    PAUSED = "paused", pgettext_lazy("staff", "Paused")
    DONE = "done", pgettext_lazy("staff", "Sent to all")
    CANCELLED = "cancelled", pgettext_lazy("staff", "Cancelled")


SHOWN = (NoticeState.SENDING, NoticeState.PAUSED, NoticeState.DONE)


class NoticeQuerySet(TranslatedQuerySet):
    """Questions about notices."""

    def visible_to(self, user) -> "NoticeQuerySet":
        """What has been published; who writes and approves sees the rest too."""
        if user.is_authenticated and user.has_role(Role.EDITOR, Role.TRANSLATOR, Role.MANAGER):
            return self
        return self.published()

    def published(self):
        """Out in the open, newest first."""
        return self.filter(state__in=SHOWN).order_by("-published_at", "-pk")

    def current(self):
        """Published and still of use: neither ended nor past its time."""
        still = models.Q(until__isnull=True) | models.Q(until__gt=timezone.now())
        return self.published().filter(still, ended_at__isnull=True)

    def archived(self):
        """Published once, now past."""
        past = models.Q(ended_at__isnull=False) | models.Q(until__lte=timezone.now())
        return self.published().filter(past)

    def emergencies(self):
        """Of every level, drills too."""
        return self.filter(level__isnull=False)

    def news(self):
        """Everything else."""
        return self.filter(level__isnull=True)

    def due(self):
        """Approved, and their time has come; or begun and not yet written into the ledger to the end."""
        now = timezone.now()
        return self.filter(
            models.Q(state=NoticeState.APPROVED, scheduled_at__lte=now)
            | models.Q(state=NoticeState.SENDING, written_at__isnull=True)
        ).order_by(models.F("level").desc(nulls_last=True), "scheduled_at", "pk")


class Notice(models.Model):
    """A text for many people. With a `level` it is an emergency, made from a checked pattern.

    Nobody approves what they wrote themselves. Once approved its texts stand still: what is wrong is
    corrected, updated or ended by another notice (`corrects`, `updates`), never changed or deleted.
    `written_up_to` is how far the ledger has been written, so that a crash goes on where it stopped.
    """

    KEEPING = Keeping("What the city has told its people, and who of its staff wrote and approved it. A public record.")
    TEXTS = ("title", "body")
    MOVES = {
        NoticeState.DRAFT: {NoticeState.PENDING, NoticeState.CANCELLED},
        NoticeState.PENDING: {NoticeState.DRAFT, NoticeState.APPROVED, NoticeState.CANCELLED},
        NoticeState.APPROVED: {NoticeState.DRAFT, NoticeState.SENDING, NoticeState.CANCELLED},
        NoticeState.SENDING: {NoticeState.PAUSED, NoticeState.DONE, NoticeState.CANCELLED},
        NoticeState.PAUSED: {NoticeState.SENDING, NoticeState.CANCELLED},
        NoticeState.DONE: {NoticeState.SENDING},
        NoticeState.CANCELLED: set(),
    }
    SAFETY_LEVEL = 4  # from here on a banner cannot be put away, and everybody is told at once

    public_id = PublicIdField()
    state = models.CharField(max_length=10, choices=NoticeState, default=NoticeState.DRAFT)
    topic = models.ForeignKey(Topic, on_delete=models.PROTECT, related_name="notices")
    title = models.CharField(max_length=200)
    body = models.TextField(max_length=10_000)
    source_language = models.CharField(max_length=12)

    level = models.PositiveSmallIntegerField(null=True, blank=True)
    pattern = models.SlugField(blank=True)
    slots = models.JSONField(default=dict, blank=True)
    source = models.CharField(max_length=100, blank=True)
    is_exercise = models.BooleanField(default=False)

    area = models.SlugField(blank=True)
    to_languages = models.JSONField(default=list, blank=True)
    starts_at = models.DateTimeField(null=True, blank=True)
    ends_at = models.DateTimeField(null=True, blank=True)
    place = models.CharField(max_length=200, blank=True)
    until = models.DateTimeField(null=True, blank=True)

    author = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+")
    approver = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    editors = models.JSONField(default=list, blank=True)  # public ids of whoever has changed a draft of it
    returned_because = models.CharField(max_length=500, blank=True)
    changed_at = models.DateTimeField(default=timezone.now)
    scheduled_at = models.DateTimeField(null=True, blank=True)
    published_at = models.DateTimeField(null=True, blank=True)
    written_up_to = models.JSONField(default=dict, blank=True)
    written_at = models.DateTimeField(null=True, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)
    corrects = models.ForeignKey("self", on_delete=models.PROTECT, null=True, blank=True, related_name="corrections")
    updates = models.ForeignKey("self", on_delete=models.PROTECT, null=True, blank=True, related_name="later_versions")

    objects = NoticeQuerySet.as_manager()

    class Meta:
        ordering = ["-changed_at"]
        constraints = [
            models.CheckConstraint(condition=models.Q(state__in=NoticeState.values), name="notices_known_notice_state"),
            models.CheckConstraint(
                condition=models.Q(level__isnull=True) | models.Q(level__lte=5), name="notices_level_0_to_5"
            ),
            models.CheckConstraint(
                condition=models.Q(approver__isnull=True)
                | models.Q(author__isnull=True)
                | ~models.Q(approver=models.F("author"))
                | models.Q(pattern__gt=""),
                name="notices_approver_is_another_person",
            ),
            models.CheckConstraint(
                condition=~models.Q(state__in=SHOWN) | models.Q(published_at__isnull=False),
                name="notices_shown_means_published",
            ),
        ]
        indexes = [models.Index(fields=["state", "published_at"], name="notices_by_state")]

    def __str__(self):
        return self.public_id

    def get_absolute_url(self):
        """Its page in the active language."""
        return reverse("notices:notice", args=[self.public_id])

    @property
    def is_emergency(self) -> bool:
        """Whether it has a level, be it only information."""
        return self.level is not None

    @property
    def must_be_seen(self) -> bool:
        """Whether its banner stays on every page."""
        return self.is_emergency and self.level >= self.SAFETY_LEVEL

    @property
    def is_paused(self) -> bool:
        """Whether its messages are kept back."""
        return self.state == NoticeState.PAUSED

    def still_concerns(self, message) -> bool:
        """Whether a message about it is still wanted: it has not been cancelled, nor ended since."""
        return self.state != NoticeState.CANCELLED and self.ended_at is None

    @property
    def is_current(self) -> bool:
        """Whether it still tells something that holds."""
        return self.state in SHOWN and self.ended_at is None and (self.until is None or self.until > timezone.now())


class WordingState(models.TextChoices):
    """How far a notice is in one language. Only what a person has checked is sent."""

    MISSING = "missing", pgettext_lazy("staff", "Missing")
    MACHINE = "machine", pgettext_lazy("staff", "Not checked yet")
    OUTDATED = "outdated", pgettext_lazy("staff", "Outdated")
    CHECKED = "checked", pgettext_lazy("staff", "Checked")


class Wording(models.Model):
    """A notice's text in one language: who has checked it, and when."""

    KEEPING = Keeping("Who of the staff has checked a language. Part of the notice's record.")

    notice = models.ForeignKey(Notice, on_delete=models.CASCADE, related_name="wordings")
    language = models.CharField(max_length=12)
    state = models.CharField(max_length=10, choices=WordingState, default=WordingState.MISSING)
    checked_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    checked_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["notice", "language"], name="notices_one_wording_a_language"),
            models.CheckConstraint(
                condition=models.Q(state__in=WordingState.values), name="notices_known_wording_state"
            ),
        ]

    def __str__(self):
        return f"{self.language} {self.state}"


class Reminder(models.Model):
    """Something to be told about an object when its time comes, once; a periodic job finds it."""

    KEEPING = NOTHING_PERSONAL
    PATIENCE = datetime.timedelta(days=2)

    kind = models.CharField(max_length=60)
    about_type = models.CharField(max_length=60)
    about_id = models.BigIntegerField()
    due_at = models.DateTimeField()
    done_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["kind", "about_type", "about_id"], name="notices_one_reminder_an_object")
        ]
        indexes = [models.Index(fields=["done_at", "due_at"], name="notices_reminders_due")]

    def __str__(self):
        return self.kind
