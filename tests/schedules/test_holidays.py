"""Public holidays, by the city's country."""

import dataclasses
import datetime

import pytest

from portal.city import read_city
from services.schedules.holidays import country_has_holidays, holiday_name


@pytest.mark.parametrize(
    ("city", "day", "name"),
    [
        ("ota", datetime.date(2026, 11, 23), "Labor Thanksgiving Day"),
        ("guro", datetime.date(2026, 10, 9), "Hangul Day"),
        ("copenhagen", datetime.date(2026, 5, 14), "Ascension Day"),
        ("copenhagen", datetime.date(2026, 11, 23), None),
    ],
)
def test_holidays_are_those_of_the_citys_country(settings, city, day, name):
    settings.CITY = read_city(city)
    assert holiday_name(day) == name
    assert country_has_holidays(None) == []


def test_country_that_nobody_knows_fails_the_check(settings):
    settings.CITY = dataclasses.replace(read_city("ota"), holidays="XX")
    assert [(error.id, error.msg) for error in country_has_holidays(None)] == [
        ("schedules.E001", "ota.toml: holidays = 'XX': Country XX not available")
    ]
