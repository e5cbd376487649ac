"""Telling another body about somebody, which needs their consent."""

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import pgettext_lazy

from consultations.models.cases import Case
from services.base.keeping import Keeping
from services.base.public_ids import PublicIdField
from services.base.sealed import SealedField


class ReferralState(models.TextChoices):
    """How far it has come."""

    DRAFT = "draft", pgettext_lazy("staff: a referral", "Draft")
    CONSENT_PENDING = "consent_pending", pgettext_lazy("staff: a referral", "Waits for consent")
    SENT = "sent", pgettext_lazy("staff: a referral", "Sent")
    ACCEPTED = "accepted", pgettext_lazy("staff: a referral", "Accepted")
    REJECTED = "rejected", pgettext_lazy("staff: a referral", "Rejected")
    NO_REPLY = "no_reply", pgettext_lazy("staff: a referral", "No reply")
    DONE = "done", pgettext_lazy("staff: a referral", "Done")
    REVOKED = "revoked", pgettext_lazy("staff: a referral", "Taken back")


UNSENT = (ReferralState.DRAFT, ReferralState.CONSENT_PENDING)
WAITING = (ReferralState.CONSENT_PENDING, ReferralState.SENT, ReferralState.NO_REPLY)


class Agreed(models.TextChoices):
    """How somebody said yes."""

    SIGNED = "signed", pgettext_lazy("staff: how somebody agreed", "Signed on paper")
    SPOKEN = "spoken", pgettext_lazy("staff: how somebody agreed", "Said so at the desk")
    PHONE = "phone", pgettext_lazy("staff: how somebody agreed", "Said so on the telephone")


class ReferralQuerySet(models.QuerySet):
    """Questions about referrals."""

    def visible_to(self, user) -> "ReferralQuerySet":
        """Those of the cases that the user is a member of; nobody else, no manager either."""
        return self.filter(case__in=Case.objects.readable_by(user))

    def waiting(self) -> "ReferralQuerySet":
        """For the person's consent, or for the body's answer."""
        return self.filter(state__in=WAITING)


class Referral(models.Model):
    """What a body is told about somebody, and why. Nothing is sent before the person has agreed to exactly these words.

    From `consent_pending` on the words stand still. Consent and sending are one deed: what has consent is sent, and
    what is sent has consent (a constraint says so too). `consent` is the very text that the person was shown, in
    `consent_language`; `written_in` is the language of `what` and `why`.
    """

    KEEPING = Keeping("What was told to whom with whose consent. Goes with its case.")
    MOVES = {
        ReferralState.DRAFT: {ReferralState.CONSENT_PENDING, ReferralState.REVOKED},
        ReferralState.CONSENT_PENDING: {ReferralState.DRAFT, ReferralState.SENT, ReferralState.REVOKED},
        ReferralState.SENT: {
            ReferralState.ACCEPTED,
            ReferralState.REJECTED,
            ReferralState.NO_REPLY,
            ReferralState.REVOKED,
        },
        ReferralState.NO_REPLY: {ReferralState.ACCEPTED, ReferralState.REJECTED, ReferralState.REVOKED},
        ReferralState.ACCEPTED: {ReferralState.DONE, ReferralState.REVOKED},
        ReferralState.REJECTED: {ReferralState.DONE, ReferralState.REVOKED},
        ReferralState.DONE: set(),
        ReferralState.REVOKED: set(),
    }

    public_id = PublicIdField()
    case = models.ForeignKey(Case, on_delete=models.CASCADE, related_name="referrals")
    body = models.CharField(max_length=20)
    what = SealedField()
    why = SealedField()
    written_in = models.CharField(max_length=12)
    state = models.CharField(max_length=16, choices=ReferralState, default=ReferralState.DRAFT)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="referrals")
    made_at = models.DateTimeField(default=timezone.now)
    consent = SealedField()
    consent_language = models.CharField(max_length=12, blank=True)
    consented_at = models.DateTimeField(null=True, blank=True)
    agreed = models.CharField(max_length=10, choices=Agreed, blank=True)
    recorded_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    answered_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)

    objects = ReferralQuerySet.as_manager()

    class Meta:
        ordering = ["-made_at", "-pk"]
        constraints = [
            models.CheckConstraint(condition=Q(state__in=ReferralState.values), name="consultations_known_referral"),
            models.CheckConstraint(
                condition=Q(state__in=UNSENT, consented_at__isnull=True)
                | Q(state=ReferralState.REVOKED)
                | ~Q(state__in=[*UNSENT, ReferralState.REVOKED]) & Q(consented_at__isnull=False),
                name="consultations_sent_has_consent",
            ),
            models.CheckConstraint(
                condition=Q(consented_at__isnull=True, consent_language="", agreed="", recorded_by__isnull=True)
                | Q(consented_at__isnull=False, agreed__in=Agreed.values, recorded_by__isnull=False)
                & ~Q(consent_language="")
                & ~Q(consent=b""),
                name="consultations_consent_is_whole",
            ),
            models.CheckConstraint(
                condition=Q(state=ReferralState.REVOKED, revoked_at__isnull=False)
                | ~Q(state=ReferralState.REVOKED) & Q(revoked_at__isnull=True),
                name="consultations_revoked_says_when",
            ),
        ]

    def __str__(self):
        return self.public_id

    @property
    def was_shared(self) -> bool:
        """Whether the body has been told."""
        return self.consented_at is not None
