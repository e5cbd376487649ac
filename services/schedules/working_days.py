"""Working days of the office: no weekends, public holidays, yearly closed days or days closed by staff."""

import datetime

from services.schedules.holidays import is_closed_every_year, is_weekend
from services.schedules.models import ClosedDay

DAY = datetime.timedelta(days=1)


def is_working_day(day: datetime.date) -> bool:
    """Return whether the office works on this day. One query."""
    return _is_working_day(day, set(ClosedDay.objects.filter(day=day).values_list("day", flat=True)))


def add_working_days(day: datetime.date, number: int) -> datetime.date:
    """Return the working day `number` working days after `day`, or before it if negative. One query.

    `day` itself is not counted, whether or not it is a working day; 0 returns it unchanged.
    """
    closed = set(ClosedDay.objects.values_list("day", flat=True))
    step = DAY if number > 0 else -DAY
    for _number in range(abs(number)):
        day += step
        while not _is_working_day(day, closed):
            day += step
    return day


def _is_working_day(day: datetime.date, closed: set[datetime.date]) -> bool:
    return not is_weekend(day) and day not in closed and not is_closed_every_year(day)
