"""python -m benchmarks: measure everything, print one table, write var/bench.json.

Ends with 0 also where a figure is missed (the table says so), with 1 where one could not be taken.
"""

import argparse
import datetime
import os
import platform
import shutil
import sys
import time
import traceback
from pathlib import Path

from benchmarks import broadcast, cached, cold, desk, first_visit, keys, memory, start_up
from benchmarks.table import Row, printed, write

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
LACKS = {"cached": "wrk", "cold": "wrk", "start-up": "git"}


def main() -> int:
    """Take each part in turn; a part that fails leaves the others their chance."""
    words = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__.splitlines()[0])
    words.add_argument("--only", nargs="+", choices=PARTS, default=list(PARTS), help="parts to measure (default: all)")
    words.add_argument("--json", type=Path, default=Path("var/bench.json"), help="where to write the figures")
    chosen = words.parse_args()
    rows, failed, begun = [], False, time.monotonic()
    for name in chosen.only:
        print(f"{name} …", file=sys.stderr, flush=True)
        try:
            if name in LACKS and not shutil.which(LACKS[name]):
                raise FileNotFoundError(f"{LACKS[name]} is missing: `apt-get install {LACKS[name]}` brings it.")
            rows += PARTS[name]()
        except Exception as fault:  # noqa: BLE001  whatever it is, the other parts are still wanted
            traceback.print_exc()
            rows.append(Row(name, "", f"not measured: {type(fault).__name__}: {str(fault).splitlines()[0]}", False))
            failed = True
    print(printed(rows))
    facts = {
        "at": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "python": platform.python_version(),
        "cores": os.cpu_count(),
        "load_average": os.getloadavg()[0],
        "seconds": round(time.monotonic() - begun),
    }
    write(rows, chosen.json, **facts)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
