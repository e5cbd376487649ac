"""The demo city's desk: present, repeatable, with one gap and one exception; and the location of a city's desk."""

import datetime

import pytest
from django.utils import timezone, translation

from consultations import demo
from consultations.models import Case, CaseEvent, Client, DeskHours, DeskShift, FollowUp, Referral
from consultations.timetable.openings import load_timetable
from portal import city
from services.accounts import demo as people
from services.accounts.models import User
from services.accounts.roles import Role
from services.schedules.models import ScheduleException
from tests.support.databases import loaded_for_many

pytestmark = [pytest.mark.thorough, pytest.mark.xdist_group("demo")]  # loaded once for all tests
MODELS = (User, DeskHours, DeskShift, ScheduleException, Case, CaseEvent, Client, FollowUp, Referral)
NOW = datetime.datetime(2026, 11, 17, 3, tzinfo=datetime.UTC)
FIVE_WEEKS = datetime.timedelta(days=34)


def everything() -> list[list]:
    return [list(model.objects.order_by("pk").values()) for model in MODELS]


@pytest.fixture(scope="module")
def loaded(django_db_setup, django_db_blocker):
    """Load the demo as on 17 November 2026: on some days of the year a holiday would hide a whole language."""

    def load():
        people.load()
        demo.load()

    with pytest.MonkeyPatch.context() as clock, translation.override("en"):
        clock.setattr(timezone, "now", lambda: NOW)
        with loaded_for_many(django_db_blocker, load):
            yield


@pytest.fixture
def desk(loaded, db, monkeypatch):
    """Provide the demo with the clock set to its day."""
    monkeypatch.setattr(timezone, "now", lambda: NOW)


def test_second_load_changes_nothing(desk):
    before = everything()
    people.load()
    demo.load()
    assert everything() == before


def test_desk_speaks_eight_languages_and_only_nepali_has_a_gap(desk):
    today = timezone.localdate()
    timetable = load_timetable(today, today + FIVE_WEEKS)
    spoken = {it.language for it in timetable.openings if it.language}
    assert spoken == {"ja-simple", "en", "zh-hans", "ko", "fil", "ne", "vi", "ar"}
    assert {(gap.language, gap.starts_at.weekday(), gap.starts_at.hour) for gap in timetable.gaps} == {("ne", 2, 13)}
    assert {it.service for it in timetable.openings if not it.language} == {"lawyer", "immigration"}


def test_exception_is_still_to_come(desk):
    today = timezone.localdate()
    [change] = ScheduleException.objects.all()
    assert today < change.day <= today + FIVE_WEEKS
    assert [it.day for it in load_timetable(today, today + FIVE_WEEKS).openings if it.is_changed] == [change.day]


def test_advisers_are_invented_and_nothing_else(desk):
    advisers = User.objects.filter(grants__role=Role.ADVISER)
    assert advisers.count() == 8
    assert all(people.is_invented(user) and user.roles == {Role.ADVISER} for user in advisers)


# --- A city's desk --------------------------------------------------------------------------------


def written(tmp_path, monkeypatch, desk: str) -> city.City:
    text = (city.PRESETS / "guro.toml").read_text("utf-8").replace("[names]", f"{desk}\n[names]", 1)
    (tmp_path / "town.toml").write_text(text, "utf-8")
    monkeypatch.setattr(city, "PRESETS", tmp_path)
    return city.read_city("town")


def test_city_may_say_where_its_desk_is(tmp_path, monkeypatch):
    names = "\n".join(f'{code} = "Hall"' for code in ("ko", "en", "zh-hans", "vi", "fil", "ne", "ja", "ar"))
    town = written(tmp_path, monkeypatch, f'[desk]\nphone = "+82 (0)2-000 #1"\n[desk.address]\n{names}')
    assert (town.desk.address["ne"], town.desk.dial, town.desk.is_example) == ("Hall", "+82020001", False)


@pytest.mark.parametrize(
    "desk", ['[desk.address]\nen = "Hall"', '[desk]\nphone = "1"', '[desk]\nfax = "1"\n[desk.address]']
)
def test_desk_that_lacks_something_is_refused(desk, tmp_path, monkeypatch):
    with pytest.raises(city.UnknownCity):
        written(tmp_path, monkeypatch, desk)


@pytest.mark.parametrize(("code", "is_example"), [("ota", True), ("guro", None), ("copenhagen", None)])
def test_presets_mark_what_is_invented(code, is_example):
    desk = city.read_city(code).desk
    assert (desk and desk.is_example) == is_example


def test_cases_are_followed_and_one_is_hidden(desk):
    today = timezone.localdate()
    hidden, *of_the_log = Case.objects.filter(is_restricted=True)  # the newest one first
    assert (Case.objects.filter(is_restricted=False).count(), len(of_the_log)) == (3, 1)
    assert hidden.members.count() == 2
    assert {it.due_on < today for it in FollowUp.objects.due(today)} == {True, False}
    assert [it.needs_decision for it in FollowUp.objects.unfinished()].count(True) == 1
    states = {"accepted", "consent_pending", "no_reply", "draft"}
    assert set(Referral.objects.values_list("state", flat=True)) == states
    manager = User.objects.get(email="manager@demo.example")
    assert hidden not in Case.objects.visible_to(manager)
