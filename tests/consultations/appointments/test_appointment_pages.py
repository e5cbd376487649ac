"""Pages for appointments: without an account in the reader's language, by link, at the desk and on "my page"."""

import re
from datetime import datetime, time, timedelta
from urllib.parse import quote
from zoneinfo import ZoneInfo

import icalendar
import pytest
from django.core import mail
from django.utils import timezone, translation
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from consultations.appointments.actions import GuestContact, book, change_time
from consultations.appointments.availability import available_times
from consultations.appointments.presentation import format_mode
from consultations.models import DeskHours, DeskService
from consultations.roster import actions
from services.accounts.actions import create_resident, revoke_role
from services.accounts.models import Resident
from services.accounts.personal_data_registry import erase_personal_data, export_personal_data
from services.audit.models import AuditEntry
from services.languages.furigana import to_parentheses
from services.languages.registry import SPOKEN
from services.messaging.delivery import deliver_due
from services.messaging.models import Message, Reminder
from services.messaging.reminders import send_due
from services.messaging.rendering import render_message
from services.registration import actions as registration
from services.registration import tasks  # noqa: F401  the import registers the reminders
from services.registration.links import MANAGE, VIEW, registration_for_token, token_for
from services.registration.models import Registration
from tests.factories import (
    AppointmentFactory,
    DeskShiftFactory,
    HoursFactory,
    RegistrationFactory,
    ResidentFactory,
    UserFactory,
)
from tests.factories.notices import MessageFactory
from tests.support.nasty_texts import TEXT, every_nasty_text, sendable

pytestmark = pytest.mark.django_db
TYPED = {"name": "Sita", "language": "ne", "address": "Sita@example.org", "how": "visit", "idempotency_key": "key"}
KINDS = ("booked", "waiting", "offered", "expired", "changed", "cancelled", "cancelled_by_centre", "reminder")


@pytest.fixture
def hours():
    """A lawyer every day from 13:00 to 15:00, in person or by telephone."""
    return HoursFactory(service=DeskService.LAWYER, language="", by_appointment=True, schedule__times=(13, 15))


def first():
    """Return a time a few days ahead, so that a reminder can be due on the day before."""
    return next(it for it in available_times() if it.day > timezone.localdate() + timedelta(days=2))


def address(it, language="en") -> str:
    return f"/{language}/consultations/appointments/time/{it.hours}/{it.at}/"


def words(response) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", response.content.decode()).split())


def link(row, purpose=MANAGE) -> str:
    return token_for(row, purpose)


def newest_mail():
    deliver_due(worker="test")
    return mail.outbox[-1]


# --- Without an account ----------------------------------------------------------------------------


def test_journey_from_the_desk_to_the_message_with_the_link(client, hours):
    it = first()
    assert "/en/consultations/appointments/" in client.get("/en/consultations/").content.decode()
    assert "/en/consultations/appointments/lawyer/" in client.get("/en/consultations/appointments/").content.decode()
    page = client.get("/en/consultations/appointments/lawyer/")
    assert address(it) in page.content.decode()
    assert "Each appointment is 30 minutes long." in words(page)

    assert client.get(address(it)).status_code == 200
    summary = client.post(address(it), TYPED | {"interpreting": "ne"})
    assert (summary.status_code, Registration.objects.count()) == (200, 0)
    for said in (
        "Is this right?",
        "In person. Come to the consultation desk.",
        "We will arrange an interpreter: Nepali",
        "Sita",
        "sita@example.org",
    ):
        assert said in words(summary)

    done = client.post(address(it), TYPED | {"interpreting": "ne", "sure": "book"})
    row = Registration.objects.get()
    assert (done.status_code, row.state, row.resident.email) == (302, "placed", "sita@example.org")
    shown = client.get(done["Location"])
    assert "Your appointment is booked" in words(shown)
    assert shown["X-Robots-Tag"] == "noindex"
    tokens = re.findall(rf"{row.public_id}~[\w~-]+", shown.content.decode())
    assert tokens
    assert [registration_for_token(token, MANAGE) for token in tokens] == [None] * len(tokens)

    message = newest_mail()
    assert message.to == ["sita@example.org"]
    assert "/ne/registrations/" in message.body
    assert Message.objects.get().language == "ne"


@pytest.mark.parametrize(("language", "chosen"), [("ne", "ne"), ("en", "en"), ("ja", None), ("ja-simple", None)])
def test_interpreter_is_offered_into_the_readers_language(client, hours, language, chosen):
    form = client.get(address(first(), language)).context["form"]
    assert form["interpreting"].initial == chosen


def test_form_sent_twice_leads_to_the_same_page(client, hours):
    ends = {client.post(address(first()), TYPED | {"sure": "book"})["Location"].partition("~")[0] for _time in range(2)}
    assert (len(ends), Registration.objects.count(), Message.objects.count()) == (1, 1, 1)


def test_answers_can_be_changed_before_the_button(client, hours):
    page = client.post(address(first()), TYPED | {"again": "1"})
    assert page.status_code == 200
    assert 'value="Sita"' in page.content.decode()
    assert Registration.objects.count() == 0


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"name": ""}, "name"),
        ({"address": "me@here"}, "address"),
        ({"how": "video"}, "how"),
        ({"language": "xx"}, "language"),
    ],
)
def test_wrong_answer_is_refused_and_kept(client, hours, wrong, field):
    page = client.post(address(first()), TYPED | {"sure": "book"} | wrong)
    assert page.status_code == 400
    assert field in page.context["form"].errors
    assert Registration.objects.count() == 0


def test_time_that_was_taken_meanwhile_is_told_and_can_be_waited_for(client, hours):
    it = first()
    book(it, ResidentFactory(), how="visit")
    page = client.post(address(it), TYPED | {"sure": "book"})
    assert page.status_code == 400
    assert "Someone else has just booked this time." in words(page)
    assert "Join the waiting list for this time" in words(page)
    assert "Taken: join the waiting list" in words(client.get("/en/consultations/appointments/lawyer/"))
    done = client.post(address(it), TYPED | {"sure": "wait"})
    assert "You are number 1 on the waiting list." in words(client.get(done["Location"]))


def test_time_that_nobody_more_can_wait_for_is_said_to_be_taken(client, hours):
    it = first()
    for _number in range(6):
        book(it, ResidentFactory(), how="visit", accept_waiting_list=True)
    assert "This time has already been booked. Choose another one." in words(client.get(address(it)))
    assert address(it) not in client.get("/en/consultations/appointments/lawyer/").content.decode()


def test_time_at_which_two_are_there_stands_once_and_leads_to_who_is_free(client, hours):
    other = HoursFactory(service=DeskService.LAWYER, language="", by_appointment=True, schedule__times=(13, 14))
    it = first()
    both = [time for time in available_times() if time.starts_at == it.starts_at]
    assert {time.hours for time in both} == {hours.public_id, other.public_id}
    book(both[0], ResidentFactory(), how="visit")
    page = client.get("/en/consultations/appointments/lawyer/").content.decode()
    assert (address(both[0]) in page, address(both[1]) in page) == (False, True)


@pytest.mark.parametrize("path", ["time/{hours}/x/", "time/nobody/20301224T1300/", "time/nobody/x/", "magic/"])
def test_time_or_subject_that_there_is_not_is_404(client, hours, path):
    assert client.get(f"/en/consultations/appointments/{path.format(hours=hours.public_id)}").status_code == 404


def test_time_that_is_over_leads_to_those_that_are_there(client, hours):
    path = f"/en/consultations/appointments/time/{hours.public_id}/20200106T1300/"
    for ask in (client.get, client.post):
        answer = ask(path, TYPED | {"sure": "book"})
        page = client.get(answer["Location"])
        assert answer["Location"] == "/en/consultations/appointments/"
        assert "This time is no longer available. Choose another one." in words(page)
    row = book(first(), ResidentFactory(), how="visit")
    answer = client.get(f"/en/consultations/appointments/another/{link(row)}/{hours.public_id}/20200106T1300/")
    assert "This time is no longer available." in words(client.get(answer["Location"]))


def test_one_person_waits_once_for_a_time(client, hours):
    it = first()
    book(it, ResidentFactory(), how="visit")
    ends = [
        client.post(address(it), TYPED | {"sure": "wait", "idempotency_key": key, "address": typed}).status_code
        for key, typed in (("one", "sita@example.org"), ("two", "SITA@example.org"))
    ]
    assert ends == [302, 400]
    other = client.post(address(it), TYPED | {"sure": "wait", "idempotency_key": "three", "name": "Their sister"})
    assert "You are number 2 on the waiting list." in words(client.get(other["Location"]))


def test_desk_without_appointments_says_so(client):
    assert "There are no appointments to book at the moment" in words(client.get("/en/consultations/appointments/"))
    assert "There are no appointments available in the next eight weeks" in words(
        client.get("/en/consultations/appointments/lawyer/")
    )


def test_advice_by_appointment_is_chosen_by_its_language(client):
    HoursFactory(by_appointment=True)
    DeskShiftFactory()
    page = client.get("/en/consultations/appointments/")
    assert "Advice on daily life: Nepali" in words(page)
    assert "/en/consultations/appointments/advice/?language=ne" in page.content.decode()
    assert "Advice on daily life: Nepali" in words(client.get("/en/consultations/appointments/advice/?language=ne"))
    assert "There are no appointments available in the next eight weeks" in words(
        client.get("/en/consultations/appointments/advice/?language=vi")
    )
    assert client.get("/en/consultations/appointments/advice/")["Location"] == "/en/consultations/appointments/"
    assert "/appointments/advice/?language=ne" in client.get(address(first())).content.decode()
    assert "Do you need an interpreter?" not in words(client.get(address(first())))


def test_telephone_is_one_way_only_where_the_city_sends_text_messages(client, hours, settings):
    assert 'name="channel"' not in client.get(address(first())).content.decode()
    settings.SMS_URL = "https://:key@sms.example/messages"
    typed = TYPED | {"channel": "sms", "address": "090-1234-5678", "sure": "book"}
    assert client.post(address(first()), typed).status_code == 302
    resident = Resident.objects.get()
    assert (resident.email, bool(resident.phone)) == ("", True)


def test_too_many_bookings_from_one_place_are_stopped(client, hours, settings):
    settings.ACCOUNT_RATE_LIMITS = settings.ACCOUNT_RATE_LIMITS | {"book": "2/m/ip"}
    answers = [client.post(address(first()), TYPED | {"name": ""}).status_code for _time in range(3)]
    assert answers == [400, 400, 429]
    assert client.get(address(first())).status_code == 200


@pytest.mark.parametrize("many", [1, 30])
def test_list_of_times_costs_the_same_for_one_as_for_thirty(client, hours, many, django_assert_num_queries):
    for it in available_times()[:many]:
        book(it, ResidentFactory(), how="visit")
    client.get("/en/consultations/appointments/lawyer/")
    with django_assert_num_queries(5):  # four for the times, one for the content version
        client.get("/en/consultations/appointments/lawyer/")


def test_page_of_times_is_kept_by_nobody(client, hours, new_client):
    it = first()
    before = client.get(address(it))
    assert "no-store" in before["Cache-Control"]
    keys = {
        re.search(r'name="idempotency_key" value="([^"]+)"', new_client().get(address(it)).content.decode())[1]
        for _ in "ab"
    }
    assert len(keys) == 2


# --- By the link -----------------------------------------------------------------------------------


def test_link_shows_and_buttons_act(client, hours):
    row, waits = (book(first(), ResidentFactory(), how="visit", accept_waiting_list=True) for _number in range(2))
    page = client.get(f"/en/registrations/{link(row)}/")
    assert "You have a place" in words(page)
    assert page["X-Robots-Tag"] == "noindex"
    assert "You are number 1 on the waiting list." in words(client.get(f"/en/registrations/{link(waits)}/"))
    assert client.get(f"/en/registrations/{link(row)}/cancel/").status_code == 405

    answer = client.post(f"/en/registrations/{link(row)}/cancel/")
    page = words(client.get(answer["Location"]))
    assert "Your booking has been cancelled. We have sent you a message." in page
    assert "Cancelled" in page
    to_change = client.get(f"/en/consultations/appointments/another/{link(row)}/")
    assert to_change["Location"].startswith("/en/registrations/")
    assert "We will hold this place for you until" in words(client.get(f"/en/registrations/{link(waits)}/"))
    answer = client.post(f"/en/registrations/{link(waits)}/accept/")
    assert "You have a place" in words(client.get(answer["Location"]))
    answer = client.post(f"/en/registrations/{link(waits)}/decline/")
    assert "This place is no longer reserved for you." in words(client.get(answer["Location"]))


def test_offered_place_is_given_back_by_the_link(client, hours):
    row, waits = (book(first(), ResidentFactory(), how="visit", accept_waiting_list=True) for _number in range(2))
    registration.cancel(row)
    client.post(f"/en/registrations/{link(waits)}/decline/")
    assert "Thank you. Someone else can now have the place." in words(client.get(f"/en/registrations/{link(waits)}/"))


def test_party_is_changed_by_the_link(client):
    row = AppointmentFactory(offering__capacity=5)
    path = f"/en/registrations/{link(row)}/party/"
    assert client.post(path, {"party_size": "4"}).status_code == 302
    assert Registration.objects.get().party_size == 4
    for wrong, sentence in {
        "0": "Enter 1 or more.",
        "6": "There is only room for 5 people.",
        "x": "whole",
    }.items():
        page = client.post(path, {"party_size": wrong})
        assert (page.status_code, sentence in words(page)) == (400, True)


def test_time_is_changed_by_the_link(client, hours):
    row, new = book(first(), ResidentFactory(), how="visit"), available_times()[-1]
    token = link(row)
    path = f"/en/consultations/appointments/another/{token}/"
    assert "Each appointment is 30 minutes long." in words(client.get(path))
    new_path = f"{path}{new.hours}/{new.at}/"
    assert "Is this right?" in words(client.get(new_path))
    assert client.post(new_path)["Location"] == f"/en/registrations/{token}/"
    row.refresh_from_db()
    assert row.offering.starts_at == new.starts_at
    other = book(first(), ResidentFactory(), how="visit")
    page = client.post(f"/en/consultations/appointments/another/{link(other)}/{new.hours}/{new.at}/")
    assert (page.status_code, "This time has already been booked." in words(page)) == (400, True)


@pytest.mark.parametrize("spoil", [lambda token: token[:-1] + "x", lambda token: "x", lambda token: f"x{token}"])
def test_link_that_is_not_ours_opens_nothing(client, spoil):
    token = spoil(link(AppointmentFactory()))
    for path in (
        "registrations/{}/",
        "consultations/appointments/another/{}/",
        "consultations/appointments/booked/{}/",
    ):
        assert client.get(f"/en/{path.format(token)}").status_code == 410
    assert client.get(f"/en/registrations/{token}/calendar.ics").status_code == 404
    for verb in ("cancel", "party"):
        assert client.post(f"/en/registrations/{token}/{verb}/").status_code == 410
    assert client.post(f"/en/consultations/appointments/another/{token}/x/y/").status_code == 410


def test_link_opens_only_what_it_is_for(client):
    row = AppointmentFactory()
    assert client.get(f"/en/registrations/{link(row, VIEW)}/").status_code == 410
    assert client.post(f"/en/registrations/{link(row, VIEW)}/cancel/").status_code == 410
    assert client.get(f"/en/consultations/appointments/booked/{link(row)}/").status_code == 410
    assert client.post(f"/en/registrations/{link(row)}/magic/").status_code == 404
    Registration.objects.update(link_version=1)
    assert client.get(f"/en/registrations/{link(row)}/").status_code == 410


def test_calendar_file_keeps_its_uid_counts_changes_and_strikes_out(client, hours):
    row = book(first(), ResidentFactory(), how="visit")

    def event():
        file = client.get(f"/en/registrations/{link(row, VIEW)}/calendar.ics")
        [found] = icalendar.Calendar.from_ical(file.content).walk("VEVENT")
        return str(found["UID"]), int(found["SEQUENCE"]), str(found["STATUS"]), found.decoded("DTSTART")

    before = event()
    client.post(
        f"/en/consultations/appointments/another/{link(row)}/{available_times()[-1].hours}/{available_times()[-1].at}/"
    )
    moved = event()
    registration.cancel(Registration.objects.get(pk=row.pk))
    ended = event()
    assert [it[0] for it in (before, moved, ended)] == [f"{row.public_id}@localhost:8000"] * 3
    assert [it[1] for it in (before, moved, ended)] == [0, 1, 2]
    assert [it[2] for it in (before, moved, ended)] == ["CONFIRMED", "CONFIRMED", "CANCELLED"]
    assert before[3] < moved[3] == ended[3]


@pytest.mark.parametrize(
    ("state", "status"),
    [
        ("applied", 404),
        ("waiting", 404),
        ("offered", 404),
        ("placed", 200),
        ("cancelled", 200),
        ("declined", 200),
        ("expired", 200),
        ("not_drawn", 200),
    ],
)
def test_f8_calendar_file_is_only_for_who_has_a_place_or_had_asked_for_one(client, state, status):
    row = AppointmentFactory()
    ended = timezone.now() if status == 200 and state != "placed" else None
    until = timezone.now() + timedelta(days=1) if state == "offered" else None
    Registration.objects.filter(pk=row.pk).update(state=state, ended_at=ended, offered_until=until)
    response = client.get(f"/en/registrations/{link(row, VIEW)}/calendar.ics")
    assert response.status_code == status
    if status == 200:
        [event] = icalendar.Calendar.from_ical(response.content).walk("VEVENT")
        assert event["STATUS"] == ("CONFIRMED" if state == "placed" else "CANCELLED")


# --- Messages --------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
def test_letter_is_written_in_every_language_and_its_subject_is_neutral(hours, kind):
    row = book(first(), ResidentFactory(), how="phone", interpreting="ne")
    states = {"waiting": "waiting", "offered": "offered", "expired": "expired"}
    Registration.objects.update(
        state=states.get(kind, "cancelled" if kind.startswith("cancelled") else "placed"),
        offered_until=timezone.now() if kind == "offered" else None,
        ended_at=timezone.now() if kind == "expired" or kind.startswith("cancelled") else None,
    )
    for code in SPOKEN:
        letter = render_message(f"consultations/appointment_{kind}", code, about=Registration.objects.get())
        with translation.override(code):
            lawyer, how = str(DeskService.LAWYER.label), format_mode("phone", code)
        # People who are waiting or have cancelled must not be told how the appointment takes place.
        is_kept = kind not in {"waiting", "expired", "cancelled", "cancelled_by_centre"}
        assert (to_parentheses(how) in letter.text) == is_kept
        assert not letter.is_fallback
        assert lawyer not in letter.subject + letter.short
        path = "/appointments/lawyer/" if kind in {"expired", "cancelled", "cancelled_by_centre"} else "/registrations/"
        assert f"http://localhost:8000/{code}" in letter.text.replace("\n", " ")
        assert path in letter.text
        assert path in letter.short
        assert bool(letter.calendar) == (kind not in {"waiting", "offered"})
        assert f"METHOD:{letter.calendar_method}".encode() in letter.calendar or not letter.calendar
    assert row.resident.name not in letter.text


def test_room_for_video_is_told_to_whom_a_time_is_kept_by_video_alone(client, hours):
    room = "https://video.example/desk"
    DeskHours.objects.update(modes=["visit", "video"], video_room=room)
    row = book(first(), ResidentFactory(), how="video")
    waits = book(first(), ResidentFactory(), how="video", accept_waiting_list=True)
    visits = book(available_times()[-1], ResidentFactory(), how="visit")
    for code in SPOKEN:
        letter = render_message("consultations/appointment_booked", code, about=row)
        assert room in letter.text
        assert f'href="{room}"' in letter.html
        assert f":{room}\r\n".encode() in letter.calendar
    assert f'<a href="{room}"' in client.get(f"/en/registrations/{link(row)}/").content.decode()
    for other in (waits, visits):
        assert room not in client.get(f"/en/registrations/{link(other)}/").content.decode()
    assert room not in client.get("/en/consultations/").content.decode()


def test_telephone_number_keeps_its_order_in_arabic(client, hours):
    row = book(first(), ResidentFactory(language="ar"), how="phone")
    page = client.get(f"/ar/registrations/{link(row)}/").content.decode()
    assert "\u206600-0000-0000\u2069" in page


def test_two_changes_in_one_delivery_are_two_different_letters(hours):
    row = book(first(), ResidentFactory(language="en"), how="visit")
    for it in (available_times()[-1], available_times()[-2]):
        change_time(Registration.objects.get(pk=row.pk), it)
    deliver_due(worker="test")
    changed = [message.body for message in mail.outbox if "The time of your appointment has changed" in message.body]
    assert len(changed) == 2


def test_reminder_comes_the_day_before(hours, monkeypatch):
    book(first(), ResidentFactory(), how="visit")
    day_before = Reminder.objects.get().due_at
    monkeypatch.setattr(timezone, "now", lambda: day_before)
    assert send_due() == 1
    assert list(Message.objects.values_list("kind", flat=True).order_by("pk")) == [
        "consultations/appointment_booked",
        "consultations/appointment_reminder",
    ]


# --- Signed in -------------------------------------------------------------------------------------


@pytest.fixture
def sita(client):
    user = UserFactory(language="en")
    create_resident(user, name="Sita", language="en")
    client.force_login(user)
    return user


def test_signed_in_is_asked_only_how_and_sees_it_on_my_page(client, hours, sita):
    page = client.get(address(first()))
    assert 'name="address"' not in page.content.decode()
    typed = {"how": "phone", "idempotency_key": "key"}
    assert "Sita" in words(client.post(address(first()), typed))
    client.post(address(first()), typed | {"sure": "book"})
    row = Registration.objects.get()
    assert (row.resident.user, AuditEntry.objects.get(action="registration.register").actor) == (sita, sita.public_id)
    mine = client.get("/en/me/")
    assert "Appointment: Lawyer" in words(mine)
    path = re.search(r"/en/registrations/[^\"]+", mine.content.decode())[0]
    client.post(f"{path}cancel/")
    assert "You do not have any appointments at the moment." in words(client.get("/en/me/"))


def test_my_page_shows_nobody_elses(client, hours, sita):
    AppointmentFactory()
    assert "You do not have any appointments at the moment." in words(client.get("/en/me/"))


def test_own_data_hold_appointments_and_forgetting_gives_the_time_back(hours, sita):
    row, waits = (
        book(first(), sita.resident, how="visit", by=sita),
        book(first(), ResidentFactory(), how="visit", accept_waiting_list=True),
    )
    with translation.override("en"):
        [told] = export_personal_data(sita)["Your bookings and registrations"]
    assert (told["Booking"], told["Status"]) == ("Appointment: Lawyer", "You have a place")
    erase_personal_data(sita)
    row.refresh_from_db()
    waits.refresh_from_db()
    assert (row.state, row.resident, row.needs) == ("cancelled", None, {})
    assert waits.state == "offered"


# --- At the desk -----------------------------------------------------------------------------------


@pytest.fixture
def adviser(client):
    user = UserFactory(roles=["adviser"])
    client.force_login(user)
    return user


def test_desk_sees_who_comes_and_each_look_leaves_a_line(client, hours, adviser):
    book(first(), GuestContact("Sita", "ne", email="sita@example.org"), how="phone", interpreting="ne")
    page = words(client.get("/en/staff/desk/appointments/"))
    for said in ("Sita", "नेपाली", "Lawyer", "By phone", f"{first().day:%Y-%m-%d}", "13:00–13:30"):
        assert said in page
    assert "sita@example.org" not in page
    line = AuditEntry.objects.get(action="consultations.list_appointments")
    assert (line.actor, line.fields) == (adviser.public_id, ["name"])


@pytest.mark.parametrize("many", [1, 30])
def test_desks_list_costs_the_same_for_one_as_for_thirty(client, hours, adviser, many, django_assert_num_queries):
    for it in available_times()[:many]:
        row = book(it, ResidentFactory(phone="09012345678"), how="visit")
        about = {"about_type": row._meta.label_lower, "about_id": row.pk, "resident": row.resident}
        MessageFactory(kind="consultations/appointment_cancelled_by_centre", state="failed", **about)
    assert words(client.get("/en/staff/desk/appointments/")).count("· 09012345678") == many
    with django_assert_num_queries(13):
        client.get("/en/staff/desk/appointments/")


def test_desk_sees_an_appointment_for_which_nobody_is_on_duty_any_more(client, adviser):
    HoursFactory(by_appointment=True)
    shift = DeskShiftFactory()
    book(first(), ResidentFactory(), how="visit")
    assert "No adviser on duty" not in words(client.get("/en/staff/desk/appointments/"))
    revoke_role(shift.adviser, "adviser", by=None)
    assert "No adviser on duty" in words(client.get("/en/staff/desk/appointments/"))


def test_desk_books_for_somebody(client, hours, adviser):
    it = first()
    typed = {"time": f"{it.hours}/{it.at}", "name": "Hung", "language": "vi", "phone": "090-1234-5678", "how": "visit"}
    assert client.post("/en/staff/desk/appointments/new/", typed)["Location"] == "/en/staff/desk/appointments/"
    page = words(client.get("/en/staff/desk/appointments/"))
    assert "The appointment has been booked." in page
    assert "Tell them by phone:" in page
    assert Message.objects.count() == 0
    row = Registration.objects.get()
    assert (row.state, row.resident.name, AuditEntry.objects.get(action="registration.register").actor) == (
        "placed",
        "Hung",
        adviser.public_id,
    )


@pytest.mark.parametrize(
    "typed_phone",
    ["\u202a+81 90-1234-5678\u202c", "\u2068090-1234-5678\u2069", "+81 (0)90 1234 5678", "０９０－１２３４－５６７８"],
)
def test_c4_c8_desk_books_with_a_number_as_it_was_pasted(client, hours, adviser, typed_phone):
    it = first()
    typed = {"time": f"{it.hours}/{it.at}", "name": "Hung", "language": "vi", "phone": typed_phone, "how": "visit"}
    client.post("/en/staff/desk/appointments/new/", typed)
    assert Registration.objects.get().resident.phone == "09012345678"


def test_c7_c6_desk_books_with_a_carriers_irregular_address(client, hours, adviser):
    it = first()
    typed = {
        "time": f"{it.hours}/{it.at}",
        "name": "Hung",
        "language": "vi",
        "email": "a..b＠docomo.ne.jp",
        "how": "visit",
    }
    client.post("/en/staff/desk/appointments/new/", typed)
    assert Registration.objects.get().resident.email == "a..b@docomo.ne.jp"


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"time": "x/y"}, "time"),
        ({"phone": ""}, "email"),
        ({"phone": "me"}, "phone"),
        ({"email": "me@here"}, "email"),
        ({"how": "video"}, "how"),
        ({"language": ""}, "language"),
    ],
)
def test_desk_is_told_what_is_wrong(client, hours, adviser, wrong, field):
    it = first()
    typed = {"time": f"{it.hours}/{it.at}", "name": "Hung", "language": "vi", "phone": "090-1234-5678", "how": "visit"}
    page = client.post("/en/staff/desk/appointments/new/", typed | wrong)
    assert page.status_code == 400
    assert list(page.context["form"].errors) == [field]


@pytest.mark.parametrize(("whose", "kind"), [("person", "cancelled"), ("centre", "cancelled_by_centre")])
def test_desk_cancels_and_the_person_is_told(client, hours, adviser, whose, kind):
    row = book(first(), ResidentFactory(), how="visit")
    client.post(f"/en/staff/desk/appointments/{row.public_id}/cancel/", {"for": whose})
    row.refresh_from_db()
    assert row.state == "cancelled"
    assert Message.objects.latest("pk").kind == f"consultations/appointment_{kind}"
    assert client.post(f"/en/staff/desk/appointments/{row.public_id}/cancel/").status_code == 404


def test_what_somebody_without_an_address_must_hear_is_on_the_list_of_failed_messages(client, hours, adviser):
    row = book(first(), GuestContact("Hung", "vi", phone="09012345678"), how="visit", by=adviser)
    client.post(f"/en/staff/desk/appointments/{row.public_id}/cancel/")
    deliver_due(worker="test")
    assert list(Message.objects.needing_attention().values_list("kind", flat=True)) == [
        "consultations/appointment_cancelled_by_centre"
    ]


def test_whoever_cannot_be_written_to_stays_on_the_list_of_calls_until_called(client, hours, adviser):
    times = available_times()
    rows = [
        book(times[number], GuestContact(name, "vi", phone=f"0901234567{number}"), how="visit", by=adviser)
        for number, name in enumerate(("Hung", "Lan"))
    ]
    assert "People to call" not in words(client.get("/en/staff/desk/appointments/"))
    for row in rows:
        client.post(f"/en/staff/desk/appointments/{row.public_id}/cancel/")
    deliver_due(worker="test")
    page = client.get("/en/staff/desk/appointments/")
    for text in ("Hung · 09012345670 · Tiếng Việt", "Lan · 09012345671", "We have cancelled their appointment"):
        assert text in words(page)

    client.post(re.search(r'action="(/en/staff/desk/appointments/calls/[^"]+)"', page.content.decode())[1])

    page = words(client.get("/en/staff/desk/appointments/"))
    assert ("Hung · 0901" in page, "Lan · 0901" in page) == (False, True)
    assert AuditEntry.objects.filter(action="messaging.mark_delivered", actor=adviser.public_id).count() == 1


def test_call_is_recorded_of_the_desks_own_messages_only(client, adviser):
    other = MessageFactory(state="failed", resident=ResidentFactory(phone="09012345678"))
    assert client.post(f"/en/staff/desk/appointments/calls/{other.public_id}/").status_code == 404


def test_desk_notes_who_came(client, adviser):
    coming, row = AppointmentFactory(), AppointmentFactory(offering__starts_at=timezone.now() - timedelta(hours=1))
    page = words(client.get("/en/staff/desk/appointments/?past=1"))
    assert "Did not attend" in page
    for typed, kept in (("yes", 1), ("no", 0), ("", None), ("x", None)):
        client.post(f"/en/staff/desk/appointments/{row.public_id}/came/", {"attended": typed})
        row.refresh_from_db()
        assert row.attendees == kept
    answer = client.post(f"/en/staff/desk/appointments/{coming.public_id}/came/", {"attended": "yes"})
    assert "You can only record attendance after the start time." in words(client.get(answer["Location"]))


def test_desk_finds_nobody_of_another_programme(client, adviser):
    row = RegistrationFactory(offering__programme="classes/course")
    for verb in ("cancel", "attended"):
        assert client.post(f"/en/staff/desk/appointments/{row.public_id}/{verb}/").status_code == 404


def test_closed_day_tells_everybody_with_a_link_to_choose_again(hours):
    it = first()
    book(it, GuestContact("Sita", "en", email="sita@example.org"), how="visit")
    actions.change_day(hours, it.day, by=None)
    deliver_due(worker="test")
    message = mail.outbox[-1]
    assert message.subject == "We have had to cancel your appointment"
    assert "http://localhost:8000/en/consultations/appointments/lawyer/" in message.body


def test_winter_time_keeps_the_clock(monkeypatch, settings, hours):
    settings.TIME_ZONE = "Europe/Copenhagen"
    zone = ZoneInfo("Europe/Copenhagen")
    monkeypatch.setattr(timezone, "now", lambda: datetime(2026, 10, 20, 9, tzinfo=zone))
    starts = {f"{it.starts_at:%H:%M %z}" for it in available_times() if it.starts_at.time() == time(13)}
    assert starts == {"13:00 +0200", "13:00 +0100"}


# --- Any input -------------------------------------------------------------------------------------

FIELDS = ("name", "language", "channel", "address", "how", "interpreting", "idempotency_key", "sure", "again")
DESK_FIELDS = ("time", "name", "language", "email", "phone", "how", "interpreting", "idempotency_key")
MANY = settings(
    max_examples=33, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@MANY
@given(names=st.sets(st.sampled_from(FIELDS)).map(sorted), words=st.lists(TEXT.map(sendable), min_size=9, max_size=9))
@every_nasty_text(words=9, step=5, names=[FIELDS[number:] for number in range(7)])
def test_form_survives_anything_typed(client, hours, names, words):
    typed = TYPED | dict(zip(names, words, strict=False))
    assert client.post(address(first()), typed).status_code < 500


@MANY
@given(words=st.lists(TEXT.map(sendable), min_size=8, max_size=8))
@every_nasty_text(words=8, step=5)
def test_desks_form_survives_anything_typed(client, hours, adviser, words):
    typed = dict(zip(DESK_FIELDS, words, strict=True))
    assert client.post("/en/staff/desk/appointments/new/", typed).status_code < 500


@settings(MANY, max_examples=5)
@given(text=TEXT.map(sendable), size=TEXT.map(sendable))
@every_nasty_text("text", "size")
def test_link_survives_anything_in_its_place(client, text, size):
    row = AppointmentFactory()
    assert client.get(f"/en/registrations/{quote(text, safe='')}/").status_code < 500
    assert client.post(f"/en/registrations/{link(row)}/party/", {"party_size": size}).status_code < 500
