"""The ledger: one row for each message to one person by one channel. The row is the truth; workers only serve it."""

import datetime

from django.conf import settings
from django.db import models
from django.utils import timezone
from django.utils.translation import pgettext_lazy

from services.accounts.models import Resident
from services.base import public_ids
from services.base.keeping import NOTHING_PERSONAL, Keeping

DAYS_OF_A_WISH = 3  # so long the link in the mail works that asks whether somebody wants our news


class Queue(models.IntegerChoices):
    """How long somebody can wait for it: the smaller goes first."""

    URGENT = 0, pgettext_lazy("staff", "Urgent")
    EMERGENCY = 1, pgettext_lazy("staff", "Emergency")
    PERSONAL = 2, pgettext_lazy("staff", "Personal")
    BULK = 3, pgettext_lazy("staff", "To many")


class Promise(models.TextChoices):
    """What happens to a message of which nobody knows whether it went out (exactly once is impossible: RFC 1047)."""

    MUST_ARRIVE = "must_arrive"
    MUST_NOT_REPEAT = "must_not_repeat"


class ChannelCode(models.TextChoices):
    """The ways in which a message reaches somebody. What each can do stands in services/notices/channels."""

    EMAIL = "email", pgettext_lazy("way to reach somebody", "E-mail")
    SMS = "sms", pgettext_lazy("way to reach somebody", "SMS")
    PUSH = "push", pgettext_lazy("way to reach somebody", "Messenger")
    INBOX = "inbox", pgettext_lazy("way to reach somebody", "My page")


class MessageState(models.TextChoices):
    """Where a message is."""

    WAITING = "waiting", pgettext_lazy("staff", "Waiting")
    HELD = "held", pgettext_lazy("staff", "Held back")
    SENDING = "sending", pgettext_lazy("staff", "On its way")
    SENT = "sent", pgettext_lazy("staff", "Sent")
    BOUNCED = "bounced", pgettext_lazy("staff", "Came back")
    UNCLEAR = "unclear", pgettext_lazy("staff", "Unclear")
    FAILED = "failed", pgettext_lazy("staff", "Failed")
    WITHDRAWN = "withdrawn", pgettext_lazy("staff", "Withdrawn")


UNSENT = (MessageState.WAITING, MessageState.HELD)  # in nobody's hands: these can still be kept back
TROUBLED = (MessageState.FAILED, MessageState.BOUNCED, MessageState.UNCLEAR)  # what staff must look at


class MessageQuerySet(models.QuerySet):
    """What a worker, a reader and the staff ask."""

    def due(self):
        """Waiting, and its time has come; what somebody waits for first. In the index's own order: none is sorted."""
        waiting = self.filter(state=MessageState.WAITING, due_at__lte=timezone.now())
        return waiting.order_by("queue", "due_at")

    def lost(self):
        """Claimed by a worker that did not come back before its lease ended."""
        return self.filter(state=MessageState.SENDING, leased_until__lt=timezone.now())

    def about(self, row: models.Model):
        """What was written about one object."""
        return self.filter(Message.is_about(row))

    def in_inbox_of(self, user):
        """A signed-in person's own messages, newest first."""
        return self.filter(user=user, channel=ChannelCode.INBOX).order_by("-created_at", "-pk")

    def in_trouble(self):
        """What staff must look at: what failed, came back, or of which nobody knows."""
        return self.filter(state__in=TROUBLED)


class Message(models.Model):
    """One message to one person by one channel. Only notices.actions writes it.

    `kind` names the folder of its texts under templates/notices/. `context` holds what the texts need
    and is emptied once a mail has gone or expired: after `expires_at` it would be of no use. `about` is the
    object that it tells of, read when it is sent. `person` is whom the occasion is for, whatever their
    address. `lease` names the claim that holds a row while it is being sent.
    """

    KEEPING = Keeping(
        "Delivering a message and mending what failed. Three months later only language, kind and fate stay; of a mail "
        "about a subscription three days later, as a wish that nobody confirms is forgotten then; likewise of what was "
        "on its way while its reader left.",
        since="ended_at",
        days=90,
        sooner=(
            models.Q(about_type="notices.subscription") | models.Q(subscription__state="left", state="sent"),
            DAYS_OF_A_WISH,
        ),
        only=~models.Q(channel=ChannelCode.INBOX),
        makes={
            "address": "",
            "person": models.F("public_id"),
            "context": {},
            "resident": None,
            "user": None,
            "subscription": None,
            # A message about a subscription would lead to its address still; one about a notice leads to nobody.
            "about_id": models.Case(
                models.When(about_type="notices.subscription", then=None), default=models.F("about_id")
            ),
        },
    )
    MOVES = {
        MessageState.WAITING: {MessageState.SENDING, MessageState.HELD, MessageState.WITHDRAWN},
        MessageState.HELD: {MessageState.WAITING, MessageState.WITHDRAWN},
        MessageState.SENDING: {
            MessageState.SENT,
            MessageState.WAITING,
            MessageState.HELD,
            MessageState.UNCLEAR,
            MessageState.FAILED,
            MessageState.WITHDRAWN,
        },
        MessageState.SENT: {MessageState.BOUNCED},
        MessageState.BOUNCED: {MessageState.WAITING},
        MessageState.UNCLEAR: {MessageState.WAITING, MessageState.SENT},
        MessageState.FAILED: {MessageState.WAITING},
        MessageState.WITHDRAWN: set(),
    }
    LEASE = datetime.timedelta(minutes=2)
    LADDER = tuple(datetime.timedelta(seconds=pause) for pause in (10, 60, 300, 1800, 7200))

    public_id = public_ids.PublicIdField()
    kind = models.CharField(max_length=60)
    occasion = models.CharField(max_length=80, default=public_ids.public_id)
    person = models.CharField(max_length=254)
    channel = models.CharField(max_length=10, choices=ChannelCode, default=ChannelCode.EMAIL)
    address = models.CharField(max_length=254, blank=True)
    language = models.CharField(max_length=12)
    second_language = models.CharField(max_length=12, blank=True)
    written_in = models.CharField(max_length=12, blank=True)
    resident = models.ForeignKey(Resident, on_delete=models.SET_NULL, null=True, blank=True, related_name="messages")
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, null=True, blank=True, related_name="messages"
    )
    subscription = models.ForeignKey(
        "notices.Subscription", on_delete=models.SET_NULL, null=True, blank=True, related_name="messages"
    )
    about_type = models.CharField(max_length=60, blank=True)
    about_id = models.BigIntegerField(null=True, blank=True)
    context = models.JSONField(default=dict, blank=True)
    queue = models.PositiveSmallIntegerField(choices=Queue, default=Queue.PERSONAL)
    promise = models.CharField(max_length=16, choices=Promise, default=Promise.MUST_ARRIVE)
    state = models.CharField(max_length=10, choices=MessageState, default=MessageState.WAITING)
    attempts = models.PositiveSmallIntegerField(default=0)
    created_at = models.DateTimeField(default=timezone.now)
    due_at = models.DateTimeField(default=timezone.now)
    expires_at = models.DateTimeField(null=True, blank=True)
    lease = models.CharField(max_length=22, blank=True)
    leased_until = models.DateTimeField(null=True, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)
    read_at = models.DateTimeField(null=True, blank=True)
    cause = models.CharField(max_length=200, blank=True)

    objects = MessageQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["occasion", "kind", "person", "channel"], name="notices_once_for_each_occasion"
            ),
            models.CheckConstraint(condition=models.Q(state__in=MessageState.values), name="notices_known_state"),
            models.CheckConstraint(
                condition=models.Q(state=MessageState.SENDING, leased_until__isnull=False)
                | ~models.Q(state=MessageState.SENDING) & models.Q(leased_until__isnull=True),
                name="notices_sending_means_leased",
            ),
        ]
        indexes = [
            models.Index(fields=["state", "queue", "due_at"], name="notices_due"),
            models.Index(fields=["about_type", "about_id", "state"], name="notices_about"),
        ]

    def __str__(self):
        return f"{self.kind} {self.state}"

    @staticmethod
    def is_about(row: models.Model) -> models.Q:
        """The condition that a message was written about one object."""
        return models.Q(about_type=row._meta.label_lower, about_id=row.pk)


class Suppression(models.Model):
    """An address to which nothing is sent any more: it sent mail back for good, or its owner wants none."""

    KEEPING = Keeping("Sending nothing where nothing arrives. Addresses are given away anew.", since="since", days=730)

    channel = models.CharField(max_length=10, choices=ChannelCode, default=ChannelCode.EMAIL)
    address = models.CharField(max_length=254)
    reason = models.CharField(max_length=200)
    since = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["-since"]
        constraints = [models.UniqueConstraint(fields=["channel", "address"], name="notices_suppressed_once")]

    def __str__(self):
        return self.address


class Rest(models.Model):
    """A mail domain that asked us to slow down: nothing goes there until it has rested, each time longer."""

    KEEPING = NOTHING_PERSONAL
    LADDER = tuple(datetime.timedelta(seconds=pause) for pause in (30, 120, 600, 1800))

    domain = models.CharField(max_length=253, unique=True)
    until = models.DateTimeField()
    times = models.PositiveSmallIntegerField(default=1)

    def __str__(self):
        return self.domain


class Heartbeat(models.Model):
    """When background work was last seen alive."""

    KEEPING = NOTHING_PERSONAL
    PAUSE = datetime.timedelta(seconds=15)
    FORGOTTEN = datetime.timedelta(days=1)

    worker = models.CharField(max_length=100, unique=True)
    seen_at = models.DateTimeField()

    def __str__(self):
        return self.worker
