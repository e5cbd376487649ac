"""The desk's hours and duties, put straight into their tables: no clash is looked for, no line is written."""

import datetime

import factory

from consultations.models import DeskHours, Duty, Mode
from services.schedules.models import Schedule
from services.schedules.rules import Rule
from tests.factories.accounts import UserFactory

EVERY_DAY = (0, 1, 2, 3, 4, 5, 6)


class ScheduleFactory(factory.django.DjangoModelFactory):
    """From 10:00 to 17:00, every day since 2026-01-01. `weekdays=(…)`, `weeks=(…)`, `times=(10, 17)` say otherwise."""

    class Meta:
        model = Schedule

    class Params:
        weekdays = EVERY_DAY
        weeks = ()
        times = (10, 17)

    rule = factory.LazyAttribute(lambda row: str(Rule(row.weekdays, row.weeks)))
    first_day = datetime.date(2026, 1, 1)
    begins = factory.LazyAttribute(lambda row: datetime.time(row.times[0]))
    ends = factory.LazyAttribute(lambda row: datetime.time(row.times[1]))


class HoursFactory(factory.django.DjangoModelFactory):
    """Advice in Nepali. The schedule's own words go through: `schedule__times=(10, 12)`."""

    class Meta:
        model = DeskHours

    schedule = factory.SubFactory(ScheduleFactory)
    language = "ne"
    modes = factory.LazyFunction(lambda: [Mode.VISIT, Mode.PHONE])


class DutyFactory(factory.django.DjangoModelFactory):
    """An adviser who speaks Nepali."""

    class Meta:
        model = Duty

    adviser = factory.SubFactory(UserFactory, roles=["adviser"])
    schedule = factory.SubFactory(ScheduleFactory)
    languages = factory.LazyFunction(lambda: ["ne"])
