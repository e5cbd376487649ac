"""Start the servers to be measured, put load on them, and read their CPU time and memory."""

import contextlib
import http.client
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil

from portal.web_server import web_server_command
from tests.support.servers import ROOT, answers, environment, free_port, manage, postgresql, start, stop, wait_until

EMPTY = "benchmarks.empty:application"
PORTAL = "portal.wsgi:application"


class NotMeasured(Exception):
    """Raised if something cannot be measured; the text says why."""


@dataclass
class Server:
    """A web server and all processes that belong to it."""

    port: int
    processes: list[psutil.Process]

    @property
    def cpu_seconds(self) -> float:
        """The CPU time (user and system) of all its processes so far."""
        return sum(sum(process.cpu_times()[:2]) for process in self._all())

    @property
    def worker_bytes(self) -> int:
        """The resident memory of its only worker: that of its largest process."""
        return max(process.memory_info().rss for process in self._all())

    def _all(self) -> Iterator[psutil.Process]:
        for process in self.processes:
            yield process
            yield from process.children(recursive=True)

    def get(self, path: str, **headers: str) -> http.client.HTTPResponse:
        """Send a GET on a new connection, and read the body."""
        caller = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        with contextlib.closing(caller):
            caller.request("GET", path, headers={name.replace("_", "-"): value for name, value in headers.items()})
            answer = caller.getresponse()
            answer.length_read = len(answer.read())
            return answer


@contextlib.contextmanager
def serving(application: str, env: dict[str, str], *, database: psutil.Process | None = None) -> Iterator[Server]:
    """Run the application with the portal's web server. database: a process whose CPU time is added."""
    port = free_port()
    folder = Path(tempfile.mkdtemp(prefix="tabunka-bench-web-"))
    process = start(web_server_command(str(port), application=application), env=env, log=folder / "log", cwd=ROOT)
    try:
        wait_until(lambda: answers(port) or process.poll() is not None, what=f"{application} on port {port}")
        if process.poll() is not None:
            raise NotMeasured(f"{application} ended by itself:\n{(folder / 'log').read_text()[-2000:]}")
        yield Server(port, [psutil.Process(process.pid), *([database] if database else [])])
    finally:
        stop(process)
        shutil.rmtree(folder, ignore_errors=True)


@contextlib.contextmanager
def city(kind: str, *, articles: int = 15, **more: str) -> Iterator[tuple[dict[str, str], psutil.Process | None]]:
    """Load a new demo city on "SQLite" or "PostgreSQL"; yield its environment and the database's process.

    more: additional environment variables.
    """
    folder = Path(tempfile.mkdtemp(prefix="tabunka-bench-city-"))
    with contextlib.ExitStack() as last:
        last.callback(shutil.rmtree, folder, ignore_errors=True)
        env, database = environment(VAR_DIR=str(folder), **more), None
        if kind == "PostgreSQL":
            env["DATABASE_URL"] = last.enter_context(postgresql())
            database = _listening_on(int(re.search(r":(\d+)/", env["DATABASE_URL"])[1]))
        for words in (["migrate", "-v0"], ["load_demo"], ["collectstatic", "--noinput", "-v0"]):
            manage(*words, env=env)
        if articles != 15:
            inside("articles", str(articles), env=env)
        yield env, database


def _listening_on(port: int) -> psutil.Process:
    for child in psutil.Process().children():
        if any(at.laddr.port == port for at in child.net_connections("tcp") if at.status == psutil.CONN_LISTEN):
            return child
    raise NotMeasured(f"Nobody listens on port {port}.")


def inside(*words: str, env: dict[str, str], timeout: int = 300) -> str:
    """Run a function of benchmarks/inside.py in a process with the portal's settings; return its output."""
    command = [sys.executable, "-m", "benchmarks.inside", *words]
    done = subprocess.run(command, env=env, cwd=ROOT, capture_output=True, text=True, timeout=timeout, check=False)
    if done.returncode:
        raise NotMeasured(f"benchmarks.inside {' '.join(words)}: {done.stderr[-2000:]}")
    return done.stdout


@dataclass(frozen=True)
class Load:
    """The result of a run of wrk."""

    per_second: float
    cpu_seconds: float  # of the server, per request


def load(server: Server, path: str, *, seconds: int = 1, connections: int = 8, **headers: str) -> Load:
    """Request a URL as fast as the server answers, on persistent connections."""
    command = ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--timeout", "10s"]
    for name, value in headers.items():
        command += ["-H", f"{name.replace('_', '-')}: {value}"]
    before = server.cpu_seconds
    done = subprocess.run(
        [*command, f"http://127.0.0.1:{server.port}{path}"], capture_output=True, text=True, timeout=60, check=True
    )
    spent = server.cpu_seconds - before
    if "Non-2xx" in done.stdout or "Socket errors" in done.stdout:
        raise NotMeasured(f"wrk on {path}: {done.stdout}")
    requests = int(re.search(r"(\d+) requests in", done.stdout)[1])
    return Load(float(re.search(r"Requests/sec:\s+([\d.]+)", done.stdout)[1]), spent / requests)
