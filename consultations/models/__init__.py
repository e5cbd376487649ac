"""The consultation desk's tables, one subject a file."""

from consultations.models.appointments import Slot
from consultations.models.cases import Case, CaseEvent, CaseState, EventKind, Member, Regrouping, RegroupingKind
from consultations.models.clients import Client
from consultations.models.consultations import (
    Amendment,
    Asker,
    Bridging,
    Channel,
    Closing,
    Consultation,
    ConsultationTopic,
    Draft,
    Outcome,
    Reader,
)
from consultations.models.followups import Attempt, Decision, FollowUp, FollowUpKind, FollowUpState, Way
from consultations.models.referrals import Agreed, Referral, ReferralState
from consultations.models.roster import DeskHours, Duty, Mode, Roster, Service
from consultations.models.tallies import CountedMonth, Dimension, Later, Tally
from consultations.models.uploads import Upload

__all__ = [
    "Agreed",
    "Amendment",
    "Asker",
    "Attempt",
    "Bridging",
    "Case",
    "CaseEvent",
    "CaseState",
    "Channel",
    "Client",
    "Closing",
    "Consultation",
    "ConsultationTopic",
    "CountedMonth",
    "Decision",
    "DeskHours",
    "Dimension",
    "Draft",
    "Duty",
    "EventKind",
    "FollowUp",
    "FollowUpKind",
    "FollowUpState",
    "Later",
    "Member",
    "Mode",
    "Outcome",
    "Reader",
    "Referral",
    "ReferralState",
    "Regrouping",
    "RegroupingKind",
    "Roster",
    "Service",
    "Slot",
    "Tally",
    "Upload",
    "Way",
]
