"""The ledger: one row for each message to one person by one channel. The row is the truth; workers only serve it."""

import datetime

from django.db import models
from django.utils import timezone

from services.accounts.models import Resident
from services.base import public_ids


class Queue(models.TextChoices):
    """How long somebody can wait for it. Also the names of Celery's queues."""

    URGENT = "urgent"
    PERSONAL = "personal"
    BULK = "bulk"


class Promise(models.TextChoices):
    """What happens to a message of which nobody knows whether it went out (exactly once is impossible: RFC 1047)."""

    MUST_ARRIVE = "must_arrive"
    MUST_NOT_REPEAT = "must_not_repeat"


class NoticeState(models.TextChoices):
    """Where a message is."""

    WAITING = "waiting"
    SENDING = "sending"
    SENT = "sent"
    UNCLEAR = "unclear"
    FAILED = "failed"


class NoticeQuerySet(models.QuerySet):
    """What a worker and the staff ask."""

    def due(self):
        """Waiting, and its time has come; what somebody waits for first."""
        return self.filter(state=NoticeState.WAITING, due_at__lte=timezone.now()).order_by(
            models.Case(
                *(models.When(queue=queue, then=place) for place, queue in enumerate(Queue.values)),
                output_field=models.SmallIntegerField(),
            ),
            "due_at",
            "pk",
        )

    def lost(self):
        """Claimed by a worker that did not come back before its lease ended."""
        return self.filter(state=NoticeState.SENDING, leased_until__lt=timezone.now())


class Notice(models.Model):
    """One message to one person by one channel. Only notices.actions writes it.

    `kind` names the folder of its texts under templates/notices/. `context` holds what the texts need
    and is emptied once the message has gone or expired: after `expires_at` it would be of no use.
    """

    MOVES = {
        NoticeState.WAITING: {NoticeState.SENDING},
        NoticeState.SENDING: {NoticeState.SENT, NoticeState.WAITING, NoticeState.UNCLEAR, NoticeState.FAILED},
        NoticeState.SENT: set(),
        NoticeState.UNCLEAR: set(),
        NoticeState.FAILED: {NoticeState.WAITING},
    }
    LEASE = datetime.timedelta(minutes=2)
    LADDER = tuple(datetime.timedelta(seconds=pause) for pause in (10, 60, 300, 1800, 7200))

    public_id = public_ids.PublicIdField()
    kind = models.CharField(max_length=60)
    occasion = models.CharField(max_length=80, default=public_ids.public_id)
    channel = models.CharField(max_length=10, default="email")
    address = models.CharField(max_length=254)
    language = models.CharField(max_length=12)
    resident = models.ForeignKey(Resident, on_delete=models.SET_NULL, null=True, blank=True, related_name="notices")
    context = models.JSONField(default=dict, blank=True)
    queue = models.CharField(max_length=10, choices=Queue, default=Queue.PERSONAL)
    promise = models.CharField(max_length=16, choices=Promise, default=Promise.MUST_ARRIVE)
    state = models.CharField(max_length=10, choices=NoticeState, default=NoticeState.WAITING)
    attempts = models.PositiveSmallIntegerField(default=0)
    created_at = models.DateTimeField(auto_now_add=True)
    due_at = models.DateTimeField(default=timezone.now)
    expires_at = models.DateTimeField(null=True, blank=True)
    leased_until = models.DateTimeField(null=True, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)
    cause = models.CharField(max_length=200, blank=True)

    objects = NoticeQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["kind", "occasion", "address", "channel"], name="notices_once_for_each_occasion"
            ),
            models.CheckConstraint(condition=models.Q(state__in=NoticeState.values), name="notices_known_state"),
            models.CheckConstraint(
                condition=models.Q(state=NoticeState.SENDING, leased_until__isnull=False)
                | ~models.Q(state=NoticeState.SENDING) & models.Q(leased_until__isnull=True),
                name="notices_sending_means_leased",
            ),
        ]
        indexes = [models.Index(fields=["state", "due_at"], name="notices_due")]

    def __str__(self):
        return f"{self.kind} {self.state}"


class Heartbeat(models.Model):
    """When background work was last seen alive."""

    PAUSE = datetime.timedelta(seconds=15)
    FORGOTTEN = datetime.timedelta(days=1)

    worker = models.CharField(max_length=100, unique=True)
    seen_at = models.DateTimeField()

    def __str__(self):
        return self.worker
