"""Celery's door to the count of the log."""

from celery import shared_task

from consultations.actions import counting


@shared_task
def count_months() -> None:
    """Count the months that have to be counted anew. Each quarter of an hour by beat; two beats do no harm."""
    counting.count_months()
