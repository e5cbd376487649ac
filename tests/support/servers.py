"""Private servers for tests: on free ports of the loopback, in temporary directories, gone afterwards.

Each is a context manager. Whatever happens, nothing stays: the manager ends its process, `atexit` ends
what a broken test left, and on Linux the kernel ends the rest when this process dies.
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

ROOT = Path(__file__).resolve().parent.parent
PATIENCE = 30.0  # seconds until a server must answer
_running: list[subprocess.Popen] = []


def free_port() -> int:
    """A port that nobody listens on just now."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def wait_until(holds: Callable[[], object], *, timeout: float = PATIENCE, what: str = "") -> object:
    """What `holds` returns, as soon as it is true. Fails after `timeout` seconds."""
    end = time.monotonic() + timeout
    while not (found := holds()):
        if time.monotonic() > end:
            raise TimeoutError(f"Not within {timeout} s: {what or holds}")
        time.sleep(0.02)
    return found


def answers(port: int) -> bool:
    """Whether somebody listens on the port."""
    with socket.socket() as caller:
        caller.settimeout(1)
        return caller.connect_ex(("127.0.0.1", port)) == 0


def _ended_with_parent(ending: signal.Signals) -> Callable[[], None] | None:
    """Asks the kernel to send `ending` to the child when this process dies (Linux, prctl(2) PR_SET_PDEATHSIG).

    The kernel means the thread that started the child: start servers from the main one.
    """
    if not sys.platform.startswith("linux"):
        return None
    libc = ctypes.CDLL(None)
    return lambda: libc.prctl(1, ending)


def start(command: list[str], *, ending: signal.Signals = signal.SIGTERM, log: Path | None = None, **options):
    """Start a process in a group of its own."""
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
    """End a process, kindly at first, and everything in its group."""
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
    """Where one of PostgreSQL's programs is; Debian keeps them out of the PATH."""
    found = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"), key=lambda file: int(file.parts[-3]))
    return str(found[-1]) if found else shutil.which(name)


@dataclass
class Server:
    """A database or a broker that a test may kill and start again at the same address."""

    url: str
    port: int
    log: Path
    command: list[str]
    options: dict
    ending: signal.Signals = signal.SIGTERM
    greeting: str = ""
    process: subprocess.Popen | None = None

    def start(self) -> None:
        """Begin to serve; returns once it answers."""
        greeted = self._greetings()
        self.process = start(self.command, ending=self.ending, log=self.log, **self.options)
        wait_until(lambda: answers(self.port) or self.process.poll() is not None, what=f"an answer on {self.url}")
        if self.process.poll() is not None:
            raise RuntimeError(f"{self.command[0]} ended by itself:\n{self.log.read_text()[-2000:]}")
        if self.greeting:
            wait_until(lambda: self._greetings() > greeted, what=self.greeting)

    def kill(self, how: signal.Signals = signal.SIGKILL) -> None:
        """End it without a goodbye; returns once it is gone."""
        self.process.send_signal(how)
        self.process.wait()

    def stop(self) -> None:
        """End it for good."""
        stop(self.process, self.ending)

    def _greetings(self) -> int:
        return self.log.read_text().count(self.greeting) if self.greeting and self.log.exists() else 0


@contextlib.contextmanager
def postgresql_server(*, keeps_commits: bool = False) -> Iterator[Server]:
    """A PostgreSQL with an empty database. Without fsync: it need not survive a power cut.

    keeps_commits: what is committed survives an immediate stop (SIGQUIT), which without it takes the last moments.
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
    """A PostgreSQL with an empty database; its URL."""
    with postgresql_server() as server:
        yield server.url


@contextlib.contextmanager
def restartable_redis() -> Iterator[Server]:
    """A Redis that keeps nothing on disk."""
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
    """A Redis that keeps nothing on disk; its URL."""
    with restartable_redis() as server:
        yield server.url


@dataclass
class SmtpSink:
    """A mail server that keeps what it is given."""

    port: int
    folder: Path
    process: subprocess.Popen

    @property
    def url(self) -> str:
        """For EMAIL_URL."""
        return f"smtp://127.0.0.1:{self.port}"

    def messages(self) -> list[EmailMessage]:
        """Every message accepted so far, in order."""
        return [
            email.message_from_bytes(file.read_bytes(), policy=email.policy.default)
            for file in sorted(self.folder.glob("*.eml"))
        ]

    def addresses(self) -> list[str]:
        """To whom, in order of acceptance."""
        heads = (file.read_bytes().partition(b"\r\n")[0] for file in sorted(self.folder.glob("*.eml")))
        return [head.decode().partition(":")[2].strip() for head in heads]

    @property
    def count(self) -> int:
        """How many messages it has accepted so far."""
        return sum(file.suffix == ".eml" for file in self.folder.iterdir())


@contextlib.contextmanager
def smtp_sink(*, delay: float = 0.0) -> Iterator[SmtpSink]:
    """An SMTP server in a process of its own. `delay`: seconds that it takes for each message.

    It refuses `unknown…@` for good (550) and `busy…@` for now (451).
    """
    with _directory("smtp") as path:
        port, folder = free_port(), path / "messages"
        folder.mkdir()
        command = [sys.executable, "-m", "tests.smtp_sink", str(port), str(folder), str(delay)]
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
        """For PUSH_URL or SMS_URL."""
        return f"http://:key@127.0.0.1:{self.port}/messages"

    def requests(self) -> list[dict]:
        """Every request that it answered with 200, or with 409 as known already: status, key, words; in order."""
        whole, _newline, _being_written = self.file.read_text("utf-8").rpartition("\n")
        return [json.loads(line) for line in whole.splitlines()]

    def accepted(self) -> list[dict]:
        """The words of the messages that it has taken, in order."""
        return [asked["words"] for asked in self.requests() if asked["status"] == 200]


@contextlib.contextmanager
def provider(*, delay: float = 0.0) -> Iterator[Provider]:
    """A provider that takes JSON over HTTP and drops what has a key that it knows. `delay`: seconds until it answers.

    It refuses `unknown…` for good (400), `busy…` for now (429), and hangs up on `silent…` without a word.
    """
    with _directory("provider") as path:
        port, file = free_port(), path / "requests"
        file.touch()
        command = [sys.executable, "-m", "tests.provider", str(port), str(file), str(delay)]
        process = start(command, log=path / "log", cwd=ROOT)
        with _served(process, port, path / "log"):
            yield Provider(port, file)


def environment(**changes: str) -> dict[str, str]:
    """An environment for the portal's own processes: the demo's, without what this shell or test run says."""
    ours = ("DATABASE", "DATABASE_URL", "TEST_DATABASE_URL", "DJANGO_SETTINGS_MODULE", "VAR_DIR", "DEMO", "CITY",
            "REDIS_URL", "EMAIL_URL", "MAIL_FROM", "MAIL_BOUNCES", "SMS_URL", "PUSH_URL", "SITE_URL", "ALLOWED_HOSTS",
            "BEHIND_PROXY", "PORT", "SECRET_KEY", "AUDIT_KEY", "DJANGO_ALLOW_ASYNC_UNSAFE")  # fmt: skip
    kept = {name: value for name, value in os.environ.items() if name not in ours and not name.startswith("PYTEST")}
    return {**kept, "DEMO": "1", **changes}


def manage(*words: str, env: dict[str, str], check: bool = True, **options) -> subprocess.CompletedProcess:
    """Run manage.py to its end; its output is in the answer. If it fails: RuntimeError, unless `check` is false."""
    options.setdefault("cwd", ROOT)
    command = [sys.executable, "manage.py", *words]
    done = subprocess.run(command, env=env, check=False, capture_output=True, text=True, timeout=120, **options)
    if check and done.returncode:
        raise RuntimeError(f"manage.py {words[0]} ended with {done.returncode}:\n{done.stderr[-3000:]}")
    return done


def python(code: str, env: dict[str, str]) -> str:
    """Run Python within the portal, in a process of its own; what it printed."""
    return manage("shell", "-v0", "-c", code, env=env).stdout.strip()


@contextlib.contextmanager
def database(directory: Path) -> Iterator[str]:
    """A database of the kind that this test run is about, for the portal's own processes; its URL."""
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
        """Its address, without a slash at the end."""
        return f"http://localhost:{self.port}"

    def get(self, path: str, **headers: str) -> tuple[int, dict[str, str], str]:
        """GET: status, headers, text. Redirects are not followed."""
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
    """The portal's web server, by the very command of production. The database must be migrated before."""
    from portal.management.commands.run import web_server

    port = port or free_port()
    with _directory("web") as path:
        log = path / "log"
        process = start(web_server(str(port), workers=workers), env=env, log=log, cwd=ROOT)
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
    """A Celery worker for all queues, ready to work. `nice`: how much it lets others go first."""
    command = ["nice", "-n", str(nice), sys.executable, "-m", "celery", "-A", "portal", "worker",
               "-Q", "urgent,personal,bulk", "-c", str(concurrency), "-n", f"{name}@test",
               "--loglevel", "info"]  # fmt: skip
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
    """Celery's clock."""
    with _directory("beat") as path:
        log = path / "log"
        command = [sys.executable, "-m", "celery", "-A", "portal", "beat", "-s", str(path / "schedule")]
        process = start(command, env=env, log=log, cwd=ROOT)
        try:
            yield Background(process, log)
        finally:
            stop(process)
