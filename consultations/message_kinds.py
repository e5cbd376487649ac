"""The kinds of messages and reminders that the consultation desk sends."""

from services.messaging.kinds import Audience, MessageKind, ReminderKind
from services.registration.message_kinds import programme_kinds

PROGRAMME = "consultations/appointment"  # as Offering.programme stores it

ARTICLE = MessageKind("consultations/article")
# Its subject says all there is: somebody else may read the person's messages.
PLEASE_CALL = MessageKind("consultations/please_call", needs_short_text=False)
EMERGENCY_ACCESS = MessageKind("consultations/staff/glass_broken", Audience.STAFF)
FOLLOW_UP_DUE = MessageKind("consultations/staff/follow_up_due", Audience.STAFF)

FOLLOW_UP_DAY = ReminderKind("consultations/follow_up_day")

KINDS = (
    *programme_kinds(
        PROGRAMME,
        "waiting",
        "offered",
        "booked",
        "changed",
        "reminder",
        "cancelled",
        "cancelled_by_centre",
        "expired",
    ),
    ARTICLE,
    PLEASE_CALL,
    EMERGENCY_ACCESS,
    FOLLOW_UP_DUE,
    FOLLOW_UP_DAY,
)
