"""The consultation desk with ten thousand and with a million consultations: pages must not feel the difference."""

import json

from benchmarks import saving
from benchmarks.serving import city, inside
from benchmarks.table import Row

FEW, MANY = 10_000, 1_000_000
REACH_RATIO = 2
# Once a year and on purpose it looks at the log's own rows of that year, to be held against the tallies.
LOOKS_AT_ROWS = "national report"
TAKES_LONG = 1800  # seconds until a million rows must be there


def measure():
    """The same pages in the same city before and after it has grown; what saving costs in the large one."""
    with city("PostgreSQL") as (env, _database):
        small = _measured(FEW, env)
        large = _measured(MANY, env)
        saved = list(saving.measure(env))
    for name, (seconds, queries) in small["pages"].items():
        seconds_large, queries_large = large["pages"][name]
        ratio, is_stated = seconds_large / seconds, name == LOOKS_AT_ROWS
        yield Row(
            f"desk, {name}: p95 with {MANY:,} consultations, of that with {FEW:,}",
            "stated" if is_stated else f"≤ {REACH_RATIO}, constant queries",
            f"{ratio:.2f} ({seconds_large * 1000:.0f} of {seconds * 1000:.0f} ms), {queries} and {queries_large}",
            None if is_stated else ratio <= REACH_RATIO and queries == queries_large,
            {"small": seconds, "large": seconds_large, "ratio": ratio, "queries": [queries, queries_large]},
        )
    yield Row(
        f"putting {MANY:,} consultations there, counting them",
        "stated",
        f"{small['writing'] + large['writing']:.0f} s, {small['counting'] + large['counting']:.0f} s",
        None,
    )
    yield from saved


def _measured(number: int, env: dict[str, str]) -> dict:
    written = json.loads(inside("consultations", str(number), env=env, timeout=TAKES_LONG))
    return {**written, "pages": json.loads(inside("desk_pages", env=env, timeout=TAKES_LONG))}
