"""Cases: matters that the desk follows beyond one consultation."""

from django.conf import settings
from django.db import models
from django.utils import timezone
from django.utils.translation import pgettext_lazy

from consultations.records.models.clients import Client
from services.accounts.roles import Role
from services.base.encryption import EncryptedTextField
from services.base.public_ids import PublicIdField
from services.base.retention import RetentionPolicy

DAYS_KEPT = 5 * 365


class CaseState(models.TextChoices):
    """Whether the desk still works on a case."""

    OPEN = "open", pgettext_lazy("staff: a case", "Open")
    CLOSED = "closed", pgettext_lazy("staff: a case", "Closed")
    MERGED = "merged", pgettext_lazy("staff: a case", "Merged into another case")


class CaseQuerySet(models.QuerySet):
    """Queries for cases."""

    def visible_to(self, user) -> "CaseQuerySet":
        """Cases that the user may know of: members see theirs, managers also see all unrestricted cases."""
        if not user.is_authenticated or not user.has_role(Role.ADVISER, Role.MANAGER):
            return self.none()
        own = models.Exists(CaseMember.objects.filter(user=user, case=models.OuterRef("pk")))
        return self.filter(models.Q(is_restricted=False) | own) if user.has_role(Role.MANAGER) else self.filter(own)

    def readable_by(self, user) -> "CaseQuerySet":
        """Cases whose texts the user may read and in which they may write: only those they are a member of."""
        if not user.is_authenticated or not user.has_role(Role.ADVISER, Role.MANAGER):
            return self.none()
        return self.filter(models.Exists(CaseMember.objects.filter(user=user, case=models.OuterRef("pk"))))


class Case(models.Model):
    """A matter that the desk follows. Its members read all its consultations.

    A *restricted* case is visible to its members alone.

    A case is restricted exactly if its consultations are; `consultations.cases.actions` keeps both in step.
    `closed_at` starts the retention period. An action in a closed case, such as restricting it, moves it forward.
    A merged case keeps its row, and its members follow those of the other case, so that the merge can be undone.
    """

    RETENTION = RetentionPolicy(
        "Following up a matter. Deleted five years after the case was closed.", since="closed_at", days=DAYS_KEPT
    )
    TRANSITIONS = {
        CaseState.OPEN: {CaseState.CLOSED, CaseState.MERGED},
        CaseState.CLOSED: {CaseState.OPEN},
        CaseState.MERGED: {CaseState.OPEN},
    }

    public_id = PublicIdField()
    subject = EncryptedTextField()
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

    def member_ids(self) -> set[int]:
        """Return the primary keys of the members."""
        return set(self.members.values_list("user", flat=True))


class CaseMember(models.Model):
    """A member of staff who works on a case and may therefore read it."""

    RETENTION = RetentionPolicy("Who works on a case. Deleted with the case.")

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
    REOPENED = "reopened", pgettext_lazy("staff: in a case", "Reopened")
    JOINED = "joined", pgettext_lazy("staff: in a case", "Member added")
    LEFT = "left", pgettext_lazy("staff: in a case", "Member removed")
    ASSIGNED = "assigned", pgettext_lazy("staff: in a case", "Handed over")
    RESTRICTED = "restricted", pgettext_lazy("staff: in a case", "Restricted")
    LIFTED = "lifted", pgettext_lazy("staff: in a case", "Restriction lifted")
    MERGED = "merged", pgettext_lazy("staff: in a case", "Merged")
    SPLIT = "split", pgettext_lazy("staff: in a case", "Split")
    UNDONE = "undone", pgettext_lazy("staff: in a case", "Merge or split undone")
    DECIDED = "decided", pgettext_lazy("staff: in a case", "Decision after three attempts")
    REFERRED = "referred", pgettext_lazy("staff: in a case", "Referral")
    TOLD = "told", pgettext_lazy("staff: in a case", "Message to the person")


class CaseEvent(models.Model):
    """An event in a case. Append-only: a database trigger refuses changes and deletions, with two exceptions.

    Key rotation encrypts `text` again: the trigger allows a new ciphertext of the same length under another key. And
    retention deletes events with their case: the trigger allows deleting events older than `Case.RETENTION` says, as
    all events of an expired case are. See migration 0001_initial.
    """

    RETENTION = RetentionPolicy("The history of a case. Deleted with the case.")

    public_id = PublicIdField()
    case = models.ForeignKey(Case, on_delete=models.CASCADE, related_name="events")
    kind = models.CharField(max_length=12, choices=EventKind)
    text = EncryptedTextField()
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


class CaseMergeKind(models.TextChoices):
    """What was merged or split."""

    MERGED_CASES = "merged_cases", pgettext_lazy("staff", "Two cases merged")
    SPLIT_CASE = "split_case", pgettext_lazy("staff", "Case split")
    MERGED_CLIENTS = "merged_clients", pgettext_lazy("staff", "Two records of a person merged")


class CaseMerge(models.Model):
    """The record of a merge or a split, from which it can be undone.

    other: the merged case, or the new one of a split. moved: the public ids of all moved rows, by relation name.
    """

    RETENTION = RetentionPolicy(
        "Undoing a merge or a split. Deleted after five years, or earlier with its cases or clients.",
        since="at",
        days=DAYS_KEPT,
    )

    public_id = PublicIdField()
    kind = models.CharField(max_length=16, choices=CaseMergeKind)
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
                condition=models.Q(kind=CaseMergeKind.MERGED_CLIENTS, client__isnull=False, other_client__isnull=False)
                | models.Q(
                    kind__in=[CaseMergeKind.MERGED_CASES, CaseMergeKind.SPLIT_CASE],
                    case__isnull=False,
                    other__isnull=False,
                ),
                name="consultations_regrouping_names_both",
            )
        ]

    def __str__(self):
        return f"{self.kind} {self.public_id}"
