"""Appointments in the reader's language, prepared for pages, messages and calendars."""

import datetime
from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import groupby

from django.conf import settings
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from consultations.appointments.availability import BookableTime, SlotAvailability
from consultations.timetable.models import ConsultationMode, DeskService
from consultations.timetable.presentation import format_service_date, format_span
from services.languages.names import NAMES
from services.registration.models import Registration


@dataclass(frozen=True, slots=True)
class AppointmentSubject:
    """What an appointment is about: a profession, or advice in a language. `next` is the next free time."""

    name: str
    url: str
    next: str


@dataclass(frozen=True, slots=True)
class BookableTimeRow:
    """One time in a day's list, shown by its start."""

    words: str
    url: str
    must_wait: bool


@dataclass(frozen=True, slots=True)
class BookableDay:
    """The bookable times of one day."""

    title: str
    times: list[BookableTimeRow] = field(default_factory=list)


def service_name(service: str, language: str) -> str:
    """Return the profession, or for advice the service and the language, in the reader's language."""
    if service != DeskService.ADVICE:
        return str(DeskService(service).label)
    text = pgettext("advice in a language", "%(what)s: %(language)s")
    return text % {"what": DeskService(service).label, "language": NAMES[language]}


def appointment_subjects(times: Iterable[BookableTime]) -> list[AppointmentSubject]:
    """Return the subjects that have bookable times, each with its next free time, in the order of `Service`."""
    order = list(DeskService)
    found: dict[tuple[str, str], list[BookableTime]] = {}
    for time in times:
        language = time.language if time.service == DeskService.ADVICE else ""
        found.setdefault((time.service, language), []).append(time)
    keys = sorted(found, key=lambda key: (order.index(key[0]), key[1]))
    return [_subject(*key, found[key]) for key in keys]


def _subject(service: str, language: str, times: list[BookableTime]) -> AppointmentSubject:
    free = [time for time in times if time.availability == SlotAvailability.FREE]
    next_free = format_bookable_time(free[0]) if free else ""
    return AppointmentSubject(service_name(service, language), available_times_url(service, language), next_free)


def format_bookable_time(time: BookableTime) -> str:
    """Format a time with its day, start and end."""
    return format_span(time.starts_at, time.ends_at)


def available_times_url(service: str, language: str) -> str:
    """Return the URL of the bookable times for a subject."""
    return reverse("consultations:times", args=[service]) + (
        f"?language={language}" if service == DeskService.ADVICE else ""
    )


def group_by_day(times: Iterable[BookableTime], make_url) -> list[BookableDay]:
    """Group times by day. A time that several professionals offer appears once, free if any of them is free.

    make_url: takes a time and returns its link.
    """
    unique: dict[datetime.datetime, BookableTime] = {}
    for it in times:
        if it.starts_at not in unique or unique[it.starts_at].availability == SlotAvailability.WAIT:
            unique[it.starts_at] = it
    return [
        BookableDay(
            format_service_date(day),
            [
                BookableTimeRow(f"{it.starts_at:%H:%M}", make_url(it), it.availability == SlotAvailability.WAIT)
                for it in of_day
            ],
        )
        for day, of_day in groupby(unique.values(), key=lambda it: it.day)
    ]


def duration_in_minutes(times: Iterable[BookableTime]) -> int:
    """Return the length of each time in minutes, or 0 if the lengths differ."""
    lengths = {it.ends_at - it.starts_at for it in times}
    return lengths.pop() // datetime.timedelta(minutes=1) if len(lengths) == 1 else 0


def format_appointment_time(registration: Registration) -> str:
    """Format the day, start and end of a registration's appointment."""
    offering = registration.offering
    return format_span(timezone.localtime(offering.starts_at), timezone.localtime(offering.ends_at))


def format_mode(how: str, language: str) -> str:
    """Describe the mode of contact, and what the person has to do."""
    desk = settings.CITY.desk
    if how == ConsultationMode.PHONE and desk and desk.phone:
        # Isolated from left to right (Unicode TR 9): Arabic text would reorder the parts of the number.
        phone = f"\u2066{desk.phone}\u2069"
        return _("By phone. Call us at the time of your appointment: %(phone)s") % {"phone": phone}
    if how == ConsultationMode.PHONE:
        return _("By phone. Call us at the time of your appointment.")
    if how == ConsultationMode.VIDEO:
        return _("By video. We will send you a link beforehand.")
    return _("In person. Come to the consultation desk.")


def place_for(how: str, language: str) -> str:
    """Return the address to go to, or an empty string if the person does not visit."""
    desk = settings.CITY.desk
    return desk.address[language] if desk and how == ConsultationMode.VISIT else ""


def format_interpreter(language: str) -> str:
    """Say which interpreter the desk will arrange."""
    return _("We will arrange an interpreter: %(language)s") % {"language": NAMES[language]}
