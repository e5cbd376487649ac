"""The one door to sealed texts: no line, no words."""

from collections.abc import Iterable

from django.db import models, transaction

from services.audit.trail import record
from services.base.sealed import unseal


@transaction.atomic
def open_sealed(by, action: str, row: models.Model, *names: str, reason: str = "") -> dict[str, str]:
    """The words of a row's sealed columns, with a line that says who read which. by: None for the portal itself.

    Raises CannotBeOpened. Whether `by` may read them at all is for whoever calls to have decided.
    """
    record(by, action, row, fields=names, reason=reason, changes=False)
    found = {name: getattr(row, name) for name in names}
    return {name: it if isinstance(it, str) else _words(it) for name, it in found.items()}


def _words(sealed) -> str:
    return unseal(sealed.stored, place=sealed.place) if sealed else ""


@transaction.atomic
def open_all(by, action: str, about: models.Model, rows: Iterable[models.Model], *names: str) -> list[dict[str, str]]:
    """The words of many rows of one kind that belong to a thing, with one line that says so: a page opens them at once.

    The line names the thing, the kind and its columns. Whether `by` may read them is for whoever calls.
    """
    rows = list(rows)
    if not rows:
        return []
    kind = rows[0]._meta.model_name
    record(by, action, about, fields=[f"{kind}.{name}" for name in names], changes=False)
    closed = [{name: getattr(row, name) for name in names} for row in rows]
    return [{name: it if isinstance(it, str) else _words(it) for name, it in columns.items()} for columns in closed]
