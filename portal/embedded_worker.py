"""Background work without Redis: a thread that does what Celery's workers and beat do, by the same tasks."""

import logging
import threading
import time

from django.db import close_old_connections, connections

from portal.celery import app
from services.notices.actions.delivering import deliver_waiting

PAUSE = 1.0  # seconds between two looks at the ledger
logger = logging.getLogger(__name__)


def work(stop: threading.Event) -> None:
    """Deliver what is due and run what beat would run, until `stop` is set. What fails is logged and tried again."""
    app.loader.import_default_modules()  # as a Celery worker does at its start: the tasks are known only then
    last_run = dict.fromkeys(app.conf.beat_schedule, time.monotonic())
    while not stop.is_set():
        close_old_connections()
        try:
            if not deliver_waiting(worker="embedded"):
                stop.wait(PAUSE)
            _run_periodic(last_run)
        except Exception:  # whatever it was, the next message must not wait for a restart
            logger.exception("Background work failed; trying again.")
            stop.wait(PAUSE)
    connections.close_all()


def _run_periodic(last_run: dict[str, float]) -> None:
    for name, entry in app.conf.beat_schedule.items():
        if time.monotonic() - last_run[name] >= entry["schedule"]:
            last_run[name] = time.monotonic()
            app.tasks[entry["task"]]()
