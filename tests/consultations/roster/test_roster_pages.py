"""The coordinator's timetable pages: input is saved or refused with a reason; advisers may only look."""

import re
from datetime import date, time, timedelta

import pytest
from django.urls import reverse
from django.utils import timezone, translation
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from consultations.appointments.actions import GuestContact, book
from consultations.appointments.availability import available_times
from consultations.models import DeskHours, DeskService, DeskShift
from services.audit.models import AuditEntry
from services.registration.models import Registration
from services.schedules.models import ClosedDay, Schedule, ScheduleException
from tests.factories import AppointmentFactory, DeskShiftFactory, HoursFactory, UserFactory
from tests.support.nasty_texts import TEXT, every_nasty_text, sendable

pytestmark = pytest.mark.django_db
TYPED = {
    "service": "advice",
    "language": "ne",
    "weekdays": ["0", "2"],
    "begins": "10:00",
    "ends": "17:00",
    "modes": ["visit", "phone"],
    "first_day": "2026-04-01",
}
DAY = timedelta(days=1)


@pytest.fixture
def manager(client):
    user = UserFactory(roles=["manager"])
    client.force_login(user)
    return user


def words(response) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", response.content.decode()).split())


def value(response, name: str) -> str:
    return re.search(rf"<input[^>]*name=\"{name}\"[^>]*>", response.content.decode())[0]


def this_week(weekday: int) -> date:
    """Return the date of a weekday (Monday is 0) in the desk's current week, which begins on Sunday."""
    today = timezone.localdate()
    return today - timedelta(days=today.isoweekday() % 7) + timedelta(days=(weekday + 1) % 7)


def test_hours_are_added_and_the_trail_is_told(client, manager):
    response = client.post("/en/staff/desk/hours/new/", TYPED | {"weeks": ["1", "-1"], "on_holidays": "on"})
    assert (response.status_code, response.headers["Location"]) == (302, "/en/staff/desk/")
    row = DeskHours.objects.get()
    assert row.schedule.rule == "FREQ=MONTHLY;BYDAY=1MO,1WE,-1MO,-1WE"
    assert (row.service, row.language, row.modes, row.by_appointment) == ("advice", "ne", ["visit", "phone"], False)
    assert (row.schedule.first_day, row.schedule.last_day, row.schedule.on_holidays) == (date(2026, 4, 1), None, True)
    line = AuditEntry.objects.get(action="consultations.save_hours")
    assert (line.actor, line.object_id) == (manager.public_id, row.public_id)


def test_profession_needs_no_language(client, manager):
    typed = TYPED | {"service": "lawyer", "language": "", "by_appointment": "on", "slot_minutes": "45"}
    client.post("/en/staff/desk/hours/new/", typed)
    row = DeskHours.objects.get()
    assert (row.service, row.language, row.by_appointment, row.slot_minutes) == (DeskService.LAWYER, "", True, 45)
    for wrong in (
        {"slot_minutes": "5"},
        {"video_room": "http://video.example/"},
        {"video_room": "javascript:alert(1)"},
    ):
        assert client.post("/en/staff/desk/hours/new/", typed | wrong).status_code == 400


def test_duty_is_added_for_an_adviser(client, manager):
    adviser = UserFactory(roles=["adviser"], name="Maricel")
    typed = TYPED | {"adviser": adviser.public_id, "languages": ["ne", "en"]}
    assert client.post("/en/staff/desk/shifts/new/", typed).status_code == 302
    shift = DeskShift.objects.get()
    assert (shift.adviser, shift.languages, shift.schedule.rule) == (adviser, ["ne", "en"], "FREQ=WEEKLY;BYDAY=MO,WE")


def test_only_advisers_can_be_chosen(client, manager):
    adviser, teacher = UserFactory(roles=["adviser"], name="Maricel"), UserFactory(roles=["teacher"], name="Satoru")
    shown = words(client.get("/en/staff/desk/shifts/new/"))
    assert ("Maricel" in shown, "Satoru" in shown) == (True, False)
    typed = TYPED | {"adviser": teacher.public_id, "languages": ["ne"]}
    assert client.post("/en/staff/desk/shifts/new/", typed).status_code == 400
    assert DeskShift.objects.count() == 0
    adviser.is_active = False
    adviser.save()
    assert "Maricel" not in words(client.get("/en/staff/desk/shifts/new/"))


def test_clash_is_refused_with_a_sentence_and_everything_typed_stays(client, manager):
    HoursFactory(schedule__times=(9, 11))
    response = client.post("/en/staff/desk/hours/new/", TYPED | {"weeks": ["3"], "last_day": "2030-12-31"})
    assert response.status_code == 400
    assert "These hours overlap with other hours for the same language on 20" in words(response)
    page = response.content.decode()
    assert 'value="10:00"' in value(response, "begins")
    assert 'value="2030-12-31"' in value(response, "last_day")
    ticked = {(found[1], found[2]) for found in re.finditer(r"name=\"(\w+)\" value=\"([\w-]+)\"[^>]* checked", page)}
    assert ticked == {("weekdays", "0"), ("weekdays", "2"), ("weeks", "3"), ("modes", "visit"), ("modes", "phone")}
    assert DeskHours.objects.count() == 1


def test_clash_on_the_edit_page_keeps_what_was_typed_too(client, manager):
    row = HoursFactory(schedule__times=(13, 15))
    HoursFactory(schedule__times=(9, 11))
    response = client.post(f"/en/staff/desk/hours/{row.public_id}/", TYPED)
    assert response.status_code == 400
    assert 'value="10:00"' in value(response, "begins")
    assert Schedule.objects.get(pk=row.schedule_id).begins == time(13)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"language": ""}, "Choose the language the advice is given in."),
        ({"ends": "10:00"}, "The end must be after the start."),
        ({"last_day": "2026-03-31"}, "The last day must be on or after the first day."),
        ({"weekdays": []}, "Enter or choose an answer."),
        ({"modes": ["smoke"]}, "Choose an answer from the list. “smoke” is not in the list."),
        ({"weeks": ["5"]}, "Choose an answer from the list. “5” is not in the list."),
        ({"first_day": "2101-01-01"}, "or less."),
        ({"first_day": "0001-01-01"}, "or more."),
        ({"begins": "25:00"}, "Enter a valid time."),
        ({"language": "sv"}, "Choose an answer from the list."),
    ],
)
def test_what_cannot_be_is_said_and_nothing_is_kept(client, manager, wrong, said):
    response = client.post("/en/staff/desk/hours/new/", TYPED | wrong)
    assert response.status_code == 400
    assert said in words(response)
    assert DeskHours.objects.count() == 0


def test_edit_page_shows_the_row_as_it_is(client, manager):
    row = HoursFactory(schedule__weekdays=(6,), schedule__weeks=(1, 3), schedule__times=(13, 17))
    response = client.get(f"/en/staff/desk/hours/{row.public_id}/")
    page = response.content.decode()
    assert "1st and 3rd Sunday of the month, 13:00–17:00" in words(response)
    ticked = {(found[1], found[2]) for found in re.finditer(r"name=\"(\w+)\" value=\"([\w-]+)\"[^>]* checked", page)}
    assert ticked == {("weekdays", "6"), ("weeks", "1"), ("weeks", "3"), ("modes", "visit"), ("modes", "phone")}
    ids = re.findall(r"\sid=\"([^\"]+)\"", page)
    assert len(ids) == len(set(ids))


def test_day_is_closed_moved_and_given_back(client, manager):
    row, day = HoursFactory(), timezone.localdate() + 3 * DAY
    address = f"/en/staff/desk/hours/{row.public_id}/"
    assert client.post(f"{address}day/", {"on-day": day}).status_code == 302
    assert list(ScheduleException.objects.values_list("day", "begins", "ends")) == [(day, None, None)]
    assert f"{day} Closed" in words(client.get(address))
    client.post(f"{address}day/", {"on-day": day, "on-begins": "13:00", "on-ends": "15:00"})
    assert f"{day} 13:00–15:00" in words(client.get(address))
    client.post(f"{address}day/back/", {"day": day})
    assert ScheduleException.objects.count() == 0


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ({"on-day": ""}, "Enter or choose an answer."),
        ({"on-day": "2026-02-30"}, "Enter a real date."),
        ({"on-day": "2027-02-01", "on-begins": "10:00"}, "Enter both times, or leave both empty."),
        ({"on-day": "2027-02-01", "on-begins": "10:00", "on-ends": "09:00"}, "The end must be after the start."),
        ({"on-day": "2025-02-01"}, "This date is before the first day or after the last day."),
    ],
)
def test_exception_that_cannot_be_is_refused_beside_its_field(client, manager, typed, said):
    row = HoursFactory()
    response = client.post(f"/en/staff/desk/hours/{row.public_id}/day/", typed)
    assert response.status_code == 400
    assert said in words(response)
    assert ScheduleException.objects.count() == 0


def test_row_is_ended(client, manager):
    row, today = DeskShiftFactory(), timezone.localdate()
    address = f"/en/staff/desk/shifts/{row.public_id}/end/"
    refused = client.post(address, {"last": today - 5 * DAY})
    assert (refused.status_code, "You cannot change past days." in words(refused)) == (400, True)
    assert client.post(address, {"last": today}).status_code == 302
    assert Schedule.objects.get().last_day == today


@pytest.mark.parametrize("path", ["walls/new/", "walls/x/", "hours/nobody/", "shifts/nobody/"])
def test_unknown_rows_are_not_there(client, manager, path):
    assert client.get(f"/en/staff/desk/{path}").status_code == 404


def test_duty_is_not_reached_as_hours(client, manager):
    assert client.get(f"/en/staff/desk/hours/{DeskShiftFactory().public_id}/").status_code == 404


# --- The week -------------------------------------------------------------------------------------


def test_week_shows_what_is_open_and_what_is_missing(client, manager):
    HoursFactory(schedule__on_holidays=True)
    DeskShiftFactory(schedule__weekdays=(1,), schedule__times=(10, 13), schedule__on_holidays=True)
    response = client.get("/en/staff/desk/")
    rows = re.findall(r"<tr.*?</tr>", response.content.decode(), re.DOTALL)[1:]
    tuesday = " ".join(re.sub(r"<[^>]+>", " ", rows[2]).split())
    assert tuesday == f"{this_week(1)} Tuesday नेपाली 10:00–13:00 नेपाली 13:00–17:00"
    assert "7 time slots have no adviser who speaks the language." in words(response)


def test_adviser_sees_the_week_but_no_way_to_change_it(client):
    client.force_login(UserFactory(roles=["adviser"]))
    HoursFactory()
    response = client.get("/en/staff/desk/")
    assert response.status_code == 200
    assert "/staff/desk/hours/" not in response.content.decode()
    for path in ("hours/new/", f"hours/{DeskHours.objects.get().public_id}/"):
        assert client.get(f"/en/staff/desk/{path}").status_code == 403
        assert client.post(f"/en/staff/desk/{path}", TYPED).status_code == 403


@pytest.mark.parametrize("count", [1, 30])
def test_week_costs_the_same_few_queries_for_one_and_many(client, manager, django_assert_num_queries, count):
    for _number in range(count):
        HoursFactory()
        DeskShiftFactory()
    client.get("/en/staff/desk/")
    # The session, the user, their roles; hours, shifts, exceptions; shifts with their advisers.
    with django_assert_num_queries(7):
        client.get("/en/staff/desk/")


@pytest.mark.parametrize("language", ["ja", "ja-simple", "ar"])
def test_words_for_staff_are_in_the_staffs_language(client, manager, language):
    HoursFactory(schedule__weekdays=(0,), service=DeskService.LAWYER)
    page = client.get(f"/{language}/staff/desk/").content.decode()
    spoken = "ja" if language.startswith("ja") else "en"
    with translation.override(spoken):
        rule = DeskHours.objects.get().schedule.recurrence.describe()
    assert f"<span>{rule}, " in page
    form = client.get(f"/{language}/staff/desk/hours/new/").content.decode()
    assert rule in form


def test_new_hours_are_public_at_once(client, manager, new_client):
    reader, today = new_client(), timezone.localdate()
    DeskShiftFactory(schedule__on_holidays=True)
    assert "10:00" not in words(reader.get("/ne/"))
    typed = TYPED | {"weekdays": [str(it) for it in range(7)], "first_day": today, "on_holidays": "on"}
    client.post("/en/staff/desk/hours/new/", typed)
    assert "10:00" in words(reader.get("/ne/"))


# --- The staff home page --------------------------------------------------------------------------


def figures(response) -> dict[str, int]:
    tiles = re.findall(r"class=\"count\">(\d+)</span><span>([^<]+)</span>", response.content.decode())
    return {title: int(number) for number, title in tiles}


def test_board_of_an_adviser_counts_todays_openings_and_their_own_times(client, november_2026):
    adviser = UserFactory(roles=["adviser"])
    client.force_login(adviser)
    HoursFactory(schedule__on_holidays=True)
    HoursFactory(language="vi", schedule__on_holidays=True)
    DeskShiftFactory(adviser=adviser, languages=["ne", "vi"], schedule__on_holidays=True, schedule__times=(10, 12))
    DeskShiftFactory(adviser=adviser, schedule__on_holidays=True, schedule__times=(13, 15))
    DeskShiftFactory(schedule__on_holidays=True)
    AppointmentFactory(offering__starts_at=timezone.now())
    AppointmentFactory(offering__starts_at=timezone.now() + 2 * DAY)
    board = client.get("/en/staff/")
    assert figures(board) == {
        "Appointments today": 1,
        "Desk opening times today": 4,  # two of them are the lawyers' hours to which the appointments belong
        "My shifts today": 2,
        "Follow-ups due": 0,
        "Pending referrals": 0,
        "Draft consultations": 0,
        "Logged by me today": 0,
        "Consultations from the last two weeks handed over to me": 0,
    }
    assert reverse("desk:index") in board.content.decode()


def test_board_of_a_manager_counts_the_gaps_of_two_weeks(client, manager):
    HoursFactory(schedule__on_holidays=True, schedule__weekdays=(timezone.localdate().weekday(),))
    assert figures(client.get("/en/staff/"))["Time slots without an adviser in the next two weeks"] == 2
    DeskShiftFactory(schedule__on_holidays=True)
    assert figures(client.get("/en/staff/"))["Time slots without an adviser in the next two weeks"] == 0


# --- Any input ------------------------------------------------------------------------------------

FORMS = {
    "new/": ("service", "language", "weekdays", "weeks", "begins", "ends", "modes", "first_day", "last_day"),
    "{row}/": ("service", "language", "weekdays", "weeks", "begins", "ends", "modes", "first_day", "last_day"),
    "{row}/day/": ("on-day", "on-begins", "on-ends"),
    "{row}/day/back/": ("day",),
    "{row}/end/": ("last",),
}
LIKELY = st.one_of(
    TEXT,
    st.sampled_from(["advice", "ne", "0", "6", "1", "-1", "10:00", "17:00", "visit"]),
    st.dates().map(str),
    st.times().map(str),
)


@pytest.mark.parametrize("form", FORMS)
@settings(max_examples=53, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(words=st.lists(LIKELY.map(sendable), min_size=9, max_size=9))
@every_nasty_text(words=9, step=5)
def test_timetable_survives_anything_typed(client, manager, form, words):
    row = DeskHours.objects.first() or HoursFactory()
    typed = dict(zip(FORMS[form], words, strict=False))
    client.raise_request_exception = False

    response = client.post(f"/en/staff/desk/hours/{form.format(row=row.public_id)}", typed)

    assert response.status_code < 500, (form, typed)
    assert client.get("/en/staff/desk/").status_code == 200
    assert client.get("/en/consultations/").status_code == 200


# --- Appointments that a change would cancel --------------------------------------------------------


def test_change_that_cancels_appointments_asks_first_and_says_whose(client, manager):
    hours = HoursFactory(service=DeskService.LAWYER, language="", by_appointment=True, schedule__times=(13, 15))
    it = available_times()[-1]
    sita = book(it, GuestContact("Sita", "ne", email="sita@example.org"), how="visit")
    page = f"/en/staff/desk/hours/{hours.public_id}/"
    for address, typed in (
        (f"{page}day/", {"on-day": f"{it.day:%Y-%m-%d}"}),
        (f"{page}end/", {"last": f"{timezone.localdate():%Y-%m-%d}"}),
    ):
        asked = client.post(address, typed)
        assert asked.status_code == 400
        assert "This change will cancel the appointments below. To go ahead, select the same button again." in words(
            asked
        )
        assert f"{it.starts_at:%Y-%m-%d %H:%M} Sita" in words(asked)
        assert f'name="agreed" value="{sita.public_id}"' in asked.content.decode()
    assert Registration.objects.get().state == "placed"
    assert ScheduleException.objects.count() == 0

    ram = book(available_times()[-2], GuestContact("Ram", "ne", phone="+819012345678"), how="visit")
    last = {"last": f"{timezone.localdate():%Y-%m-%d}", "agreed": [sita.public_id]}
    asked = client.post(f"{page}end/", last)  # one more appointment since the page was shown
    assert "Ram · we cannot send them a message, so please call +819012345678" in words(asked)
    assert client.post(f"{page}end/", last | {"agreed": [sita.public_id, ram.public_id]}).status_code == 302
    assert {row.state for row in Registration.objects.all()} == {"cancelled"}


def test_last_day_is_not_chosen_beforehand(client, manager):
    hours = HoursFactory()
    assert value(client.get(f"/en/staff/desk/hours/{hours.public_id}/"), "last").count('value="') == 0


def test_desk_is_told_to_call_whom_it_cannot_write_to(client, manager):
    HoursFactory(service=DeskService.LAWYER, language="", by_appointment=True, schedule__times=(13, 15))
    row = book(available_times()[-1], GuestContact("Ram", "ne", phone="+819012345678"), how="visit", by=manager)
    page = client.post(f"/en/staff/desk/appointments/{row.public_id}/cancel/", follow=True)
    assert (
        "The appointment has been cancelled. We cannot send messages to this person, so call Ram on +819012345678."
        in words(page)
    )


def test_rule_that_comes_back_asks_too(client, manager):
    hours = HoursFactory(service=DeskService.LAWYER, language="", by_appointment=True, schedule__times=(13, 15))
    day = available_times()[-1].day
    page = f"/en/staff/desk/hours/{hours.public_id}/"
    client.post(f"{page}day/", {"on-day": f"{day:%Y-%m-%d}", "on-begins": "16:00", "on-ends": "17:00"})
    later = next(it for it in available_times() if (it.day, it.starts_at.hour) == (day, 16))
    sita = book(later, GuestContact("Sita", "ne", email="sita@example.org"), how="visit")
    asked = client.post(f"{page}day/back/", {"day": f"{day:%Y-%m-%d}"})
    assert (asked.status_code, "This change will cancel the appointments below." in words(asked)) == (400, True)
    agreed = {"day": f"{day:%Y-%m-%d}", "agreed": [sita.public_id]}
    assert client.post(f"{page}day/back/", agreed).status_code == 302
    assert Registration.objects.get().state == "cancelled"


def test_day_without_hours_cannot_be_closed(client, manager):
    hours = HoursFactory(schedule__times=(10, 12))
    schedule = hours.schedule
    schedule.rule = "FREQ=WEEKLY;BYDAY=MO"
    schedule.save()
    tuesday = timezone.localdate() + timedelta(days=(1 - timezone.localdate().weekday()) % 7 + 7)
    page = client.post(f"/en/staff/desk/hours/{hours.public_id}/day/", {"on-day": f"{tuesday:%Y-%m-%d}"})
    assert "Nothing is scheduled on this date, so there is nothing to close." in words(page)
    assert ScheduleException.objects.count() == 0


# --- The whole desk is closed ----------------------------------------------------------------------


def test_f16_closing_the_whole_desk_shows_whose_appointments_it_cancels_and_asks_first(client, manager):
    for service in (DeskService.LAWYER, DeskService.IMMIGRATION):
        HoursFactory(service=service, language="", by_appointment=True, schedule__times=(13, 15))
    lawyer, immigration = available_times(DeskService.LAWYER)[-1], available_times(DeskService.IMMIGRATION)[-1]
    other_day = available_times(DeskService.LAWYER)[0]
    sita = book(lawyer, GuestContact("Sita", "ne", email="sita@example.org"), how="visit")
    ram = book(immigration, GuestContact("Ram", "ne", phone="+819012345678"), how="visit")
    kept = book(other_day, GuestContact("Minh", "vi", email="minh@example.org"), how="visit")
    page, typed = "/en/staff/desk/closed-days/", {"day": f"{lawyer.day:%Y-%m-%d}"}
    assert client.get(page).status_code == 200

    asked = client.post(page, typed)

    assert asked.status_code == 400
    assert "This change will cancel the appointments below. To go ahead, select the same button again." in words(asked)
    assert f"{lawyer.starts_at:%Y-%m-%d %H:%M} Sita" in words(asked)
    assert "Ram · we cannot send them a message, so please call +819012345678" in words(asked)
    assert "Minh" not in words(asked)
    assert client.post(page, typed | {"agreed": [sita.public_id]}).status_code == 400
    assert (ClosedDay.objects.count(), {row.state for row in Registration.objects.all()}) == (0, {"placed"})
    assert client.post(page, typed | {"agreed": [sita.public_id, ram.public_id]}).status_code == 302
    states = dict(Registration.objects.values_list("public_id", "state"))
    assert states == {sita.public_id: "cancelled", ram.public_id: "cancelled", kept.public_id: "placed"}
    assert lawyer.day not in {it.day for it in available_times()}

    assert f"{lawyer.day} Back to normal hours" in words(client.get(page))
    assert client.post(f"{page}reopen/", typed).status_code == 302
    assert ClosedDay.objects.count() == 0
    assert lawyer.day in {it.day for it in available_times()}


def test_f16_what_cannot_be_closed_or_opened_is_said(client, manager):
    page, yesterday = "/en/staff/desk/closed-days/", timezone.localdate() - DAY
    for typed, said in (
        ({"day": yesterday}, "This date is in the past. Choose today or a later date."),
        ({"day": ""}, "Enter or choose an answer."),
        ({"day": "2026-02-30"}, "Enter a real date."),
    ):
        response = client.post(page, typed)
        assert (response.status_code, said in words(response)) == (400, True)
    for typed in ({"day": yesterday}, {"day": "x"}):
        assert client.post(f"{page}reopen/", typed).status_code == 302
    assert ClosedDay.objects.count() == 0


@pytest.mark.parametrize("count", [1, 30])
def test_f16_closed_days_cost_the_same_few_queries(client, manager, django_assert_num_queries, count):
    ClosedDay.objects.bulk_create(ClosedDay(day=timezone.localdate() + number * DAY) for number in range(count))
    client.get("/en/staff/desk/closed-days/")
    with django_assert_num_queries(4):
        assert words(client.get("/en/staff/desk/closed-days/")).count("Back to normal hours") == count


# --- Every n weeks, until midnight -----------------------------------------------------------------


def test_f15_every_second_week_is_chosen_shown_and_kept(client, manager):
    client.post("/en/staff/desk/hours/new/", TYPED | {"interval": "2"})
    row = DeskHours.objects.get()
    assert row.schedule.rule == "FREQ=WEEKLY;INTERVAL=2;BYDAY=MO,WE"
    page = client.get(f"/en/staff/desk/hours/{row.public_id}/")
    assert "Monday and Wednesday, every 2 weeks" in words(page)
    assert 'value="2"' in value(page, "interval")
    for wrong in ("0", "53", "x"):
        assert client.post("/en/staff/desk/hours/new/", TYPED | {"interval": wrong}).status_code == 400


def test_f14_hours_until_midnight_are_kept(client, manager):
    assert client.post("/en/staff/desk/hours/new/", TYPED | {"begins": "18:00", "ends": "00:00"}).status_code == 302
    row = DeskHours.objects.get()
    assert (row.schedule.begins, row.schedule.ends) == (time(18), time(0))
    day = timezone.localdate() + 3 * DAY
    typed = {"on-day": day, "on-begins": "20:00", "on-ends": "00:00"}
    assert client.post(f"/en/staff/desk/hours/{row.public_id}/day/", typed).status_code == 302
    assert client.get("/en/staff/desk/").status_code == client.get("/en/consultations/").status_code == 200
