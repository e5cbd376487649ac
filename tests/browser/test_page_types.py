"""Every type of page, by machine: axe, widths, sizes, language, console; in three scripts, light and dark."""

import re

import pytest
from axe_playwright_python.sync_playwright import Axe

from services.languages.table import SPOKEN
from tests.browser.pages import PAGES, come_to

LANGUAGES = ("ja-simple", "ne", "ar")
VIEWS = ({"width": 320, "height": 720}, {"width": 1280, "height": 900})
# Everything that axe knows, and the size of targets, which it leaves out unless asked (WCAG 2.2, 2.5.8).
EVERYTHING = {"resultTypes": ["violations"], "rules": {"target-size": {"enabled": True}}}
# The dark colours change nothing but colours.
COLOURS = {"resultTypes": ["violations"], "runOnly": ["color-contrast", "link-in-text-block"]}
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

# Attributes hold what screen readers say.
WORDS = """() => [
    document.title,
    document.body.innerText,
    ...[...document.querySelectorAll('[aria-label], [placeholder], [title], meta[content]')].flatMap(each =>
        ['aria-label', 'placeholder', 'title', 'content'].map(name => each.getAttribute(name) || '')),
].join('\\n')"""


def violations(page, options) -> list[str]:
    """What axe complains about, readable."""
    if not page.evaluate("'axe' in window"):
        page.evaluate(Axe().axe_script)
    # A reading has its kanji's colour; axe takes three times as long if it looks at each.
    found = page.evaluate("options => axe.run({exclude: ['rt', 'rp']}, options)", options)["violations"]
    return [f"{rule['id']}: {node['html'][:200]} {node['failureSummary']}" for rule in found for node in rule["nodes"]]


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", PAGES)
def test_page_is_whole(name, language, visitor, ill_portal):
    visit, answer = come_to(name, language, visitor, ill_portal, viewport=VIEWS[0])
    page = visit.page

    assert answer.status == PAGES[name].status
    html = page.locator("html")
    assert (html.get_attribute("lang"), html.get_attribute("dir")) == (language, SPOKEN[language].dir)
    assert page.locator("h1").count() == 1
    assert RUBY.search(page.evaluate(WORDS)) is None
    # The pages have no script that would notice: another width and other colours need no new visit.
    for view in VIEWS:
        page.set_viewport_size(view)
        assert page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth") == 0
        assert page.evaluate(SMALL_TARGETS) == []
        page.emulate_media(color_scheme="light")
        assert violations(page, EVERYTHING) == []
        page.emulate_media(color_scheme="dark")
        assert violations(page, COLOURS) == []
    assert visit.complaints == []
