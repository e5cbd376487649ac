"""The actions of registration, the same for everything that has a limited number of places.

Each action locks the offering's row first, then counts, then writes: counting before locking gives places away twice.
If two offerings are concerned, both are locked, in the order of their keys. The audit chain is locked last.
"""

import datetime
import hashlib
import secrets
from collections.abc import Collection

from django.db import transaction
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext, pgettext

from services.accounts.actions import extend_retention
from services.accounts.models import Resident, User
from services.audit.trail import record
from services.base.refusals import Refused
from services.base.states import transition
from services.messaging.kinds import MESSAGE_KINDS
from services.messaging.outbox import notify, preferred_channel
from services.messaging.reminders import cancel_reminder, days_before, schedule_reminder
from services.registration.message_kinds import DAY_BEFORE, event_folder
from services.registration.models import (
    ENDED_STATES,
    HOLDING_A_PLACE,
    AllocationMethod,
    Offering,
    Registration,
    RegistrationState,
    offer_ends,
)
from services.registration.needs import RegistrationNeeds

REMINDER_TIME = datetime.time(10)  # on the day before
MUST_BE_SENT = {"offered", "cancelled_by_centre"}
# The message that tells somebody about a new state: the end of its kind and of its folder of templates.
_MESSAGE_KINDS = {
    RegistrationState.PLACED: "booked",
    RegistrationState.WAITING: "waiting",
    RegistrationState.APPLIED: "applied",
    RegistrationState.NOT_DRAWN: "not_drawn",
}


@transaction.atomic
def register(
    resident: Resident,
    offering: Offering,
    *,
    by: User | None = None,
    party_size: int = 1,
    needs: RegistrationNeeds | None = None,
    idempotency_key: str = "",
    accept_waiting_list: bool = True,
) -> Registration:
    """Register a party: give it a place, or put it on the waiting list or into the draw. Tells the resident which.

    by: who acts, or None for the resident. idempotency_key: sending the same form again returns the same registration.
    accept_waiting_list: False if the resident was shown a free place and not asked whether they would wait. Refused
    outside the registration period, if the person is already registered or has a place elsewhere at that time, and if
    places and waiting list are full.
    """
    offering = _lock_offering(offering)
    if idempotency_key and (before := offering.registrations.filter(idempotency_key=idempotency_key).first()):
        return before
    _refuse_if_closed(offering)
    _lock_people(offering, resident)
    _expire_overdue_offers(offering)
    _refuse_second_registration(resident, offering, by)
    _refuse_overlap(resident, offering)
    state = _state_for(offering, party_size)
    if state == RegistrationState.WAITING and not accept_waiting_list:
        raise Refused(
            _("Someone else has just booked this time. You can join the waiting list or choose another time.")
        )
    registration = Registration(
        offering=offering,
        resident=resident,
        party_size=party_size,
        needs=needs.to_json() if needs else {},
        idempotency_key=idempotency_key or None,
        state=state,
    )
    registration.save()
    extend_retention(resident, offering.ends_at)
    record(by, "registration.register", registration, changes=False)
    _notify_registrant(registration, _MESSAGE_KINDS[registration.state])
    return registration


def _lock_offering(offering: Offering) -> Offering:
    return Offering.objects.select_for_update().get(pk=offering.pk)


def _refuse_if_closed(offering: Offering) -> None:
    now = timezone.now()
    if offering.is_cancelled:
        raise Refused(_("This appointment or event has been cancelled."))
    if offering.has_begun():
        raise Refused(_("This appointment or event has already started."))
    if offering.opens_at and now < offering.opens_at:
        raise Refused(_("Registration has not opened yet. Please come back later."))
    if offering.closes_at and now >= offering.closes_at:
        raise Refused(_("Registration has closed."))


def _lock_people(offering: Offering, *residents: Resident) -> None:
    """Lock these residents and everybody who waits for the offering, who may be getting another place right now.

    All at once and by primary key: two transactions that locked them one by one could wait for each other for ever.
    """
    if offering.is_one_meeting:
        waits = Q(registrations__in=offering.registrations.active().exclude(state=RegistrationState.PLACED))
        keys = set(Resident.objects.filter(waits).values_list("pk", flat=True)) | {it.pk for it in residents}
        list(Resident.objects.select_for_update().filter(pk__in=keys).order_by("pk"))


def _refuse_second_registration(resident: Resident, offering: Offering, by: User | None) -> None:
    """Refuse to register one person twice, whether by the same account or by the same name and address.

    A stranger can type anybody's name and address, so without an account the refusal does not say who is registered.
    """
    rows = offering.registrations.active().of_the_same_person(resident)
    if not rows:
        return
    is_known = by or resident.user_id or any(row.resident_id == resident.pk for row in rows)
    if not is_known:
        raise Refused(_("We cannot accept this registration. Use the link in our last message or speak to us."))
    raise Refused(_("You have already registered for this."))


def _refuse_overlap(resident: Resident, offering: Offering, *, but: Registration | None = None) -> None:
    """Refuse two meetings at the same time. The resident must be locked: they may be registering for the other now."""
    if _is_busy(resident, offering, but=but):
        raise Refused(_("You already have another booking with us at that time."))


def _is_busy(resident: Resident, offering: Offering, *, but: Registration | None = None) -> bool:
    """Whether a resident has a place in another meeting while this one takes place."""
    if not offering.is_one_meeting:
        return False
    others = Registration.objects.filter(
        resident=resident,
        state=RegistrationState.PLACED,
        offering__is_one_meeting=True,
        offering__starts_at__lt=offering.ends_at,
        offering__ends_at__gt=offering.starts_at,
    )
    return others.exclude(pk=but.pk if but else None).exists()


def _state_for(offering: Offering, party_size: int) -> RegistrationState:
    """Return the state of a registration made now, or refuse it. The offering and the people must be locked."""
    needed = offering.places_for(party_size)
    if offering.capacity:  # without places there is a waiting list only
        _refuse_if_too_large(needed, offering.capacity)
    if offering.waits_for_draw:
        return RegistrationState.APPLIED
    _offer_freed_places(offering)  # parties that still wait after this do not fit
    if offering.held() + needed <= offering.capacity:
        return RegistrationState.PLACED
    if offering.is_waiting_list_open():
        return RegistrationState.WAITING
    raise Refused(_("All places are taken."))


def _refuse_if_too_large(needed: int, room: int) -> None:
    if needed <= room:
        return
    if room <= 0:
        raise Refused(_("All places are taken."))
    text = ngettext("There is only room for %(count)s person.", "There is only room for %(count)s people.", room)
    raise Refused(text % {"count": room})


@transaction.atomic
def accept(registration: Registration, *, by: User | None = None) -> Registration:
    """Accept an offered place. Accepting twice changes nothing; refused once the place is no longer reserved."""
    registration = _lock_registration(registration)
    if registration.state == RegistrationState.PLACED:
        return registration
    _lock_people(registration.offering, registration.resident)
    if registration.state != RegistrationState.OFFERED or registration.offered_until <= timezone.now():
        raise Refused(_("This place is no longer reserved for you."))
    _refuse_overlap(registration.resident, registration.offering, but=registration)
    _set_state(registration, RegistrationState.PLACED)
    record(by, "registration.accept", registration, changes=False)
    _notify_registrant(registration, "booked")
    return registration


@transaction.atomic
def decline(registration: Registration, *, by: User | None = None) -> Registration:
    """Decline an offered place and offer it to the next party. Declining twice changes nothing."""
    registration = _lock_registration(registration)
    if registration.state == RegistrationState.DECLINED:
        return registration
    if registration.state != RegistrationState.OFFERED:
        raise Refused(_("This place is no longer reserved for you."))
    _lock_people(registration.offering)
    _set_state(registration, RegistrationState.DECLINED)
    record(by, "registration.decline", registration, changes=False)
    _offer_freed_places(registration.offering)
    return registration


@transaction.atomic
def cancel(registration: Registration, *, by: User | None = None, for_centre: bool = False) -> Registration:
    """Cancel a registration, tell the person and offer the place to the next party. Refused after the start.

    A registration that has ended stays as it is. for_centre: the centre cancels, and not the person or someone on
    their behalf.
    """
    registration = _lock_registration(registration)
    if registration.has_ended:
        return registration
    if registration.offering.has_begun():
        raise Refused(_("This appointment or event has already started."))
    _lock_people(registration.offering)
    _end_registration(registration, by, "cancelled_by_centre" if for_centre else "cancelled")
    _offer_freed_places(registration.offering)
    return registration


@transaction.atomic
def change_party(registration: Registration, party_size: int, *, by: User | None = None) -> Registration:
    """Change the number of people; the turn on the waiting list stays. The person is told if somebody else changes it.

    Fewer people are always possible. Refused if there is not enough room for more.
    """
    registration = _lock_registration(registration)
    offering = registration.offering
    if registration.has_ended or offering.has_begun():
        raise Refused(_("This booking can no longer be changed."))
    if party_size == registration.party_size:
        return registration
    if party_size > registration.party_size:
        _refuse_larger_party(registration, party_size)
    _lock_people(offering)
    registration.party_size = party_size
    registration.sequence += 1
    registration.save(update_fields=["party_size", "sequence"])
    record(by, "registration.change_party", registration, fields=["party_size"], changes=False)
    if by and registration.resident and registration.resident.user_id != by.pk:
        _notify_registrant(registration, "changed")
    _offer_freed_places(offering)
    return registration


def _refuse_larger_party(registration: Registration, party_size: int) -> None:
    """Refuse if the party does not fit beside those who have a place, or, while it waits, into the whole offering."""
    offering, others = registration.offering, 0
    if registration.state in HOLDING_A_PLACE:
        others = offering.held() - offering.places_for(registration.party_size)
    elif not offering.capacity:
        return
    _refuse_if_too_large(offering.places_for(party_size), offering.capacity - others)


@transaction.atomic
def move_to(registration: Registration, offering: Offering, *, by: User | None = None) -> Registration:
    """Move a registration to another offering that has a free place. The old place is then offered to the next party.

    Refused if the other offering has no free place: nobody joins a waiting list by moving.
    """
    locked = Offering.objects.locked(registration.offering_id, offering.pk)
    registration = Registration.objects.select_related("resident").get(pk=registration.pk)
    if registration.offering_id == offering.pk:
        return registration
    old, new = locked.get(registration.offering_id), locked[offering.pk]
    if old is None or registration.has_ended or old.has_begun():
        raise Refused(_("This booking can no longer be changed."))
    _refuse_if_closed(new)
    _lock_people(new, registration.resident, *_waiting_people(old))
    _expire_overdue_offers(new)
    _refuse_second_registration(registration.resident, new, by)
    _refuse_overlap(registration.resident, new, but=registration)
    if _state_for(new, registration.party_size) != RegistrationState.PLACED:
        raise Refused(_("This time has already been booked. Choose another one."))
    registration.offering, registration.idempotency_key = new, None
    _set_state(registration, RegistrationState.PLACED)
    extend_retention(registration.resident, new.ends_at)
    record(by, "registration.move", registration, fields=["offering"], changes=False)
    _notify_registrant(registration, "changed")
    _offer_freed_places(old)
    return registration


def _waiting_people(offering: Offering) -> list[Resident]:
    return [row.resident for row in offering.registrations.waiting().select_related("resident") if row.resident]


@transaction.atomic
def reschedule(
    offering: Offering,
    starts_at: datetime.datetime,
    ends_at: datetime.datetime,
    *,
    by: User | None,
    agreed: Collection[str] = (),
) -> Offering:
    """Move an offering to another time, with all its registrations, and tell everybody once.

    Reminders move with it, calendar entries get a higher SEQUENCE, and no offer outlives the new start. Refused after
    the start, if the offering is cancelled, and if the new time is in the past. Raises `WouldOverlap` if somebody has
    a place in another meeting at the new time, unless `agreed` holds the public id of their registration: it is then
    cancelled, and they are told.
    """
    offering = _lock_offering(offering)
    _refuse_new_time(offering, starts_at)
    if (offering.starts_at, offering.ends_at) == (starts_at, ends_at):
        return offering
    offering.starts_at, offering.ends_at = starts_at, ends_at
    offering.save(update_fields=["starts_at", "ends_at"])
    record(by, "registration.reschedule", offering, fields=["starts_at", "ends_at"], changes=False)
    everybody = list(offering.registrations.active().select_related("resident"))
    _lock_people(offering, *(row.resident for row in everybody if row.resident))
    busy = set(offering.registrations.filter(state=RegistrationState.PLACED).busy_elsewhere())
    if any(row.public_id not in agreed for row in busy):
        raise WouldOverlap(sorted(busy, key=lambda row: row.pk))
    for registration in everybody:
        registration.offering = offering
        if registration in busy:
            _end_registration(registration, by, "cancelled_by_centre")
        else:
            _move_with_offering(registration)
    _offer_freed_places(offering)
    return offering


class WouldOverlap(Refused):
    """Some people have another meeting at the new time, and the user has not agreed to cancel theirs here (`rows`)."""

    def __init__(self, rows: list[Registration]):
        self.rows = rows
        text = pgettext("staff", "The people below have another booking at the new time. To go ahead without them, "
                        "select the same button again.")  # fmt: skip
        super().__init__(text)


def _refuse_new_time(offering: Offering, starts_at: datetime.datetime) -> None:
    if offering.is_cancelled:
        raise Refused(_("This appointment or event has been cancelled."))
    if offering.has_begun():
        raise Refused(_("This appointment or event has already started."))
    if starts_at <= timezone.now():
        raise Refused(pgettext("staff", "The new time is in the past. Choose a later time."))


def _move_with_offering(registration: Registration) -> None:
    deadline = registration.offered_until
    _set_state(registration, registration.state)
    if deadline:  # being moved does not give more time to answer
        registration.offered_until = min(deadline, registration.offered_until)
        registration.save(update_fields=["offered_until"])
    if registration.resident:
        extend_retention(registration.resident, registration.offering.ends_at)
    _notify_registrant(registration, "changed")


@transaction.atomic
def change_capacity(offering: Offering, capacity: int, *, by: User | None) -> Offering:
    """Change the number of places. New places are offered to the waiting list at once, in its order.

    Nobody loses a place if there are fewer: `Offering.excess` says how many there are too many. Refused if cancelled.
    """
    offering = _lock_offering(offering)
    if offering.is_cancelled:
        raise Refused(_("This appointment or event has been cancelled."))
    if capacity == offering.capacity:
        return offering
    offering.capacity = capacity
    offering.save(update_fields=["capacity"])
    record(by, "registration.change_capacity", offering, fields=["capacity"], changes=False)
    _lock_people(offering)
    _expire_overdue_offers(offering)
    _offer_freed_places(offering)
    return offering


@transaction.atomic
def offer_freed_places(offering: Offering, *, by: User | None = None) -> int:
    """Offer free places to the first waiting parties that fit, in the order of the list; return how many offers."""
    offering = _lock_offering(offering)
    _lock_people(offering)
    _expire_overdue_offers(offering)
    return _offer_freed_places(offering)


def _offer_freed_places(offering: Offering) -> int:
    """Offer what is free to those who can take it. The offering and the people who wait must be locked."""
    if offering.is_cancelled or offering.has_begun() or offering.waits_for_draw:
        return 0
    offers, free = 0, offering.capacity - offering.held()
    busy = set(offering.registrations.waiting().busy_elsewhere().values_list("pk", flat=True)) if free > 0 else set()
    for registration in offering.registrations.waiting().select_related("resident") if free > 0 else ():
        needed = offering.places_for(registration.party_size)
        if needed <= free and registration.pk not in busy:
            free -= needed
            registration.offering = offering
            _set_state(registration, RegistrationState.OFFERED)
            record(None, "registration.offer", registration, changes=False)
            _notify_registrant(registration, "offered")
            offers += 1
    return offers


def expire_offers() -> int:
    """End overdue offers and offer free places to the next parties; return how many offerings had one.

    Also looks at free places that nobody who waited could take: they may have cancelled their other booking since.
    """
    offered = Registration.objects.filter(state=RegistrationState.OFFERED)
    keys = set(Registration.objects.overdue().values_list("offering", flat=True))
    keys |= set(offered.busy_elsewhere().values_list("offering", flat=True))
    keys |= set(Offering.objects.with_free_places_and_a_list().values_list("pk", flat=True))
    for key in sorted(keys):
        offer_freed_places(Offering(pk=key))
    return len(keys)


def _expire_overdue_offers(offering: Offering) -> None:
    """End the offers that nobody answered in time, and put back on the list those who took another place meanwhile."""
    for registration in offering.registrations.overdue().select_related("resident"):
        registration.offering = offering
        _set_state(registration, RegistrationState.EXPIRED)
        record(None, "registration.expire", registration, changes=False)
        _notify_registrant(registration, "expired")
    offered = offering.registrations.filter(state=RegistrationState.OFFERED).select_related("resident")
    for registration in offered.busy_elsewhere():
        registration.offering = offering
        _set_state(registration, RegistrationState.WAITING)
        record(None, "registration.withdraw_offer", registration, changes=False)


@transaction.atomic
def draw(offering: Offering, *, by: User | None, seed: str = "") -> Offering:
    """Hold the draw, once. Refused while registration is open, after the start, and a second time.

    The order is that of SHA-256 over the seed and each public id, so anyone who is given both can repeat the draw.
    seed: only to repeat a draw; otherwise a random one is generated now. Each party that still fits gets a place. The
    others join the waiting list in the order of the draw or, if it is full, are not selected. Those who have got a
    place in another meeting at the same time are not selected, and are told why (`because` in the message's context).
    """
    offering = _lock_offering(offering)
    if offering.selection != AllocationMethod.LOTTERY or offering.drawn_at:
        raise Refused(pgettext("staff", "The draw has already been held."))
    if offering.closes_at and timezone.now() < offering.closes_at:
        raise Refused(pgettext("staff", "Registration is still open. Hold the draw after it closes."))
    if offering.is_cancelled:
        raise Refused(_("This appointment or event has been cancelled."))
    if offering.has_begun():
        raise Refused(_("This appointment or event has already started."))
    offering.seed, offering.drawn_at = seed or secrets.token_hex(16), timezone.now()
    offering.save(update_fields=["seed", "drawn_at"])
    record(by, "registration.draw", offering, fields=["seed", "drawn_at"], changes=False)
    _lock_people(offering)
    applied = offering.registrations.filter(state=RegistrationState.APPLIED).select_related("resident")
    busy = set(applied.busy_elsewhere().values_list("pk", flat=True))
    free = offering.capacity
    for position, registration in enumerate(
        sorted(applied, key=lambda row: lot_number(offering.seed, row.public_id)), start=1
    ):
        registration.offering, registration.drawn_as = offering, position
        needed = offering.places_for(registration.party_size)
        if registration.pk in busy:
            state = RegistrationState.NOT_DRAWN
        elif needed <= free:
            free -= needed
            state = RegistrationState.PLACED
        elif offering.is_waiting_list_open():
            state = RegistrationState.WAITING
        else:
            state = RegistrationState.NOT_DRAWN
        _set_state(registration, state)
        _notify_registrant(registration, _MESSAGE_KINDS[state], because="busy" if registration.pk in busy else "")
    return offering


def lot_number(seed: str, public_id: str) -> str:
    """Return the hash that decides the order of the draw: the smallest comes first."""
    return hashlib.sha256(f"{seed}:{public_id}".encode()).hexdigest()


@transaction.atomic
def cancel_offering(offering: Offering, *, by: User | None) -> Offering:
    """Cancel an offering and every active registration, and tell all these people. Doing it twice changes nothing."""
    offering = _lock_offering(offering)
    if offering.is_cancelled:
        return offering
    offering.is_cancelled = True
    offering.save(update_fields=["is_cancelled"])
    record(by, "registration.call_off", offering, fields=["is_cancelled"], changes=False)
    for registration in offering.registrations.active().select_related("resident"):
        registration.offering = offering
        _end_registration(registration, by, "cancelled_by_centre")
    return offering


@transaction.atomic
def record_attendance(registration: Registration, attendees: int | None, *, by: User) -> Registration:
    """Record how many of the party came; None clears it. Recording the same number again changes nothing.

    Refused before the start, for those without a place, and for more people than the party has: others register anew.
    """
    registration = _lock_registration(registration)
    if registration.state != RegistrationState.PLACED or not registration.offering.has_begun():
        raise Refused(pgettext("staff", "You can only record attendance after the start time."))
    if attendees is not None and not 0 <= attendees <= registration.party_size:
        raise Refused(pgettext("staff", "The number of people who came must be from 0 to the number registered."))
    if attendees == registration.attendees:
        return registration
    registration.attendees = attendees
    registration.save(update_fields=["attendees"])
    record(by, "registration.note_attendance", registration, fields=["attendees"], changes=False)
    return registration


def _lock_registration(registration: Registration) -> Registration:
    """Lock the registration's offering, then return the current row, even if it has just moved to another offering."""
    offering = _lock_offering(registration.offering)
    row = Registration.objects.select_related("resident").get(pk=registration.pk)
    if row.offering_id != offering.pk:
        return _lock_registration(row)
    row.offering = offering
    return row


def _end_registration(registration: Registration, by: User | None, event: str) -> None:
    _set_state(registration, RegistrationState.CANCELLED)
    record(by, "registration.cancel", registration, changes=False)
    _notify_registrant(registration, event)


def _set_state(registration: Registration, state: RegistrationState) -> None:
    """Change the state together with everything that it implies: the deadline, the end and the calendar sequence."""
    if registration.state != state:
        transition(registration, state)
    registration.offered_until = offer_ends(registration.offering) if state == RegistrationState.OFFERED else None
    registration.ended_at = timezone.now() if state in ENDED_STATES else None
    registration.sequence += 1
    registration.save()


def _notify_registrant(registration: Registration, event: str, *, because: str = "") -> None:
    """Write to the person, and schedule a reminder if they have a place now; otherwise cancel the reminder."""
    if registration.state == RegistrationState.PLACED:
        _schedule_reminder(registration)
    else:
        cancel_reminder(DAY_BEFORE, registration)
    write_message(registration, event, because=because)


def write_message(registration: Registration, event: str, *, idempotency_key: str = "", because: str = "") -> None:
    """Write a message about a registration; its kind is the programme's name and the event.

    Someone with only a phone number, where no text messages are sent, was told by the member of staff who booked for
    them. MUST_BE_SENT events are written all the same: they fail, and so appear on the staff's list of failed messages.
    """
    resident = registration.resident
    if resident and (event in MUST_BE_SENT or preferred_channel(resident)[1]):
        notify(
            resident,
            MESSAGE_KINDS[event_folder(registration.offering.programme, event)],
            about=registration,
            idempotency_key=idempotency_key,
            # Never empty, so that two messages about one registration are never identical, however close together.
            context={"sequence": str(registration.sequence)} | ({"because": because} if because else {}),
        )


def reminder_time(offering: Offering) -> datetime.datetime | None:
    """Return when people are reminded; None if that time has passed, because they have just been told anyway."""
    at = days_before(offering.starts_at, 1, REMINDER_TIME)
    return at if at > timezone.now() else None


def _schedule_reminder(registration: Registration) -> None:
    if at := reminder_time(registration.offering):
        schedule_reminder(DAY_BEFORE, registration, at=at)
    else:
        cancel_reminder(DAY_BEFORE, registration)
