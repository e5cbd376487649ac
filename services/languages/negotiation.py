"""Which language, and furigana or not: from the address, a choice made by hand, the browser, the city."""

import re

from django.conf import settings
from django.http import HttpRequest
from django.utils.translation.trans_real import parse_accept_lang_header

from services.languages.table import ALIASES

PREFIX = re.compile(r"^/([A-Za-z]{2,8}(?:-[A-Za-z0-9]{1,8})*)(?=/|$)")
FURIGANA_COOKIE = "furigana"
LONGEST_CODE = 35  # as RFC 5646, 4.4.1 advises; a cookie may be much longer, and costs time for every hyphen


def offered(code: str) -> str | None:
    """The offered language that a code, an alias or a regional variant stands for; None if there is none."""
    code = code[:LONGEST_CODE].lower().replace("_", "-")
    languages = dict(settings.LANGUAGES)
    while code:
        for candidate in (code, ALIASES.get(code)):
            if candidate in languages:
                return candidate
        code = code.rpartition("-")[0]
    return None


def in_address(path: str) -> str | None:
    """The language code at the head of a path exactly as it stands there, if it stands for an offered language."""
    found = PREFIX.match(path)
    return found[1] if found and _is_language(found[1]) else None


def _is_language(code: str) -> bool:
    code = code.lower()
    return code in dict(settings.LANGUAGES) or ALIASES.get(code) in dict(settings.LANGUAGES)


def preferred(request: HttpRequest) -> str:
    """The language for a reader whose address names none: chosen by hand, else the browser's, else the city's."""
    chosen = offered(request.COOKIES.get(settings.LANGUAGE_COOKIE_NAME, ""))
    if chosen:
        return chosen
    for code, _quality in parse_accept_lang_header(request.headers.get("Accept-Language", "")):
        if wanted := offered(code):
            return wanted
    return settings.CITY.default_language


def staff_language(language: str) -> str:
    """The language in which staff read what only they see, on a page in `language`: Japanese or English."""
    return "ja" if language in {"ja", "ja-simple"} else "en"


def wants_furigana(request: HttpRequest, language: str) -> bool:
    """As switched by hand, else on in Easy Japanese only."""
    return {"on": True, "off": False}.get(request.COOKIES.get(FURIGANA_COOKIE), language == "ja-simple")


def in_language(path: str, language: str) -> str:
    """The address of the same page in another language."""
    return f"/{language}{after_language(path) or '/'}"


def after_language(path: str) -> str:
    """What follows the language at the head of a path, at least a slash; nothing if no language stands there."""
    prefix = in_address(path)
    return (path[len(prefix) + 1 :] or "/") if prefix else ""
