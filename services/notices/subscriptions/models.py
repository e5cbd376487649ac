"""Topics, and subscriptions to them. No account is needed."""

import datetime

from django.db import models
from django.utils import timezone

from services.base.public_ids import PublicIdField
from services.base.retention import NO_PERSONAL_DATA, RetentionPolicy
from services.languages.translated import TranslatedQuerySet
from services.messaging.models import EMAIL

CONFIRMATION_DAYS = 3  # validity of the confirmation link


class Topic(models.Model):
    """A topic of news that people can subscribe to."""

    RETENTION = NO_PERSONAL_DATA

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
    """The state of a subscription. Only an active one, confirmed by the address's owner, gets news."""

    PENDING = "pending"
    ACTIVE = "active"
    UNSUBSCRIBED = "unsubscribed"


class SubscriptionQuerySet(models.QuerySet):
    """Queries for subscriptions."""

    def active(self):
        """Return the subscriptions that have been confirmed and not ended."""
        return self.filter(state=SubscriptionState.ACTIVE)


class Subscription(models.Model):
    """An address that gets news. An empty `area` means the whole city. After unsubscribing, the address is removed.

    The signature of its links covers `public_id` and `link_version`: a new version invalidates all links sent so far.
    """

    TIME_TO_PROVE = datetime.timedelta(days=CONFIRMATION_DAYS)
    RETENTION = RetentionPolicy(
        "Sending news. Kept until its owner leaves; a wish that nobody confirmed, three days.",
        since="asked_at",
        days=TIME_TO_PROVE.days,
        only=models.Q(state=SubscriptionState.PENDING),
    )
    TRANSITIONS = {
        SubscriptionState.PENDING: {SubscriptionState.ACTIVE},
        SubscriptionState.ACTIVE: {SubscriptionState.UNSUBSCRIBED},
        SubscriptionState.UNSUBSCRIBED: set(),
    }

    public_id = PublicIdField()
    link_version = models.PositiveIntegerField(default=0)
    channel = models.CharField(max_length=10, default=EMAIL)
    address = models.CharField(max_length=254)
    language = models.CharField(max_length=12)
    second_language = models.CharField(max_length=12, blank=True)
    area = models.SlugField(blank=True)
    topics = models.ManyToManyField(Topic, related_name="subscriptions", blank=True)
    state = models.CharField(max_length=12, choices=SubscriptionState, default=SubscriptionState.PENDING)
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
