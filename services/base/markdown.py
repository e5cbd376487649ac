"""Staff write Markdown (CommonMark); readers get HTML in which nothing can act."""

import re
from functools import lru_cache

import nh3
from django.utils.safestring import SafeString, mark_safe
from markdown_it import MarkdownIt

_PARSER = MarkdownIt("commonmark", {"html": False})
TAGS = {"p", "h2", "h3", "h4", "ul", "ol", "li", "strong", "em", "a", "blockquote", "br", "hr", "code", "pre"}
SCHEMES = {"http", "https", "mailto", "tel"}
_LINK = re.compile(r"\[([^\[\]]{1,300})\]\(([^()\s]{1,1000})\)")
ATTRIBUTES = {"a": {"href"}, "ol": {"start"}}


@lru_cache(maxsize=256)
def as_html(text: str) -> SafeString:
    """The Markdown as HTML of an allow-list of tags; links only to http, https, mailto and tel."""
    html = nh3.clean(
        _PARSER.render(text),
        tags=TAGS,
        attributes=ATTRIBUTES,
        url_schemes=SCHEMES,
        link_rel="noopener",
    )
    return mark_safe(html)  # noqa: S308  nh3 has just made it so


def as_words(text: str, between: str = " ") -> str:
    """The Markdown's words alone, for search and for a first line. between: what parts one paragraph from the next."""
    blocks = [_words_in(block.children or ()) for block in _PARSER.parse(text)]
    return between.join(filter(None, blocks))


def _words_in(tokens) -> str:
    return "".join(" " if token.type in {"softbreak", "hardbreak"} else token.content for token in tokens)


def as_text(text: str) -> str:
    """The Markdown as a text mail shows it: as it was typed, but each link as its words and its address."""
    return _LINK.sub(r"\1: \2", text)
