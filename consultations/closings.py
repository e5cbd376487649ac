"""Months that stand still: what they said when they were closed, and what they say now."""

import datetime
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from django.utils import timezone

from consultations.counting import Figures, count
from consultations.models import Closing, Tally
from consultations.periods import Period


@dataclass(frozen=True, slots=True)
class MonthState:
    """A month: its figures, whether it stands still, and if so whether it still says what it said then."""

    month: datetime.date
    figures: Figures
    closing: Closing | None
    is_over: bool
    has_moved: bool

    @property
    def is_closed(self) -> bool:
        """Whether it stands still."""
        return self.closing is not None and self.closing.is_closed


def months_with_state(period: Period) -> list[MonthState]:
    """The months of a period, the newest first."""
    (found,) = count(period)
    rows = Closing.objects.filter(month__range=(period.first, period.last)).select_related("closed_by", "reopened_by")
    closings = {row.month: row for row in rows}
    now = figures_of_months(closings)
    this_month = timezone.localdate().replace(day=1)
    return [
        MonthState(
            month,
            found.by_month[month].shown,
            closing := closings.get(month),
            month < this_month,
            bool(closing and closing.is_closed and closing.figures != now.get(month, {})),
        )
        for month in reversed(period.months)
    ]


def figures_of(month: datetime.date) -> dict[str, dict[str, list[int]]]:
    """A month's tallies by dimension and value: consultations, topics, minutes; what is restricted is in them."""
    return figures_of_months([month]).get(month, {})


def figures_of_months(
    months: Iterable[datetime.date],
) -> dict[datetime.date, dict[str, dict[str, list[int]]]]:
    """The same for several months, those without any left out."""
    found: dict = defaultdict(lambda: defaultdict(dict))
    rows = Tally.objects.filter(month__in=months).order_by("month", "dimension", "value")
    for month, dimension, value, *figures in rows.values_list(
        "month", "dimension", "value", "consultations", "topics", "minutes"
    ):
        before = found[month][dimension].get(value, [0, 0, 0])
        found[month][dimension][value] = [one + more for one, more in zip(before, figures, strict=True)]
    return {month: {name: dict(values) for name, values in by.items()} for month, by in found.items()}
