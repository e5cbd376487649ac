"""Celery's doors to the ledger."""

import os
import socket

from celery import shared_task

from services.notices.actions import broadcasting, delivering, reminding, warning
from services.notices.actions.telling import notify, wake_after_commit
from services.notices.models import Message, Notice, Queue


@shared_task
def deliver_waiting() -> None:
    """Deliver what is due. Called when something was written, each half minute by beat, and by itself if some is left.

    Twenty seconds at once: a city's letters are made and the mail server is greeted a few times, not for each thousand.
    """
    delivering.deliver_waiting(worker=f"{socket.gethostname()}-{os.getpid()}", limit=20_000, seconds=20)
    if Message.objects.due().exists():  # the wakes of a broadcast may have been lost with Redis or a worker
        wake_after_commit(Queue.BULK)


@shared_task
def do_what_is_due() -> None:
    """Begin and finish broadcasts, remind, put away what is past. Each half minute by beat; two beats do no harm."""
    broadcasting.begin_due_notices()
    broadcasting.finish_sent_notices()
    warning.put_away_past_notices()
    reminding.remind_of_what_is_due()


@reminding.teller("notices/staff/ends_soon")
def tell_author_that_it_ends(notice: Notice) -> None:
    """Whoever issued an emergency hears an hour before its end that it ends."""
    if notice.is_current and notice.author:
        notify(notice.author, "notices/staff/ends_soon", about=notice, occasion=f"{notice.public_id}:{notice.until}")
