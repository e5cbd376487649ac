"""Furigana: texts hold `{漢字|かんじ}`; here are its faces.

A page shows `<ruby>`, or the kanji alone where the reader has switched furigana off or where markup
cannot stand (titles, attributes, options); a text mail shows `漢字（かんじ）`.
"""

import re

_RUBY = r"\{([^{}|<>]+)\|([^{}|<>]+)\}"
RUBY = re.compile(_RUBY)

_HTML = r"<ruby>\1<rp>(</rp><rt>\2</rt><rp>)</rp></ruby>"

# A page in pieces: what must stay as typed, what holds text only, tags, and ruby between them.
_PAGE = re.compile(
    rf"(?P<typed><textarea\b.*?</textarea>)|(?P<plain><(?P<name>title|option|script)\b.*?</(?P=name)>)"
    rf"|(?P<tag><[^>]*>)|{_RUBY}",
    re.DOTALL | re.IGNORECASE,
)
_IN_TAG = re.compile(rf"(?P<typed>\svalue=\"[^\"]*\")|{_RUBY}")


def as_html(text: str) -> str:
    """The text with `<ruby>`; the text itself is left as it is, so escape it first."""
    return RUBY.sub(_HTML, text)


def as_plain(text: str) -> str:
    """The kanji alone: titles, search, calendars, JSON-LD."""
    return RUBY.sub(r"\1", text)


def as_mail(text: str) -> str:
    """`漢字（かんじ）`: text mail and everything else without markup that is read slowly."""
    return RUBY.sub(r"\1（\2）", text)


def as_reading(text: str) -> str:
    """The reading alone, for search by kana."""
    return RUBY.sub(r"\2", text)


def annotate_page(page: str, *, furigana: bool) -> str:
    """A whole HTML page with its furigana shown, or with the kanji alone.

    What a person typed into a field (`value`, `textarea`) is never touched: it must come back as it was.
    """
    between_tags = _HTML if furigana else r"\1"

    def piece(match: re.Match) -> str:
        if match["typed"]:
            return match[0]
        if match["plain"]:
            return as_plain(match[0])
        if match["tag"]:
            return _IN_TAG.sub(lambda found: found[0] if found["typed"] else found[2], match[0])
        return RUBY.sub(between_tags, match[0])

    return _PAGE.sub(piece, page)
