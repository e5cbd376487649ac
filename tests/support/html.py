"""Read a page without a browser: its texts in its own language, and its `<link>` elements."""

import re
from dataclasses import dataclass, field
from html.parser import HTMLParser

VOID = {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"}
NOT_OURS = {"bdi", "pre", "code", "script", "style", "rt", "rp"}
HEARD = ("aria-label", "placeholder", "title", "alt")


@dataclass
class _Element:
    tag: str
    language: str
    is_ours: bool


@dataclass
class Page(HTMLParser):
    """A page; `pieces` are the texts that can be seen or heard on it.

    Names, user input and text marked as another language are left out.
    """

    source: str
    pieces: list[str] = field(default_factory=list)
    links: list[dict[str, str]] = field(default_factory=list)
    language: str = ""

    def __post_init__(self):
        super().__init__(convert_charrefs=True)
        self._open: list[_Element] = []
        self._text = ""
        self.feed(self.source)
        self.close()
        self._flush()

    def handle_starttag(self, tag, attributes):
        """Record the language of the element's content, and what a screen reader says about the element itself."""
        self._flush()
        found = {name: value or "" for name, value in attributes}
        if tag == "html":
            self.language = found["lang"]
        if tag == "link":
            self.links.append(found)
        around = self._open[-1] if self._open else _Element("", self.language, True)
        element = _Element(tag, found.get("lang", around.language), around.is_ours and tag not in NOT_OURS)
        if self._is_in_body and self._is_said(element):
            self._add(*(found[name] for name in HEARD if name in found))
        if tag not in VOID:
            self._open.append(element)

    def handle_startendtag(self, tag, attributes):
        """Open and close an empty element, such as `<path/>` in an SVG."""
        self.handle_starttag(tag, attributes)
        if tag not in VOID:
            self._open.pop()

    def handle_endtag(self, tag):
        """Close the element, and any elements inside it without an end tag."""
        self._flush()
        while any(element.tag == tag for element in self._open) and self._open.pop().tag != tag:
            pass

    def handle_data(self, data):
        """Add to the current text."""
        self._text += data

    def handle_comment(self, data):
        """End the current text at a comment."""
        self._flush()

    @property
    def _is_in_body(self) -> bool:
        return any(element.tag == "body" for element in self._open)

    def _is_said(self, element: _Element) -> bool:
        return element.is_ours and element.language == self.language

    def _flush(self) -> None:
        inside = self._open[-1] if self._open else None
        if inside and ((self._is_in_body and self._is_said(inside)) or self._is_name_of_page):
            self._add(self._text)
        self._text = ""

    @property
    def _is_name_of_page(self) -> bool:
        return [element.tag for element in self._open] == ["html", "head", "title"]

    def _add(self, *texts: str) -> None:
        self.pieces += [text for each in texts if (text := re.sub(r"\s+", " ", each).strip())]
