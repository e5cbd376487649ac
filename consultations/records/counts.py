"""How the log is counted. There is one definition, `cells_of`: of the log as it is, and of what was counted before.

A month that has a `CountedMonth` is read from its tallies and what came `Later`; any other from the log.
"""

import datetime
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import chain
from typing import NamedTuple

from django.db.models import Sum

from consultations import taxonomy
from consultations.figures.periods import Period
from consultations.models import Consultation, ConsultationTopic, CountedMonth, Dimension, Later, Tally

FEWEST = 5
FACTS = {
    Dimension.LANGUAGE: "language",
    Dimension.CHANNEL: "channel",
    Dimension.BRIDGING: "bridging",
    Dimension.NATIONALITY: "nationality",
    Dimension.OUTCOME: "outcome",
    Dimension.ADVISER: "adviser_id",
}


class Figures(NamedTuple):
    """What is counted in one cell: contacts, the topics they were about, how many minutes they took."""

    consultations: int = 0
    topics: int = 0
    minutes: int = 0

    @property
    def hours(self) -> str:
        """The minutes as hours, for people."""
        return f"{self.minutes / 60:.1f}"

    def plus(self, other: "Figures", sign: int = 1) -> "Figures":
        """Both together; sign -1: without the other."""
        return Figures(
            self.consultations + sign * other.consultations,
            self.topics + sign * other.topics,
            self.minutes + sign * other.minutes,
        )


@dataclass(slots=True)
class Cell:
    """One cell's figures: of what is open to all who count, and of what is restricted.

    `hidden`: what of that no month shows. `dropped`: what is in no figure at all.
    """

    free: Figures = field(default_factory=Figures)
    restricted: Figures = field(default_factory=Figures)
    hidden: Figures = field(default_factory=Figures)
    dropped: Figures = field(default_factory=Figures)

    @property
    def whole(self) -> Figures:
        """Everything."""
        return self.free.plus(self.restricted)

    @property
    def shown(self) -> Figures:
        """What may be shown: what is restricted is in a month's cell only if there are five or more of it.

        Whoever knows the list knows all the rest of the cell, so fewer would be told by what is left. What the months
        do not show is in the whole period's cell only if it is five or more itself: else the period less its months
        would tell of fewer.
        """
        shown = self.whole.plus(self.dropped, -1)
        return shown.plus(self.hidden, -1) if self.hidden.consultations < FEWEST else shown

    def add(self, figures: Figures, *, is_restricted: bool) -> None:
        """Count something in."""
        if is_restricted:
            self.restricted = self.restricted.plus(figures)
        else:
            self.free = self.free.plus(figures)

    def plus(self, other: "Cell") -> "Cell":
        """Two cells as one."""
        return Cell(
            self.free.plus(other.free),
            self.restricted.plus(other.restricted),
            self.hidden.plus(other.hidden),
            self.dropped.plus(other.dropped),
        )

    def of_month(self, *, is_dropped: bool = False) -> "Cell":
        """The cell of one month, all counted in: few that are restricted are hidden, or dropped with their month."""
        if is_dropped:
            return Cell(self.free, self.restricted, dropped=self.restricted)
        is_hidden = self.restricted.consultations < FEWEST
        return Cell(self.free, self.restricted, hidden=self.restricted if is_hidden else Figures())


@dataclass(slots=True)
class Count:
    """A period counted: the cells of its months, by dimension and value."""

    months: dict[tuple[str, str], dict[datetime.date, Cell]] = field(
        default_factory=lambda: defaultdict(lambda: defaultdict(Cell))
    )

    @property
    def total(self) -> Cell:
        """All of it."""
        return self.by(Dimension.ALL).get("", Cell())

    def in_month(self, month: datetime.date) -> Cell:
        """All of one month."""
        return self.months[Dimension.ALL, ""][month].of_month()

    @property
    def cells(self) -> dict[tuple[str, str], Cell]:
        """The period's cells by dimension and value."""
        dropped = self._dropped()
        return {key: _together(months, dropped) for key, months in self.months.items()}

    def by(self, dimension: str) -> dict[str, Cell]:
        """The period's cells of one dimension by their value."""
        dropped = self._dropped()
        return {
            value: _together(months, dropped) for (found, value), months in self.months.items() if found == dimension
        }

    def _dropped(self) -> set[datetime.date]:
        """The months whose restricted consultations are in no figure: few in each of them, and few in all together.

        So no cell holds what the total does not.
        """
        months = self.months.get((Dimension.ALL, ""), {})
        few = {month: number for month, cell in months.items() if (number := cell.restricted.consultations) < FEWEST}
        return set(few) if sum(few.values()) < FEWEST else set()


def _together(months: dict[datetime.date, Cell], dropped: set[datetime.date]) -> Cell:
    together = Cell()
    for month, cell in months.items():
        together = together.plus(cell.of_month(is_dropped=month in dropped))
    return together


def cells_of(facts: dict, topics: Iterable[str]) -> Iterator[tuple[str, str, Figures]]:
    """What one consultation adds to which cells. topics: the primary one first."""
    topics = list(dict.fromkeys(topics))
    minutes = facts["minutes"]
    whole = Figures(1, len(topics), minutes)
    yield Dimension.ALL, "", whole
    for dimension, name in FACTS.items():
        yield dimension, str(facts[name]), whole
    if topics:
        yield Dimension.PRIMARY, topics[0], whole
    for topic in topics:
        yield Dimension.TOPIC, topic, Figures(1, 1, minutes)
    known = taxonomy.topics()
    for group, number in Counter(known[it].group if it in known else "" for it in topics).items():
        yield Dimension.GROUP, group, Figures(1, number, minutes)


def count(*periods: Period) -> list[Count]:
    """Each period's figures. The periods must not overlap."""
    found = [Count() for _period in periods]
    place = {month: number for number, period in enumerate(periods) for month in period.months}
    counted = set(CountedMonth.objects.filter(month__in=place).values_list("month", flat=True))
    for month, dimension, value, is_restricted, *figures in _tallied(periods, counted):
        _put(found[place[month]], month, dimension, value, Figures(*figures), is_restricted)
    for month, is_restricted, dimension, value, figures in chain(_later(counted), count_log(place.keys() - counted)):
        _put(found[place[month]], month, dimension, value, figures, is_restricted)
    return found


def count_log(months: Iterable[datetime.date]) -> Iterator[tuple[datetime.date, bool, str, str, Figures]]:
    """The cells to which each consultation of some months adds, from the log itself."""
    names = ("pk", "month", "is_restricted", "minutes", *FACTS.values())
    about = defaultdict(list)
    rows = ConsultationTopic.objects.filter(consultation__month__in=months).order_by("-is_primary", "pk")
    for consultation, topic in rows.values_list("consultation_id", "topic").iterator(chunk_size=5000):
        about[consultation].append(topic)
    for facts in Consultation.objects.filter(month__in=months).order_by().values(*names).iterator(chunk_size=5000):
        for dimension, value, figures in cells_of(facts, about[facts["pk"]]):
            yield facts["month"], facts["is_restricted"], dimension, value, figures


def _later(months: Iterable[datetime.date]) -> Iterator[tuple[datetime.date, bool, str, str, Figures]]:
    """The cells to which each consultation adds, or adds no more, since its month was counted."""
    rows = Later.objects.filter(month__in=months).values_list("month", "is_restricted", "sign", "facts")
    for month, is_restricted, sign, facts in rows:
        for dimension, value, figures in cells_of(facts, facts["topics"]):
            yield month, is_restricted, dimension, value, Figures().plus(figures, sign)


def _tallied(periods: tuple[Period, ...], months: set[datetime.date]):
    """The tallies of each month added up."""
    # Said as a range too, since an index goes faster by it.
    first, last = min(it.first for it in periods), max(it.last for it in periods)
    rows = Tally.objects.filter(month__range=(first, last), month__in=months).order_by()
    rows = rows.values_list("month", "dimension", "value", "is_restricted")
    return rows.annotate(Sum("consultations"), Sum("topics"), Sum("minutes"))


def _put(count: Count, month, dimension: str, value: str, figures: Figures, is_restricted: bool) -> None:
    count.months[dimension, value][month].add(figures, is_restricted=is_restricted)
