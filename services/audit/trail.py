"""Writing the trail and verifying it.

Each line's MAC is HMAC-SHA-256 (RFC 2104) over the MAC before it and the line itself, under AUDIT_KEY:
who cannot read the key cannot change, insert or take out a line unseen. An owner of the database could cut off
the newest lines and set the head back; docs/adr/0007-audit-trail.md says what to keep elsewhere against that.
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

from services.audit.models import Head, Line

_ONE_MORE = """
UPDATE audit_head SET sequence = sequence + 1, public_edition = public_edition + %s WHERE id = 1
RETURNING sequence, mac
"""


@transaction.atomic(savepoint=False)  # what cannot be recorded is undone as a whole
def record(
    by,
    action: str,
    about: models.Model | None = None,
    *,
    fields: Iterable[str] = (),
    reason: str = "",
    changes: bool = True,
) -> Line:
    """Add a line in the caller's transaction: no line, no deed.

    by: the user who acts, or None for the portal itself. fields: names of what was seen or changed,
    never values. changes: False for views, searches and sign-ins, which leave public pages as they are.
    """
    sequence, before = _next(changes=changes)
    line = Line(
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
    line.mac = _seal(line, before)
    line.save(force_insert=True)
    with connection.cursor() as cursor:
        cursor.execute("UPDATE audit_head SET mac = %s WHERE id = 1", [line.mac])
    return line


def _next(*, changes: bool) -> tuple[int, str]:
    """The number of the next line and the MAC before it. Whoever comes now waits until our transaction is over.

    All that staff do passes here, so it is one statement, and past Django's models.
    """
    with connection.cursor() as cursor:
        cursor.execute(_ONE_MORE, [int(changes)])
        if (found := cursor.fetchone()) is None:
            Head.objects.get_or_create(pk=1)
            cursor.execute(_ONE_MORE, [int(changes)])
            found = cursor.fetchone()
    return found


def first_broken() -> int | None:
    """The sequence number of the first line that was changed, dropped or inserted; None if the trail is whole."""
    before, mac, expected = _head(), "", 0
    for line in Line.objects.order_by("sequence").iterator(chunk_size=2000):
        expected += 1
        if line.sequence != expected or not hmac.compare_digest(line.mac, _seal(line, mac)):
            return expected
        mac = line.mac
    head = _head()
    if head.sequence == before.sequence:
        return None if (head.sequence, head.mac) == (expected, mac) else expected + 1
    # Lines were added while these were read.
    return None if before.sequence <= expected <= head.sequence else expected + 1


def _head() -> Head:
    return Head.objects.filter(pk=1).first() or Head()


def public_edition() -> int:
    """The number of the last recorded change: one indexed read, for which every page from a copy waits.

    So it goes past Django's cursor, by one that each thread keeps open on its connection.
    """
    if connection.connection is None or connection.queries_logged:
        with connection.cursor() as cursor:
            return _read(cursor)
    if _own.cursor is None or _own.cursor.connection is not connection.connection:
        _own.cursor = connection.connection.cursor()
    with connection.wrap_database_errors, _in_turn if connection.vendor == "sqlite" else nullcontext():
        return _read(_own.cursor)


class _Own(threading.local):
    cursor = None


_own = _Own()
# SQLite lets go of Python's lock several times in a read; threads that wake for it each time cost more than they gain.
_in_turn = threading.Lock()


def _read(cursor) -> int:
    cursor.execute("SELECT public_edition FROM audit_head WHERE id = 1")
    rows = cursor.fetchall()  # to the end, or SQLite's read would go on
    return rows[0][0] if rows else 0


def _seal(line: Line, before: str) -> str:
    told = [
        line.sequence,
        line.at.isoformat(timespec="microseconds"),
        line.actor,
        line.roles,
        line.action,
        line.object_type,
        line.object_id,
        line.fields,
        line.reason,
    ]
    text = before + json.dumps(told, ensure_ascii=False, separators=(",", ":"))
    return hmac.new(settings.AUDIT_KEY.encode(), text.encode(), hashlib.sha256).hexdigest()
