"""Every URL × method × role: who gets in, who does not, and that each URL works for somebody.

What is expected is written down here once more, by hand: a rule loosened in portal/access.py turns this red.
"""

import datetime
import re

import pytest
from django.apps import apps
from django.conf import settings
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver
from django.utils import timezone, translation

from consultations.actions.consultations import let_read
from consultations.models import Amendment, Consultation
from consultations.slots import times
from portal import access
from services.accounts.roles import Role
from services.audit.models import Line
from services.audit.trail import public_edition
from services.base.public_ids import public_id
from services.notices.links import CONFIRM, LEAVE, MANAGE, token_for
from services.notices.models import Heartbeat, Suppression
from services.registration import links as registrations
from tests.factories import (
    AppointmentFactory,
    ArticleFactory,
    CaseFactory,
    ConsultationFactory,
    HoursFactory,
    MessageFactory,
    NoticeFactory,
    SubscriptionFactory,
    UserFactory,
)

ANONYMOUS, RESIDENT = "anonymous", "resident"
VISITORS = (ANONYMOUS, RESIDENT, *Role.values)
SIGNED_IN = frozenset(VISITORS) - {ANONYMOUS}
STAFF = frozenset(Role.values)
EVERYBODY = frozenset(VISITORS)
NOBODY = frozenset()
ADMINISTRATOR, EDITOR = frozenset({"administrator"}), frozenset({"editor"})
MANAGER = frozenset({"manager"})
ADVISER_OR_MANAGER = frozenset({"adviser", "manager"})
ADVISER = frozenset({"adviser"})

# Who gets in, for every name that is not open to everybody.
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
    "desk:came": frozenset({"adviser", "manager"}),
    "desk:new": MANAGER,
    "desk:edit": MANAGER,
    "desk:change": MANAGER,
    "desk:keep": MANAGER,
    "desk:end": MANAGER,
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
    "admin:audit_line": ADMINISTRATOR,
    "admin:guide_article": EDITOR,
    "admin:guide_category": EDITOR,
    "admin:app_list accounts": ADMINISTRATOR,
    "admin:app_list audit": ADMINISTRATOR,
    "admin:app_list guide": EDITOR,
    "admin:": ADMINISTRATOR | EDITOR,
}
# Doors that Django's admin has and that stay shut: nothing is deleted, nobody writes the trail by hand, and a
# password is changed on one page only.
SHUT = (
    "admin:password_change",
    "admin:accounts_user_delete",
    "admin:guide_article_delete",
    "admin:guide_category_delete",
    "admin:audit_line_delete",
    "admin:audit_line_add",
)
# Pages of allauth and the admin that answer 404 or 403 unless something came before them (a pending code, an
# object's own page, a search from a form); journeys in tests/accounts/ and tests/browser/ open them.
NEED_A_PAST = {
    "importing:plan",  # one's own only: tests/consultations/test_importing.py
    "importing:discard",
    "message",  # one's own only: tests/portal/test_inbox.py
    # A member's own only: tests/consultations/test_case_pages.py
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
    "log:discard",  # one's own only: tests/consultations/test_log_pages.py
    "admin:view_on_site",
    "admin:autocomplete",
    "mfa_deactivate_totp",
    "mfa_view_recovery_codes",
    "mfa_generate_recovery_codes",
    "mfa_download_recovery_codes",
    "admin:(?P<url>.*)$",
}


# What the links of a subscription open.
PURPOSES = {"notices:confirm": CONFIRM, "notices:manage": MANAGE, "notices:leave": LEAVE}
# What the links of a registration open.
REGISTRATIONS = {
    "registration:show": registrations.MANAGE,
    "registration:answer": registrations.MANAGE,
    "registration:party": registrations.MANAGE,
    "registration:calendar": registrations.SEEN,
    "consultations:booked": registrations.SEEN,
    "consultations:another": registrations.MANAGE,
    "consultations:change": registrations.MANAGE,
}
HOUR = datetime.timedelta(hours=1)
# Lines that only tell that somebody looked.
LOOKS = ("accounts.view", "accounts.list", "consultations.list_appointments", "portal.refuse")


def patterns(found=None, prefix="/", namespace=""):
    """Every (name, route) that the portal answers to."""
    for pattern in get_resolver().url_patterns if found is None else found:
        route = prefix + str(pattern.pattern).lstrip("^")
        if isinstance(pattern, URLResolver):
            inner = f"{namespace}{pattern.namespace}:" if pattern.namespace else namespace
            yield from patterns(pattern.url_patterns, route, inner)
        elif isinstance(pattern, URLPattern):
            yield f"{namespace}{pattern.name or pattern.pattern}", route


def of_appointments() -> dict[str, dict]:
    """What stands in the addresses of appointments, by their names."""
    appointment, past = AppointmentFactory(), AppointmentFactory(offering__starts_at=timezone.now() - HOUR)
    free = next(it for it in times() if it.hours == appointment.offering.slot.hours.public_id)
    time = {"hours": free.hours, "at": free.at, "service": free.service}
    return {
        name: time | {"token": registrations.token_for(appointment, purpose), "verb": "accept"}
        for name, purpose in REGISTRATIONS.items()
    } | {
        "consultations:times": time,
        "consultations:book": time,
        "desk:cancel": {"public_id": AppointmentFactory().public_id},
        "desk:came": {"public_id": past.public_id},
    }


@pytest.fixture
def addresses(db):
    """Every URL with a real object behind it: (name, address); names as in ONLY."""
    article = ArticleFactory(slug="open")
    ArticleFactory(slug="draft", category=article.category, is_published=False)
    Heartbeat.objects.create(worker="test", seen_at=timezone.now())  # else /readyz says 503, as it should
    event, alarm = NoticeFactory(starts_at=timezone.now()), NoticeFactory(emergency=True)
    subscription, person = SubscriptionFactory(), UserFactory(email="another@example.org")
    shut = Suppression.objects.create(address="shut@example.org", reason="The mail server does not know the address.")
    consultation = ConsultationFactory()
    Amendment.objects.create(consultation=consultation, version=1, by=person, before="{}")
    told = {"topic": event.topic.code, "public_id": event.public_id}
    namespaces = {
        "notices": told,
        "newsroom": told | {"pattern": "heat", "language": "en", "key": shut.pk},
        "desk": {"kind": "hours", "public_id": HoursFactory().public_id},
        "cases": {"verb": "write", "public_id": CaseFactory().public_id, "language": "ne"},
        "log": {"public_id": consultation.public_id, "key": public_id(), "version": 1},
        "statistics": {"kind": "csv"},
    }
    own = {name: {"token": token_for(subscription, purpose)} for name, purpose in PURPOSES.items()}
    own |= of_appointments() | {
        "guide:category": {"slug": article.category.slug},
        "guide:article": {"slug": "open"},
        "newsroom:arrived": {"public_id": MessageFactory().public_id},
        "newsroom:add_language": {"public_id": alarm.public_id},
        "notices:alert": {"topic": alarm.topic.code, "public_id": alarm.public_id},
    }
    of_admin = {"accounts": person.pk, "guide_article": article.pk, "guide_category": article.category.pk}
    of_admin["audit"] = Line.objects.first().pk
    found = []
    for name, route in patterns():
        table = next((key for head, key in of_admin.items() if name.startswith(f"admin:{head}")), 1)
        values = {"object_id": table} | namespaces.get(name.partition(":")[0], {}) | own.get(name, {})
        found.append(
            (name, re.sub(r"<\w+:(\w+)>", lambda slot, values=values: str(values.get(slot[1], slot[0])), route))
        )
    address = dict(found)
    found.append(("guide:article draft", address["guide:article"].replace("open", "draft")))
    found.remove(("admin:app_list", address["admin:app_list"]))
    for app in ("accounts", "audit", "guide"):
        one = re.sub(r"\(\?P<app_label>.*?\)/\$", f"{app}/", address["admin:app_list"])
        found.append((f"admin:app_list {app}", one))
    return [(name, route.replace("/en/", "/ne/", 1)) for name, route in found]


def admitted(name: str) -> frozenset[str]:
    """Who is expected to get in."""
    if name in SHUT:
        return NOBODY
    if name in ONLY:
        return ONLY[name]
    for head in ("admin:accounts_user", "admin:audit_line", "admin:guide_article", "admin:guide_category", "admin:"):
        if name.startswith(head):
            return ONLY[head]
    return EVERYBODY


def visit(visitor: str) -> Client:
    """A browser of somebody with that one role."""
    client = Client(HTTP_HOST="localhost", raise_request_exception=False)
    if visitor != ANONYMOUS:
        user = UserFactory(email=f"{visitor}@example.org", roles=[visitor] if visitor in STAFF else [])
        client.force_login(user)
        for consultation in Consultation.objects.all():  # whoever has no role for it reads nothing all the same
            let_read(consultation, {user.pk})
    return client


def is_refused(response) -> bool:
    """Sent to sign in, forbidden, or told that nothing is there."""
    to_sign_in = response.status_code == 302 and "/me/login/?next=" in response.headers["Location"]
    return to_sign_in or response.status_code in {403, 404}


def walk(visitor: str, addresses, methods) -> set[tuple[str, str]]:
    """(name, method) of everything that this visitor got into. Nothing may end in a 5xx."""
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
    """The same somebody, after a page has signed them out."""
    from services.accounts.models import User

    client = Client(HTTP_HOST="localhost", raise_request_exception=False)
    if visitor != ANONYMOUS:
        client.force_login(User.objects.get(email=f"{visitor}@example.org"))
    return client


@pytest.mark.thorough
@pytest.mark.parametrize("visitor", VISITORS)
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

    # Past the table the view itself may still refuse; but the walk sees another answer than "sign in first".
    sign_in = f"/ne/me/login/?next={closed[0][1]}"
    assert response.headers.get("Location") != sign_in or name.startswith(("account_", "mfa_"))


@pytest.mark.thorough
@pytest.mark.parametrize("name", sorted(name for name in access.ACCESS if name != "admin:password_change"))
def test_access_row_taken_out_fails_the_check_and_shuts_the_page(name, addresses, monkeypatch):
    monkeypatch.delitem(access.ACCESS, name)
    found = [address for called, address in addresses if name in (called.partition(" ")[0], called.partition(":")[0])]

    assert {error.id for error in access.every_url_has_a_row(None)} == {"portal.E001"}
    response = visit("administrator").get(found[0])
    # allauth's own middleware leads from a missing /me/ on to the page of addresses.
    assert response.status_code == 404 or (name == "me" and response.headers["Location"] == "/ne/me/email/")


def test_access_row_without_a_url_fails_the_check(monkeypatch):
    monkeypatch.setitem(access.ACCESS, "nothing", access.EVERYBODY)

    assert [error.id for error in access.every_url_has_a_row(None)] == ["portal.E002"]


def test_access_check_is_content_with_the_portal_as_it_is():
    assert access.every_url_has_a_row(None) == []


@pytest.mark.parametrize("name", ["demo", "styleguide"])
def test_access_to_the_demos_pages_ends_with_the_demo(name, client, db, settings):
    assert client.get(f"/en/{name}/?page=1").status_code == 200
    settings.DEMO = False

    assert client.get(f"/en/{name}/?page=2").status_code == 404


def test_access_ends_on_the_next_request_after_a_role_is_taken(client, db):
    from services.accounts.actions import revoke

    user = UserFactory(roles=[Role.EDITOR])
    client.force_login(user)
    assert client.get("/en/staff/").status_code == 200

    revoke(user, Role.EDITOR, by=None)

    assert client.get("/en/staff/").status_code == 403


@pytest.mark.parametrize("role", sorted(Role.values))
def test_access_for_staff_outside_the_demo_needs_a_second_factor(role, client, db, settings):
    settings.DEMO = False
    client.force_login(UserFactory(roles=[role]))

    response = client.get("/en/staff/")

    # Teachers and volunteers see nobody's data but their own.
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
    """All rows of all tables, but what notes that somebody looked: sessions, and the trail's lines of views."""
    with translation.override("en"):  # in which a translated column without a language is read
        rows = {
            model._meta.label: list(model.objects.order_by("pk").values())
            for model in apps.get_models(include_auto_created=True)
            if model._meta.label not in {"sessions.Session", "audit.Line", "audit.Head"}
        }
    lines = Line.objects.exclude(action__in=LOOKS).order_by("pk")
    return rows | {"lines": list(lines.values()), "edition": public_edition()}
