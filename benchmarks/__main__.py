"""python -m benchmarks: measure everything, print one table, write var/bench.json.

If a part cannot be measured, the others continue; the report names it with the reason, and the exit code is 1.
A result that misses its target is shown in the table, but does not change the exit code.
"""

import argparse
import datetime
import os
import platform
import sys
import time
import traceback
from pathlib import Path

from benchmarks import broadcast, cached, cold, desk, first_visit, keys, memory, start_up
from benchmarks.serving import NotMeasured
from benchmarks.table import Row, format_table, write_json
from tests.support.needs import NEEDS, chromium_program, missing

PARTS = {
    "broadcast": broadcast.measure,
    "cached": cached.measure,
    "cold": cold.measure,
    "desk": desk.measure,
    "first-visit": first_visit.measure,
    "keys": keys.measure,
    "memory": memory.measure,
    "start-up": start_up.measure,
}
# Programs that each part needs; `make bench` has tried to install them.
NEEDED_PROGRAMS = {
    "broadcast": ("postgresql", "redis"),
    "cached": ("postgresql", "wrk"),
    "cold": ("postgresql", "wrk"),
    "desk": ("postgresql",),
    "first-visit": ("chromium",),
    "keys": ("postgresql",),
    "start-up": ("git",),
}


def main() -> int:
    """Measure all options parts."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__.splitlines()[0])
    parser.add_argument("--only", nargs="+", choices=PARTS, default=list(PARTS), help="parts to measure (default: all)")
    parser.add_argument("--json", type=Path, default=Path("var/bench.json"), help="where to write the figures")
    options = parser.parse_args()
    rows, reasons, started = [], {}, time.monotonic()
    for name in options.only:
        print(f"{name} …", file=sys.stderr, flush=True)
        try:
            require_programs(NEEDED_PROGRAMS.get(name, ()))
            rows += PARTS[name]()
        except Exception as error:  # noqa: BLE001  whatever the error, measure the other parts
            traceback.print_exc()
            reasons[name] = f"{type(error).__name__}: {next(iter(str(error).splitlines()), 'no reason given')}"
            rows.append(Row(name, "", f"not measured: {reasons[name]}", False))
    print(format_table(rows))
    facts = {
        "at": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "python": platform.python_version(),
        "cores": os.cpu_count(),
        "load_average": os.getloadavg()[0],
        "seconds": round(time.monotonic() - started),
    }
    write_json(rows, options.json, **facts)
    for name, reason in reasons.items():
        print(f"NOT MEASURED: {name}: {reason}", file=sys.stderr)
    return 1 if reasons else 0


def require_programs(names: tuple[str, ...]) -> None:
    """Raise NotMeasured, with the command to install them, unless all programs are installed."""
    if absent := [need for need in missing(names) if need != NEEDS["chromium"] or not chromium_program()]:
        packages = " ".join(package for need in absent for package in need.packages)
        what = ", ".join(need.what for need in absent)
        raise NotMeasured(f"Missing: {what}. On Debian: sudo apt-get install -y {packages}")


if __name__ == "__main__":
    sys.exit(main())
