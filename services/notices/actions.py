"""Telling people, and delivering what is to be told.

`notify` writes a row in the caller's transaction. Whoever calls `deliver_waiting` (a Celery task, the
embedded worker's thread) claims rows, commits, talks to the mail server with no transaction
open, and writes down what came of it.
"""

import datetime
import logging
import smtplib
from collections.abc import Mapping

from celery import current_app
from django.conf import settings
from django.core.mail import EmailMultiAlternatives, get_connection
from django.db import connection, transaction
from django.template.loader import render_to_string
from django.utils import timezone, translation
from kombu.exceptions import OperationalError as BrokerUnreachable

from services.accounts.models import Resident
from services.base.states import move
from services.languages.ruby import annotate_page, as_mail, as_plain
from services.languages.table import SPOKEN
from services.notices.models import Heartbeat, Notice, NoticeState, Promise, Queue

logger = logging.getLogger(__name__)


@transaction.atomic
def notify(
    to: Resident | str,
    kind: str,
    *,
    language: str = "",
    occasion: str = "",
    context: Mapping[str, str] | None = None,
    queue: Queue = Queue.PERSONAL,
    promise: Promise = Promise.MUST_ARRIVE,
    expires_at: datetime.datetime | None = None,
) -> Notice:
    """Write one message into the ledger; it goes out once the caller's transaction has committed.

    to: a resident, told in their own language, or an e-mail address with a `language`.
    kind: the folder of texts below templates/notices/. occasion: what makes a repeat the same message;
    without one, each call is an occasion of its own. context: words that the texts need, no objects.
    expires_at: when it is of no use any more; it is not sent after that.
    """
    resident = to if isinstance(to, Resident) else None
    row = {
        "language": resident.language if resident else language,
        "resident": resident,
        "context": dict(context or {}),
        "queue": queue,
        "promise": promise,
        "expires_at": expires_at,
    }
    address = resident.email if resident else to
    if occasion:
        notice, _made = Notice.objects.get_or_create(kind=kind, occasion=occasion, address=address, defaults=row)
    else:
        notice = Notice.objects.create(kind=kind, address=address, **row)
    transaction.on_commit(lambda: _wake(queue))
    return notice


def _wake(queue: str) -> None:
    """Tell a worker that there is something to do. If that fails, the periodic job finds the row all the same."""
    if not settings.CELERY_BROKER_URL:
        return
    try:
        current_app.send_task("services.notices.tasks.deliver_waiting", queue=queue, retry=False)
    except (BrokerUnreachable, OSError):
        logger.warning("Redis could not be reached; the periodic job will deliver.")


def deliver_waiting(worker: str, limit: int = 100) -> int:
    """Deliver up to `limit` messages whose time has come; returns how many were tried."""
    _show_alive(worker)
    if Notice.objects.lost().exists():
        end_lost_leases()
    if not Notice.objects.due().exists():  # so that an idle worker only reads
        return 0
    tried = 0
    mail_server = get_connection()
    try:
        while tried < limit and (notice := claim()):
            _deliver(notice, mail_server)
            tried += 1
    finally:
        mail_server.close()
    return tried


def _show_alive(worker: str) -> None:
    """Write a heartbeat, four times a minute at most."""
    now = timezone.now()
    if not Heartbeat.objects.filter(worker=worker, seen_at__gt=now - Heartbeat.PAUSE).exists():
        Heartbeat.objects.update_or_create(worker=worker, defaults={"seen_at": now})
        Heartbeat.objects.filter(seen_at__lt=now - Heartbeat.FORGOTTEN).delete()


@transaction.atomic
def claim() -> Notice | None:
    """Take the next message for this worker alone, for two minutes; None if nothing is due."""
    skip_locked = connection.features.has_select_for_update_skip_locked
    notice = Notice.objects.select_for_update(skip_locked=skip_locked).due().first()
    if notice:
        move(notice, NoticeState.SENDING)
        notice.attempts += 1
        notice.leased_until = timezone.now() + Notice.LEASE
        notice.save(update_fields=["state", "attempts", "leased_until"])
    return notice


@transaction.atomic
def end_lost_leases() -> None:
    """Give back what a lost worker held: to be sent again, or to the staff's list where a repeat would do harm."""
    for notice in Notice.objects.lost():
        if notice.promise == Promise.MUST_NOT_REPEAT:
            _end(notice, NoticeState.UNCLEAR, "The worker was lost while sending.")
        else:
            _try_later(notice, "The worker was lost while sending.")


def _deliver(notice: Notice, mail_server) -> None:
    if notice.expires_at and notice.expires_at <= timezone.now():
        _end(notice, NoticeState.FAILED, "It would have come too late.")
        return
    if not notice.address:  # Django would send it to nobody and call that sent
        _end(notice, NoticeState.FAILED, "This person has given no e-mail address.")
        return
    try:
        mail = compose(notice, mail_server)
        mail_server.open()
        mail.send()
    except (smtplib.SMTPException, OSError) as fault:
        mail_server.close()
        _after_fault(notice, fault)
    except Exception as fault:  # a broken text must end as this message's failure, never stop the others
        logger.exception("A notice could not be composed.", extra={"notice": notice.public_id, "kind": notice.kind})
        _try_later(notice, f"The text could not be made: {type(fault).__name__}.")
    else:
        _end(notice, NoticeState.SENT)


def _after_fault(notice: Notice, fault: Exception) -> None:
    refused = isinstance(fault, smtplib.SMTPRecipientsRefused)
    codes = [code for code, _text in fault.recipients.values()] if refused else []
    if codes and all(500 <= code < 600 for code in codes):
        _end(notice, NoticeState.FAILED, "The mail server does not know the address.")
    elif notice.promise == Promise.MUST_NOT_REPEAT and isinstance(fault, smtplib.SMTPServerDisconnected):
        _end(notice, NoticeState.UNCLEAR, "The mail server hung up in the middle; it may have gone out.")
    else:
        _try_later(notice, f"The mail server could not be reached: {type(fault).__name__}.")


def _still_held(notice: Notice) -> bool:
    """Whether the lease is still this worker's: a slow one may have lost it, and the row with it."""
    held = Notice.objects.select_for_update().filter(pk=notice.pk)
    return held.filter(state=NoticeState.SENDING, attempts=notice.attempts).exists()


@transaction.atomic
def _try_later(notice: Notice, cause: str) -> None:
    if not _still_held(notice):
        return
    if notice.attempts > len(Notice.LADDER):
        _end(notice, NoticeState.FAILED, cause)
        return
    due_at = timezone.now() + Notice.LADDER[notice.attempts - 1]
    if notice.expires_at and due_at >= notice.expires_at:
        _end(notice, NoticeState.FAILED, cause)
        return
    move(notice, NoticeState.WAITING)
    notice.leased_until = None
    notice.due_at = due_at
    notice.cause = cause
    notice.save(update_fields=["state", "leased_until", "due_at", "cause"])


@transaction.atomic
def _end(notice: Notice, state: NoticeState, cause: str = "") -> None:
    if not _still_held(notice):
        return
    move(notice, state)
    notice.leased_until = None
    notice.ended_at = timezone.now()
    notice.cause = cause
    if state == NoticeState.SENT or notice.expires_at:  # what expires is a secret: nobody may find it here later
        notice.context = {}
    notice.save(update_fields=["state", "leased_until", "ended_at", "cause", "context"])


def compose(notice: Notice, mail_server=None) -> EmailMultiAlternatives:
    """The mail as its reader gets it: every word in their language."""
    with translation.override(notice.language):
        context = {
            **notice.context,
            "language": SPOKEN[notice.language],
            "centre": settings.CITY.centre(notice.language),
            "site": settings.SITE_URL,
        }
        folder = f"notices/{notice.kind}"
        subject = as_plain(" ".join(render_to_string(f"{folder}/subject.txt", context).split()))
        text = as_mail(render_to_string(f"{folder}/body.txt", context).strip()) + "\n"
        page = annotate_page(render_to_string(f"{folder}/body.html", context), furigana=notice.language == "ja-simple")
    mail = EmailMultiAlternatives(subject, text, to=[notice.address], connection=mail_server)
    mail.extra_headers["Content-Language"] = notice.language
    mail.extra_headers["Auto-Submitted"] = "auto-generated"  # RFC 3834
    mail.attach_alternative(page, "text/html")
    return mail
