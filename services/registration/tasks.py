"""Celery tasks and reminders of registration."""

from celery import shared_task

from services.registration import actions
from services.registration.models import Registration, RegistrationState


@shared_task
def expire_offers() -> None:
    """End overdue offers and offer the places to others. Runs every minute; running twice does no harm."""
    actions.expire_offers()


def remind_the_day_before(registration: Registration) -> None:
    """Remind the person on the day before, if they still have a place and the date has not been put off meanwhile."""
    offering = registration.offering
    is_to_come = not offering.has_begun() and actions.reminder_time(offering) is None
    if registration.state == RegistrationState.PLACED and is_to_come:
        idempotency_key = f"{registration.public_id}:{offering.starts_at:%Y%m%d%H%M}"
        actions.write_message(registration, "reminder", idempotency_key=idempotency_key)
