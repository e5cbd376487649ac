"""How many bytes a phone downloads for a page, and how pages look in print and in high contrast."""

from urllib.parse import urlsplit

import pytest

from tests.support.page_types import ARTICLE, LANGUAGES

HOME_BYTES, HOME_REQUESTS = 60_000, 10
EMERGENCY_BYTES = 20_000


def weigh(visit, path: str) -> dict[str, int]:
    """Open a page with an empty cache; return the bytes transferred for each response, with headers and redirects."""
    wire = visit.page.context.new_cdp_session(visit.page)
    wire.send("Network.enable")
    asked, sizes = {}, {}

    def sent(event):
        if before := event.get("redirectResponse"):
            sizes[before["url"]] = before["encodedDataLength"]
        asked[event["requestId"]] = event["request"]["url"]

    def done(event):
        sizes[asked[event["requestId"]]] = event["encodedDataLength"]

    wire.on("Network.requestWillBeSent", sent)
    wire.on("Network.loadingFinished", done)
    visit.page.goto(path, wait_until="networkidle")
    # A phone's browser fetches these, but this headless one does not: count them all the same.
    also = visit.page.locator("link[rel=icon], link[rel=manifest]")
    for url in also.evaluate_all("links => links.map(link => link.href)"):
        if url not in sizes:
            sizes[url] = len(visit.page.request.get(url).body()) + 500
    return {url: size for url, size in sizes.items() if not url.startswith("data:")}


@pytest.mark.parametrize("language", LANGUAGES)
def test_first_visit_is_light_and_asks_nobody_else(new_visitor, language):
    visit = new_visitor(language, viewport={"width": 360, "height": 740})
    sizes = weigh(visit, "/")
    assert visit.path == f"/{language}/"
    assert (sum(sizes.values()) <= HOME_BYTES, len(sizes) <= HOME_REQUESTS) == (True, True), sizes
    assert {urlsplit(url).netloc for url in sizes} == {urlsplit(visit.address).netloc}


@pytest.mark.parametrize("language", LANGUAGES)
def test_emergency_page_is_lighter_still_and_needs_no_script(new_visitor, language):
    visit = new_visitor(language, viewport={"width": 360, "height": 740})
    sizes = weigh(visit, f"/{language}/emergency/")
    assert sum(sizes.values()) < EMERGENCY_BYTES, sizes
    assert visit.page.locator("script").count() == 0


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("path", ["", ARTICLE, "emergency/", "me/signup/"])
def test_page_stands_in_other_media(new_visitor, language, path):
    visit = new_visitor(language)
    visit.open(path)
    blank = new_visitor(language).page.screenshot()
    page = visit.page

    page.emulate_media(forced_colors="active")
    assert len(page.screenshot()) > 2 * len(blank)
    borders = "buttons => buttons.map(button => getComputedStyle(button).borderTopStyle)"
    drawn = page.locator("main :is(.button, .tile, .alert)").evaluate_all(borders)
    assert set(drawn) <= {"solid"}
    page.emulate_media(forced_colors="none", media="print")
    assert page.locator("h1").is_visible()
    assert page.locator("header, footer, .demo").evaluate_all("all => all.filter(each => each.checkVisibility())") == []
    assert len(page.screenshot()) > len(blank)
    # People hang the printed first steps on their wall.
    assert page.locator(".steps li").evaluate_all("all => all.every(each => each.checkVisibility())")
    assert page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth") == 0
