"""Charts drawn by the server as SVG, with positions in per cent so that text keeps its size on every screen.

Each chart has a table beside it with the same numbers.
"""

from collections.abc import Iterable
from dataclasses import dataclass

HEIGHT, BASE = 200, 176  # of the chart of months, and of the bottom of its bars


@dataclass(frozen=True, slots=True)
class Bar:
    """A vertical bar: its position as SVG attributes, its number and its label."""

    x: str
    y: str
    width: str
    height: str
    number: int
    label: str


@dataclass(frozen=True, slots=True)
class MonthsChart:
    """Bars of the months, with the previous year's behind them. `marks`: the months' names and their positions."""

    now: list[Bar]
    before: list[Bar]
    marks: list[tuple[str, str]]
    height: int = HEIGHT
    base: int = BASE


@dataclass(frozen=True, slots=True)
class RowBar:
    """A horizontal bar below a label. `language`: the label's, or ""."""

    label: str
    language: str
    number: int
    width: str


def months_chart(months: Iterable[tuple[str, int, int]]) -> MonthsChart:
    """Draw vertical bars. months: name, number, number of the previous year."""
    months = list(months)
    most = max((max(now, before) for _name, now, before in months), default=0) or 1
    step = 100 / max(len(months), 1)
    now, before, marks = [], [], []
    for place, (name, number, number_before) in enumerate(months):
        left = place * step
        before.append(_vertical_bar(left + step * 0.12, step * 0.36, number_before, most, name))
        now.append(_vertical_bar(left + step * 0.48, step * 0.4, number, most, name))
        marks.append((name, _percent(left + step / 2)))
    return MonthsChart(now, before, marks)


def _vertical_bar(left: float, width: float, number: int, most: int, name: str) -> Bar:
    height = round((BASE - 20) * number / most, 1)
    return Bar(_percent(left), f"{BASE - height:.1f}", _percent(width), f"{height:.1f}", number, name)


def rows_chart(rows: Iterable[tuple[str, str, int]]) -> list[RowBar]:
    """Draw horizontal bars. rows: name, its language (or ""), number."""
    rows = list(rows)
    most = max((number for _name, _language, number in rows), default=0) or 1
    return [RowBar(name, language, number, _percent(100 * number / most)) for name, language, number in rows]


def _percent(share: float) -> str:
    return f"{share:.2f}%"
