"""The lock that everyone takes before changing the timetable or making a new time bookable."""

from consultations.timetable.models import RosterLock


def lock_roster() -> None:
    """Lock the only `RosterLock` row until the transaction ends."""
    RosterLock.objects.select_for_update().get_or_create(pk=1)
