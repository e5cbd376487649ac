"""The ledger of messages: one row for each message to one person by one channel. The row is the source of truth."""

import datetime

from django.apps import apps
from django.conf import settings
from django.db import models
from django.utils import timezone
from django.utils.translation import pgettext_lazy

from services.accounts.models import Resident
from services.base import public_ids
from services.base.retention import NO_PERSONAL_DATA, RetentionPolicy

SHORT_LIVED_DAYS = 3
# Labels of the models whose messages are kept only briefly, as the message leads to a person's address:
# services.messaging.recipients fills this list. Queries read it each time they run.
PERSONAL_SUBJECTS: list[str] = []


# The two channels that the ledger itself knows: sign-in addresses are email addresses, and the inbox has no delivery.
# All channels, with what they can do, are in services/messaging/channels.
EMAIL, INBOX = "email", "inbox"


class Queue(models.IntegerChoices):
    """How urgent a message is: the smallest number is sent first."""

    URGENT = 0, pgettext_lazy("staff", "Urgent")
    EMERGENCY = 1, pgettext_lazy("staff", "Emergency")
    PERSONAL = 2, pgettext_lazy("staff", "Personal")
    BULK = 3, pgettext_lazy("staff", "Bulk")


class DeliveryGuarantee(models.TextChoices):
    """What happens when nobody knows whether a message was sent (exactly once is impossible: RFC 1047).

    AT_LEAST_ONCE sends it again; AT_MOST_ONCE leaves it to the staff.
    """

    AT_LEAST_ONCE = "at_least_once"
    AT_MOST_ONCE = "at_most_once"


class MessageState(models.TextChoices):
    """How far a message has got."""

    WAITING = "waiting", pgettext_lazy("staff", "Waiting")
    HELD = "held", pgettext_lazy("staff", "On hold")
    SENDING = "sending", pgettext_lazy("staff", "On its way")
    SENT = "sent", pgettext_lazy("staff", "Sent")
    BOUNCED = "bounced", pgettext_lazy("staff", "Bounced")
    UNCLEAR = "unclear", pgettext_lazy("staff", "Outcome unknown")
    FAILED = "failed", pgettext_lazy("staff", "Failed")
    WITHDRAWN = "withdrawn", pgettext_lazy("staff", "Withdrawn")


UNSENT = (MessageState.WAITING, MessageState.HELD)  # no worker has claimed these, so they can still be withdrawn
NEEDS_ATTENTION = (MessageState.FAILED, MessageState.BOUNCED, MessageState.UNCLEAR)  # staff must look at these


class MessageQuerySet(models.QuerySet):
    """Questions about messages from workers, readers and staff."""

    def due(self):
        """Return the messages to send now, the most urgent first: in the index's order, so that nothing is sorted."""
        waiting = self.filter(state=MessageState.WAITING, due_at__lte=timezone.now())
        return waiting.order_by("queue", "due_at")

    def lease_expired(self):
        """Return the messages whose worker did not record an outcome before its lease ended."""
        return self.filter(state=MessageState.SENDING, leased_until__lt=timezone.now())

    def to(self, row: models.Model):
        """Return the messages addressed to one row of another app, such as a subscription."""
        return self.filter(Message.is_to(row))

    def about(self, row: models.Model):
        """Return the messages about one object."""
        return self.filter(Message.is_about(row))

    def in_inbox_of(self, user):
        """Return the messages on a user's own page, newest first."""
        return self.filter(user=user, channel=INBOX).order_by("-created_at", "-pk")

    def needing_attention(self):
        """Return what staff must look at: messages that failed, bounced or have an unknown outcome."""
        return self.filter(state__in=NEEDS_ATTENTION)


class Message(models.Model):
    """One message to one person by one channel. Only services.messaging writes the state.

    `kind` is the folder of a MessageKind, `channel` the code of a channel. `context` holds values for the templates; it
    is emptied when the message has been sent or, if it expires, when it ends. `about` is the object that the message
    is about, read when it is rendered. `person` identifies the person whatever their address, so that the unique
    constraint can drop repeats. `lease` names the claim of the worker that is sending the message.
    """

    RETENTION = RetentionPolicy(
        "Delivering a message, and finding out why it failed. After three months only the language, kind and state "
        "remain. After three days for a message about a subscription, which is forgotten then if nobody confirms it, "
        "and for a message that was being sent while its reader unsubscribed.",
        since="ended_at",
        days=90,
        sooner=(
            models.Q(about_type__in=PERSONAL_SUBJECTS) | models.Q(recipient_left=True, state="sent"),
            SHORT_LIVED_DAYS,
        ),
        only=~models.Q(channel=INBOX),
        anonymise={
            "address": "",
            "person": models.F("public_id"),
            "context": {},
            "cause": "",  # a mail server's reply may quote the address
            "resident": None,
            "user": None,
            "recipient_type": "",
            "recipient_id": None,
            # A message about a subscription would still lead to its address; one about a notice leads to nobody.
            "about_id": models.Case(
                models.When(about_type__in=PERSONAL_SUBJECTS, then=None), default=models.F("about_id")
            ),
        },
    )
    TRANSITIONS = {
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
        # To SENT: somebody has found out that it arrived, or has told the person.
        MessageState.BOUNCED: {MessageState.WAITING, MessageState.SENT},
        MessageState.UNCLEAR: {MessageState.WAITING, MessageState.SENT},
        MessageState.FAILED: {MessageState.WAITING, MessageState.SENT},
        MessageState.WITHDRAWN: set(),
    }
    LEASE = datetime.timedelta(minutes=2)
    RETRY_DELAYS = tuple(datetime.timedelta(seconds=pause) for pause in (10, 60, 300, 1800, 7200))

    public_id = public_ids.PublicIdField()
    kind = models.CharField(max_length=60)
    idempotency_key = models.CharField(max_length=80, default=public_ids.public_id)
    person = models.CharField(max_length=254)
    channel = models.CharField(max_length=10, default=EMAIL)
    address = models.CharField(max_length=254, blank=True)
    language = models.CharField(max_length=12)
    second_language = models.CharField(max_length=12, blank=True)
    written_in = models.CharField(max_length=12, blank=True)
    resident = models.ForeignKey(Resident, on_delete=models.SET_NULL, null=True, blank=True, related_name="messages")
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, null=True, blank=True, related_name="messages"
    )
    recipient_type = models.CharField(max_length=60, blank=True)
    recipient_id = models.BigIntegerField(null=True, blank=True)
    recipient_left = models.BooleanField(default=False)
    about_type = models.CharField(max_length=60, blank=True)
    about_id = models.BigIntegerField(null=True, blank=True)
    context = models.JSONField(default=dict, blank=True)
    queue = models.PositiveSmallIntegerField(choices=Queue, default=Queue.PERSONAL)
    guarantee = models.CharField(max_length=16, choices=DeliveryGuarantee, default=DeliveryGuarantee.AT_LEAST_ONCE)
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
                fields=["idempotency_key", "kind", "person", "channel"], name="messaging_once_per_idempotency_key"
            ),
            models.CheckConstraint(condition=models.Q(state__in=MessageState.values), name="messaging_known_state"),
            models.CheckConstraint(
                condition=models.Q(state=MessageState.SENDING, leased_until__isnull=False)
                | ~models.Q(state=MessageState.SENDING) & models.Q(leased_until__isnull=True),
                name="messaging_sending_means_leased",
            ),
        ]
        indexes = [
            models.Index(fields=["state", "queue", "due_at"], name="messaging_due"),
            models.Index(fields=["about_type", "about_id", "state"], name="messaging_about"),
            models.Index(fields=["recipient_type", "recipient_id"], name="messaging_recipient"),
        ]

    def __str__(self):
        return f"{self.kind} {self.state}"

    @property
    def recipient(self) -> models.Model | None:
        """The row of another app to which the message is addressed (services.messaging.recipients), if any."""
        if self.recipient_id is None:
            return None
        if not hasattr(self, "_recipient"):
            model = apps.get_model(self.recipient_type)
            self._recipient = model._default_manager.filter(pk=self.recipient_id).first()
        return self._recipient

    @recipient.setter
    def recipient(self, row: models.Model | None) -> None:
        if row is not None:
            self.recipient_type, self.recipient_id = row._meta.label_lower, row.pk
        self._recipient = row

    @staticmethod
    def is_to(row: models.Model) -> models.Q:
        """Return the condition that a message is addressed to one row of another app."""
        return models.Q(recipient_type=row._meta.label_lower, recipient_id=row.pk)

    @staticmethod
    def is_about(row: models.Model) -> models.Q:
        """Return the condition that a message is about one object."""
        return models.Q(about_type=row._meta.label_lower, about_id=row.pk)


class Suppression(models.Model):
    """An address to which nothing is sent, because messages to it bounced permanently."""

    RETENTION = RetentionPolicy(
        "Not sending to addresses that do not work. After two years an address may belong to somebody else.",
        since="since",
        days=730,
    )

    channel = models.CharField(max_length=10, default=EMAIL)
    address = models.CharField(max_length=254)
    reason = models.CharField(max_length=200)
    since = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["-since"]
        constraints = [models.UniqueConstraint(fields=["channel", "address"], name="messaging_suppressed_once")]

    def __str__(self):
        return self.address


class DomainBackoff(models.Model):
    """A mail domain that asked us to slow down: nothing is sent there until a pause is over, each time a longer one."""

    RETENTION = NO_PERSONAL_DATA
    RETRY_DELAYS = tuple(datetime.timedelta(seconds=pause) for pause in (30, 120, 600, 1800))

    domain = models.CharField(max_length=253, unique=True)
    until = models.DateTimeField()
    times = models.PositiveSmallIntegerField(default=1)

    def __str__(self):
        return self.domain


class Heartbeat(models.Model):
    """When a background worker last reported that it is alive."""

    RETENTION = NO_PERSONAL_DATA
    PAUSE = datetime.timedelta(seconds=15)
    FORGOTTEN = datetime.timedelta(days=1)

    worker = models.CharField(max_length=100, unique=True)
    seen_at = models.DateTimeField()

    def __str__(self):
        return self.worker


class Reminder(models.Model):
    """A moment at which somebody is reminded of an object, once; a periodic job finds the row.

    `kind` is the name of a ReminderKind.
    """

    RETENTION = NO_PERSONAL_DATA
    PATIENCE = datetime.timedelta(days=2)

    kind = models.CharField(max_length=60)
    about_type = models.CharField(max_length=60)
    about_id = models.BigIntegerField()
    due_at = models.DateTimeField()
    done_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["kind", "about_type", "about_id"], name="messaging_one_reminder_per_object")
        ]
        indexes = [models.Index(fields=["done_at", "due_at"], name="messaging_reminders_due")]

    def __str__(self):
        return self.kind
