"""Copies of public pages for readers who are not signed in.

Each process keeps its own copies in memory; the database says when they are stale. Every recorded
change raises the trail's public edition in its own transaction, and each copy carries the edition it
was made from: a change is seen at once by every process on every machine, for the price of one
indexed read. Measured against whole pages in Redis: docs/adr/0006-page-cache.md.
"""

from django.conf import settings
from django.core.cache import caches
from django.db import DatabaseError
from django.http import HttpResponse, HttpResponseNotModified
from django.utils.cache import get_conditional_response, set_response_etag

from services.audit.trail import public_edition
from services.languages.choice import FURIGANA_COOKIE, in_address

LONGEST_QUERY = 60
KEPT_HEADERS = ("Content-Type", "Content-Language", "Content-Encoding", "Vary", "ETag", "Cache-Control")


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
        try:
            edition = public_edition()
        except DatabaseError:
            return self.get_response(request)
        kept = self.pages.get(key)
        if kept and kept[0] == edition:
            _edition, body, headers = kept
            if request.headers.get("If-None-Match") == headers["ETag"]:
                response = HttpResponseNotModified(
                    headers={name: headers[name] for name in ("ETag", "Vary", "Cache-Control")}
                )
                response["Content-Language"] = headers["Content-Language"]
                return response
            return HttpResponse(body, headers=headers)
        response = self.get_response(request)
        if (
            response.status_code == 200
            and not response.cookies
            and not response.streaming
            and "no-store" not in response.get("Cache-Control", "")
        ):
            response.headers.setdefault("Cache-Control", "private, no-cache")
            set_response_etag(response)
            headers = {name: response.headers[name] for name in KEPT_HEADERS if name in response.headers}
            self.pages.set(key, (edition, response.content, headers))
            return get_conditional_response(request, response["ETag"], None, response)
        return response

    @staticmethod
    def _key(request) -> str | None:
        """What a copy depends on; None where no copy may be kept."""
        if (
            request.method != "GET"
            or not in_address(request.path_info)
            or len(request.META["QUERY_STRING"]) > LONGEST_QUERY
        ):
            return None
        cookies = request.COOKIES
        if settings.SESSION_COOKIE_NAME in cookies or "messages" in cookies:
            return None
        return "|".join(
            (
                request.get_host(),
                request.path_info,
                request.META["QUERY_STRING"],
                cookies.get(FURIGANA_COOKIE, ""),
                "chosen" if settings.LANGUAGE_COOKIE_NAME in cookies else "",
                "gzip" if "gzip" in request.headers.get("Accept-Encoding", "") else "",
            )
        )
