"""Decrypt encrypted columns: the only way to do so, because each use writes an audit entry."""

from collections.abc import Iterable

from django.db import models, transaction

from services.audit.trail import record
from services.base.encryption import EncryptedText, decrypt


@transaction.atomic
def decrypt_with_audit(by, action: str, row: models.Model, *names: str, reason: str = "") -> dict[str, str]:
    """Decrypt a row's columns, and write an audit entry of who read which. by: None for the portal itself.

    Raise DecryptionError. The caller must have checked that `by` may read them.
    """
    record(by, action, row, fields=names, reason=reason, changes=False)
    return {name: _plain_text(getattr(row, name)) for name in names}


def _plain_text(value: EncryptedText | str) -> str:
    if isinstance(value, str):  # set on the row, but not saved yet
        return value
    return decrypt(value.stored, place=value.place) if value else ""


@transaction.atomic
def decrypt_rows_with_audit(
    by, action: str, about: models.Model, rows: Iterable[models.Model], *names: str
) -> list[dict[str, str]]:
    """Decrypt columns of several rows of one model, all about one object, with a single audit entry: for a whole page.

    The entry names the object, the model and its columns. The caller must have checked that `by` may read them.
    """
    rows = list(rows)
    if not rows:
        return []
    kind = rows[0]._meta.model_name
    record(by, action, about, fields=[f"{kind}.{name}" for name in names], changes=False)
    return [{name: _plain_text(getattr(row, name)) for name in names} for row in rows]
