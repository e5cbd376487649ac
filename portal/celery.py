"""Celery for production: it only wakes workers; what is to be done stands in the database.

Queues: `urgent` (a code that somebody is waiting for, an emergency), `personal`, `bulk`.
"""

import os

from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")

app = Celery("tabunka")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
app.conf.beat_schedule = {
    "deliver what is waiting": {"task": "services.notices.tasks.deliver_waiting", "schedule": 30.0},
    "keep what was promised": {"task": "portal.tasks.keep_what_was_promised", "schedule": 3600.0},
    "pass on what nobody wanted": {"task": "services.registration.tasks.expire_offers", "schedule": 60.0},
    "do what is due": {"task": "services.notices.tasks.do_what_is_due", "schedule": 30.0},
    "count the log": {"task": "consultations.tasks.count_months", "schedule": 900.0},
}
