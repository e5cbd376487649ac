"""A notice to a whole city: its speed, and how it affects pages and personal messages.

Uses PostgreSQL, Redis, two Celery workers, and a local mail server that is several times as fast as any real one, so
that it is never the bottleneck.
"""

import contextlib
import http.client
import json
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from statistics import quantiles

import psutil

from benchmarks.readers import NUMBER
from benchmarks.serving import PORTAL, NotMeasured, city, inside, serving
from benchmarks.table import Row
from tests.support.servers import ROOT, answers, celery_worker, free_port, redis_server, start, stop, wait_until

REACH_RATIO, REACH_BYTES, REACH_SLOWER, REACH_WRITING, REACH_PERSONAL = 0.5, 200_000_000, 2, 10, 10
MAY_GROW = 1.05  # in the second half
IN_ONE_PROCESS = 2_000  # emails sent in one process, to count template compilations
BARE = 10_000  # emails of each of the two minimal loops
PAGES = ("/ne/", "/ja-simple/guide/life/", "/ar/guide/article/rubbish/", "/vi/search/?q=card", "/en/me/login/")
PAUSE = 0.05  # seconds between two page requests
IDLE_SECONDS = 15
NICE = 19  # as in compose.yaml and docs/deploy.md


def measure():
    """Create the messages, send them, and measure the side effects."""
    with city("PostgreSQL") as (env, database), redis_server() as redis, _sink() as (port, folder):
        env |= {"REDIS_URL": redis, "EMAIL_URL": f"smtp://127.0.0.1:{port}", "MAIL_BOUNCES": "bounces@tabunka.example"}
        inside("readers", str(NUMBER), env=env)
        yield _writing(json.loads(inside("write", env=env)))
        yield _rendering(json.loads(inside("send", str(IN_ONE_PROCESS), env=env)))
        with serving(PORTAL, env, database=database) as portal:
            idle = _Visitor(portal.port)
            time.sleep(IDLE_SECONDS)
            idle.stop()
            seen = _broadcast(env, portal, folder)
        seen |= {"idle": idle.p95, "bare": _bare_rate(port, folder)}
    yield from _rows(seen)


def _broadcast(env: dict[str, str], portal, folder: Path) -> dict:
    """Let two workers send the messages; return the measurements."""
    with contextlib.ExitStack() as last:
        before = len(_accepted(folder))
        workers = [last.enter_context(celery_worker(env, name=name, nice=NICE)) for name in ("one", "two")]
        visitor = _Visitor(portal.port)
        memory = _Memory([worker.process.pid for worker in workers])
        personal = json.loads(inside("personal", env=env))
        wait_until(lambda: len(_accepted(folder)) >= NUMBER + len(personal), timeout=900, what="the last mail")
        visitor.stop()
        memory.stop()
    accepted = _accepted(folder)
    bulk = [moment for address, moment in accepted[before:] if address not in personal]
    if len({address for address, _moment in accepted}) != NUMBER + len(personal) or len(accepted) != len(set(accepted)):
        raise NotMeasured("Mails were lost or doubled.")
    # Without the first and the last hundredth, because the workers do not start at the same time.
    first, last_one = bulk[len(bulk) // 100], bulk[-1 - len(bulk) // 100]
    return {
        "rate": len(bulk) * 0.98 / (last_one - first),
        "seconds": bulk[-1] - bulk[0],
        "busy": visitor.p95,
        "largest": memory.largest,
        "grew": memory.grew,
        "personal": max(moment - personal[address] for address, moment in accepted if address in personal),
    }


def _rows(seen: dict):
    ratio, slower = seen["rate"] / seen["bare"], seen["busy"] / seen["idle"]
    yield Row(
        f"broadcast to {NUMBER:,} in ten languages, of the bare loop's rate",
        f"≥ {REACH_RATIO}",
        f"{ratio:.2f} ({seen['rate']:,.0f} of {seen['bare']:,.0f} mails/s; {seen['seconds']:.0f} s)",
        ratio >= REACH_RATIO,
        seen | {"ratio": ratio},
    )
    yield Row(
        "largest worker meanwhile, its growth in the second half",
        f"≤ 200 MB, ≤ {MAY_GROW - 1:.0%}",
        f"{seen['largest'] / 1e6:.0f} MB, {seen['grew'] - 1:+.1%}",
        seen["largest"] <= REACH_BYTES and seen["grew"] <= MAY_GROW,
    )
    yield Row(
        "a page's p95 meanwhile, of its p95 when idle",
        f"≤ {REACH_SLOWER}",
        f"{slower:.2f} ({seen['busy'] * 1000:.0f} of {seen['idle'] * 1000:.0f} ms)",
        slower <= REACH_SLOWER,
    )
    yield Row(
        "a personal message meanwhile, the slowest of five",
        f"≤ {REACH_PERSONAL} s",
        f"{seen['personal']:.1f} s",
        seen["personal"] <= REACH_PERSONAL,
    )


def _writing(result: dict) -> Row:
    if result["rows"] != NUMBER:
        raise NotMeasured(f"{result['rows']} rows were written.")
    return Row(
        f"writing the {NUMBER:,} rows, queries for each thousand",
        f"≤ {REACH_WRITING} s, constant",
        f"{result['seconds']:.1f} s, {' or '.join(map(str, result['queries']))}",
        result["seconds"] <= REACH_WRITING and len(result["queries"]) == 1,
        result,
    )


def _rendering(result: dict) -> Row:
    of_news = {name: count for name, count in result["compiled"].items() if name.startswith("notices/notices/news/")}
    rendered = result["rendered"]["notices/notices/news/body.html"]
    return Row(
        f"templates compiled and rendered for {result['mails']:,} mails in ten languages",
        "once, 10 times",
        f"{max(of_news.values())} and {rendered} times",
        max(of_news.values()) == 1 and rendered == 10,
        result,
    )


@contextlib.contextmanager
def _sink() -> Iterator[tuple[int, Path]]:
    port = free_port()
    with tempfile.TemporaryDirectory(prefix="tabunka-bench-mail-") as folder:
        command = [sys.executable, "-m", "benchmarks.smtp_sink", str(port), folder]
        process = start(command, cwd=ROOT)
        try:
            wait_until(lambda: answers(port), what="the mail server")
            yield port, Path(folder)
        finally:
            stop(process)


def _accepted(folder: Path) -> list[tuple[str, float]]:
    """Return the recipients and times of the emails that the mail server has accepted."""
    lines = (line.split() for line in (folder / "accepted").read_text("ascii").splitlines())
    return [(address, float(moment)) for moment, address in lines]


def _bare_rate(port: int, folder: Path) -> float:
    """Return the emails a second of two minimal loops that run at the same time."""
    command = [sys.executable, "-m", "benchmarks.bare_mail", str(port), str(folder), str(BARE)]
    loops = [subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    spans = [tuple(map(float, loop.communicate(timeout=300)[0].split())) for loop in loops]
    return 2 * BARE / (max(end for _begin, end in spans) - min(begin for begin, _end in spans))


class _Visitor(threading.Thread):
    """A reader who requests one page after the other."""

    def __init__(self, port: int):
        super().__init__(daemon=True)
        self.port, self.took, self.is_over = port, [], threading.Event()
        self.start()

    def run(self):
        """Until result to stop."""
        caller = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        with contextlib.closing(caller):
            while not self.is_over.wait(PAUSE):
                began = time.perf_counter()
                caller.request("GET", PAGES[len(self.took) % len(PAGES)], headers={"Host": "localhost"})
                answer = caller.getresponse()
                answer.read()
                self.took.append(time.perf_counter() - began)
                if answer.status != 200:
                    raise NotMeasured(f"A page answered {answer.status}.")

    def stop(self) -> None:
        """Stop requesting pages."""
        self.is_over.set()
        self.join()

    @property
    def p95(self) -> float:
        """The 95th percentile of the durations, in seconds."""
        return quantiles(self.took, n=20)[-1]


class _Memory(threading.Thread):
    """Samples the memory of the workers' processes twice a second."""

    def __init__(self, pids: list[int]):
        super().__init__(daemon=True)
        self.pids, self.seen, self.is_over = pids, [], threading.Event()
        self.start()

    def run(self):
        """Until result to stop."""
        while not self.is_over.wait(0.5):
            parents = [psutil.Process(pid) for pid in self.pids]
            both = [process for parent in parents for process in (parent, *parent.children())]
            self.seen.append(max(process.memory_info().rss for process in both))

    def stop(self) -> None:
        """Stop sampling."""
        self.is_over.set()
        self.join()

    @property
    def largest(self) -> int:
        """The largest process's memory, in bytes."""
        return max(self.seen)

    @property
    def grew(self) -> float:
        """The ratio of the maximum in the second half to that in the first."""
        half = len(self.seen) // 2
        return max(self.seen[half:]) / max(self.seen[:half])
