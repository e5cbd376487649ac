"""The verbs of registration, the same for everything that has places.

Each locks the offering's row first, then counts, then writes: counting before the lock sells places twice. Where two
offerings are concerned both are locked in one order; the trail's head comes last.
"""

import datetime
import hashlib
import secrets

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from services.accounts.actions import keep_until
from services.accounts.models import Resident, User
from services.audit.trail import record
from services.base.refusals import Refused
from services.base.states import move
from services.notices.actions.reminding import days_before, do_not_remind, remind
from services.notices.actions.telling import notify
from services.registration.models import (
    ENDED,
    HOLDING,
    Offering,
    Registration,
    RegistrationState,
    Selection,
    offer_ends,
)

REMINDER = "registration/reminder"
REMINDED_AT = datetime.time(10)  # the day before
# By which letter somebody hears where they stand; the folders of texts are named so.
_TOLD = {
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
    needs: dict | None = None,
    form_key: str = "",
    may_wait: bool = True,
) -> Registration:
    """Give the party a place, a turn on the waiting list, or a lot if a lottery decides. Tells them which.

    by: who acts, or None for the resident. form_key: the same form sent again is the same registration. may_wait:
    False for who was shown a free place and has not been asked whether they would wait. Refused outside the time for
    it, for who is registered already or has a place elsewhere at that time, and when all is full.
    """
    offering = _lock(offering)
    if form_key and (before := offering.registrations.filter(form_key=form_key).first()):
        return before
    _refuse_if_shut(offering)
    if offering.registrations.active().filter(resident=resident).exists():
        raise Refused(_("You are registered for this already."))
    _refuse_two_at_once(resident, offering)
    state = _state_for(offering, party_size)
    if state == RegistrationState.WAITING and not may_wait:
        raise Refused(_("Somebody has just taken it. You can wait for it, or choose another time."))
    registration = Registration(
        offering=offering,
        resident=resident,
        party_size=party_size,
        needs=needs or {},
        form_key=form_key or None,
        state=state,
    )
    registration.save()
    keep_until(resident, offering.ends_at)
    record(by, "registration.register", registration, changes=False)
    _tell(registration, _TOLD[registration.state])
    return registration


def _lock(offering: Offering) -> Offering:
    return Offering.objects.select_for_update().get(pk=offering.pk)


def _refuse_if_shut(offering: Offering) -> None:
    now = timezone.now()
    if offering.is_cancelled:
        raise Refused(_("This does not take place."))
    if offering.has_begun():
        raise Refused(_("This has already begun."))
    if offering.opens_at and now < offering.opens_at:
        raise Refused(_("You cannot register yet. Please come back later."))
    if offering.closes_at and now >= offering.closes_at:
        raise Refused(_("The time to register is over."))


def _refuse_two_at_once(resident: Resident, offering: Offering, *, but: Registration | None = None) -> None:
    """Nobody is in two places at once. Their row is locked: they may be registering for the other one just now."""
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
        raise Refused(_("You have something else with us at that time already."))


def _state_for(offering: Offering, party_size: int) -> RegistrationState:
    """What somebody gets who comes now, or the refusal. Only under the lock."""
    if party_size > offering.capacity:
        told = ngettext(
            "There is room for %(count)s person only.",
            "There is room for %(count)s people only.",
            offering.capacity,
        )
        raise Refused(told % {"count": offering.capacity})
    if offering.waits_for_draw:
        return RegistrationState.APPLIED
    _end_late_offers(offering)
    _pass_on(offering)  # whoever still waits after this does not fit in
    if offering.held() + party_size <= offering.capacity:
        return RegistrationState.PLACED
    if offering.is_waiting_list_open():
        return RegistrationState.WAITING
    raise Refused(_("All places are taken."))


@transaction.atomic
def accept(registration: Registration, *, by: User | None = None) -> Registration:
    """Take the place that was offered. Saying it twice changes nothing; refused when it is not kept any more."""
    registration = _locked(registration)
    if registration.state == RegistrationState.PLACED:
        return registration
    if registration.state != RegistrationState.OFFERED or registration.offered_until <= timezone.now():
        raise Refused(_("This place is not kept for you any more."))
    _refuse_two_at_once(registration.resident, registration.offering, but=registration)
    _move(registration, RegistrationState.PLACED)
    record(by, "registration.accept", registration, changes=False)
    _tell(registration, "booked")
    return registration


@transaction.atomic
def decline(registration: Registration, *, by: User | None = None) -> Registration:
    """Give an offered place back, so that it passes on. Saying it twice changes nothing."""
    registration = _locked(registration)
    if registration.state == RegistrationState.DECLINED:
        return registration
    if registration.state != RegistrationState.OFFERED:
        raise Refused(_("This place is not kept for you any more."))
    _move(registration, RegistrationState.DECLINED)
    record(by, "registration.decline", registration, changes=False)
    _pass_on(registration.offering)
    return registration


@transaction.atomic
def cancel(registration: Registration, *, by: User | None = None, for_centre: bool = False) -> Registration:
    """End it, tell the person, pass the place on. What has ended stays as it is. Refused once it has begun.

    for_centre: the centre cannot keep the place; else the person, or somebody for them, wants it no more.
    """
    registration = _locked(registration)
    if registration.has_ended:
        return registration
    if registration.offering.has_begun():
        raise Refused(_("This has already begun."))
    _end(registration, by, "cancelled_by_centre" if for_centre else "cancelled")
    _pass_on(registration.offering)
    return registration


@transaction.atomic
def change_party(registration: Registration, party_size: int, *, by: User | None = None) -> Registration:
    """More people, or fewer; who waits keeps their turn. Refused where there is no room for more."""
    registration = _locked(registration)
    offering = registration.offering
    if registration.has_ended or offering.has_begun():
        raise Refused(_("This cannot be changed any more."))
    others = offering.held() - registration.party_size if registration.state in HOLDING else 0
    if others + party_size > offering.capacity:
        room = offering.capacity - others
        told = ngettext("There is room for %(count)s person only.", "There is room for %(count)s people only.", room)
        raise Refused(told % {"count": room})
    if party_size != registration.party_size:
        registration.party_size = party_size
        registration.save(update_fields=["party_size"])
        record(by, "registration.change_party", registration, fields=["party_size"], changes=False)
        _pass_on(offering)
    return registration


@transaction.atomic
def move_to(registration: Registration, offering: Offering, *, by: User | None = None) -> Registration:
    """Take a place at another time instead. The old one is kept until the new one is sure, then it passes on.

    Refused where the other has no place: it has to be chosen, not waited for.
    """
    locked = Offering.objects.locked(registration.offering_id, offering.pk)
    registration = Registration.objects.select_related("resident").get(pk=registration.pk)
    if registration.offering_id == offering.pk:
        return registration
    old, new = locked.get(registration.offering_id), locked[offering.pk]
    if old is None or registration.has_ended or old.has_begun():
        raise Refused(_("This cannot be changed any more."))
    _refuse_if_shut(new)
    if new.registrations.active().filter(resident=registration.resident).exists():
        raise Refused(_("You are registered for this already."))
    _refuse_two_at_once(registration.resident, new, but=registration)
    if _state_for(new, registration.party_size) != RegistrationState.PLACED:
        raise Refused(_("This time is taken. Please choose another one."))
    registration.offering, registration.form_key = new, None
    _move(registration, RegistrationState.PLACED)
    keep_until(registration.resident, new.ends_at)
    record(by, "registration.move", registration, fields=["offering"], changes=False)
    _tell(registration, "changed")
    _pass_on(old)
    return registration


@transaction.atomic
def pass_on(offering: Offering, *, by: User | None = None) -> int:
    """Offer what is free to the first who wait and whose party fits, in order of application; how many were asked."""
    offering = _lock(offering)
    _end_late_offers(offering)
    return _pass_on(offering)


def _pass_on(offering: Offering) -> int:
    if offering.is_cancelled or offering.has_begun() or offering.waits_for_draw:
        return 0
    asked, free = 0, offering.capacity - offering.held()
    for registration in offering.registrations.waiting().select_related("resident"):
        if free <= 0:
            break
        if registration.party_size <= free:
            free -= registration.party_size
            registration.offering = offering
            _move(registration, RegistrationState.OFFERED)
            record(None, "registration.offer", registration, changes=False)
            _tell(registration, "offered")
            asked += 1
    return asked


def expire_offers() -> int:
    """End the offers that nobody answered in time, each place passed on; how many offerings had one."""
    late = Registration.objects.late().values_list("offering", flat=True)
    keys = sorted(set(late))
    for key in keys:
        pass_on(Offering(pk=key))
    return len(keys)


def _end_late_offers(offering: Offering) -> None:
    for registration in offering.registrations.late().select_related("resident"):
        registration.offering = offering
        _move(registration, RegistrationState.EXPIRED)
        record(None, "registration.expire", registration, changes=False)
        _tell(registration, "expired")


@transaction.atomic
def draw(offering: Offering, *, by: User | None, seed: str = "") -> Offering:
    """Let the lot decide, once. The order is that of SHA-256 over the seed and each public id, so that anybody who is
    given both can draw again; seed: only to repeat a draw, else it is made now from the system's randomness.

    Whose party fits gets a place, the others a turn on the waiting list in the order of the draw. Refused before
    registration has closed, and a second time.
    """
    offering = _lock(offering)
    if offering.selection != Selection.LOTTERY or offering.drawn_at:
        raise Refused(_("This lottery has been drawn already."))
    if offering.closes_at and timezone.now() < offering.closes_at:
        raise Refused(_("People can still register. Please draw afterwards."))
    offering.seed, offering.drawn_at = seed or secrets.token_hex(16), timezone.now()
    offering.save(update_fields=["seed", "drawn_at"])
    record(by, "registration.draw", offering, fields=["seed", "drawn_at"], changes=False)
    applied = offering.registrations.filter(state=RegistrationState.APPLIED).select_related("resident")
    free = offering.capacity
    for place, registration in enumerate(sorted(applied, key=lambda row: lot(offering.seed, row.public_id)), start=1):
        registration.offering, registration.drawn_as = offering, place
        if registration.party_size <= free:
            free -= registration.party_size
            state = RegistrationState.PLACED
        elif offering.is_waiting_list_open():
            state = RegistrationState.WAITING
        else:
            state = RegistrationState.NOT_DRAWN
        _move(registration, state)
        _tell(registration, _TOLD[state])
    return offering


def lot(seed: str, public_id: str) -> str:
    """What decides: the smaller goes first."""
    return hashlib.sha256(f"{seed}:{public_id}".encode()).hexdigest()


@transaction.atomic
def call_off(offering: Offering, *, by: User | None) -> Offering:
    """It does not take place: everybody who has, is offered, waits for or hopes for a place is told. Twice is once."""
    offering = _lock(offering)
    if offering.is_cancelled:
        return offering
    offering.is_cancelled = True
    offering.save(update_fields=["is_cancelled"])
    record(by, "registration.call_off", offering, fields=["is_cancelled"], changes=False)
    for registration in offering.registrations.active().select_related("resident"):
        registration.offering = offering
        _end(registration, by, "cancelled_by_centre")
    return offering


@transaction.atomic
def note_attendance(registration: Registration, came: bool | None, *, by: User) -> Registration:
    """Note who came and who did not; None takes it back. Refused before it has begun, and for who had no place."""
    registration = _locked(registration)
    if registration.state != RegistrationState.PLACED or not registration.offering.has_begun():
        raise Refused(_("This has not begun yet."))
    registration.came = came
    registration.save(update_fields=["came"])
    record(by, "registration.note_attendance", registration, fields=["came"], changes=False)
    return registration


def _locked(registration: Registration) -> Registration:
    """The registration as it is now, its offering locked. Who has moved to another meanwhile is found there."""
    offering = _lock(registration.offering)
    row = Registration.objects.select_related("resident").get(pk=registration.pk)
    if row.offering_id != offering.pk:
        return _locked(row)
    row.offering = offering
    return row


def _end(registration: Registration, by: User | None, event: str) -> None:
    _move(registration, RegistrationState.CANCELLED)
    record(by, "registration.cancel", registration, changes=False)
    _tell(registration, event)


def _move(registration: Registration, state: RegistrationState) -> None:
    """The one way to another state, with the facts that it implies, the reminder and the calendar's count."""
    if registration.state != state:
        move(registration, state)
    registration.offered_until = offer_ends(registration.offering) if state == RegistrationState.OFFERED else None
    registration.ended_at = timezone.now() if state in ENDED else None
    registration.sequence += 1
    registration.save()


def _tell(registration: Registration, event: str) -> None:
    """Write to the person; have them reminded the day before if they have a place now, and not if they have none."""
    if registration.state == RegistrationState.PLACED:
        _remind(registration)
    else:
        do_not_remind(REMINDER, registration)
    if registration.resident:
        notify(
            registration.resident,
            f"{registration.offering.programme}_{event}",
            about=registration,
            # Never empty: two letters about one registration are never the same text, however close together.
            context={"sequence": str(registration.sequence)},
        )


def _remind(registration: Registration) -> None:
    at = days_before(registration.offering.starts_at, 1, REMINDED_AT)
    if at > timezone.now():
        remind(REMINDER, registration, at=at)
    else:  # they have just been told
        do_not_remind(REMINDER, registration)
