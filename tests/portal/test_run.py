"""`make run` starts, answers, ends with one Ctrl-C and leaves nothing behind; the same the second time."""

import os
import re
import shutil
import signal
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import psutil
import pytest

from tests.support import servers

pytestmark = [pytest.mark.servers, pytest.mark.once]
VENV = Path(sys.prefix)


@pytest.fixture
def checkout(tmp_path):
    """A copy of the project as if newly cloned, without generated files."""
    left_out = shutil.ignore_patterns(".venv", ".git", "var", "__pycache__", "*.mo", ".*_cache", ".hypothesis", "tests")
    return shutil.copytree(servers.ROOT, tmp_path / "checkout", ignore=left_out)


def make_run(checkout, env, log):
    return servers.start(["make", "run"], cwd=checkout, env=env, log=log, ending=signal.SIGINT)


def family(process) -> list[psutil.Process]:
    parent = psutil.Process(process.pid)
    return [parent, *parent.children(recursive=True)]


def first_page(port) -> str:
    with urllib.request.urlopen(f"http://localhost:{port}/ne/", timeout=20) as response:
        assert response.status == 200
        return response.read().decode()


def test_make_run_starts_answers_stops_and_leaves_nothing(checkout, tmp_path):
    port, var = servers.free_port(), tmp_path / "var"
    env = servers.environment(PORT=str(port), VENV=str(VENV), VAR_DIR=str(var))
    del env["DEMO"]  # make sets it
    env.pop("MAKEFLAGS", None)
    for start in ("first", "second"):
        log = tmp_path / f"{start}.log"
        process = make_run(checkout, env, log)
        servers.wait_until(
            lambda p=process: servers.answers(port) or p.poll() is not None, timeout=120, what="make run"
        )
        assert process.poll() is None, log.read_text()
        page = first_page(port)
        assert '<html lang="ne"' in page
        styles = re.search(r'href="(/static/portal\.[0-9a-f]{12}\.css)"', page)
        with urllib.request.urlopen(f"http://localhost:{port}{styles[1]}", timeout=20) as response:
            assert "immutable" in response.headers["Cache-Control"]
        ready = servers.wait_until(lambda: is_ready(port), what="/readyz")
        assert ready is True
        greeting = log.read_text()
        assert f"http://localhost:{port}/" in greeting
        for role in ("resident", "editor", "administrator"):
            assert f"{role}@demo.example" in greeting
        people = family(process)
        assert len(people) >= 3

        begun = time.monotonic()
        os.killpg(process.pid, signal.SIGINT)  # as a terminal does on Ctrl-C
        process.wait(timeout=20)
        assert time.monotonic() - begun < 15
        assert [person for person in people if person.is_running() and person.status() != "zombie"] == []
        assert servers.answers(port) is False
        assert "Traceback" not in log.read_text()
        servers.stop(process)
    assert (var / "tabunka.sqlite3").is_file()
    assert not (checkout / "var").exists()


def is_ready(port) -> bool:
    try:
        with urllib.request.urlopen(f"http://localhost:{port}/readyz", timeout=5) as response:
            return response.status == 200
    except OSError:
        return False


def test_taken_port_is_told_in_words(tmp_path):
    env = servers.environment(VAR_DIR=str(tmp_path))
    with servers.redis_server() as url:
        port = url.split(":")[2].split("/")[0]
        answer = subprocess.run(
            [sys.executable, "manage.py", "run"],
            env=env | {"PORT": port}, cwd=servers.ROOT, capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip
    assert answer.returncode == 1
    assert f"Is port {port} taken? PORT=8001 make run takes another." in answer.stderr
