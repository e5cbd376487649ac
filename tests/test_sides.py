"""Every test file is assigned to SQLite alone or to PostgreSQL too, and everything that needs PostgreSQL runs there."""

import pytest

from tests import test_access
from tests.support.nasty_texts import NASTY, every_nasty_text
from tests.support.sides import BOTH, SQLITE_ALONE, TESTS, patterns_of

FILES = sorted(file for file in TESTS.rglob("test_*.py"))


def test_every_file_of_tests_says_on_which_side_it_is():
    assert [file.name for file in FILES if not patterns_of(file, (*BOTH, *SQLITE_ALONE))] == []


@pytest.mark.parametrize("pattern", [*BOTH, *SQLITE_ALONE])
def test_side_is_of_a_file_that_is_there(pattern):
    assert [file for file in FILES if patterns_of(file, [pattern])] != []


def test_every_page_is_opened_on_postgresql_by_somebody_who_may():
    names = {*test_access.access.ACCESS, *test_access.ONLY}
    unseen = {name for name in names if test_access.admitted(name).isdisjoint(test_access.ON_POSTGRESQL)}
    assert unseen <= set(test_access.SHUT)


@pytest.mark.parametrize(
    "wanted",
    [{"texts": ["text"]}, {"texts": ["text", "other"], "step": 2}, {"words": 5, "step": 5}, {"words": 40, "step": 35}],
)
def test_every_nasty_text_is_an_example(wanted):
    def test(**values):
        pass

    wanted = dict(wanted)
    every_nasty_text(*wanted.pop("texts", ()), **wanted)(test)
    given = [each.kwargs for each in test.hypothesis_explicit_examples]
    seen = {text for values in given for value in values.values() for text in ([value] if value in NASTY else value)}
    assert seen == set(NASTY)
