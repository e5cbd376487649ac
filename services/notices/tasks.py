"""Celery's doors to the ledger."""

import os
import socket

from celery import shared_task

from services.notices.actions import broadcasting, delivering, reminding, subscribing
from services.notices.actions.telling import notify
from services.notices.models import Notice


@shared_task
def deliver_waiting() -> None:
    """Deliver what is due. Called when something was written, and each half minute by beat."""
    delivering.deliver_waiting(worker=f"{socket.gethostname()}-{os.getpid()}")


@shared_task
def do_what_is_due() -> None:
    """Begin and finish broadcasts, remind, put away what is past. Each half minute by beat; two beats do no harm."""
    broadcasting.begin_due_notices()
    broadcasting.finish_sent_notices()
    broadcasting.put_away_past_notices()
    reminding.remind_of_what_is_due()
    subscribing.forget_unproved()


@reminding.teller("notices/ends_soon")
def tell_author_that_it_ends(notice: Notice) -> None:
    """Whoever issued an emergency hears an hour before its end that it ends."""
    if notice.is_current and notice.author:
        notify(notice.author, "notices/ends_soon", about=notice, occasion=f"{notice.public_id}:{notice.until}")
