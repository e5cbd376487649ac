"""The month that the statistics tests use."""

import datetime
from zoneinfo import ZoneInfo

from services.figures.periods import Period

JUNE = datetime.date(2026, 6, 1)


ONLY_JUNE = Period(JUNE, JUNE)


def noon_on(day: str, hour: int = 12, zone: str = "Asia/Tokyo") -> datetime.datetime:
    return datetime.datetime.combine(datetime.date.fromisoformat(day), datetime.time(hour), ZoneInfo(zone))
