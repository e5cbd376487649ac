"""Who wants to be told what, in which language, by which channel. No account is needed."""

import datetime

from django.db import models
from django.utils import timezone

from services.base.keeping import NOTHING_PERSONAL, Keeping
from services.base.public_ids import PublicIdField
from services.languages.text import TranslatedQuerySet
from services.notices.models.messages import DAYS_OF_A_WISH, ChannelCode


class Topic(models.Model):
    """Something about which the city writes to people."""

    KEEPING = NOTHING_PERSONAL

    code = models.SlugField(unique=True)
    position = models.PositiveSmallIntegerField()
    icon = models.SlugField()
    name = models.CharField(max_length=60)
    about = models.CharField(max_length=200)

    objects = TranslatedQuerySet.as_manager()

    class Meta:
        ordering = ["position"]

    def __str__(self):
        return self.code


class SubscriptionState(models.TextChoices):
    """Only who has answered from the address itself gets anything."""

    PENDING = "pending"
    ACTIVE = "active"
    LEFT = "left"


class SubscriptionQuerySet(models.QuerySet):
    """Questions about subscriptions."""

    def active(self):
        """Proved by their own address, and not left."""
        return self.filter(state=SubscriptionState.ACTIVE)


class Subscription(models.Model):
    """One address that wants news. `area` empty: of the whole city. Who has left has no address here any more.

    Its links are signed over `public_id` and `key`: a new key makes every link that was ever sent open nothing.
    """

    TIME_TO_PROVE = datetime.timedelta(days=DAYS_OF_A_WISH)
    KEEPING = Keeping(
        "Sending news. Kept until its owner leaves; a wish that nobody confirmed, three days.",
        since="asked_at",
        days=TIME_TO_PROVE.days,
        only=models.Q(state=SubscriptionState.PENDING),
    )
    MOVES = {
        SubscriptionState.PENDING: {SubscriptionState.ACTIVE},
        SubscriptionState.ACTIVE: {SubscriptionState.LEFT},
        SubscriptionState.LEFT: set(),
    }

    public_id = PublicIdField()
    key = models.PositiveIntegerField(default=0)
    channel = models.CharField(max_length=10, choices=ChannelCode, default=ChannelCode.EMAIL)
    address = models.CharField(max_length=254)
    language = models.CharField(max_length=12)
    second_language = models.CharField(max_length=12, blank=True)
    area = models.SlugField(blank=True)
    topics = models.ManyToManyField(Topic, related_name="subscriptions", blank=True)
    state = models.CharField(max_length=10, choices=SubscriptionState, default=SubscriptionState.PENDING)
    asked_at = models.DateTimeField(default=timezone.now)
    confirmed_at = models.DateTimeField(null=True, blank=True)

    objects = SubscriptionQuerySet.as_manager()

    class Meta:
        ordering = ["pk"]
        constraints = [
            models.UniqueConstraint(fields=["channel", "address"], name="notices_one_subscription_an_address"),
            models.CheckConstraint(
                condition=models.Q(state__in=SubscriptionState.values), name="notices_known_subscription_state"
            ),
            models.CheckConstraint(
                condition=~models.Q(state=SubscriptionState.ACTIVE) | models.Q(confirmed_at__isnull=False),
                name="notices_active_means_confirmed",
            ),
        ]
        indexes = [models.Index(fields=["state", "id"], name="notices_subscribers")]

    def __str__(self):
        return self.public_id
