"""The demo city's log: as many as the model city had, the same each time, and nobody real."""

import dataclasses
import datetime
import time

import pytest
from django.utils import timezone

from consultations import demo, demo_log
from consultations.actions.consultations import entry_of
from consultations.models import Case, Client, Consultation, ConsultationTopic, Reader
from services.accounts import demo as people
from services.accounts.models import User

TODAY = datetime.date(2026, 11, 17)


@pytest.fixture
def desk(db, monkeypatch):
    """The log alone: the demo's cases bring consultations of their own."""
    monkeypatch.setattr(timezone, "now", lambda: datetime.datetime(2026, 11, 17, 3, tzinfo=datetime.UTC))
    monkeypatch.setattr(demo.demo_cases, "load", lambda: None)
    people.load()
    demo.load()


def facts() -> list:
    return [
        (it.adviser.email, entry_of(it), it.is_restricted)
        for it in Consultation.objects.select_related("adviser").prefetch_related("topics")
    ]


def test_fiscal_year_before_today_has_731(desk):
    begins, ends = demo_log.first_year(TODAY)
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
    assert demo_log.first_year(datetime.date(*today)) == (datetime.date(*begins), datetime.date(*ends))


def test_second_load_changes_nothing(desk):
    models = (Consultation, ConsultationTopic, Reader, Client, Case)
    before = [list(model.objects.order_by("pk").values()) for model in models]
    demo.load()
    assert [list(model.objects.order_by("pk").values()) for model in models] == before


def test_same_day_makes_the_same_log_quickly(desk):
    before = facts()
    Consultation.objects.all().delete()
    begun = time.process_time()
    demo_log.load()
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
    assert few.count() == demo_log.RESTRICTED
    members = set(User.objects.filter(email__in=["adviser@demo.example", "adviser4@demo.example"]))
    for row in few:
        assert {it.user for it in row.readers.all()} == members
        assert row.case.is_restricted
        assert row.topics.first().topic == "dv_abuse"
    manager = User.objects.get(email="manager@demo.example")
    assert not Consultation.objects.visible_to(manager).filter(is_restricted=True).exists()


@pytest.mark.parametrize("day", [(2026, 4, 1), (2026, 11, 17)])
def test_cases_leave_the_year_before_as_it_was(db, monkeypatch, day):
    now = datetime.datetime(*day, 3, tzinfo=datetime.UTC)
    monkeypatch.setattr(timezone, "now", lambda: now)
    people.load()
    demo.load()
    begins, ends = demo_log.first_year(timezone.localdate())
    assert Consultation.objects.filter(month__gte=begins, month__lt=ends).count() == 731
