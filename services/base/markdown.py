"""Markdown (CommonMark) that staff write, as harmless HTML and as text."""

import re
from functools import lru_cache

import nh3
from django.utils.safestring import SafeString, mark_safe
from markdown_it import MarkdownIt
from markdown_it.common.utils import escapeHtml

from services.base.machine_text import is_right_to_left, isolate_digit_runs, isolate_in_right_to_left

_PARSER = MarkdownIt("commonmark", {"html": False})
TAGS = {"p", "h2", "h3", "h4", "ul", "ol", "li", "strong", "em", "a", "blockquote", "br", "hr", "code", "pre", "bdi"}
SCHEMES = {"http", "https", "mailto", "tel"}
_LINK = re.compile(r"\[([^\[\]]{1,300})\]\(([^()\s]{1,1000})\)")
ATTRIBUTES = {"a": {"href"}, "ol": {"start"}, "bdi": {"dir"}}


def _isolate_digit_groups(_renderer, tokens, index, _options, env) -> str:
    html = escapeHtml(tokens[index].content)
    return isolate_digit_runs(html, '<bdi dir="ltr">', "</bdi>") if env.get("right_to_left") else html


_PARSER.add_render_rule("text", _isolate_digit_groups)


@lru_cache(maxsize=256)
def to_html(text: str) -> SafeString:
    """Render Markdown as HTML with allowed tags only; links lead only to http, https, mailto and tel."""
    html = nh3.clean(
        _PARSER.render(text, {"right_to_left": is_right_to_left(text)}),
        tags=TAGS,
        attributes=ATTRIBUTES,
        url_schemes=SCHEMES,
        link_rel="noopener",
    )
    return mark_safe(html)  # noqa: S308  nh3 has just made it so


def to_plain_text(text: str, between: str = " ") -> str:
    """Return the text without markup, for search and excerpts. between: what separates paragraphs."""
    blocks = [_inline_text(block.children or ()) for block in _PARSER.parse(text)]
    return between.join(filter(None, blocks))


def _inline_text(tokens) -> str:
    return "".join(" " if token.type in {"softbreak", "hardbreak"} else token.content for token in tokens)


def to_text_email(text: str) -> str:
    """Return Markdown for a plain-text email: as typed, but each link as its text and its address."""
    return isolate_in_right_to_left(_LINK.sub(r"\1: \2", text))
