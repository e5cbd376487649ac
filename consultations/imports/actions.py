"""The verbs of taking over a past log: keep what was uploaded, try it out, take it over, throw it away."""

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import islice

from django.db import transaction
from django.utils.translation import pgettext

from consultations import taxonomy
from consultations.actions.consultations import Entry, columns_of, refuse_closed
from consultations.actions.counting import forget_counts
from consultations.models import Consultation, ConsultationTopic, Reader, Upload
from services.accounts.models import User
from services.accounts.roles import Role
from services.audit.opening import open_sealed
from services.audit.trail import record
from services.base.refusals import Refused

AT_ONCE = 1000


@dataclass(frozen=True, slots=True)
class Past:
    """A row of a past log: what it says, whose it is. `public_id` is the same each time that the row comes."""

    entry: Entry
    adviser: User
    public_id: str


@dataclass(frozen=True, slots=True)
class Counts:
    """How many consultations came in, and how many were there from an earlier time."""

    added: int
    already: int


class _RolledBack(Exception):
    """A dry run has done everything and undoes it."""


@transaction.atomic
def keep_upload(text: str, *, by: User) -> Upload:
    """Keep a table, sealed, until it is taken over. One person has one: the one before goes."""
    _refuse_others(by)
    Upload.objects.filter(by=by).delete()
    upload = Upload.objects.create(by=by, text=text)
    record(by, "consultations.upload", upload, changes=False)
    return upload


def open_upload(upload: Upload, *, by: User) -> str:
    """The table's text, with a line in the trail."""
    return open_sealed(by, "consultations.open_upload", upload, "text")["text"]


@transaction.atomic
def discard_upload(upload: Upload, *, by: User) -> None:
    """Throw a table away."""
    record(by, "consultations.discard_upload", upload, changes=False)
    upload.delete()


def take_over(upload: Upload, rows: Iterable[Past], *, by: User, dry_run: bool = False) -> Counts:
    """Write every row into the log, or none. What came in before is left as it is.

    Its author, and so its reader, is the row's adviser. A dry run is the real one, undone; it leaves a line as well.
    Refused to whoever is no manager, for closed months, and for what was taken over meanwhile.
    """
    try:
        with transaction.atomic():
            counts = _take_over(upload, rows, by)
            if dry_run:
                raise _RolledBack
    except _RolledBack:
        record(by, "consultations.try_import", upload, reason=_in_words(counts), changes=False)
    return counts


def _take_over(upload: Upload, rows: Iterable[Past], by: User) -> Counts:
    _refuse_others(by)
    # One after the other: two of the same rows in another order would wait for each other in a circle.
    waiting = {it.pk: it for it in Upload.objects.defer("text").select_for_update().order_by("pk")}
    upload = waiting.get(upload.pk)
    if upload is None or upload.by_id != by.pk:
        raise Refused(pgettext("staff", "This table has been taken over or thrown away already."))
    added, already, months, left = 0, 0, set(), iter(rows)
    while batch := list(islice(left, AT_ONCE)):
        known = Consultation.objects.filter(public_id__in=[row.public_id for row in batch])
        known = set(known.values_list("public_id", flat=True))
        new = [row for row in batch if row.public_id not in known]
        _write(new)
        months |= {columns_of(row.entry)["month"] for row in new}
        added, already = added + len(new), already + len(known)
    counts = Counts(added, already)
    record(by, "consultations.import", upload, reason=_in_words(counts), changes=False)
    upload.delete()
    refuse_closed(*months)
    forget_counts(months)
    return counts


def _write(rows: list[Past]) -> None:
    if {row.adviser.pk for row in rows if not row.adviser.has_role(Role.ADVISER)}:
        raise Refused(pgettext("staff", "Only advisers log consultations."))
    made = Consultation.objects.bulk_create(
        Consultation(public_id=row.public_id, adviser=row.adviser, **columns_of(row.entry)) for row in rows
    )
    scheme = taxonomy.scheme_version()
    ConsultationTopic.objects.bulk_create(
        ConsultationTopic(consultation=it, topic=topic, scheme=scheme, is_primary=place == 0)
        for it, row in zip(made, rows, strict=True)
        for place, topic in enumerate(row.entry.topics)
    )
    Reader.objects.bulk_create(Reader(consultation=it, user=row.adviser) for it, row in zip(made, rows, strict=True))


def _refuse_others(by: User) -> None:
    if not by.has_role(Role.MANAGER):
        raise Refused(pgettext("staff", "Only managers take over a past log."))


def _in_words(counts: Counts) -> str:
    return f"{counts.added} added, {counts.already} already there"
