"""Background work without Redis: a thread that runs the tasks of Celery's workers and beat."""

import logging
import threading
import time

from django.db import close_old_connections, connections

from portal.celery import app
from services.messaging.delivery import deliver_due

POLL_SECONDS = 1.0
logger = logging.getLogger(__name__)


def run_until_stopped(stop: threading.Event) -> None:
    """Deliver due messages and run periodic tasks until `stop` is set. Failures are logged and tried again."""
    app.loader.import_default_modules()  # registers the tasks, as a Celery worker does when it starts
    last_run = dict.fromkeys(app.conf.beat_schedule, time.monotonic())
    while not stop.is_set():
        close_old_connections()
        try:
            if not deliver_due(worker="embedded"):
                stop.wait(POLL_SECONDS)
            _run_periodic(last_run)
        except Exception:  # whatever the error, the next message must not wait for a restart
            logger.exception("Background work failed; trying again.")
            stop.wait(POLL_SECONDS)
    connections.close_all()


def _run_periodic(last_run: dict[str, float]) -> None:
    for name, entry in app.conf.beat_schedule.items():
        if time.monotonic() - last_run[name] >= entry["schedule"]:
            last_run[name] = time.monotonic()
            app.tasks[entry["task"]]()
