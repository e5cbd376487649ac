"""The consultation desk's tables, one subject a file."""

from consultations.models.appointments import Slot
from consultations.models.cases import Case, CaseState, Member
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
from consultations.models.figures import CountedMonth, Dimension, Tally
from consultations.models.roster import DeskHours, Duty, Mode, Roster, Service
from consultations.models.uploads import Upload

__all__ = [
    "Amendment",
    "Asker",
    "Bridging",
    "Case",
    "CaseState",
    "Channel",
    "Client",
    "Closing",
    "Consultation",
    "ConsultationTopic",
    "CountedMonth",
    "DeskHours",
    "Dimension",
    "Draft",
    "Duty",
    "Member",
    "Mode",
    "Outcome",
    "Reader",
    "Roster",
    "Service",
    "Slot",
    "Tally",
    "Upload",
]
