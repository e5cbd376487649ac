"""What is past its time is nowhere any more, and still counts."""

import datetime
from collections import Counter

import pytest
from django.apps import apps
from django.db import connection
from django.utils import timezone

from consultations.actions.cases import close_case, open_case, write
from consultations.actions.clients import meet, tell_client
from consultations.actions.consultations import amend, log
from consultations.actions.followups import attempt, plan
from consultations.actions.referrals import answer as note_answer
from consultations.actions.referrals import ask_consent, draft_referral, send
from consultations.consent import consent_text, seal_of
from consultations.models import Consultation, ConsultationTopic, Draft, FollowUp, Upload
from services.audit.opening import open_sealed
from services.audit.trail import first_broken
from services.base.keeping import keep_periods
from services.base.sealed import sealed_models
from services.notices.models import Message, MessageState
from tests.consultations.test_consultations import an_entry
from tests.factories import UserFactory

pytestmark = pytest.mark.django_db
MARKER = "zq7marker"


def dump() -> bytes:
    """Every value of every table."""
    found = []
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names(cursor):
            cursor.execute(f'SELECT * FROM "{table}"')
            for row in cursor.fetchall():
                found += [bytes(it) if isinstance(it, bytes | memoryview) else str(it).encode() for it in row]
    return b"\n".join(found)


def sealed_texts() -> set[bytes]:
    """All that is sealed, as it is stored."""
    found = set()
    for model, fields in sealed_models().items():
        for field in fields:
            found |= {bytes(it) for it in model.objects.values_list(field.attname, flat=True)}
    return found - {b""}


def columns_without_a_text() -> list[str]:
    """Sealed columns that this test would not notice."""
    return [
        f"{model._meta.label}.{field.attname}"
        for model, fields in sealed_models().items()
        for field in fields
        if not model.objects.exclude(**{field.attname: b""}).exists()
    ]


def counts() -> tuple:
    consultations = Consultation.objects.values_list("month", "language", "channel", "outcome", "minutes")
    topics = ConsultationTopic.objects.values_list("consultation__month", "topic", "is_primary")
    return Counter(consultations), Counter(topics)


def a_life_of_a_case(adviser) -> None:
    """The marker wherever the desk writes words down."""
    consultation = log(an_entry(note=MARKER, late_reason=MARKER, topics=("tax", "housing")), by=adviser)
    case = open_case(consultation, by=adviser, subject=MARKER)
    client = meet(
        by=adviser, name=MARKER, contact=f"{MARKER}@example.org", language="ne", safe_channels=["email"], case=case
    )
    entry = an_entry(note=f"{MARKER} 2", topics=("tax",), began_at=consultation.began_at, late_reason=MARKER)
    amend(consultation, entry, by=adviser, reason=MARKER)
    write(case, by=adviser, text=MARKER)
    day = timezone.localdate()
    follow_up = plan(case, by=adviser, owner=adviser, due_on=day, what=MARKER, kind="call")
    attempt(follow_up, by=adviser, way="email", was_reached=True)
    referral = draft_referral(case, by=adviser, body="school", what=MARKER, why=MARKER, written_in="en")
    shown = seal_of(consent_text("school", MARKER, MARKER, "ne"))
    ask_consent(referral, by=adviser)
    send(referral, by=adviser, language="ne", agreed="signed", shown=shown)
    note_answer(referral, by=adviser, state="accepted")
    tell_client(client, "consultations/please_call", by=adviser, case=case)
    Draft.objects.create(adviser=adviser, typed=MARKER)
    Upload.objects.create(by=adviser, text=MARKER)
    close_case(case, by=adviser, text=MARKER)


@pytest.fixture
def long_ago(monkeypatch):
    """A life of a case more than five years ago; its events cannot be made older than they are."""
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

    keep_periods()

    after = dump()
    assert MARKER.encode() not in after
    assert [text for text in sealed if text in after] == []
    assert counts() == before
    assert first_broken() is None
    assert keep_periods() == {}


def test_nothing_goes_before_its_time():
    a_life_of_a_case(UserFactory(roles=["adviser"]))
    assert keep_periods() == {}


def test_rows_of_what_goes_go_with_it(long_ago):
    keep_periods()
    stay = {"Consultation", "ConsultationTopic", "Amendment", "Reader", "Tally"}
    filled = {model.__name__ for model in apps.get_app_config("consultations").get_models() if model.objects.exists()}
    assert filled == stay


def test_key_opens_what_is_still_there():
    adviser = UserFactory(roles=["adviser"])
    a_life_of_a_case(adviser)
    assert open_sealed(adviser, "x", FollowUp.objects.get(), "what") == {"what": MARKER}
