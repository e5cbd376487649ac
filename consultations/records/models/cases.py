"""What must be followed beyond one contact."""

from django.conf import settings
from django.db import models
from django.utils import timezone
from django.utils.translation import pgettext_lazy

from consultations.models.clients import Client
from services.accounts.roles import Role
from services.base.keeping import Keeping
from services.base.public_ids import PublicIdField
from services.base.sealed import SealedField

DAYS_KEPT = 5 * 365


class CaseState(models.TextChoices):
    """Whether something is still to be done."""

    OPEN = "open", pgettext_lazy("staff: a case", "Open")
    CLOSED = "closed", pgettext_lazy("staff: a case", "Closed")
    MERGED = "merged", pgettext_lazy("staff: a case", "Merged into another")


class CaseQuerySet(models.QuerySet):
    """Questions about cases."""

    def visible_to(self, user) -> "CaseQuerySet":
        """Of which the user may know that they exist: a member's own; for a manager all that are not restricted too."""
        if not user.is_authenticated or not user.has_role(Role.ADVISER, Role.MANAGER):
            return self.none()
        own = models.Exists(Member.objects.filter(user=user, case=models.OuterRef("pk")))
        return self.filter(models.Q(is_restricted=False) | own) if user.has_role(Role.MANAGER) else self.filter(own)

    def readable_by(self, user) -> "CaseQuerySet":
        """Whose words they may read, and in which they may write: a member's own."""
        if not user.is_authenticated or not user.has_role(Role.ADVISER, Role.MANAGER):
            return self.none()
        return self.filter(models.Exists(Member.objects.filter(user=user, case=models.OuterRef("pk"))))


class Case(models.Model):
    """Something that must follow: its members read all its consultations. *Restricted* it exists for them alone.

    A case is restricted exactly if its consultations are; consultations.actions.cases keeps the two in step.
    `closed_at`: since when nothing happens in it; what is done in a closed case, such as restricting it, moves it on.
    What was merged into another keeps its row, its members in step with the other's, to be taken apart again.
    """

    KEEPING = Keeping(
        "Following what was begun. Five years after it was closed it is deleted.", since="closed_at", days=DAYS_KEPT
    )
    MOVES = {
        CaseState.OPEN: {CaseState.CLOSED, CaseState.MERGED},
        CaseState.CLOSED: {CaseState.OPEN},
        CaseState.MERGED: {CaseState.OPEN},
    }

    public_id = PublicIdField()
    subject = SealedField()
    client = models.ForeignKey(Client, on_delete=models.SET_NULL, null=True, blank=True, related_name="cases")
    language = models.CharField(max_length=12)
    state = models.CharField(max_length=10, choices=CaseState, default=CaseState.OPEN)
    is_restricted = models.BooleanField(default=False)
    assigned = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="cases_assigned")
    opened_at = models.DateTimeField(default=timezone.now)
    closed_at = models.DateTimeField(null=True, blank=True)
    merged_into = models.ForeignKey("self", on_delete=models.CASCADE, null=True, blank=True, related_name="merged")

    objects = CaseQuerySet.as_manager()

    class Meta:
        ordering = ["-opened_at", "-pk"]
        constraints = [
            models.CheckConstraint(condition=models.Q(state__in=CaseState.values), name="consultations_known_case"),
            models.CheckConstraint(
                condition=models.Q(state=CaseState.CLOSED, closed_at__isnull=False)
                | ~models.Q(state=CaseState.CLOSED) & models.Q(closed_at__isnull=True),
                name="consultations_closed_case_says_when",
            ),
            models.CheckConstraint(
                condition=models.Q(state=CaseState.MERGED, merged_into__isnull=False)
                | ~models.Q(state=CaseState.MERGED) & models.Q(merged_into__isnull=True),
                name="consultations_merged_case_says_where",
            ),
        ]

    def __str__(self):
        return self.public_id


class Member(models.Model):
    """Somebody who works on a case, and so reads it."""

    KEEPING = Keeping("Who works on a case. Goes with it.")

    case = models.ForeignKey(Case, on_delete=models.CASCADE, related_name="members")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="case_memberships")
    since = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["case", "user"], name="consultations_member_once")]

    def __str__(self):
        return f"{self.user} {self.case}"


class EventKind(models.TextChoices):
    """What happened in a case."""

    NOTE = "note", pgettext_lazy("staff: in a case", "Note")
    OPENED = "opened", pgettext_lazy("staff: in a case", "Opened")
    CLOSED = "closed", pgettext_lazy("staff: in a case", "Closed")
    REOPENED = "reopened", pgettext_lazy("staff: in a case", "Opened again")
    JOINED = "joined", pgettext_lazy("staff: in a case", "Member added")
    LEFT = "left", pgettext_lazy("staff: in a case", "Member removed")
    ASSIGNED = "assigned", pgettext_lazy("staff: in a case", "Handed over")
    RESTRICTED = "restricted", pgettext_lazy("staff: in a case", "Restricted")
    LIFTED = "lifted", pgettext_lazy("staff: in a case", "Restriction lifted")
    MERGED = "merged", pgettext_lazy("staff: in a case", "Merged")
    SPLIT = "split", pgettext_lazy("staff: in a case", "Split")
    UNDONE = "undone", pgettext_lazy("staff: in a case", "Merging or splitting undone")
    DECIDED = "decided", pgettext_lazy("staff: in a case", "Decision after three attempts")
    REFERRED = "referred", pgettext_lazy("staff: in a case", "Referral")
    TOLD = "told", pgettext_lazy("staff: in a case", "Message to the person")


class CaseEvent(models.Model):
    """Something that happened in a case. Only ever added: a trigger in the database refuses to change or delete it.

    Two things must stay possible. A change of keys seals `text` anew: the trigger lets a text become one of the same
    length under another key. And what is past its time goes with its case: the trigger lets events go that are as old
    as Case.KEEPING says, which those of a case whose time is over are. See migration 0004_cases.
    """

    KEEPING = Keeping("How a case came to be where it is. Goes with it.")

    public_id = PublicIdField()
    case = models.ForeignKey(Case, on_delete=models.CASCADE, related_name="events")
    kind = models.CharField(max_length=12, choices=EventKind)
    text = SealedField()
    about = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["-at", "-pk"]
        constraints = [
            models.CheckConstraint(condition=models.Q(kind__in=EventKind.values), name="consultations_known_event")
        ]

    def __str__(self):
        return self.public_id


class RegroupingKind(models.TextChoices):
    """What was put together or taken apart."""

    MERGED_CASES = "merged_cases", pgettext_lazy("staff", "Two cases became one")
    SPLIT_CASE = "split_case", pgettext_lazy("staff", "A case became two")
    MERGED_CLIENTS = "merged_clients", pgettext_lazy("staff", "Two records of a person became one")


class Regrouping(models.Model):
    """The record by which a merge or a split is undone: what stood where. `other`: what was merged, or came of a split.

    moved: by the name of what was moved, the public ids.
    """

    KEEPING = Keeping(
        "Undoing a merge or a split. Five years later it is deleted, or earlier with what it is about.",
        since="at",
        days=DAYS_KEPT,
    )

    public_id = PublicIdField()
    kind = models.CharField(max_length=16, choices=RegroupingKind)
    case = models.ForeignKey(Case, on_delete=models.CASCADE, null=True, blank=True, related_name="regroupings")
    other = models.ForeignKey(Case, on_delete=models.CASCADE, null=True, blank=True, related_name="+")
    client = models.ForeignKey(Client, on_delete=models.CASCADE, null=True, blank=True, related_name="regroupings")
    other_client = models.ForeignKey(Client, on_delete=models.CASCADE, null=True, blank=True, related_name="+")
    moved = models.JSONField(default=dict)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField(default=timezone.now)
    undone_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-at", "-pk"]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(kind=RegroupingKind.MERGED_CLIENTS, client__isnull=False, other_client__isnull=False)
                | models.Q(
                    kind__in=[RegroupingKind.MERGED_CASES, RegroupingKind.SPLIT_CASE],
                    case__isnull=False,
                    other__isnull=False,
                ),
                name="consultations_regrouping_names_both",
            )
        ]

    def __str__(self):
        return f"{self.kind} {self.public_id}"
