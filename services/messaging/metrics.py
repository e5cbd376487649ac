"""Counts of the ledger's messages, without anything about a person."""

import datetime
from collections import Counter
from dataclasses import dataclass

from django.db.models import Count, F, Max, Min
from django.utils import timezone

from services.messaging.models import Heartbeat, Message, MessageState, Suppression

MOST_REASONS = 20


@dataclass(frozen=True, slots=True)
class LedgerTotals:
    """The totals of the ledger. `counts`: by (channel, language, state)."""

    counts: Counter[tuple[str, str, str]]
    oldest_waiting: datetime.datetime | None
    worker_seen_at: datetime.datetime | None

    def number(self, *, channel: str = "", language: str = "", state: str = "") -> int:
        """Return how many messages have this channel, language and state; empty stands for any."""
        filters = (channel, language, state)
        return sum(
            number
            for key, number in self.counts.items()
            if all(value in ("", found) for value, found in zip(filters, key, strict=True))
        )


def ledger_totals() -> LedgerTotals:
    """Return the totals, the moment since which the oldest due message has waited, and the last heartbeat."""
    rows = Message.objects.order_by().values_list("channel", "language", "state").annotate(Count("pk"))
    counts = Counter({(channel, language, state): number for channel, language, state, number in rows})
    waiting = Message.objects.filter(state=MessageState.WAITING, due_at__lte=timezone.now())
    return LedgerTotals(
        counts,
        waiting.aggregate(Min("due_at"))["due_at__min"],
        Heartbeat.objects.aggregate(Max("seen_at"))["seen_at__max"],
    )


def failure_counts() -> list[tuple[str, str, int]]:
    """Return the most frequent failures as (state, cause, number), the most frequent first."""
    rows = Message.objects.needing_attention().order_by().values_list("state", "cause").annotate(number=Count("pk"))
    return list(rows.order_by("-number", "state", "cause")[:MOST_REASONS])


def fallback_counts() -> list[tuple[str, str, str, int]]:
    """Return the messages sent in a fallback language, as (kind, language, written in, number)."""
    fallbacks = Message.objects.filter(state=MessageState.SENT).exclude(written_in="").exclude(written_in=F("language"))
    rows = fallbacks.order_by().values_list("kind", "language", "written_in").annotate(number=Count("pk"))
    return list(rows.order_by("-number", "kind", "language")[:MOST_REASONS])


def blocked_addresses() -> int:
    """Return how many addresses are suppressed."""
    return Suppression.objects.count()
