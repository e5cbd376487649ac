"""Middleware that activates each request's language and finishes the text of each page."""

from django.http import HttpResponsePermanentRedirect
from django.utils import translation
from django.utils.cache import patch_vary_headers
from django.utils.encoding import escape_uri_path

from services.base.machine_text import isolate_in_html
from services.languages import negotiation
from services.languages.furigana import annotate_page


class PermanentRedirect(HttpResponsePermanentRedirect):
    """A permanent redirect that preserves method and body (RFC 9110, 15.4.9)."""

    status_code = 308


class LanguageMiddleware:
    """Activate the language of the URL, or negotiate one; redirect a language alias to its canonical URL."""

    def __init__(self, get_response):
        self.get_response = get_response

    def __call__(self, request):
        """Respond in one language, named in Content-Language."""
        named = negotiation.language_in_path(request.path_info)
        language = negotiation.resolve_language(named) if named else negotiation.negotiate_language(request)
        translation.activate(language)
        request.LANGUAGE_CODE = language
        request.furigana = negotiation.wants_furigana(request, language)
        if named and named != language:
            address = escape_uri_path(negotiation.url_in_language(request.path, language))
            query = request.META.get("QUERY_STRING", "")
            safe = request.method in {"GET", "HEAD"}
            kind = HttpResponsePermanentRedirect if safe else PermanentRedirect
            return kind(f"{address}?{query}" if query else address)
        response = self.get_response(request)
        if not named:
            patch_vary_headers(response, ["Accept-Language", "Cookie"])
        response.headers.setdefault("Content-Language", language)
        return response


class PageTextMiddleware:
    """Finish the text of every HTML response, so that no template can forget it.

    Furigana become ruby, and in languages written from right to left each run of digits keeps its order.
    """

    def __init__(self, get_response):
        self.get_response = get_response

    def __call__(self, request):
        """Respond; then turn `{漢字|かんじ}` into ruby or kanji, and isolate the digits of phone numbers and dates."""
        response = self.get_response(request)
        if response.get("Content-Type", "").startswith("text/html") and not response.streaming:
            self._finish_text(request, response)
        return response

    def _finish_text(self, request, response) -> None:
        has_furigana = b"|" in response.content
        is_right_to_left = translation.get_language_bidi()
        if not has_furigana and not is_right_to_left:
            return
        page = response.content.decode(response.charset)
        if has_furigana:
            page = annotate_page(page, furigana=getattr(request, "furigana", False))
        response.content = isolate_in_html(page) if is_right_to_left else page
        if "Content-Length" in response:  # set by CommonMiddleware for the page before this change
            response["Content-Length"] = str(len(response.content))
