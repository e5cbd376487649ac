"""Closed months: their figures when they were closed, and their figures now."""

import datetime
from collections import defaultdict
from dataclasses import dataclass

from django.utils import timezone

from consultations.records.counts import PeriodCount, Totals, count_period
from consultations.records.models import ClosedMonth
from services.figures.periods import Period


@dataclass(frozen=True, slots=True)
class MonthState:
    """A month, its figures, whether it is closed, and whether its figures have changed since."""

    month: datetime.date
    figures: Totals
    closing: ClosedMonth | None
    is_over: bool
    has_moved: bool

    @property
    def is_closed(self) -> bool:
        """Whether the month is closed."""
        return self.closing is not None and self.closing.is_closed


def months_with_state(period: Period) -> list[MonthState]:
    """Return the months of a period with their state, newest first."""
    months = list(reversed(period.months))
    rows = ClosedMonth.objects.filter(month__range=(period.first, period.last)).select_related(
        "closed_by", "reopened_by"
    )
    closings = {row.month: row for row in rows}
    counts = count_period(*(Period(month, month) for month in months))
    return [_month_state(month, found, closings.get(month)) for month, found in zip(months, counts, strict=True)]


def _month_state(month: datetime.date, found: PeriodCount, closing: ClosedMonth | None) -> MonthState:
    is_over = month < timezone.localdate().replace(day=1)
    has_moved = closing is not None and closing.is_closed and closing.figures != _closing_figures(found)
    return MonthState(month, found.overall.publishable, closing, is_over, has_moved)


def figures_to_close(month: datetime.date) -> dict[str, dict[str, list[int]]]:
    """Return a month's figures to store at its closing: dimension → value → [consultations, topics, minutes].

    Restricted consultations are included without distinction, so that restricting one later changes no sum.
    """
    (found,) = count_period(Period(month, month))
    return _closing_figures(found)


def _closing_figures(found: PeriodCount) -> dict[str, dict[str, list[int]]]:
    figures: dict = defaultdict(dict)
    for (dimension, value), cell in found.cells.items():
        if any(cell.total):
            figures[str(dimension)][value] = list(cell.total)
    return dict(figures)
