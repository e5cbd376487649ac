"""The public holidays of the city's country, by the `holidays` library (each country's law, kept up to date)."""

import datetime
from functools import lru_cache

import holidays
from django.conf import settings


def holiday_name(day: datetime.date) -> str | None:
    """What is celebrated on a day in the city's country, in English; None on an ordinary day."""
    return _of_year(settings.CITY.holidays, day.year).get(day)


@lru_cache(maxsize=40)
def _of_year(code: str, year: int) -> dict[datetime.date, str]:
    country, _dash, part = code.partition("-")
    return dict(holidays.country_holidays(country, subdiv=part or None, years=year, language="en_US"))
