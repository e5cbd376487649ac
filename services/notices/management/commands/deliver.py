"""manage.py deliver: deliver messages by cron, on servers without Celery and without `manage.py run`.

    * * * * *  manage.py deliver --for 55

Safe to run concurrently: each message is claimed by a single process.
"""

import os
import socket
import time

from django.core.management.base import BaseCommand, CommandParser

from services.messaging.delivery import deliver_due
from services.notices import tasks


class Command(BaseCommand):
    """Run the due jobs, then deliver until no message is left or the time is up."""

    help = "Begin, remind and deliver what is due, until nothing is left; for cron. Says how many were tried."

    def add_arguments(self, parser: CommandParser) -> None:
        """`--for` limits the time."""
        parser.add_argument("--for", dest="seconds", type=float, default=55.0, help="seconds at most (default: 55)")

    def handle(self, *args, seconds: float, **options):
        """Deliver. Messages left when the time is up wait for the next run; the exit code is 0 either way."""
        end = time.monotonic() + seconds
        tasks.run_due_jobs()
        tried = 0
        while (left := end - time.monotonic()) > 0:
            now_tried = deliver_due(worker=f"cron-{socket.gethostname()}-{os.getpid()}", seconds=left)
            tried += now_tried
            if not now_tried:
                break
        tasks.run_due_jobs()  # again, to finish notices that have been sent to everybody
        self.stdout.write(f"Tried {tried} messages.")
