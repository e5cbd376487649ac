"""Months that stand still: what they said when they were closed, and what they say now."""

import datetime
from collections import defaultdict
from dataclasses import dataclass

from django.utils import timezone

from consultations.figures.counting import Count, Figures, count
from consultations.figures.periods import Period
from consultations.models import Closing


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
    months = list(reversed(period.months))
    rows = Closing.objects.filter(month__range=(period.first, period.last)).select_related("closed_by", "reopened_by")
    closings = {row.month: row for row in rows}
    counts = count(*(Period(month, month) for month in months))
    return [_state(month, found, closings.get(month)) for month, found in zip(months, counts, strict=True)]


def _state(month: datetime.date, found: Count, closing: Closing | None) -> MonthState:
    is_over = month < timezone.localdate().replace(day=1)
    has_moved = closing is not None and closing.is_closed and closing.figures != _kept(found)
    return MonthState(month, found.total.shown, closing, is_over, has_moved)


def figures_of(month: datetime.date) -> dict[str, dict[str, list[int]]]:
    """A month's figures by dimension and value (consultations, topics, minutes), to be kept with its closing.

    What is restricted is in them and not told apart: a consultation may be restricted later, the sum stays as it was.
    """
    (found,) = count(Period(month, month))
    return _kept(found)


def _kept(found: Count) -> dict[str, dict[str, list[int]]]:
    kept: dict = defaultdict(dict)
    for (dimension, value), cell in found.cells.items():
        if any(cell.whole):
            kept[str(dimension)][value] = list(cell.whole)
    return dict(kept)
