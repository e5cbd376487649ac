"""Choose the language and furigana of a request: from the URL, the reader's choice, the browser or the city."""

import re

from django.conf import settings
from django.http import HttpRequest
from django.utils import translation
from django.utils.translation import get_language
from django.utils.translation.trans_real import parse_accept_lang_header

from services.languages.registry import ALIASES


def current_staff_language() -> str:
    """Return the language of staff text on the page that is being rendered: "ja" or "en"."""
    return staff_language(get_language())


def staff_language_override():
    """Return a context manager that activates the staff language: Japanese or English."""
    return translation.override(staff_language(translation.get_language()))


PREFIX = re.compile(r"^/([A-Za-z]{2,8}(?:-[A-Za-z0-9]{1,8})*)(?=/|$)")


FURIGANA_COOKIE = "furigana"


MAX_CODE_LENGTH = 35  # as RFC 5646, 4.4.1 advises; a cookie may be much longer, and each hyphen costs time


def resolve_language(code: str) -> str | None:
    """Return the offered language for a code, an alias or a regional variant; None if there is none."""
    code = code[:MAX_CODE_LENGTH].lower().replace("_", "-")
    languages = dict(settings.LANGUAGES)
    while code:
        for candidate in (code, ALIASES.get(code)):
            if candidate in languages:
                return candidate
        code = code.rpartition("-")[0]
    return None


def language_in_path(path: str) -> str | None:
    """Return the language code at the start of a path, as written there; None if it is not an offered language."""
    found = PREFIX.match(path)
    return found[1] if found and _is_language(found[1]) else None


def _is_language(code: str) -> bool:
    code = code.lower()
    return code in dict(settings.LANGUAGES) or ALIASES.get(code) in dict(settings.LANGUAGES)


def negotiate_language(request: HttpRequest) -> str:
    """Return the language for a URL without one: the reader's choice, else the browser's language.

    Without a language in the request, the city's; if it asks only for languages that are not offered, the fallback of
    the city's preset.
    """
    chosen = resolve_language(request.COOKIES.get(settings.LANGUAGE_COOKIE_NAME, ""))
    if chosen:
        return chosen
    header = request.headers.get("Accept-Language", "")
    asked = [code for code, quality in parse_accept_lang_header(header) if quality > 0 and code != "*"]
    offered = next(filter(None, map(resolve_language, asked)), None)
    return offered or (settings.CITY.fallback_language if asked else settings.CITY.default_language)


def staff_language(language: str) -> str:
    """Return the language of staff text on a page in `language`: "ja" or "en"."""
    return "ja" if language in {"ja", "ja-simple"} else "en"


def wants_furigana(request: HttpRequest, language: str) -> bool:
    """Whether to show furigana: as the reader chose, else in Easy Japanese only."""
    return {"on": True, "off": False}.get(request.COOKIES.get(FURIGANA_COOKIE), language == "ja-simple")


def url_in_language(path: str, language: str) -> str:
    """Return the URL of the same page in another language."""
    return f"/{language}{path_after_language(path) or '/'}"


def path_after_language(path: str) -> str:
    """Return the rest of a path after its language, at least "/"; "" if the path has no language."""
    prefix = language_in_path(path)
    return (path[len(prefix) + 1 :] or "/") if prefix else ""
