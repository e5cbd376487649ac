"""The template context of every page."""

from django.conf import settings
from django.utils.functional import SimpleLazyObject

from portal.form_pages import page_of_form
from portal.page_cache import CACHE_SLOT
from services.languages.negotiation import path_after_language, staff_language
from services.languages.registry import SPOKEN
from services.notices.emergencies.banner import Banner, banners


def page(request) -> dict:
    """Return the language, the city, the banners and the page's URLs."""
    page = page_of_form(request)
    code = getattr(request, "LANGUAGE_CODE", settings.CITY.default_language)
    return {
        "language": SPOKEN[code],
        "languages": settings.CITY.offered(),
        "staff_language": SPOKEN[staff_language(code)],
        "city": settings.CITY,
        "city_name": settings.CITY.name(code),
        "centre_name": settings.CITY.centre(code),
        "furigana": request.furigana if code == "ja-simple" and hasattr(request, "furigana") else None,
        "room": room.namespace or room.view_name if (room := request.resolver_match) else "",
        "idle_seconds": settings.STAFF_IDLE_SECONDS,
        "code_minutes": settings.CODE_SECONDS // 60,
        "demo": settings.DEMO,
        "site": settings.SITE_URL,
        "canonical": f"{settings.SITE_URL}{page or request.path}",
        "banners": SimpleLazyObject(lambda: _banners(request)),
        "after_language": path_after_language(page or request.path),
        "here": page or request.get_full_path(),
        "is_first_visit": settings.LANGUAGE_COOKIE_NAME not in request.COOKIES,
    }


def _banners(request) -> list[Banner]:
    """Return the emergencies above the page; the page cache may have read the content version already."""
    slot = request.META.get(CACHE_SLOT)
    return banners(request, slot.version if slot else None)
