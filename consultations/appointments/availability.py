"""The times by appointment: the desk's real hours, cut into pieces, less what is taken."""

import datetime
from collections import defaultdict
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db import models
from django.db.models import Count, Q, Sum
from django.utils import timezone

from consultations.models import DeskHours, Slot
from consultations.timetable import Opening, read_timetable
from services.registration.models import HOLDING, Registration, RegistrationState

PROGRAMME = "consultations/appointment"
AHEAD = datetime.timedelta(weeks=8)
CAPACITY, MOST_WHO_WAIT = 1, 5
AT = "%Y%m%dT%H%M"


class Free(models.TextChoices):
    """Whether a time can be had."""

    FREE = "free"
    WAIT = "wait"  # taken, but one can wait for it
    TAKEN = "taken"


@dataclass(frozen=True, slots=True, order=True)
class Time:
    """One piece of the desk's hours. Times are aware, in the city's zone; `hours` is the public id of the hours."""

    starts_at: datetime.datetime
    ends_at: datetime.datetime
    hours: str
    service: str
    language: str
    modes: tuple[str, ...]
    free: str = Free.FREE

    @property
    def day(self) -> datetime.date:
        """On the city's calendar."""
        return self.starts_at.date()

    @property
    def at(self) -> str:
        """The beginning as it stands in an address."""
        return f"{self.starts_at:{AT}}"


def services_by_appointment() -> set[str]:
    """The services for which there are hours by appointment, now or later."""
    not_over = Q(schedule__last_day=None) | Q(schedule__last_day__gte=timezone.localdate())
    return set(DeskHours.objects.filter(not_over, by_appointment=True).values_list("service", flat=True).order_by())


@dataclass(frozen=True, slots=True)
class _Asked:
    """A slot that is there, and how many have it or wait for it."""

    starts_at: datetime.datetime
    ends_at: datetime.datetime
    held: int
    waiting: int

    @property
    def free(self) -> str:
        if self.held < CAPACITY:
            return Free.FREE
        return Free.WAIT if self.waiting < MOST_WHO_WAIT else Free.TAKEN


def times(service: str = "", language: str = "", *, start: datetime.date | None = None) -> list[Time]:
    """What can be booked or waited for from now on, for eight weeks, in order of time. Four queries.

    service, language: only of these. start: from this day on.
    """
    now = timezone.localtime()
    start = max(start or now.date(), now.date())
    found = _read(start, now.date() + AHEAD)
    wanted = [it for it in found if service in {"", it.service} and language in {"", it.language}]
    return [it for it in wanted if it.starts_at > now and it.free != Free.TAKEN]


def find_time(hours: str, at: str) -> Time | None:
    """The time that an address names, taken or not; None where the desk has no such one (any more)."""
    starts_at, now = _moment(at), timezone.localtime()
    if starts_at is None or not now < starts_at <= now + AHEAD + datetime.timedelta(days=1):
        return None
    found = _read(starts_at.date(), starts_at.date())
    return next((it for it in found if it.hours == hours and it.starts_at == starts_at), None)


def was_there(hours: str, at: str) -> bool:
    """Whether an address names a time of hours that the desk has or had, however long ago."""
    return _moment(at) is not None and DeskHours.objects.filter(public_id=hours).exists()


def _moment(at: str) -> datetime.datetime | None:
    try:
        return datetime.datetime.strptime(at, AT).replace(tzinfo=ZoneInfo(settings.TIME_ZONE))
    except ValueError:
        return None


def booked_on(day: datetime.date) -> int:
    """How many come by appointment on a day."""
    placed = Registration.objects.filter(offering__programme=PROGRAMME, state=RegistrationState.PLACED)
    return placed.filter(offering__starts_at__date=day).count()


def covered(slots: list[Slot]) -> set[int]:
    """The keys of those slots that still lie within hours of the desk at which somebody is there."""
    if not slots:
        return set()
    days = [timezone.localdate(slot.starts_at) for slot in slots]
    by_hours = defaultdict(list)
    for opening in read_timetable(min(days), max(days)).openings:
        if opening.by_appointment:
            by_hours[opening.hours].append(opening)
    return {slot.pk for slot in slots if slot.hours and any(_holds(it, slot) for it in by_hours[slot.hours.public_id])}


def _holds(opening: Opening, slot: Slot) -> bool:
    is_same = (opening.service, opening.language) == (slot.service, slot.language)
    return is_same and opening.starts_at <= slot.starts_at and slot.offering.ends_at <= opening.ends_at


def _read(start: datetime.date, end: datetime.date) -> list[Time]:
    timetable = read_timetable(start, end)
    hours = {it.public_id: it for it in timetable.hours}
    openings = [it for it in timetable.openings if it.by_appointment]
    if not openings:
        return []
    asked = _asked(openings[0].starts_at, openings[-1].ends_at)
    return sorted(time for it in openings for time in _cut(it, hours[it.hours], asked[it.hours]))


def _asked(start: datetime.datetime, end: datetime.datetime) -> dict[str, list[_Asked]]:
    """The slots that somebody has asked for, by their hours."""
    found = defaultdict(list)
    registered = "offering__registrations"
    held = Sum(f"{registered}__party_size", filter=Q(**{f"{registered}__state__in": HOLDING}), default=0)
    waiting = Count(registered, filter=Q(**{f"{registered}__state": RegistrationState.WAITING}))
    slots = Slot.objects.standing().filter(hours__isnull=False, starts_at__range=(start, end))
    counted = slots.annotate(held=held, waiting=waiting).order_by()
    for hours, *facts in counted.values_list("hours__public_id", "starts_at", "offering__ends_at", "held", "waiting"):
        found[hours].append(_Asked(*facts))
    return found


def _cut(opening: Opening, hours: DeskHours, asked: list[_Asked]):
    """An opening's times, counted from the hours' own beginning: what moves on one day does not move the others.

    What somebody has under another length of appointments still takes its place.
    """
    length = datetime.timedelta(minutes=hours.slot_minutes)
    begins = datetime.datetime.combine(opening.day, hours.schedule.begins, opening.starts_at.tzinfo)
    begins -= (begins - opening.starts_at) // length * length  # the first that is not before the opening
    while begins + length <= opening.ends_at:
        if time := _time(opening, begins, begins + length, asked):
            yield time
        begins += length


def _time(opening: Opening, begins, ends, asked: list[_Asked]) -> Time | None:
    same = next((it for it in asked if it.starts_at == begins), None)
    for other in asked:
        if other is not same and other.held and other.starts_at < ends and begins < other.ends_at:
            return None
    return Time(
        begins,
        timezone.localtime(same.ends_at) if same else ends,
        opening.hours,
        opening.service,
        opening.language,
        opening.modes,
        same.free if same else Free.FREE,
    )
