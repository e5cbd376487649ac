"""Fixtures for all tests of registration."""

import pytest

from services.messaging.kinds import MESSAGE_KINDS
from services.registration.message_kinds import programme_kinds


@pytest.fixture(autouse=True)
def _lottery_kinds(monkeypatch):
    """Declare the messages of a lottery: no programme has one yet, so they have no templates."""
    for kind in programme_kinds("consultations/appointment", "applied", "not_drawn"):
        monkeypatch.setitem(MESSAGE_KINDS, kind.folder, kind)
