"""The desk's real timetable: the recurring hours less holidays and exceptions, when an adviser is on duty."""

import datetime
from datetime import date, time

import pytest

from consultations.models import DeskService
from consultations.timetable.openings import load_timetable, next_opening, openings, serves_language, shifts_of
from portal.city import read_city
from services.accounts.actions import revoke_role
from services.accounts.roles import Role
from services.schedules.models import ClosedDay, ScheduleException
from tests.factories import DeskShiftFactory, HoursFactory, UserFactory

pytestmark = pytest.mark.django_db
MON, WED, SAT, SUN = 0, 2, 5, 6
MONDAY = date(2026, 11, 16)
HOLIDAY = date(2026, 11, 23)  # a Monday


def told(start, end=None) -> list[tuple]:
    """Return day, start time, end time, and language or service of each opening."""
    found = openings(start, end or start)
    return [(it.day, f"{it.starts_at:%H:%M}", f"{it.ends_at:%H:%M}", it.language or it.service) for it in found]


def gaps(start, end=None) -> list[tuple]:
    found = load_timetable(start, end or start).gaps
    return [(it.starts_at.date(), f"{it.starts_at:%H:%M}", f"{it.ends_at:%H:%M}", it.language) for it in found]


def at(hour: int, minute: int = 0, day: date = MONDAY) -> datetime.datetime:
    from django.utils import timezone

    return datetime.datetime.combine(day, time(hour, minute), timezone.get_default_timezone())


def test_opening_is_promised_where_hours_and_a_duty_meet():
    HoursFactory()
    DeskShiftFactory(schedule__times=(12, 20))
    assert told(MONDAY) == [(MONDAY, "12:00", "17:00", "ne")]
    assert gaps(MONDAY) == [(MONDAY, "10:00", "12:00", "ne")]


def test_language_without_an_adviser_is_not_promised():
    HoursFactory()
    DeskShiftFactory(languages=["vi"])
    DeskShiftFactory(schedule__weekdays=(WED,))
    assert told(MONDAY) == []
    assert gaps(MONDAY) == [(MONDAY, "10:00", "17:00", "ne")]


def test_adviser_without_hours_opens_nothing():
    DeskShiftFactory()
    assert (told(MONDAY), gaps(MONDAY)) == ([], [])


def test_two_advisers_relieve_each_other_and_leave_what_is_between():
    HoursFactory()
    for times in ((9, 12), (12, 13), (11, 12), (15, 16)):
        DeskShiftFactory(schedule__times=times)
    assert told(MONDAY) == [(MONDAY, "10:00", "13:00", "ne"), (MONDAY, "15:00", "16:00", "ne")]
    assert gaps(MONDAY) == [(MONDAY, "13:00", "15:00", "ne"), (MONDAY, "16:00", "17:00", "ne")]
    assert [it.part for it in openings(MONDAY, MONDAY)] == [0, 1]
    assert len({it.uid for it in openings(MONDAY, MONDAY)}) == 2


def test_adviser_whose_account_is_shut_or_whose_role_is_gone_promises_nothing():
    HoursFactory()
    shut, former = DeskShiftFactory().adviser, DeskShiftFactory().adviser
    shut.is_active = False
    shut.save()
    assert len(told(MONDAY)) == 1
    revoke_role(former, Role.ADVISER, by=None)
    assert told(MONDAY) == []


def test_adviser_with_many_roles_counts_once():
    HoursFactory()
    adviser = UserFactory(roles=["adviser", "teacher", "editor"])
    DeskShiftFactory(adviser=adviser)
    assert told(MONDAY) == [(MONDAY, "10:00", "17:00", "ne")]
    assert len(shifts_of(adviser, MONDAY)) == 1


def test_profession_needs_no_adviser():
    HoursFactory(service=DeskService.LAWYER, language="", schedule__weekdays=(SUN,), schedule__weeks=(1, 3))
    found = told(date(2026, 12, 1), date(2026, 12, 31))
    assert [day for day, *_rest in found] == [date(2026, 12, 6), date(2026, 12, 20)]
    assert gaps(date(2026, 12, 1), date(2026, 12, 31)) == []


def test_holiday_closes_the_desk_unless_it_is_meant_to_be_open():
    hours, shift = HoursFactory(), DeskShiftFactory()
    assert told(HOLIDAY) == []
    hours.schedule.on_holidays = True
    hours.schedule.save()
    assert (told(HOLIDAY), gaps(HOLIDAY)) == ([], [(HOLIDAY, "10:00", "17:00", "ne")])
    shift.schedule.on_holidays = True
    shift.schedule.save()
    assert told(HOLIDAY) == [(HOLIDAY, "10:00", "17:00", "ne")]


def test_exceptions_of_hours_close_move_and_add_a_day():
    hours = HoursFactory(schedule__weekdays=(MON,))
    DeskShiftFactory()
    changes = ScheduleException.objects
    changes.create(schedule=hours.schedule, day=MONDAY)
    changes.create(schedule=hours.schedule, day=date(2026, 11, 30), begins=time(13), ends=time(15))
    changes.create(schedule=hours.schedule, day=date(2026, 12, 2), begins=time(10), ends=time(11))
    assert told(MONDAY, date(2026, 12, 7)) == [
        (date(2026, 11, 30), "13:00", "15:00", "ne"),
        (date(2026, 12, 2), "10:00", "11:00", "ne"),
        (date(2026, 12, 7), "10:00", "17:00", "ne"),
    ]
    assert [it.is_changed for it in openings(MONDAY, date(2026, 12, 7))] == [True, True, False]


def test_adviser_who_is_ill_for_a_day_is_not_promised():
    HoursFactory()
    shift = DeskShiftFactory()
    ScheduleException.objects.create(schedule=shift.schedule, day=MONDAY)
    assert told(MONDAY, date(2026, 11, 17)) == [(date(2026, 11, 17), "10:00", "17:00", "ne")]


def test_uid_stays_when_the_times_of_a_day_move():
    hours = HoursFactory()
    DeskShiftFactory(schedule__times=(9, 20))
    before = openings(MONDAY, MONDAY)[0].uid
    ScheduleException.objects.create(schedule=hours.schedule, day=MONDAY, begins=time(18), ends=time(19))
    assert [it.uid for it in openings(MONDAY, MONDAY)] == [before]


def test_timetable_runs_on_over_the_end_of_the_year():
    HoursFactory(schedule__weekdays=(MON, WED))
    DeskShiftFactory()
    days = [day for day, *_rest in told(date(2026, 12, 28), date(2027, 1, 13))]
    # The office is closed until 3 January, and 2027-01-11 is Coming of Age Day.
    assert days == [date(2026, 12, 28), date(2027, 1, 4), date(2027, 1, 6), date(2027, 1, 13)]


def test_c16_desk_is_closed_from_29_december_to_3_january():
    HoursFactory(schedule__on_holidays=True)
    HoursFactory(service=DeskService.LAWYER, language="", by_appointment=True)
    DeskShiftFactory(schedule__on_holidays=True)
    days = {day for day, *_rest in told(date(2026, 12, 28), date(2027, 1, 4))}
    assert days == {date(2026, 12, 28), date(2027, 1, 4)}
    assert gaps(date(2026, 12, 29), date(2027, 1, 3)) == []


def test_f16_day_closed_by_staff_closes_hours_shifts_and_exceptions():
    hours, shift = HoursFactory(), DeskShiftFactory()
    ScheduleException.objects.create(schedule=hours.schedule, day=MONDAY, begins=time(12), ends=time(13))
    assert told(MONDAY) == [(MONDAY, "12:00", "13:00", "ne")]
    ClosedDay.objects.create(day=MONDAY)
    assert (told(MONDAY), gaps(MONDAY), shifts_of(shift.adviser, MONDAY)) == ([], [], [])


def test_f14_shift_through_the_night_covers_the_morning():
    HoursFactory(schedule__times=(5, 8))
    DeskShiftFactory(schedule__times=(22, 6))
    tuesday = MONDAY + datetime.timedelta(days=1)
    assert told(tuesday) == [(tuesday, "05:00", "06:00", "ne")]
    assert gaps(tuesday) == [(tuesday, "06:00", "08:00", "ne")]


def test_f14_hours_until_midnight_include_the_last_minute():
    HoursFactory(schedule__times=(18, 0))
    DeskShiftFactory(schedule__times=(18, 0))
    [opening] = openings(MONDAY, MONDAY)
    assert (opening.includes(at(23, 59)), opening.includes(at(17, 59))) == (True, False)


def test_first_sunday_of_january_belongs_to_the_new_year():
    HoursFactory(schedule__weekdays=(SUN,), schedule__weeks=(1, -1))
    DeskShiftFactory()
    days = [day for day, *_rest in told(date(2027, 12, 20), date(2028, 2, 10))]
    assert days == [date(2027, 12, 26), date(2028, 1, 30), date(2028, 2, 6)]


def test_clocks_that_change_in_copenhagen_leave_the_desks_hours(settings):
    settings.TIME_ZONE, settings.CITY = "Europe/Copenhagen", read_city("copenhagen")
    HoursFactory(schedule__weekdays=(SAT, SUN, MON))
    DeskShiftFactory()
    for days, offsets in (
        ((date(2026, 3, 28), date(2026, 3, 30)), [1, 2, 2]),
        ((date(2026, 10, 24), date(2026, 10, 26)), [2, 1, 1]),
    ):
        found = openings(*days)
        assert [f"{it.starts_at:%H:%M}–{it.ends_at:%H:%M}" for it in found] == ["10:00–17:00"] * 3
        assert [it.starts_at.utcoffset() // datetime.timedelta(hours=1) for it in found] == offsets
        assert {it.ends_at - it.starts_at for it in found} == {datetime.timedelta(hours=7)}


def test_moment_in_another_zone_finds_the_opening_in_copenhagen(settings):
    settings.TIME_ZONE, settings.CITY = "Europe/Copenhagen", read_city("copenhagen")
    HoursFactory(language="da")
    DeskShiftFactory(languages=["da"])
    morning = datetime.datetime(2026, 10, 25, 8, 59, tzinfo=datetime.UTC)  # 9:59 on the first day of winter time
    opening = next_opening("da", after=morning)
    assert (opening.day, opening.includes(morning)) == (date(2026, 10, 25), False)
    assert opening.includes(morning + datetime.timedelta(minutes=1)) is True


def test_holidays_are_those_of_copenhagen(settings):
    settings.TIME_ZONE, settings.CITY = "Europe/Copenhagen", read_city("copenhagen")
    HoursFactory(language="da")
    DeskShiftFactory(languages=["da"])
    christmas = [day for day, *_rest in told(date(2026, 12, 23), date(2027, 1, 2))]
    assert christmas == [date(2026, 12, day) for day in (23, 24, 27, 28, 29, 30, 31)] + [date(2027, 1, 2)]


# --- Next opening ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("moment", "day", "is_open"),
    [
        ((9, 59), MONDAY, False),
        ((10, 0), MONDAY, True),
        ((16, 59), MONDAY, True),
        ((17, 0), date(2026, 11, 18), False),
        ((23, 59), date(2026, 11, 18), False),
        ((0, 0), MONDAY, False),
    ],
)
def test_next_opening_at_its_edges(moment, day, is_open):
    HoursFactory(schedule__weekdays=(MON, WED))
    DeskShiftFactory()
    found = next_opening("ne", after=at(*moment))
    assert (found.day, found.includes(at(*moment))) == (day, is_open)


def test_next_opening_leaps_over_holidays_and_gaps():
    HoursFactory(schedule__weekdays=(MON,))
    DeskShiftFactory(schedule__first_day=date(2026, 12, 1))
    assert next_opening("ne", after=at(18)).day == date(2026, 12, 7)


def test_next_opening_looks_five_weeks_ahead():
    HoursFactory(schedule__first_day=date(2026, 12, 21))
    DeskShiftFactory()
    assert next_opening("ne", after=at(9)).day == date(2026, 12, 21)
    assert next_opening("ne", after=at(9, day=date(2026, 11, 15))) is None


def test_next_opening_is_advice_in_the_readers_language():
    HoursFactory(service=DeskService.LAWYER, language="ne")
    HoursFactory(language="vi")
    DeskShiftFactory(languages=["vi"])
    assert next_opening("ne", after=at(9)) is None
    assert next_opening("vi", after=at(9)).day == MONDAY


@pytest.mark.parametrize(
    ("spoken", "reader", "served"),
    [
        ("ja", "ja-simple", True),
        ("ja-simple", "ja", True),
        ("ja-simple", "ja-simple", True),
        ("fil", "tl", True),
        ("zh-hans", "zh-cn", True),
        ("ne", "en", False),
        ("ko", "xx", False),
    ],
)
def test_who_speaks_a_language_serves_its_readers(spoken, reader, served):
    assert serves_language(spoken, reader) is served


@pytest.mark.parametrize("count", [1, 30])
def test_timetable_costs_three_queries_however_much_it_holds(count, django_assert_num_queries):
    for number in range(count):
        HoursFactory(schedule__times=(10, 11), schedule__weekdays=(number % 7,))
        DeskShiftFactory(schedule__weekdays=(number % 7,))
    with django_assert_num_queries(3):
        assert len(openings(MONDAY, date(2026, 11, 22))) == count


def test_empty_desk_costs_one_query(django_assert_num_queries):
    with django_assert_num_queries(1):
        assert openings(MONDAY, MONDAY) == []
