"""Furigana: render the notation `{漢字|かんじ}` for each medium.

Pages show `<ruby>`, or the kanji alone if the reader has switched furigana off or markup is not possible (titles,
attributes). Text emails, options (`<option>`) and the text of drawings (`<text>` in SVG) show `漢字（かんじ）`.
"""

import re

_RUBY = r"\{([^{}|<>]+)\|([^{}|<>]+)\}"
RUBY = re.compile(_RUBY)
_PUN = {0, 1, 3, 4, 6, 8}  # last digits after which 分 is read ぷん

# Parts of a page that cannot hold ruby: typed text that must not change, elements of plain text, tags with a brace.
_WITHOUT_RUBY = re.compile(
    r"<(?:(?P<typed>textarea\b.*?</textarea>)|(?P<plain>(?P<name>title|option|script|desc|text)\b.*?</(?P=name)>)"
    r"|[^>{]*\{[^>]*>)",
    re.DOTALL | re.IGNORECASE,
)
_IN_TAG = re.compile(rf"(?P<typed>\svalue=\"[^\"]*\")|(?P<read>\splaceholder=\"[^\"]*\")|{_RUBY}")


def to_ruby(text: str) -> str:
    """Render as `<ruby>`. Does not escape the text: escape it first."""
    return RUBY.sub(_ruby_element, text)


def strip_readings(text: str) -> str:
    """Leave only the kanji: for titles, search, calendars, JSON-LD."""
    return RUBY.sub(r"\1", text)


def to_parentheses(text: str) -> str:
    """Render as `漢字（かんじ）`: for text emails and other text without markup."""
    return RUBY.sub(lambda match: f"{match[1]}（{_reading(match)}）", text)


def to_reading(text: str) -> str:
    """Leave only the reading: for search by kana."""
    return RUBY.sub(_reading, text)


def annotate_page(page: str, *, furigana: bool) -> str:
    """Render all furigana of an HTML page, or leave only the kanji.

    Text that a person typed into a field (`value`, `textarea`) never changes: it must come back as it was.
    """
    replacement = _ruby_element if furigana else r"\1"
    pieces, end = [], 0
    for part in _WITHOUT_RUBY.finditer(page):
        pieces += RUBY.sub(replacement, page[end : part.start()]), _render_without_ruby(part, furigana=furigana)
        end = part.end()
    return "".join([*pieces, RUBY.sub(replacement, page[end:])])


def _ruby_element(match: re.Match) -> str:
    return f"<ruby>{match[1]}<rp>(</rp><rt>{_reading(match)}</rt><rp>)</rp></ruby>"


def _reading(match: re.Match) -> str:
    """Return the reading; that of minutes follows the number before them: ごふん (5), さんじゅっぷん (30)."""
    reading = match[2]
    if match[1].startswith("分") and reading.startswith(("ふん", "ぷん")):
        digit = match.string[max(0, match.start() - 1) : match.start()]
        if digit.isdecimal():
            return ("ぷん" if int(digit) in _PUN else "ふん") + reading[2:]
    return reading


def _render_without_ruby(part: re.Match, *, furigana: bool) -> str:
    if part["typed"]:
        return part[0]
    if part["plain"]:
        if furigana and part["name"].lower() in {"option", "text"}:  # text that people have to read
            tag, bracket, text = part[0].partition(">")
            return strip_readings(tag) + bracket + to_parentheses(text)
        return strip_readings(part[0])
    return _IN_TAG.sub(lambda match: _render_in_tag(match, furigana=furigana), part[0])


def _render_in_tag(match: re.Match, *, furigana: bool) -> str:
    if match["typed"]:
        return match[0]
    if match["read"]:  # the only visible attribute: kana alone, because a field has no room for both
        return to_reading(match[0]) if furigana else strip_readings(match[0])
    return strip_readings(match[0])


def with_reading(text: str) -> str:
    """Return the text without markup, followed by its reading if it has one, for search."""
    plain = strip_readings(text)
    return f"{plain} {to_reading(text)}" if plain != text else plain
