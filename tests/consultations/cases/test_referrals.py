"""Referrals: nothing is shared without consent to that exact text, in a language that the person reads."""

import pytest
from django.conf import settings
from django.db import IntegrityError, transaction
from django.utils import timezone

from consultations.cases.consent import NAMES, consent_text, proof_of_shown_text
from consultations.cases.referrals import (
    change_referral,
    draft_referral,
    mark_referral_sent,
    request_consent,
    reword_referral,
    withdraw_referral,
)
from consultations.cases.referrals import record_answer as note_answer
from consultations.models import Referral
from consultations.records import taxonomy
from services.audit.decryption import decrypt_with_audit
from services.base.refusals import Refused
from tests.factories import CaseFactory, ReferralFactory, UserFactory

pytestmark = pytest.mark.django_db
WHAT, WHY = "That her son is nine years old.", "So that he can begin school in April."


@pytest.fixture
def adviser():
    return UserFactory(roles=["adviser"])


@pytest.fixture
def pending(adviser):
    case = CaseFactory(assigned=adviser)
    referral = draft_referral(case, by=adviser, body="school", what=WHAT, why=WHY, written_in="en")
    return request_consent(referral, by=adviser)


def sent(referral, adviser, language="ne") -> Referral:
    shown = proof_of_shown_text(consent_text("school", WHAT, WHY, language))
    return mark_referral_sent(referral, by=adviser, language=language, agreed="signed", shown=shown)


def test_bodies_have_a_name_for_staff_and_one_for_residents():
    assert set(NAMES) == set(taxonomy.bodies())
    assert taxonomy.bodies()["school"].name("ja") == "学校・教育委員会"
    assert taxonomy.bodies()["school"].name("en") == "School / board of education"


def test_consent_says_who_tells_whom_what_why_and_that_it_can_be_taken_back():
    assert consent_text("school", WHAT, WHY, "en").split("\n") == [
        f"I agree that {settings.CITY.centre('en')} may share the following about me "
        "with the school or the board of education.",
        "Information that will be shared:",
        WHAT,
        "Reason:",
        WHY,
        "I can withdraw my consent at any time. Information that has already been shared cannot be taken back, "
        "but nothing more will be shared.",
        f"I do not have to agree. {settings.CITY.centre('en')} will help me even if I do not.",
    ]


@pytest.mark.parametrize("language", [language.code for language in settings.CITY.offered()])
def test_consent_is_kept_as_the_person_read_it(pending, adviser, language):
    referral = sent(pending, adviser, language)
    kept = Referral.objects.get(pk=referral.pk)
    assert decrypt_with_audit(adviser, "x", kept, "consent")["consent"] == consent_text("school", WHAT, WHY, language)
    assert (kept.state, kept.consent_language, kept.agreed, kept.recorded_by) == ("sent", language, "signed", adviser)
    assert (timezone.now() - kept.consented_at).total_seconds() < 60


def test_nothing_is_sent_without_consent(adviser, pending):
    draft = ReferralFactory(case=pending.case)
    with pytest.raises(Refused, match="Nothing can be shared without the person's consent"):
        sent(draft, adviser)
    for words in (
        {"shown": ""},
        {"shown": proof_of_shown_text(consent_text("school", WHAT, WHY, "en"))},
        {"shown": proof_of_shown_text(consent_text("school", WHAT + " And more.", WHY, "ne"))},
    ):
        with pytest.raises(Refused, match="The person has not seen this text in this language"):
            mark_referral_sent(pending, by=adviser, language="ne", agreed="signed", **words)
    with pytest.raises(Refused, match="Choose how the person gave consent, and in which language"):
        mark_referral_sent(pending, by=adviser, language="ne", agreed="", shown="x")
    assert Referral.objects.filter(consented_at__isnull=False).count() == 0


@pytest.mark.parametrize("state", ["sent", "accepted", "rejected", "no_reply", "done"])
def test_database_refuses_what_is_sent_without_consent(adviser, state):
    with pytest.raises(IntegrityError), transaction.atomic():
        ReferralFactory(state=state)


@pytest.mark.parametrize("state", ["draft", "consent_pending"])
def test_database_refuses_consent_to_what_is_not_sent(adviser, state):
    with pytest.raises(IntegrityError), transaction.atomic():
        ReferralFactory(
            state=state,
            consented_at=timezone.now(),
            consent="x",
            consent_language="ne",
            agreed="signed",
            recorded_by=adviser,
        )


def test_words_stand_still_while_somebody_reads_them(pending, adviser):
    new = {"body": "police", "what": "x", "why": "y", "written_in": "ja"}
    with pytest.raises(Refused, match="This text cannot be changed"):
        change_referral(pending, by=adviser, **new)
    referral = change_referral(reword_referral(pending, by=adviser), by=adviser, **new)
    assert (referral.state, referral.body) == ("draft", "police")


def test_referral_is_answered_and_done(pending, adviser):
    referral = sent(pending, adviser)
    for state in ("no_reply", "accepted", "done"):
        referral = note_answer(referral, by=adviser, state=state)
        assert referral.state == state
    with pytest.raises(Refused, match="This referral has since changed"):
        note_answer(referral, by=adviser, state="rejected")
    with pytest.raises(Refused, match="Choose the organisation's reply"):
        note_answer(referral, by=adviser, state="sent")


def test_taking_back_says_what_was_told(pending, adviser):
    other = request_consent(ReferralFactory(case=pending.case), by=adviser)
    assert withdraw_referral(other, by=adviser) == ""
    assert withdraw_referral(sent(pending, adviser), by=adviser) == WHAT
    assert set(Referral.objects.values_list("state", flat=True)) == {"revoked"}


def test_referrals_are_seen_and_moved_by_members_alone(pending, adviser):
    assert list(Referral.objects.visible_to(adviser)) == [pending]
    for user in (UserFactory(roles=["adviser"]), UserFactory(roles=["manager"])):
        assert list(Referral.objects.visible_to(user)) == []
        with pytest.raises(Refused):
            withdraw_referral(pending, by=user)


def test_unknown_body_is_refused(adviser):
    with pytest.raises(Refused):
        draft_referral(CaseFactory(assigned=adviser), by=adviser, body="x", what="x", why="x", written_in="en")
