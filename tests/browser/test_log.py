"""An adviser's day on the logging screen: by keyboard alone, without JavaScript, and when everything goes wrong."""

import re

import pytest
from playwright.sync_api import expect

LOG = "staff/consultations/"
MOST_KEYS = 60
NOTE = "She asked on which day glass is collected. ガラスの日。"
KEPT = re.compile(r"\d")


class Keys:
    """A keyboard that counts key presses."""

    def __init__(self, page):
        self.page = page
        self.pressed = 0

    def press(self, *keys: str) -> None:
        for key in keys:
            self.page.keyboard.press(key)
            self.pressed += 1

    def type(self, letters: str) -> None:
        self.press(*letters)


@pytest.fixture
def adviser(new_visitor):
    """Return a function that opens the logging screen as the demo's adviser."""

    def make(language: str = "en", **options):
        visit = new_visitor(language, **options)
        visit.sign_in_as("adviser")
        visit.open(f"{LOG}new/")
        expect(visit.page.locator("#id_topics")).to_be_focused()
        return visit

    return make


def rows(visit) -> list[str]:
    return visit.page.locator(".log-rows tbody tr").first.locator("th, td").all_inner_texts()


def key_of(visit) -> str:
    return visit.page.locator(".log [name=key]").input_value()


def draft(visit, key: str):
    """Return the list item of one draft; other tests have their own drafts."""
    visit.open(LOG)
    return visit.page.locator(".log-drafts > li", has=visit.page.locator(f"a[href$='{key}']"))


def draft_is_kept(visit) -> None:
    expect(visit.page.locator("[data-kept]")).to_have_text(KEPT)


@pytest.mark.parametrize("language", ["en", "ja"])
def test_consultation_is_logged_by_keyboard_alone(adviser, language):
    visit = adviser(language)
    keys = Keys(visit.page)
    keys.type("hoken")
    keys.press("Enter")
    keys.type("gomi")
    keys.press("Tab")  # accepts the suggestion and moves on
    # The chips' buttons come before the field, so Tab goes straight on to the language.
    expect(visit.page.locator("#id_language")).to_be_focused()
    keys.type("ne")
    keys.press("Tab", "Tab")
    keys.type("denwa")
    keys.press("Tab")
    keys.type("kazoku")
    keys.press("Tab")
    keys.type("nyukan" if language == "ja" else "refer")
    keys.press("Escape")  # no: the outcome was only information
    keys.press("Tab")
    keys.type("15")
    keys.press("Control+Enter")

    expect(visit.page.locator(".alert.success")).to_be_visible()
    assert keys.pressed <= MOST_KEYS, keys.pressed
    _began, topic, spoken, channel, _outcome, minutes, _adviser = rows(visit)
    wanted = {"en": ("Health insurance", "Nepali"), "ja": ("社会保険", "ネパール語")}[language]
    assert (topic.startswith(wanted[0]), spoken, channel) == (True, wanted[1], visit.says("Phone", context="staff"))
    assert minutes == "15"
    visit.page.locator(".log-rows tbody a").first.click()
    # Maricel does not speak Nepali, so the screen chose a three-way call.
    shown = visit.page.locator(".log-facts").inner_text()
    assert visit.says("Three-way phone call", context="staff") in shown
    assert visit.says("Family", context="staff: who asked") in shown
    assert visit.complaints == []


def test_ordinary_consultation_needs_a_handful_of_keys(adviser):
    visit = adviser()
    keys, key = Keys(visit.page), key_of(visit)
    keys.type("gomi")
    keys.press("Enter", "Control+Enter")
    expect(visit.page.locator(".alert.success")).to_be_visible()
    assert keys.pressed == 6
    assert draft(visit, key).count() == 0


def test_topics_change_places_and_go(adviser):
    visit = adviser()
    page = visit.page
    for typed in ("tax", "gomi", "ビザ"):
        page.keyboard.type(typed)
        page.keyboard.press("Enter")
    chips = page.locator(".log-chips li")
    assert [chip.split("\n")[0] for chip in chips.all_inner_texts()] == [
        "Taxes",
        "Daily life, rubbish, neighbours, local rules",
        "Immigration and residence status",
    ]
    chips.nth(2).locator("button").first.click()
    page.locator("#id_topics").focus()
    page.keyboard.press("Backspace")
    assert page.locator("[name=topics]").input_value() == "immigration, tax"
    page.keyboard.type("nonsense")
    page.keyboard.press("Control+Enter")
    expect(page.locator(".alert.error[autofocus]")).to_be_visible()
    expect(page.locator("#id_topics")).to_have_value("nonsense")
    assert chips.count() == 2


@pytest.mark.parametrize("language", ["ja", "ne"])
def test_consultation_is_logged_without_script(new_visitor, language):
    visit = new_visitor(language, java_script_enabled=False)
    visit.sign_in_as("adviser")
    visit.open(f"{LOG}new/")
    page = visit.page
    page.locator("[name=topics]").fill("gomi")
    page.locator("details[data-without-script] > summary").click()
    page.locator("[name=ticked][value=tax]").check()
    page.locator("[name=note]").fill(NOTE)
    page.locator(".save button").nth(2).click()  # save as a draft
    assert page.locator("[name=note]").input_value() == NOTE
    assert page.locator("[name=ticked][value=tax]").is_checked()
    page.locator(".save button").first.click()
    expect(page.locator(".alert.success")).to_be_visible()


def test_nothing_typed_is_lost_when_the_page_dies(adviser):
    visit = adviser()
    visit.page.keyboard.type("gomi")
    visit.page.keyboard.press("Enter")
    visit.page.locator("[name=note]").fill(NOTE)
    draft_is_kept(visit)
    began = visit.page.locator("[name=started_at]").input_value()
    context, key = visit.page.context, key_of(visit)
    visit.page.close()

    visit.page = again = context.new_page()
    draft(visit, key).locator("a").click()
    assert again.locator("[name=note]").input_value() == NOTE
    assert again.locator("[name=topics]").input_value() == "daily_life"
    assert again.locator("[name=started_at]").input_value() == began
    again.reload()
    assert again.locator("[name=note]").input_value() == NOTE
    again.locator(".save .button").first.click()
    expect(again.locator(".alert.success")).to_be_visible()
    assert draft(visit, key).count() == 0


def test_words_typed_a_moment_before_the_page_is_left_are_kept(adviser):
    visit = adviser()
    key = key_of(visit)
    visit.page.locator("[name=note]").fill("Typed and left at once")
    visit.open("staff/")
    draft(visit, key).locator("a").click()
    assert visit.page.locator("[name=note]").input_value() == "Typed and left at once"
    draft(visit, key).locator("button").click()
    expect(visit.page.locator(".alert.success")).to_be_visible()
    assert draft(visit, key).count() == 0


def test_session_that_ended_while_typing_loses_nothing(adviser):
    visit = adviser()
    page = visit.page
    page.keyboard.type("gomi")
    page.keyboard.press("Enter")
    draft_is_kept(visit)
    page.context.clear_cookies()
    page.locator("[name=note]").fill(NOTE)
    lost = page.locator("[data-lost=session]")
    expect(lost).to_be_visible()
    page.keyboard.press("Control+Enter")  # does not submit, as the text would be lost
    expect(lost).to_be_visible()
    assert page.locator("[name=note]").input_value() == NOTE

    with page.context.expect_page() as opened:
        lost.locator("a").click()
    other = opened.value
    other.wait_for_load_state()
    assert "/en/me/login/" in other.url
    other.goto("/en/demo/")
    card = other.locator(".card", has=other.get_by_text("adviser@demo.example", exact=True))
    card.get_by_role("button").click()
    other.wait_for_url("**/staff/")  # closing a window while it loads may never finish
    other.close()
    page.evaluate("dispatchEvent(new Event('focus'))")
    expect(lost).to_be_hidden()
    page.locator("[name=note]").focus()
    page.keyboard.press("Control+Enter")
    expect(page.locator(".alert.success")).to_be_visible()
    page.locator(".log-rows tbody a").first.click()
    assert page.locator(".letter").inner_text() == NOTE


def test_portal_that_does_not_answer_is_said_and_tried_again(adviser):
    visit = adviser()
    page = visit.page
    page.route("**/drafts/**", lambda route: route.abort())
    page.keyboard.type("gomi")
    page.keyboard.press("Enter")
    expect(page.locator("[data-lost=line]")).to_be_visible()
    page.keyboard.press("Control+Enter")
    expect(page.locator("[data-lost=line]")).to_be_visible()
    page.unroute("**/drafts/**")
    expect(page.locator("[data-lost=line]")).to_be_hidden()
    page.locator(".save .button").first.click()
    expect(page.locator(".alert.success")).to_be_visible()


def test_same_as_last_and_frequent_questions_fill_in(adviser):
    visit = adviser()
    page = visit.page
    page.keyboard.type("tax")
    page.keyboard.press("Enter")
    page.keyboard.press("Control+Enter")
    expect(page.locator(".alert.success")).to_be_visible()
    page.locator("a[accesskey=n]").click()
    expect(page.locator("#id_topics")).to_be_focused()
    page.locator("[name=note]").fill("Typed before")
    page.locator("button[accesskey=l]").click()
    page.wait_for_url("**/new/?draft=*")
    expect(page.locator("[name=topics]")).to_have_value("tax")
    assert page.locator("[name=note]").input_value() == "Typed before"
    page.locator(".log-aside button").first.click()
    expect(page.locator("[name=topics]")).to_have_value("tax, daily_life")
    assert page.locator("[name=note]").input_value().startswith("Typed before\n")
    assert page.locator("[name=article]").input_value() == "rubbish"
    page.locator("[name=send_to]").fill("sita@example.org")
    page.locator(".save .button").first.click()
    expect(page.locator(".alert.success")).to_be_visible()


def test_another_day_asks_for_a_reason(adviser):
    visit = adviser()
    page = visit.page
    page.keyboard.type("gomi")
    page.keyboard.press("Enter")
    page.locator("summary", has_text="Different date").click()
    assert page.locator("[name=late_reason]").is_hidden()
    page.locator("[name=day]").fill("2026-01-05")
    expect(page.locator("[name=late_reason]")).to_be_visible()
    page.locator(".save .button").first.click()
    expect(page.locator("#id_late_reason_error")).to_be_visible()
