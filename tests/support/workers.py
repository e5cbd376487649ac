"""Which xdist worker runs which tests, and in which order, so that nothing is prepared twice and no worker waits long.

A file with `xdist_group` has an expensive setup for all its tests, so one worker runs the whole file. This scheduler
groups by file, because xdist 3.8 silently loses the groups under pytest 9: it writes them into an attribute that pytest
no longer reads.
"""

import functools

import pytest
from xdist.scheduler import LoadScopeScheduling

from tests.support.servers import ROOT


def how_late(item: pytest.Item) -> int:
    """Return the sort key of a test. Slow tests begin early, so that no worker has much left when the others finish.

    Chromium comes last, because Django uses another database connection while it runs (asgiref.local.Local).
    """
    if item.get_closest_marker("browser"):
        return 3
    return next((place for place, mark in enumerate(("servers", "thorough")) if item.get_closest_marker(mark)), 2)


@functools.cache
def is_one_unit(file: str) -> bool:
    """Whether one worker must run the whole file."""
    path = ROOT / file
    return path.is_file() and "mark.xdist_group(" in path.read_text("utf-8")


def work_unit(nodeid: str) -> str:
    """Return the unit that a worker gets at a time: a test, or a file with a setup for all its tests."""
    file = nodeid.partition("::")[0]
    return file if is_one_unit(file) else nodeid


class Scheduler(LoadScopeScheduling):
    """Gives a worker another unit when it has only one left; whole files come first."""

    def _split_scope(self, nodeid: str) -> str:
        return work_unit(nodeid)
