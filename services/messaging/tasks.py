"""Celery tasks that deliver messages."""

import os
import socket

from celery import shared_task

from services.messaging import delivery
from services.messaging.models import Message, Queue
from services.messaging.outbox import wake_after_commit


@shared_task
def deliver_due() -> None:
    """Deliver what is due. Called when a message was added, each half minute by beat, and by itself if some are left.

    For twenty seconds at a time, so that the messages to a whole city are rendered, and the mail server is connected
    to, a few times and not for each thousand.
    """
    delivery.deliver_due(worker=f"{socket.gethostname()}-{os.getpid()}", limit=20_000, seconds=20)
    if Message.objects.due().exists():  # calls for a broadcast may have been lost with Redis or a worker
        wake_after_commit(Queue.BULK)
