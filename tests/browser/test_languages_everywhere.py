"""Every page for residents in all ten languages: it answers, links to the other nine and uses only one language."""

import functools
import json
import re
from urllib.parse import urljoin, urlsplit

import polib
import pytest
from django.conf import settings

from services.guide.demo import CATEGORIES
from services.languages.catalogue import source_file
from services.languages.registry import SPOKEN
from tests.support.html import Page
from tests.support.page_types import PAGES, Address, PageType, come_to

RESIDENTS = [name for name, kind in PAGES.items() if kind.resident]
WORD = re.compile(r"[A-Za-z]{2}")
ADDRESS = re.compile(r"\S+@\S+|https?://\S+")

# Every visible or spoken text on its own, except text marked as another language, names and user input.
PIECES = """() => {
    const whole = document.documentElement.lang;
    const ours = node => {
        const element = node.nodeType === Node.TEXT_NODE ? node.parentElement : node;
        return element.closest('[lang]').lang === whole && !element.closest('bdi, pre, code, script, style, rt, rp');
    };
    const found = [document.title];
    const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    while (texts.nextNode()) if (ours(texts.currentNode)) found.push(texts.currentNode.textContent);
    for (const name of ['aria-label', 'placeholder', 'title', 'alt'])
        for (const element of document.querySelectorAll(`body [${name}]`))
            if (ours(element)) found.push(element.getAttribute(name));
    return found.map(text => text.replace(/\\s+/g, ' ').trim()).filter(Boolean);
}"""


SEEN_IN_CHROMIUM = ("home", "article", "desk", "notices", "sign in", "my page")


@functools.cache
def sources() -> set[str]:
    """Return every English sentence for residents."""
    return {entry.msgid for entry in polib.pofile(source_file("en")) if entry.msgctxt != "staff"}


@functools.cache
def own_words(language: str) -> set[str]:
    """Return the language's own texts, even where English has the same: from the catalogue, categories and areas.

    check_catalogues finds English texts that were copied without translation.
    """
    titles = {category["titles"][language] for category in json.loads(CATEGORIES.read_text("utf-8"))}
    areas = {settings.CITY.area(code, language) for code in settings.CITY.areas}
    words = {entry.msgstr for entry in polib.pofile(source_file(language))}
    return titles | areas | words | {SPOKEN[language].own_name}


@pytest.fixture
def fetch(visitor, portal, ill_portal):
    """Return a function that fetches a page as it is sent; no page needs a script to show its text."""

    def make(kind: PageType, path: str, language: str) -> tuple[int, Page]:
        headers = {"Accept-Language": language}
        if kind.come.role:
            visit = visitor(language)
            visit.be(kind.come.role)
            headers["Cookie"] = "; ".join(f"{it['name']}={it['value']}" for it in visit.page.context.cookies())
        status, _headers, text = (ill_portal(kind.at) if kind.at else portal).get(path, **headers)
        return status, Page(text)

    return make


@pytest.fixture
def pieces_of(visitor, fetch):
    """Return a function that lists a page's texts in a language. Chromium navigates to pages without their own URL."""

    def make(name: str, language: str) -> list[str]:
        kind = PAGES[name]
        if isinstance(kind.come, Address):
            status, page = fetch(kind, f"/{language}/{kind.come.path}", language)
            assert (name, language, status) == (name, language, kind.status)
            return page.pieces
        visit = visitor(language)
        assert (name, language, kind.come(visit).status) == (name, language, kind.status)
        return visit.page.evaluate(PIECES)

    return make


def with_latin_words(pieces: list[str]) -> set[str]:
    return {piece for text in pieces if WORD.search(piece := ADDRESS.sub("", text).strip())}


@pytest.mark.parametrize("name", RESIDENTS)
def test_no_english_where_the_language_is_another(name, pieces_of):
    english = with_latin_words(pieces_of(name, "en"))
    strange = {
        language: (with_latin_words(pieces_of(name, language)) & (sources() | english)) - own_words(language)
        for language in SPOKEN
        if language != "en"
    }
    assert {language: sorted(found) for language, found in strange.items() if found} == {}


@pytest.mark.parametrize("language", ["ja-simple", "ar"])
@pytest.mark.parametrize("name", SEEN_IN_CHROMIUM)
def test_page_says_in_chromium_what_was_sent(name, language, visitor, ill_portal):
    """Show that reading the response is enough: it has the page's text, title, labels and descriptions."""
    visit, _answer = come_to(name, language, visitor, ill_portal)
    assert visit.page.evaluate(PIECES) != []
    assert set(visit.page.evaluate(PIECES)) == set(Page(visit.page.request.get(visit.page.url).text()).pieces)


@pytest.mark.parametrize("name", [name for name in RESIDENTS if PAGES[name].status == 200])
def test_page_names_itself_in_every_language_and_each_answers(name, visitor, portal, fetch):
    kind = PAGES[name]
    if isinstance(kind.come, Address):
        path = f"/ne/{urlsplit(kind.come.path).path}"
        page = fetch(kind, f"/ne/{kind.come.path}", "ne")[1]
        answers = {code: fetch(kind, path.replace("/ne/", f"/{code}/", 1), code) for code in SPOKEN}
    else:
        visit = visitor("ne")
        kind.come(visit)
        path, page = urlsplit(visit.page.url).path, Page(visit.page.content())
        sent = {code: visit.page.request.get(path.replace("/ne/", f"/{code}/", 1)) for code in SPOKEN}
        answers = {code: (answer.status, Page(answer.text())) for code, answer in sent.items()}
    links = [it for it in page.links if it["rel"] == "alternate" and "hreflang" in it]
    wanted = {code: f"{portal.url}/{code}{path.removeprefix('/ne')}" for code in SPOKEN}

    assert {it["hreflang"]: urljoin(portal.url, it["href"]) for it in links} == wanted | {"x-default": wanted["ja"]}
    assert len(links) == len(SPOKEN) + 1
    canonical = [urljoin(portal.url, it["href"]) for it in page.links if it["rel"] == "canonical"]
    assert canonical == [wanted["ne"]]
    assert {code: (status, each.language) for code, (status, each) in answers.items()} == {
        code: (200, code) for code in SPOKEN
    }
