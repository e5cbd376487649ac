"""What somebody has promised to do next in a case, and how often they tried to reach the person."""

from django.conf import settings
from django.db import models
from django.utils import timezone
from django.utils.translation import pgettext_lazy

from consultations.models.cases import Case
from services.base.keeping import Keeping
from services.base.public_ids import PublicIdField
from services.base.sealed import SealedField

MOST_ATTEMPTS = 3


class FollowUpState(models.TextChoices):
    """How far it has come."""

    DUE = "due", pgettext_lazy("staff: a follow-up", "To do")
    ATTEMPTED = "attempted", pgettext_lazy("staff: a follow-up", "Tried")
    DONE = "done", pgettext_lazy("staff: a follow-up", "Done")
    DECIDED = "decided", pgettext_lazy("staff: a follow-up", "Decided")


UNFINISHED = (FollowUpState.DUE, FollowUpState.ATTEMPTED)


class FollowUpKind(models.TextChoices):
    """What it is without saying what about: lists show this, and no words of the person's."""

    CALL = "call", pgettext_lazy("staff: a follow-up", "Get in touch again")
    RESULT = "result", pgettext_lazy("staff: a follow-up", "Ask how it went")
    ANSWER = "answer", pgettext_lazy("staff: a follow-up", "Ask a body for its answer")
    PAPERS = "papers", pgettext_lazy("staff: a follow-up", "Papers or a form")
    OTHER = "other", pgettext_lazy("staff: a follow-up", "Something else")


class Decision(models.TextChoices):
    """What follows three attempts without an answer."""

    CLOSE = "close_no_contact", pgettext_lazy("staff: a follow-up", "Stop trying: could not be reached")
    LETTER = "letter", pgettext_lazy("staff: a follow-up", "Write a letter")
    WAIT = "wait", pgettext_lazy("staff: a follow-up", "Wait, and try again on another day")


class Way(models.TextChoices):
    """How somebody is reached: only what the person said is safe. Also what `Client.safe_channels` holds."""

    EMAIL = "email", pgettext_lazy("staff: way to reach somebody", "E-mail")
    SMS = "sms", pgettext_lazy("staff: way to reach somebody", "SMS")
    CALL = "call", pgettext_lazy("staff: way to reach somebody", "Telephone call")
    LETTER = "letter", pgettext_lazy("staff: way to reach somebody", "Letter")


class FollowUpQuerySet(models.QuerySet):
    """Questions about follow-ups."""

    def visible_to(self, user) -> "FollowUpQuerySet":
        """Those of the cases that the user is a member of; nobody else, no manager either."""
        return self.filter(case__in=Case.objects.readable_by(user))

    def unfinished(self) -> "FollowUpQuerySet":
        """Those that ask for something."""
        return self.filter(state__in=UNFINISHED)

    def due(self, day) -> "FollowUpQuerySet":
        """Those that ask for something on a day, or asked before it."""
        return self.unfinished().filter(due_on__lte=day)


class FollowUp(models.Model):
    """Something to do in a case by a day, by one of its members. Done, or decided after three attempts.

    `attempts_made` counts its attempts; consultations.actions.followups keeps it, under the row's lock.
    """

    KEEPING = Keeping("What was promised to somebody. Goes with its case.")
    MOVES = {
        FollowUpState.DUE: {FollowUpState.ATTEMPTED, FollowUpState.DONE},
        FollowUpState.ATTEMPTED: {FollowUpState.DONE, FollowUpState.DECIDED},
        FollowUpState.DONE: set(),
        FollowUpState.DECIDED: set(),
    }

    public_id = PublicIdField()
    case = models.ForeignKey(Case, on_delete=models.CASCADE, related_name="follow_ups")
    kind = models.CharField(max_length=10, choices=FollowUpKind, default=FollowUpKind.CALL)
    what = SealedField()
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="follow_ups")
    due_on = models.DateField()
    state = models.CharField(max_length=10, choices=FollowUpState, default=FollowUpState.DUE)
    attempts_made = models.PositiveSmallIntegerField(default=0)
    decision = models.CharField(max_length=20, choices=Decision, blank=True)
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
                condition=models.Q(state=FollowUpState.DECIDED, decision__in=Decision.values)
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
        """Whether it was tried often enough."""
        return self.state == FollowUpState.ATTEMPTED and self.attempts_made >= MOST_ATTEMPTS


class Attempt(models.Model):
    """One time that somebody tried to reach the person. Never changed."""

    KEEPING = Keeping("How somebody was looked for. Goes with its follow-up.")

    follow_up = models.ForeignKey(FollowUp, on_delete=models.CASCADE, related_name="attempts")
    number = models.PositiveSmallIntegerField()
    way = models.CharField(max_length=10, choices=Way)
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
