"""Middleware that activates each request's language and shows furigana on each page."""

from django.http import HttpResponsePermanentRedirect
from django.utils import translation
from django.utils.cache import patch_vary_headers
from django.utils.encoding import escape_uri_path

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


class FuriganaMiddleware:
    """Render the furigana of every HTML response, so that no template can forget it."""

    def __init__(self, get_response):
        self.get_response = get_response

    def __call__(self, request):
        """Respond; then turn `{漢字|かんじ}` into ruby or kanji."""
        response = self.get_response(request)
        is_page = response.get("Content-Type", "").startswith("text/html") and not response.streaming
        if is_page and b"|" in response.content:
            page = response.content.decode(response.charset)
            response.content = annotate_page(page, furigana=getattr(request, "furigana", False))
            if "Content-Length" in response:  # set by CommonMiddleware for the page before this change
                response["Content-Length"] = str(len(response.content))
        return response
