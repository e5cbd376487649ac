"""Follow-ups: what a member of staff will do next in a case, and attempts to contact the person."""

from django.conf import settings
from django.db import models
from django.utils import timezone
from django.utils.translation import pgettext_lazy

from consultations.records.models.cases import Case
from services.base.encryption import EncryptedTextField
from services.base.public_ids import PublicIdField
from services.base.retention import RetentionPolicy
from services.messaging.channels import channel_label

MOST_ATTEMPTS = 3


class FollowUpState(models.TextChoices):
    """The progress of a follow-up."""

    DUE = "due", pgettext_lazy("staff: a follow-up", "To do")
    ATTEMPTED = "attempted", pgettext_lazy("staff: a follow-up", "Attempted")
    DONE = "done", pgettext_lazy("staff: a follow-up", "Done")
    DECIDED = "decided", pgettext_lazy("staff: a follow-up", "Decision made")


UNFINISHED = (FollowUpState.DUE, FollowUpState.ATTEMPTED)


class FollowUpKind(models.TextChoices):
    """The type of a follow-up. Lists show only the type, none of the person's words."""

    CALL = "call", pgettext_lazy("staff: a follow-up", "Get in touch again")
    RESULT = "result", pgettext_lazy("staff: a follow-up", "Ask how it went")
    ANSWER = "answer", pgettext_lazy("staff: a follow-up", "Ask an organisation for its reply")
    PAPERS = "papers", pgettext_lazy("staff: a follow-up", "Documents or forms")
    OTHER = "other", pgettext_lazy("staff: a follow-up", "Something else")


class FollowUpDecision(models.TextChoices):
    """The decision after three failed attempts."""

    CLOSE = "close_no_contact", pgettext_lazy("staff: a follow-up", "Stop trying: could not reach the person")
    LETTER = "letter", pgettext_lazy("staff: a follow-up", "Write a letter")
    WAIT = "wait", pgettext_lazy("staff: a follow-up", "Wait and try again on another day")


class OfflineContactMethod(models.TextChoices):
    """How a person can be contacted otherwise than by the portal's channels (`contact_methods`).

    `Client.safe_channels` lists the methods and channels that the person called safe.
    """

    CALL = "call", pgettext_lazy("staff: way to reach somebody", "Phone call")
    LETTER = "letter", pgettext_lazy("staff: way to reach somebody", "Letter")


def contact_method_label(code: str) -> str:
    """Return the label of a contact method in the active language."""
    return str(OfflineContactMethod(code).label) if code in OfflineContactMethod.values else channel_label(code)


class FollowUpQuerySet(models.QuerySet):
    """Queries for follow-ups."""

    def visible_to(self, user) -> "FollowUpQuerySet":
        """Follow-ups in cases that the user is a member of. Managers see no others."""
        return self.filter(case__in=Case.objects.readable_by(user))

    def unfinished(self) -> "FollowUpQuerySet":
        """Follow-ups that still need action."""
        return self.filter(state__in=UNFINISHED)

    def due(self, day) -> "FollowUpQuerySet":
        """Follow-ups that need action on or before a day."""
        return self.unfinished().filter(due_on__lte=day)


class FollowUp(models.Model):
    """A task in a case, due by a day and owned by a member. It ends done, or with a decision after three attempts.

    `attempts_made` counts its attempts; `consultations.cases.followups` updates it while the row is locked.
    """

    RETENTION = RetentionPolicy("What the desk promised a person. Deleted with its case.")
    TRANSITIONS = {
        FollowUpState.DUE: {FollowUpState.ATTEMPTED, FollowUpState.DONE},
        FollowUpState.ATTEMPTED: {FollowUpState.DONE, FollowUpState.DECIDED},
        FollowUpState.DONE: set(),
        FollowUpState.DECIDED: set(),
    }

    public_id = PublicIdField()
    case = models.ForeignKey(Case, on_delete=models.CASCADE, related_name="follow_ups")
    kind = models.CharField(max_length=10, choices=FollowUpKind, default=FollowUpKind.CALL)
    what = EncryptedTextField()
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="follow_ups")
    due_on = models.DateField()
    state = models.CharField(max_length=10, choices=FollowUpState, default=FollowUpState.DUE)
    attempts_made = models.PositiveSmallIntegerField(default=0)
    decision = models.CharField(max_length=20, choices=FollowUpDecision, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)

    objects = FollowUpQuerySet.as_manager()

    class Meta:
        ordering = ["due_on", "pk"]
        indexes = [models.Index(fields=["owner", "state", "due_on"], name="consultations_follow_ups_due")]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(state__in=FollowUpState.values), name="consultations_known_follow_up"
            ),
            models.CheckConstraint(
                condition=models.Q(kind__in=FollowUpKind.values), name="consultations_follow_up_of_a_kind"
            ),
            models.CheckConstraint(
                condition=models.Q(state=FollowUpState.DUE, attempts_made=0)
                | models.Q(state=FollowUpState.ATTEMPTED, attempts_made__range=(1, MOST_ATTEMPTS))
                | models.Q(state=FollowUpState.DONE, attempts_made__lte=MOST_ATTEMPTS)
                | models.Q(state=FollowUpState.DECIDED, attempts_made=MOST_ATTEMPTS),
                name="consultations_three_attempts",
            ),
            models.CheckConstraint(
                condition=models.Q(state=FollowUpState.DECIDED, decision__in=FollowUpDecision.values)
                | ~models.Q(state=FollowUpState.DECIDED) & models.Q(decision=""),
                name="consultations_decided_says_what",
            ),
            models.CheckConstraint(
                condition=models.Q(state__in=UNFINISHED, ended_at__isnull=True)
                | ~models.Q(state__in=UNFINISHED) & models.Q(ended_at__isnull=False),
                name="consultations_follow_up_ended",
            ),
        ]

    def __str__(self):
        return self.public_id

    @property
    def needs_decision(self) -> bool:
        """Whether all attempts have been made."""
        return self.state == FollowUpState.ATTEMPTED and self.attempts_made >= MOST_ATTEMPTS


class ContactAttempt(models.Model):
    """One attempt to contact the person. Never changed."""

    RETENTION = RetentionPolicy("Attempts to contact a person. Deleted with their follow-up.")

    follow_up = models.ForeignKey(FollowUp, on_delete=models.CASCADE, related_name="attempts")
    number = models.PositiveSmallIntegerField()
    way = models.CharField(max_length=10)
    was_reached = models.BooleanField()
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["number"]
        constraints = [
            models.UniqueConstraint(fields=["follow_up", "number"], name="consultations_attempt_once"),
            models.CheckConstraint(
                condition=models.Q(number__range=(1, MOST_ATTEMPTS)), name="consultations_attempts_at_most"
            ),
        ]

    def __str__(self):
        return f"{self.follow_up} {self.number}"

    @property
    def method(self) -> str:
        """The label of the contact method."""
        return contact_method_label(self.way)
