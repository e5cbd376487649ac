"""Small public numbers are hidden and cannot be worked out from the published ones."""

from collections import defaultdict
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.figures.suppression import THRESHOLD, SuppressedTable, suppress_small_cells


@pytest.mark.parametrize(
    ("cells", "told"),
    [
        ({}, SuppressedTable({}, 0, None)),
        ({"a": 4}, SuppressedTable({}, 0, None)),
        ({"a": 2, "b": 2}, SuppressedTable({}, 0, None)),
        ({"a": 5}, SuppressedTable({"a": 5}, 0, 5)),
        ({"a": 9, "b": 0}, SuppressedTable({"a": 9}, 0, 9)),
        ({"a": 9, "b": 6}, SuppressedTable({"a": 9, "b": 6}, 0, 15)),
        ({"a": 9, "b": 3, "c": 3}, SuppressedTable({"a": 9}, 6, 15)),
        ({"a": 90, "b": 40, "c": 1}, SuppressedTable({"a": 90}, 41, 131)),  # one small cell hides a second one
        ({"a": 90, "b": 40, "c": 1, "d": 1}, SuppressedTable({"a": 90}, 42, 132)),  # two, but too few together
        ({"a": 90, "b": 7, "c": 7, "d": 1}, SuppressedTable({"a": 90}, 15, 105)),  # two equal cells are hidden together
        ({"a": 5, "b": 4, "c": 4}, SuppressedTable({}, 13, 13)),  # two fours and a five could be worked out
    ],
)
def test_small_cells_are_put_together(cells, told):
    assert suppress_small_cells(cells) == told


@given(st.dictionaries(st.sampled_from("abcdefghij"), st.integers(0, 60)))
def test_no_told_number_is_small_and_all_add_up(cells):
    told = suppress_small_cells(cells)
    if told.total is None:
        assert (sum(cells.values()) < THRESHOLD, told) == (True, SuppressedTable({}, 0, None))
        return
    assert min([*told.cells.values(), told.rest or THRESHOLD, told.total]) >= THRESHOLD
    assert sum(told.cells.values()) + told.rest == told.total == sum(cells.values())
    assert all(told.cells[name] == cells[name] for name in told.cells)
    assert all(name not in told.cells for name, number in cells.items() if number < THRESHOLD)


def possible(largest: int, names: str):
    """Map each table that could be published to the cell values possible behind it, for a reader who knows the rule."""
    behind = defaultdict(list)
    for numbers in product(range(largest + 1), repeat=len(names)):
        told = suppress_small_cells(dict(zip(names, numbers, strict=True)))
        behind[tuple(sorted(told.cells.items())), told.rest, told.total].append(numbers)
    return behind


@pytest.mark.parametrize(("names", "largest"), [("ab", 14), ("abc", 12), ("abcd", 8)])
def test_hidden_cell_cannot_be_worked_out(names, largest):
    for (told, rest, total), numbers in possible(largest, names).items():
        if rest or total is None:
            for place, name in enumerate(names):
                if name not in dict(told):
                    assert len({each[place] for each in numbers}) > 1, (told, rest, total, name)


def test_hidden_cell_could_be_worked_out_without_the_second_one():
    """Negative control: the total less the published cells is the one hidden cell."""
    numbers = {"a": 90, "b": 40, "c": 1}
    told = {name: number for name, number in numbers.items() if number >= THRESHOLD}
    assert sum(numbers.values()) - sum(told.values()) == numbers["c"]
