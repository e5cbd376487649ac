"""Jobs of the roof: what no single app could do."""

from celery import shared_task
from django.core.management import call_command

from services.base.keeping import keep_periods


@shared_task
def keep_what_was_promised() -> None:
    """Delete or make anonymous what is past its time, in every app; and sessions that have ended. Each hour by beat."""
    keep_periods()
    call_command("clearsessions")
