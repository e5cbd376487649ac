"""The consultation log: consultations, their topics, readers and amendments; drafts and closed months."""

import datetime

from django.conf import settings
from django.db import models
from django.utils import timezone
from django.utils.translation import pgettext_lazy

from consultations.records.models.cases import Case, CaseState
from consultations.records.models.clients import Client
from services.accounts.roles import Role
from services.base.encryption import EncryptedTextField
from services.base.public_ids import PublicIdField
from services.base.retention import RetentionPolicy

YEARS_KEPT = 5
LONGEST_MINUTES = 720


class ConsultationChannel(models.TextChoices):
    """How a person contacted the desk."""

    VISIT = "visit", pgettext_lazy("staff", "In person at the desk")
    PHONE = "phone", pgettext_lazy("staff", "Phone")
    EMAIL = "email", pgettext_lazy("staff", "Email or web form")
    SNS = "sns", pgettext_lazy("staff", "Social media or chat")
    VIDEO = "video", pgettext_lazy("staff", "Video call")
    OUTREACH = "outreach", pgettext_lazy("staff", "Outreach visit or mobile desk")
    LETTER_FAX = "letter_fax", pgettext_lazy("staff", "Letter or fax")
    OTHER = "other", pgettext_lazy("staff: how somebody came to the desk", "Other")


class EnquirerRelationship(models.TextChoices):
    """Who contacted the desk."""

    SELF = "self", pgettext_lazy("staff: who asked", "The person themselves")
    FAMILY = "family", pgettext_lazy("staff: who asked", "Family")
    FRIEND = "friend", pgettext_lazy("staff: who asked", "Friend or acquaintance")
    EMPLOYER = "employer", pgettext_lazy("staff: who asked", "Employer")
    SCHOOL = "school", pgettext_lazy("staff: who asked", "School")
    OFFICE = "office", pgettext_lazy("staff: who asked", "Public office, clinic or hospital")
    SUPPORTER = "supporter", pgettext_lazy("staff: who asked", "Supporter or non-profit organisation")
    OTHER = "other", pgettext_lazy("staff: who asked", "Someone else")


class LanguageSupport(models.TextChoices):
    """How adviser and enquirer understood each other."""

    NONE = "none", pgettext_lazy("staff", "None: spoke in the city's language")
    EASY = "easy_japanese", pgettext_lazy("staff", "Easy Japanese")
    ADVISER = "adviser", pgettext_lazy("staff", "The adviser speaks the language")
    ONSITE = "onsite", pgettext_lazy("staff", "Interpreter in person")
    THREE_WAY_PHONE = "three_way_phone", pgettext_lazy("staff", "Three-way phone call")
    VIDEO = "video_remote", pgettext_lazy("staff", "Interpreter by video call")
    MACHINE = "machine", pgettext_lazy("staff", "Translation device or app")
    WRITTEN = "written", pgettext_lazy("staff", "Written translation")
    SIGN = "sign", pgettext_lazy("staff", "Sign language or written notes")


class Outcome(models.TextChoices):
    """The result of a consultation."""

    INFO = "info", pgettext_lazy("staff", "Information given")
    LISTEN = "listen", pgettext_lazy("staff", "Listened to the person")
    REFERRAL = "referral", pgettext_lazy("staff", "Referred to another organisation")
    ACCOMPANY = "accompany", pgettext_lazy("staff", "Accompanied the person or interpreted for them")
    EXPERT = "expert", pgettext_lazy("staff", "Appointment with a professional booked")
    TRANSLATION = "translation", pgettext_lazy("staff", "Translation request accepted")
    COORDINATION = "coordination", pgettext_lazy("staff", "Coordinated with other organisations")
    ONGOING = "ongoing", pgettext_lazy("staff", "Ongoing follow-up")
    EMERGENCY = "emergency", pgettext_lazy("staff", "Emergency response")
    CLOSED_NO_CONTACT = "closed_no_contact", pgettext_lazy("staff", "Closed: could not reach the person")


class ConsultationQuerySet(models.QuerySet):
    """Queries for consultations. Every list, count, search, export and page begins with `visible_to`."""

    def visible_to(self, user) -> "ConsultationQuerySet":
        """Consultations that the user may know of.

        An adviser: those they may read. A manager: also all unrestricted ones. Anyone else: none.
        """
        if not user.is_authenticated or not user.has_role(Role.ADVISER, Role.MANAGER):
            return self.none()
        readable = models.Exists(ReadGrant.objects.active().filter(user=user, consultation=models.OuterRef("pk")))
        if user.has_role(Role.MANAGER):
            return self.filter(models.Q(is_restricted=False) | readable)
        return self.filter(readable)

    def readable_by(self, user) -> "ConsultationQuerySet":
        """Consultations whose note and client the user may read, by a current `ReadGrant`."""
        if not user.is_authenticated or not user.has_role(Role.ADVISER, Role.MANAGER):
            return self.none()
        return self.filter(
            models.Exists(ReadGrant.objects.active().filter(user=user, consultation=models.OuterRef("pk")))
        )

    def editable_by(self, user) -> "ConsultationQuerySet":
        """Consultations that the user may change. Emergency access only allows reading, for an hour."""
        return self.readable_by(user).filter(
            models.Exists(ReadGrant.objects.filter(user=user, consultation=models.OuterRef("pk"), until__isnull=True))
        )

    def logged_by(self, user, key: str) -> "ConsultationQuerySet":
        """The user's own consultation that was logged from the form with this key. Another user's key finds nothing."""
        return self.readable_by(user).filter(adviser=user, public_id=key)


class Consultation(models.Model):
    """One contact with a person: when, how, in which language, about what, and with what result.

    `language` is the one used. Mother tongue and nationality are separate facts; each may be empty (not asked) or
    `declined`. `month` is the first day of the month in the city's time zone, used for statistics. A *restricted*
    consultation is invisible to everyone but its readers. Only `consultations.log`, `consultations.imports` and the
    actions on cases write to it.
    """

    DECLINED = "declined"
    RETENTION = RetentionPolicy(
        "Helping a person again, and learning what people need. After five years, or once its case is closed, only the "
        "counted facts stay.",
        since="began_at",
        days=YEARS_KEPT * 365,
        only=~models.Q(case__state=CaseState.OPEN),
        anonymise={"note": b"", "client": None, "case": None, "late_reason": ""},
    )

    public_id = PublicIdField()
    began_at = models.DateTimeField()
    month = models.DateField()
    minutes = models.PositiveSmallIntegerField()
    channel = models.CharField(max_length=20, choices=ConsultationChannel)
    enquirer = models.CharField(max_length=20, choices=EnquirerRelationship, default=EnquirerRelationship.SELF)
    language = models.CharField(max_length=12)
    language_support = models.CharField(max_length=20, choices=LanguageSupport)
    mother_tongue = models.CharField(max_length=12, blank=True)
    nationality = models.CharField(max_length=8, blank=True)
    outcome = models.CharField(max_length=20, choices=Outcome)
    referred_to = models.CharField(max_length=20, blank=True)
    note = EncryptedTextField()
    client = models.ForeignKey(Client, on_delete=models.SET_NULL, null=True, blank=True, related_name="consultations")
    case = models.ForeignKey(Case, on_delete=models.SET_NULL, null=True, blank=True, related_name="consultations")
    adviser = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="consultations")
    assigned = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="consultations_assigned"
    )
    is_restricted = models.BooleanField(default=False)
    late_reason = models.CharField(max_length=200, blank=True)
    version = models.PositiveSmallIntegerField(default=1)
    logged_at = models.DateTimeField(auto_now_add=True)

    objects = ConsultationQuerySet.as_manager()

    class Meta:
        ordering = ["-began_at", "-pk"]
        indexes = [
            models.Index(fields=["-began_at", "-id"], name="consultations_newest"),
            models.Index(fields=["month", "language"], name="consultations_by_month"),
            # A filter for a rare value must not scan all years.
            models.Index(fields=["language", "-began_at", "-id"], name="consultations_by_language"),
            models.Index(fields=["channel", "-began_at", "-id"], name="consultations_by_channel"),
            models.Index(fields=["outcome", "-began_at", "-id"], name="consultations_by_outcome"),
            models.Index(fields=["adviser", "-began_at", "-id"], name="consultations_by_adviser"),
        ]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(minutes__range=(1, LONGEST_MINUTES)), name="consultations_minutes_in_range"
            ),
            models.CheckConstraint(
                condition=models.Q(channel__in=ConsultationChannel.values), name="consultations_known_channel"
            ),
            models.CheckConstraint(
                condition=models.Q(enquirer__in=EnquirerRelationship.values), name="consultations_known_enquirer"
            ),
            models.CheckConstraint(
                condition=models.Q(language_support__in=LanguageSupport.values),
                name="consultations_known_language_support",
            ),
            models.CheckConstraint(condition=models.Q(outcome__in=Outcome.values), name="consultations_known_outcome"),
            # A referral names the organisation.
            models.CheckConstraint(
                condition=~models.Q(outcome=Outcome.REFERRAL) | ~models.Q(referred_to=""),
                name="consultations_referral_says_where",
            ),
        ]

    def __str__(self):
        return self.public_id


class ConsultationTopic(models.Model):
    """One topic of a consultation, one of them primary. The national statistics count these rows."""

    RETENTION = RetentionPolicy("What a consultation was about. Deleted with it; the counts stay for ever.")

    consultation = models.ForeignKey(  # the unique constraint already has an index
        Consultation, on_delete=models.CASCADE, related_name="topics", db_index=False
    )
    topic = models.CharField(max_length=30)
    scheme = models.CharField(max_length=12)
    is_primary = models.BooleanField(default=False)

    class Meta:
        ordering = ["-is_primary", "pk"]
        indexes = [models.Index(fields=["topic", "consultation"], name="consultations_by_topic")]
        constraints = [
            models.UniqueConstraint(fields=["consultation", "topic"], name="consultations_topic_once"),
            models.UniqueConstraint(
                fields=["consultation"],
                condition=models.Q(is_primary=True),
                name="consultations_one_primary_topic",
            ),
        ]

    def __str__(self):
        return self.topic


class ReadGrantQuerySet(models.QuerySet):
    """Queries for read grants."""

    def active(self) -> "ReadGrantQuerySet":
        """Grants that have not expired."""
        return self.filter(models.Q(until__isnull=True) | models.Q(until__gt=timezone.now()))


class ReadGrant(models.Model):
    """A user's permission to read a consultation. `until` is set for emergency access; other grants are permanent.

    It guards every output: a user without an active grant reads nothing, and does not see restricted consultations.
    """

    RETENTION = RetentionPolicy("Who may read a consultation. Deleted with it.")

    consultation = models.ForeignKey(  # the unique constraint already has an index
        Consultation, on_delete=models.CASCADE, related_name="readers", db_index=False
    )
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="readable_consultations")
    until = models.DateTimeField(null=True, blank=True)

    objects = ReadGrantQuerySet.as_manager()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["consultation", "user"], name="consultations_reader_once")]

    def __str__(self):
        return f"{self.user} {self.consultation}"


class Amendment(models.Model):
    """An earlier version of a consultation, with who changed it and why. Never changed itself."""

    RETENTION = RetentionPolicy(
        "The history of a record. When its consultation is anonymised, only the fact of the change stays.",
        since="consultation__began_at",
        days=YEARS_KEPT * 365,
        only=~models.Q(consultation__case__state=CaseState.OPEN),
        anonymise={"before": b"", "reason": ""},
    )

    public_id = PublicIdField()
    consultation = models.ForeignKey(Consultation, on_delete=models.CASCADE, related_name="amendments")
    version = models.PositiveSmallIntegerField()
    made_at = models.DateTimeField(auto_now_add=True)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    reason = models.CharField(max_length=200)
    fields = models.JSONField(default=list)
    before = EncryptedTextField()

    class Meta:
        ordering = ["version"]
        constraints = [
            models.UniqueConstraint(fields=["consultation", "version"], name="consultations_amendment_of_a_version")
        ]

    def __str__(self):
        return f"{self.consultation} {self.version}"


class ConsultationDraftQuerySet(models.QuerySet):
    """Queries for drafts."""

    def visible_to(self, user) -> "ConsultationDraftQuerySet":
        """The user's own drafts, without any that another window has logged while this one saved it again."""
        if not user.is_authenticated:
            return self.none()
        logged = models.Exists(Consultation.objects.logged_by(user, models.OuterRef("public_id")))
        return self.filter(~logged, adviser=user)


class ConsultationDraft(models.Model):
    """What an adviser has typed and not logged yet. It survives a closed browser, an expired session or a crash.

    `public_id` is also the idempotency key of its form: submitting the form twice logs one consultation. `topic`: the
    first topic typed, as its code, by which the adviser tells drafts apart.
    """

    RETENTION = RetentionPolicy("Losing nothing that was typed. Deleted after a month.", since="saved_at", days=30)

    public_id = PublicIdField()
    adviser = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="drafts")
    typed = EncryptedTextField()
    topic = models.CharField(max_length=30, blank=True)
    saved_at = models.DateTimeField(auto_now=True)

    objects = ConsultationDraftQuerySet.as_manager()

    class Meta:
        ordering = ["-saved_at"]

    def __str__(self):
        return self.public_id


class ClosedMonth(models.Model):
    """A month whose figures are final: nothing in it is logged or changed until it is reopened, with a reason.

    `figures`: its totals when it was closed, by dimension and value, as [consultations, topics, minutes].
    """

    RETENTION = RetentionPolicy("Who is accountable for a month's figures. Kept with the figures.")

    month = models.DateField(unique=True)
    figures = models.JSONField(default=dict)
    closed_at = models.DateTimeField()
    closed_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    reopened_at = models.DateTimeField(null=True, blank=True)
    reopened_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    reason = models.CharField(max_length=200, blank=True)

    class Meta:
        ordering = ["-month"]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(reopened_at__isnull=True) | ~models.Q(reason=""),
                name="consultations_reopened_with_a_reason",
            )
        ]

    def __str__(self):
        return f"{self.month:%Y-%m}"

    @classmethod
    def months(cls) -> set[datetime.date]:
        """Return the months that are closed now."""
        return set(cls.objects.filter(reopened_at__isnull=True).values_list("month", flat=True))

    @property
    def is_closed(self) -> bool:
        """Whether the month is closed now."""
        return self.reopened_at is None
