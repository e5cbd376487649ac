"""How many: whom a notice will reach, how far it has got, and how the whole ledger stands.

Each answer takes one or two queries, however many rows there are. Nobody is named here.
"""

import datetime
from collections import Counter
from dataclasses import dataclass

from django.db.models import Case, Count, F, Max, Min, Value, When
from django.db.models.functions import Lower
from django.utils import timezone

from services.notices.actions import broadcasting, steps
from services.notices.channels import CHANNELS
from services.notices.models import (
    TROUBLED,
    ChannelCode,
    Heartbeat,
    Message,
    MessageState,
    Notice,
    NoticeState,
    Suppression,
)

ENDED = (MessageState.SENT, MessageState.WITHDRAWN, *TROUBLED)
MOST_CAUSES = 20


def audience_counts(notice: Notice) -> Counter[tuple[str, str]]:
    """How many people a notice would reach if it went out now, by (language, channel). It need not be saved yet."""
    if notice.corrects_id:
        return _by_language_and_channel(broadcasting.reached(notice.corrects))
    counts = _by_language_and_channel(broadcasting.audience(notice))
    return counts + _residents_beside(notice) if notice.is_emergency else counts


def _residents_beside(notice: Notice) -> Counter[tuple[str, str]]:
    """Residents who are warned without having subscribed, by the way that `telling.way_to` finds to them."""
    email = Case(
        When(email__gt="", then=Lower("email")),
        When(user__isnull=False, then=Lower("user__email")),
        default=Value(""),
    )
    residents = broadcasting.residents_to_warn(notice).select_related(None).annotate(own=email).order_by()
    counts = _people(residents.exclude(own=""), "own", ChannelCode.EMAIL, notice)
    if CHANNELS[ChannelCode.SMS].is_offered:
        counts += _people(residents.filter(own="").exclude(phone=""), "phone", ChannelCode.SMS, notice)
    return counts


def _people(residents, address: str, channel: ChannelCode, notice: Notice) -> Counter[tuple[str, str]]:
    subscribed = broadcasting.audience(notice).filter(channel=channel).annotate(told=Lower("address")).values("told")
    others = residents.exclude(**{f"{address}__in": subscribed})
    # Who shares an address gets one message.
    rows = others.values_list("language").annotate(people=Count(address, distinct=True))
    return Counter({(language, channel.value): people for language, people in rows})


def _by_language_and_channel(rows) -> Counter[tuple[str, str]]:
    grouped = rows.order_by().values_list("language", "channel").annotate(people=Count("pk", distinct=True))
    return Counter({(language, channel): people for language, channel, people in grouped})


def notices_by_state() -> Counter[str]:
    """How many notices there are in each state."""
    return Counter(dict(Notice.objects.order_by().values_list("state").annotate(Count("pk"))))


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a notice has got. `expected`: how many messages there will be once all are written."""

    state: str
    by_state: Counter[str]
    by_language: dict[str, Counter[str]]
    expected: int
    is_written: bool

    @property
    def total(self) -> int:
        """All messages, written or still to be."""
        return max(self.expected, self.by_state.total())

    @property
    def ended(self) -> int:
        """Messages that nobody works on any more."""
        return sum(self.by_state[state] for state in ENDED)

    @property
    def on_their_way(self) -> int:
        """Messages that are in a worker's hands: those arrive even if the notice is stopped now."""
        return self.by_state[MessageState.SENDING]

    @property
    def is_settled(self) -> bool:
        """Whether nothing will change any more by itself."""
        if self.state == NoticeState.PAUSED:
            return self.on_their_way == 0
        return self.state in {NoticeState.DONE, NoticeState.CANCELLED} and self.on_their_way == 0


def progress_of(notice: Notice) -> Progress:
    """Counts by state and by language, in one query; while the ledger is being written also whom it is for."""
    rows = steps.messages_of(notice).order_by().values_list("language", "state").annotate(Count("pk"))
    by_state, by_language = Counter(), {}
    for language, state, number in rows:
        by_state[state] += number
        by_language.setdefault(language, Counter())[state] += number
    expected = 0
    if notice.state == NoticeState.SENDING and notice.written_at is None:
        expected = audience_counts(notice).total()
    return Progress(notice.state, by_state, by_language, expected, notice.written_at is not None)


@dataclass(frozen=True, slots=True)
class Ledger:
    """How the ledger stands. `counts` by (channel, language, state)."""

    counts: Counter[tuple[str, str, str]]
    oldest_waiting: datetime.datetime | None
    worker_seen_at: datetime.datetime | None

    def number(self, *, channel: str = "", language: str = "", state: str = "") -> int:
        """How many messages there are of a channel, language and state; empty: of all."""
        wanted = (channel, language, state)
        return sum(
            number
            for key, number in self.counts.items()
            if all(want in ("", have) for want, have in zip(wanted, key, strict=True))
        )


def ledger() -> Ledger:
    """Counts of every message by channel, language and state; since when the oldest that is due has waited."""
    rows = Message.objects.order_by().values_list("channel", "language", "state").annotate(Count("pk"))
    counts = Counter({(channel, language, state): number for channel, language, state, number in rows})
    waiting = Message.objects.filter(state=MessageState.WAITING, due_at__lte=timezone.now())
    return Ledger(
        counts,
        waiting.aggregate(Min("due_at"))["due_at__min"],
        Heartbeat.objects.aggregate(Max("seen_at"))["seen_at__max"],
    )


def causes() -> list[tuple[str, str, int]]:
    """What goes wrong most: (state, cause, how often), the most frequent first."""
    rows = Message.objects.in_trouble().order_by().values_list("state", "cause").annotate(number=Count("pk"))
    return list(rows.order_by("-number", "state", "cause")[:MOST_CAUSES])


def fallbacks() -> list[tuple[str, str, str, int]]:
    """Letters that went out in another language than their reader's: (kind, language, written in, how many)."""
    other = Message.objects.filter(state=MessageState.SENT).exclude(written_in="").exclude(written_in=F("language"))
    rows = other.order_by().values_list("kind", "language", "written_in").annotate(number=Count("pk"))
    return list(rows.order_by("-number", "kind", "language")[:MOST_CAUSES])


def suppressed() -> int:
    """How many addresses take nothing any more."""
    return Suppression.objects.count()
