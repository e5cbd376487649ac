"""Someone reading about violence can leave the page quickly, by a link that needs no script."""

import pytest

LINK = ".leave a"


@pytest.mark.parametrize(("language", "scripts"), [("ne", True), ("ar", True), ("ja-simple", True), ("vi", False)])
def test_page_is_left_at_once(visitor, language, scripts):
    visit = visitor(language, java_script_enabled=scripts)
    visit.open("emergency/")
    assert visit.page.locator(LINK).inner_text().strip() != ""
    visit.page.locator(LINK).click()
    visit.page.wait_for_url("**/guide/")
