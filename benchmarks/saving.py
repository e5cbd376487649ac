"""Logging a consultation as an adviser's browser does, alternating with a POST that only inserts a row."""

import contextlib
import datetime
import http.client
import json
import secrets
import time
from statistics import quantiles
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from benchmarks.serving import NotMeasured, inside, serving
from benchmarks.table import Row

LOGGING, INSERTING = "/en/staff/consultations/new/", "/measured/"
AS_A_FORM = "application/x-www-form-urlencoded"
REACH_RATIO, REACH_QUERIES = 3, 15
WARMING, TIMES = 50, 400


def entry(token: str) -> str:
    """Return a consultation of last midnight as the logging form sends it. token: the CSRF token."""
    return urlencode({
        "csrfmiddlewaretoken": token, "key": secrets.token_urlsafe(16),
        "day": f"{datetime.datetime.now(ZoneInfo('Asia/Tokyo')):%Y-%m-%d}", "time": "00:00", "minutes": "10",
        "channel": "phone", "enquirer": "self", "language": "ne", "language_support": "adviser",
        "topics": "tax, housing",
        "outcome": "info", "note": "She asked on which day glass is collected. " * 3,
    })  # fmt: skip


def measure(env: dict[str, str]):
    """Measure both on one connection to the portal's web server, and the queries of saving."""
    signed_in = json.loads(inside("sign_in", env=env))
    headers = {
        "Cookie": "; ".join(f"{name}={value}" for name, value in signed_in["cookies"].items()),
        "Content-Type": AS_A_FORM,
    }
    with serving("benchmarks.insert:application", env) as portal:
        caller = http.client.HTTPConnection("127.0.0.1", portal.port, timeout=20)
        with contextlib.closing(caller):
            durations = [
                [
                    _seconds(caller, *post, entry(signed_in["token"]), headers)
                    for post in ((LOGGING, 302), (INSERTING, 204))
                ]
                for _time in range(WARMING + TIMES)
            ]
    saving, empty = (quantiles(each, n=20)[-1] for each in zip(*durations[WARMING:], strict=True))
    ratio, queries = saving / empty, signed_in["queries"]
    yield Row(
        "saving a log entry: p95, of that of an empty POST with one insert",
        f"≤ {REACH_RATIO}, ≤ {REACH_QUERIES} queries",
        f"{ratio:.2f} ({saving * 1000:.1f} of {empty * 1000:.1f} ms), {queries} queries",
        ratio <= REACH_RATIO and queries <= REACH_QUERIES,
        {"saving": saving, "empty": empty, "queries": queries},
    )


def _seconds(caller, address: str, expected: int, body: str, headers: dict[str, str]) -> float:
    began = time.perf_counter()
    caller.request("POST", address, body, headers)
    answer = caller.getresponse()
    body_received = answer.read()
    durations = time.perf_counter() - began
    if answer.status != expected:
        raise NotMeasured(f"{address} answered {answer.status}: {body_received[:2000]}")
    return durations
