"""Links in messages: valid for one purpose, one row in one state, and a limited time."""

import datetime

import pytest
from django.core import signing

from services.base.signed_links import is_valid, make_token, unverified_public_id

ID = "abcDEF123_-abcDEF123_-"
DAY = datetime.timedelta(days=1)


def test_token_opens_what_it_was_made_for():
    token = make_token("leave", ID, 7)
    assert unverified_public_id(token) == ID
    assert is_valid(token, "leave", 7) is True
    assert is_valid(token, "leave", 7, lasts=DAY) is True


def test_token_can_stand_in_an_address_as_it_is():
    assert set(make_token("leave", ID, 7)) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_~")


@pytest.mark.parametrize(
    ("purpose", "bound"),
    [("manage", (7,)), ("leave", (8,)), ("leave", ()), ("leave", (7, "")), ("leav", ("e", 7)), ("leave|7", ())],
)
def test_token_opens_nothing_else(purpose, bound):
    assert is_valid(make_token("leave", ID, 7), purpose, *bound) is False


def forgeries(token):
    public_id, stamp, signature = token.split("~")
    other = make_token("leave", "another-rows-public-id", 7)
    yield ""
    yield "~"
    yield "~~"
    yield public_id
    yield f"{public_id}~{stamp}"
    yield f"{public_id}~{stamp}~"
    yield f"another-rows-public-id~{stamp}~{signature}"
    yield f"{public_id}~{stamp}~{other.split('~')[2]}"
    yield f"{public_id}~zzzzzz~{signature}"
    yield f"{public_id}~{stamp}~{signature[:-1]}"
    yield f"{token}~x"
    yield token.upper()
    yield token.replace("~", ":")
    yield signing.TimestampSigner(sep="~", salt="another").sign(public_id)


def test_forged_tokens_open_nothing():
    forged = list(forgeries(make_token("leave", ID, 7)))
    assert len(forged) == 14
    assert [token for token in forged if is_valid(token, "leave", 7, lasts=DAY)] == []


def test_token_ends_after_its_time(monkeypatch):
    token = make_token("leave", ID)
    now = signing.time.time()
    monkeypatch.setattr(signing.time, "time", lambda: now + 24 * 3600 + 2)
    assert is_valid(token, "leave", lasts=DAY) is False
    assert is_valid(token, "leave", lasts=2 * DAY) is True
    assert is_valid(token, "leave") is True


def test_token_of_another_installation_opens_nothing(settings):
    token = make_token("leave", ID)
    settings.SECRET_KEY = "another" * 10
    assert is_valid(token, "leave") is False
