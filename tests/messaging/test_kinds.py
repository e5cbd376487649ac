"""Message kinds: their declarations, the checks at startup, and their use in rendering and delivery."""

import pytest
from django.core.checks import run_checks

from services.languages.registry import SPOKEN
from services.messaging import checks
from services.messaging.channels import CHANNELS
from services.messaging.channels.inbox import InboxChannel
from services.messaging.kinds import (
    MESSAGE_KINDS,
    REMINDER_HANDLERS,
    REMINDER_KINDS,
    Audience,
    MessageKind,
    ReminderKind,
    is_for_staff,
)
from services.messaging.rendering import render_message
from services.registration.message_kinds import VALID_STATES, programme_kinds


def ids(found) -> list[str]:
    return [error.id for error in found]


def test_checks_find_nothing():
    assert [error for error in run_checks() if str(error.id).startswith("messaging.")] == []


def test_check_names_each_template_that_a_kind_lacks(monkeypatch):
    monkeypatch.setitem(MESSAGE_KINDS, "tests/none", MessageKind("tests/none"))
    monkeypatch.setitem(MESSAGE_KINDS, "tests/staff/none", MessageKind("tests/staff/none", Audience.STAFF))
    found = [error.msg for error in checks.check_message_kinds(None)]
    assert found == [
        f"The message kind {folder!r} has no template {name}."
        for folder, names in (
            ("tests/none", ["subject.txt", "body.txt", "body.html", "short.txt"]),
            ("tests/staff/none", ["subject.txt", "body.txt", "body.html"]),
        )
        for name in names
    ]


def test_check_wants_a_short_text_only_where_the_kind_needs_one(monkeypatch):
    monkeypatch.setitem(MESSAGE_KINDS, "accounts/sign_in_code", MessageKind("accounts/sign_in_code"))
    (error,) = checks.check_message_kinds(None)
    assert error.msg == "The message kind 'accounts/sign_in_code' has no template short.txt."


@pytest.mark.parametrize("folder", ["notices/news", "consultations/staff/glass_broken"])
def test_check_finds_templates_without_a_kind(monkeypatch, folder):
    monkeypatch.delitem(MESSAGE_KINDS, folder)
    (error,) = checks.check_message_kinds(None)
    assert (error.id, error.msg) == (
        "messaging.E002",
        f"No message kind is declared for the templates in notices/{folder}/.",
    )


def test_check_finds_a_kind_that_the_database_cannot_store(monkeypatch):
    monkeypatch.setitem(MESSAGE_KINDS, "x" * 61, MessageKind("x" * 61))
    assert "messaging.E003" in ids(checks.check_message_kinds(None))


def test_check_finds_a_reminder_that_nobody_handles(monkeypatch):
    monkeypatch.setitem(REMINDER_KINDS, "tests/nobody", ReminderKind("tests/nobody"))
    assert ids(checks.check_reminder_kinds(None)) == ["messaging.E004"]
    assert set(REMINDER_HANDLERS) == set(REMINDER_KINDS) - {"tests/nobody"}


@pytest.mark.parametrize("code", ["elevenchars", "Fax", "fax!", "faxé"])
def test_check_finds_a_channel_whose_code_is_unfit(monkeypatch, code):
    monkeypatch.setitem(CHANNELS, code, InboxChannel())
    assert ids(checks.check_channels(None)) == ["messaging.E005"]


def test_kind_is_valid_in_its_states_or_always():
    (offered, cancelled) = programme_kinds("tests/course", "offered", "cancelled")
    assert [offered.folder, cancelled.folder] == ["tests/course_offered", "tests/course_cancelled"]
    assert (offered.is_valid_in("offered"), offered.is_valid_in("placed")) == (True, False)
    assert cancelled.is_valid_in("cancelled")
    assert VALID_STATES["reminder"] == {"placed"}


def test_audience_is_declared_and_not_guessed_from_the_folder(monkeypatch):
    assert is_for_staff("consultations/staff/follow_up_due")
    assert not is_for_staff("consultations/article")
    assert not is_for_staff("tests/staff/of_another_age")
    for kind in MESSAGE_KINDS.values():
        assert (kind.audience == Audience.STAFF) is ("/staff/" in kind.folder)


@pytest.mark.django_db
@pytest.mark.parametrize("language", SPOKEN)
def test_staff_get_a_kind_for_staff_in_a_language_of_the_staff_pages(language):
    rendered = render_message("notices/staff/ends_soon", language)
    assert rendered.language in {"ja", "en"}
