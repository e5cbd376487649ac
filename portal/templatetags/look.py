"""Tags that make a page's frame cheap: it is the same on every page, and was two thirds of a page's cost."""

from functools import cache

from django import template
from django.templatetags.static import static
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

register = template.Library()


@register.simple_tag
def icon(name: str) -> SafeString:
    """An icon of static/icons.svg, only for the eye."""
    return _icon(name, static("icons.svg"))


@cache
def _icon(name: str, sprite: str) -> SafeString:
    return format_html(
        '<svg class="icon icon-{0}" aria-hidden="true" focusable="false"><use href="{1}#{0}"></use></svg>', name, sprite
    )


@register.simple_tag
def alternate_links(alternates: list[dict], default_language: str) -> SafeString:
    """The page's addresses in other languages, for machines; x-default is the city's own."""
    named = [(each["language"].code, each["url"]) for each in alternates]
    named += [("x-default", url) for code, url in named if code == default_language]
    return format_html_join("", '<link rel="alternate" hreflang="{}" href="{}">', named)


@register.simple_tag
def language_links(alternates: list[dict], language) -> SafeString:
    """The page's addresses in other languages, for readers."""
    return format_html_join(
        "",
        '<li><a href="{}" hreflang="{}" lang="{}" dir="{}"{}>{}</a></li>',
        (
            (each["url"], code, code, other.dir, CURRENT if code == language.code else "", other.own_name)
            for each in alternates
            for other in [each["language"]]
            for code in [other.code]
        ),
    )


CURRENT = SafeString(' aria-current="page"')
