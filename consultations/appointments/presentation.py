"""Appointments in words of the reader's language, as pages, letters and calendars take them."""

import datetime
from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import groupby

from django.conf import settings
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from consultations.models import Mode, Service
from consultations.reading import written_date, written_stretch
from consultations.slots import Free, Time
from services.languages.names import NAMES
from services.registration.models import Registration


@dataclass(frozen=True, slots=True)
class Subject:
    """What an appointment can be about: a profession, or advice in a language. `next`: when one is free."""

    name: str
    url: str
    next: str


@dataclass(frozen=True, slots=True)
class TimeWords:
    """One time in a list of a day, told by its beginning."""

    words: str
    url: str
    must_wait: bool


@dataclass(frozen=True, slots=True)
class DayWords:
    """The times of one day."""

    title: str
    times: list[TimeWords] = field(default_factory=list)


def name_of(service: str, language: str) -> str:
    """What it is about: the profession; of advice also the language, as the reader calls it."""
    if service != Service.ADVICE:
        return str(Service(service).label)
    told = pgettext("advice in a language", "%(what)s: %(language)s")
    return told % {"what": Service(service).label, "language": NAMES[language]}


def subjects(times: Iterable[Time]) -> list[Subject]:
    """What there are times for, each with its next free one; the order is that of the services."""
    order = list(Service)
    found: dict[tuple[str, str], list[Time]] = {}
    for time in times:
        language = time.language if time.service == Service.ADVICE else ""
        found.setdefault((time.service, language), []).append(time)
    keys = sorted(found, key=lambda key: (order.index(key[0]), key[1]))
    return [_subject(*key, found[key]) for key in keys]


def _subject(service: str, language: str, times: list[Time]) -> Subject:
    free = [time for time in times if time.free == Free.FREE]
    next_free = written_day_of(free[0]) if free else ""
    return Subject(name_of(service, language), times_url(service, language), next_free)


def written_day_of(time: Time) -> str:
    """Its day and its beginning and end."""
    return written_stretch(time.starts_at, time.ends_at)


def times_url(service: str, language: str) -> str:
    """Where the times for it are."""
    return reverse("consultations:times", args=[service]) + (
        f"?language={language}" if service == Service.ADVICE else ""
    )


def by_day(times: Iterable[Time], address) -> list[DayWords]:
    """Times by their days; one that several people have at once stands there once. address: makes the link of one."""
    once: dict[datetime.datetime, Time] = {}
    for it in times:
        if it.starts_at not in once or once[it.starts_at].free == Free.WAIT:
            once[it.starts_at] = it
    return [
        DayWords(
            written_date(day),
            [TimeWords(f"{it.starts_at:%H:%M}", address(it), it.free == Free.WAIT) for it in of_day],
        )
        for day, of_day in groupby(once.values(), key=lambda it: it.day)
    ]


def minutes_of(times: Iterable[Time]) -> int:
    """How long each of them is; 0 where they differ."""
    lengths = {it.ends_at - it.starts_at for it in times}
    return lengths.pop() // datetime.timedelta(minutes=1) if len(lengths) == 1 else 0


def when(registration: Registration) -> str:
    """The day and the times of what somebody has."""
    offering = registration.offering
    return written_stretch(timezone.localtime(offering.starts_at), timezone.localtime(offering.ends_at))


def how_in_words(how: str, language: str) -> str:
    """How they come together, and what the person does for it."""
    desk = settings.CITY.desk
    if how == Mode.PHONE and desk and desk.phone:
        # Isolated from left to right (Unicode TR 9): within Arabic the parts of a number would change places.
        phone = f"\u2066{desk.phone}\u2069"
        return _("By telephone. Please call us at that time: %(phone)s") % {"phone": phone}
    if how == Mode.PHONE:
        return _("By telephone. Please call us at that time.")
    if how == Mode.VIDEO:
        return _("By video. We send you a link before.")
    return _("Please come to us.")


def place_of(how: str, language: str) -> str:
    """Where to go, if they go anywhere."""
    desk = settings.CITY.desk
    return desk.address[language] if desk and how == Mode.VISIT else ""


def interpreter_in_words(language: str) -> str:
    """Whom we bring."""
    return _("We bring an interpreter: %(language)s") % {"language": NAMES[language]}
