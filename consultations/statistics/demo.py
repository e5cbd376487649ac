"""The demo desk's figures: all months tallied, the last fiscal year closed, and one of its months reopened."""

from django.utils import timezone

from consultations.records.models import ClosedMonth
from consultations.records.tallies import tally_months
from consultations.statistics.closing import close_month, reopen_month
from services.accounts.models import User
from services.figures.periods import fiscal_year, fiscal_year_of


def load() -> None:
    """Tally all months, and close the reported ones, once."""
    if ClosedMonth.objects.exists():
        return
    tally_months()
    manager = User.objects.get(email="manager@demo.example")
    months = fiscal_year(fiscal_year_of(timezone.localdate()) - 1).months
    for month in months:
        close_month(month, by=manager)
    reopen_month(months[-1], by=manager, reason="Two sheets of the outreach day were found.")
