"""Records past their retention period are deleted everywhere, but still counted."""

import datetime
from collections import Counter

import pytest
from allauth.account.models import EmailAddress
from django.apps import apps
from django.db import connection
from django.utils import timezone

from consultations.cases.actions import add_note, close_case, open_case
from consultations.cases.consent import consent_text, proof_of_shown_text
from consultations.cases.followups import plan_follow_up, record_attempt
from consultations.cases.referrals import draft_referral, mark_referral_sent, request_consent
from consultations.cases.referrals import record_answer as note_answer
from consultations.log.actions import amend, log
from consultations.message_kinds import PLEASE_CALL
from consultations.models import (
    Amendment,
    Case,
    Consultation,
    ConsultationDraft,
    ConsultationTopic,
    FollowUp,
    ImportUpload,
)
from consultations.records.clients import identify_client, notify_client
from services.accounts.models import User
from services.audit.decryption import decrypt_with_audit
from services.audit.trail import first_broken_entry
from services.base.encryption import encrypted_models
from services.base.retention import apply_retention
from services.messaging.models import Message, MessageState
from tests.factories import ConsultationFactory, UserFactory
from tests.factories.log_entries import new_log_entry

pytestmark = pytest.mark.django_db
MARKER = "zq7marker"


def dump() -> bytes:
    """Return every value of every table."""
    found = []
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names(cursor):
            cursor.execute(f'SELECT * FROM "{table}"')
            for row in cursor.fetchall():
                found += [bytes(it) if isinstance(it, bytes | memoryview) else str(it).encode() for it in row]
    return b"\n".join(found)


def sealed_texts() -> set[bytes]:
    """Return all encrypted values as stored."""
    found = set()
    for model, fields in encrypted_models().items():
        for field in fields:
            found |= {bytes(it) for it in model.objects.values_list(field.attname, flat=True)}
    return found - {b""}


def columns_without_a_text() -> list[str]:
    """Return encrypted columns without a value, which this test would not cover."""
    return [
        f"{model._meta.label}.{field.attname}"
        for model, fields in encrypted_models().items()
        for field in fields
        if not model.objects.exclude(**{field.attname: b""}).exists()
    ]


def counts() -> tuple:
    consultations = Consultation.objects.values_list("month", "language", "channel", "outcome", "minutes")
    topics = ConsultationTopic.objects.values_list("consultation__month", "topic", "is_primary")
    return Counter(consultations), Counter(topics)


def a_life_of_a_case(adviser) -> None:
    """Put the marker into every text that the desk can write."""
    consultation = log(new_log_entry(note=MARKER, late_reason=MARKER, topics=("tax", "housing")), by=adviser)
    case = open_case(consultation, by=adviser, subject=MARKER)
    client = identify_client(
        by=adviser, name=MARKER, contact=f"{MARKER}@example.org", language="ne", safe_channels=["email"], case=case
    )
    entry = new_log_entry(note=f"{MARKER} 2", topics=("tax",), began_at=consultation.began_at, late_reason=MARKER)
    amend(consultation, entry, by=adviser, reason=MARKER)
    add_note(case, by=adviser, text=MARKER)
    day = timezone.localdate()
    follow_up = plan_follow_up(case, by=adviser, owner=adviser, due_on=day, what=MARKER, kind="call")
    record_attempt(follow_up, by=adviser, way="email", was_reached=True)
    referral = draft_referral(case, by=adviser, body="school", what=MARKER, why=MARKER, written_in="en")
    shown = proof_of_shown_text(consent_text("school", MARKER, MARKER, "ne"))
    request_consent(referral, by=adviser)
    mark_referral_sent(referral, by=adviser, language="ne", agreed="signed", shown=shown)
    note_answer(referral, by=adviser, state="accepted")
    notify_client(client, PLEASE_CALL, by=adviser, case=case)
    ConsultationDraft.objects.create(adviser=adviser, typed=MARKER)
    ImportUpload.objects.create(by=adviser, text=MARKER)
    close_case(case, by=adviser, text=MARKER)


@pytest.fixture
def long_ago(monkeypatch):
    """Create a case and its history more than five years ago, because events cannot be backdated later."""
    real = timezone.now
    adviser = UserFactory(roles=["adviser"])
    monkeypatch.setattr(timezone, "now", lambda: real() - datetime.timedelta(days=5 * 365 + 2))
    a_life_of_a_case(adviser)
    monkeypatch.setattr(timezone, "now", real)
    Message.objects.update(state=MessageState.SENT, ended_at=real() - datetime.timedelta(days=91))
    return adviser


def test_marker_is_nowhere_when_its_time_is_over_and_the_counts_stay(long_ago):
    sealed, before = sealed_texts(), counts()
    assert columns_without_a_text() == []
    assert MARKER.encode() in dump()

    apply_retention()

    after = dump()
    assert MARKER.encode() not in after
    assert [text for text in sealed if text in after] == []
    assert counts() == before
    assert first_broken_entry() is None
    assert apply_retention() == {}


def test_nothing_goes_before_its_time():
    a_life_of_a_case(UserFactory(roles=["adviser"]))
    assert apply_retention() == {}


def test_rows_of_what_goes_go_with_it(long_ago):
    apply_retention()
    stay = {"Consultation", "ConsultationTopic", "Amendment", "ReadGrant", "TallyDelta"}
    filled = {model.__name__ for model in apps.get_app_config("consultations").get_models() if model.objects.exists()}
    assert filled == stay


def test_key_opens_what_is_still_there():
    adviser = UserFactory(roles=["adviser"])
    a_life_of_a_case(adviser)
    assert decrypt_with_audit(adviser, "x", FollowUp.objects.get(), "what") == {"what": MARKER}


# --- Records still needed, and records linked to deleted ones -------------------------------------------


@pytest.fixture
def years_ago(monkeypatch):
    """Return a function that sets the portal's clock back by some years and two days (0: to now)."""
    real = timezone.now

    def set_back(years: int) -> None:
        ago = datetime.timedelta(days=years * 365 + 2 * bool(years))
        monkeypatch.setattr(timezone, "now", lambda: real() - ago)

    return set_back


def test_open_case_keeps_its_person_and_its_consultations(years_ago):
    adviser = UserFactory(roles=["adviser"])
    years_ago(5)
    case = open_case(log(new_log_entry(note="Still needed"), by=adviser), by=adviser, subject="x")
    identify_client(by=adviser, name="Sita", contact="", language="ne", case=case)
    years_ago(0)
    assert apply_retention() == {}
    case = close_case(Case.objects.get(), by=adviser)
    assert apply_retention() == {"consultations.Client": 1, "consultations.Consultation": 1}


def test_older_version_goes_with_the_note_however_late_it_was_made(years_ago):
    adviser = UserFactory(roles=["adviser"])
    years_ago(5)
    consultation = log(new_log_entry(note=MARKER), by=adviser)
    began_at = consultation.began_at
    years_ago(1)
    amend(consultation, new_log_entry(note="Other", began_at=began_at, late_reason="x"), by=adviser, reason="Mixed up")
    years_ago(0)
    apply_retention()
    assert Amendment.objects.exclude(before=b"").count() == 0


def test_account_that_others_need_keeps_nothing_else_from_going():
    never_came = UserFactory()
    User.objects.update(joined_at=timezone.now() - datetime.timedelta(days=8))
    EmailAddress.objects.all().delete()
    nobody = UserFactory()
    User.objects.filter(pk=nobody.pk).update(joined_at=timezone.now() - datetime.timedelta(days=8))
    EmailAddress.objects.all().delete()
    ConsultationFactory(assigned=never_came)
    assert apply_retention() == {"accounts.User": 1}
    assert User.objects.filter(pk=never_came.pk).exists()
