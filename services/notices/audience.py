"""Count a notice's audience and its delivery progress.

Each function takes one or two queries for any number of rows, and returns only numbers.
"""

from collections import Counter
from dataclasses import dataclass

from django.db.models import Count
from django.db.models.functions import Lower

from services.messaging.channels import CHANNELS, addressable_channels
from services.messaging.models import NEEDS_ATTENTION, MessageState
from services.notices import broadcast
from services.notices.news import lifecycle
from services.notices.news.models import Notice, NoticeState

ENDED = (MessageState.SENT, MessageState.WITHDRAWN, *NEEDS_ATTENTION)


def audience_counts(notice: Notice) -> Counter[tuple[str, str]]:
    """Count the people whom a notice would reach now, by (language, channel). The notice may be unsaved."""
    if notice.corrects_id:
        return _by_language_and_channel(broadcast.recipients_reached(notice.corrects))
    counts = _by_language_and_channel(broadcast.subscribers_for(notice))
    return counts + _count_unsubscribed_residents(notice) if notice.is_emergency else counts


def _count_unsubscribed_residents(notice: Notice) -> Counter[tuple[str, str]]:
    """Count the residents who are warned without having subscribed, by the channel of `outbox.preferred_channel`."""
    counts, residents = Counter(), broadcast.residents_to_warn(notice).select_related(None).order_by()
    for channel in addressable_channels():
        address = f"{channel.code}_address"
        residents = residents.alias(**{address: Lower(channel.address_expression())})
        counts += _count_addresses(residents.exclude(**{address: ""}), address, channel.code, notice)
        residents = residents.filter(**{address: ""})
    return counts


def _count_addresses(residents, address: str, channel: str, notice: Notice) -> Counter[tuple[str, str]]:
    subscribed = broadcast.subscribers_for(notice).filter(channel=channel).annotate(lower=Lower("address"))
    others = residents.exclude(**{f"{address}__in": subscribed.values("lower")})
    # People who share an address get one message.
    rows = others.values_list("language").annotate(people=Count(address, distinct=True))
    return Counter({(language, channel): people for language, people in rows})


def _by_language_and_channel(rows) -> Counter[tuple[str, str]]:
    grouped = rows.order_by().values_list("language", "channel").annotate(people=Count("pk", distinct=True))
    return Counter({(language, channel): people for language, channel, people in grouped})


@dataclass(frozen=True, slots=True)
class DeliveryProgress:
    """A notice's delivery progress. `expected`: the number of messages once all are created."""

    state: str
    by_state: Counter[str]
    by_language: dict[str, Counter[str]]
    expected: int
    is_written: bool

    @property
    def total(self) -> int:
        """The number of all messages, created or not."""
        return max(self.expected, self.by_state.total())

    @property
    def ended(self) -> int:
        """The number of messages that will not change any more."""
        return sum(self.by_state[state] for state in ENDED)

    @property
    def on_their_way(self) -> int:
        """The number of messages being sent: they arrive even if the notice is stopped now."""
        return self.by_state[MessageState.SENDING]

    @property
    def is_settled(self) -> bool:
        """Whether nothing will change any more without somebody's action."""
        if self.state == NoticeState.PAUSED:
            return self.on_their_way == 0
        return self.state in {NoticeState.DONE, NoticeState.CANCELLED} and self.on_their_way == 0


def progress_of(notice: Notice) -> DeliveryProgress:
    """Count a notice's messages by state and language; while they are being created, also its audience."""
    rows = lifecycle.messages_of(notice).order_by().values_list("language", "state").annotate(Count("pk"))
    by_state, by_language = Counter(), {}
    for language, state, number in rows:
        by_state[state] += number
        by_language.setdefault(language, Counter())[state] += number
    expected = 0
    if notice.state == NoticeState.SENDING and notice.written_at is None:
        expected = audience_counts(notice).total()
    return DeliveryProgress(notice.state, by_state, by_language, expected, notice.written_at is not None)


def by_channel(counts) -> list[tuple[str, int]]:
    """Sum audience counts by channel, as (label, number)."""
    numbers = (
        (channel.label, sum(number for (_language, code), number in counts.items() if code == channel.code))
        for channel in CHANNELS.values()
    )
    return [(label, number) for label, number in numbers if number]
