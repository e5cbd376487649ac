"""Exports from the portal. Each leaves an audit entry."""

from django.db import transaction

from consultations.records.models import Consultation
from consultations.statistics.export_sheets import EXPORT_COLUMNS
from services.accounts.models import User
from services.audit.trail import record
from services.figures.periods import Period


@transaction.atomic
def record_figures_export(what: str, period: Period, *, by: User) -> None:
    """Leave an audit entry for an export of figures. what: which figures."""
    record(by, f"consultations.export_{what}", reason=str(period), changes=False)


@transaction.atomic
def export_rows(period: Period, *, by: User, chosen: dict[str, str]) -> list[list[str | int]]:
    """Return the consultations of a period that the user may know of, without anything that identifies a person.

    chosen: filters by column, named as in the list. The audit entry contains them.
    """
    rows = Consultation.objects.visible_to(by).filter(month__range=(period.first, period.last))
    columns = {name: value for name, value in chosen.items() if name != "topic"}
    rows = rows.filter(**columns)
    if topic := chosen.get("topic"):
        rows = rows.filter(topics__topic=topic)
    description = " ".join([str(period), *(f"{name}={value}" for name, value in sorted(chosen.items()))])
    record(by, "consultations.export_rows", fields=EXPORT_COLUMNS, reason=description, changes=False)
    found = []
    for row in (
        rows.prefetch_related("topics").only(*EXPORT_COLUMNS).order_by("began_at", "pk").iterator(chunk_size=2000)
    ):
        facts = [getattr(row, name) for name in EXPORT_COLUMNS]
        facts[1] = f"{row.month:%Y-%m}"
        found.append([*facts, " ".join(topic.topic for topic in row.topics.all())])
    return found
