"""Notices to many people (news by topic, and emergencies), and their translations."""

from django.conf import settings
from django.db import models
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import pgettext_lazy

from services.accounts.roles import Role
from services.base.public_ids import PublicIdField
from services.base.retention import RetentionPolicy
from services.languages.search_folding import Alternatives
from services.languages.translated import TranslatedQuerySet
from services.messaging.subjects import DeliveryDecision
from services.notices.subscriptions.models import Topic


class NoticeState(models.TextChoices):
    """The state of a notice, from draft to sent."""

    DRAFT = "draft", pgettext_lazy("staff", "Draft")
    PENDING = "pending", pgettext_lazy("staff", "Waiting for approval")
    APPROVED = "approved", pgettext_lazy("staff", "Approved")
    SENDING = "sending", pgettext_lazy("staff", "Being sent")
    PAUSED = "paused", pgettext_lazy("staff", "Paused")
    DONE = "done", pgettext_lazy("staff", "Sent to everyone")
    CANCELLED = "cancelled", pgettext_lazy("staff", "Cancelled")


PUBLISHED_STATES = (NoticeState.SENDING, NoticeState.PAUSED, NoticeState.DONE)


class NoticeQuerySet(TranslatedQuerySet):
    """Queries for notices."""

    def visible_to(self, user) -> "NoticeQuerySet":
        """Return the published notices; for staff who write or approve notices, all of them."""
        if user.is_authenticated and user.has_role(Role.EDITOR, Role.TRANSLATOR, Role.MANAGER):
            return self
        return self.published()

    def published(self):
        """Return the published notices, the newest first."""
        return self.filter(state__in=PUBLISHED_STATES).order_by("-published_at", "-pk")

    def ever_published(self):
        """Return the published notices and those withdrawn after they had been published, the newest first."""
        return self.filter(published_at__isnull=False).order_by("-published_at", "-pk")

    def about_event(self, event_id: str):
        """Return a notice and its corrections, whatever their state."""
        return self.filter(models.Q(public_id=event_id) | models.Q(first_version=event_id))

    def current(self):
        """Return the published notices that have neither ended nor expired."""
        not_expired = models.Q(until__isnull=True) | models.Q(until__gt=timezone.now())
        return self.published().filter(not_expired, ended_at__isnull=True)

    def archived(self):
        """Return the published notices that have ended or expired."""
        past = models.Q(ended_at__isnull=False) | models.Q(until__lte=timezone.now())
        return self.published().filter(past)

    def containing(self, words: list[Alternatives], languages: tuple[str, ...]) -> "NoticeQuerySet":
        """Return the notices whose checked text in one of the languages contains all search words."""
        contained = [
            models.Q(*(("search_text__contains", it) for it in word), _connector=models.Q.OR) for word in words
        ]
        checked = NoticeTranslation.objects.filter(language__in=languages, state=NoticeTranslationState.REVIEWED)
        return self.filter(pk__in=checked.filter(*contained).values("notice"))

    def emergencies(self):
        """Return the emergencies of all levels, drills included."""
        return self.filter(level__isnull=False)

    def news(self):
        """Return the notices that are not emergencies."""
        return self.filter(level__isnull=True)

    def due(self):
        """Return approved notices whose time has come, and those whose messages are not all created yet."""
        now = timezone.now()
        return self.filter(
            models.Q(state=NoticeState.APPROVED, scheduled_at__lte=now)
            | models.Q(state=NoticeState.SENDING, written_at__isnull=True)
        ).order_by(models.F("level").desc(nulls_last=True), "scheduled_at", "pk")


class Notice(models.Model):
    """A text for many people. With a `level` it is an emergency, made from a template.

    Nobody approves what they wrote themselves. Approved texts never change and are never deleted: a mistake is fixed by
    another notice (`corrects`, `updates`) or by ending the notice. `first_version` is the public id of the notice
    that a correction goes back to, so that calendars keep one entry for the event. With `is_all_day`, the event
    has whole days from that of `starts_at` to that of `ends_at`, and the times say nothing. `written_up_to` is how far
    its messages have been created, so that work continues where it stopped after a crash.
    """

    RETENTION = RetentionPolicy(
        "What the city has told its people, and who of its staff wrote and approved it. A public record."
    )
    TEXTS = ("title", "body")
    TRANSITIONS = {
        NoticeState.DRAFT: {NoticeState.PENDING, NoticeState.CANCELLED},
        NoticeState.PENDING: {NoticeState.DRAFT, NoticeState.APPROVED, NoticeState.CANCELLED},
        NoticeState.APPROVED: {NoticeState.DRAFT, NoticeState.SENDING, NoticeState.CANCELLED},
        NoticeState.SENDING: {NoticeState.PAUSED, NoticeState.DONE, NoticeState.CANCELLED},
        NoticeState.PAUSED: {NoticeState.SENDING, NoticeState.CANCELLED},
        NoticeState.DONE: {NoticeState.SENDING, NoticeState.CANCELLED},
        NoticeState.CANCELLED: set(),
    }
    SAFETY_LEVEL = 4  # from this level on, the banner cannot be dismissed

    public_id = PublicIdField()
    state = models.CharField(max_length=10, choices=NoticeState, default=NoticeState.DRAFT)
    topic = models.ForeignKey(Topic, on_delete=models.PROTECT, related_name="notices")
    title = models.CharField(max_length=200)
    body = models.TextField(max_length=10_000)
    source_language = models.CharField(max_length=12)

    level = models.PositiveSmallIntegerField(null=True, blank=True)
    pattern = models.SlugField(blank=True)
    placeholders = models.JSONField(default=dict, blank=True)
    source = models.CharField(max_length=100, blank=True)
    is_exercise = models.BooleanField(default=False)

    area = models.SlugField(blank=True)
    to_languages = models.JSONField(default=list, blank=True)
    starts_at = models.DateTimeField(null=True, blank=True)
    ends_at = models.DateTimeField(null=True, blank=True)
    is_all_day = models.BooleanField(default=False)
    first_version = models.CharField(max_length=22, blank=True, editable=False, db_index=True)
    place = models.CharField(max_length=200, blank=True)
    until = models.DateTimeField(null=True, blank=True)

    author = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+")
    approver = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    editors = models.JSONField(default=list, blank=True)  # public ids of all users who have edited the draft
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
                condition=~models.Q(state__in=PUBLISHED_STATES) | models.Q(published_at__isnull=False),
                name="notices_shown_means_published",
            ),
        ]
        indexes = [models.Index(fields=["state", "published_at"], name="notices_by_state")]

    def __str__(self):
        return self.public_id

    def get_absolute_url(self):
        """Return the URL of the notice's page in the active language."""
        return reverse("notices:notice", args=[self.public_id])

    @property
    def is_emergency(self) -> bool:
        """Whether the notice has a level, even if only "information"."""
        return self.level is not None

    @property
    def must_be_seen(self) -> bool:
        """Whether the banner cannot be dismissed."""
        return self.is_emergency and self.level >= self.SAFETY_LEVEL

    @property
    def event_id(self) -> str:
        """The id of the event that the notice tells of, the same in all its corrections."""
        return self.first_version or self.public_id

    @property
    def is_withdrawn(self) -> bool:
        """Whether staff cancelled the notice after it had been published. Ending it is not that: its time was over."""
        return self.state == NoticeState.CANCELLED and self.published_at is not None

    @property
    def is_paused(self) -> bool:
        """Whether the notice's messages are on hold."""
        return self.state == NoticeState.PAUSED

    def delivery_decision(self, message) -> DeliveryDecision:
        """Hold messages while the notice is paused; drop them once it has been cancelled or has ended."""
        if self.is_paused:
            return DeliveryDecision.HOLD
        is_over = self.state == NoticeState.CANCELLED or self.ended_at is not None
        return DeliveryDecision.DROP if is_over else DeliveryDecision.SEND

    @property
    def is_current(self) -> bool:
        """Whether the notice is published and has neither ended nor expired."""
        return (
            self.state in PUBLISHED_STATES
            and self.ended_at is None
            and (self.until is None or self.until > timezone.now())
        )


class NoticeTranslationState(models.TextChoices):
    """The state of a notice's translation into one language. Only reviewed translations are sent."""

    MISSING = "missing", pgettext_lazy("staff", "Missing")
    UNREVIEWED = "unreviewed", pgettext_lazy("staff", "Not checked yet")
    OUTDATED = "outdated", pgettext_lazy("staff", "Out of date")
    REVIEWED = "reviewed", pgettext_lazy("staff", "Checked")


class NoticeTranslation(models.Model):
    """The review of a notice's text in one language: who checked it, and when.

    `search_text` is the text as it was checked, folded (languages.search_folding), with kanji and readings.
    """

    RETENTION = RetentionPolicy("Who of the staff has checked a language. Part of the notice's record.")

    notice = models.ForeignKey(Notice, on_delete=models.CASCADE, related_name="translations")
    language = models.CharField(max_length=12)
    state = models.CharField(max_length=10, choices=NoticeTranslationState, default=NoticeTranslationState.MISSING)
    checked_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    checked_at = models.DateTimeField(null=True, blank=True)
    search_text = models.TextField(blank=True, editable=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["notice", "language"], name="notices_one_translation_per_language"),
            models.CheckConstraint(
                condition=models.Q(state__in=NoticeTranslationState.values), name="notices_known_translation_state"
            ),
        ]

    def __str__(self):
        return f"{self.language} {self.state}"
