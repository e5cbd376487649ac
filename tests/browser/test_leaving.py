"""Somebody who reads about violence can leave the page quickly, and "back" does not lead to it."""

import pytest

LINK = "[data-leave]"


@pytest.mark.parametrize("language", ["ne", "ar", "ja-simple"])
def test_page_is_left_at_once_and_is_not_behind(visitor, language):
    visit = visitor(language)
    visit.open("")
    visit.open("emergency/")
    assert visit.page.locator(LINK).inner_text().strip() != ""
    visit.page.locator(LINK).click()
    visit.page.wait_for_url("**/guide/")
    visit.page.go_back()
    assert visit.path == f"/{language}/"


def test_link_is_a_link_without_javascript(visitor):
    visit = visitor("vi", java_script_enabled=False)
    visit.open("emergency/")
    visit.page.locator(LINK).click()
    visit.page.wait_for_url("**/guide/")
