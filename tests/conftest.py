"""What every test has: its own city, its own caches, one active language, and no network but the loopback."""

import datetime
import ipaddress
import socket

import pytest
from django.core.cache import caches
from django.db import connection
from django.test import Client
from django.utils import timezone, translation

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
    """Tests that try hundreds of inputs are thorough, and so not in the quick part."""
    for item in items:
        if getattr(getattr(item, "obj", None), "is_hypothesis_test", False):
            item.add_marker("thorough")


def pytest_unconfigure(config):
    socket.socket.connect, socket.socket.connect_ex = _connect, _connect_ex
    socket.getaddrinfo = _getaddrinfo


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup, django_db_blocker):
    """The test database; on SQLite its flush takes the trail's triggers off and puts them back.

    Tests with transactions of their own are tidied up by `flush`, which deletes row by row on SQLite;
    PostgreSQL truncates, which the trail's trigger does not forbid.
    """
    with django_db_blocker.unblock():
        if connection.vendor != "sqlite":
            return
        with connection.cursor() as cursor:
            cursor.execute("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'")
            triggers = cursor.fetchall()
    sql_flush = connection.ops.sql_flush

    def flush_with_triggers_off(*args, **options):
        off = [f"DROP TRIGGER {name}" for name, _sql in triggers]
        return [*off, *sql_flush(*args, **options), *(sql for _name, sql in triggers)]

    connection.ops.sql_flush = flush_with_triggers_off


@pytest.fixture(autouse=True)
def _as_if_alone():
    """No page copies, limits or language from the test before."""
    for cache in caches.all():
        cache.clear()
    with translation.override("en"):
        yield


@pytest.fixture
def november_2026(monkeypatch):
    """The portal's clock, in the month of which a test's figures tell, whenever it runs."""
    now = timezone.now
    ahead = now() - datetime.datetime(2026, 11, 17, 3, tzinfo=datetime.UTC)
    monkeypatch.setattr(timezone, "now", lambda: now() - ahead)


@pytest.fixture
def client():
    """A browser that speaks to the portal by a name it answers to."""
    return Client(HTTP_HOST="localhost")


@pytest.fixture
def new_client():
    """A maker of further browsers; keyword arguments as for Django's test client."""
    return lambda **options: Client(HTTP_HOST="localhost", **options)
