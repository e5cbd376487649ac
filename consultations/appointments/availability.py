"""Bookable times: the desk's actual openings, divided into slots, without those that are taken."""

import datetime
from collections import defaultdict
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db import models
from django.db.models import Count, Q, Sum
from django.utils import timezone

from consultations.appointments.models import Slot
from consultations.message_kinds import PROGRAMME
from consultations.timetable.models import DeskHours
from consultations.timetable.openings import Opening, load_timetable
from services.registration.models import HOLDING_A_PLACE, Registration, RegistrationState

BOOKABLE_AHEAD = datetime.timedelta(weeks=8)
CAPACITY, WAITING_LIMIT = 1, 5
START_FORMAT = "%Y%m%dT%H%M"


class SlotAvailability(models.TextChoices):
    """Whether a time can be booked."""

    FREE = "free"
    WAIT = "wait"  # taken, but has room on its waiting list
    TAKEN = "taken"


@dataclass(frozen=True, slots=True, order=True)
class BookableTime:
    """One time to book. Times are aware, in the city's time zone; `hours` is the public id of the `DeskHours`."""

    starts_at: datetime.datetime
    ends_at: datetime.datetime
    hours: str
    service: str
    language: str
    modes: tuple[str, ...]
    availability: str = SlotAvailability.FREE

    @property
    def day(self) -> datetime.date:
        """The date in the city's time zone."""
        return self.starts_at.date()

    @property
    def at(self) -> str:
        """The start time as it is written in URLs."""
        return f"{self.starts_at:{START_FORMAT}}"


def services_by_appointment() -> set[str]:
    """Return the services that have hours by appointment, now or later."""
    not_over = Q(schedule__last_day=None) | Q(schedule__last_day__gte=timezone.localdate())
    return set(DeskHours.objects.filter(not_over, by_appointment=True).values_list("service", flat=True).order_by())


@dataclass(frozen=True, slots=True)
class TakenSlot:
    """A slot that is booked or on offer: its times, and how many people are on its waiting list."""

    starts_at: datetime.datetime
    ends_at: datetime.datetime
    waiting: int

    @property
    def availability(self) -> str:
        """Whether one more person can wait for it."""
        return SlotAvailability.WAIT if self.waiting < WAITING_LIMIT else SlotAvailability.TAKEN

    def overlaps(self, begins: datetime.datetime, ends: datetime.datetime) -> bool:
        """Whether it has a moment in common with a span of time."""
        return self.starts_at < ends and self.ends_at > begins


def available_times(service: str = "", language: str = "", *, start: datetime.date | None = None) -> list[BookableTime]:
    """Return the times that can be booked or waited for in the next eight weeks, in order. Four queries.

    service, language: include only these. start: leave out earlier days.
    """
    now = timezone.localtime()
    start = max(start or now.date(), now.date())
    found = _compute_times(start, now.date() + BOOKABLE_AHEAD)
    wanted = [it for it in found if service in {"", it.service} and language in {"", it.language}]
    return [it for it in wanted if it.starts_at > now and it.availability != SlotAvailability.TAKEN]


def find_bookable_time(hours: str, at: str) -> BookableTime | None:
    """Return the time named in a URL, even if taken; None if the desk does not (or no longer) offer it."""
    starts_at, now = _parse_moment(at), timezone.localtime()
    if starts_at is None or not now < starts_at <= now + BOOKABLE_AHEAD + datetime.timedelta(days=1):
        return None
    found = _compute_times(starts_at.date(), starts_at.date())
    return next((it for it in found if it.hours == hours and it.starts_at == starts_at), None)


def existed_in_timetable(hours: str, at: str) -> bool:
    """Return whether a URL names a well-formed time of hours that exist or existed, however long ago."""
    return _parse_moment(at) is not None and DeskHours.objects.filter(public_id=hours).exists()


def _parse_moment(at: str) -> datetime.datetime | None:
    try:
        return datetime.datetime.strptime(at, START_FORMAT).replace(tzinfo=ZoneInfo(settings.TIME_ZONE))
    except ValueError:
        return None


def count_appointments(day: datetime.date) -> int:
    """Count the booked appointments on a day."""
    placed = Registration.objects.filter(offering__programme=PROGRAMME, state=RegistrationState.PLACED)
    return placed.filter(offering__starts_at__date=day).count()


def slot_ids_within_hours(slots: list[Slot]) -> set[int]:
    """Return the primary keys of the slots that still lie within an opening by appointment."""
    if not slots:
        return set()
    days = [timezone.localdate(slot.starts_at) for slot in slots]
    by_hours = defaultdict(list)
    for opening in load_timetable(min(days), max(days)).openings:
        if opening.by_appointment:
            by_hours[opening.hours].append(opening)
    return {slot.pk for slot in slots if slot.hours and any(_covers(it, slot) for it in by_hours[slot.hours.public_id])}


def _covers(opening: Opening, slot: Slot) -> bool:
    is_same = (opening.service, opening.language) == (slot.service, slot.language)
    return is_same and opening.starts_at <= slot.starts_at and slot.offering.ends_at <= opening.ends_at


def _compute_times(start: datetime.date, end: datetime.date) -> list[BookableTime]:
    timetable = load_timetable(start, end)
    hours = {it.public_id: it for it in timetable.hours}
    openings = [it for it in timetable.openings if it.by_appointment]
    if not openings:
        return []
    taken = _load_taken(min(it.starts_at for it in openings), max(it.ends_at for it in openings))
    return sorted(time for it in openings for time in _times_of(it, hours[it.hours], taken[it.hours]))


def _load_taken(start: datetime.datetime, end: datetime.datetime) -> dict[str, list[TakenSlot]]:
    """Load the slots that are taken between two moments, by the public id of their hours."""
    found = defaultdict(list)
    registered = "offering__registrations"
    held = Sum(f"{registered}__party_size", filter=Q(**{f"{registered}__state__in": HOLDING_A_PLACE}), default=0)
    waiting = Count(registered, filter=Q(**{f"{registered}__state": RegistrationState.WAITING}))
    counted = Slot.objects.overlapping(start, end).annotate(held=held, waiting=waiting).filter(held__gte=CAPACITY)
    for hours, *columns in counted.order_by().values_list("hours__public_id", "starts_at", "ends_at", "waiting"):
        found[hours].append(TakenSlot(*columns))
    return found


def _times_of(opening: Opening, hours: DeskHours, taken: list[TakenSlot]):
    """Yield an opening's times: each slot that is taken, and the free times between them.

    A slot booked under another slot length keeps its own times, and no free time overlaps it.
    """
    for slot in taken:
        if opening.starts_at <= slot.starts_at and slot.ends_at <= opening.ends_at:
            yield _bookable_time(opening, slot.starts_at, slot.ends_at, slot.availability)
    for begins, ends in _split_into_slots(opening, hours):
        if not any(slot.overlaps(begins, ends) for slot in taken):
            yield _bookable_time(opening, begins, ends, SlotAvailability.FREE)


def _split_into_slots(opening: Opening, hours: DeskHours):
    """Yield the start and end of an opening's slots, counted from the start of the regular hours.

    Counting from there keeps the other times in place when one day starts earlier or later.
    """
    length = datetime.timedelta(minutes=hours.slot_minutes)
    begins = datetime.datetime.combine(opening.day, hours.schedule.begins, opening.starts_at.tzinfo)
    begins -= (begins - opening.starts_at) // length * length  # the first slot that starts within the opening
    while begins + length <= opening.ends_at:
        yield begins, begins + length
        begins += length


def _bookable_time(opening: Opening, begins, ends, availability: str) -> BookableTime:
    zone = opening.starts_at.tzinfo
    return BookableTime(
        begins.astimezone(zone),
        ends.astimezone(zone),
        opening.hours,
        opening.service,
        opening.language,
        opening.modes,
        availability,
    )
