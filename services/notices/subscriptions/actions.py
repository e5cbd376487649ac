"""Asking for news, proving the address, changing one's mind. Nobody needs an account for it."""

from collections.abc import Iterable

from django.db import models, transaction
from django.utils import timezone

from services.audit.trail import record
from services.base.public_ids import public_id
from services.base.states import move
from services.notices.actions.telling import notify
from services.notices.models import (
    UNSENT,
    ChannelCode,
    Message,
    MessageState,
    Queue,
    Subscription,
    SubscriptionState,
    Suppression,
    Topic,
)

LEFT = "The subscription was ended."


@transaction.atomic
def ask_for_news(
    address: str,
    topics: Iterable[Topic],
    *,
    language: str,
    second_language: str = "",
    area: str = "",
    channel: ChannelCode = ChannelCode.EMAIL,
) -> None:
    """Keep a wish for news until the address's owner has said yes by the link that is sent to it.

    Who is subscribed already gets the link to their settings instead, so that nobody learns whose address is known.
    """
    subscription, _made = Subscription.objects.select_for_update().get_or_create(
        channel=channel, address=address, defaults={"language": language}
    )
    if subscription.state == SubscriptionState.ACTIVE:
        _send(subscription, "notices/already_subscribed", language)
        return
    subscription.language, subscription.second_language, subscription.area = language, second_language, area
    subscription.asked_at = timezone.now()
    subscription.save()
    subscription.topics.set(topics)
    _send(subscription, "notices/confirm_subscription", language)


def _send(subscription: Subscription, kind: str, language: str) -> None:
    notify(
        subscription.address,
        kind,
        about=subscription,
        language=language,
        channel=ChannelCode(subscription.channel),
        queue=Queue.URGENT,
        # Several wishes within the hour are one mail: a form that fills somebody's mailbox would be a weapon.
        occasion=f"{subscription.public_id}:{timezone.now():%Y%m%d%H}",
    )


@transaction.atomic
def confirm(subscription: Subscription) -> None:
    """The owner of the address has said yes. Saying it twice changes nothing."""
    subscription = Subscription.objects.select_for_update().get(pk=subscription.pk)
    if subscription.state != SubscriptionState.PENDING:
        return
    move(subscription, SubscriptionState.ACTIVE)
    subscription.confirmed_at = timezone.now()
    subscription.save(update_fields=["state", "confirmed_at"])
    Suppression.objects.filter(channel=subscription.channel, address=subscription.address).delete()
    record(None, "notices.subscribe", subscription, changes=False)


@transaction.atomic
def change_wishes(
    subscription: Subscription, topics: Iterable[Topic], *, language: str, second_language: str, area: str
) -> None:
    """Other topics, another language, another area."""
    subscription.language, subscription.second_language, subscription.area = language, second_language, area
    subscription.save(update_fields=["language", "second_language", "area"])
    subscription.topics.set(topics)
    record(None, "notices.change_wishes", subscription, changes=False)


@transaction.atomic
def leave(subscription: Subscription) -> None:
    """No more news, from the next message on. The address is not kept: only that somebody has left.

    What staff still have to look at (a mail that came back) keeps it until its own time is over.
    """
    subscription = Subscription.objects.select_for_update().get(pk=subscription.pk)
    if subscription.state == SubscriptionState.ACTIVE:
        move(subscription, SubscriptionState.LEFT)
        subscription.address = f"left-{public_id()}"
        subscription.save(update_fields=["state", "address"])
        messages = Message.objects.filter(models.Q(subscription=subscription) | Message.is_about(subscription))
        messages.filter(state__in=UNSENT).update(state=MessageState.WITHDRAWN, cause=LEFT)
        over = messages.filter(state__in=[MessageState.WITHDRAWN, MessageState.SENT])
        over.update(**Message.KEEPING.makes)
        record(None, "notices.leave", subscription, changes=False)
