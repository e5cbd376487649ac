"""The days on which everything is closed: the country's public holidays, and the city's own yearly closed days.

The holidays come from the `holidays` library, which follows each country's law; the closed days from the city's preset.
"""

import datetime
from functools import lru_cache

import holidays
from django.conf import settings
from django.core.checks import Error, register


def holiday_name(day: datetime.date) -> str | None:
    """Return the English name of a day's public holiday in the city's country; None on other days."""
    return _holidays_of_year(settings.CITY.holidays, day.year).get(day)


def is_weekend(day: datetime.date) -> bool:
    """Return whether offices in the city's country do not work on this day of the week."""
    return day.weekday() in _country_holidays(settings.CITY.holidays).weekend


def is_closed_every_year(day: datetime.date, *, on_holidays: bool = False) -> bool:
    """Return whether a day is a public holiday or one of the city's yearly closed days.

    on_holidays: public holidays do not count. The city's closed days always do.
    """
    return settings.CITY.closes_on(day) or (not on_holidays and holiday_name(day) is not None)


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
    return dict(_country_holidays(code, year))


@lru_cache(maxsize=40)
def _country_holidays(code: str, year: int | None = None) -> holidays.HolidayBase:
    country, _dash, part = code.partition("-")
    return holidays.country_holidays(country, subdiv=part or None, years=year, language="en_US")
