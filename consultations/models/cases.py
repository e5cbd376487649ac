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


class CaseState(models.TextChoices):
    """Whether something is still to be done."""

    OPEN = "open", pgettext_lazy("staff: a case", "Open")
    CLOSED = "closed", pgettext_lazy("staff: a case", "Closed")


class CaseQuerySet(models.QuerySet):
    """Questions about cases."""

    def visible_to(self, user) -> "CaseQuerySet":
        """Of which the user may know that they exist: a member's own; for a manager all that are not restricted too."""
        if not user.is_authenticated or not user.has_role(Role.ADVISER, Role.MANAGER):
            return self.none()
        own = models.Exists(Member.objects.filter(user=user, case=models.OuterRef("pk")))
        return self.filter(models.Q(is_restricted=False) | own) if user.has_role(Role.MANAGER) else self.filter(own)


class Case(models.Model):
    """Something that must follow: its members read all its consultations. *Restricted* it exists for them alone.

    A case is restricted exactly if its consultations are; consultations.actions keeps the two in step.
    """

    KEEPING = Keeping(
        "Following what was begun. Five years after it was closed it is deleted.", since="closed_at", days=5 * 365
    )
    MOVES = {CaseState.OPEN: {CaseState.CLOSED}, CaseState.CLOSED: {CaseState.OPEN}}

    public_id = PublicIdField()
    subject = SealedField()
    client = models.ForeignKey(Client, on_delete=models.SET_NULL, null=True, blank=True, related_name="cases")
    language = models.CharField(max_length=12)
    state = models.CharField(max_length=10, choices=CaseState, default=CaseState.OPEN)
    is_restricted = models.BooleanField(default=False)
    assigned = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="cases_assigned")
    opened_at = models.DateTimeField(default=timezone.now)
    closed_at = models.DateTimeField(null=True, blank=True)

    objects = CaseQuerySet.as_manager()

    class Meta:
        ordering = ["-opened_at", "-pk"]
        constraints = [
            models.CheckConstraint(condition=models.Q(state__in=CaseState.values), name="consultations_known_case"),
            models.CheckConstraint(
                condition=models.Q(state=CaseState.CLOSED, closed_at__isnull=False)
                | models.Q(state=CaseState.OPEN, closed_at__isnull=True),
                name="consultations_closed_case_says_when",
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
