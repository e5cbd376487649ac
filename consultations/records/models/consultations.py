"""The log: one row for each contact with somebody who asks for help, who may read it, and how it came to be so."""

import datetime

from django.conf import settings
from django.db import models
from django.utils import timezone
from django.utils.translation import pgettext_lazy

from consultations.models.cases import Case, CaseState
from consultations.models.clients import Client
from services.accounts.roles import Role
from services.base.keeping import Keeping
from services.base.public_ids import PublicIdField
from services.base.sealed import SealedField

YEARS_KEPT = 5
LONGEST_MINUTES = 720


class Channel(models.TextChoices):
    """How somebody came to the desk."""

    VISIT = "visit", pgettext_lazy("staff", "In person at the desk")
    PHONE = "phone", pgettext_lazy("staff", "Telephone")
    EMAIL = "email", pgettext_lazy("staff", "E-mail or web form")
    SNS = "sns", pgettext_lazy("staff", "Social media or chat")
    VIDEO = "video", pgettext_lazy("staff", "Video call")
    OUTREACH = "outreach", pgettext_lazy("staff", "Outreach visit or mobile desk")
    LETTER_FAX = "letter_fax", pgettext_lazy("staff", "Letter or fax")
    OTHER = "other", pgettext_lazy("staff: how somebody came to the desk", "Other")


class Asker(models.TextChoices):
    """Who asked."""

    SELF = "self", pgettext_lazy("staff: who asked", "The person")
    FAMILY = "family", pgettext_lazy("staff: who asked", "Family")
    FRIEND = "friend", pgettext_lazy("staff: who asked", "Friend or acquaintance")
    EMPLOYER = "employer", pgettext_lazy("staff: who asked", "Employer")
    SCHOOL = "school", pgettext_lazy("staff: who asked", "School")
    OFFICE = "office", pgettext_lazy("staff: who asked", "Office or clinic")
    SUPPORTER = "supporter", pgettext_lazy("staff: who asked", "Supporter or NPO")
    OTHER = "other", pgettext_lazy("staff: who asked", "Somebody else")


class Bridging(models.TextChoices):
    """How the two understood each other."""

    NONE = "none", pgettext_lazy("staff", "None: in the city's language")
    EASY = "easy_japanese", pgettext_lazy("staff", "Easy Japanese")
    ADVISER = "adviser", pgettext_lazy("staff", "The adviser speaks the language")
    ONSITE = "onsite", pgettext_lazy("staff", "Interpreter on the spot")
    THREE_WAY_PHONE = "three_way_phone", pgettext_lazy("staff", "Three-way telephone")
    VIDEO = "video_remote", pgettext_lazy("staff", "Interpreter by video")
    MACHINE = "machine", pgettext_lazy("staff", "Machine or app")
    WRITTEN = "written", pgettext_lazy("staff", "Written translation")
    SIGN = "sign", pgettext_lazy("staff", "Sign language or writing")


class Outcome(models.TextChoices):
    """What was done."""

    INFO = "info", pgettext_lazy("staff", "Information given")
    LISTEN = "listen", pgettext_lazy("staff", "Listened")
    REFERRAL = "referral", pgettext_lazy("staff", "Referred to another body")
    ACCOMPANY = "accompany", pgettext_lazy("staff", "Accompanied or interpreted")
    EXPERT = "expert", pgettext_lazy("staff", "Expert consultation booked")
    TRANSLATION = "translation", pgettext_lazy("staff", "Translation request taken")
    COORDINATION = "coordination", pgettext_lazy("staff", "Coordinated with other bodies")
    ONGOING = "ongoing", pgettext_lazy("staff", "Follow-up continues")
    EMERGENCY = "emergency", pgettext_lazy("staff", "Emergency response")
    CLOSED_NO_CONTACT = "closed_no_contact", pgettext_lazy("staff", "Ended, could not be reached")


class ConsultationQuerySet(models.QuerySet):
    """Questions about the log. Every list, count, search, export and page begins at `visible_to`."""

    def visible_to(self, user) -> "ConsultationQuerySet":
        """Of which the user may know that they exist.

        An adviser: what they may read. A manager: all that are not restricted, and what they may read. Nobody else.
        """
        if not user.is_authenticated or not user.has_role(Role.ADVISER, Role.MANAGER):
            return self.none()
        readable = models.Exists(Reader.objects.live().filter(user=user, consultation=models.OuterRef("pk")))
        if user.has_role(Role.MANAGER):
            return self.filter(models.Q(is_restricted=False) | readable)
        return self.filter(readable)

    def readable_by(self, user) -> "ConsultationQuerySet":
        """Whose note and client they may read: author, assigned, member of the case, or by breaking the glass."""
        if not user.is_authenticated or not user.has_role(Role.ADVISER, Role.MANAGER):
            return self.none()
        return self.filter(models.Exists(Reader.objects.live().filter(user=user, consultation=models.OuterRef("pk"))))

    def kept_by(self, user) -> "ConsultationQuerySet":
        """Which are theirs to change and to act on. Who broke the glass reads for an hour, and does nothing else."""
        return self.readable_by(user).filter(
            models.Exists(Reader.objects.filter(user=user, consultation=models.OuterRef("pk"), until__isnull=True))
        )

    def logged_by(self, user, key: str) -> "ConsultationQuerySet":
        """What the user's own form with this key became. A key that they cannot know of is one as any other."""
        return self.readable_by(user).filter(adviser=user, public_id=key)


class Consultation(models.Model):
    """One contact: when, how, in which language, about what, what came of it.

    `language` was used; mother tongue and nationality are other facts, each perhaps "not asked" (empty) or `declined`.
    `month`: the first day of its month on the city's calendar, by which it is counted. *Restricted*: for whoever is no
    reader it does not exist. Only consultations.actions writes it.
    """

    DECLINED = "declined"
    KEEPING = Keeping(
        "Going on helping, and seeing what people need. After five years, or once its case is open no more, only what "
        "is counted stays.",
        since="began_at",
        days=YEARS_KEPT * 365,
        only=~models.Q(case__state=CaseState.OPEN),
        makes={"note": b"", "client": None, "case": None, "late_reason": ""},
    )

    public_id = PublicIdField()
    began_at = models.DateTimeField()
    month = models.DateField()
    minutes = models.PositiveSmallIntegerField()
    channel = models.CharField(max_length=20, choices=Channel)
    asker = models.CharField(max_length=20, choices=Asker, default=Asker.SELF)
    language = models.CharField(max_length=12)
    bridging = models.CharField(max_length=20, choices=Bridging)
    mother_tongue = models.CharField(max_length=12, blank=True)
    nationality = models.CharField(max_length=8, blank=True)
    outcome = models.CharField(max_length=20, choices=Outcome)
    referred_to = models.CharField(max_length=20, blank=True)
    note = SealedField()
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
            # A filter of the list by what is rare must not look through all years.
            models.Index(fields=["language", "-began_at", "-id"], name="consultations_by_language"),
            models.Index(fields=["channel", "-began_at", "-id"], name="consultations_by_channel"),
            models.Index(fields=["outcome", "-began_at", "-id"], name="consultations_by_outcome"),
        ]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(minutes__range=(1, LONGEST_MINUTES)), name="consultations_minutes_in_range"
            ),
            models.CheckConstraint(condition=models.Q(channel__in=Channel.values), name="consultations_known_channel"),
            models.CheckConstraint(condition=models.Q(asker__in=Asker.values), name="consultations_known_asker"),
            models.CheckConstraint(
                condition=models.Q(bridging__in=Bridging.values), name="consultations_known_bridging"
            ),
            models.CheckConstraint(condition=models.Q(outcome__in=Outcome.values), name="consultations_known_outcome"),
            # Who was sent elsewhere was sent somewhere.
            models.CheckConstraint(
                condition=~models.Q(outcome=Outcome.REFERRAL) | ~models.Q(referred_to=""),
                name="consultations_referral_says_where",
            ),
        ]

    def __str__(self):
        return self.public_id


class ConsultationTopic(models.Model):
    """One topic of a consultation: the national statistic counts these rows. One of them is the primary one."""

    KEEPING = Keeping("What a consultation was about. Goes with it; counted for ever.")

    consultation = models.ForeignKey(  # found by the constraint's own index
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


class ReaderQuerySet(models.QuerySet):
    """Questions about who may read."""

    def live(self) -> "ReaderQuerySet":
        """Those whose time is not over."""
        return self.filter(models.Q(until__isnull=True) | models.Q(until__gt=timezone.now()))


class Reader(models.Model):
    """Somebody who needs to know of a consultation. `until`: they broke the glass; else it lasts.

    The one guard for every output: who has no live row here reads nothing, and of what is restricted sees nothing.
    """

    KEEPING = Keeping("Who may read a consultation. Goes with it.")

    consultation = models.ForeignKey(  # found by the constraint's own index
        Consultation, on_delete=models.CASCADE, related_name="readers", db_index=False
    )
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="readable_consultations")
    until = models.DateTimeField(null=True, blank=True)

    objects = ReaderQuerySet.as_manager()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["consultation", "user"], name="consultations_reader_once")]

    def __str__(self):
        return f"{self.user} {self.consultation}"


class Amendment(models.Model):
    """What a consultation said before it was changed, by whom and why. Never changed itself."""

    KEEPING = Keeping(
        "How a record came to be what it is. Once its consultation's words go, only that there was a change stays.",
        since="consultation__began_at",
        days=YEARS_KEPT * 365,
        only=~models.Q(consultation__case__state=CaseState.OPEN),
        makes={"before": b"", "reason": ""},
    )

    public_id = PublicIdField()
    consultation = models.ForeignKey(Consultation, on_delete=models.CASCADE, related_name="amendments")
    version = models.PositiveSmallIntegerField()
    made_at = models.DateTimeField(auto_now_add=True)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    reason = models.CharField(max_length=200)
    fields = models.JSONField(default=list)
    before = SealedField()

    class Meta:
        ordering = ["version"]
        constraints = [
            models.UniqueConstraint(fields=["consultation", "version"], name="consultations_amendment_of_a_version")
        ]

    def __str__(self):
        return f"{self.consultation} {self.version}"


class DraftQuerySet(models.QuerySet):
    """Questions about drafts."""

    def visible_to(self, user) -> "DraftQuerySet":
        """One's own, but what was logged from another window just as it was kept once more."""
        if not user.is_authenticated:
            return self.none()
        logged = models.Exists(Consultation.objects.logged_by(user, models.OuterRef("public_id")))
        return self.filter(~logged, adviser=user)


class Draft(models.Model):
    """What an adviser has typed and not yet logged: survives a closed browser, an ended session, a crash.

    `public_id` is the key of its form too: a form sent twice logs once.
    """

    KEEPING = Keeping("Losing nothing that was typed. A month later it is deleted.", since="saved_at", days=30)

    public_id = PublicIdField()
    adviser = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="drafts")
    typed = SealedField()
    saved_at = models.DateTimeField(auto_now=True)

    objects = DraftQuerySet.as_manager()

    class Meta:
        ordering = ["-saved_at"]

    def __str__(self):
        return self.public_id


class Closing(models.Model):
    """A month whose figures stand still: nothing is logged or changed in it until it is reopened, with a reason.

    `figures`: its tallies as they were when it was closed, by dimension and value: consultations, topics, minutes.
    """

    KEEPING = Keeping("Who answers for a month's figures. Kept with the figures.")

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
        """Those that are closed now."""
        return set(cls.objects.filter(reopened_at__isnull=True).values_list("month", flat=True))

    @property
    def is_closed(self) -> bool:
        """Whether it stands still now."""
        return self.reopened_at is None
