"""The reader's language for each request, and furigana for each page."""

from django.http import HttpResponsePermanentRedirect
from django.utils import translation
from django.utils.cache import patch_vary_headers
from django.utils.encoding import escape_uri_path

from services.languages import choice
from services.languages.ruby import annotate_page


class PermanentRedirect(HttpResponsePermanentRedirect):
    """A permanent redirect that keeps the method and the body (RFC 9110, 15.4.9)."""

    status_code = 308


class ReadersLanguage:
    """Activates the address's language; an alias in the address leads to the address that we use."""

    def __init__(self, get_response):
        self.get_response = get_response

    def __call__(self, request):
        """Answer in one language, and say which."""
        named = choice.in_address(request.path_info)
        language = choice.offered(named) if named else choice.preferred(request)
        translation.activate(language)
        request.LANGUAGE_CODE = language
        request.furigana = choice.wants_furigana(request, language)
        if named and named != language:
            address = escape_uri_path(choice.in_language(request.path, language))
            query = request.META.get("QUERY_STRING", "")
            safe = request.method in {"GET", "HEAD"}
            kind = HttpResponsePermanentRedirect if safe else PermanentRedirect
            return kind(f"{address}?{query}" if query else address)
        response = self.get_response(request)
        if not named:
            patch_vary_headers(response, ["Accept-Language", "Cookie"])
        response.headers.setdefault("Content-Language", language)
        return response


class Ruby:
    """Shows furigana in every page at its door, so that no template can forget it."""

    def __init__(self, get_response):
        self.get_response = get_response

    def __call__(self, request):
        """Answer; then turn `{漢字|かんじ}` into ruby or kanji."""
        response = self.get_response(request)
        is_page = response.get("Content-Type", "").startswith("text/html") and not response.streaming
        if is_page and b"|" in response.content:
            page = response.content.decode(response.charset)
            response.content = annotate_page(page, furigana=getattr(request, "furigana", False))
            if "Content-Length" in response:  # CommonMiddleware has counted the page as it was
                response["Content-Length"] = str(len(response.content))
        return response
