"""The consultation desk with ten thousand and with a million consultations: pages must be equally fast."""

import json

from benchmarks import saving
from benchmarks.serving import city, inside
from benchmarks.table import Row

FEW, MANY = 10_000, 1_000_000
REACH_RATIO = 2
# This page, opened once a year, reads that year's rows of the log on purpose, to check the tallies.
READS_ROWS = "national report"
TIMEOUT = 1800  # seconds to insert a million rows


def measure():
    """Measure the same pages with few and with many consultations, and saving with many."""
    with city("PostgreSQL") as (env, _database):
        small = _measure_with(FEW, env)
        large = _measure_with(MANY, env)
        saved = list(saving.measure(env))
    for name, (seconds, queries) in small["pages"].items():
        seconds_large, queries_large = large["pages"][name]
        ratio, is_stated = seconds_large / seconds, name == READS_ROWS
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


def _measure_with(number: int, env: dict[str, str]) -> dict:
    written = json.loads(inside("consultations", str(number), env=env, timeout=TIMEOUT))
    return {**written, "pages": json.loads(inside("desk_pages", env=env, timeout=TIMEOUT))}
