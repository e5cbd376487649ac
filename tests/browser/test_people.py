"""Journeys of people with an account: sign up, sign in by code and by password, sign out; the demo's users."""

import uuid

import pytest
from django.utils.translation import override
from playwright.sync_api import expect

from portal.pages.dashboard import BOARDS
from services.accounts.demo import PEOPLE, RESIDENT
from services.accounts.roles import Role
from tests.support.visits import PASSWORD

LANGUAGES = ("ja-simple", "ne", "ar")
NAMES = {"ja-simple": "グエン ラン", "ne": "सीता गुरुङ", "ar": "عمر حداد"}


def enter_code(visit, address: str, *, mails: int = 1) -> None:
    visit.page.locator("[name=code]").fill(visit.code_mailed_to(address, mails=mails))
    visit.page.locator("form:has([name=code]) button[type=submit]").click()


def expect_my_page(visit, name: str) -> None:
    expect(visit.page.locator("h1 bdi")).to_have_text(name)
    assert visit.path == f"/{visit.language}/me/"
    assert visit.read("h1") == visit.says("Hello, <bdi>%(name)s</bdi>").replace("<bdi>%(name)s</bdi>", name)


def sign_out(visit) -> None:
    visit.page.locator("main form[action$='/logout/'] button").click()
    expect(visit.page.locator(".tasks")).to_be_visible()
    visit.open("me/")
    assert visit.path.startswith(f"/{visit.language}/me/login/")


@pytest.mark.parametrize("script", [True, False], ids=["script", "no-script"])
@pytest.mark.parametrize("language", LANGUAGES)
def test_account_from_signing_up_to_signing_out(visitor, language, script):
    visit, name = visitor(language, java_script_enabled=script), NAMES[language]
    address = f"{uuid.uuid4().hex}@example.org"
    page = visit.page

    visit.open("me/login/")
    page.locator("main a[href*='/signup/']").click()
    page.locator("[name=name]").fill(name)
    page.locator("main [name=email]").fill(address)
    page.locator("[name=password1]").fill(PASSWORD)
    page.locator("main form button[type=submit]").click()
    expect(page.locator("[name=code]")).to_be_visible()
    assert visit.read("h1") == visit.says("Enter the code")
    enter_code(visit, address)
    expect_my_page(visit, name)
    assert page.locator("dd bdi").all_inner_texts()[1] == address
    sign_out(visit)

    page.locator("[name=email]").fill(address)
    page.locator("form:has([name=email]) button[type=submit]").first.click()
    expect(page.locator("[name=code]")).to_be_visible()
    enter_code(visit, address, mails=2)
    expect_my_page(visit, name)
    sign_out(visit)

    visit.fold_out("summary:not(header *)")
    page.locator("[name=login]").fill(address)
    page.locator("[name=password]").fill(PASSWORD)
    page.locator("form:has([name=login]) button[type=submit]").click()
    expect_my_page(visit, name)
    sign_out(visit)


@pytest.mark.parametrize(("role", "name"), [(role, name) for role, name, _language in PEOPLE])
def test_demo_sign_in_leads_to_ones_own_page(visitor, role, name):
    visit = visitor("ja")
    visit.sign_in_as(role)

    if role == RESIDENT:
        expect_my_page(visit, name)
        return
    expect(visit.page.locator(".board h1")).to_be_visible()
    assert visit.path == "/ja/staff/"
    assert visit.read(".head bdi") == name
    with override("ja"):
        assert visit.page.locator(".head .badge").all_inner_texts() == [str(Role(role).label)]
    assert visit.page.locator(".board section").count() == len(BOARDS[role])
    lists = visit.page.locator(".board a.figure").evaluate_all(
        "links => links.map(link => link.pathname + link.search)"
    )
    assert [visit.open(path).status for path in lists] == [200] * len(lists)


@pytest.mark.parametrize("language", LANGUAGES)
def test_wrong_password_is_said_in_the_readers_language(visitor, language):
    visit = visitor(language)
    visit.open("me/login/")
    visit.fold_out("summary:not(header *)")
    visit.page.locator("[name=login]").fill("resident@demo.example")
    visit.page.locator("[name=password]").fill("not-her-password")
    visit.page.locator("form:has([name=login]) button[type=submit]").click()

    expect(visit.page.locator(".alert.error")).to_be_focused()
    assert visit.read(".alert.error h2") == visit.says("Check your answers")
    assert visit.page.locator("[name=login]").input_value() == "resident@demo.example"
    assert visit.page.locator("[name=password]").input_value() == ""
