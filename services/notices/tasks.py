"""Scheduled jobs and reminders of news and emergencies."""

from celery import shared_task

from services.messaging import reminders
from services.messaging.outbox import notify
from services.notices import broadcast
from services.notices.emergencies import actions
from services.notices.message_kinds import ENDS_SOON
from services.notices.news.models import Notice


@shared_task
def run_due_jobs() -> None:
    """Start and finish broadcasts, send reminders, end past notices. Every half minute; safe to run concurrently."""
    broadcast.begin_due_notices()
    broadcast.finish_sent_notices()
    actions.end_past_notices()
    reminders.send_due()


def remind_author_of_end(notice: Notice) -> None:
    """Tell the author of an emergency, an hour before its end, that it is about to end."""
    if notice.is_current and notice.author:
        notify(notice.author, ENDS_SOON, about=notice, idempotency_key=f"{notice.public_id}:{notice.until}")
