"""Run the tests in parts: `python -m tests.support.parts` runs all of them, or with `quick` only the quick part.

PostgreSQL's part waits often (its fault tests kill servers), so it runs beside SQLite's, and its log is printed at the
end. Every part runs even if another has failed. A final table shows each part's result, elapsed time, and the CPU
seconds of all its processes, which are more meaningful than elapsed time on a busy machine.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

from tests.support import servers

NOT_QUICK = ("browser", "servers", "thorough")
# Each part chooses its own database, and importing the portal (for its variables) selects the production settings.
# The tests start Python hundreds of times: it has to keep what it has compiled, or half of that time is compiling.
NOT_HANDED_DOWN = {"DATABASE", "DJANGO_SETTINGS_MODULE", "PYTHONDONTWRITEBYTECODE"}
SLOWEST = "--durations=15"


@dataclass(frozen=True)
class Part:
    """One run of pytest: its marker expression, number of processes and environment."""

    marks: str
    processes: int = 2
    environment: dict[str, str] = field(default_factory=dict)
    in_background: bool = False

    @property
    def command(self) -> list[str]:
        """Return the command line."""
        pytest = [sys.executable, "-m", "pytest", "-q", "-n", str(self.processes), "--dist", "loadgroup"]
        return [*pytest, "tests", "-m", self.marks, SLOWEST]


POSTGRESQL = {"DATABASE": "postgresql"}
QUICK = {"quick": Part(" and ".join(f"not {mark}" for mark in NOT_QUICK))}
ALL = {
    "PostgreSQL": Part("database or faults", environment=POSTGRESQL, in_background=True),
    "SQLite": Part("not faults"),
}


@dataclass(frozen=True)
class Outcome:
    """The exit status of a part, and the time it took."""

    status: int
    seconds: float
    cpu: float

    @property
    def line(self) -> str:
        """Return the part's line in the table, without its name."""
        result = "passed" if self.status == 0 else f"FAILED ({self.status})"
        return f"{result:<12} {self.seconds:7.0f} s {self.cpu:7.0f} s CPU"


class Running:
    """A part that is running."""

    def __init__(self, part: Part, log: Path | None = None):
        self.began, self.log = time.monotonic(), log
        env = {name: value for name, value in os.environ.items() if name not in NOT_HANDED_DOWN} | part.environment
        if log:
            self.process = servers.start(part.command, log=log, env=env, cwd=servers.ROOT)
        else:
            self.process = subprocess.Popen(part.command, env=env, cwd=servers.ROOT)

    def outcome(self) -> Outcome:
        """Wait for it to end. CPU seconds are those of all its processes, as counted by the kernel (wait4(2))."""
        _pid, status, used = os.wait4(self.process.pid, 0)
        self.process.returncode = os.waitstatus_to_exitcode(status)
        servers.stop(self.process)
        return Outcome(self.process.returncode, time.monotonic() - self.began, used.ru_utime + used.ru_stime)


def main(words: list[str]) -> int:
    """Run the parts; return 0 if all tests passed."""
    asked = argparse.ArgumentParser(prog="python -m tests.support.parts", description=__doc__.splitlines()[0])
    asked.add_argument("which", nargs="?", choices=["all", "quick"], default="all")
    parts = QUICK if asked.parse_args(words).which == "quick" else ALL
    began = time.monotonic()
    outcomes = {}
    with tempfile.TemporaryDirectory(prefix="tabunka-parts-") as folder:
        behind = {
            name: Running(part, Path(folder) / name.replace(" ", "-"))
            for name, part in parts.items()
            if part.in_background
        }
        for name, part in parts.items():
            if not part.in_background:
                _say(f"— {name} —")
                outcomes[name] = Running(part).outcome()
        for name, running in behind.items():
            outcomes[name] = running.outcome()
            _say(f"— {name}, which ran in the background —")
            _say(running.log.read_text("utf-8", "replace"))
    _say("— Summary —")
    for name, outcome in outcomes.items():
        _say(f"{name:<12} {outcome.line}")
    whole = Outcome(
        max(abs(each.status) for each in outcomes.values()),
        time.monotonic() - began,
        sum(each.cpu for each in outcomes.values()),
    )
    _say(f"{'together':<12} {whole.line}")
    return 1 if whole.status else 0


def _say(text: str) -> None:
    print(text, flush=True)  # noqa: T201


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
