"""Actions on the timetable: no clashes, no changes to the past, an audit entry for each, also under concurrency."""

import threading
from datetime import date, time, timedelta

import pytest
from django.db import IntegrityError, connections, transaction
from django.utils import timezone

from consultations.models import ConsultationMode, DeskHours, DeskService, DeskShift
from consultations.roster import actions
from consultations.timetable.openings import openings
from services.audit.models import AuditEntry
from services.base.refusals import Refused
from services.schedules.holidays import is_closed_every_year
from services.schedules.models import ClosedDay, Schedule, ScheduleException
from tests.factories import DeskShiftFactory, HoursFactory, UserFactory

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)


def schedule(times=(10, 17), rule="FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR,SA,SU", **more) -> Schedule:
    begins, ends = (time(hour) for hour in times)
    return Schedule(**{"rule": rule, "first_day": date(2026, 1, 1), "begins": begins, "ends": ends} | more)


def hours(**more) -> DeskHours:
    return DeskHours(**{"language": "ne", "modes": [ConsultationMode.VISIT]} | more)


def told() -> list[tuple]:
    lines = AuditEntry.objects.filter(action__startswith="consultations.")
    return list(lines.values_list("action", "object_type", "object_id"))


def ordinary_day() -> date:
    """Return the first day from tomorrow on which the office is not closed anyway."""
    day = timezone.localdate() + DAY
    while is_closed_every_year(day):
        day += DAY
    return day


def test_hours_are_kept_and_told():
    by = UserFactory()
    row = actions.save_hours(hours(), schedule(), by=by)
    assert DeskHours.objects.get().schedule.begins == time(10)
    assert told() == [("consultations.save_hours", "consultations.deskhours", row.public_id)]
    assert AuditEntry.objects.get(action="consultations.save_hours").actor == by.public_id


def test_overlapping_hours_of_one_language_are_refused():
    actions.save_hours(hours(), schedule((10, 13)), by=None)
    with pytest.raises(
        Refused, match=r"^These hours overlap with other hours for the same language on 20\d\d-\d\d-\d\d\.$"
    ):
        actions.save_hours(hours(), schedule((12, 14)), by=None)
    assert (DeskHours.objects.count(), Schedule.objects.count(), len(told())) == (1, 1, 1)


@pytest.mark.parametrize(
    ("row", "when"),
    [
        (hours(), {"times": (13, 17)}),
        (hours(language="vi"), {}),
        (hours(service=DeskService.LAWYER), {}),
        (hours(), {"last_day": date(2026, 1, 31)}),
    ],
)
def test_hours_that_only_touch_or_are_of_something_else_are_no_clash(row, when):
    actions.save_hours(hours(), schedule((10, 13), first_day=date(2026, 2, 1)), by=None)
    actions.save_hours(row, schedule(**when), by=None)
    assert DeskHours.objects.count() == 2


def test_clash_that_begins_years_later_is_seen():
    later = timezone.localdate() + timedelta(days=900)
    actions.save_hours(hours(), schedule(first_day=later), by=None)
    with pytest.raises(Refused):
        actions.save_hours(hours(), schedule(), by=None)


def test_hours_may_be_saved_again_as_they_are():
    row = actions.save_hours(hours(), schedule(), by=None)
    row.modes = [ConsultationMode.PHONE]
    actions.save_hours(row, row.schedule, by=None)
    assert DeskHours.objects.get().modes == [ConsultationMode.PHONE]


def test_adviser_is_not_at_the_desk_twice_at_once():
    adviser = UserFactory(roles=["adviser"])
    actions.save_shift(DeskShift(adviser=adviser, languages=["ne"]), schedule((10, 13)), by=None)
    with pytest.raises(Refused, match=r"^This adviser already has a shift at that time on"):
        actions.save_shift(DeskShift(adviser=adviser, languages=["vi"]), schedule((12, 14)), by=None)
    actions.save_shift(DeskShift(adviser=UserFactory(roles=["adviser"]), languages=["ne"]), schedule((12, 14)), by=None)
    assert DeskShift.objects.count() == 2


@pytest.mark.parametrize("roles", [[], ["teacher"]])
def test_only_advisers_are_on_duty(roles):
    with pytest.raises(Refused, match=r"^Only advisers can work shifts at the desk\.$"):
        actions.save_shift(DeskShift(adviser=UserFactory(roles=roles), languages=["ne"]), schedule(), by=None)


@pytest.mark.parametrize("make", [HoursFactory, DeskShiftFactory])
def test_day_is_changed_replaced_and_given_back(make):
    row, day = make(), ordinary_day()
    actions.change_day(row, day, by=None)
    actions.change_day(row, day, by=None, begins=time(13), ends=time(15))
    assert list(ScheduleException.objects.values_list("day", "begins", "ends")) == [(day, time(13), time(15))]
    actions.restore_regular_hours(row, day, by=None)
    actions.restore_regular_hours(row, day, by=None)
    assert ScheduleException.objects.count() == 0
    assert [action for action, *_about in told()] == [
        "consultations.change_day",
        "consultations.change_day",
        "consultations.keep_rule",
    ]


def test_changed_day_that_overlaps_is_refused_and_nothing_stays():
    row, day = HoursFactory(schedule__times=(10, 12)), ordinary_day()
    HoursFactory(schedule__times=(13, 17))
    with pytest.raises(Refused, match=day.isoformat()):
        actions.change_day(row, day, by=None, begins=time(11), ends=time(14))
    assert (ScheduleException.objects.count(), told()) == (0, [])


def test_rule_comes_back_only_where_nothing_else_stands_meanwhile():
    row, day = HoursFactory(schedule__times=(10, 12)), ordinary_day()
    other = HoursFactory(schedule__times=(13, 17))
    actions.change_day(row, day, by=None)
    actions.change_day(other, day, by=None, begins=time(9), ends=time(11))
    with pytest.raises(Refused):
        actions.restore_regular_hours(row, day, by=None)
    assert ScheduleException.objects.count() == 2


@pytest.mark.parametrize("day", [date(2025, 12, 31), date(2030, 1, 1)])
def test_day_on_which_the_row_does_not_hold_is_refused(day):
    row = HoursFactory(schedule__last_day=date(2029, 12, 31))
    with pytest.raises(Refused, match=r"^This date is before the first day or after the last day\.$"):
        actions.change_day(row, day, by=None)


def test_end_never_moves_later_and_leaves_no_exception_behind():
    row, last = HoursFactory(), ordinary_day()
    DeskShiftFactory()
    actions.change_day(row, last + 7 * DAY, by=None, begins=time(8), ends=time(9))
    actions.end_after(row, last, by=None)
    actions.end_after(row, last + 30 * DAY, by=None)
    assert Schedule.objects.get(pk=row.schedule_id).last_day == last
    assert openings(last + DAY, last + 30 * DAY) == []


def test_end_before_the_beginning_takes_the_row_away():
    row = HoursFactory(schedule__first_day=timezone.localdate() + 10 * DAY)
    actions.end_after(row, timezone.localdate(), by=None)
    assert (DeskHours.objects.count(), Schedule.objects.count()) == (0, 0)
    assert told() == [("consultations.end", "consultations.deskhours", row.public_id)]


def test_past_is_not_ended():
    row = HoursFactory()
    with pytest.raises(Refused, match=r"^You cannot change past days\."):
        actions.end_after(row, timezone.localdate() - 2 * DAY, by=None)
    assert Schedule.objects.get().last_day is None


@pytest.mark.parametrize("wrong", [{"service": "magic"}, {"language": ""}])
def test_database_refuses_what_cannot_be(wrong):
    with pytest.raises(IntegrityError), transaction.atomic():
        HoursFactory(**wrong)


# --- Nights, and days on which the whole desk is closed --------------------------------------------


def test_f14_shift_that_begins_before_the_night_shift_has_ended_is_refused():
    adviser = UserFactory(roles=["adviser"])
    saturday, sunday = "FREQ=WEEKLY;BYDAY=SA", "FREQ=WEEKLY;BYDAY=SU"
    actions.save_shift(DeskShift(adviser=adviser, languages=["ne"]), schedule((22, 6), saturday), by=None)
    with pytest.raises(Refused, match=r"^This adviser already has a shift at that time on"):
        actions.save_shift(DeskShift(adviser=adviser, languages=["ne"]), schedule((5, 9), sunday), by=None)
    actions.save_shift(DeskShift(adviser=adviser, languages=["ne"]), schedule((6, 9), sunday), by=None)
    assert DeskShift.objects.count() == 2


def test_f14_night_that_reaches_into_changed_hours_of_the_next_day_is_refused():
    night, day = HoursFactory(schedule__times=(22, 6)), ordinary_day()
    other = HoursFactory(schedule__times=(10, 17))
    with pytest.raises(Refused, match=r"^These hours overlap"):
        actions.change_day(other, day, by=None, begins=time(5), ends=time(9))
    with pytest.raises(Refused, match=r"^These hours overlap"):
        actions.change_day(night, day, by=None, begins=time(22), ends=time(11))
    assert ScheduleException.objects.count() == 0


def test_f15_clash_of_two_intervals_that_meet_years_later_is_seen():
    every = "FREQ=MONTHLY;INTERVAL={};BYDAY=1TU".format
    actions.save_hours(hours(), schedule(rule=every(7), first_day=date(2027, 1, 1)), by=None)
    with pytest.raises(Refused, match=r" on 2029-05-01\.$"):
        actions.save_hours(hours(), schedule(rule=every(9), first_day=date(2027, 2, 1)), by=None)


def test_f12_hours_that_end_earlier_leave_no_exception_behind():
    row, last = HoursFactory(), ordinary_day()
    actions.change_day(row, last + 7 * DAY, by=None, begins=time(8), ends=time(9))
    row.schedule.last_day = last
    actions.save_hours(row, row.schedule, by=None)
    assert ScheduleException.objects.count() == 0


def test_f16_whole_desk_is_closed_and_opened_again():
    by, day = UserFactory(), ordinary_day()
    HoursFactory(), DeskShiftFactory()
    assert len(openings(day, day)) == 1
    actions.close_desk(day, by=by)
    actions.close_desk(day, by=by)
    assert openings(day, day) == []
    actions.reopen_desk(day, by=by)
    actions.reopen_desk(day, by=by)
    assert len(openings(day, day)) == 1
    assert [action for action, *_about in told()] == ["consultations.close_desk", "consultations.reopen_desk"]


def test_f16_past_days_are_neither_closed_nor_opened():
    yesterday = timezone.localdate() - DAY
    with pytest.raises(Refused, match=r"^This date is in the past\."):
        actions.close_desk(yesterday, by=None)
    ClosedDay.objects.create(day=yesterday)
    with pytest.raises(Refused, match=r"^This date is in the past\."):
        actions.reopen_desk(yesterday, by=None)
    assert (ClosedDay.objects.count(), told()) == (1, [])


def test_f16_hours_cannot_be_changed_on_a_day_on_which_the_desk_is_closed():
    row, day = HoursFactory(), ordinary_day()
    actions.close_desk(day, by=None)
    with pytest.raises(Refused, match=r"^The whole desk is closed on this date\. Open it again first\.$"):
        actions.change_day(row, day, by=None, begins=time(9), ends=time(10))
    with pytest.raises(Refused, match=r"^Nothing is scheduled on this date"):
        actions.change_day(row, day, by=None)
    assert ScheduleException.objects.count() == 0


def test_f16_desk_is_not_opened_again_where_hours_would_overlap():
    day = ordinary_day()
    row = HoursFactory(schedule__times=(10, 12))
    actions.close_desk(day, by=None)
    only_that_day = schedule((11, 13), first_day=day, last_day=day)
    actions.save_hours(hours(), only_that_day, by=None)
    with pytest.raises(Refused, match=r"^These hours overlap"):
        actions.reopen_desk(day, by=None)
    assert (ClosedDay.objects.count(), openings(day, day)) == (1, [])
    assert row.schedule_id != only_that_day.pk


# --- Concurrency ----------------------------------------------------------------------------------


def at_once(count: int, deed) -> list[str]:
    """Run `deed` in `count` threads at once; return how each ended."""
    together, ends = threading.Barrier(count), []

    def act(number):
        together.wait()
        try:
            deed(number)
            ends.append("kept")
        except Refused:
            ends.append("refused")
        finally:
            connections.close_all()

    threads = [threading.Thread(target=act, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sorted(ends)


@pytest.mark.django_db(transaction=True)
def test_clash_of_hours_that_many_add_at_once_is_kept_once():
    ends = at_once(8, lambda number: actions.save_hours(hours(), schedule((10, 11 + number)), by=None))
    assert ends == ["kept"] + ["refused"] * 7
    assert DeskHours.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_clash_of_duties_that_many_add_at_once_is_kept_once():
    adviser = UserFactory(roles=["adviser"])
    shift = {"adviser": adviser, "languages": ["ne"]}
    ends = at_once(8, lambda number: actions.save_shift(DeskShift(**shift), schedule((10, 11 + number)), by=None))
    assert ends == ["kept"] + ["refused"] * 7
    assert DeskShift.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_clash_of_changed_days_that_many_make_at_once_is_kept_once():
    day = ordinary_day()
    rows = [HoursFactory(schedule__times=(8 + number, 9 + number)) for number in range(6)]
    ends = at_once(6, lambda number: actions.change_day(rows[number], day, by=None, begins=time(20), ends=time(21)))
    assert ends == ["kept"] + ["refused"] * 5
    assert ScheduleException.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_clash_is_kept_twice_without_the_lock():
    """Negative control, step by step: two people who check before either has saved see no clash."""
    both_have_looked = threading.Barrier(2)

    def save_carelessly(number):
        row, its_schedule = hours(), schedule((10, 11 + number))
        for other in actions._competing_schedules(row):
            actions._refuse_overlap(row, its_schedule, other, date(2026, 1, 1), date(2027, 1, 1))
        both_have_looked.wait()
        its_schedule.save()
        row.schedule = its_schedule
        row.save()

    assert at_once(2, save_carelessly) == ["kept", "kept"]
    assert DeskHours.objects.count() == 2
