"""Celery's door to the ledger."""

import os
import socket

from celery import shared_task

from services.notices import actions


@shared_task
def deliver_waiting() -> None:
    """Deliver what is due. Called when something was written, and each half minute by beat."""
    actions.deliver_waiting(worker=f"{socket.gethostname()}-{os.getpid()}")
