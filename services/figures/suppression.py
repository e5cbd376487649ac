"""Small numbers in what everybody may read: nobody is to be recognised in a figure (docs/adr/0013-counting.md)."""

from collections.abc import Mapping
from dataclasses import dataclass

from consultations.figures.counting import FEWEST

_UNSAID = "\0"  # no cell's name


@dataclass(frozen=True, slots=True)
class Published:
    """What may be published of a division: the cells that are large enough, the rest together, and the whole.

    `rest` is 0 where nothing is hidden. `total` is None where the whole is too small to be told; then nothing is.
    """

    cells: dict[str, int]
    rest: int
    total: int | None


def publish(cells: Mapping[str, int], *, unsaid: int = 0) -> Published:
    """Tell a division so that no hidden cell can be worked out, not even by somebody who has read this function.

    Cells under five are put together with the next larger ones until the rest holds two of them at least and five
    consultations. Cells of one size go together, else their order would tell which of them was hidden. A zero is told
    (by not being in the list): it is about nobody. unsaid: how many are in the total and must be in no cell.
    """
    numbers = {name: number for name, number in cells.items() if number} | ({_UNSAID: unsaid} if unsaid else {})
    total = sum(numbers.values())
    if total < FEWEST:
        return Published({}, 0, None)
    hidden = [name for name, number in numbers.items() if number < FEWEST or name == _UNSAID]
    while hidden and not _is_safe([numbers[name] for name in hidden]):
        shown = {name: number for name, number in numbers.items() if name not in hidden}
        if not shown:
            break
        smallest = min(shown.values())
        hidden += [name for name, number in shown.items() if number == smallest]
    told = {name: number for name, number in numbers.items() if name not in hidden}
    return Published(told, sum(numbers[name] for name in hidden), total)


def _is_safe(hidden: list[int]) -> bool:
    # If each were as large as a hidden cell can be, the sum alone would tell them all.
    return len(hidden) >= 2 and sum(hidden) >= FEWEST and sum(hidden) != len(hidden) * (FEWEST - 1)
