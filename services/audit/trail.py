"""Write and verify the audit trail.

Each entry's MAC is HMAC-SHA-256 (RFC 2104) under AUDIT_KEY, over the previous MAC and the entry itself: without
the key, nobody can change, insert or remove an entry unnoticed. The database's owner could cut off the newest entries
and reset the chain head; docs/adr/0007-audit-trail.md says what to store elsewhere against that.
"""

import hashlib
import hmac
import json
import threading
from collections.abc import Iterable
from contextlib import nullcontext

from django.conf import settings
from django.db import connection, models, transaction
from django.utils import timezone

from services.audit.models import AuditChainHead, AuditEntry

_ADVANCE_HEAD = """
UPDATE audit_auditchainhead SET sequence = sequence + 1, content_version = content_version + %s WHERE id = 1
RETURNING sequence, mac
"""


@transaction.atomic(savepoint=False)  # if recording fails, the caller's whole transaction is rolled back
def record(
    by,
    action: str,
    about: models.Model | None = None,
    *,
    fields: Iterable[str] = (),
    reason: str = "",
    changes: bool = True,
) -> AuditEntry:
    """Add an audit entry in the caller's transaction: without the entry, the action is rolled back too.

    by: the user who acts, or None for the portal itself. fields: the names of the fields seen or changed, never their
    values. changes: False for views, searches and sign-ins, which do not change public pages.
    """
    sequence, before = _lock_head_and_advance(changes=changes)
    entry = AuditEntry(
        sequence=sequence,
        at=timezone.now(),
        actor=getattr(by, "public_id", ""),
        roles=" ".join(sorted(getattr(by, "roles", ()))),
        action=action,
        object_type=about._meta.label_lower if about is not None else "",
        object_id=str(getattr(about, "public_id", None) or about.pk) if about is not None else "",
        fields=sorted(fields),
        reason=reason,
    )
    entry.mac = _mac(entry, before)
    entry.save(force_insert=True)
    with connection.cursor() as cursor:
        cursor.execute("UPDATE audit_auditchainhead SET mac = %s WHERE id = 1", [entry.mac])
    return entry


def _lock_head_and_advance(*, changes: bool) -> tuple[int, str]:
    """Lock the chain head and count it up; return the next entry's number and the previous MAC.

    Everybody else who records waits until our transaction ends. Every staff action passes through here, so this is one
    statement, without Django's models.
    """
    with connection.cursor() as cursor:
        cursor.execute(_ADVANCE_HEAD, [int(changes)])
        if (found := cursor.fetchone()) is None:
            AuditChainHead.objects.get_or_create(pk=1)
            cursor.execute(_ADVANCE_HEAD, [int(changes)])
            found = cursor.fetchone()
    return found


def first_broken_entry() -> int | None:
    """Return the number of the first entry that was changed, deleted or inserted; None if the trail is intact."""
    before, mac, expected = _head(), "", 0
    for entry in AuditEntry.objects.order_by("sequence").iterator(chunk_size=2000):
        expected += 1
        if entry.sequence != expected or not hmac.compare_digest(entry.mac, _mac(entry, mac)):
            return expected
        mac = entry.mac
    head = _head()
    if head.sequence == before.sequence:
        return None if (head.sequence, head.mac) == (expected, mac) else expected + 1
    # Entries were added while we were reading.
    return None if before.sequence <= expected <= head.sequence else expected + 1


def _head() -> AuditChainHead:
    return AuditChainHead.objects.filter(pk=1).first() or AuditChainHead()


def content_version() -> int:
    """Return the number of the last recorded change, by one indexed read.

    Every cached page waits for it, so it uses a cursor that each thread keeps open on its connection, not Django's.
    """
    if connection.connection is None or connection.queries_logged:
        with connection.cursor() as cursor:
            return _read_content_version(cursor)
    if _local.cursor is None or _local.cursor.connection is not connection.connection:
        _local.cursor = connection.connection.cursor()
    with connection.wrap_database_errors, _sqlite_lock if connection.vendor == "sqlite" else nullcontext():
        return _read_content_version(_local.cursor)


class _ThreadLocal(threading.local):
    cursor = None


_local = _ThreadLocal()
# SQLite releases the GIL several times in a read; threads that wake up each time cost more than they gain.
_sqlite_lock = threading.Lock()


def _read_content_version(cursor) -> int:
    cursor.execute("SELECT content_version FROM audit_auditchainhead WHERE id = 1")
    rows = cursor.fetchall()  # read to the end, or SQLite's read transaction stays open
    return rows[0][0] if rows else 0


def _mac(entry: AuditEntry, previous: str) -> str:
    content = [
        entry.sequence,
        entry.at.isoformat(timespec="microseconds"),
        entry.actor,
        entry.roles,
        entry.action,
        entry.object_type,
        entry.object_id,
        entry.fields,
        entry.reason,
    ]
    text = previous + json.dumps(content, ensure_ascii=False, separators=(",", ":"))
    return hmac.new(settings.AUDIT_KEY.encode(), text.encode(), hashlib.sha256).hexdigest()
