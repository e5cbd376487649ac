"""Small numbers in public: hidden, and not to be worked out from what is told."""

from collections import defaultdict
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consultations.figures.counting import FEWEST
from consultations.figures.suppression import Published, publish


@pytest.mark.parametrize(
    ("cells", "told"),
    [
        ({}, Published({}, 0, None)),
        ({"a": 4}, Published({}, 0, None)),
        ({"a": 2, "b": 2}, Published({}, 0, None)),
        ({"a": 5}, Published({"a": 5}, 0, 5)),
        ({"a": 9, "b": 0}, Published({"a": 9}, 0, 9)),
        ({"a": 9, "b": 6}, Published({"a": 9, "b": 6}, 0, 15)),
        ({"a": 9, "b": 3, "c": 3}, Published({"a": 9}, 6, 15)),
        ({"a": 90, "b": 40, "c": 1}, Published({"a": 90}, 41, 131)),  # one alone: a second one goes with it
        ({"a": 90, "b": 40, "c": 1, "d": 1}, Published({"a": 90}, 42, 132)),  # two, but too few together
        ({"a": 90, "b": 7, "c": 7, "d": 1}, Published({"a": 90}, 15, 105)),  # two of one size go together
        ({"a": 5, "b": 4, "c": 4}, Published({}, 13, 13)),  # two fours and a five would tell themselves
    ],
)
def test_small_cells_are_put_together(cells, told):
    assert publish(cells) == told


@given(st.dictionaries(st.sampled_from("abcdefghij"), st.integers(0, 60)))
def test_no_told_number_is_small_and_all_add_up(cells):
    told = publish(cells)
    if told.total is None:
        assert (sum(cells.values()) < FEWEST, told) == (True, Published({}, 0, None))
        return
    assert min([*told.cells.values(), told.rest or FEWEST, told.total]) >= FEWEST
    assert sum(told.cells.values()) + told.rest == told.total == sum(cells.values())
    assert all(told.cells[name] == cells[name] for name in told.cells)
    assert all(name not in told.cells for name, number in cells.items() if number < FEWEST)


def possible(largest: int, names: str):
    """For every page that could be published: what each cell may have been, for somebody who knows the rule."""
    behind = defaultdict(list)
    for numbers in product(range(largest + 1), repeat=len(names)):
        told = publish(dict(zip(names, numbers, strict=True)))
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
    """The control: the whole minus all that is told is the one that is not."""
    numbers = {"a": 90, "b": 40, "c": 1}
    told = {name: number for name, number in numbers.items() if number >= FEWEST}
    assert sum(numbers.values()) - sum(told.values()) == numbers["c"]
