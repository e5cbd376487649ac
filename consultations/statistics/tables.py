"""The desk's statistics as tables: a period beside the same months of the previous year.

The figures are printed, sent and filed, so they are the same for every reader: nobody is counted as a member of a
restricted case (`CellTotals.publishable`).
"""

import datetime
from collections.abc import Iterable
from dataclasses import dataclass

from django.urls import reverse
from django.utils import timezone
from django.utils.http import urlencode
from django.utils.translation import pgettext_lazy

from consultations.records.counts import CellTotals, PeriodCount, Totals, count_period
from consultations.records.models import Dimension
from consultations.statistics.labels import DIMENSION_LABELS, country_group
from consultations.timetable.models import DeskShift
from services.accounts.models import User
from services.accounts.roles import Role
from services.figures.charts import RowBar, rows_chart
from services.figures.periods import Period, month_after
from services.schedules.models import occurrences

TITLES = {
    Dimension.LANGUAGE: pgettext_lazy("staff", "Language used"),
    Dimension.PRIMARY_TOPIC: pgettext_lazy("staff", "Main topic"),
    Dimension.TOPIC: pgettext_lazy("staff", "All topics"),
    Dimension.CHANNEL: pgettext_lazy("staff", "How people contacted the desk"),
    Dimension.LANGUAGE_SUPPORT: pgettext_lazy("staff", "Language support"),
    Dimension.NATIONALITY: pgettext_lazy("staff", "Nationality by region"),
    Dimension.OUTCOME: pgettext_lazy("staff", "Outcome"),
}
FILTERS = {Dimension.LANGUAGE, Dimension.TOPIC, Dimension.CHANNEL, Dimension.OUTCOME}  # filters that the list has
CHARTED = {Dimension.LANGUAGE, Dimension.PRIMARY_TOPIC}


@dataclass(frozen=True, slots=True)
class StatisticsRow:
    """One value: its totals, those of the previous year, and the URL of its list if the reader may see it."""

    name: str
    now: Totals
    before: Totals
    url: str = ""

    @property
    def change(self) -> int:
        """The change in consultations."""
        return self.now.consultations - self.before.consultations


@dataclass(frozen=True, slots=True)
class StatisticsTable:
    """One breakdown of the consultations."""

    key: str
    title: str
    lines: list[StatisticsRow]

    @property
    def picture(self) -> list[RowBar] | None:
        """The table's chart, if it has one."""
        rows = ((line.name, "", line.now.consultations) for line in self.lines if line.now.consultations)
        return rows_chart(rows) if self.key in CHARTED else None


@dataclass(frozen=True, slots=True)
class Statistics:
    """The statistics of a period."""

    period: Period
    total: StatisticsRow
    months: list[StatisticsRow]
    tables: list[StatisticsTable]


@dataclass(frozen=True, slots=True)
class AdviserWorkload:
    """An adviser's consultations and their minutes, and the minutes of their shifts."""

    name: str
    figures: Totals
    on_duty: int

    @property
    def hours_on_duty(self) -> str:
        """The minutes on shift as hours, for display."""
        return f"{self.on_duty / 60:.1f}"


def load_statistics(period: Period, *, reader: User) -> Statistics:
    """Load a period's statistics beside the previous year's, with links to lists that the reader may see."""
    now, before = count_period(period, period.year_before)
    months = [
        StatisticsRow(
            f"{month:%Y-%m}",
            now.in_month(month).publishable,
            before.in_month(year_ago).publishable,
            list_url(reader, Period(month, month)),
        )
        for month, year_ago in zip(period.months, period.year_before.months, strict=True)
    ]
    total = StatisticsRow(str(period), now.overall.publishable, before.overall.publishable, list_url(reader, period))
    tables = [
        StatisticsTable(key, str(title), _rows(key, now, before, reader, period)) for key, title in TITLES.items()
    ]
    return Statistics(period, total, months, tables)


def _rows(dimension: str, now: PeriodCount, before: PeriodCount, reader: User, period: Period) -> list[StatisticsRow]:
    cells, cells_before = (_grouped(dimension, it.by(dimension)) for it in (now, before))
    found = []
    for value in cells | cells_before:
        cell, cell_before = (it.get(value, CellTotals()).publishable for it in (cells, cells_before))
        if cell.consultations or cell_before.consultations:
            url = list_url(reader, period, **{dimension: value}) if dimension in FILTERS else ""
            found.append(
                StatisticsRow(DIMENSION_LABELS[dimension](value), cell, cell_before, url if cell.consultations else "")
            )
    return sorted(found, key=lambda line: (-line.now.consultations, -line.before.consultations, line.name))


def _grouped(dimension: str, cells: dict[str, CellTotals]) -> dict[str, CellTotals]:
    if dimension != Dimension.NATIONALITY:
        return cells
    grouped: dict[str, CellTotals] = {}
    for code, cell in cells.items():
        group = country_group(code)
        grouped[group] = grouped.get(group, CellTotals()).plus(cell)
    return grouped


def list_url(reader: User, period: Period, **chosen: str) -> str:
    """Return the URL of a period's list for managers. An adviser's own list would not match the figures."""
    if not reader.has_role(Role.MANAGER):
        return ""
    return f"{reverse('log:index')}?{urlencode({'period': period.query_value, **chosen})}"


def load_hours(period: Period, *, reader: User) -> list[AdviserWorkload]:
    """Load the advisers' hours: all of them for a manager, otherwise only the reader's own."""
    (found,) = count_period(period)
    cells = {int(value): cell for value, cell in found.by(Dimension.ADVISER).items()}
    shifts = list(DeskShift.objects.select_related("schedule"))
    on_duty = _minutes_on_shift(shifts, period)
    keys = {key for key, cell in cells.items() if cell.publishable.consultations} | on_duty.keys()
    if not reader.has_role(Role.MANAGER):
        keys = {reader.pk}
    hours = []
    for adviser in User.objects.filter(pk__in=keys):
        cell = cells.get(adviser.pk, CellTotals())
        # Readers know their own consultations anyway.
        figures = cell.total if adviser == reader else cell.publishable
        hours.append(AdviserWorkload(str(adviser), figures, on_duty.get(adviser.pk, 0)))
    return sorted(hours, key=lambda it: (-it.figures.minutes, it.name))


def _minutes_on_shift(shifts: Iterable[DeskShift], period: Period) -> dict[int, int]:
    end = min(month_after(period.last) - datetime.timedelta(days=1), timezone.localdate())
    adviser_of = {shift.schedule_id: shift.adviser_id for shift in shifts}
    found: dict[int, int] = {}
    for schedule, times in occurrences([shift.schedule for shift in shifts], period.first, end).items():
        minutes = sum(int(it.duration.total_seconds()) // 60 for it in times)
        found[adviser_of[schedule]] = found.get(adviser_of[schedule], 0) + minutes
    return {adviser: minutes for adviser, minutes in found.items() if minutes}
