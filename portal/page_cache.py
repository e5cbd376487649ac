"""Copies of public pages for readers who are not signed in.

Each process keeps its own copies in memory; the database says when they are stale. Every recorded
change raises the trail's public edition in its own transaction, and each copy carries the edition it
was made from: a change is seen at once by every process on every machine, for the price of one
indexed read. Measured against whole pages in Redis: docs/adr/0006-page-cache.md.

Two doors lead here. The middleware, outside all others, keeps what they have made, with their headers.
`PageDoor` stands before Django and answers from a copy without waking it: 0.8 to 0.9 of an empty view's
requests a second on SQLite, 0.4 to 0.75 on PostgreSQL, where each answer waits for one round trip. The log tells of
the pages that had to be made.
"""

import hashlib
import re
from dataclasses import dataclass
from typing import NamedTuple

from django.conf import settings
from django.core.cache import caches
from django.db import Error, connection
from django.http import HttpResponse
from django.http.cookie import parse_cookie

from services.audit.trail import public_edition
from services.languages.choice import FURIGANA_COOKIE, in_address
from services.notices.banner import put_away_in

CHARSET = re.compile(r";\s*charset\b[^;]*", re.IGNORECASE)
LONGEST_QUERY = 60
NOT_IN_304 = {"Content-Type", "Content-Length", "Content-Encoding"}
PLACE = "portal.page_cache.place"


@dataclass(frozen=True, slots=True)
class Place:
    """Where a request's copy belongs: its key, and the edition that it must be of."""

    key: str
    edition: int


class Copy(NamedTuple):
    """A page as it was answered: status line, headers, body."""

    status: str
    headers: list[tuple[str, str]]
    body: bytes


class PageCache:
    """The middleware: keeps a copy of what may be kept, and answers from it where no PageDoor has looked."""

    def __init__(self, get_response):
        self.get_response = get_response

    def __call__(self, request):
        """Answer, and keep a copy if it may be kept."""
        if PLACE not in request.META and (copy := find_copy(request.META)):
            return HttpResponse(copy.body, status=int(copy.status[:3]), headers=dict(copy.headers))
        place = request.META[PLACE]
        response = self.get_response(request)
        if place is None or not _may_be_kept(response):
            return response
        response.headers.setdefault("Cache-Control", "private, no-cache")
        copy = Copy("200 OK", list(response.items()), response.content)
        caches["pages"].set(place.key, (place.edition, response["ETag"], copy))
        return response


class PageDoor:
    """A WSGI application before Django's: answers from a copy, else lets the request in."""

    def __init__(self, application):
        self.application = application

    def __call__(self, environ, start_response):
        """Answer, by PEP 3333."""
        # Django would read the query string in it, or break: charset=hex is a 500, charset=latin-1 another page.
        environ["CONTENT_TYPE"] = CHARSET.sub("", environ.get("CONTENT_TYPE", ""))
        copy = find_copy(environ)
        if copy is None:
            return self.application(environ, start_response)
        start_response(copy.status, copy.headers)
        return [copy.body]


def find_copy(environ: dict) -> Copy | None:
    """The right copy for this request, or word that the browser has it; notes in `environ` where one belongs."""
    environ[PLACE] = None
    key = _key(environ)
    if key is None:
        return None
    # This read shows whether the connection is alive: no query before it only to find that out.
    connection.health_check_done = True
    try:
        edition = public_edition()
    except Error:
        connection.health_check_done = False
        return None
    environ[PLACE] = Place(key, edition)
    kept_edition, etag, copy = caches["pages"].get(key) or (None, None, None)
    if kept_edition != edition:
        return None
    if environ.get("HTTP_IF_NONE_MATCH") == etag:
        return Copy("304 Not Modified", [header for header in copy.headers if header[0] not in NOT_IN_304], b"")
    return copy


def _key(environ: dict) -> str | None:
    """What a copy depends on; None where no copy may be kept."""
    path, query = environ["PATH_INFO"], environ.get("QUERY_STRING", "")
    if environ["REQUEST_METHOD"] != "GET" or not in_address(path) or len(query) > LONGEST_QUERY:
        return None
    cookies = parse_cookie(environ.get("HTTP_COOKIE", ""))
    if settings.SESSION_COOKIE_NAME in cookies or "messages" in cookies:
        return None
    parts = (
        environ["wsgi.url_scheme"],
        environ.get("HTTP_X_FORWARDED_PROTO", "") if settings.SECURE_PROXY_SSL_HEADER else "",
        # As it was sent: a page for a host that is not ours never becomes a copy.
        environ.get("HTTP_HOST", ""),
        environ.get("SCRIPT_NAME", ""),
        path,
        query,
        furigana if (furigana := cookies.get(FURIGANA_COOKIE)) in {"on", "off"} else "",
        put_away_in(cookies),
        "chosen" if settings.LANGUAGE_COOKIE_NAME in cookies else "",
        "gzip" if "gzip" in environ.get("HTTP_ACCEPT_ENCODING", "") else "",
    )
    return hashlib.sha256(repr(parts).encode()).hexdigest()


def _may_be_kept(response) -> bool:
    return (
        response.status_code == 200
        and not response.cookies
        and not response.streaming
        and "ETag" in response
        and "no-store" not in response.get("Cache-Control", "")
    )
