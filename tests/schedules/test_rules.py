"""Rules, holidays, exceptions and the clock of each city."""

import datetime
from datetime import date, time

import pytest
from django.db import IntegrityError, transaction
from django.utils import translation
from hypothesis import given
from hypothesis import strategies as st

from portal.city import read_city
from services.schedules.holidays import holiday_name
from services.schedules.models import Schedule, ScheduleException, occurrences
from services.schedules.rules import MAX_INTERVAL, WEEKS, RecurrenceRule, occurrence_dates, parse_rule

RULES = st.builds(
    RecurrenceRule,
    st.sets(st.integers(0, 6), min_size=1).map(sorted).map(tuple),
    st.sets(st.sampled_from(WEEKS)).map(lambda weeks: tuple(week for week in WEEKS if week in weeks)),
    st.integers(1, MAX_INTERVAL),
)


def schedule(rule="FREQ=WEEKLY;BYDAY=MO", first=date(2026, 1, 1), begins=time(10), ends=time(17), **more) -> Schedule:
    return Schedule.objects.create(rule=rule, first_day=first, begins=begins, ends=ends, **more)


def days(row, start, end) -> list[date]:
    return [found.day for found in occurrences([row], start, end)[row.pk]]


@given(RULES)
def test_every_rule_comes_back_as_it_was_chosen(rule):
    assert parse_rule(str(rule)) == rule
    assert occurrence_dates(str(rule), date(2026, 1, 1), date(2026, 1, 1), date(2030, 12, 31)) != ()


@pytest.mark.parametrize("text", ["FREQ=DAILY;BYDAY=MO", "FREQ=WEEKLY;BYDAY=XX", "FREQ=WEEKLY;COUNT=2;BYDAY=MO"])
def test_what_cannot_be_chosen_is_no_rule(text):
    with pytest.raises(ValueError, match=r"\w"):
        parse_rule(text)


@pytest.mark.parametrize(
    ("rule", "language", "said"),
    [
        (RecurrenceRule((0, 1, 4)), "en", "Monday, Tuesday and Friday"),
        (RecurrenceRule((6,), (1, 3)), "en", "1st and 3rd Sunday of the month"),
        (RecurrenceRule((5,), (-1,)), "en", "last Saturday of the month"),
        (RecurrenceRule((1, 0), interval=2), "en", "Monday and Tuesday, every 2 weeks"),
        (RecurrenceRule((6,), (1,), 3), "en", "1st Sunday of the month, every 3 months"),
    ],
)
def test_rule_in_words(rule, language, said):
    with translation.override(language):
        assert rule.describe() == said


def test_first_and_third_sunday():
    found = occurrence_dates("FREQ=MONTHLY;BYDAY=1SU,3SU", date(2026, 1, 1), date(2026, 11, 1), date(2026, 12, 31))
    assert found == (date(2026, 11, 1), date(2026, 11, 15), date(2026, 12, 6), date(2026, 12, 20))


def test_public_holidays_are_the_citys(settings):
    assert holiday_name(date(2026, 11, 23)) == "Labor Thanksgiving Day"
    settings.CITY = read_city("guro")
    assert (holiday_name(date(2026, 11, 23)), holiday_name(date(2026, 3, 1))) == (None, "Independence Movement Day")
    settings.CITY = read_city("copenhagen")
    assert holiday_name(date(2026, 5, 14)) == "Ascension Day"


@pytest.mark.django_db
def test_nothing_happens_on_a_holiday_unless_it_is_meant_to():
    mondays = schedule()
    always = schedule(on_holidays=True)
    november = date(2026, 11, 16), date(2026, 11, 30)
    assert days(mondays, *november) == [date(2026, 11, 16), date(2026, 11, 30)]
    assert days(always, *november) == [date(2026, 11, 16), date(2026, 11, 23), date(2026, 11, 30)]


@pytest.mark.django_db
def test_exceptions_take_away_move_and_add():
    row = schedule()
    ScheduleException.objects.create(schedule=row, day=date(2026, 11, 16))
    ScheduleException.objects.create(schedule=row, day=date(2026, 11, 23), begins=time(9), ends=time(12))
    ScheduleException.objects.create(schedule=row, day=date(2026, 11, 28), begins=time(13), ends=time(15))
    found = occurrences([row], date(2026, 11, 9), date(2026, 11, 30))[row.pk]
    told = [(it.day, it.starts_at.hour, it.ends_at.hour, it.is_changed) for it in found]
    assert told == [
        (date(2026, 11, 9), 10, 17, False),
        (date(2026, 11, 23), 9, 12, True),
        (date(2026, 11, 28), 13, 15, True),
        (date(2026, 11, 30), 10, 17, False),
    ]


@pytest.mark.django_db
def test_first_and_last_day_over_the_end_of_a_year():
    row = schedule("FREQ=WEEKLY;BYDAY=WE", first=date(2026, 12, 23), last_day=date(2027, 1, 6))
    assert days(row, date(2026, 1, 1), date(2027, 12, 31)) == [
        date(2026, 12, 23),
        date(2027, 1, 6),
    ]


@pytest.mark.django_db
def test_clock_time_stays_when_the_clocks_change_in_copenhagen(settings):
    settings.TIME_ZONE, settings.CITY = "Europe/Copenhagen", read_city("copenhagen")
    row = schedule("FREQ=WEEKLY;BYDAY=SA,SU")
    found = occurrences([row], date(2026, 10, 24), date(2026, 10, 25))[row.pk]
    assert [it.starts_at.hour for it in found] == [10, 10]
    assert [it.starts_at.astimezone(datetime.UTC).hour for it in found] == [8, 9]
    assert {it.ends_at - it.starts_at for it in found} == {datetime.timedelta(hours=7)}


@pytest.mark.django_db
@pytest.mark.parametrize("count", [1, 30])
def test_many_schedules_cost_one_query(count, django_assert_num_queries):
    rows = [schedule() for _ in range(count)]
    with django_assert_num_queries(1):
        assert len(occurrences(rows, date(2026, 11, 1), date(2026, 11, 30))) == count


@pytest.mark.django_db
@pytest.mark.parametrize("wrong", [{"begins": time(17), "ends": time(17)}, {"last_day": date(2025, 1, 1)}])
def test_database_refuses_what_cannot_be(wrong):
    with pytest.raises(IntegrityError), transaction.atomic():
        schedule(**wrong)
