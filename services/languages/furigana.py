"""Furigana: texts hold `{漢字|かんじ}`; here are its faces.

A page shows `<ruby>`, or the kanji alone where the reader has switched furigana off or where markup
cannot stand (titles, attributes); a text mail, what can be chosen from a list (`<option>`) and the words of a drawing
(`<text>` of an SVG) show `漢字（かんじ）`.
"""

import re

_RUBY = r"\{([^{}|<>]+)\|([^{}|<>]+)\}"
RUBY = re.compile(_RUBY)

# What in a page is not simply text with ruby: what must stay as typed, what holds text only, tags with a brace.
_APART = re.compile(
    r"<(?:(?P<typed>textarea\b.*?</textarea>)|(?P<plain>(?P<name>title|option|script|desc|text)\b.*?</(?P=name)>)"
    r"|[^>{]*\{[^>]*>)",
    re.DOTALL | re.IGNORECASE,
)
_IN_TAG = re.compile(rf"(?P<typed>\svalue=\"[^\"]*\")|(?P<read>\splaceholder=\"[^\"]*\")|{_RUBY}")


def as_html(text: str) -> str:
    """The text with `<ruby>`; the text itself is left as it is, so escape it first."""
    return RUBY.sub(_annotated, text)


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
    face = _annotated if furigana else r"\1"
    pieces, at = [], 0
    for apart in _APART.finditer(page):
        pieces += RUBY.sub(face, page[at : apart.start()]), _without_markup(apart, furigana=furigana)
        at = apart.end()
    return "".join([*pieces, RUBY.sub(face, page[at:])])


def _annotated(match: re.Match) -> str:
    return f"<ruby>{match[1]}<rp>(</rp><rt>{match[2]}</rt><rp>)</rp></ruby>"


def _without_markup(apart: re.Match, *, furigana: bool) -> str:
    if apart["typed"]:
        return apart[0]
    if apart["plain"]:
        if furigana and apart["name"].lower() in {"option", "text"}:  # what somebody has to read
            tag, mark, words = apart[0].partition(">")
            return as_plain(tag) + mark + as_mail(words)
        return as_plain(apart[0])
    return _IN_TAG.sub(lambda found: _in_tag(found, furigana=furigana), apart[0])


def _in_tag(found: re.Match, *, furigana: bool) -> str:
    if found["typed"]:
        return found[0]
    if found["read"]:  # the one attribute that is seen: in kana alone, since a field has no room for both
        return as_reading(found[0]) if furigana else as_plain(found[0])
    return as_plain(found[0])
