"""What whoever changes the timetable, or makes a new time of it bookable, locks first."""

from consultations.models import Roster


def lock_roster() -> None:
    """Hold the timetable's one row until the transaction ends."""
    Roster.objects.select_for_update().get_or_create(pk=1)
