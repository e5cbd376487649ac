"""Automatic checks of every type of page: axe, widths, sizes, language, console; in three scripts, light and dark."""

import re
from dataclasses import dataclass
from itertools import product

import pytest
from axe_playwright_python.sync_playwright import Axe

from services.languages.registry import SPOKEN
from tests.support.page_types import LANGUAGES, PAGES, come_to

VIEWS = ({"width": 320, "height": 720}, {"width": 1280, "height": 900})


# All of axe's rules, including target size, which is off by default (WCAG 2.2, 2.5.8).
EVERYTHING = {"resultTypes": ["violations"], "rules": {"target-size": {"enabled": True}}}


RUBY = re.compile(r"\{[^{}]*\|[^{}]*\}")


SMALL_TARGETS = """() => {
    // Links within a sentence are as high as the sentence (WCAG 2.5.8, inline).
    const inline = link => link.matches('a') && getComputedStyle(link).display === 'inline';
    const stretched = link => link.matches('.card a, .list a');
    const large = 'button, summary, .button, .top-button, .rooms-list a, .menu-link, .tongues a, .tile, .number';
    return [...document.querySelectorAll('a[href], button, summary, input:not([type=hidden]), select, textarea')]
        .filter(each => each.checkVisibility() && !inline(each) && !stretched(each) && !each.matches('.skip'))
        .map(each => [each, each.closest('label') || each])
        .map(([each, area]) => [each, area.getBoundingClientRect(), each.matches(large) ? 44 : 24])
        .filter(([each, box, least]) => Math.round(box.width) < least || Math.round(box.height) < least)
        .map(([each, box, least]) => `${each.outerHTML.slice(0, 120)}: ${box.width} × ${box.height}`);
}"""


HEAD = """() => {
    const {lang, dir} = document.documentElement;
    return {lang, dir, headings: document.querySelectorAll('h1').length};
}"""


# Attributes hold text that screen readers announce.
WORDS = """() => [
    document.title,
    document.body.innerText,
    ...[...document.querySelectorAll('[aria-label], [placeholder], [title], meta[content]')].flatMap(each =>
        ['aria-label', 'placeholder', 'title', 'content'].map(name => each.getAttribute(name) || '')),
].join('\\n')"""


# Furigana has its kanji's colour; axe takes three times as long if it checks each reading.
RUN_AXE = "options => axe.run({exclude: ['rt', 'rp']}, options).then(result => result.violations)"


def violations(page) -> list[str]:
    """Return axe's violations as readable text."""
    if not page.evaluate("'axe' in window"):
        page.evaluate(Axe().axe_script)
    found = page.evaluate(RUN_AXE, EVERYTHING)
    return [f"{rule['id']}: {node['html'][:200]} {node['failureSummary']}" for rule in found for node in rule["nodes"]]


@dataclass(frozen=True)
class Look:
    """One run of axe over a page, in one language, width and theme."""

    name: str
    language: str
    width: int
    theme: str


def looks() -> list[Look]:
    """Return the runs of axe; the cheap checks cover every page in every language at both widths.

    axe takes far longer than all other checks together, so it covers pairs and not every combination: it checks each
    page once in each language, at alternating widths, and in one of the languages in dark colours. The styleguide,
    which shows all components, is checked in both themes in each language.
    """
    widths = [view["width"] for view in VIEWS]
    found = []
    for number, name in enumerate(PAGES):
        for turn, language in enumerate(LANGUAGES):
            is_dark = number % len(LANGUAGES) == turn
            themes = ("light", "dark") if name == "styleguide" else ("dark" if is_dark else "light",)
            found += [Look(name, language, widths[(number + turn) % 2], theme) for theme in themes]
    return found


LOOKS = looks()


@pytest.mark.parametrize(
    ("one", "other"),
    [("name", "language"), ("name", "width"), ("name", "theme"), ("language", "width"), ("language", "theme"),
     ("width", "theme")],
)  # fmt: skip
def test_axe_meets_every_pair(one, other):
    every = {
        "name": PAGES,
        "language": LANGUAGES,
        "width": [view["width"] for view in VIEWS],
        "theme": ("light", "dark"),
    }
    met = {(getattr(look, one), getattr(look, other)) for look in LOOKS}
    assert met == set(product(every[one], every[other]))


def test_axe_sees_the_styleguide_in_both_themes_in_every_language():
    seen = {(look.language, look.theme) for look in LOOKS if look.name == "styleguide"}
    assert seen == set(product(LANGUAGES, ("light", "dark")))


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", PAGES)
def test_page_is_whole(name, language, visitor, ill_portal):
    visit, answer = come_to(name, language, visitor, ill_portal)
    page = visit.page

    assert answer.status == PAGES[name].status
    # One script instead of locators, which take longer to prepare than all they find.
    assert page.evaluate(HEAD) == {"lang": language, "dir": SPOKEN[language].dir, "headings": 1}
    assert RUBY.search(page.evaluate(WORDS)) is None
    # No script on these pages depends on width or colours, so changing them needs no new visit.
    for view in VIEWS:
        page.set_viewport_size(view)
        assert page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth") == 0
        assert page.evaluate(SMALL_TARGETS) == []
        for theme in ("light", "dark"):
            if Look(name, language, view["width"], theme) in LOOKS:
                page.emulate_media(color_scheme=theme)
                assert violations(page) == []
    assert visit.complaints == []
