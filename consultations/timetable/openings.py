"""The desk's timetable as it really is: hours by rule, less holidays and exceptions, where somebody is on duty."""

import datetime
from collections.abc import Iterable
from dataclasses import dataclass, field

from django.conf import settings
from django.utils import timezone

from consultations.models import DeskHours, Duty, Service
from services.accounts.roles import Role
from services.languages.choice import offered
from services.schedules.holidays import holiday_name
from services.schedules.models import Occurrence, occurrences
from services.schedules.rules import days_of

LOOK_AHEAD = datetime.timedelta(days=35)

Stretch = tuple[datetime.datetime, datetime.datetime]


@dataclass(frozen=True, slots=True, order=True)
class Opening:
    """A stretch of time in which the desk really answers. Times are aware, in the city's zone.

    `hours` is the public id of the hours behind it, `part` counts the stretches of one day.
    """

    starts_at: datetime.datetime
    ends_at: datetime.datetime
    service: str
    language: str
    modes: tuple[str, ...]
    by_appointment: bool
    is_changed: bool
    hours: str = ""
    part: int = 0

    @property
    def day(self) -> datetime.date:
        """On the city's calendar."""
        return self.starts_at.date()

    @property
    def uid(self) -> str:
        """The same in every language and at every look, whatever time of the day it has moved to."""
        return f"{self.hours}-{self.day:%Y%m%d}-{self.part}@{settings.SITE_URL.partition('://')[2]}"

    def holds(self, moment: datetime.datetime) -> bool:
        """Whether it is open at a moment."""
        return self.starts_at <= moment < self.ends_at


@dataclass(frozen=True, slots=True, order=True)
class Gap:
    """A stretch of the hours of a language in which no adviser is on duty who speaks it: promised to nobody."""

    starts_at: datetime.datetime
    ends_at: datetime.datetime
    language: str


@dataclass(frozen=True, slots=True)
class Timetable:
    """What the desk does from the day `start` to the day `end`, both included, in order of time."""

    start: datetime.date
    end: datetime.date
    hours: list[DeskHours] = field(default_factory=list)
    openings: list[Opening] = field(default_factory=list)
    gaps: list[Gap] = field(default_factory=list)

    def within(self, start: datetime.date, end: datetime.date) -> list[Opening]:
        """The openings of these days, both included."""
        return [opening for opening in self.openings if start <= opening.day <= end]

    def next_opening(self, language: str, moment: datetime.datetime) -> Opening | None:
        """The desk's opening for advice in a language that holds at a moment, else the next one after it."""
        for opening in self.openings:
            if opening.service == Service.ADVICE and speaks(opening.language, language) and opening.ends_at > moment:
                return opening
        return None


def read_timetable(start: datetime.date, end: datetime.date) -> Timetable:
    """The timetable of these days, both included. Three queries; one where the desk has no hours at all."""
    hours = list(DeskHours.objects.select_related("schedule"))
    if not hours:
        return Timetable(start, end)
    duties = list(_duties())
    happens = occurrences([it.schedule for it in [*hours, *duties]], start, end)
    present: dict[str, list[Occurrence]] = {}
    for duty in duties:
        for language in duty.languages:
            present.setdefault(language, []).extend(happens[duty.schedule_id])
    found, gaps = [], []
    for it in hours:
        for time in happens[it.schedule_id]:
            stretches = [(time.starts_at, time.ends_at)]
            if it.service == Service.ADVICE:
                stretches = _shared(time, present.get(it.language, ()))
                gaps += [Gap(begins, ends, it.language) for begins, ends in _between(time, stretches)]
            found += [_opening(it, time, stretch, part) for part, stretch in enumerate(stretches)]
    return Timetable(start, end, hours, sorted(found), sorted(gaps))


def _duties():
    """Those of people who may advise today: a role taken away, or an account that is shut, promises nothing."""
    at_work = Duty.objects.filter(adviser__is_active=True, adviser__grants__role=Role.ADVISER)
    return at_work.select_related("schedule")


def _opening(hours: DeskHours, time: Occurrence, stretch: Stretch, part: int) -> Opening:
    return Opening(
        *stretch,
        hours.service,
        hours.language,
        tuple(hours.modes),
        hours.by_appointment,
        time.is_changed,
        hours.public_id,
        part,
    )


def _shared(time: Occurrence, duties: Iterable[Occurrence]) -> list[Stretch]:
    """The parts of a time in which at least one duty covers it, joined where they touch."""
    parts = sorted(
        (max(time.starts_at, duty.starts_at), min(time.ends_at, duty.ends_at)) for duty in duties if duty.overlaps(time)
    )
    joined: list[Stretch] = []
    for begin, end in parts:
        if joined and begin <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(joined[-1][1], end))
        else:
            joined.append((begin, end))
    return joined


def _between(time: Occurrence, stretches: list[Stretch]) -> list[Stretch]:
    """The parts of a time that are not in the stretches, which lie within it in order."""
    edges = [time.starts_at, *(edge for stretch in stretches for edge in stretch), time.ends_at]
    return [(begin, end) for begin, end in zip(edges[::2], edges[1::2], strict=True) if begin < end]


def openings(start: datetime.date, end: datetime.date) -> list[Opening]:
    """Every opening from the day `start` to the day `end`, both included, in order of time."""
    return read_timetable(start, end).openings


def duties_of(adviser, day: datetime.date) -> list[Occurrence]:
    """When somebody is at the desk on a day, in order of time. Two queries."""
    duties = list(_duties().filter(adviser=adviser))
    found = occurrences([duty.schedule for duty in duties], day, day)
    return sorted(occurrence for times in found.values() for occurrence in times)


def next_opening(language: str, *, after: datetime.datetime | None = None) -> Opening | None:
    """When the desk next gives advice in a language: the opening that holds now, or the next one, within five weeks."""
    moment = timezone.localtime(after)
    today = moment.date()
    return read_timetable(today, today + LOOK_AHEAD).next_opening(language, moment)


def speaks(language: str, readers: str) -> bool:
    """Whether who speaks a language serves a reader of another: Japanese is spoken in easy words to who needs them."""
    wanted = offered(readers) or readers
    return language.removesuffix("-simple") == wanted.removesuffix("-simple")


def regular_days(hours: DeskHours, start: datetime.date, end: datetime.date) -> frozenset[datetime.date]:
    """The days that the rule alone has from `start` to `end`, holidays and exceptions aside."""
    schedule = hours.schedule
    first, last = max(start, schedule.first_day), min(end, schedule.last_day or end)
    return frozenset(days_of(schedule.rule, schedule.first_day, first, last))


def is_closed_by_holiday(hours: DeskHours, day: datetime.date) -> bool:
    """Whether a public holiday takes this day of the rule away."""
    return not hours.schedule.on_holidays and bool(holiday_name(day))
