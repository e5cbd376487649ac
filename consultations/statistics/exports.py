"""What leaves the portal as a file: each leaves a line in the trail."""

from django.db import transaction

from consultations.figures.periods import Period
from consultations.models import Consultation
from services.accounts.models import User
from services.audit.trail import record

# What a row of the log tells outside of the portal: facts under a public id, never a note, a client or a name.
COLUMNS = (
    "public_id",
    "month",
    "channel",
    "asker",
    "language",
    "bridging",
    "mother_tongue",
    "nationality",
    "outcome",
    "referred_to",
    "minutes",
)


@transaction.atomic
def export_figures(what: str, period: Period, *, by: User) -> None:
    """Note that somebody takes figures along. what: which of them."""
    record(by, f"consultations.export_{what}", reason=str(period), changes=False)


@transaction.atomic
def export_rows(period: Period, *, by: User, chosen: dict[str, str]) -> list[list[str | int]]:
    """The consultations of a period that somebody may know of, without anything by which somebody could be known.

    chosen: which of them, by the same names as in the list. Written down in the trail with what was chosen.
    """
    rows = Consultation.objects.visible_to(by).filter(month__range=(period.first, period.last))
    columns = {name: value for name, value in chosen.items() if name != "topic"}
    rows = rows.filter(**columns)
    if topic := chosen.get("topic"):
        rows = rows.filter(topics__topic=topic)
    told = " ".join([str(period), *(f"{name}={value}" for name, value in sorted(chosen.items()))])
    record(by, "consultations.export_rows", fields=COLUMNS, reason=told, changes=False)
    found = []
    for row in rows.prefetch_related("topics").only(*COLUMNS).order_by("began_at", "pk").iterator(chunk_size=2000):
        facts = [getattr(row, name) for name in COLUMNS]
        facts[1] = f"{row.month:%Y-%m}"
        found.append([*facts, " ".join(topic.topic for topic in row.topics.all())])
    return found
