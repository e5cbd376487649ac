"""Which tests also run on PostgreSQL: those whose result could differ there. All tests run on SQLite.

A test is marked `database` automatically if its file is for both databases and it needs a database or a server. Pages
use the same queries as the tests of actions, which run on both, so files about pages run only on SQLite. The
exceptions are tests with transactions of their own, tests that count queries or send nasty texts, and tests that are
marked `database` by hand.
"""

from fnmatch import fnmatch
from pathlib import Path

import pytest
from hypothesis import Phase

TESTS = Path(__file__).resolve().parents[1]
BOTH = (
    *("accounts/*", "audit/*", "base/*", "consultations/*", "guide/*", "languages/*"),
    *("messaging/*", "notices/*", "portal/*"),
    *("registration/*", "schedules/*", "test_bad_input.py", "test_bad_input_signed_in.py", "test_foundation.py"),
    "test_red_team.py",
)
SQLITE_ALONE = {
    "browser/*": "what a browser makes of pages",
    "*/test_*_pages.py": "pages: their words, forms and links",
    "guide/test_pages.py": "pages: their words, forms and links",
    "consultations/records/test_one_guard.py": "pages: who is answered what",
    "test_benchmarks.py": "reads what one command prints",
    "test_access.py": "pages: who may open them; on PostgreSQL by the roles that together open every page",
    "test_canary.py": "pages: what they show to whom; on PostgreSQL the dump",
    "test_house_rules.py": "reads files",
    "test_sides.py": "reads files",
}
DATABASE_FIXTURES = {"db", "transactional_db"}
QUERY_COUNTS = {"django_assert_num_queries", "django_assert_max_num_queries"}


def patterns_of(file: Path, patterns) -> list[str]:
    """Return the patterns that the test file matches."""
    name = file.relative_to(TESTS).as_posix()
    return [pattern for pattern in patterns if fnmatch(name, pattern)]


def can_differ(item: pytest.Item) -> bool:
    """Whether the test's result could differ on PostgreSQL."""
    if item.get_closest_marker("once"):
        return False
    if item.get_closest_marker("database"):
        return True
    database = item.get_closest_marker("django_db")
    if patterns_of(item.path, SQLITE_ALONE):
        has_own_transactions = bool(database and database.kwargs.get("transaction"))
        counts_queries = not QUERY_COUNTS.isdisjoint(item.fixturenames)
        return has_own_transactions or counts_queries or (needs_database(item) and is_invented(item))
    return needs_database(item) or bool(item.get_closest_marker("servers"))


def needs_database(item: pytest.Item) -> bool:
    """Whether the test uses a database."""
    return bool(item.get_closest_marker("django_db")) or not DATABASE_FIXTURES.isdisjoint(item.fixturenames)


def is_invented(item: pytest.Item) -> bool:
    """Whether Hypothesis generates the test's inputs."""
    return getattr(getattr(item, "obj", None), "is_hypothesis_test", False)


def has_inputs_on_postgresql(item: pytest.Item) -> bool:
    """Whether a Hypothesis test has explicit examples or generates inputs there; if not, it would pass without any."""
    test = item.obj
    is_explicit = bool(getattr(test.hypothesis.inner_test, "hypothesis_explicit_examples", ()))
    return is_explicit or Phase.generate in test._hypothesis_internal_use_settings.phases
