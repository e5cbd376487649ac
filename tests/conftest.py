"""Setup of every test: its own database, empty caches, one active language, and no network except loopback."""

import contextlib
import datetime
import gc
import ipaddress
import os
import socket
import time

import pytest
from django.core.cache import caches
from django.db import connection
from django.test import Client
from django.utils import timezone, translation
from hypothesis import Phase, settings

from tests.support.addresses import addresses  # noqa: F401  a fixture of several files
from tests.support.databases import own_copy
from tests.support.sides import can_differ, has_inputs_on_postgresql, is_invented
from tests.support.workers import Scheduler, how_late

# On PostgreSQL only the explicit examples run: the generated ones would be the same on both databases.
settings.register_profile("postgresql", phases=[Phase.explicit])
if os.environ.get("DATABASE") == "postgresql":
    settings.load_profile("postgresql")

MOST_SECONDS = 5.0  # of CPU time, for a test in the quick part
_too_slow: list[tuple[float, str]] = []

LOCAL = {"localhost", "", None}
_connect, _connect_ex, _getaddrinfo = socket.socket.connect, socket.socket.connect_ex, socket.getaddrinfo


def _insist_on_loopback(family, address) -> None:
    if family not in {socket.AF_INET, socket.AF_INET6}:
        return
    host = address[0]
    if host not in LOCAL and not ipaddress.ip_address(host).is_loopback:
        raise ConnectionRefusedError(f"A test wanted to talk to {host}; tests stay on this machine.")


def _guarded_connect(self, address):
    _insist_on_loopback(self.family, address)
    return _connect(self, address)


def _guarded_connect_ex(self, address):
    _insist_on_loopback(self.family, address)
    return _connect_ex(self, address)


def _guarded_getaddrinfo(host, *args, **options):
    name = host.decode() if isinstance(host, bytes) else host
    try:
        is_local = name in LOCAL or ipaddress.ip_address(name).is_loopback
    except ValueError:
        is_local = False
    if not is_local:
        raise ConnectionRefusedError(f"A test asked for the address of {name}; tests stay on this machine.")
    return _getaddrinfo(host, *args, **options)


def pytest_configure(config):
    socket.socket.connect, socket.socket.connect_ex = _guarded_connect, _guarded_connect_ex
    socket.getaddrinfo = _guarded_getaddrinfo


def pytest_collection_modifyitems(items):
    """Mark tests with hundreds of inputs as thorough (not in the quick part), and those that also run on PostgreSQL."""
    for item in items:
        if is_invented(item):
            item.add_marker("thorough")
        if can_differ(item):
            item.add_marker("database")
    items.sort(key=how_late)
    if os.environ.get("DATABASE") == "postgresql":
        invented = [item for item in items if is_invented(item) and can_differ(item)]
        empty = [item.nodeid for item in invented if not has_inputs_on_postgresql(item)]
        if empty:
            raise pytest.UsageError(f"On PostgreSQL these would pass without any input: {', '.join(empty)}")


def pytest_xdist_make_scheduler(config, log):
    """Return the project's own scheduler if `--dist loadgroup` asks for groups."""
    return Scheduler(config, log) if config.getvalue("dist") == "loadgroup" else None


def pytest_collection_finish():
    """Freeze the collected tests, so that the garbage collector does not scan them again and again."""
    gc.collect()
    gc.freeze()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item):
    """Record the CPU seconds of each test, which do not depend on other processes as elapsed time does."""
    begun = time.process_time()
    try:
        return (yield)
    finally:
        item.user_properties.append(("CPU seconds", time.process_time() - begun))


def pytest_runtest_logreport(report):
    """Record the tests of the quick part that were too slow."""
    seconds = dict(report.user_properties).get("CPU seconds", 0.0)
    if (
        report.when == "call"
        and seconds > MOST_SECONDS
        and not {"browser", "servers", "thorough"} & set(report.keywords)
    ):
        _too_slow.append((seconds, report.nodeid))


def pytest_terminal_summary(terminalreporter):
    """List the tests of the quick part that were too slow."""
    if _too_slow:
        terminalreporter.section(f"over the quick tests' budget of {MOST_SECONDS:.0f} CPU seconds")
        for seconds, nodeid in sorted(_too_slow, reverse=True):
            terminalreporter.line(f"{seconds:.1f} s {nodeid}: make it quicker, or mark it thorough.")


def pytest_unconfigure(config):
    socket.socket.connect, socket.socket.connect_ex = _connect, _connect_ex
    socket.getaddrinfo = _getaddrinfo


@pytest.fixture(scope="session")
def django_db_setup(django_test_environment, django_db_blocker):
    """Provide the test database, in place of pytest-django's, which would migrate in every process.

    After tests with their own transactions, `flush` empties the tables. SQLite deletes the rows, which the audit
    trail's triggers forbid, so there `flush` drops and recreates the triggers. PostgreSQL truncates the tables, which
    its trigger allows.
    """
    with contextlib.ExitStack() as until_the_end:
        with django_db_blocker.unblock():
            until_the_end.enter_context(own_copy(os.environ.get("PYTEST_XDIST_WORKER", "main")))
            if connection.vendor == "sqlite":
                _let_flush_past_the_triggers()
        yield
        until_the_end.enter_context(django_db_blocker.unblock())


def _let_flush_past_the_triggers() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'")
        triggers = cursor.fetchall()
    # Patch the class, because Django uses another connection while Playwright's event loop runs in this thread.
    operations = type(connection.ops)
    sql_flush = operations.sql_flush

    def flush_with_triggers_off(*args, **options):
        off = [f"DROP TRIGGER {name}" for name, _sql in triggers]
        return [*off, *sql_flush(*args, **options), *(sql for _name, sql in triggers)]

    operations.sql_flush = flush_with_triggers_off


@pytest.fixture(autouse=True)
def _as_if_alone():
    """Clear page copies, rate limits and language left by the previous test."""
    for cache in caches.all():
        cache.clear()
    with translation.override("en"):
        yield


@pytest.fixture
def november_2026(monkeypatch):
    """Set the portal's clock to the month of the test's figures, whenever the test runs."""
    now = timezone.now
    ahead = now() - datetime.datetime(2026, 11, 17, 3, tzinfo=datetime.UTC)
    monkeypatch.setattr(timezone, "now", lambda: now() - ahead)


@pytest.fixture
def client():
    """Provide a test client that uses a host name allowed by the portal."""
    return Client(HTTP_HOST="localhost")


@pytest.fixture
def new_client():
    """Return a function that creates further test clients; arguments as for Django's test client."""
    return lambda **options: Client(HTTP_HOST="localhost", **options)
