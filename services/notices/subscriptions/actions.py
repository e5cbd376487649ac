"""Actions of subscriptions: request, confirm, change, unsubscribe. No account is needed."""

from collections.abc import Iterable

from django.db import transaction
from django.db.models import F
from django.utils import timezone

from services.audit.trail import record
from services.base.public_ids import public_id
from services.base.states import transition
from services.messaging.kinds import MessageKind
from services.messaging.models import EMAIL, UNSENT, Message, MessageState, Queue, Suppression
from services.messaging.outbox import notify
from services.messaging.recipients import SUBSCRIPTION_ENDED
from services.notices.message_kinds import ALREADY_SUBSCRIBED, CONFIRM_SUBSCRIPTION
from services.notices.subscriptions.models import Subscription, SubscriptionState, Topic


@transaction.atomic
def request_subscription(
    address: str,
    topics: Iterable[Topic],
    *,
    language: str,
    second_language: str = "",
    area: str = "",
    channel: str = EMAIL,
) -> None:
    """Store a pending subscription and send a confirmation link to the address.

    An active subscriber gets a link to the settings instead, so that nobody can find out whether an address is known.
    """
    subscription, _created = Subscription.objects.select_for_update().get_or_create(
        channel=channel, address=address, defaults={"language": language}
    )
    if subscription.state == SubscriptionState.ACTIVE:
        _send_link(subscription, ALREADY_SUBSCRIBED, language)
        return
    subscription.language, subscription.second_language, subscription.area = language, second_language, area
    subscription.asked_at = timezone.now()
    subscription.save()
    subscription.topics.set(topics)
    _send_link(subscription, CONFIRM_SUBSCRIPTION, language)


def _send_link(subscription: Subscription, kind: MessageKind, language: str) -> None:
    notify(
        subscription.address,
        kind,
        about=subscription,
        language=language,
        channel=subscription.channel,
        queue=Queue.URGENT,
        # One email an hour at most: otherwise the form could be abused to flood somebody's mailbox.
        idempotency_key=f"{subscription.public_id}:{timezone.now():%Y%m%d%H}",
    )


@transaction.atomic
def confirm(subscription: Subscription) -> None:
    """Activate a pending subscription, confirmed by the owner of the address. Idempotent."""
    subscription = Subscription.objects.select_for_update().get(pk=subscription.pk)
    if subscription.state != SubscriptionState.PENDING:
        return
    transition(subscription, SubscriptionState.ACTIVE)
    subscription.confirmed_at = timezone.now()
    subscription.save(update_fields=["state", "confirmed_at"])
    Suppression.objects.filter(channel=subscription.channel, address=subscription.address).delete()
    record(None, "notices.subscribe", subscription, changes=False)


@transaction.atomic
def change_subscription(
    subscription: Subscription, topics: Iterable[Topic], *, language: str, second_language: str, area: str
) -> None:
    """Change the topics, languages and area."""
    subscription.language, subscription.second_language, subscription.area = language, second_language, area
    subscription.save(update_fields=["language", "second_language", "area"])
    subscription.topics.set(topics)
    record(None, "notices.change_wishes", subscription, changes=False)


@transaction.atomic
def unsubscribe(subscription: Subscription) -> None:
    """End the subscription, from the next message on. Only an anonymous row remains: somebody has unsubscribed.

    A message that staff still have to look at (an email that bounced) keeps the address until its own retention ends.
    """
    subscription = Subscription.objects.select_for_update().get(pk=subscription.pk)
    if subscription.state == SubscriptionState.ACTIVE:
        transition(subscription, SubscriptionState.UNSUBSCRIBED)
        subscription.address, subscription.area, subscription.second_language = f"left-{public_id()}", "", ""
        subscription.save(update_fields=["state", "address", "area", "second_language"])
        messages = Message.objects.filter(Message.is_to(subscription) | Message.is_about(subscription))
        messages.filter(state__in=UNSENT).update(state=MessageState.WITHDRAWN, cause=SUBSCRIPTION_ENDED)
        finished = messages.filter(state__in=[MessageState.WITHDRAWN, MessageState.SENT])
        messages.exclude(pk__in=finished.values("pk")).update(recipient_left=True)  # those being sent right now
        # The cause of a message that was not sent is a sentence of ours, so it can stay until the row's retention ends.
        finished.update(**Message.RETENTION.anonymise | {"cause": F("cause")})
        record(None, "notices.leave", subscription, changes=False)
