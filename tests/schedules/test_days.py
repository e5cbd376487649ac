"""Days on which something happens: numbers of sessions, moves, nights, closed days and working days."""

import datetime
from datetime import date, time, timedelta

import pytest
from django.db import IntegrityError, transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from portal import city
from portal.city import UnknownCity, read_city
from services.schedules.models import (
    ClosedDay,
    Occurrence,
    Schedule,
    ScheduleException,
    first_overlap,
    occurrences,
)
from services.schedules.rules import WEEKS, RecurrenceRule, occurrence_dates, parse_rule
from services.schedules.working_days import add_working_days, is_working_day
from tests.support.nasty_texts import EVEN_ON_POSTGRESQL

pytestmark = pytest.mark.django_db

MO, TU, WE, TH, SA = (f"FREQ=WEEKLY;BYDAY={code}" for code in ("MO", "TU", "WE", "TH", "SA"))
EVERY_DAY = "FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR,SA,SU"
ALWAYS = date(2026, 1, 1), date(2029, 12, 31)
HOUR = timedelta(hours=1)


@pytest.fixture
def live_in(settings):
    def move(code: str) -> None:
        settings.CITY = read_city(code)
        settings.TIME_ZONE = settings.CITY.time_zone

    return move


def schedule(rule: str, first: date, begins=time(18, 30), ends=time(20), **more) -> Schedule:
    return Schedule.objects.create(rule=rule, first_day=first, begins=begins, ends=ends, **more)


def found(row: Schedule, start=ALWAYS[0], end=ALWAYS[1]) -> list[Occurrence]:
    return occurrences([row], start, end)[row.pk]


def days(row: Schedule, start=ALWAYS[0], end=ALWAYS[1]) -> list[str]:
    return [f"{it.day:%m-%d}" for it in found(row, start, end)]


def utc(moment: datetime.datetime) -> str:
    return f"{moment.astimezone(datetime.UTC):%m-%d %H:%M}"


# --- A number of sessions, every n weeks ------------------------------------------------------------


def test_f15_case_1_twelve_thursdays_are_twelve_in_copenhagen(live_in):
    live_in("copenhagen")
    row = schedule(TH, date(2027, 3, 4), session_count=12)
    assert days(row) == [
        *("03-04", "03-11", "03-18", "04-01", "04-08", "04-15"),
        *("04-22", "04-29", "05-13", "05-20", "05-27", "06-03"),
    ]
    assert utc(found(row)[-1].starts_at) == "06-03 16:30"


@pytest.mark.parametrize(
    ("where", "rule", "first", "count", "last"),
    [("ota", MO, date(2027, 4, 5), 12, "06-28"), ("guro", WE, date(2027, 9, 1), 10, "11-10")],
)
def test_f15_case_1_sessions_are_counted_after_holidays(live_in, where, rule, first, count, last):
    live_in(where)
    row = schedule(rule, first, session_count=count)
    assert (len(days(row)), days(row)[-1]) == (count, last)


def test_f15_sessions_are_counted_from_the_first_whatever_is_asked_for(live_in):
    live_in("copenhagen")
    row = schedule(TH, date(2027, 3, 4), session_count=12)
    assert days(row, date(2027, 5, 25), date(2027, 7, 31)) == ["05-27", "06-03"]


def test_f15_sessions_are_counted_after_closed_days(live_in):
    live_in("ota")
    row = schedule(TH, date(2026, 12, 17), session_count=3)
    assert days(row) == ["12-17", "12-24", "01-07"]  # 31 December is closed
    ClosedDay.objects.create(day=date(2026, 12, 24))
    assert days(row) == ["12-17", "01-07", "01-14"]


def test_f15_session_held_on_a_holiday_on_purpose_is_one_of_them(live_in):
    live_in("ota")
    row = schedule(MO, date(2027, 4, 26), session_count=3)
    row.changes.create(day=date(2027, 5, 3), begins=time(10), ends=time(11))
    assert days(row) == ["04-26", "05-03", "05-10"]
    row.changes.update(day=date(2027, 5, 3), moved_to=date(2027, 5, 6))
    assert days(row) == ["04-26", "05-06", "05-10"]


def test_f15_session_called_off_is_not_held_later(live_in):
    live_in("copenhagen")
    row = schedule(TU, date(2027, 1, 12), session_count=3)
    row.changes.create(day=date(2027, 1, 19))
    assert days(row) == ["01-12", "01-26"]


@pytest.mark.parametrize("start", [date(2027, 3, 2), date(2027, 3, 8), date(2027, 3, 9), date(2027, 3, 16)])
def test_f15_case_3_every_second_week_counts_from_the_first_day(live_in, start):
    live_in("copenhagen")
    row = schedule("FREQ=WEEKLY;INTERVAL=2;BYDAY=TU", date(2027, 3, 2))
    in_march = ["03-02", "03-16", "03-30"]
    assert days(row, start, date(2027, 3, 31)) == [day for day in in_march if day >= f"{start:%m-%d}"]


def test_f15_every_second_month_counts_from_the_first_day():
    rule = "FREQ=MONTHLY;INTERVAL=2;BYDAY=1SU"
    assert occurrence_dates(rule, date(2027, 1, 1), date(2027, 2, 1), date(2027, 6, 30)) == (
        date(2027, 3, 7),
        date(2027, 5, 2),
    )


@pytest.mark.parametrize(
    "text",
    [
        *("", "FREQ", "FREQ=DAILY", "FREQ=WEEKLY", "FREQ=WEEKLY;BYDAY=", "BYDAY=MO", "FREQ=WEEKLY;BYDAY=1"),
        *("FREQ=WEEKLY;INTERVAL=0;BYDAY=MO", "FREQ=WEEKLY;INTERVAL=x;BYDAY=MO", "FREQ=WEEKLY;INTERVAL=53;BYDAY=MO"),
        *("FREQ=WEEKLY;INTERVAL=-2;BYDAY=MO", "FREQ=WEEKLY;BYDAY=MO;COUNT=12", "FREQ=MONTHLY;BYDAY=5MO"),
        *("FREQ=WEEKLY;BYDAY=MO;", "FREQ=WEEKLY;BYDAY=MO;UNTIL=20270101", "FREQ=MONTHLY;BYDAY=xMO"),
    ],
)
def test_f15_invalid_rule_is_the_documented_error(text):
    with pytest.raises(ValueError, match=r"."):
        parse_rule(text)
    with pytest.raises(ValueError, match=r"."):
        occurrence_dates(text, *[date(2027, 1, 1)] * 3)


# --- Extra days, moves ------------------------------------------------------------------------------


def test_f12_case_3_made_up_after_the_end_and_met_before_the_beginning(live_in):
    live_in("copenhagen")
    row = schedule(TU, date(2027, 1, 12), last_day=date(2027, 3, 30))
    assert len(days(row)) == 12
    row.changes.create(day=date(2027, 2, 2))
    row.changes.create(day=date(2027, 4, 6), begins=time(18, 30), ends=time(20))
    row.changes.create(day=date(2027, 1, 9), begins=time(14), ends=time(16))
    assert (len(days(row)), days(row)[0], days(row)[-1], "02-02" in days(row)) == (13, "01-09", "04-06", False)


def test_f12_session_is_moved_to_after_the_last_day(live_in):
    live_in("copenhagen")
    row = schedule(TU, date(2027, 1, 12), last_day=date(2027, 1, 26))
    row.changes.create(day=date(2027, 1, 26), moved_to=date(2027, 2, 4))
    assert days(row) == ["01-12", "01-19", "02-04"]
    assert days(row, date(2027, 2, 1), date(2027, 2, 28)) == ["02-04"]


def test_f13_case_3_two_lessons_on_one_day(live_in):
    live_in("copenhagen")
    row = schedule(TU, date(2027, 1, 12), time(10), time(11), last_day=date(2027, 1, 19))
    row.changes.create(day=date(2027, 1, 19), begins=time(18), ends=time(19), is_extra=True)
    assert [f"{it.starts_at:%m-%d %H}" for it in found(row)] == ["01-12 10", "01-19 10", "01-19 18"]
    row.changes.create(day=date(2027, 1, 19))  # the regular one is called off
    assert [f"{it.starts_at:%m-%d %H}" for it in found(row)] == ["01-12 10", "01-19 18"]


def test_f13_case_2_moved_lesson_is_held_once_and_knows_from_where(live_in):
    live_in("copenhagen")
    row = schedule(TU, date(2027, 3, 2), session_count=12)
    row.changes.create(day=date(2027, 3, 23), moved_to=date(2027, 3, 24))
    starts = [utc(it.starts_at) for it in found(row)]
    winter = [f"{day} 17:30" for day in ("03-02", "03-09", "03-16", "03-24")]
    summer = [f"{day} 16:30" for day in ("03-30", "04-06", "04-13", "04-20", "04-27", "05-04", "05-11", "05-18")]
    assert starts == winter + summer
    originals = [(it.day, f"{it.original_start:%Y%m%dT%H%M%S}") for it in found(row) if it.original_start]
    assert originals == [(date(2027, 3, 24), "20270323T183000")]
    row.changes.update(moved_to=None)  # called off afterwards
    assert len(found(row)) == 11


def test_f13_changed_lesson_knows_its_original_start_and_an_extra_one_has_none(live_in):
    live_in("copenhagen")
    row = schedule(TU, date(2027, 3, 2))
    row.changes.create(day=date(2027, 3, 9), begins=time(10), ends=time(11))
    row.changes.create(day=date(2027, 3, 11), begins=time(10), ends=time(11))
    week = found(row, date(2027, 3, 8), date(2027, 3, 14))
    assert [(it.is_changed, it.original_start and f"{it.original_start:%m-%d %H:%M}") for it in week] == [
        (True, "03-09 18:30"),
        (True, None),
    ]


@pytest.mark.parametrize(
    "wrong",
    [
        {"is_extra": True},
        {"is_extra": True, "begins": time(9), "ends": time(10), "moved_to": date(2027, 3, 5)},
        {"begins": time(9)},
        {"ends": time(9)},
        {"begins": time(9), "ends": time(9)},
    ],
)
def test_f13_database_refuses_exceptions_that_cannot_be(wrong):
    row = schedule(TU, date(2027, 3, 2))
    with pytest.raises(IntegrityError), transaction.atomic():
        row.changes.create(day=date(2027, 3, 2), **wrong)


# --- Nights, midnight, and the change of clocks -----------------------------------------------------


def test_f14_case_26_nights_have_their_real_length(live_in):
    live_in("copenhagen")
    row = schedule(SA, date(2027, 1, 2), time(22), time(6))
    lengths = {f"{it.day:%m-%d}": it.duration // HOUR for it in found(row, date(2027, 1, 1), date(2027, 12, 31))}
    assert (lengths.pop("03-27"), lengths.pop("10-30"), set(lengths.values())) == (7, 9, {8})


def test_f14_case_26_until_midnight_and_all_day(live_in):
    live_in("copenhagen")
    evening, whole_day = schedule(SA, ALWAYS[0], time(18), time(0)), schedule(SA, ALWAYS[0], time(0), time(0))
    for row, hours in ((evening, 6), (whole_day, 24)):
        [it] = found(row, date(2027, 1, 4), date(2027, 1, 10))
        assert (it.day, it.duration // HOUR, f"{it.ends_at:%m-%d %H:%M}") == (date(2027, 1, 9), hours, "01-10 00:00")


def test_f14_case_26_night_belongs_to_the_day_it_began_and_clashes_with_the_morning(live_in):
    live_in("copenhagen")
    night = schedule(SA, date(2027, 1, 2), time(22), time(6))
    early = schedule("FREQ=WEEKLY;BYDAY=SU", date(2027, 1, 3), time(5), time(7))
    later = schedule("FREQ=WEEKLY;BYDAY=SU", date(2027, 1, 3), time(6), time(8))
    assert [it.day.weekday() for it in found(night, date(2027, 3, 27), date(2027, 3, 28))] == [5]
    assert found(night, date(2027, 3, 28), date(2027, 3, 28)) == []
    assert first_overlap(found(night), found(early)).day == date(2027, 1, 2)
    assert first_overlap(found(early), found(night)).day == date(2027, 1, 3)
    assert first_overlap(found(night), found(later)) is None


def test_f14_overlap_is_found_behind_a_shorter_one():
    long, short = schedule(SA, ALWAYS[0], time(9), time(17)), schedule(SA, ALWAYS[0], time(16), time(18))
    long.changes.create(day=date(2027, 1, 9), begins=time(10), ends=time(11), is_extra=True)
    assert first_overlap(found(long, date(2027, 1, 9), date(2027, 1, 9)), found(short)).starts_at.hour == 9


def test_f14_hour_that_is_left_out_keeps_its_length(live_in):
    live_in("copenhagen")
    row = schedule("FREQ=WEEKLY;BYDAY=SU", date(2027, 3, 28), time(2, 30), time(3), on_holidays=True)
    [it] = found(row, date(2027, 3, 28), date(2027, 3, 28))
    assert (f"{it.starts_at:%H:%M}", f"{it.ends_at:%H:%M}", it.duration) == ("03:30", "04:00", HOUR / 2)


def test_case_40_series_keeps_the_citys_clock(live_in):
    live_in("copenhagen")
    tuesdays = schedule(TU, date(2027, 10, 12), time(19), time(20), session_count=6)
    assert [utc(it.starts_at)[-5:] for it in found(tuesdays)] == ["17:00"] * 3 + ["18:00"] * 3
    assert {f"{it.starts_at:%a %H:%M}" for it in found(tuesdays)} == {"Tue 19:00"}
    mondays = schedule(MO, date(2027, 7, 12), time(0, 30), time(1))
    assert {f"{it.starts_at:%a %H:%M}" for it in found(mondays)} == {"Mon 00:30"}
    sundays = schedule("FREQ=WEEKLY;BYDAY=SU", date(2027, 3, 28), time(10), time(11), on_holidays=True)
    assert f"{found(sundays)[0].starts_at:%m-%d %H:%M %z}" == "03-28 10:00 +0200"
    live_in("ota")
    early = schedule(MO, date(2027, 7, 12), time(8, 30), time(9))
    assert {f"{it.starts_at:%a %H:%M}" for it in found(early)} == {"Mon 08:30"}


# --- Closed days ------------------------------------------------------------------------------------


def test_f16_office_is_closed_over_the_new_year(live_in):
    live_in("ota")
    row = schedule(EVERY_DAY, date(2026, 1, 1))
    assert days(row, date(2026, 12, 27), date(2027, 1, 5)) == ["12-27", "12-28", "01-04", "01-05"]
    on_holidays = schedule(EVERY_DAY, date(2026, 1, 1), on_holidays=True)
    assert days(on_holidays, date(2026, 12, 27), date(2027, 1, 5)) == ["12-27", "12-28", "01-04", "01-05"]
    live_in("copenhagen")
    assert "12-29" in days(row, date(2026, 12, 27), date(2027, 1, 5))


def test_f16_single_day_closes_everything_on_it():
    row = schedule(MO, date(2026, 11, 1))
    row.changes.create(day=date(2026, 11, 9), begins=time(9), ends=time(10))
    row.changes.create(day=date(2026, 11, 2), moved_to=date(2026, 11, 9))
    row.changes.create(day=date(2026, 11, 9), begins=time(12), ends=time(13), is_extra=True)
    assert days(row, date(2026, 11, 1), date(2026, 11, 16)) == ["11-09"] * 3 + ["11-16"]
    ClosedDay.objects.create(day=date(2026, 11, 9))
    assert days(row, date(2026, 11, 1), date(2026, 11, 16)) == ["11-16"]


@pytest.mark.parametrize(
    ("spans", "closed", "open_days"),
    [
        (["12-24"], ["2026-12-24"], ["2026-12-23", "2026-12-25"]),
        (["08-13..08-16"], ["2026-08-13", "2027-08-16"], ["2026-08-12", "2026-08-17"]),
        (["12-29..01-03"], ["2026-12-29", "2026-12-31", "2027-01-03"], ["2026-12-28", "2027-01-04", "2027-06-01"]),
        (["02-29"], ["2028-02-29"], ["2027-02-28", "2027-03-01"]),
    ],
)
def test_f16_yearly_closed_days_of_a_preset(tmp_path, monkeypatch, spans, closed, open_days):
    preset = (city.PRESETS / "guro.toml").read_text("utf-8")
    (tmp_path / "somewhere.toml").write_text(f"closed_days = {spans}\n{preset}", "utf-8")
    monkeypatch.setattr(city, "PRESETS", tmp_path)
    somewhere = read_city("somewhere")
    assert [somewhere.closes_on(date.fromisoformat(day)) for day in closed] == [True] * len(closed)
    assert [somewhere.closes_on(date.fromisoformat(day)) for day in open_days] == [False] * len(open_days)


@pytest.mark.parametrize("wrong", ['["29-12"]', '["12-29.."]', '["02-30"]', "[1229]", '[""]', '"12-29"', "1229"])
def test_f16_yearly_closed_days_that_cannot_be_are_said(tmp_path, monkeypatch, wrong):
    preset = (city.PRESETS / "guro.toml").read_text("utf-8")
    (tmp_path / "somewhere.toml").write_text(f"closed_days = {wrong}\n{preset}", "utf-8")
    monkeypatch.setattr(city, "PRESETS", tmp_path)
    with pytest.raises(UnknownCity, match=r"somewhere\.toml"):
        read_city("somewhere")


# --- Working days -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("where", "sent", "first"),
    [
        ("ota", date(2027, 4, 30), date(2027, 5, 10)),
        ("ota", date(2027, 4, 28), date(2027, 5, 7)),
        ("ota", date(2026, 12, 25), date(2027, 1, 5)),
        ("copenhagen", date(2027, 3, 23), date(2027, 3, 31)),
        ("guro", date(2027, 9, 10), date(2027, 9, 20)),  # Chuseok, 14 to 16 September
    ],
)
def test_f16_case_31_three_working_days_after(live_in, where, sent, first):
    live_in(where)
    assert add_working_days(sent, 3) == first


@pytest.mark.parametrize(
    ("where", "day", "before"),
    [
        ("ota", date(2027, 5, 10), date(2027, 4, 30)),
        ("ota", date(2027, 1, 5), date(2026, 12, 25)),
        ("ota", date(2027, 1, 3), date(2026, 12, 24)),
        ("copenhagen", date(2027, 3, 31), date(2027, 3, 23)),
        ("guro", date(2027, 9, 20), date(2027, 9, 10)),
    ],
)
def test_f16_case_31_three_working_days_before(live_in, where, day, before):
    live_in(where)
    assert add_working_days(day, -3) == before
    assert add_working_days(day, 0) == day


def test_f16_day_closed_by_staff_is_no_working_day(live_in, django_assert_num_queries):
    live_in("ota")
    assert is_working_day(date(2026, 11, 25)) is True
    ClosedDay.objects.create(day=date(2026, 11, 25))
    assert is_working_day(date(2026, 11, 25)) is False
    with django_assert_num_queries(1):
        assert add_working_days(date(2026, 11, 24), 1) == date(2026, 11, 26)


# --- Any rule, any exceptions, any window -----------------------------------------------------------

FIRST = date(2026, 12, 1)
DAYS = st.integers(-20, 150).map(lambda number: FIRST + timedelta(days=number))
HOURS = st.integers(0, 23).map(time)
RULES = st.builds(
    RecurrenceRule,
    st.sets(st.integers(0, 6), min_size=1).map(tuple),
    st.sets(st.sampled_from(WEEKS), max_size=2).map(tuple),
    st.integers(1, 3),
)
TIMES = st.one_of(st.none(), st.tuples(HOURS, HOURS).filter(lambda times: times[0] != times[1]))
CHANGES = st.lists(
    st.tuples(DAYS, st.none() | DAYS, TIMES, st.booleans()), max_size=8, unique_by=lambda change: change[0]
)


@settings(EVEN_ON_POSTGRESQL, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    rule=RULES,
    times=TIMES,
    changes=CHANGES,
    closed=st.sets(DAYS, max_size=5),
    count=st.none() | st.integers(1, 20),
    on_holidays=st.booleans(),
    window=st.tuples(DAYS, DAYS).map(sorted),
)
def test_window_is_cut_out_of_all_occurrences_and_count_means_count(
    rule, times, changes, closed, count, on_holidays, window
):
    with transaction.atomic():
        begins, ends = times or (time(10), time(12))
        row = schedule(str(rule), FIRST, begins, ends, session_count=count, on_holidays=on_holidays)
        for day, moved_to, new_times, is_extra in changes:
            extra = is_extra and new_times is not None
            begins, ends = new_times or (None, None)
            row.changes.create(day=day, moved_to=None if extra else moved_to, begins=begins, ends=ends, is_extra=extra)
        ClosedDay.objects.bulk_create(ClosedDay(day=day) for day in closed)

        everything = found(row, FIRST - timedelta(days=100), FIRST + timedelta(days=2500))
        inside = [it for it in everything if window[0] <= it.day <= window[1]]
        assert [(it, it.original_start) for it in found(row, *window)] == [(it, it.original_start) for it in inside]

        assert not {it.day for it in everything} & closed
        if count:
            cancelled = [it for it in row.changes.all() if it.is_cancellation]
            ours = [it for it in everything if not it.is_changed or it.original_start]
            assert count - len(cancelled) <= len(ours) <= count
        transaction.set_rollback(True)


# --- Cost -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("count", [1, 200])
def test_week_of_many_schedules_with_a_year_of_exceptions_costs_one_query(django_assert_num_queries, count):
    year = [date(2027, 1, 1) + timedelta(days=number) for number in range(365)]
    rows = [schedule(EVERY_DAY, date(2026, 1, 1)) for _number in range(count)]
    ScheduleException.objects.bulk_create(
        ScheduleException(schedule=row, day=day, begins=time(9), ends=time(10)) for row in rows for day in year[::7]
    )
    ClosedDay.objects.create(day=date(2027, 6, 8))
    with django_assert_num_queries(1):
        week = occurrences(rows, date(2027, 6, 6), date(2027, 6, 12))
    assert {len(times) for times in week.values()} == {6}


def test_schedule_that_is_not_saved_yet_knows_the_closed_days():
    ClosedDay.objects.create(day=date(2026, 11, 9))
    row = Schedule(rule=MO, first_day=date(2026, 11, 2), begins=time(10), ends=time(11))
    assert days(row, date(2026, 11, 1), date(2026, 11, 16)) == ["11-02", "11-16"]
    assert occurrences([], date(2026, 11, 1), date(2026, 11, 16)) == {}
