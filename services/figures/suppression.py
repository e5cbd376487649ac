"""Suppress small cells of public statistics, so that nobody can be identified (docs/adr/0013-counting.md)."""

from collections.abc import Mapping
from dataclasses import dataclass

_WITHHELD = "\0"  # cannot be a cell's name


@dataclass(frozen=True, slots=True)
class SuppressedTable:
    """The publishable part of a table: the large enough cells, the sum of all others, and the total.

    `rest` is 0 if no cell is hidden. `total` is None if it is too small itself: then nothing is published.
    """

    cells: dict[str, int]
    rest: int
    total: int | None


def suppress_small_cells(cells: Mapping[str, int], *, withheld: int = 0) -> SuppressedTable:
    """Hide cells so that no hidden number can be worked out, not even by somebody who knows this function.

    Cells under five are merged with the next larger ones until the rest holds at least two cells and five
    consultations. Cells of equal size are hidden together, or their order would reveal which was hidden. Zeros are left
    out, which reveals them: they are about nobody. withheld: how many of the total must not appear in any cell.
    """
    numbers = {name: number for name, number in cells.items() if number} | ({_WITHHELD: withheld} if withheld else {})
    total = sum(numbers.values())
    if total < THRESHOLD:
        return SuppressedTable({}, 0, None)
    hidden = [name for name, number in numbers.items() if number < THRESHOLD or name == _WITHHELD]
    while hidden and not _is_safe([numbers[name] for name in hidden]):
        shown = {name: number for name, number in numbers.items() if name not in hidden}
        if not shown:
            break
        smallest = min(shown.values())
        hidden += [name for name, number in shown.items() if number == smallest]
    shown = {name: number for name, number in numbers.items() if name not in hidden}
    return SuppressedTable(shown, sum(numbers[name] for name in hidden), total)


def _is_safe(hidden: list[int]) -> bool:
    # If all hidden cells had the largest hidden size, their sum alone would reveal each of them.
    return len(hidden) >= 2 and sum(hidden) >= THRESHOLD and sum(hidden) != len(hidden) * (THRESHOLD - 1)


THRESHOLD = 5
