"""The demo city's log: as many consultations as the model city had, the same each time, about no real person."""

import dataclasses
import datetime
import time

import pytest
from django.utils import timezone, translation

from consultations import demo as consultations_demo
from consultations.log import demo as log_demo
from consultations.log.actions import entry_of
from consultations.models import Case, Client, Consultation, ConsultationTopic, ReadGrant
from services.accounts import demo as people
from services.accounts.models import User
from tests.support.databases import loaded_for_many

pytestmark = [pytest.mark.thorough, pytest.mark.xdist_group("demo log")]  # loaded once for all tests
TODAY = datetime.date(2026, 11, 17)
NOW = datetime.datetime(2026, 11, 17, 3, tzinfo=datetime.UTC)


# These tests must come first: the others use the demo that is loaded once for all of them.
@pytest.mark.parametrize("day", [(2026, 4, 1), (2026, 11, 17)])
def test_cases_leave_the_year_before_as_it_was(db, monkeypatch, day):
    assert not User.objects.exists()
    now = datetime.datetime(*day, 3, tzinfo=datetime.UTC)
    monkeypatch.setattr(timezone, "now", lambda: now)
    people.load()
    consultations_demo.load()
    begins, ends = log_demo.first_year(timezone.localdate())
    assert Consultation.objects.filter(month__gte=begins, month__lt=ends).count() == 731


@pytest.fixture(scope="module")
def loaded(django_db_setup, django_db_blocker):
    """Load only the log, because the demo's cases add consultations of their own."""

    def load():
        people.load()
        consultations_demo.load()

    with pytest.MonkeyPatch.context() as patch, translation.override("en"):
        patch.setattr(timezone, "now", lambda: NOW)
        patch.setattr(consultations_demo.cases_demo, "load", lambda: None)
        with loaded_for_many(django_db_blocker, load):
            yield


@pytest.fixture
def desk(loaded, db, monkeypatch):
    """Provide the log with the clock set to the demo's day."""
    monkeypatch.setattr(timezone, "now", lambda: NOW)
    monkeypatch.setattr(consultations_demo.cases_demo, "load", lambda: None)


def facts() -> list:
    return [
        (it.adviser.email, entry_of(it), it.is_restricted)
        for it in Consultation.objects.select_related("adviser").prefetch_related("topics")
    ]


def test_fiscal_year_before_today_has_731(desk):
    begins, ends = log_demo.first_year(TODAY)
    assert (begins, ends) == (datetime.date(2025, 4, 1), datetime.date(2026, 4, 1))
    assert Consultation.objects.filter(month__gte=begins, month__lt=ends).count() == 731
    assert Consultation.objects.filter(month__lt=begins).count() == 0
    assert Consultation.objects.filter(began_at__gt=timezone.now()).count() == 0
    assert set(Consultation.objects.filter(month__gte=ends).values_list("month__month", flat=True)) == set(range(4, 12))


@pytest.mark.parametrize(
    ("starts_in", "today", "begins", "ends"),
    [
        (4, (2026, 3, 31), (2024, 4, 1), (2025, 4, 1)),
        (4, (2026, 4, 1), (2025, 4, 1), (2026, 4, 1)),
        (1, (2026, 11, 17), (2025, 1, 1), (2026, 1, 1)),
    ],
)
def test_first_year_is_the_last_whole_one(settings, starts_in, today, begins, ends):
    settings.CITY = dataclasses.replace(settings.CITY, fiscal_year_starts_in=starts_in)
    assert log_demo.first_year(datetime.date(*today)) == (datetime.date(*begins), datetime.date(*ends))


def test_second_load_changes_nothing(desk):
    models = (Consultation, ConsultationTopic, ReadGrant, Client, Case)
    before = [list(model.objects.order_by("pk").values()) for model in models]
    consultations_demo.load()
    assert [list(model.objects.order_by("pk").values()) for model in models] == before


def test_same_day_makes_the_same_log_quickly(desk):
    before = facts()
    Consultation.objects.all().delete()
    begun = time.process_time()
    log_demo.load()
    assert time.process_time() - begun < 6
    assert facts() == before


def test_log_is_whole(desk):
    rows = list(Consultation.objects.prefetch_related("topics", "readers"))
    assert all([it.is_primary for it in row.topics.all()].count(True) == 1 for row in rows)
    assert all(row.adviser_id in {it.user_id for it in row.readers.all()} for row in rows)
    assert all(row.month == timezone.localdate(row.began_at).replace(day=1) for row in rows)
    assert all(row.note and timezone.localdate(row.began_at).weekday() != 5 for row in rows)
    visits = sum(row.channel == "visit" for row in rows) / len(rows)
    assert 0.58 < visits < 0.67


def test_restricted_few_are_read_by_their_case_alone(desk):
    few = Consultation.objects.filter(is_restricted=True)
    assert few.count() == log_demo.RESTRICTED
    members = set(User.objects.filter(email__in=["adviser@demo.example", "adviser4@demo.example"]))
    for row in few:
        assert {it.user for it in row.readers.all()} == members
        assert row.case.is_restricted
        assert row.topics.first().topic == "dv_abuse"
    manager = User.objects.get(email="manager@demo.example")
    assert not Consultation.objects.visible_to(manager).filter(is_restricted=True).exists()
