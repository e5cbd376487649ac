"""Journeys by keyboard alone."""

import pytest
from playwright.sync_api import expect

from tests.support.page_types import LANGUAGES, come_to

# The focused element: its index among all focusable elements, whether it is in view and whether it is outlined.
FOCUS = """() => {
    const here = document.activeElement;
    if (here === document.body || here === document.documentElement) return null;
    const box = here.getBoundingClientRect();
    const marked = [here, here.closest('.finder')].filter(Boolean).map(each => getComputedStyle(each));
    const all = [...document.querySelectorAll('a[href], button, summary, input, select, textarea, [tabindex]')];
    return {
        place: all.indexOf(here),
        in_sight: box.bottom > 0 && box.top < innerHeight && box.right > 0 && box.left < innerWidth,
        outlined: marked.some(style => style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) >= 2),
        what: here.outerHTML.slice(0, 100),
    };
}"""
# The elements that Tab must reach, in this order. Unchecked radio buttons are reached by the arrow keys.
STOPS = """() => {
    const all = [...document.querySelectorAll('a[href], button, summary, input, select, textarea, [tabindex]')];
    return all.filter(each => each.tabIndex >= 0 && !each.disabled && each.type !== 'hidden' && each.checkVisibility()
        && !(each.type === 'radio' && !each.checked)).map(each => all.indexOf(each));
}"""


def tab_to(page, selector: str, *, most: int = 40) -> None:
    """Press Tab until the element has the focus."""
    for _press in range(most):
        page.keyboard.press("Tab")
        if page.evaluate("selector => document.activeElement.matches(selector)", selector):
            return
    raise AssertionError(f"{most} times Tab do not lead to {selector}")


@pytest.mark.parametrize("width", [360, 1280])
@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", ["first visit", "fallback", "search found", "emergency", "sign in", "my page"])
def test_tab_comes_by_everything_in_order_and_is_seen(name, language, width, visitor, ill_portal):
    visit, _answer = come_to(name, language, visitor, ill_portal, viewport={"width": width, "height": 740})
    page = visit.page
    wanted = page.evaluate(STOPS)
    came_by = []
    for _press in wanted:
        page.keyboard.press("Tab")
        came_by.append(page.evaluate(FOCUS))

    assert None not in came_by
    assert [stop["place"] for stop in came_by] == wanted
    assert [stop["what"] for stop in came_by if not (stop["outlined"] and stop["in_sight"])] == []
    page.keyboard.press("Tab")
    assert page.evaluate(FOCUS) is None  # the focus leaves the page: no trap


@pytest.mark.parametrize("language", LANGUAGES)
def test_first_tab_leads_over_the_head_to_the_content(visitor, language):
    visit = visitor(language)
    visit.open("guide/article/rubbish/")
    visit.page.keyboard.press("Tab")
    expect(visit.page.locator(".skip")).to_be_focused()
    expect(visit.page.locator(".skip")).to_be_in_viewport()

    visit.page.keyboard.press("Enter")
    expect(visit.page.locator("main")).to_be_focused()
    visit.page.keyboard.press("Tab")
    assert visit.page.evaluate("document.querySelector('main').contains(document.activeElement)") is True


@pytest.mark.parametrize("language", LANGUAGES)
def test_language_is_chosen_by_keyboard(visitor, language):
    visit = visitor(language, viewport={"width": 360, "height": 740})
    visit.open("guide/life/")
    other = "da"
    tab_to(visit.page, "header details:not(.menu) > summary")
    visit.page.keyboard.press("Enter")
    tab_to(visit.page, f"button[value={other}]")
    visit.page.keyboard.press("Enter")

    expect(visit.page.locator("html")).to_have_attribute("lang", other)
    assert visit.path == f"/{other}/guide/life/"


@pytest.mark.parametrize("language", LANGUAGES)
def test_menu_opens_leads_and_closes_by_keyboard(visitor, language):
    visit = visitor(language, viewport={"width": 360, "height": 740})
    visit.open("")
    menu = visit.page.locator("details.menu")
    tab_to(visit.page, "details.menu > summary")
    for wanted in (True, False, True):
        visit.page.keyboard.press("Enter")
        assert menu.evaluate("menu => menu.open") is wanted
    tab_to(visit.page, "details.menu a[href$='/guide/']")
    visit.page.keyboard.press("Enter")

    visit.page.wait_for_url(f"**/{language}/guide/")
    assert visit.page.locator("details[open]").count() == 0


@pytest.mark.parametrize("width", [360, 1280])
@pytest.mark.parametrize("language", LANGUAGES)
def test_search_by_keyboard(visitor, language, width):
    visit = visitor(language, viewport={"width": width, "height": 740})
    visit.open("emergency/")
    if width == 360:
        tab_to(visit.page, "details.menu > summary")
        visit.page.keyboard.press("Enter")
    tab_to(visit.page, "input[name=q]")
    visit.page.keyboard.type("119")
    visit.page.keyboard.press("Enter")

    visit.page.wait_for_url(f"**/{language}/search/?q=119")
    expect(visit.page.locator("[role=status]")).to_be_visible()


@pytest.mark.parametrize("script", [True, False], ids=["script", "no-script"])
@pytest.mark.parametrize("language", LANGUAGES)
def test_summary_of_errors_takes_the_focus_and_leads_to_the_field(visitor, ill_portal, language, script):
    visit, _answer = come_to("sign up, wrong", language, visitor, ill_portal, java_script_enabled=script)
    expect(visit.page.locator(".alert.error")).to_be_focused()
    fields = visit.page.locator(".alert.error a").evaluate_all("links => links.map(link => link.hash)")
    assert fields == ["#id_name", "#id_email", "#id_password1"]

    visit.page.keyboard.press("Tab")
    visit.page.keyboard.press("Tab")
    visit.page.keyboard.press("Enter")
    expect(visit.page.locator("#id_email")).to_be_focused()
    assert visit.page.locator("#id_email").get_attribute("aria-invalid") == "true"
    described = visit.page.locator("#id_email").get_attribute("aria-describedby").split()
    assert "id_email_error" in described
    assert visit.page.locator("#id_email").input_value() == "me@here"
