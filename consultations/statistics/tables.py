"""The desk's figures as tables: a period beside the same months a year before.

The figures are the city's, the same for whoever looks: they are printed, sent and filed. So everybody counts as no
member of what is restricted (`Cell.shown`).
"""

import datetime
from collections.abc import Iterable
from dataclasses import dataclass

from django.urls import reverse
from django.utils import timezone
from django.utils.http import urlencode
from django.utils.translation import pgettext_lazy

from consultations.figures.charts import RowBar, rows_chart
from consultations.figures.counting import Cell, Count, Figures, count
from consultations.figures.naming import NAMES, country_group
from consultations.figures.periods import Period, month_after
from consultations.models import Dimension, Duty
from services.accounts.models import User
from services.accounts.roles import Role
from services.schedules.models import occurrences

TITLES = {
    Dimension.LANGUAGE: pgettext_lazy("staff", "Language used"),
    Dimension.PRIMARY: pgettext_lazy("staff", "Main topic"),
    Dimension.TOPIC: pgettext_lazy("staff", "All topics"),
    Dimension.CHANNEL: pgettext_lazy("staff", "How they came to the desk"),
    Dimension.BRIDGING: pgettext_lazy("staff", "How the language was bridged"),
    Dimension.NATIONALITY: pgettext_lazy("staff", "Region of nationality"),
    Dimension.OUTCOME: pgettext_lazy("staff", "What was done"),
}
FILTERS = {Dimension.LANGUAGE, Dimension.TOPIC, Dimension.CHANNEL, Dimension.OUTCOME}  # what the list can be asked for
PICTURES = {Dimension.LANGUAGE, Dimension.PRIMARY}


@dataclass(frozen=True, slots=True)
class Line:
    """One value: its figures, those of the year before, and the list behind it if the reader may see that."""

    name: str
    now: Figures
    before: Figures
    url: str = ""

    @property
    def change(self) -> int:
        """How many consultations more."""
        return self.now.consultations - self.before.consultations


@dataclass(frozen=True, slots=True)
class Table:
    """One way to divide the consultations."""

    key: str
    title: str
    lines: list[Line]

    @property
    def picture(self) -> list[RowBar] | None:
        """Its picture, if it is drawn too."""
        rows = ((line.name, "", line.now.consultations) for line in self.lines if line.now.consultations)
        return rows_chart(rows) if self.key in PICTURES else None


@dataclass(frozen=True, slots=True)
class Statistics:
    """A period in figures."""

    period: Period
    total: Line
    months: list[Line]
    tables: list[Table]


@dataclass(frozen=True, slots=True)
class Hours:
    """What an adviser did: consultations and their minutes, and the minutes at the desk by the roster."""

    name: str
    figures: Figures
    on_duty: int

    @property
    def hours_on_duty(self) -> str:
        """The minutes on duty as hours, for people."""
        return f"{self.on_duty / 60:.1f}"


def read_statistics(period: Period, *, reader: User) -> Statistics:
    """A period's figures beside the same months a year before, with links for who may see the lists."""
    now, before = count(period, period.year_before)
    months = [
        Line(
            f"{month:%Y-%m}",
            now.in_month(month).shown,
            before.in_month(year_ago).shown,
            list_url(reader, Period(month, month)),
        )
        for month, year_ago in zip(period.months, period.year_before.months, strict=True)
    ]
    total = Line(str(period), now.total.shown, before.total.shown, list_url(reader, period))
    tables = [Table(key, str(title), _lines(key, now, before, reader, period)) for key, title in TITLES.items()]
    return Statistics(period, total, months, tables)


def _lines(dimension: str, now: Count, before: Count, reader: User, period: Period) -> list[Line]:
    cells, cells_before = (_grouped(dimension, it.by(dimension)) for it in (now, before))
    found = []
    for value in cells | cells_before:
        cell, cell_before = (it.get(value, Cell()).shown for it in (cells, cells_before))
        if cell.consultations or cell_before.consultations:
            url = list_url(reader, period, **{dimension: value}) if dimension in FILTERS else ""
            found.append(Line(NAMES[dimension](value), cell, cell_before, url if cell.consultations else ""))
    return sorted(found, key=lambda line: (-line.now.consultations, -line.before.consultations, line.name))


def _grouped(dimension: str, cells: dict[str, Cell]) -> dict[str, Cell]:
    if dimension != Dimension.NATIONALITY:
        return cells
    grouped: dict[str, Cell] = {}
    for code, cell in cells.items():
        group = country_group(code)
        grouped[group] = grouped.get(group, Cell()).plus(cell)
    return grouped


def list_url(reader: User, period: Period, **chosen: str) -> str:
    """The list of a period's consultations, for managers: an adviser's own list is another number."""
    if not reader.has_role(Role.MANAGER):
        return ""
    return f"{reverse('log:index')}?{urlencode({'period': period.typed, **chosen})}"


def read_hours(period: Period, *, reader: User) -> list[Hours]:
    """The advisers' hours: all of them for a manager, one's own for an adviser."""
    (found,) = count(period)
    cells = {int(value): cell for value, cell in found.by(Dimension.ADVISER).items()}
    duties = list(Duty.objects.select_related("schedule"))
    on_duty = _minutes_on_duty(duties, period)
    keys = {key for key, cell in cells.items() if cell.shown.consultations} | on_duty.keys()
    if not reader.has_role(Role.MANAGER):
        keys = {reader.pk}
    hours = []
    for adviser in User.objects.filter(pk__in=keys):
        cell = cells.get(adviser.pk, Cell())
        # One's own consultations one knows anyway.
        figures = cell.whole if adviser == reader else cell.shown
        hours.append(Hours(str(adviser), figures, on_duty.get(adviser.pk, 0)))
    return sorted(hours, key=lambda it: (-it.figures.minutes, it.name))


def _minutes_on_duty(duties: Iterable[Duty], period: Period) -> dict[int, int]:
    end = min(month_after(period.last) - datetime.timedelta(days=1), timezone.localdate())
    adviser_of = {duty.schedule_id: duty.adviser_id for duty in duties}
    found: dict[int, int] = {}
    for schedule, times in occurrences([duty.schedule for duty in duties], period.first, end).items():
        minutes = sum(int((it.ends_at - it.starts_at).total_seconds()) // 60 for it in times)
        found[adviser_of[schedule]] = found.get(adviser_of[schedule], 0) + minutes
    return {adviser: minutes for adviser, minutes in found.items() if minutes}
