"""Staff are warned two minutes before their session ends, and can stay signed in."""

import pytest
from django.conf import settings
from playwright.sync_api import expect

BEFORE = (settings.STAFF_IDLE_SECONDS - 121) * 1000  # milliseconds, one second before the warning


@pytest.mark.parametrize("path", ["staff/", "staff/notices/", "staff/desk/", "staff/cases/"])
def test_staff_are_warned_in_time_and_stay_signed_in_by_a_button(new_visitor, path):
    visit = new_visitor("ja")
    visit.sign_in_as("manager")
    visit.page.clock.install()
    visit.open(path)
    warning = visit.page.locator(".idle")
    for _time in range(2):
        visit.page.clock.fast_forward(BEFORE)
        expect(warning).to_be_hidden()
        visit.page.clock.fast_forward(2000)
        expect(warning).to_be_visible()
        assert visit.says("Stay signed in", context="staff") in warning.inner_text()
        warning.locator("button").click()
        expect(warning).to_be_hidden()


def test_residents_are_not_warned(new_visitor):
    visit = new_visitor("ne")
    visit.sign_in_as("resident")
    visit.open("me/")
    assert visit.page.locator(".idle").count() == 0
