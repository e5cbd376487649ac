"""manage.py deliver: the third door to the ledger, for cron where neither Celery nor `manage.py run` works it off.

    * * * * *  manage.py deliver --for 55

Two at once do no harm: each message is claimed by one of them.
"""

import os
import socket
import time

from celery import current_app
from django.core.management.base import BaseCommand, CommandParser

from services.notices import tasks
from services.notices.actions.delivering import deliver_waiting


class Command(BaseCommand):
    """Does what is due, then delivers until nothing is left or the time is over."""

    help = "Begin, remind and deliver what is due, until nothing is left; for cron. Says how many were tried."

    def add_arguments(self, parser: CommandParser) -> None:
        """How long at most."""
        parser.add_argument("--for", dest="seconds", type=float, default=55.0, help="seconds at most (default: 55)")

    def handle(self, *args, seconds: float, **options):
        """What is left when the time is over waits for the next call. The exit code is 0 either way."""
        end = time.monotonic() + seconds
        current_app.loader.import_default_modules()  # as a Celery worker does: what reminds stands in tasks.py
        tasks.do_what_is_due()
        tried = 0
        while (left := end - time.monotonic()) > 0:
            now_tried = deliver_waiting(worker=f"cron-{socket.gethostname()}-{os.getpid()}", seconds=left)
            tried += now_tried
            if not now_tried:
                break
        tasks.do_what_is_due()  # what has been sent to the last reader is finished
        self.stdout.write(f"Tried {tried} messages.")
