"""The demo city's desk: advisers, hours, shifts and appointments. All people are invented; dates follow today."""

import datetime

from allauth.account.models import EmailAddress
from django.db import transaction
from django.utils import timezone

from consultations.appointments.actions import GuestContact, book
from consultations.appointments.availability import available_times
from consultations.cases import demo as cases_demo
from consultations.log import demo as log_demo
from consultations.roster.actions import change_day, save_hours, save_shift
from consultations.statistics import demo as statistics_demo
from consultations.timetable.models import ConsultationMode, DeskHours, DeskService, DeskShift
from services.accounts.actions import create_resident, grant_role
from services.accounts.demo import PASSWORD, RESIDENT
from services.accounts.models import Resident, User
from services.accounts.roles import Role
from services.messaging.models import INBOX, Message
from services.schedules.holidays import is_closed_every_year
from services.schedules.models import Schedule
from services.schedules.rules import RecurrenceRule

MON, TUE, WED, THU, FRI, SUN = 0, 1, 2, 3, 4, 6
DAY, AFTERNOON = (10, 17), (13, 17)
OPEN_SINCE = datetime.timedelta(days=400)

ADVISERS = (
    # local part of the email address, name, own language
    ("adviser2", "James Okafor", "en"),
    ("adviser3", "王 芳", "zh-hans"),
    ("adviser4", "Sunita Tamang", "ne"),
    ("adviser5", "Trần Minh Anh", "vi"),
    ("adviser6", "박 서연", "ko"),
    ("adviser7", "Layla Mansour", "ar"),
    ("adviser8", "小林 直子", "ja"),
)
HOURS = (
    # service, language, weekdays, weeks of the month, start and end, by appointment
    (DeskService.ADVICE, "ja-simple", (MON, TUE, WED, THU, FRI, SUN), (), DAY, False),
    (DeskService.ADVICE, "en", (MON, TUE, WED, THU, FRI), (), DAY, False),
    (DeskService.ADVICE, "zh-hans", (TUE, THU, FRI), (), DAY, False),
    (DeskService.ADVICE, "ko", (WED,), (), DAY, False),
    (DeskService.ADVICE, "fil", (TUE, THU), (), DAY, False),
    (DeskService.ADVICE, "ne", (MON, WED), (), DAY, False),
    (DeskService.ADVICE, "vi", (FRI, SUN), (), AFTERNOON, False),
    (DeskService.ADVICE, "ar", (SUN,), (1,), AFTERNOON, False),
    (DeskService.LAWYER, "", (SUN,), (1, 3), AFTERNOON, True),
    (DeskService.IMMIGRATION, "", (WED,), (2,), AFTERNOON, True),
)
SHIFTS = (
    # local part of the email address, languages at the desk, weekdays, weeks of the month, start and end
    ("adviser", ("fil", "en"), (TUE, THU), (), DAY),
    ("adviser2", ("en",), (MON, WED, FRI), (), DAY),
    ("adviser3", ("zh-hans",), (TUE, THU, FRI), (), DAY),
    ("adviser4", ("ne", "en"), (MON,), (), DAY),
    ("adviser4", ("ne", "en"), (WED,), (), (10, 13)),  # leaves a staffing gap on Wednesday afternoons
    ("adviser5", ("vi", "ja-simple"), (FRI, SUN), (), AFTERNOON),
    ("adviser6", ("ko",), (WED,), (), DAY),
    ("adviser7", ("ar", "en"), (SUN,), (1,), AFTERNOON),
    ("adviser8", ("ja-simple", "ja"), (MON, TUE, WED, THU, FRI, SUN), (), DAY),
)
VIDEO_LANGUAGES = {"en"}
VIDEO_ROOM = "https://video.example/desk"
APPOINTMENTS = (
    # name as given, language, service, index of the free time, interpreter
    ("Prakash", "ne", DeskService.LAWYER, 0, "ne"),
    ("Nguyễn Văn Hùng", "vi", DeskService.LAWYER, 0, "vi"),
    ("Mrs. Reyes", "fil", DeskService.LAWYER, 1, ""),
    ("陈 丽", "zh-hans", DeskService.LAWYER, 3, "zh-hans"),
    ("يوسف", "ar", DeskService.LAWYER, 6, "ar"),
    ("Astrid", "da", DeskService.IMMIGRATION, 0, "en"),
    ("최 민수", "ko", DeskService.IMMIGRATION, 2, "ko"),
)


@transaction.atomic
def load() -> None:
    """Create the advisers, the timetable and the log. Running it again changes nothing."""
    for local_part, name, language in ADVISERS:
        _make_adviser(f"{local_part}@demo.example", name, language)
    _load_desk()
    log_demo.load()
    cases_demo.load()
    statistics_demo.load()


def _load_desk() -> None:
    if DeskHours.objects.exists():
        return
    for service, language, weekdays, weeks, open_hours, by_appointment in HOURS:
        modes = [ConsultationMode.VISIT] if by_appointment else [ConsultationMode.VISIT, ConsultationMode.PHONE]
        modes += [ConsultationMode.VIDEO] if by_appointment or language in VIDEO_LANGUAGES else []
        room = VIDEO_ROOM if ConsultationMode.VIDEO in modes else ""
        hours = DeskHours(
            service=service, language=language, modes=modes, by_appointment=by_appointment, video_room=room
        )
        save_hours(hours, _schedule(weekdays, weeks, open_hours), by=None)
    for local_part, languages, weekdays, weeks, shift_hours in SHIFTS:
        adviser = User.objects.get(email=f"{local_part}@demo.example")
        shift = DeskShift(adviser=adviser, languages=list(languages))
        save_shift(shift, _schedule(weekdays, weeks, shift_hours), by=None)
    _make_exception()
    _make_appointments()


def _make_adviser(email: str, name: str, language: str) -> None:
    if User.objects.filter(email=email).exists():
        return
    user = User.objects.create_user(email, PASSWORD)
    EmailAddress.objects.create(user=user, email=email, primary=True, verified=True)
    create_resident(user, name=name, language=language)
    grant_role(user, Role.ADVISER, by=None)


def _schedule(weekdays: tuple[int, ...], weeks: tuple[int, ...], start_and_end: tuple[int, int]) -> Schedule:
    begins, ends = (datetime.time(hour) for hour in start_and_end)
    first_day = timezone.localdate() - OPEN_SINCE
    return Schedule(rule=str(RecurrenceRule(weekdays, weeks)), first_day=first_day, begins=begins, ends=ends)


def _make_exception() -> None:
    """Limit Filipino to the afternoon on one day, next week or later."""
    hours = DeskHours.objects.get(language="fil")
    day = timezone.localdate() + datetime.timedelta(days=7)
    while day.weekday() not in hours.schedule.recurrence.weekdays or is_closed_every_year(day):
        day += datetime.timedelta(days=1)
    change_day(hours, day, by=None, begins=datetime.time(13), ends=datetime.time(17))


def _make_appointments() -> None:
    """Book for several people, one of them on a waiting list, and for the demo resident. Send no messages to guests."""
    free = {service: available_times(service) for service in (DeskService.LAWYER, DeskService.IMMIGRATION)}
    for number, (name, language, service, place, interpreting) in enumerate(APPOINTMENTS):
        person = GuestContact(name, language, email=f"visitor{number}@demo.example")
        book(
            free[service][place],
            person,
            by=None,
            how=ConsultationMode.VISIT,
            interpreting=interpreting,
            accept_waiting_list=True,
        )
    Message.objects.filter(kind__startswith="consultations/appointment").exclude(channel=INBOX).delete()
    resident = Resident.objects.get(user__email=f"{RESIDENT}@demo.example")
    book(free[DeskService.IMMIGRATION][4], resident, by=resident.user, how=ConsultationMode.VISIT, interpreting="ne")
