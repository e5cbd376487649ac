"""Referrals: sharing information about a person with another organisation, with their consent."""

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import pgettext_lazy

from consultations.records.models.cases import Case
from services.base.encryption import EncryptedTextField
from services.base.public_ids import PublicIdField
from services.base.retention import RetentionPolicy


class ReferralState(models.TextChoices):
    """The progress of a referral."""

    DRAFT = "draft", pgettext_lazy("staff: a referral", "Draft")
    CONSENT_PENDING = "consent_pending", pgettext_lazy("staff: a referral", "Waiting for consent")
    SENT = "sent", pgettext_lazy("staff: a referral", "Sent")
    ACCEPTED = "accepted", pgettext_lazy("staff: a referral", "Accepted")
    REJECTED = "rejected", pgettext_lazy("staff: a referral", "Rejected")
    NO_REPLY = "no_reply", pgettext_lazy("staff: a referral", "No reply")
    DONE = "done", pgettext_lazy("staff: a referral", "Done")
    REVOKED = "revoked", pgettext_lazy("staff: a referral", "Withdrawn")


UNSENT = (ReferralState.DRAFT, ReferralState.CONSENT_PENDING)
WAITING = (ReferralState.CONSENT_PENDING, ReferralState.SENT, ReferralState.NO_REPLY)


class ConsentMethod(models.TextChoices):
    """How the person gave consent."""

    SIGNED = "signed", pgettext_lazy("staff: how somebody agreed", "Signed on paper")
    SPOKEN = "spoken", pgettext_lazy("staff: how somebody agreed", "Verbal consent at the desk")
    PHONE = "phone", pgettext_lazy("staff: how somebody agreed", "Verbal consent by phone")


class ReferralQuerySet(models.QuerySet):
    """Queries for referrals."""

    def visible_to(self, user) -> "ReferralQuerySet":
        """Referrals in cases that the user is a member of. Managers see no others."""
        return self.filter(case__in=Case.objects.readable_by(user))

    def waiting(self) -> "ReferralQuerySet":
        """Referrals that wait for the person's consent or the organisation's reply."""
        return self.filter(state__in=WAITING)


class Referral(models.Model):
    """What an organisation is told about a person, and why. Nothing is sent before the person agrees to the exact text.

    The text cannot change from `consent_pending` on. Consent and sending are one step: a referral with consent is
    sent, and a sent one has consent (a constraint checks this too). `consent` is the exact text that the person was
    shown, in `consent_language`; `written_in` is the language of `what` and `why`.
    """

    RETENTION = RetentionPolicy("What was shared with whom and with whose consent. Deleted with its case.")
    TRANSITIONS = {
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
    what = EncryptedTextField()
    why = EncryptedTextField()
    written_in = models.CharField(max_length=12)
    state = models.CharField(max_length=16, choices=ReferralState, default=ReferralState.DRAFT)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="referrals")
    made_at = models.DateTimeField(default=timezone.now)
    consent = EncryptedTextField()
    consent_language = models.CharField(max_length=12, blank=True)
    consented_at = models.DateTimeField(null=True, blank=True)
    agreed = models.CharField(max_length=10, choices=ConsentMethod, blank=True)
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
                | Q(consented_at__isnull=False, agreed__in=ConsentMethod.values, recorded_by__isnull=False)
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
        """Whether the information has been shared with the organisation."""
        return self.consented_at is not None
