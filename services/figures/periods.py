"""Months and fiscal years, as figures are asked for."""

import datetime
from dataclasses import dataclass

from django.conf import settings
from django.utils import timezone

EARLIEST, LATEST = 2000, 2100


@dataclass(frozen=True, slots=True, order=True)
class Period:
    """Months from a first to a last one, both named by their first day."""

    first: datetime.date
    last: datetime.date

    @property
    def months(self) -> list[datetime.date]:
        """All of them in order."""
        found = [self.first]
        while found[-1] < self.last:
            found.append(month_after(found[-1]))
        return found

    @property
    def year_before(self) -> "Period":
        """The same months a year before."""
        return Period(*(month.replace(year=month.year - 1) for month in (self.first, self.last)))

    @property
    def typed(self) -> str:
        """A month or a fiscal year as `read_period` reads it; of a year, perhaps only what there is of it so far."""
        return f"{self.first:%Y-%m}" if self.first == self.last else f"{self.first:%Y}"

    def __str__(self):
        return f"{self.first:%Y-%m}" if self.first == self.last else f"{self.first:%Y-%m} – {self.last:%Y-%m}"


def month_after(month: datetime.date) -> datetime.date:
    """The first day of the next month."""
    return (month + datetime.timedelta(days=31)).replace(day=1)


def fiscal_year(year: int) -> Period:
    """The twelve months of the fiscal year that begins in a year."""
    first = datetime.date(year, settings.CITY.fiscal_year_starts_in, 1)
    return Period(first, (first.replace(year=year + 1) - datetime.timedelta(days=1)).replace(day=1))


def fiscal_year_of(day: datetime.date) -> int:
    """The year in which the fiscal year that holds a day begins."""
    return day.year - (day.month < settings.CITY.fiscal_year_starts_in)


def asked_period(year: str, month: str, *, today: datetime.date | None = None) -> Period:
    """The month (YYYY-MM) asked for, or else the fiscal year so far; the current year for anything odd."""
    this_month = (today or timezone.localdate()).replace(day=1)
    if (asked := read_month(month)) and asked <= this_month:
        return Period(asked, asked)
    current = fiscal_year_of(this_month)
    asked_year = int(year) if year.isascii() and year.isdigit() and len(year) == 4 else current
    period = fiscal_year(asked_year if EARLIEST <= asked_year <= current else current)
    return Period(period.first, min(period.last, this_month))


def read_period(typed: str) -> Period | None:
    """The month typed as YYYY-MM, or the fiscal year that begins in the year typed as YYYY."""
    if month := read_month(typed):
        return Period(month, month)
    january = read_month(f"{typed}-01")
    return fiscal_year(january.year) if january else None


def read_month(typed: str) -> datetime.date | None:
    """The first day of a month typed as YYYY-MM."""
    try:
        month = datetime.date.fromisoformat(f"{typed}-01")
    except ValueError:
        return None
    return month if len(typed) == 7 and EARLIEST <= month.year <= LATEST else None


def years_around(year: int) -> dict[str, int | None]:
    """The fiscal years before and after one, as far as there can be figures."""
    current = fiscal_year_of(timezone.localdate())
    return {"earlier": year - 1 if year > EARLIEST else None, "later": year + 1 if year < current else None}
