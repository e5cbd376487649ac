"""The consultation desk's tables, one subject a file."""

from consultations.models.roster import DeskHours, Duty, Mode, Roster, Service

__all__ = ["DeskHours", "Duty", "Mode", "Roster", "Service"]
