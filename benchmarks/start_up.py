"""The time of `make run` until the first page: on a fresh clone (with the existing package cache), then again."""

import os
import shutil
import signal
import subprocess
import tempfile
import time
import urllib.request
from pathlib import Path

from benchmarks.serving import NotMeasured
from benchmarks.table import Row
from tests.support.servers import ROOT, environment, free_port, start, stop

PATIENCE = 240.0


def measure():
    """Measure the seconds from the command to the first page."""
    folder = Path(tempfile.mkdtemp(prefix="tabunka-bench-clone-"))
    clone = folder / "tabunka"
    try:
        subprocess.run(["git", "clone", "--quiet", str(ROOT), str(clone)], check=True, timeout=60)
        first, second = _seconds(clone), _seconds(clone)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    yield Row("`make run`: first start on a fresh clone", "stated", f"{first:.0f} s", None, {"seconds": first})
    yield Row("`make run`: second start", "stated", f"{second:.1f} s", None, {"seconds": second})


def _seconds(clone: Path) -> float:
    port = free_port()
    env = environment(PORT=str(port))
    # Remove this run's own settings from the environment.
    for name in ("VIRTUAL_ENV", "VENV", "MAKEFLAGS", "MAKELEVEL", "MFLAGS"):
        env.pop(name, None)
    env["PATH"] = os.pathsep.join(part for part in env["PATH"].split(os.pathsep) if ".venv" not in part)
    log = clone.parent / f"log-{port}"
    begun = time.monotonic()
    process = start(["make", "run"], env=env, log=log, cwd=clone)
    try:
        while not _answers(port):
            if process.poll() is not None or time.monotonic() - begun > PATIENCE:
                raise NotMeasured(f"`make run` gave no page within {PATIENCE:.0f} s:\n{log.read_text()[-2000:]}")
            time.sleep(0.05)
        return time.monotonic() - begun
    finally:
        # Ctrl-C in a terminal reaches the whole process group.
        os.killpg(process.pid, signal.SIGINT)
        stop(process, signal.SIGINT, patience=20)


def _answers(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/ne/", timeout=10) as answer:
            return answer.status == 200
    except OSError:
        return False
