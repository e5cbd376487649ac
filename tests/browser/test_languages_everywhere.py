"""Every page for residents in all ten languages: it answers, knows where the others are, and speaks one language."""

import json
import re
from urllib.parse import urlsplit

import polib
import pytest
from django.conf import settings

from services.guide.demo import CATEGORIES
from services.languages.catalogue import source_file
from services.languages.table import SPOKEN
from tests.browser.pages import PAGES, come_to

RESIDENTS = [name for name, kind in PAGES.items() if kind.resident]
WORD = re.compile(r"[A-Za-z]{2}")
ADDRESS = re.compile(r"\S+@\S+|https?://\S+")

# What can be seen or heard, piece by piece; without what is marked as another language, names and what was typed.
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


def everything_said(language: str, visitor, ill_portal) -> dict[str, set[str]]:
    """For each type of page the pieces with a word in Latin letters. One context for all: a new one costs more."""
    visits, said = {}, {}
    for name in RESIDENTS:
        kind = PAGES[name]
        if kind.at not in visits:
            visits[kind.at] = visitor(language, at=ill_portal(kind.at) if kind.at else None)
        visit = visits[kind.at]
        visit.page.context.clear_cookies()
        assert (name, kind.come(visit).status) == (name, kind.status)
        found = {ADDRESS.sub("", piece).strip() for piece in visit.page.evaluate(PIECES)}
        said[name] = {piece for piece in found if WORD.search(piece)}
    return said


@pytest.fixture(scope="session")
def in_english():
    """What each page says in English, kept for the other languages."""
    return {}


def own_words(language: str) -> set[str]:
    """What is the language's own word even if English has the same: by catalogue, categories, areas.

    Copies that nobody translated are found by check_catalogues.
    """
    titles = {category["titles"][language] for category in json.loads(CATEGORIES.read_text("utf-8"))}
    areas = {settings.CITY.area(code, language) for code in settings.CITY.areas}
    words = {entry.msgstr for entry in polib.pofile(source_file(language))}
    return titles | areas | words | {SPOKEN[language].own_name}


@pytest.mark.xdist_group("English")  # which is read once for all
@pytest.mark.parametrize("language", [code for code in SPOKEN if code != "en"])
def test_no_english_where_the_language_is_another(language, visitor, ill_portal, in_english):
    if not in_english:
        in_english.update(everything_said("en", visitor, ill_portal))
    sources = {entry.msgid for entry in polib.pofile(source_file("en")) if entry.msgctxt != "staff"}
    allowed = own_words(language)
    said = everything_said(language, visitor, ill_portal)
    strange = {name: (found & (sources | in_english[name])) - allowed for name, found in said.items()}
    assert {name: sorted(found) for name, found in strange.items() if found} == {}


@pytest.mark.parametrize("name", [name for name in RESIDENTS if PAGES[name].status == 200])
def test_page_names_itself_in_every_language_and_each_answers(name, visitor, ill_portal):
    visit, _answer = come_to(name, "ne", visitor, ill_portal)
    page = visit.page
    links = page.locator("link[rel=alternate][hreflang]").evaluate_all(
        "links => links.map(link => [link.hreflang, link.href])"
    )
    path = urlsplit(page.url).path
    wanted = {code: f"{visit.address}/{code}{path.removeprefix('/ne')}" for code in SPOKEN}

    assert dict(links) == wanted | {"x-default": wanted["ja"]}
    assert len(links) == len(SPOKEN) + 1
    assert page.locator("link[rel=canonical]").evaluate("link => link.href") == f"{visit.address}{path}"
    answers = {code: page.request.get(url) for code, url in wanted.items()}
    assert {code: answer.status for code, answer in answers.items()} == dict.fromkeys(SPOKEN, 200)
    assert [code for code, answer in answers.items() if f'<html lang="{code}"' not in answer.text()] == []
