"""Template tags for the parts that all pages share, cached because they were two thirds of a page's cost."""

from functools import cache

from django import template
from django.conf import settings
from django.templatetags.static import static
from django.utils.html import escape, format_html, format_html_join
from django.utils.safestring import SafeString

from services.languages.registry import SPOKEN

register = template.Library()


@register.simple_tag
def icon(name: str) -> SafeString:
    """Render a decorative icon of static/icons.svg."""
    return _icon(name, static("icons.svg"))


@cache
def _icon(name: str, sprite: str) -> SafeString:
    return format_html(
        '<svg class="icon icon-{0}" aria-hidden="true" focusable="false"><use href="{1}#{0}"></use></svg>', name, sprite
    )


@register.simple_block_tag
def said_twice(content: SafeString) -> SafeString:
    """Escape double quotes, for a page's title or description, which is also used in an attribute."""
    return SafeString(content.replace('"', "&quot;"))


@register.simple_tag
def alternate_links(after_language: str) -> SafeString:
    """Render `<link>` elements to the page in other languages, for search engines; x-default is the city's own."""
    city = settings.CITY
    return _with_path(_alternate_links(settings.SITE_URL, city.languages, city.default_language), after_language)


@register.simple_tag
def language_links(after_language: str, language: str) -> SafeString:
    """Render the list of links to the page in other languages, for readers."""
    return _with_path(_language_links(settings.SITE_URL, settings.CITY.languages, language), after_language)


_PATH = "\0"  # placeholder for the path after the language, in links rendered once for all pages


def _with_path(links: SafeString, after_language: str) -> SafeString:
    return SafeString(links.replace(_PATH, escape(after_language)) if after_language else "")


@cache
def _alternate_links(site: str, languages: tuple[str, ...], default: str) -> SafeString:
    named = [(code, f"{site}/{code}{_PATH}") for code in languages]
    named += [("x-default", url) for code, url in named if code == default]
    return format_html_join("", '<link rel="alternate" hreflang="{}" href="{}">', named)


@cache
def _language_links(site: str, languages: tuple[str, ...], current: str) -> SafeString:
    mark = SafeString(' aria-current="page"')
    return format_html_join(
        "",
        '<li><a href="{0}/{1}{2}" hreflang="{1}" lang="{1}" dir="{3}"{4}>{5}</a></li>',
        (
            (site, code, _PATH, SPOKEN[code].dir, mark if code == current else "", SPOKEN[code].own_name)
            for code in languages
        ),
    )
