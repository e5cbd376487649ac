"""Celery's doors to registration."""

from celery import shared_task

from services.notices.actions import reminding
from services.notices.actions.telling import notify
from services.registration import actions
from services.registration.models import Registration, RegistrationState


@shared_task
def expire_offers() -> None:
    """Pass on the places that nobody has taken in time. Each minute by beat; two beats do no harm."""
    actions.expire_offers()


@reminding.teller(actions.REMINDER)
def tell_the_day_before(registration: Registration) -> None:
    """Whoever has a place hears of it the day before."""
    offering = registration.offering
    if registration.state == RegistrationState.PLACED and registration.resident and not offering.has_begun():
        notify(
            registration.resident,
            f"{offering.programme}_reminder",
            about=registration,
            context={"sequence": str(registration.sequence)},
            occasion=f"{registration.public_id}:{offering.starts_at:%Y%m%d%H%M}",
        )
