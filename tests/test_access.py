"""Every URL × method × role: who is admitted, who is not, and that each URL works for someone.

The expected rules are repeated here by hand, so a rule loosened in portal/access.py fails these tests.
"""

import pytest
from django.apps import apps
from django.conf import settings
from django.test import Client
from django.utils import translation

from portal import access
from services.accounts.roles import Role
from services.audit.models import AuditEntry
from services.audit.trail import content_version
from tests.factories.accounts import UserFactory
from tests.support.addresses import ANONYMOUS, RESIDENT, STAFF, every_address, visit
from tests.support.databases import loaded_for_many

VISITORS = (ANONYMOUS, RESIDENT, *Role.values)


ON_POSTGRESQL = frozenset({ANONYMOUS, "adviser", "manager", "editor", "administrator"})  # together they open every page


SIGNED_IN = frozenset(VISITORS) - {ANONYMOUS}


EVERYBODY = frozenset(VISITORS)


NOBODY = frozenset()


ADMINISTRATOR, EDITOR = frozenset({"administrator"}), frozenset({"editor"})


MANAGER = frozenset({"manager"})


ADVISER_OR_MANAGER = frozenset({"adviser", "manager"})


ADVISER = frozenset({"adviser"})


# Who is admitted, for every URL name that is not open to everybody.
ONLY = {
    "me": SIGNED_IN,
    "messages": SIGNED_IN,
    "message": SIGNED_IN,
    "own_data": SIGNED_IN,
    "own_data_download": SIGNED_IN,
    "own_data_forget": SIGNED_IN,
    "account_email": SIGNED_IN,
    "account_change_password": SIGNED_IN,
    "account_set_password": SIGNED_IN,
    "account_reauthenticate": SIGNED_IN,
    "mfa_index": STAFF,
    "mfa_reauthenticate": STAFF,
    "mfa_activate_totp": STAFF,
    "mfa_deactivate_totp": STAFF,
    "mfa_view_recovery_codes": STAFF,
    "mfa_generate_recovery_codes": STAFF,
    "mfa_download_recovery_codes": STAFF,
    "staff": STAFF,
    "desk:index": frozenset({"adviser", "manager"}),
    "desk:appointments": frozenset({"adviser", "manager"}),
    "desk:book": frozenset({"adviser", "manager"}),
    "desk:cancel": frozenset({"adviser", "manager"}),
    "desk:record_call": frozenset({"adviser", "manager"}),
    "desk:record_attendance": frozenset({"adviser", "manager"}),
    "desk:new": MANAGER,
    "desk:edit": MANAGER,
    "desk:change": MANAGER,
    "desk:keep": MANAGER,
    "desk:end": MANAGER,
    "desk:closed_days": MANAGER,
    "desk:reopen": MANAGER,
    "cases:index": ADVISER_OR_MANAGER,
    "cases:today": ADVISER_OR_MANAGER,
    "cases:earlier": ADVISER_OR_MANAGER,
    "cases:open": ADVISER_OR_MANAGER,
    "cases:follow_up": ADVISER_OR_MANAGER,
    "cases:referral": ADVISER_OR_MANAGER,
    "cases:consent": ADVISER_OR_MANAGER,
    "cases:refer": ADVISER_OR_MANAGER,
    "cases:undo": ADVISER_OR_MANAGER,
    "cases:case": ADVISER_OR_MANAGER,
    "cases:person": ADVISER_OR_MANAGER,
    "cases:forget": ADVISER_OR_MANAGER,
    "cases:tell": ADVISER_OR_MANAGER,
    "cases:same_person": ADVISER_OR_MANAGER,
    "cases:new_referral": ADVISER_OR_MANAGER,
    "cases:do": ADVISER_OR_MANAGER,
    "importing:index": MANAGER,
    "importing:plan": MANAGER,
    "importing:discard": MANAGER,
    "statistics:index": frozenset({"adviser", "manager"}),
    "statistics:export": frozenset({"adviser", "manager"}),
    "statistics:export_rows": frozenset({"adviser", "manager"}),
    "statistics:hours": frozenset({"adviser", "manager"}),
    "statistics:export_hours": frozenset({"adviser", "manager"}),
    "statistics:report": MANAGER,
    "statistics:export_report": MANAGER,
    "statistics:months": MANAGER,
    "statistics:close": MANAGER,
    "statistics:reopen": MANAGER,
    "log:index": ADVISER_OR_MANAGER,
    "log:new": ADVISER,
    "log:keep": ADVISER,
    "log:discard": ADVISER,
    "log:find": ADVISER_OR_MANAGER,
    "log:open_by_code": ADVISER_OR_MANAGER,
    "log:consultation": ADVISER_OR_MANAGER,
    "log:amend": ADVISER_OR_MANAGER,
    "log:assign": ADVISER_OR_MANAGER,
    "log:glass": ADVISER_OR_MANAGER,
    "log:print": ADVISER_OR_MANAGER,
    "log:version": ADVISER_OR_MANAGER,
    "newsroom:index": frozenset({"editor", "translator", "manager"}),
    "newsroom:write": EDITOR,
    "newsroom:edit": frozenset({"editor", "translator"}),
    "newsroom:notice": frozenset({"editor", "translator", "manager"}),
    "newsroom:preview": frozenset({"editor", "translator", "manager"}),
    "newsroom:page": frozenset({"editor", "translator", "manager"}),
    "newsroom:progress": frozenset({"editor", "translator", "manager"}),
    "newsroom:submit": EDITOR,
    "newsroom:approve": frozenset({"editor", "manager"}),
    "newsroom:send_back": frozenset({"editor", "manager"}),
    "newsroom:cancel": frozenset({"editor", "manager"}),
    "newsroom:end": frozenset({"editor", "manager"}),
    "newsroom:pause": frozenset({"editor", "manager"}),
    "newsroom:resume": frozenset({"editor", "manager"}),
    "newsroom:correct": EDITOR,
    "newsroom:add_language": frozenset({"editor", "manager"}),
    "newsroom:patterns": frozenset({"editor", "manager"}),
    "newsroom:warn": frozenset({"editor", "manager"}),
    "newsroom:ledger": frozenset({"manager", "administrator"}),
    "newsroom:try_again": ADMINISTRATOR,
    "newsroom:arrived": ADMINISTRATOR,
    "newsroom:lift": ADMINISTRATOR,
    "guide:article draft": frozenset({"editor", "translator"}),
    "admin:accounts_user": ADMINISTRATOR,
    "admin:audit_auditentry": ADMINISTRATOR,
    "admin:guide_article": EDITOR,
    "admin:guide_category": EDITOR,
    "admin:app_list accounts": ADMINISTRATOR,
    "admin:app_list audit": ADMINISTRATOR,
    "admin:app_list guide": EDITOR,
    "admin:": ADMINISTRATOR | EDITOR,
}


# URLs of Django's admin that stay closed: nothing is deleted, nobody writes audit entries by hand, and a password is
# changed on one page only.
SHUT = (
    "admin:password_change",
    "admin:accounts_user_delete",
    "admin:guide_article_delete",
    "admin:guide_category_delete",
    "admin:audit_auditentry_delete",
    "admin:audit_auditentry_add",
)


# Pages of allauth and the admin that answer 404 or 403 without an earlier step (a pending code, an object's own
# page, a search from a form); journeys in tests/accounts/ and tests/browser/ open them.
NEED_A_PAST = {
    "importing:plan",  # own uploads only: tests/consultations/imports/
    "importing:discard",
    "message",  # own messages only: tests/portal/test_inbox.py
    # Members of the case only: tests/consultations/cases/test_case_pages.py
    "cases:open",
    "cases:follow_up",
    "cases:referral",
    "cases:consent",
    "cases:refer",
    "cases:undo",
    "cases:case",
    "cases:person",
    "cases:forget",
    "cases:tell",
    "cases:same_person",
    "cases:new_referral",
    "cases:do",
    "log:discard",  # own drafts only: tests/consultations/log/test_log_pages.py
    "admin:view_on_site",
    "admin:autocomplete",
    "mfa_deactivate_totp",
    "mfa_view_recovery_codes",
    "mfa_generate_recovery_codes",
    "mfa_download_recovery_codes",
    "admin:(?P<url>.*)$",
}


# Audit entries that only record that someone looked.
LOOKS = ("accounts.view", "accounts.list", "consultations.list_appointments", "portal.refuse")


@pytest.fixture(scope="module")
def loaded_addresses(django_db_setup, django_db_blocker):
    """Create the objects behind every URL once for the whole file; what a test changes there is rolled back."""
    found = []
    with loaded_for_many(django_db_blocker, lambda: found.extend(every_address())):
        yield found


@pytest.fixture
def addresses(loaded_addresses, db):
    """Return the (name, URL) of every page."""
    return loaded_addresses


def admitted(name: str) -> frozenset[str]:
    """Return the roles that should be admitted."""
    if name in SHUT:
        return NOBODY
    if name in ONLY:
        return ONLY[name]
    for head in (
        "admin:accounts_user",
        "admin:audit_auditentry",
        "admin:guide_article",
        "admin:guide_category",
        "admin:",
    ):
        if name.startswith(head):
            return ONLY[head]
    return EVERYBODY


def is_refused(response) -> bool:
    """Return whether the response redirects to sign-in, forbids access or is a 404."""
    to_sign_in = response.status_code == 302 and "/me/login/?next=" in response.headers["Location"]
    return to_sign_in or response.status_code in {403, 404}


def walk(visitor: str, addresses, methods) -> set[tuple[str, str]]:
    """Return (name, method) of everything that admitted this visitor. Nothing may answer with a 5xx."""
    client = visit(visitor)
    got_in = set()
    for name, address in addresses:
        for method in methods:
            response = client.generic(method, address)
            assert response.status_code < 500, (visitor, method, address, response.status_code)
            if not is_refused(response) and response.status_code != 405:
                got_in.add((name, method))
            if settings.SESSION_COOKIE_NAME not in client.cookies or not client.session.get("_auth_user_id"):
                client = visit_again(visitor)
    return got_in


def visit_again(visitor: str) -> Client:
    """Return a new client for the same visitor, after a page has signed them out."""
    from services.accounts.models import User

    client = Client(HTTP_HOST="localhost", raise_request_exception=False)
    if visitor != ANONYMOUS:
        client.force_login(User.objects.get(email=f"{visitor}@example.org"))
    return client


@pytest.mark.thorough
@pytest.mark.parametrize(
    "visitor",
    [pytest.param(it, marks=[pytest.mark.database] if it in ON_POSTGRESQL else []) for it in VISITORS],
)
def test_access_of_every_url_is_as_written_down(visitor, addresses):
    got_in = {name for name, _method in walk(visitor, addresses, ("GET", "POST"))}

    expected = {name for name, _address in addresses if visitor in admitted(name)}
    assert got_in - expected == set()
    assert expected - got_in - NEED_A_PAST == set()


@pytest.mark.thorough
@pytest.mark.parametrize("visitor", [ANONYMOUS, RESIDENT])
def test_access_is_not_opened_by_another_method(visitor, addresses):
    closed = [(name, address) for name, address in addresses if visitor not in admitted(name)]

    assert walk(visitor, closed, ("HEAD", "OPTIONS", "PUT", "PATCH", "DELETE")) == set()


def test_access_lets_somebody_into_every_url(addresses):
    for name, _address in addresses:
        assert name in SHUT or admitted(name), name


@pytest.mark.thorough
@pytest.mark.parametrize("name", sorted(name for name in ONLY if name in access.ACCESS))
def test_access_walk_turns_red_when_a_rule_is_loosened(name, addresses, monkeypatch):
    closed = [(found, address) for found, address in addresses if found == name]
    assert walk(ANONYMOUS, closed, ("GET",)) == set()
    monkeypatch.setitem(access.ACCESS, name, access.EVERYBODY)

    response = visit(ANONYMOUS).get(closed[0][1])

    # The view itself may still refuse, but the walk sees another answer than "sign in first".
    sign_in = f"/ne/me/login/?next={closed[0][1]}"
    assert response.headers.get("Location") != sign_in or name.startswith(("account_", "mfa_"))


@pytest.mark.thorough
@pytest.mark.parametrize("name", sorted(name for name in access.ACCESS if name != "admin:password_change"))
def test_access_row_taken_out_fails_the_check_and_shuts_the_page(name, addresses, monkeypatch):
    monkeypatch.delitem(access.ACCESS, name)
    found = [address for called, address in addresses if name in (called.partition(" ")[0], called.partition(":")[0])]

    assert {error.id for error in access.check_every_url_has_a_rule(None)} == {"portal.E001"}
    response = visit("administrator").get(found[0])
    # allauth's own middleware redirects from a missing /me/ to the page of email addresses.
    assert response.status_code == 404 or (name == "me" and response.headers["Location"] == "/ne/me/email/")


def test_access_row_without_a_url_fails_the_check(monkeypatch):
    monkeypatch.setitem(access.ACCESS, "nothing", access.EVERYBODY)

    assert [error.id for error in access.check_every_url_has_a_rule(None)] == ["portal.E002"]


def test_access_check_is_content_with_the_portal_as_it_is():
    assert access.check_every_url_has_a_rule(None) == []


@pytest.mark.parametrize("name", ["demo", "styleguide"])
def test_access_to_the_demos_pages_ends_with_the_demo(name, client, db, settings):
    assert client.get(f"/en/{name}/?page=1").status_code == 200
    settings.DEMO = False

    assert client.get(f"/en/{name}/?page=2").status_code == 404


def test_access_ends_on_the_next_request_after_a_role_is_taken(client, db):
    from services.accounts.actions import revoke_role

    user = UserFactory(roles=[Role.EDITOR])
    client.force_login(user)
    assert client.get("/en/staff/").status_code == 200

    revoke_role(user, Role.EDITOR, by=None)

    assert client.get("/en/staff/").status_code == 403


@pytest.mark.parametrize("role", sorted(Role.values))
def test_access_for_staff_outside_the_demo_needs_a_second_factor(role, client, db, settings):
    settings.DEMO = False
    client.force_login(UserFactory(roles=[role]))

    response = client.get("/en/staff/")

    # Teachers and volunteers see only their own data.
    if role in {"teacher", "volunteer"}:
        assert response.status_code == 200
    else:
        assert (response.status_code, response.headers["Location"]) == (302, "/en/me/second-factor/app/activate/")


@pytest.mark.thorough
@pytest.mark.parametrize("visitor", [ANONYMOUS, RESIDENT, "editor", "administrator"])
def test_access_by_get_changes_nothing(visitor, addresses):
    client = visit(visitor)
    before = everything()

    for _name, address in addresses:
        client.get(address)

    assert everything() == before


def everything() -> dict[str, list]:
    """Return all rows of all tables, except records that someone looked: sessions, and audit entries of views."""
    with translation.override("en"):  # the language of translated columns without a suffix
        rows = {
            model._meta.label: list(model.objects.order_by("pk").values())
            for model in apps.get_models(include_auto_created=True)
            if model._meta.label not in {"sessions.Session", "audit.AuditEntry", "audit.AuditChainHead"}
        }
    lines = AuditEntry.objects.exclude(action__in=LOOKS).order_by("pk")
    return rows | {"lines": list(lines.values()), "edition": content_version()}
