"""One notice to a whole city: how fast it goes out, what it costs the others, and who can still get through.

PostgreSQL, Redis, two Celery workers, and a mail server on the loopback that costs next to nothing: it takes mails
from the bare loop several times as fast as any real one, so the workers cannot hide behind it.
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
from tests.servers import ROOT, answers, celery_worker, free_port, redis_server, start, stop, wait_until

REACH_RATIO, REACH_BYTES, REACH_SLOWER, REACH_WRITING, REACH_PERSONAL = 0.5, 200_000_000, 2, 10, 10
MAY_GROW = 1.05  # in the second half
IN_ONE_PROCESS = 2_000  # mails, to count what is made anew
BARE = 10_000  # mails of each of the two bare loops
PAGES = ("/ne/", "/ja-simple/guide/life/", "/ar/guide/article/rubbish/", "/vi/search/?q=card", "/en/me/login/")
PAUSE = 0.05  # seconds between two pages
IDLE_SECONDS = 15
NICE = 19  # as compose.yaml and docs/deploy.md start it


def measure():
    """Write, send, and watch what happens meanwhile."""
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
    """Let two workers send the rest; what was seen meanwhile."""
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
    # Between the first and the last hundredth: the workers start one after the other.
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


def _writing(told: dict) -> Row:
    if told["rows"] != NUMBER:
        raise NotMeasured(f"{told['rows']} rows were written.")
    return Row(
        f"writing the {NUMBER:,} rows, queries for each thousand",
        f"≤ {REACH_WRITING} s, constant",
        f"{told['seconds']:.1f} s, {' or '.join(map(str, told['queries']))}",
        told["seconds"] <= REACH_WRITING and len(told["queries"]) == 1,
        told,
    )


def _rendering(told: dict) -> Row:
    of_news = {name: count for name, count in told["compiled"].items() if name.startswith("notices/notices/news/")}
    rendered = told["rendered"]["notices/notices/news/body.html"]
    return Row(
        f"templates compiled and rendered for {told['mails']:,} mails in ten languages",
        "once, 10 times",
        f"{max(of_news.values())} and {rendered} times",
        max(of_news.values()) == 1 and rendered == 10,
        told,
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
    """Whom the mail server has taken mails for so far, and when."""
    lines = (line.split() for line in (folder / "accepted").read_text("ascii").splitlines())
    return [(address, float(moment)) for moment, address in lines]


def _bare_rate(port: int, folder: Path) -> float:
    """Mails a second of two bare loops, while both are at it."""
    command = [sys.executable, "-m", "benchmarks.bare_mail", str(port), str(folder), str(BARE)]
    loops = [subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    spans = [tuple(map(float, loop.communicate(timeout=300)[0].split())) for loop in loops]
    return 2 * BARE / (max(end for _begin, end in spans) - min(begin for begin, _end in spans))


class _Visitor(threading.Thread):
    """Somebody who reads one page after the other."""

    def __init__(self, port: int):
        super().__init__(daemon=True)
        self.port, self.took, self.is_over = port, [], threading.Event()
        self.start()

    def run(self):
        """Until told to stop."""
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
        """No further page."""
        self.is_over.set()
        self.join()

    @property
    def p95(self) -> float:
        """Seconds that all but one of twenty pages stay below."""
        return quantiles(self.took, n=20)[-1]


class _Memory(threading.Thread):
    """Looks twice a second at how much each worker's processes hold."""

    def __init__(self, pids: list[int]):
        super().__init__(daemon=True)
        self.pids, self.seen, self.is_over = pids, [], threading.Event()
        self.start()

    def run(self):
        """Until told to stop."""
        while not self.is_over.wait(0.5):
            parents = [psutil.Process(pid) for pid in self.pids]
            both = [process for parent in parents for process in (parent, *parent.children())]
            self.seen.append(max(process.memory_info().rss for process in both))

    def stop(self) -> None:
        """No further look."""
        self.is_over.set()
        self.join()

    @property
    def largest(self) -> int:
        """Bytes of the largest process."""
        return max(self.seen)

    @property
    def grew(self) -> float:
        """How much more it held at most in the second half than in the first."""
        half = len(self.seen) // 2
        return max(self.seen[half:]) / max(self.seen[:half])
