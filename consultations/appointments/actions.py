"""Book, change and cancel appointments. `services.registration` decides who gets a place.

Lock order: the roster, the offerings by primary key, the resident, the head of the audit chain.
"""

from collections.abc import Collection, Iterable
from dataclasses import asdict, dataclass, replace

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext

from consultations.appointments.appointment_needs import AppointmentNeeds
from consultations.appointments.availability import (
    CAPACITY,
    WAITING_LIMIT,
    BookableTime,
    find_bookable_time,
    slot_ids_within_hours,
)
from consultations.appointments.models import Slot
from consultations.message_kinds import PROGRAMME
from consultations.timetable.locks import lock_roster
from consultations.timetable.models import DeskHours
from services.accounts.models import Resident, User
from services.base.normalisation import search_key
from services.base.refusals import Refused
from services.registration import actions as registration
from services.registration.models import Offering, Registration

GONE = gettext_lazy("This time is no longer available. Choose another one.")
MAX_WITHOUT_ACCOUNT = 3
OFFER_HOURS = 24


@dataclass(frozen=True, slots=True)
class GuestContact:
    """A person without an account: the name they gave, their language, and one address, as Resident stores it."""

    name: str
    language: str
    email: str = ""
    phone: str = ""
    contact_channel: str = ""
    contact_address: str = ""


@transaction.atomic
def book(
    time: BookableTime,
    person: GuestContact | Resident,
    *,
    how: str,
    interpreting: str = "",
    by: User | None = None,
    idempotency_key: str = "",
    accept_waiting_list: bool = False,
) -> Registration:
    """Book a time for a person, or put them on the waiting list if they accepted that.

    by: the signed-in resident or member of staff; None for a person without an account, who may have at most three
    appointments. What such a person types proves nothing, so the refusal does not reveal what exists.
    idempotency_key: submitting the same form twice books once. Raises `Refused`.
    """
    slot = _get_or_create_slot(time)
    offering = Offering.objects.locked(slot.offering_id)[slot.offering_id]
    if offering.is_cancelled:  # since the slot was read
        raise Refused(GONE)
    if idempotency_key and (existing := offering.registrations.filter(idempotency_key=idempotency_key).first()):
        return existing
    if isinstance(person, GuestContact):
        if by is None:
            _refuse_too_many_bookings(person, offering)
        person = Resident.objects.create(**asdict(person))
    return registration.register(
        person,
        offering,
        by=by,
        needs=AppointmentNeeds(how=how, interpreting=interpreting),
        idempotency_key=idempotency_key,
        accept_waiting_list=accept_waiting_list,
    )


def _get_or_create_slot(time: BookableTime) -> Slot:
    """Return the slot for a time, creating it on the first request. Raises `Refused` if the desk no longer offers it.

    Creation locks the roster, so that nobody can remove the hours or create an overlapping slot at the same time.
    """
    slots = Slot.objects.overlapping(time.starts_at, time.ends_at).filter(hours__public_id=time.hours)
    same = slots.filter(starts_at=time.starts_at, ends_at=time.ends_at)
    if taken := same.filter(offering__registrations__in=Registration.objects.active()).first():
        return taken
    lock_roster()
    now_offered = find_bookable_time(time.hours, time.at)
    if now_offered is None or now_offered.ends_at != time.ends_at:
        raise Refused(GONE)
    if slot := same.first():
        return slot
    _remove_empty_slots(list(slots))
    offering = Offering.objects.create(
        programme=PROGRAMME,
        capacity=CAPACITY,
        waiting_limit=WAITING_LIMIT,
        offer_hours=OFFER_HOURS,
        is_one_meeting=True,
        starts_at=time.starts_at,
        ends_at=time.ends_at,
    )
    return Slot.objects.create(
        offering=offering,
        hours=DeskHours.objects.get(public_id=time.hours),
        starts_at=time.starts_at,
        ends_at=time.ends_at,
        service=now_offered.service,
        language=now_offered.language,
        modes=list(now_offered.modes),
    )


def _remove_empty_slots(slots: list[Slot]) -> None:
    """Make room for a slot of another length by removing slots that are no longer taken.

    Raises `Refused` if someone has just registered for one. The caller must hold the roster lock.
    """
    locked = Offering.objects.locked(*(slot.offering_id for slot in slots))
    if any(offering.registrations.active().exists() for offering in locked.values()):
        raise Refused(GONE)
    _cancel_slots(slots, by=None)


def _refuse_too_many_bookings(person: GuestContact, offering: Offering) -> None:
    """Refuse a contact address that already has the maximum, or the same name at an overlapping time."""
    upcoming = Registration.objects.active().filter(
        offering__programme=PROGRAMME, offering__starts_at__gt=timezone.now(), resident__user__isnull=True
    )
    same_contact = upcoming.filter(
        resident__email__iexact=person.email,
        resident__phone=person.phone,
        resident__contact_channel=person.contact_channel,
        resident__contact_address=person.contact_address,
    )
    rows = list(same_contact.select_related("offering", "resident"))
    overlaps_own = any(
        search_key(row.resident.name) == search_key(person.name)
        and row.offering.starts_at < offering.ends_at
        and offering.starts_at < row.offering.ends_at
        for row in rows
    )
    if len(rows) >= MAX_WITHOUT_ACCOUNT or overlaps_own:
        raise Refused(_("We cannot book another appointment for you. Use the link in our last message or speak to us."))


@transaction.atomic
def change_time(row: Registration, time: BookableTime, *, by: User | None = None) -> Registration:
    """Move a booking or a waiting-list place to another time. Raises `Refused` if that time is taken."""
    slot = _get_or_create_slot(time)
    needs = AppointmentNeeds.from_json(row.needs)
    if needs.how not in slot.modes:
        row.needs = replace(needs, how=slot.modes[0]).to_json()
        Registration.objects.filter(pk=row.pk).update(needs=row.needs)
    return registration.move_to(row, slot.offering, by=by)


class WouldCancelAppointments(Refused):
    """The change would cancel appointments that the member of staff has not confirmed. `rows` lists them."""

    def __init__(self, rows: list[Registration]):
        self.rows = rows
        super().__init__(
            pgettext(
                "staff", "This change will cancel the appointments below. To go ahead, select the same button again."
            )
        )


def cancel_slots_outside_hours(*, by: User | None, agreed: Collection[str] | None = None) -> int:
    """Cancel every future slot that the timetable no longer covers, and return how many.

    Everyone who was booked or waiting is notified and can choose another time. The caller must hold the roster lock.
    agreed: public ids of the registrations that the member of staff has seen and confirmed; raises
    `WouldCancelAppointments` if others would be cancelled. None cancels without confirmation.
    """
    upcoming = Slot.objects.not_cancelled().filter(starts_at__gt=timezone.now())
    slots = list(upcoming.select_related("offering", "hours"))
    covered = slot_ids_within_hours(slots)
    lost = [slot for slot in slots if slot.pk not in covered]
    if agreed is not None:
        rows = Registration.objects.active().filter(offering__slot__in=lost).select_related("resident", "offering")
        rows = list(rows.order_by("offering__starts_at", "pk"))
        if any(row.public_id not in agreed for row in rows):
            raise WouldCancelAppointments(rows)
    _cancel_slots(lost, by)
    return len(lost)


def _cancel_slots(slots: Iterable[Slot], by: User | None) -> None:
    Offering.objects.locked(*(slot.offering_id for slot in slots))
    for slot in slots:
        registration.cancel_offering(slot.offering, by=by)
        slot.hours = None
        slot.save(update_fields=["hours"])
