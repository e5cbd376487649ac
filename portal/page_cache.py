"""A cache of public pages, for readers who are not signed in.

Each process caches pages in memory, and the database says when they are stale. Every recorded change increments the
audit trail's content version in its own transaction, and each cached page has the version that it was rendered from.
So every process on every machine sees a change at once, for one indexed read a request. Compared with whole pages in
Redis in docs/adr/0006-page-cache.md.

The outermost middleware, `PageCache`, stores rendered pages with all their headers. `CachedPageApplication`, in
front of Django, serves them: 0.8 to 0.9 of an empty view's requests a second on SQLite, and 0.4 to 0.75 on PostgreSQL,
where each response waits for a round trip. The request log only contains the pages that had to be rendered.
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

from services.audit.trail import content_version
from services.languages.negotiation import FURIGANA_COOKIE, language_in_path
from services.notices.emergencies.banner import dismissed_in

CHARSET = re.compile(r";\s*charset\b[^;]*", re.IGNORECASE)
MAX_QUERY_LENGTH = 60
NOT_IN_304 = {"Content-Type", "Content-Length", "Content-Encoding"}
CACHE_SLOT = "portal.page_cache.slot"


@dataclass(frozen=True, slots=True)
class CacheSlot:
    """The cache key of a request's page, and the content version that it must have."""

    key: str
    version: int


class CachedPage(NamedTuple):
    """A response: status line, headers, body."""

    status: str
    headers: list[tuple[str, str]]
    body: bytes


class PageCache:
    """Middleware that caches public pages, and serves them if `CachedPageApplication` is not in front of Django."""

    def __init__(self, get_response):
        self.get_response = get_response

    def __call__(self, request):
        """Respond, and cache the page if allowed."""
        if CACHE_SLOT not in request.META and (page := find_cached_page(request.META)):
            return HttpResponse(page.body, status=int(page.status[:3]), headers=dict(page.headers))
        slot = request.META[CACHE_SLOT]
        response = self.get_response(request)
        if slot is None or not _is_cacheable(response):
            return response
        response.headers.setdefault("Cache-Control", "private, no-cache")
        page = CachedPage("200 OK", list(response.items()), response.content)
        caches["pages"].set(slot.key, (slot.version, response["ETag"], page))
        return response


class CachedPageApplication:
    """WSGI middleware in front of Django that serves cached pages."""

    def __init__(self, application):
        self.application = application

    def __call__(self, environ, start_response):
        """Respond (PEP 3333)."""
        # Django would decode the query string by it: charset=hex gives a 500, charset=latin-1 another page.
        environ["CONTENT_TYPE"] = CHARSET.sub("", environ.get("CONTENT_TYPE", ""))
        page = find_cached_page(environ)
        if page is None:
            return self.application(environ, start_response)
        start_response(page.status, page.headers)
        return [page.body]


def find_cached_page(environ: dict) -> CachedPage | None:
    """Return the cached page for a request, or a 304 response; None if there is none. Sets the slot in `environ`."""
    environ[CACHE_SLOT] = None
    key = _key(environ)
    if key is None:
        return None
    # This read itself shows whether the connection is alive: skip Django's separate health check.
    connection.health_check_done = True
    try:
        version = content_version()
    except Error:
        connection.health_check_done = False
        return None
    environ[CACHE_SLOT] = CacheSlot(key, version)
    cached_version, etag, page = caches["pages"].get(key) or (None, None, None)
    if cached_version != version:
        return None
    if environ.get("HTTP_IF_NONE_MATCH") == etag:
        return CachedPage("304 Not Modified", [header for header in page.headers if header[0] not in NOT_IN_304], b"")
    return page


def _key(environ: dict) -> str | None:
    """Return a hash of everything that a page depends on; None if the page may not be cached."""
    path, query = environ["PATH_INFO"], environ.get("QUERY_STRING", "")
    if environ["REQUEST_METHOD"] != "GET" or not language_in_path(path) or len(query) > MAX_QUERY_LENGTH:
        return None
    cookies = parse_cookie(environ.get("HTTP_COOKIE", ""))
    if settings.SESSION_COOKIE_NAME in cookies or "messages" in cookies:
        return None
    parts = (
        environ["wsgi.url_scheme"],
        environ.get("HTTP_X_FORWARDED_PROTO", "") if settings.SECURE_PROXY_SSL_HEADER else "",
        # As sent: Django rejects foreign hosts, so their pages are never cached.
        environ.get("HTTP_HOST", ""),
        environ.get("SCRIPT_NAME", ""),
        path,
        query,
        furigana if (furigana := cookies.get(FURIGANA_COOKIE)) in {"on", "off"} else "",
        dismissed_in(cookies),
        "chosen" if settings.LANGUAGE_COOKIE_NAME in cookies else "",
        "gzip" if "gzip" in environ.get("HTTP_ACCEPT_ENCODING", "") else "",
    )
    return hashlib.sha256(repr(parts).encode()).hexdigest()


def _is_cacheable(response) -> bool:
    return (
        response.status_code == 200
        and not response.cookies
        and not response.streaming
        and "ETag" in response
        and "no-store" not in response.get("Cache-Control", "")
    )
