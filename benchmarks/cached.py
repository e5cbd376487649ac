"""Cached pages, for readers who are not signed in."""

from statistics import median

from benchmarks.serving import EMPTY, PORTAL, NotMeasured, city, load, serving
from benchmarks.table import Row

PAGES = {
    "home": "/ne/",
    "category": "/ja-simple/guide/life/",
    "article": "/ja-simple/guide/article/rubbish/",
}
REACH = 0.6
ROUNDS = 7


def measure():
    """Measure requests a second for cached pages, relative to the empty view, on both databases."""
    for database in ("SQLite", "PostgreSQL"):
        with (
            city(database) as (env, process),
            serving(EMPTY, env) as empty,
            serving(PORTAL, env, database=process) as portal,
        ):
            yield from _rows(database, empty, portal)


def _rows(database, empty, portal):
    etag = portal.get(PAGES["home"], Accept_Encoding="gzip").headers["ETag"]
    if portal.get(PAGES["home"], Accept_Encoding="gzip", If_None_Match=etag).status != 304:
        raise NotMeasured("The home page does not answer 304 to its own ETag.")
    asked = {name: (path, {"Accept_Encoding": "gzip"}) for name, path in PAGES.items()}
    asked["home, 304"] = (PAGES["home"], {"Accept_Encoding": "gzip", "If_None_Match": etag})
    load(empty, "/")
    for path, headers in asked.values():
        load(portal, path, **headers)
    seen = {name: [] for name in asked}
    for _round in range(ROUNDS):
        base = load(empty, "/", Accept_Encoding="gzip")
        for name, (path, headers) in asked.items():
            seen[name].append((base, load(portal, path, **headers)))
    for name, pairs in seen.items():
        ratio = median(ours.per_second / base.per_second for base, ours in pairs)
        values = {
            "ratio": ratio,
            "ratio_of_best": max(ours.per_second for _, ours in pairs) / max(base.per_second for base, _ in pairs),
            "cpu_ratio": median(ours.cpu_seconds / base.cpu_seconds for base, ours in pairs),
            "per_second": median(ours.per_second for _, ours in pairs),
            "empty_per_second": median(base.per_second for base, _ in pairs),
        }
        measured = f"{ratio:.2f} ({values['per_second']:,.0f} of {values['empty_per_second']:,.0f} req/s)"
        yield Row(f"from a copy: {name}, {database}", f"≥ {REACH}", measured, ratio >= REACH, values)
