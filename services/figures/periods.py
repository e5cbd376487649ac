"""Periods of statistics: months and fiscal years."""

import datetime
from dataclasses import dataclass

from django.conf import settings
from django.utils import timezone

EARLIEST, LATEST = 2000, 2100


@dataclass(frozen=True, slots=True, order=True)
class Period:
    """A range of months; `first` and `last` are the first days of the first and the last month."""

    first: datetime.date
    last: datetime.date

    @property
    def months(self) -> list[datetime.date]:
        """The first days of all months, in order."""
        found = [self.first]
        while found[-1] < self.last:
            found.append(month_after(found[-1]))
        return found

    @property
    def year_before(self) -> "Period":
        """The same months of the previous year."""
        return Period(*(month.replace(year=month.year - 1) for month in (self.first, self.last)))

    @property
    def query_value(self) -> str:
        """The month or fiscal year as `parse_period` reads it; the year so far counts as the year."""
        return f"{self.first:%Y-%m}" if self.first == self.last else f"{self.first:%Y}"

    def __str__(self):
        return f"{self.first:%Y-%m}" if self.first == self.last else f"{self.first:%Y-%m} – {self.last:%Y-%m}"


def month_after(month: datetime.date) -> datetime.date:
    """Return the first day of the next month."""
    return (month + datetime.timedelta(days=31)).replace(day=1)


def fiscal_year(year: int) -> Period:
    """Return the twelve months of the fiscal year that begins in a calendar year."""
    first = datetime.date(year, settings.CITY.fiscal_year_starts_in, 1)
    return Period(first, (first.replace(year=year + 1) - datetime.timedelta(days=1)).replace(day=1))


def fiscal_year_of(day: datetime.date) -> int:
    """Return the calendar year in which the fiscal year of a day begins."""
    return day.year - (day.month < settings.CITY.fiscal_year_starts_in)


def requested_period(year: str, month: str, *, today: datetime.date | None = None) -> Period:
    """Return the requested month (YYYY-MM), else the fiscal year (YYYY) so far; the current one if neither is valid."""
    this_month = (today or timezone.localdate()).replace(day=1)
    if (asked := parse_month(month)) and asked <= this_month:
        return Period(asked, asked)
    current = fiscal_year_of(this_month)
    asked_year = int(year) if year.isascii() and year.isdigit() and len(year) == 4 else current
    period = fiscal_year(asked_year if EARLIEST <= asked_year <= current else current)
    return Period(period.first, min(period.last, this_month))


def parse_period(typed: str) -> Period | None:
    """Parse YYYY-MM as a month or YYYY as a fiscal year; None if it is neither."""
    if month := parse_month(typed):
        return Period(month, month)
    january = parse_month(f"{typed}-01")
    return fiscal_year(january.year) if january else None


def parse_month(typed: str) -> datetime.date | None:
    """Return the first day of the month YYYY-MM; None if it is not one."""
    try:
        month = datetime.date.fromisoformat(f"{typed}-01")
    except ValueError:
        return None
    return month if len(typed) == 7 and EARLIEST <= month.year <= LATEST else None


def years_around(year: int) -> dict[str, int | None]:
    """Return the fiscal years before and after one; None where there can be no statistics."""
    current = fiscal_year_of(timezone.localdate())
    return {"earlier": year - 1 if year > EARLIEST else None, "later": year + 1 if year < current else None}
