"""Copies of public pages for readers who are not signed in.

Each process keeps its own copies in memory; the database says when they are stale. Every recorded
change raises the trail's public edition in its own transaction, and each copy carries the edition it
was made from: a change is seen at once by every process on every machine, for the price of one
indexed read. Measured against whole pages in Redis: docs/adr/0006-page-cache.md.

It stands outside all other middleware and keeps their headers too, so that an answer from a copy costs
them nothing: 0.27 of an empty view's requests a second where it stood further in and each answer wrote
a line into the log, 0.7 here. The log tells of the pages that the portal had to make.
"""

from hashlib import blake2b

from django.conf import settings
from django.core.cache import caches
from django.db import DatabaseError, connection
from django.http import HttpResponse, HttpResponseNotModified
from django.http.response import ResponseHeaders
from django.utils.cache import get_conditional_response, set_response_etag

from services.audit.trail import public_edition
from services.languages.choice import FURIGANA_COOKIE, in_address

LONGEST_QUERY = 60
NOT_IN_304 = {"content-type", "content-length", "content-encoding"}


class PageCache:
    """Answers from a copy where it can; keeps a copy of what may be kept."""

    def __init__(self, get_response):
        self.get_response = get_response
        self.pages = caches["pages"]

    def __call__(self, request):
        """Answer, with an ETag; 304 where the browser's copy is still right."""
        key = self._key(request)
        if key is None:
            return self.get_response(request)
        # This read shows whether the connection is alive: no query before it only to find that out.
        connection.health_check_done = True
        try:
            edition = public_edition()
        except DatabaseError:
            connection.health_check_done = False
            return self.get_response(request)
        kept = self.pages.get(key)
        if kept and kept[0] == edition:
            return _copy(request, *kept[1:])
        response = self.get_response(request)
        if not _may_be_kept(response):
            return response
        response.headers.setdefault("Cache-Control", "private, no-cache")
        set_response_etag(response)
        self.pages.set(key, (edition, response.content, {name.lower(): (name, v) for name, v in response.items()}))
        return get_conditional_response(request, response["ETag"], None, response)

    @staticmethod
    def _key(request) -> str | None:
        """What a copy depends on; None where no copy may be kept."""
        query = request.META["QUERY_STRING"]
        if request.method != "GET" or not in_address(request.path_info) or len(query) > LONGEST_QUERY:
            return None
        cookies = request.COOKIES
        if settings.SESSION_COOKIE_NAME in cookies or "messages" in cookies:
            return None
        parts = (
            request.scheme,
            # As it was sent: a page for a host that is not ours never becomes a copy.
            request.META.get("HTTP_HOST", ""),
            request.path_info,
            query,
            furigana if (furigana := cookies.get(FURIGANA_COOKIE)) in {"on", "off"} else "",
            "chosen" if settings.LANGUAGE_COOKIE_NAME in cookies else "",
            "gzip" if "gzip" in request.META.get("HTTP_ACCEPT_ENCODING", "") else "",
        )
        # Hashed, because a path may hold anything and a cache's key may not.
        return blake2b("|".join(parts).encode("utf-8", "surrogatepass"), digest_size=20).hexdigest()


def _may_be_kept(response) -> bool:
    return (
        response.status_code == 200
        and not response.cookies
        and not response.streaming
        and "no-store" not in response.get("Cache-Control", "")
    )


def _copy(request, body: bytes, headers: dict[str, tuple[str, str]]) -> HttpResponse:
    """The kept page, or word that the browser has it already."""
    if request.META.get("HTTP_IF_NONE_MATCH") == headers["etag"][1]:
        response = HttpResponseNotModified()
        headers = {name: header for name, header in headers.items() if name not in NOT_IN_304}
    else:
        # A content type of any kind spares Django working one out; the kept headers replace it.
        response = HttpResponse(body, content_type="text/html")
    # They were checked when the page was made. Setting them one by one would check them again, for 30 µs.
    response.headers = _Checked(headers)
    return response


class _Checked(ResponseHeaders):
    """Headers that have been through ResponseHeaders before."""

    def __init__(self, store: dict[str, tuple[str, str]]):
        self._store = dict(store)
