"""The memory of a web worker after many different requests."""

import contextlib
import http.client
import itertools
from urllib.parse import quote, urlencode

from benchmarks.serving import PORTAL, NotMeasured, city, serving
from benchmarks.table import Row

REQUESTS = 5_000
REACH_BYTES = 150_000_000
MAY_GROW = 1.03  # in the second half
LANGUAGES = ("ja", "ja-simple", "en", "zh-hans", "ko", "fil", "ne", "vi", "ar", "da")
PAGES = (
    "/",
    "/guide/",
    "/guide/life/",
    "/guide/article/rubbish/",
    "/guide/article/residence-card/",
    "/guide/article/earthquake/",
    "/emergency/",
    "/classes/",
    "/consultations/",
    "/me/login/",
    "/nothing/here/",
    "/guide/article/no-such-article/",
    "?page=",
    "search",
    "choose",
)
COOKIES = ("", "furigana=on", "furigana=off", "language=ne", "language=ar; furigana=on")


def measure():
    """Measure the worker's resident memory after a fifth, half and all of the requests."""
    with city("SQLite") as (env, _database), serving(PORTAL, env) as portal:
        caller = http.client.HTTPConnection("127.0.0.1", portal.port, timeout=20)
        held = {}
        with contextlib.closing(caller):
            for number, request in enumerate(itertools.islice(_requests(), REQUESTS), start=1):
                caller.request(*request)
                answer = caller.getresponse()
                answer.read()
                if answer.status >= 500:
                    raise NotMeasured(f"{request[:2]} answered {answer.status}.")
                if number in {1_000, REQUESTS // 2, REQUESTS}:
                    held[number] = portal.worker_bytes
    last, growth = held[REQUESTS], held[REQUESTS] / held[REQUESTS // 2]
    summary = ", ".join(f"{size / 1e6:.0f} MB after {number:,}" for number, size in held.items())
    yield Row("memory of a web worker", "≤ 150 MB", summary, last <= REACH_BYTES, {"held": held})
    yield Row(
        "memory: growth in the second half", "≤ 3 %", f"{growth - 1:+.1%}", growth <= MAY_GROW, {"growth": growth}
    )


def _requests():
    """Yield every page in every language with every cookie, again and again; queries and page numbers never repeat."""
    turn = itertools.count()
    while True:
        for cookie, language, page in itertools.product(COOKIES, LANGUAGES, PAGES):
            number = next(turn)
            headers = {"Accept-Encoding": "gzip" if number % 3 else "", "Cookie": cookie}
            if page == "choose":
                headers["Content-Type"] = "application/x-www-form-urlencoded"
                form = {"next": f"/{language}/guide/", "furigana": "on" if number % 2 else "off"}
                yield "POST", "/choose/", urlencode(form), headers
            elif page == "search":
                yield "GET", f"/{language}/search/?q={quote(f'ゴミ {number}')}", None, headers
            elif page == "?page=":
                yield "GET", f"/{language}/guide/life/?page={number}", None, headers
            else:
                yield "GET", f"/{language}{page}", None, headers
