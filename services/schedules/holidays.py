"""The public holidays of the city's country, by the `holidays` library (each country's law, kept up to date)."""

import datetime
from functools import lru_cache

import holidays
from django.conf import settings
from django.core.checks import Error, register


def holiday_name(day: datetime.date) -> str | None:
    """What is celebrated on a day in the city's country, in English; None on an ordinary day."""
    return _of_year(settings.CITY.holidays, day.year).get(day)


@register()
def country_has_holidays(app_configs, **options):
    """A country that the library does not know would fail on the first page with a date."""
    try:
        holiday_name(datetime.date(2026, 1, 1))
    except NotImplementedError as fault:
        city = settings.CITY
        return [Error(f"{city.code}.toml: holidays = {city.holidays!r}: {fault}", id="schedules.E001")]
    return []


@lru_cache(maxsize=40)
def _of_year(code: str, year: int) -> dict[datetime.date, str]:
    country, _dash, part = code.partition("-")
    return dict(holidays.country_holidays(country, subdiv=part or None, years=year, language="en_US"))
