"""The demo city's desk: who is there when, in which language. Everybody is invented; days count from today."""

import datetime

from allauth.account.models import EmailAddress
from django.db import transaction
from django.utils import timezone

from consultations import demo_cases, demo_figures, demo_log
from consultations.actions.appointments import Person, book
from consultations.actions.roster import change_day, save_duty, save_hours
from consultations.models import DeskHours, Duty, Mode, Service
from consultations.slots import times
from services.accounts.actions import grant, welcome
from services.accounts.demo import PASSWORD, RESIDENT
from services.accounts.models import Resident, User
from services.accounts.roles import Role
from services.notices.models import ChannelCode, Message
from services.schedules.holidays import holiday_name
from services.schedules.models import Schedule
from services.schedules.rules import Rule

MON, TUE, WED, THU, FRI, SUN = 0, 1, 2, 3, 4, 6
DAY, AFTERNOON = (10, 17), (13, 17)
OPEN_SINCE = datetime.timedelta(days=400)

ADVISERS = (
    # before the @, name, language of their own
    ("adviser2", "James Okafor", "en"),
    ("adviser3", "王 芳", "zh-hans"),
    ("adviser4", "Sunita Tamang", "ne"),
    ("adviser5", "Trần Minh Anh", "vi"),
    ("adviser6", "박 서연", "ko"),
    ("adviser7", "Layla Mansour", "ar"),
    ("adviser8", "小林 直子", "ja"),
)
HOURS = (
    # service, language, weekdays, weeks of the month, from and to, by appointment
    (Service.ADVICE, "ja-simple", (MON, TUE, WED, THU, FRI, SUN), (), DAY, False),
    (Service.ADVICE, "en", (MON, TUE, WED, THU, FRI), (), DAY, False),
    (Service.ADVICE, "zh-hans", (TUE, THU, FRI), (), DAY, False),
    (Service.ADVICE, "ko", (WED,), (), DAY, False),
    (Service.ADVICE, "fil", (TUE, THU), (), DAY, False),
    (Service.ADVICE, "ne", (MON, WED), (), DAY, False),
    (Service.ADVICE, "vi", (FRI, SUN), (), AFTERNOON, False),
    (Service.ADVICE, "ar", (SUN,), (1,), AFTERNOON, False),
    (Service.LAWYER, "", (SUN,), (1, 3), AFTERNOON, True),
    (Service.IMMIGRATION, "", (WED,), (2,), AFTERNOON, True),
)
DUTIES = (
    # before the @, languages at the desk, weekdays, weeks of the month, from and to
    ("adviser", ("fil", "en"), (TUE, THU), (), DAY),
    ("adviser2", ("en",), (MON, WED, FRI), (), DAY),
    ("adviser3", ("zh-hans",), (TUE, THU, FRI), (), DAY),
    ("adviser4", ("ne", "en"), (MON,), (), DAY),
    ("adviser4", ("ne", "en"), (WED,), (), (10, 13)),  # so that there is a gap to see: Wednesday afternoons
    ("adviser5", ("vi", "ja-simple"), (FRI, SUN), (), AFTERNOON),
    ("adviser6", ("ko",), (WED,), (), DAY),
    ("adviser7", ("ar", "en"), (SUN,), (1,), AFTERNOON),
    ("adviser8", ("ja-simple", "ja"), (MON, TUE, WED, THU, FRI, SUN), (), DAY),
)
SPOKEN_BY_VIDEO = {"en"}
VIDEO_ROOM = "https://video.example/desk"
APPOINTMENTS = (
    # name as they gave it, language, service, which of its free times, interpreter
    ("Prakash", "ne", Service.LAWYER, 0, "ne"),
    ("Nguyễn Văn Hùng", "vi", Service.LAWYER, 0, "vi"),
    ("Mrs. Reyes", "fil", Service.LAWYER, 1, ""),
    ("陈 丽", "zh-hans", Service.LAWYER, 3, "zh-hans"),
    ("يوسف", "ar", Service.LAWYER, 6, "ar"),
    ("Astrid", "da", Service.IMMIGRATION, 0, "en"),
    ("최 민수", "ko", Service.IMMIGRATION, 2, "ko"),
)


@transaction.atomic
def load() -> None:
    """Make the advisers and the timetable once; a second time changes nothing."""
    for name_of_address, name, language in ADVISERS:
        _make_adviser(f"{name_of_address}@demo.example", name, language)
    _load_desk()
    demo_log.load()
    demo_cases.load()
    demo_figures.load()


def _load_desk() -> None:
    if DeskHours.objects.exists():
        return
    for service, language, weekdays, weeks, clock, by_appointment in HOURS:
        modes = [Mode.VISIT] if by_appointment else [Mode.VISIT, Mode.PHONE]
        modes += [Mode.VIDEO] if by_appointment or language in SPOKEN_BY_VIDEO else []
        room = VIDEO_ROOM if Mode.VIDEO in modes else ""
        hours = DeskHours(
            service=service, language=language, modes=modes, by_appointment=by_appointment, video_room=room
        )
        save_hours(hours, _schedule(weekdays, weeks, clock), by=None)
    for name_of_address, languages, weekdays, weeks, clock in DUTIES:
        adviser = User.objects.get(email=f"{name_of_address}@demo.example")
        save_duty(Duty(adviser=adviser, languages=list(languages)), _schedule(weekdays, weeks, clock), by=None)
    _make_exception()
    _make_appointments()


def _make_adviser(email: str, name: str, language: str) -> None:
    if User.objects.filter(email=email).exists():
        return
    user = User.objects.create_user(email, PASSWORD)
    EmailAddress.objects.create(user=user, email=email, primary=True, verified=True)
    welcome(user, name=name, language=language)
    grant(user, Role.ADVISER, by=None)


def _schedule(weekdays: tuple[int, ...], weeks: tuple[int, ...], clock: tuple[int, int]) -> Schedule:
    begins, ends = (datetime.time(hour) for hour in clock)
    first_day = timezone.localdate() - OPEN_SINCE
    return Schedule(rule=str(Rule(weekdays, weeks)), first_day=first_day, begins=begins, ends=ends)


def _make_exception() -> None:
    """One day of next week or later on which Filipino is spoken only in the afternoon."""
    hours = DeskHours.objects.get(language="fil")
    day = timezone.localdate() + datetime.timedelta(days=7)
    while day.weekday() not in hours.schedule.days.weekdays or holiday_name(day):
        day += datetime.timedelta(days=1)
    change_day(hours, day, by=None, begins=datetime.time(13), ends=datetime.time(17))


def _make_appointments() -> None:
    """Some who come, one who waits, and one of the demo's resident. Nobody writes to those without an account."""
    free = {service: times(service) for service in (Service.LAWYER, Service.IMMIGRATION)}
    for number, (name, language, service, place, interpreting) in enumerate(APPOINTMENTS):
        person = Person(name, language, email=f"visitor{number}@demo.example")
        book(free[service][place], person, by=None, how=Mode.VISIT, interpreting=interpreting, may_wait=True)
    Message.objects.filter(kind__startswith="consultations/appointment").exclude(channel=ChannelCode.INBOX).delete()
    resident = Resident.objects.get(user__email=f"{RESIDENT}@demo.example")
    book(free[Service.IMMIGRATION][4], resident, by=resident.user, how=Mode.VISIT, interpreting="ne")
