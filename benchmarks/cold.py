"""Uncached pages, with 10,000 articles."""

import json
from statistics import median

from benchmarks.serving import EMPTY, PORTAL, city, inside, load, serving
from benchmarks.table import Row

PAGES = {
    "home": "/{}/",
    "category": "/{}/guide/life/",
    "article": "/{}/guide/article/rubbish/",
}
STATED = {"guide": "/{}/guide/"}  # counts all articles; has no target
LANGUAGES = ("ne", "ja-simple", "ar")  # one per round; ja-simple costs the most because of furigana
REACH = 25
MAX_QUERIES = 8
FEW, MANY = 10, 10_000


def measure():
    """Measure the CPU time per request, the database's included, relative to the empty view; and queries.

    One request at a time: parallel requests would measure waits for the GIL, which the empty view never has.
    """
    for database in ("SQLite", "PostgreSQL"):
        with city(database, articles=FEW) as (env, _process):
            few = json.loads(inside("queries", env=_cold(env)))
        with city(database, articles=MANY) as (env, process):
            many = json.loads(inside("queries", env=_cold(env)))
            with serving(EMPTY, env) as empty, serving(PORTAL, _cold(env), database=process) as portal:
                yield from _rows(database, empty, portal)
        worst = max(many.values())
        yield Row(
            f"cold: queries with {FEW} and {MANY:,} articles, {database}",
            f"≤ {MAX_QUERIES}, the same",
            f"{worst} at most, {'the same' if few == many else 'not the same'}",
            worst <= MAX_QUERIES and few == many,
            {"few": few, "many": many},
        )


def _cold(env):
    return {**env, "DJANGO_SETTINGS_MODULE": "benchmarks.settings"}


def _rows(database, empty, portal):
    load(empty, "/")
    seen = {name: {} for name in PAGES | STATED}
    for language in LANGUAGES:
        base = load(empty, "/", connections=1, Accept_Encoding="gzip")
        for name, path in (PAGES | STATED).items():
            portal.get(path.format(language))
            ours = load(portal, path.format(language), connections=1, Accept_Encoding="gzip")
            seen[name][language] = (base.cpu_seconds, ours.cpu_seconds)
    base = median(base for pairs in seen.values() for base, _ours in pairs.values())
    for name, pairs in seen.items():
        ratios = {language: ours / base for language, (_base, ours) in pairs.items()}
        ratio = median(ratios.values())
        milliseconds = median(ours for _base, ours in pairs.values()) * 1000
        yield Row(
            f"cold: {name}, {MANY:,} articles, {database}",
            f"CPU ≤ {REACH} ×" if name in PAGES else "stated",
            f"{ratio:.1f} × ({milliseconds:.1f} ms; most: {max(ratios.values()):.1f} ×)",
            ratio <= REACH if name in PAGES else None,
            {"ratio": ratio, "ratios": ratios, "milliseconds": milliseconds, "empty_milliseconds": base * 1000},
        )
