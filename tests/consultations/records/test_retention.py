"""What is past its time is nowhere any more, and still counts."""

import datetime
from collections import Counter

import pytest
from allauth.account.models import EmailAddress
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
from consultations.models import Amendment, Case, Consultation, ConsultationTopic, Draft, FollowUp, Upload
from services.accounts.models import User
from services.audit.opening import open_sealed
from services.audit.trail import first_broken
from services.base.keeping import keep_periods
from services.base.sealed import sealed_models
from services.notices.models import Message, MessageState
from tests.consultations.test_consultations import an_entry
from tests.factories import ConsultationFactory, UserFactory

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
    stay = {"Consultation", "ConsultationTopic", "Amendment", "Reader", "Later"}
    filled = {model.__name__ for model in apps.get_app_config("consultations").get_models() if model.objects.exists()}
    assert filled == stay


def test_key_opens_what_is_still_there():
    adviser = UserFactory(roles=["adviser"])
    a_life_of_a_case(adviser)
    assert open_sealed(adviser, "x", FollowUp.objects.get(), "what") == {"what": MARKER}


# --- What is still needed, and what is tied to what goes ------------------------------------------------


@pytest.fixture
def years_ago(monkeypatch):
    """Sets the portal's clock back by some years and two days."""
    real = timezone.now

    def set_back(years: int) -> None:
        ago = datetime.timedelta(days=years * 365 + 2 * bool(years))
        monkeypatch.setattr(timezone, "now", lambda: real() - ago)

    return set_back


def test_open_case_keeps_its_person_and_its_consultations(years_ago):
    adviser = UserFactory(roles=["adviser"])
    years_ago(5)
    case = open_case(log(an_entry(note="Still needed"), by=adviser), by=adviser, subject="x")
    meet(by=adviser, name="Sita", contact="", language="ne", case=case)
    years_ago(0)
    assert keep_periods() == {}
    case = close_case(Case.objects.get(), by=adviser)
    assert keep_periods() == {"consultations.Client": 1, "consultations.Consultation": 1}


def test_older_version_goes_with_the_note_however_late_it_was_made(years_ago):
    adviser = UserFactory(roles=["adviser"])
    years_ago(5)
    consultation = log(an_entry(note=MARKER), by=adviser)
    began_at = consultation.began_at
    years_ago(1)
    amend(consultation, an_entry(note="Other", began_at=began_at, late_reason="x"), by=adviser, reason="Mixed up")
    years_ago(0)
    keep_periods()
    assert Amendment.objects.exclude(before=b"").count() == 0


def test_account_that_others_need_keeps_nothing_else_from_going():
    never_came = UserFactory()
    User.objects.update(joined_at=timezone.now() - datetime.timedelta(days=8))
    EmailAddress.objects.all().delete()
    nobody = UserFactory()
    User.objects.filter(pk=nobody.pk).update(joined_at=timezone.now() - datetime.timedelta(days=8))
    EmailAddress.objects.all().delete()
    ConsultationFactory(assigned=never_came)
    assert keep_periods() == {"accounts.User": 1}
    assert User.objects.filter(pk=never_came.pk).exists()
