"""Markdown (CommonMark) that staff write, as harmless HTML and as text."""

import re
from functools import lru_cache

import nh3
from django.utils.safestring import SafeString, mark_safe
from markdown_it import MarkdownIt
from markdown_it.common.utils import escapeHtml

_PARSER = MarkdownIt("commonmark", {"html": False})
TAGS = {"p", "h2", "h3", "h4", "ul", "ol", "li", "strong", "em", "a", "blockquote", "br", "hr", "code", "pre", "bdi"}
SCHEMES = {"http", "https", "mailto", "tel"}
_LINK = re.compile(r"\[([^\[\]]{1,300})\]\(([^()\s]{1,1000})\)")
ATTRIBUTES = {"a": {"href"}, "ol": {"start"}, "bdi": {"dir"}}
_RIGHT_TO_LEFT = re.compile("[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc]")
# Telephone numbers and dates in digits. After Arabic letters their groups would be shown in the wrong order
# (Unicode bidirectional algorithm, rule W2), so they are isolated from the text around them.
_DIGIT_GROUPS = re.compile(
    r"(?<![\w+(/.=?&#%-])(?:\+\d[\d ()-]{6,}\d|\(0\d{1,4}\) ?\d{1,4}-\d{3,4}|\d{1,5}(?:-\d{2,4}){2,3})(?![\w-])"
)


def _isolate_digit_groups(_renderer, tokens, index, _options, env) -> str:
    html = escapeHtml(tokens[index].content)
    return _DIGIT_GROUPS.sub(r'<bdi dir="ltr">\g<0></bdi>', html) if env.get("right_to_left") else html


_PARSER.add_render_rule("text", _isolate_digit_groups)


@lru_cache(maxsize=256)
def to_html(text: str) -> SafeString:
    """Render Markdown as HTML with allowed tags only; links lead only to http, https, mailto and tel."""
    html = nh3.clean(
        _PARSER.render(text, {"right_to_left": bool(_RIGHT_TO_LEFT.search(text))}),
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
    text = _LINK.sub(r"\1: \2", text)
    return _DIGIT_GROUPS.sub("\u2066\\g<0>\u2069", text) if _RIGHT_TO_LEFT.search(text) else text
