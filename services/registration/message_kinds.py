"""The kinds of messages about registrations. Each programme has its own folders of templates, one for each event."""

from services.messaging.kinds import MessageKind, ReminderKind
from services.registration.models import ENDED_STATES, RegistrationState

ACTIVE_STATES = frozenset(RegistrationState) - frozenset(ENDED_STATES)
# Every event about which people are written to, with the states in which the message is still true: a message that
# waited for hours must not offer a place that has been answered.
VALID_STATES = {
    "applied": frozenset({RegistrationState.APPLIED}),
    "waiting": frozenset({RegistrationState.WAITING}),
    "offered": frozenset({RegistrationState.OFFERED}),
    "booked": frozenset({RegistrationState.PLACED}),
    "changed": ACTIVE_STATES,
    "reminder": frozenset({RegistrationState.PLACED}),
    "cancelled": frozenset(),
    "cancelled_by_centre": frozenset(),
    "expired": frozenset(),
    "not_drawn": frozenset(),
}

DAY_BEFORE = ReminderKind("registration/day_before")

KINDS = (DAY_BEFORE,)


def event_folder(programme: str, event: str) -> str:
    """Return the folder of templates for an event of a programme: `consultations/appointment_booked`."""
    return f"{programme}_{event}"


def programme_kinds(programme: str, *events: str) -> tuple[MessageKind, ...]:
    """Return the kinds of messages that a programme sends about its registrations, for the programme to register."""
    return tuple(MessageKind(event_folder(programme, event), valid_states=VALID_STATES[event]) for event in events)
