"""Rotation of the record keys over 100,000 records: killed half way and restarted, while an adviser keeps working.

On PostgreSQL. Checks that every text can be decrypted with the new key alone and that none was encrypted twice;
measures the command's memory, and how long logging a consultation takes in the meantime.
"""

import base64
import contextlib
import json
import secrets
import subprocess
import sys
import time
from statistics import quantiles

import psutil
import psycopg2

from benchmarks.serving import NotMeasured, city, inside
from benchmarks.table import Row
from tests.support.servers import ROOT, start, stop, wait_until

NUMBER = 100_000
REACH_BYTES, REACH_SLOWER = 20_000_000, 3
IDLE_SECONDS = 10


def measure():
    """Write encrypted records, rotate half, kill the command, check, rotate the rest, check again."""
    old, new = _new_key(), _new_key()
    with city("PostgreSQL", RECORD_KEYS=old) as (env, _database):
        inside("seal", str(NUMBER), env=env, timeout=900)
        both = env | {"RECORD_KEYS": f"{new},{old}"}
        with _adviser(both) as idle:
            time.sleep(IDLE_SECONDS)
        with _adviser(both) as adviser:
            seconds, grew = _change(both, until=NUMBER // 2)
            before = json.loads(inside("changed", env=both))
            if not NUMBER // 10 < before["number"] < NUMBER * 9 // 10:
                raise NotMeasured(f"{before['number']} texts were changed when the command was killed.")
            more, grew_again = _change(both)
        after = json.loads(inside("changed", before["last"], env=env | {"RECORD_KEYS": new}, timeout=900))
    busy = adviser["took"]
    seen = {
        "seconds": seconds + more,
        "killed_at": before["number"],
        "sealed_twice": after["digest"] != before["digest"],
        "opened": after["opened"],
        "grew": max(grew, grew_again),
        "idle": _p95(idle["took"]),
        "busy": _p95(busy),
    }
    yield from _rows(seen)


def _rows(seen: dict):
    is_whole = seen["opened"] >= NUMBER and not seen["sealed_twice"]
    yield Row(
        f"a change of keys over {NUMBER:,} records, killed half way and begun again",
        "every text opens, none sealed twice",
        f"{'all open' if is_whole else 'NOT whole'}; {NUMBER / seen['seconds']:,.0f} records/s",
        is_whole,
        seen,
    )
    yield Row(
        "its memory: growth over the run",
        f"≤ {REACH_BYTES // 10**6} MB",
        f"{seen['grew'] / 1e6:+.1f} MB",
        seen["grew"] <= REACH_BYTES,
    )
    slower = seen["busy"] / seen["idle"]
    yield Row(
        "logging a consultation meanwhile, its p95 of that when idle",
        f"≤ {REACH_SLOWER}",
        f"{slower:.2f} ({seen['busy'] * 1000:.0f} of {seen['idle'] * 1000:.0f} ms)",
        slower <= REACH_SLOWER,
    )


def _change(env: dict[str, str], *, until: int | None = None) -> tuple[float, int]:
    """Run the command to its end, or kill it after `until` texts; return its seconds and the growth of its memory."""
    look = _ProgressReader(env)
    before, began, held = look.changed(), time.monotonic(), []
    process = start([sys.executable, "manage.py", "rotate_record_keys"], env=env, cwd=ROOT)
    try:
        with contextlib.suppress(psutil.NoSuchProcess):
            wait_until(
                lambda: look.changed() > before or process.poll() is not None, timeout=120, what="the first batch"
            )
            while process.poll() is None:
                held.append(psutil.Process(process.pid).memory_info().rss)
                if until and look.changed() >= until:
                    process.kill()
                    break
                time.sleep(0.2)
        if process.wait() != (-9 if until else 0):
            raise NotMeasured(f"rotate_record_keys ended with {process.returncode}.")
        return time.monotonic() - began, max(held, default=0) - (held[0] if held else 0)
    finally:
        stop(process)
        look.close()


class _ProgressReader:
    """Counts the notes that are encrypted under the first key."""

    def __init__(self, env: dict[str, str]):
        self.connection = psycopg2.connect(env["DATABASE_URL"])
        self.connection.autocommit = True
        self.name = json.loads(inside("first_key", env=env))

    def changed(self) -> int:
        """Return the number of notes under the first key."""
        with self.connection.cursor() as cursor:
            cursor.execute(
                "SELECT count(*) FROM consultations_consultation "
                "WHERE referred_to = 'measured' AND substring(note FROM 2 FOR 4) = decode(%s, 'hex')",
                [self.name],
            )
            return cursor.fetchone()[0]

    def close(self) -> None:
        """Close the connection."""
        self.connection.close()


@contextlib.contextmanager
def _adviser(env: dict[str, str]):
    """Log one consultation after the other in a separate process; yield a dict that gets the durations at the end."""
    command = [sys.executable, "-m", "benchmarks.inside", "log"]
    process = subprocess.Popen(command, env=env, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    result = {}
    try:
        yield result
    finally:
        out, _err = process.communicate("\n", timeout=60)
        result |= json.loads(out) if out else {}


def _p95(took: list[float]) -> float:
    return quantiles(took, n=20)[-1]


def _new_key() -> str:
    return base64.urlsafe_b64encode(secrets.token_bytes(32)).decode()
