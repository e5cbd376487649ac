"""The public holidays of the city's country, from the `holidays` library, which follows each country's law."""

import datetime
from functools import lru_cache

import holidays
from django.conf import settings
from django.core.checks import Error, register


def holiday_name(day: datetime.date) -> str | None:
    """Return the English name of a day's public holiday in the city's country; None on other days."""
    return _holidays_of_year(settings.CITY.holidays, day.year).get(day)


@register()
def country_has_holidays(app_configs, **options):
    """The library must know the city's country, or the first page with a date would fail."""
    try:
        holiday_name(datetime.date(2026, 1, 1))
    except NotImplementedError as error:
        city = settings.CITY
        return [Error(f"{city.code}.toml: holidays = {city.holidays!r}: {error}", id="schedules.E001")]
    return []


@lru_cache(maxsize=40)
def _holidays_of_year(code: str, year: int) -> dict[datetime.date, str]:
    country, _dash, part = code.partition("-")
    return dict(holidays.country_holidays(country, subdiv=part or None, years=year, language="en_US"))
