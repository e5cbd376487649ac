"""Private servers for tests: on free loopback ports, in temporary directories, removed afterwards.

Each is a context manager. Nothing is left behind: the manager ends its process, `atexit` ends those left by a
broken test, and on Linux the kernel ends the rest when this process dies.
"""

import atexit
import contextlib
import ctypes
import email
import email.policy
import json
import os
import pwd
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from email.message import EmailMessage
from pathlib import Path

from portal.environment import VARIABLES

ROOT = Path(__file__).resolve().parents[2]
PATIENCE = 30.0  # seconds within which a server must answer
_running: list[subprocess.Popen] = []


def free_port() -> int:
    """Return a port on which nothing is listening at present."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def wait_until(holds: Callable[[], object], *, timeout: float = PATIENCE, what: str = "") -> object:
    """Return the result of `holds` as soon as it is true; raise TimeoutError after `timeout` seconds."""
    end = time.monotonic() + timeout
    while not (found := holds()):
        if time.monotonic() > end:
            raise TimeoutError(f"Not within {timeout} s: {what or holds}")
        time.sleep(0.02)
    return found


def answers(port: int) -> bool:
    """Whether a server is listening on the port."""
    with socket.socket() as caller:
        caller.settimeout(1)
        return caller.connect_ex(("127.0.0.1", port)) == 0


def _ended_with_parent(ending: signal.Signals) -> Callable[[], None] | None:
    """Ask the kernel to send `ending` to the child when this process dies (Linux, prctl(2) PR_SET_PDEATHSIG).

    For the kernel, the parent is the thread that started the child: start servers from the main thread.
    """
    if not sys.platform.startswith("linux"):
        return None
    libc = ctypes.CDLL(None)
    return lambda: libc.prctl(1, ending)


def start(command: list[str], *, ending: signal.Signals = signal.SIGTERM, log: Path | None = None, **options):
    """Start a process in its own process group."""
    with log.open("ab") if log else contextlib.nullcontext(subprocess.DEVNULL) as out:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            preexec_fn=_ended_with_parent(ending),  # noqa: PLW1509  one system call, no Python locks
            **options,
        )
    _running.append(process)
    return process


def stop(process: subprocess.Popen, ending: signal.Signals = signal.SIGTERM, *, patience: float = 10) -> None:
    """End a process, gracefully at first, and kill everything left in its group."""
    if process in _running:
        _running.remove(process)
    if process.poll() is None:
        process.send_signal(ending)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(patience)
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


@atexit.register
def _stop_all() -> None:
    for process in _running.copy():
        stop(process, patience=2)


@contextlib.contextmanager
def _directory(name: str) -> Iterator[Path]:
    path = Path(tempfile.mkdtemp(prefix=f"tabunka-{name}-"))
    try:
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)


@contextlib.contextmanager
def _served(process: subprocess.Popen, port: int, log: Path, ending: signal.Signals = signal.SIGTERM):
    """Wait until the process answers on the port, and end it afterwards."""
    try:
        wait_until(lambda: answers(port) or process.poll() is not None, what=f"an answer on port {port}")
        if process.poll() is not None:
            raise RuntimeError(f"{process.args[0]} ended by itself:\n{log.read_text()[-2000:]}")
        yield process
    finally:
        stop(process, ending)


def postgresql_program(name: str) -> str | None:
    """Return the path of a PostgreSQL program; Debian does not put them all on the PATH."""
    found = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"), key=lambda file: int(file.parts[-3]))
    return str(found[-1]) if found else shutil.which(name)


@dataclass
class Server:
    """A database or broker that a test may kill and restart on the same port."""

    url: str
    port: int
    log: Path
    command: list[str]
    options: dict
    ending: signal.Signals = signal.SIGTERM
    greeting: str = ""
    process: subprocess.Popen | None = None

    def start(self) -> None:
        """Start the server; return once it answers."""
        greeted = self._greetings()
        self.process = start(self.command, ending=self.ending, log=self.log, **self.options)
        wait_until(lambda: answers(self.port) or self.process.poll() is not None, what=f"an answer on {self.url}")
        if self.process.poll() is not None:
            raise RuntimeError(f"{self.command[0]} ended by itself:\n{self.log.read_text()[-2000:]}")
        if self.greeting:
            wait_until(lambda: self._greetings() > greeted, what=self.greeting)

    def kill(self, how: signal.Signals = signal.SIGKILL) -> None:
        """Send a signal (SIGKILL by default); return once the server has ended."""
        self.process.send_signal(how)
        self.process.wait()

    def stop(self) -> None:
        """Stop the server permanently."""
        stop(self.process, self.ending)

    def _greetings(self) -> int:
        return self.log.read_text().count(self.greeting) if self.greeting and self.log.exists() else 0


@contextlib.contextmanager
def postgresql_server(*, keeps_commits: bool = False) -> Iterator[Server]:
    """Run a PostgreSQL with an empty database. Without fsync, because it need not survive a power cut.

    keeps_commits: commits survive an immediate stop (SIGQUIT), which would otherwise lose the most recent ones.
    """
    # PostgreSQL refuses to run as root.
    owner = pwd.getpwnam("postgres") if os.geteuid() == 0 else None
    identity = {"user": owner.pw_uid, "group": owner.pw_gid, "extra_groups": []} if owner else {}
    with _directory("postgresql") as path:
        if owner:
            os.chown(path, owner.pw_uid, owner.pw_gid)
        log, data, port = path / "log", path / "data", free_port()
        subprocess.run(
            [postgresql_program("initdb"), "-D", data, "-U", "tabunka", "-A", "trust", "-E", "UTF8", "--no-sync",
             "--locale", "C.UTF-8"],
            check=True, capture_output=True, cwd=path, **identity,
        )  # fmt: skip
        options = {
            "listen_addresses": "127.0.0.1",
            "port": port,
            "unix_socket_directories": "",
            "fsync": "off",
            "synchronous_commit": "on" if keeps_commits else "off",
            "full_page_writes": "off",
            "max_connections": 150,
        }
        command = [postgresql_program("postgres"), "-D", str(data)]
        for name, value in options.items():
            command += ["-c", f"{name}={value}"]
        # SIGINT is PostgreSQL's fast shutdown; SIGTERM would wait for its clients.
        server = Server(
            f"postgresql://tabunka@127.0.0.1:{port}/postgres", port, log, command, {"cwd": path, **identity},
            signal.SIGINT, "ready to accept connections",
        )  # fmt: skip
        server.start()
        try:
            yield server
        finally:
            server.stop()


@contextlib.contextmanager
def postgresql() -> Iterator[str]:
    """Run a PostgreSQL with an empty database; yield its URL."""
    with postgresql_server() as server:
        yield server.url


@contextlib.contextmanager
def restartable_redis() -> Iterator[Server]:
    """Run a Redis that stores nothing on disk."""
    with _directory("redis") as path:
        port = free_port()
        command = ["redis-server", "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]
        server = Server(f"redis://127.0.0.1:{port}/0", port, path / "log", [*command, "--dir", str(path)], {})
        server.start()
        try:
            yield server
        finally:
            server.stop()


@contextlib.contextmanager
def redis_server() -> Iterator[str]:
    """Run a Redis that stores nothing on disk; yield its URL."""
    with restartable_redis() as server:
        yield server.url


@dataclass
class SmtpSink:
    """A mail server that stores the messages it receives."""

    port: int
    folder: Path
    process: subprocess.Popen

    @property
    def url(self) -> str:
        """Return the value for EMAIL_URL."""
        return f"smtp://127.0.0.1:{self.port}"

    def messages(self) -> list[EmailMessage]:
        """Return every message accepted so far, in order."""
        return [
            email.message_from_bytes(file.read_bytes(), policy=email.policy.default)
            for file in sorted(self.folder.glob("*.eml"))
        ]

    def addresses(self) -> list[str]:
        """Return the recipients, in order of acceptance."""
        heads = (file.read_bytes().partition(b"\r\n")[0] for file in sorted(self.folder.glob("*.eml")))
        return [head.decode().partition(":")[2].strip() for head in heads]

    @property
    def count(self) -> int:
        """Return the number of messages accepted so far."""
        return sum(file.suffix == ".eml" for file in self.folder.iterdir())


@contextlib.contextmanager
def smtp_sink(*, delay: float = 0.0) -> Iterator[SmtpSink]:
    """Run an SMTP server in its own process. `delay`: seconds that each message takes.

    It refuses `unknown…@` permanently (550) and `busy…@` temporarily (451).
    """
    with _directory("smtp") as path:
        port, folder = free_port(), path / "messages"
        folder.mkdir()
        command = [sys.executable, "-m", "tests.support.smtp_sink", str(port), str(folder), str(delay)]
        process = start(command, log=path / "log", cwd=ROOT)
        with _served(process, port, path / "log"):
            yield SmtpSink(port, folder, process)


@dataclass
class Provider:
    """A provider of text or messenger messages."""

    port: int
    file: Path

    @property
    def url(self) -> str:
        """Return the value for PUSH_URL or SMS_URL."""
        return f"http://:key@127.0.0.1:{self.port}/messages"

    def requests(self) -> list[dict]:
        """Return the requests answered with 200, or with 409 as duplicates, in order: status, key, words."""
        whole, _newline, _being_written = self.file.read_text("utf-8").rpartition("\n")
        return [json.loads(line) for line in whole.splitlines()]

    def accepted(self) -> list[dict]:
        """Return the content of the accepted messages, in order."""
        return [asked["words"] for asked in self.requests() if asked["status"] == 200]


@contextlib.contextmanager
def provider(*, delay: float = 0.0) -> Iterator[Provider]:
    """Run a provider that accepts JSON over HTTP and drops duplicate keys. `delay`: seconds until it answers.

    It refuses `unknown…` permanently (400), `busy…` temporarily (429), and hangs up on `silent…` without an answer.
    """
    with _directory("provider") as path:
        port, file = free_port(), path / "requests"
        file.touch()
        command = [sys.executable, "-m", "tests.support.provider", str(port), str(file), str(delay)]
        process = start(command, log=path / "log", cwd=ROOT)
        with _served(process, port, path / "log"):
            yield Provider(port, file)


def environment(**changes: str) -> dict[str, str]:
    """Return the demo's environment for the portal's processes, without variables of this shell or test run."""
    of_this_run = {
        *("DATABASE", "TEST_DATABASE_URL", "TEST_RUN_DIRECTORY", "DJANGO_SETTINGS_MODULE", "DJANGO_ALLOW_ASYNC_UNSAFE")
    }
    ours = VARIABLES.keys() | of_this_run
    kept = {name: value for name, value in os.environ.items() if name not in ours and not name.startswith("PYTEST")}
    return {**kept, "DEMO": "1", **changes}


def manage(*words: str, env: dict[str, str], check: bool = True, **options) -> subprocess.CompletedProcess:
    """Run manage.py and return the completed process. Raises RuntimeError on failure if `check` is true."""
    options.setdefault("cwd", ROOT)
    command = [sys.executable, "manage.py", *words]
    done = subprocess.run(command, env=env, check=False, capture_output=True, text=True, timeout=120, **options)
    if check and done.returncode:
        raise RuntimeError(f"manage.py {words[0]} ended with {done.returncode}:\n{done.stderr[-3000:]}")
    return done


def python(code: str, env: dict[str, str]) -> str:
    """Run Python code within the portal, in its own process; return what it printed."""
    return manage("shell", "-v0", "-c", code, env=env).stdout.strip()


@contextlib.contextmanager
def database(directory: Path) -> Iterator[str]:
    """Provide a database of the kind that this test run uses, for the portal's processes; yield its URL."""
    if os.environ.get("DATABASE") == "postgresql":
        with postgresql() as url:
            yield url
    else:
        yield f"sqlite:///{directory / 'portal.sqlite3'}"


@dataclass
class Portal:
    """One of the portal's web processes."""

    port: int
    process: subprocess.Popen
    log: Path

    @property
    def url(self) -> str:
        """Return the base URL, without a slash at the end."""
        return f"http://localhost:{self.port}"

    def get(self, path: str, **headers: str) -> tuple[int, dict[str, str], str]:
        """Send a GET request; return status, headers and text. Redirects are not followed."""
        request = urllib.request.Request(f"{self.url}{path}", headers=headers)
        try:
            with _opener.open(request, timeout=20) as response:
                return response.status, dict(response.headers), response.read().decode()
        except urllib.error.HTTPError as fault:
            with fault:
                return fault.code, dict(fault.headers), fault.read().decode()


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *args, **options):
        return None


_opener = urllib.request.build_opener(_NoRedirect(), urllib.request.ProxyHandler({}))


@contextlib.contextmanager
def web(env: dict[str, str], *, port: int | None = None, workers: int = 1) -> Iterator[Portal]:
    """Run the portal's web server with the production command. The database must already be migrated."""
    from portal.web_server import web_server_command

    port = port or free_port()
    with _directory("web") as path:
        log = path / "log"
        process = start(web_server_command(str(port), workers=workers), env=env, log=log, cwd=ROOT)
        with _served(process, port, log):
            portal = Portal(port, process, log)
            wait_until(lambda: _is_alive(portal), what="/healthz")
            yield portal


def _is_alive(portal: Portal) -> bool:
    try:
        return portal.get("/healthz")[0] == 200
    except OSError:
        return False


@dataclass
class Background:
    """A Celery process."""

    process: subprocess.Popen
    log: Path


@contextlib.contextmanager
def celery_worker(
    env: dict[str, str], *, name: str = "one", concurrency: int = 1, nice: int = 0
) -> Iterator[Background]:
    """Run a Celery worker for all queues; return once it is ready. `nice`: its niceness (lower CPU priority)."""
    # Without what only slows down its start: Django's checks, and asking other workers for news.
    command = ["nice", "-n", str(nice), sys.executable, "-m", "celery", "--skip-checks", "-A", "portal", "worker",
               "-Q", "urgent,personal,bulk", "-c", str(concurrency), "-n", f"{name}@test",
               "--without-mingle", "--without-gossip", "--loglevel", "info"]  # fmt: skip
    with _directory("celery") as path:
        log = path / "log"
        process = start(command, env=env, log=log, cwd=ROOT)
        try:
            wait_until(lambda: process.poll() is not None or _is_ready(log), what="the Celery worker")
            if process.poll() is not None:
                raise RuntimeError(f"The Celery worker ended by itself:\n{log.read_text()[-3000:]}")
            yield Background(process, log)
        finally:
            stop(process)


def _is_ready(log: Path) -> bool:
    return 'ready."' in log.read_text() or "@test ready." in log.read_text()


@contextlib.contextmanager
def celery_beat(env: dict[str, str]) -> Iterator[Background]:
    """Run Celery's scheduler (beat)."""
    with _directory("beat") as path:
        log = path / "log"
        command = [
            sys.executable,
            "-m",
            "celery",
            "--skip-checks",
            "-A",
            "portal",
            "beat",
            "-s",
            str(path / "schedule"),
        ]
        process = start(command, env=env, log=log, cwd=ROOT)
        try:
            yield Background(process, log)
        finally:
            stop(process)
