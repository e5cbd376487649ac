"""Ids in URLs cannot be counted or guessed."""

import base64

import pytest

from services.accounts.models import User
from services.base.public_ids import PublicIdField, public_id
from tests.factories import UserFactory


def test_public_id_is_128_bits_as_url_safe_text():
    assert len(public_id()) == 22
    assert len(base64.urlsafe_b64decode(public_id() + "==")) == 16


def test_public_id_never_comes_twice():
    assert len({public_id() for _ in range(10_000)}) == 10_000


@pytest.mark.django_db
def test_public_id_is_unique_and_kept():
    first, second = UserFactory(), UserFactory()
    assert first.public_id != second.public_id
    first.save()
    assert User.objects.get(pk=first.pk).public_id == first.public_id


def test_public_id_field_tells_migrations_nothing_of_its_own():
    field = PublicIdField()
    field.set_attributes_from_name("public_id")
    assert field.deconstruct() == ("public_id", "services.base.public_ids.PublicIdField", [], {})


def test_none_looks_like_a_formula():
    assert [made for made in (public_id() for _ in range(10_000)) if made.startswith(("-", "=", "+", "@"))] == []
