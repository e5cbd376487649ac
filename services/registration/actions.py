"""The actions of registration, the same for everything that has a limited number of places.

Each action locks the offering's row first, then counts, then writes: counting before locking gives places away twice.
If two offerings are concerned, both are locked, in the order of their keys. The audit chain is locked last.
"""

import datetime
import hashlib
import secrets

from django.db import transaction
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
    outside the registration period, if the resident is already registered or has a place elsewhere at that time, and if
    places and waiting list are full.
    """
    offering = _lock_offering(offering)
    if idempotency_key and (before := offering.registrations.filter(idempotency_key=idempotency_key).first()):
        return before
    _refuse_if_closed(offering)
    if offering.registrations.active().filter(resident=resident).exists():
        raise Refused(_("You have already registered for this."))
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


def _refuse_overlap(resident: Resident, offering: Offering, *, but: Registration | None = None) -> None:
    """Refuse two meetings at the same time. Locks the resident, who may be registering for the other one right now."""
    if not offering.is_one_meeting:
        return
    Resident.objects.select_for_update().get(pk=resident.pk)
    others = Registration.objects.filter(
        resident=resident,
        state=RegistrationState.PLACED,
        offering__is_one_meeting=True,
        offering__starts_at__lt=offering.ends_at,
        offering__ends_at__gt=offering.starts_at,
    )
    if others.exclude(pk=but.pk if but else None).exists():
        raise Refused(_("You already have another booking with us at that time."))


def _state_for(offering: Offering, party_size: int) -> RegistrationState:
    """Return the state of a registration made now, or refuse it. The offering must be locked."""
    if party_size > offering.capacity:
        text = ngettext(
            "There is only room for %(count)s person.",
            "There is only room for %(count)s people.",
            offering.capacity,
        )
        raise Refused(text % {"count": offering.capacity})
    if offering.waits_for_draw:
        return RegistrationState.APPLIED
    _expire_overdue_offers(offering)
    _offer_freed_places(offering)  # parties that still wait after this do not fit
    if offering.held() + party_size <= offering.capacity:
        return RegistrationState.PLACED
    if offering.is_waiting_list_open():
        return RegistrationState.WAITING
    raise Refused(_("All places are taken."))


@transaction.atomic
def accept(registration: Registration, *, by: User | None = None) -> Registration:
    """Accept an offered place. Accepting twice changes nothing; refused once the place is no longer reserved."""
    registration = _lock_registration(registration)
    if registration.state == RegistrationState.PLACED:
        return registration
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
    _end_registration(registration, by, "cancelled_by_centre" if for_centre else "cancelled")
    _offer_freed_places(registration.offering)
    return registration


@transaction.atomic
def change_party(registration: Registration, party_size: int, *, by: User | None = None) -> Registration:
    """Change the number of people; the turn on the waiting list stays. Refused if there is not enough room."""
    registration = _lock_registration(registration)
    offering = registration.offering
    if registration.has_ended or offering.has_begun():
        raise Refused(_("This booking can no longer be changed."))
    others = offering.held() - registration.party_size if registration.state in HOLDING_A_PLACE else 0
    if others + party_size > offering.capacity:
        room = offering.capacity - others
        text = ngettext("There is only room for %(count)s person.", "There is only room for %(count)s people.", room)
        raise Refused(text % {"count": room})
    if party_size != registration.party_size:
        registration.party_size = party_size
        registration.save(update_fields=["party_size"])
        record(by, "registration.change_party", registration, fields=["party_size"], changes=False)
        _offer_freed_places(offering)
    return registration


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
    if new.registrations.active().filter(resident=registration.resident).exists():
        raise Refused(_("You have already registered for this."))
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


@transaction.atomic
def offer_freed_places(offering: Offering, *, by: User | None = None) -> int:
    """Offer free places to the first waiting parties that fit, in the order of the list; return how many offers."""
    offering = _lock_offering(offering)
    _expire_overdue_offers(offering)
    return _offer_freed_places(offering)


def _offer_freed_places(offering: Offering) -> int:
    if offering.is_cancelled or offering.has_begun() or offering.waits_for_draw:
        return 0
    offers, free = 0, offering.capacity - offering.held()
    for registration in offering.registrations.waiting().select_related("resident"):
        if free <= 0:
            break
        if registration.party_size <= free:
            free -= registration.party_size
            registration.offering = offering
            _set_state(registration, RegistrationState.OFFERED)
            record(None, "registration.offer", registration, changes=False)
            _notify_registrant(registration, "offered")
            offers += 1
    return offers


def expire_offers() -> int:
    """End overdue offers and offer the places to the next parties; return how many offerings had one."""
    keys = sorted(set(Registration.objects.overdue().values_list("offering", flat=True)))
    for key in keys:
        offer_freed_places(Offering(pk=key))
    return len(keys)


def _expire_overdue_offers(offering: Offering) -> None:
    for registration in offering.registrations.overdue().select_related("resident"):
        registration.offering = offering
        _set_state(registration, RegistrationState.EXPIRED)
        record(None, "registration.expire", registration, changes=False)
        _notify_registrant(registration, "expired")


@transaction.atomic
def draw(offering: Offering, *, by: User | None, seed: str = "") -> Offering:
    """Hold the draw, once. Refused while registration is open, and a second time.

    The order is that of SHA-256 over the seed and each public id, so anyone who is given both can repeat the draw.
    seed: only to repeat a draw; otherwise a random one is generated now. Each party that still fits gets a place. The
    others join the waiting list in the order of the draw or, if it is full, are not selected.
    """
    offering = _lock_offering(offering)
    if offering.selection != AllocationMethod.LOTTERY or offering.drawn_at:
        raise Refused(pgettext("staff", "The draw has already been held."))
    if offering.closes_at and timezone.now() < offering.closes_at:
        raise Refused(pgettext("staff", "Registration is still open. Hold the draw after it closes."))
    offering.seed, offering.drawn_at = seed or secrets.token_hex(16), timezone.now()
    offering.save(update_fields=["seed", "drawn_at"])
    record(by, "registration.draw", offering, fields=["seed", "drawn_at"], changes=False)
    applied = offering.registrations.filter(state=RegistrationState.APPLIED).select_related("resident")
    free = offering.capacity
    for position, registration in enumerate(
        sorted(applied, key=lambda row: lot_number(offering.seed, row.public_id)), start=1
    ):
        registration.offering, registration.drawn_as = offering, position
        if registration.party_size <= free:
            free -= registration.party_size
            state = RegistrationState.PLACED
        elif offering.is_waiting_list_open():
            state = RegistrationState.WAITING
        else:
            state = RegistrationState.NOT_DRAWN
        _set_state(registration, state)
        _notify_registrant(registration, _MESSAGE_KINDS[state])
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
def record_attendance(registration: Registration, attended: bool | None, *, by: User) -> Registration:
    """Record whether the person attended; None clears it. Refused before the start, and for those without a place."""
    registration = _lock_registration(registration)
    if registration.state != RegistrationState.PLACED or not registration.offering.has_begun():
        raise Refused(pgettext("staff", "You can only record attendance after the start time."))
    registration.attended = attended
    registration.save(update_fields=["attended"])
    record(by, "registration.note_attendance", registration, fields=["attended"], changes=False)
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


def _notify_registrant(registration: Registration, event: str) -> None:
    """Write to the person, and schedule a reminder if they have a place now; otherwise cancel the reminder."""
    if registration.state == RegistrationState.PLACED:
        _schedule_reminder(registration)
    else:
        cancel_reminder(DAY_BEFORE, registration)
    write_message(registration, event)


def write_message(registration: Registration, event: str, *, idempotency_key: str = "") -> None:
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
            context={"sequence": str(registration.sequence)},
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
