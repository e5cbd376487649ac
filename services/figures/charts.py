"""Charts as SVG that the server draws: places in per cent, so that the words keep their size on every screen.

Each has its table beside it, which says the same in words.
"""

from collections.abc import Iterable
from dataclasses import dataclass

HEIGHT, BASE = 200, 176  # of the picture of months, and where its bars stand


@dataclass(frozen=True, slots=True)
class Bar:
    """A bar: its place in the picture as SVG takes it, and what it stands for."""

    x: str
    y: str
    width: str
    height: str
    number: int
    label: str


@dataclass(frozen=True, slots=True)
class MonthsChart:
    """Bars of the months, those of the year before behind them. `marks`: the months' names and where they stand."""

    now: list[Bar]
    before: list[Bar]
    marks: list[tuple[str, str]]
    height: int = HEIGHT
    base: int = BASE


@dataclass(frozen=True, slots=True)
class RowBar:
    """A bar below a name, and the language that the name is in, or nothing."""

    label: str
    language: str
    number: int
    width: str


def months_chart(months: Iterable[tuple[str, int, int]]) -> MonthsChart:
    """months: name, number, number of the year before."""
    months = list(months)
    most = max((max(now, before) for _name, now, before in months), default=0) or 1
    step = 100 / max(len(months), 1)
    now, before, marks = [], [], []
    for place, (name, number, number_before) in enumerate(months):
        left = place * step
        before.append(_standing(left + step * 0.12, step * 0.36, number_before, most, name))
        now.append(_standing(left + step * 0.48, step * 0.4, number, most, name))
        marks.append((name, _percent(left + step / 2)))
    return MonthsChart(now, before, marks)


def _standing(left: float, width: float, number: int, most: int, name: str) -> Bar:
    height = round((BASE - 20) * number / most, 1)
    return Bar(_percent(left), f"{BASE - height:.1f}", _percent(width), f"{height:.1f}", number, name)


def rows_chart(rows: Iterable[tuple[str, str, int]]) -> list[RowBar]:
    """rows: name, the language that the name is in (or nothing), number."""
    rows = list(rows)
    most = max((number for _name, _language, number in rows), default=0) or 1
    return [RowBar(name, language, number, _percent(100 * number / most)) for name, language, number in rows]


def _percent(share: float) -> str:
    return f"{share:.2f}%"
