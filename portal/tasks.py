"""Periodic Celery tasks of the whole site."""

from celery import shared_task
from django.core.management import call_command

from services.base.retention import apply_retention


@shared_task
def apply_retention_policies() -> None:
    """Delete or anonymise data whose retention is over, and delete expired sessions. Every hour."""
    apply_retention()
    call_command("clearsessions")
