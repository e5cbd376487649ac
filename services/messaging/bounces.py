"""Bounced messages, suppressed addresses, and mail domains to leave alone for a while (back-off)."""

import datetime

from django.db import transaction
from django.utils import timezone

from services.audit.trail import record
from services.base.states import transition
from services.messaging.models import DomainBackoff, Message, MessageState, Suppression
from services.messaging.recipients import lock_recipients, stop_sending


def domains_backing_off(domains: set[str]) -> dict[str, datetime.datetime]:
    """Return those of the domains that asked us to slow down, each with the end of its pause."""
    paused = DomainBackoff.objects.filter(domain__in=domains, until__gt=timezone.now())
    return dict(paused.values_list("domain", "until"))


@transaction.atomic
def back_off(domain: str) -> datetime.datetime:
    """Start a pause for a domain and return its end. Each pause is longer, and after a quiet day the first again."""
    now = timezone.now()
    backoff, created = DomainBackoff.objects.select_for_update().get_or_create(
        domain=domain, defaults={"until": now + DomainBackoff.RETRY_DELAYS[0]}
    )
    if not created and backoff.until <= now:  # several workers may be told at once: that counts as one time
        was_quiet = backoff.until < now - datetime.timedelta(days=1)
        backoff.times = 1 if was_quiet else min(backoff.times + 1, len(DomainBackoff.RETRY_DELAYS))
        backoff.until = now + DomainBackoff.RETRY_DELAYS[backoff.times - 1]
        backoff.save()
    return backoff.until


@transaction.atomic
def suppress(channel: str, address: str, reason: str) -> None:
    """Send nothing more to an address, and end the subscription with it. Writes an audit entry."""
    _row, created = Suppression.objects.get_or_create(channel=channel, address=address, defaults={"reason": reason})
    if created:
        stop_sending(channel, address)
        record(None, "messaging.suppress", fields=["address"], reason=reason, changes=False)


@transaction.atomic
def lift_suppression(suppression: Suppression, *, by) -> None:
    """Send to an address again because its owner says that it works. A subscription that ended stays ended."""
    suppression.delete()
    record(by, "messaging.lift_suppression", fields=["address"], changes=False)


@transaction.atomic
def process_bounce(public_id: str, *, for_good: bool, cause: str) -> bool:
    """Record that a message bounced; returns whether the message exists.

    for_good: the address accepts no messages at all, so it is suppressed. cause: a sentence for staff.
    """
    _lock_recipient(public_id)
    message = Message.objects.select_for_update().filter(public_id=public_id).first()
    if message is None or message.state != MessageState.SENT:
        return message is not None
    transition(message, MessageState.BOUNCED)
    message.cause = cause[:200]
    message.save(update_fields=["state", "cause"])
    if for_good and message.address:  # after the person unsubscribed, the address is gone
        suppress(message.channel, message.address, cause[:200])
    return True


def _lock_recipient(public_id: str) -> None:
    """Lock the recipient before the message, in the order of unsubscribing: the bounce may end a subscription."""
    for channel, address in Message.objects.filter(public_id=public_id).values_list("channel", "address"):
        lock_recipients(channel, address)
