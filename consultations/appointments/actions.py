"""The verbs of appointments. Who has a place is registration's to say; here are the times that places are for.

Locks are taken in one order: the roster, the offerings by their keys, the resident, the trail's head.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from consultations.actions.locking import lock_roster
from consultations.models import DeskHours, Slot
from consultations.slots import CAPACITY, MOST_WHO_WAIT, PROGRAMME, Time, covered, find_time
from services.accounts.models import Resident, User
from services.base.hygiene import search_key
from services.base.refusals import Refused
from services.registration import actions as registration
from services.registration.models import Offering, Registration

MOST_WITHOUT_ACCOUNT = 3
OFFER_HOURS = 24


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody without an account: a name to be called by, a language, one way to reach them."""

    name: str
    language: str
    email: str = ""
    phone: str = ""


@transaction.atomic
def book(
    time: Time,
    person: Person | Resident,
    *,
    how: str,
    interpreting: str = "",
    by: User | None = None,
    form_key: str = "",
    may_wait: bool = False,
) -> Registration:
    """Keep a time for somebody, or a turn to get it if they said that they would wait.

    by: who acts at the desk or is signed in; None for somebody without an account, who may have three at most: what
    they type proves nothing, so the refusal does not say what it found. form_key: sent twice it is once.
    """
    slot = _slot(time)
    offering = Offering.objects.locked(slot.offering_id)[slot.offering_id]
    if form_key and (before := offering.registrations.filter(form_key=form_key).first()):
        return before
    if isinstance(person, Person):
        if by is None:
            _refuse_too_many(person, offering)
        person = Resident.objects.create(
            name=person.name, language=person.language, email=person.email, phone=person.phone
        )
    needs = {"how": how} | ({"interpreting": interpreting} if interpreting else {})
    return registration.register(person, offering, by=by, needs=needs, form_key=form_key, may_wait=may_wait)


def _slot(time: Time) -> Slot:
    """The slot of a time, made when somebody asks for it for the first time.

    That is done under the roster's lock: nobody takes the hours away, or makes another that overlaps, meanwhile.
    """
    slots = Slot.objects.standing().filter(hours__public_id=time.hours, starts_at=time.starts_at)
    if slot := slots.first():
        return slot
    lock_roster()
    if slot := slots.first():
        return slot
    time = find_time(time.hours, time.at)
    if time is None:
        raise Refused(_("This time is not there any more. Please choose another one."))
    offering = Offering.objects.create(
        programme=PROGRAMME,
        capacity=CAPACITY,
        waiting_limit=MOST_WHO_WAIT,
        offer_hours=OFFER_HOURS,
        is_one_meeting=True,
        starts_at=time.starts_at,
        ends_at=time.ends_at,
    )
    return Slot.objects.create(
        offering=offering,
        hours=DeskHours.objects.get(public_id=time.hours),
        starts_at=time.starts_at,
        service=time.service,
        language=time.language,
        modes=list(time.modes),
    )


def _refuse_too_many(person: Person, offering: Offering) -> None:
    """Nobody fills the desk's calendar from one address, or asks twice for the same time under one name."""
    coming = Registration.objects.active().filter(
        offering__programme=PROGRAMME, offering__starts_at__gt=timezone.now(), resident__user__isnull=True
    )
    same = coming.filter(resident__email__iexact=person.email, resident__phone=person.phone)
    rows = list(same.select_related("offering", "resident"))
    is_twice = any(
        search_key(row.resident.name) == search_key(person.name)
        and row.offering.starts_at < offering.ends_at
        and offering.starts_at < row.offering.ends_at
        for row in rows
    )
    if len(rows) >= MOST_WITHOUT_ACCOUNT or is_twice:
        raise Refused(
            _("We cannot keep one more time for you. Please use the link in our last message, or speak with the desk.")
        )


@transaction.atomic
def change_time(row: Registration, time: Time, *, by: User | None = None) -> Registration:
    """Another time instead of the one that somebody has or waits for. Refused where it is taken."""
    slot = _slot(time)
    if row.needs.get("how") not in slot.modes:
        row.needs = row.needs | {"how": slot.modes[0]}
        Registration.objects.filter(pk=row.pk).update(needs=row.needs)
    return registration.move_to(row, slot.offering, by=by)


class WouldLose(Refused):
    """Appointments that somebody has or waits for would be called off, and nobody has agreed to that yet."""

    def __init__(self, rows: list[Registration]):
        self.rows = rows
        super().__init__(
            pgettext("staff", "This cancels appointments. To cancel them all, press the same button once more.")
        )


def call_off_lost_slots(*, by: User | None, agreed: Collection[str] | None = None) -> int:
    """Call off every coming slot that the timetable does not hold any more; how many. Everybody who had one, or waited
    for one, is told and can choose another time. The caller holds the roster's lock.

    agreed: public ids of the registrations that somebody has been shown and lets go; refused (WouldLose) with others.
    """
    coming = Slot.objects.standing().filter(starts_at__gt=timezone.now())
    slots = list(coming.select_related("offering", "hours"))
    kept = covered(slots)
    lost = [slot for slot in slots if slot.pk not in kept]
    if agreed is not None:
        rows = Registration.objects.active().filter(offering__slot__in=lost).select_related("resident", "offering")
        rows = list(rows.order_by("offering__starts_at", "pk"))
        if any(row.public_id not in agreed for row in rows):
            raise WouldLose(rows)
    _call_off(lost, by)
    return len(lost)


def _call_off(slots: Iterable[Slot], by: User | None) -> None:
    Offering.objects.locked(*(slot.offering_id for slot in slots))
    for slot in slots:
        registration.call_off(slot.offering, by=by)
        slot.hours = None
        slot.save(update_fields=["hours"])
