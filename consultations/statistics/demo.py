"""The demo desk's figures: all months counted, those of the fiscal year that is over closed, one of them reopened."""

from django.utils import timezone

from consultations.actions.closing import close_month, reopen_month
from consultations.actions.counting import count_months
from consultations.figures.periods import fiscal_year, fiscal_year_of
from consultations.models import Closing
from services.accounts.models import User


def load() -> None:
    """Count, and close what has been reported, once."""
    if Closing.objects.exists():
        return
    count_months()
    manager = User.objects.get(email="manager@demo.example")
    months = fiscal_year(fiscal_year_of(timezone.localdate()) - 1).months
    for month in months:
        close_month(month, by=manager)
    reopen_month(months[-1], by=manager, reason="Two sheets of the outreach day were found.")
