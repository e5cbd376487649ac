"""The Celery app. It only wakes workers; pending work is stored in the database.

Queues: `urgent` (sign-in codes, emergencies), `personal`, `bulk`.
"""

import os

from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")

app = Celery("tabunka")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
app.conf.beat_schedule = {
    "deliver what is waiting": {"task": "services.messaging.tasks.deliver_due", "schedule": 30.0},
    "keep what was promised": {"task": "portal.tasks.apply_retention_policies", "schedule": 3600.0},
    "pass on what nobody wanted": {"task": "services.registration.tasks.expire_offers", "schedule": 60.0},
    "do what is due": {"task": "services.notices.tasks.run_due_jobs", "schedule": 30.0},
    "count the log": {"task": "consultations.tasks.tally_months", "schedule": 900.0},
}
