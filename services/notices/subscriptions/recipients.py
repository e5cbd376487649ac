"""Subscriptions as recipients of messages."""

from services.messaging.recipients import SUBSCRIPTION_ENDED, RecipientLinks, register_recipients
from services.notices.subscriptions.actions import unsubscribe
from services.notices.subscriptions.links import links_for
from services.notices.subscriptions.models import Subscription, SubscriptionState


class SubscriptionRecipients:
    """The RecipientSource of subscriptions."""

    model = Subscription

    def reason_not_to_send(self, recipient: Subscription) -> str:
        """Return why nothing may be sent: the subscription is not active. "" if it is."""
        return "" if recipient.state == SubscriptionState.ACTIVE else SUBSCRIPTION_ENDED

    def links(self, recipient: Subscription, language: str) -> RecipientLinks:
        """Return the links to unsubscribe and to change the settings."""
        return links_for(recipient, language)

    def lock(self, channel: str, address: str) -> None:
        """Lock the subscription of an address."""
        list(Subscription.objects.select_for_update().filter(channel=channel, address=address))

    def stop(self, channel: str, address: str) -> None:
        """End the active subscription of an address that cannot receive messages."""
        for subscription in Subscription.objects.active().filter(channel=channel, address=address):
            unsubscribe(subscription)


def register() -> None:
    """Register subscriptions as recipients; called once, when the app is ready."""
    register_recipients(SubscriptionRecipients())
