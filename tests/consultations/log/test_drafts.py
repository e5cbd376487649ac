"""Drafts: encrypted, private, saved repeatedly, and deleted once they are logged."""

import json

import pytest

from consultations.log import drafts
from consultations.log.actions import log
from consultations.models import ConsultationDraft
from services.audit.models import AuditEntry
from services.base.public_ids import public_id
from services.base.refusals import Refused
from tests.factories import UserFactory
from tests.factories.log_entries import new_log_entry

pytestmark = pytest.mark.django_db
TYPED = {"note": ["She asked about glass"], "ticked": ["tax", "housing"]}


@pytest.fixture
def adviser():
    return UserFactory(roles=["adviser"])


def test_draft_is_kept_sealed_and_opened_with_a_line(adviser):
    key = public_id()
    drafts.save_draft(key, {"note": ["She"]}, by=adviser)
    kept = drafts.save_draft(key, TYPED, by=adviser)

    found = ConsultationDraft.objects.visible_to(adviser).get()
    assert found.public_id == kept.public_id == key
    assert b"glass" not in bytes(ConsultationDraft.objects.values_list("typed", flat=True).get())
    assert str(found.typed) == "[encrypted]"
    assert drafts.decrypt_draft(found, by=adviser) == TYPED
    line = AuditEntry.objects.get(action="consultations.open_draft")
    assert (line.actor, line.object_id, line.fields) == (adviser.public_id, key, ["typed"])
    assert "glass" not in json.dumps(list(AuditEntry.objects.values("fields", "reason")))


def test_draft_is_its_advisers_alone(adviser):
    other, key = UserFactory(roles=["adviser"]), public_id()
    drafts.save_draft(key, TYPED, by=adviser)

    assert list(ConsultationDraft.objects.visible_to(other)) == []
    with pytest.raises(ConsultationDraft.DoesNotExist):
        drafts.save_draft(key, {"note": ["Mine now"]}, by=other)
    assert drafts.decrypt_draft(ConsultationDraft.objects.get(), by=adviser) == TYPED


@pytest.mark.parametrize("key", ["", "short", "x" * 23, "a b c d e f g h i j k ", "../../../../etc/passwd", "あ" * 22])
def test_draft_with_a_key_that_is_none_is_refused(adviser, key):
    with pytest.raises(ConsultationDraft.DoesNotExist):
        drafts.save_draft(key, TYPED, by=adviser)


def test_only_advisers_keep_drafts():
    with pytest.raises(Refused):
        drafts.save_draft(public_id(), TYPED, by=UserFactory(roles=["manager"]))


def test_draft_that_was_logged_is_gone_and_does_not_come_back(adviser):
    key = public_id()
    drafts.save_draft(key, TYPED, by=adviser)
    log(new_log_entry(), by=adviser, draft=key)

    assert ConsultationDraft.objects.count() == 0
    with pytest.raises(ConsultationDraft.DoesNotExist):
        drafts.save_draft(key, TYPED, by=adviser)
    # Saved by a request that had checked before the other one committed.
    ConsultationDraft.objects.create(public_id=key, adviser=adviser, typed="{}")
    assert list(ConsultationDraft.objects.visible_to(adviser)) == []


def test_several_drafts_stand_side_by_side_and_one_is_discarded(adviser):
    first, second = public_id(), public_id()
    drafts.save_draft(first, TYPED, by=adviser)
    drafts.save_draft(second, {}, by=adviser)

    drafts.discard_draft(ConsultationDraft.objects.get(public_id=first), by=adviser)

    assert [draft.public_id for draft in ConsultationDraft.objects.visible_to(adviser)] == [second]
    assert AuditEntry.objects.get(action="consultations.discard_draft").object_id == first


def test_keeping_once_more_costs_five_queries(adviser, django_assert_num_queries):
    key = public_id()
    assert adviser.roles
    drafts.save_draft(key, TYPED, by=adviser)
    with django_assert_num_queries(5):  # two of them are the test's own savepoint
        drafts.save_draft(key, {"note": ["More"]}, by=adviser)
