"""The tests' own infrastructure: the network guard and the private servers."""

import socket
import urllib.request

import pytest
from django.db import connection

from services.audit.models import AuditEntry
from services.audit.trail import record
from tests.support import servers
from tests.support.workers import work_unit


def test_network_beyond_the_loopback_is_refused():
    with socket.socket() as caller, pytest.raises(ConnectionRefusedError, match="stay on this machine"):
        caller.connect(("192.0.2.1", 80))
    with pytest.raises(ConnectionRefusedError, match="stay on this machine"):
        socket.getaddrinfo("example.org", 80)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("time", ["first", "second"])
def test_flush_leaves_no_line_and_the_triggers_in_place(time):
    assert AuditEntry.objects.count() == 0
    record(None, "tests.first")
    assert AuditEntry.objects.count() == 1
    if connection.vendor == "sqlite":
        with connection.cursor() as cursor:
            cursor.execute("SELECT count(*) FROM sqlite_master WHERE type = 'trigger'")
            assert cursor.fetchone() == (6,)


def test_file_that_prepares_something_for_all_its_tests_is_one_workers():
    prepared, alone = "tests/portal/test_backup.py::test_one", "tests/test_foundation.py::test_two[a@b]"
    assert [work_unit(nodeid) for nodeid in (prepared, alone)] == ["tests/portal/test_backup.py", alone]


@pytest.mark.servers
@pytest.mark.once
def test_private_servers_answer_and_are_gone_afterwards():
    with servers.redis_server() as redis_url, servers.smtp_sink() as sink:
        ports = [int(redis_url.split(":")[2].split("/")[0]), sink.port]
        assert [servers.answers(port) for port in ports] == [True, True]
    assert [servers.answers(port) for port in ports] == [False, False]


@pytest.mark.servers
@pytest.mark.once
def test_portal_web_process_answers(tmp_path):
    env = servers.environment(VAR_DIR=str(tmp_path))
    servers.manage("migrate", "-v0", env=env)
    servers.manage("collectstatic", "--noinput", "-v0", env=env)
    with servers.web(env) as portal:
        assert portal.get("/healthz")[0] == 200
        with urllib.request.urlopen(f"{portal.url}/ne/", timeout=20) as page:
            assert b'<html lang="ne" dir="ltr"' in page.read()
    assert servers.answers(portal.port) is False
