"""Count the consultation log. Both the log and its tallies are counted by one definition, `consultation_totals`.

A month with a `CountedMonth` is read from its `MonthlyTally` and `TallyDelta` rows, any other month from the log.
"""

import datetime
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import chain
from typing import NamedTuple

from django.db.models import Sum

from consultations.records import taxonomy
from consultations.records.models import (
    Consultation,
    ConsultationTopic,
    CountedMonth,
    Dimension,
    MonthlyTally,
    TallyDelta,
)
from services.figures.periods import Period
from services.figures.suppression import THRESHOLD

DIMENSION_COLUMNS = {
    Dimension.LANGUAGE: "language",
    Dimension.CHANNEL: "channel",
    Dimension.LANGUAGE_SUPPORT: "language_support",
    Dimension.NATIONALITY: "nationality",
    Dimension.OUTCOME: "outcome",
    Dimension.ADVISER: "adviser_id",
}


class Totals(NamedTuple):
    """The figures of one cell: consultations, their topics, and their minutes."""

    consultations: int = 0
    topics: int = 0
    minutes: int = 0

    @property
    def hours(self) -> str:
        """The minutes as hours, for display."""
        return f"{self.minutes / 60:.1f}"

    def plus(self, other: "Totals", sign: int = 1) -> "Totals":
        """Return the sum of both; with sign -1 the difference."""
        return Totals(
            self.consultations + sign * other.consultations,
            self.topics + sign * other.topics,
            self.minutes + sign * other.minutes,
        )


@dataclass(slots=True)
class CellTotals:
    """The totals of one cell, with restricted consultations counted apart.

    `hidden`: restricted consultations too few to appear in any month. `dropped`: those that appear in no figure.
    """

    unrestricted: Totals = field(default_factory=Totals)
    restricted: Totals = field(default_factory=Totals)
    hidden: Totals = field(default_factory=Totals)
    dropped: Totals = field(default_factory=Totals)

    @property
    def total(self) -> Totals:
        """Everything, restricted or not."""
        return self.unrestricted.plus(self.restricted)

    @property
    def publishable(self) -> Totals:
        """What may be published: a month's cell includes restricted consultations only if there are at least five.

        A reader of the list knows every other consultation in the cell, so the difference would reveal a smaller
        number. What the months hide is included in the period's cell only if it is at least five itself; otherwise
        the period minus its months would reveal it.
        """
        publishable = self.total.plus(self.dropped, -1)
        return publishable.plus(self.hidden, -1) if self.hidden.consultations < THRESHOLD else publishable

    def add(self, figures: Totals, *, is_restricted: bool) -> None:
        """Add totals to the restricted or the unrestricted part."""
        if is_restricted:
            self.restricted = self.restricted.plus(figures)
        else:
            self.unrestricted = self.unrestricted.plus(figures)

    def plus(self, other: "CellTotals") -> "CellTotals":
        """Return the sum of two cells."""
        return CellTotals(
            self.unrestricted.plus(other.unrestricted),
            self.restricted.plus(other.restricted),
            self.hidden.plus(other.hidden),
            self.dropped.plus(other.dropped),
        )

    def of_month(self, *, is_dropped: bool = False) -> "CellTotals":
        """Return the complete cell of one month, with few restricted consultations hidden or dropped."""
        if is_dropped:
            return CellTotals(self.unrestricted, self.restricted, dropped=self.restricted)
        is_hidden = self.restricted.consultations < THRESHOLD
        return CellTotals(self.unrestricted, self.restricted, hidden=self.restricted if is_hidden else Totals())


@dataclass(slots=True)
class PeriodCount:
    """The counts of a period: the cells of its months, by dimension and value."""

    months: dict[tuple[str, str], dict[datetime.date, CellTotals]] = field(
        default_factory=lambda: defaultdict(lambda: defaultdict(CellTotals))
    )

    @property
    def overall(self) -> CellTotals:
        """The cell of the whole period."""
        return self.by(Dimension.ALL).get("", CellTotals())

    def in_month(self, month: datetime.date) -> CellTotals:
        """Return the cell of one whole month."""
        return self.months[Dimension.ALL, ""][month].of_month()

    @property
    def cells(self) -> dict[tuple[str, str], CellTotals]:
        """The period's cells by dimension and value."""
        dropped = self._dropped_months()
        return {key: _sum_months(months, dropped) for key, months in self.months.items()}

    def by(self, dimension: str) -> dict[str, CellTotals]:
        """Return the period's cells of one dimension, by value."""
        dropped = self._dropped_months()
        return {
            value: _sum_months(months, dropped) for (found, value), months in self.months.items() if found == dimension
        }

    def _dropped_months(self) -> set[datetime.date]:
        """Return the months whose restricted consultations appear in no figure: fewer than five, even all together.

        They are dropped from every cell at once, so no cell contains what the total does not.
        """
        months = self.months.get((Dimension.ALL, ""), {})
        few = {month: number for month, cell in months.items() if (number := cell.restricted.consultations) < THRESHOLD}
        return set(few) if sum(few.values()) < THRESHOLD else set()


def _sum_months(months: dict[datetime.date, CellTotals], dropped: set[datetime.date]) -> CellTotals:
    result = CellTotals()
    for month, cell in months.items():
        result = result.plus(cell.of_month(is_dropped=month in dropped))
    return result


def consultation_totals(facts: dict, topics: Iterable[str]) -> Iterator[tuple[str, str, Totals]]:
    """Yield what one consultation adds to each cell: dimension, value, totals. topics: the primary one first."""
    topics = list(dict.fromkeys(topics))
    minutes = facts["minutes"]
    whole = Totals(1, len(topics), minutes)
    yield Dimension.ALL, "", whole
    for dimension, name in DIMENSION_COLUMNS.items():
        yield dimension, str(facts[name]), whole
    if topics:
        yield Dimension.PRIMARY_TOPIC, topics[0], whole
    for topic in topics:
        yield Dimension.TOPIC, topic, Totals(1, 1, minutes)
    known = taxonomy.topics()
    for group, number in Counter(known[it].group if it in known else "" for it in topics).items():
        yield Dimension.TOPIC_GROUP, group, Totals(1, number, minutes)


def count_period(*periods: Period) -> list[PeriodCount]:
    """Count each period. The periods must not overlap."""
    found = [PeriodCount() for _period in periods]
    place = {month: number for number, period in enumerate(periods) for month in period.months}
    counted = set(CountedMonth.objects.filter(month__in=place).values_list("month", flat=True))
    for month, dimension, value, is_restricted, *figures in _sum_tallies(periods, counted):
        _add_to_count(found[place[month]], month, dimension, value, Totals(*figures), is_restricted)
    for month, is_restricted, dimension, value, figures in chain(
        _totals_from_deltas(counted), totals_from_log(place.keys() - counted)
    ):
        _add_to_count(found[place[month]], month, dimension, value, figures, is_restricted)
    return found


def totals_from_log(months: Iterable[datetime.date]) -> Iterator[tuple[datetime.date, bool, str, str, Totals]]:
    """Yield what each logged consultation of these months adds: month, is restricted, dimension, value, totals."""
    names = ("pk", "month", "is_restricted", "minutes", *DIMENSION_COLUMNS.values())
    topics = defaultdict(list)
    rows = ConsultationTopic.objects.filter(consultation__month__in=months).order_by("-is_primary", "pk")
    for consultation, topic in rows.values_list("consultation_id", "topic").iterator(chunk_size=5000):
        topics[consultation].append(topic)
    for facts in Consultation.objects.filter(month__in=months).order_by().values(*names).iterator(chunk_size=5000):
        for dimension, value, figures in consultation_totals(facts, topics[facts["pk"]]):
            yield facts["month"], facts["is_restricted"], dimension, value, figures


def _totals_from_deltas(months: Iterable[datetime.date]) -> Iterator[tuple[datetime.date, bool, str, str, Totals]]:
    """Yield what consultations have added or removed since their months were tallied."""
    rows = TallyDelta.objects.filter(month__in=months).values_list("month", "is_restricted", "sign", "facts")
    for month, is_restricted, sign, facts in rows:
        for dimension, value, figures in consultation_totals(facts, facts["topics"]):
            yield month, is_restricted, dimension, value, Totals().plus(figures, sign)


def _sum_tallies(periods: tuple[Period, ...], months: set[datetime.date]):
    """Return the tallies of these months, summed up."""
    # The range is redundant, but lets the database use an index.
    first, last = min(it.first for it in periods), max(it.last for it in periods)
    rows = MonthlyTally.objects.filter(month__range=(first, last), month__in=months).order_by()
    rows = rows.values_list("month", "dimension", "value", "is_restricted")
    return rows.annotate(Sum("consultations"), Sum("topics"), Sum("minutes"))


def _add_to_count(count: PeriodCount, month, dimension: str, value: str, figures: Totals, is_restricted: bool) -> None:
    count.months[dimension, value][month].add(figures, is_restricted=is_restricted)
