"""Import a past log: store the upload, try the import, import it or discard it."""

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import islice

from django.db import transaction
from django.utils.translation import pgettext

from consultations.imports.models import ImportUpload
from consultations.log.actions import LogEntry, columns_of, refuse_closed_months
from consultations.records import taxonomy
from consultations.records.access import refuse_without_role
from consultations.records.models import Consultation, ConsultationTopic, ReadGrant
from consultations.records.tallies import discard_tallies
from services.accounts.models import User
from services.accounts.roles import Role
from services.audit.decryption import decrypt_with_audit
from services.audit.trail import record
from services.base.refusals import Refused

BATCH_SIZE = 1000


@dataclass(frozen=True, slots=True)
class ImportedEntry:
    """A row of a past log, as an entry with its adviser. `public_id` is the same each time the row is imported."""

    entry: LogEntry
    adviser: User
    public_id: str


@dataclass(frozen=True, slots=True)
class ImportCounts:
    """How many consultations were added, and how many had already been imported."""

    added: int
    already: int


class _TrialRollback(Exception):
    """Raised at the end of a dry run to roll it back."""


@transaction.atomic
def store_upload(text: str, *, by: User) -> ImportUpload:
    """Store an uploaded table, encrypted, until it is imported. It replaces the user's earlier upload."""
    _refuse_non_manager(by)
    ImportUpload.objects.filter(by=by).delete()
    upload = ImportUpload.objects.create(by=by, text=text)
    record(by, "consultations.upload", upload, changes=False)
    return upload


def decrypt_upload(upload: ImportUpload, *, by: User) -> str:
    """Decrypt and return the table's text; leaves an audit entry."""
    return decrypt_with_audit(by, "consultations.open_upload", upload, "text")["text"]


@transaction.atomic
def discard_upload(upload: ImportUpload, *, by: User) -> None:
    """Delete an upload."""
    record(by, "consultations.discard_upload", upload, changes=False)
    upload.delete()


def import_rows(
    upload: ImportUpload, rows: Iterable[ImportedEntry], *, by: User, dry_run: bool = False
) -> ImportCounts:
    """Import every row into the log, or none. Rows imported earlier stay unchanged.

    Each row's adviser becomes its author and its reader. A dry run does everything and rolls it back; it leaves an
    audit entry as well. Raises `Refused` for users who are not managers, for closed months, and for an upload that
    somebody has already imported or discarded.
    """
    try:
        with transaction.atomic():
            counts = _import_under_lock(upload, rows, by)
            if dry_run:
                raise _TrialRollback
    except _TrialRollback:
        record(by, "consultations.try_import", upload, reason=_describe(counts), changes=False)
    return counts


def _import_under_lock(upload: ImportUpload, rows: Iterable[ImportedEntry], by: User) -> ImportCounts:
    _refuse_non_manager(by)
    # Lock all uploads, so that imports run one at a time: the same rows in different orders could deadlock.
    uploads = {it.pk: it for it in ImportUpload.objects.defer("text").select_for_update().order_by("pk")}
    upload = uploads.get(upload.pk)
    if upload is None or upload.by_id != by.pk:
        raise Refused(pgettext("staff", "This file has already been imported or discarded."))
    added, already, months, remaining = 0, 0, set(), iter(rows)
    while batch := list(islice(remaining, BATCH_SIZE)):
        known = Consultation.objects.filter(public_id__in=[row.public_id for row in batch])
        known = set(known.values_list("public_id", flat=True))
        new = [row for row in batch if row.public_id not in known]
        _create_entries(new)
        months |= {columns_of(row.entry)["month"] for row in new}
        added, already = added + len(new), already + len(known)
    counts = ImportCounts(added, already)
    record(by, "consultations.import", upload, reason=_describe(counts), changes=False)
    upload.delete()
    refuse_closed_months(*months)
    discard_tallies(months)
    return counts


def _create_entries(rows: list[ImportedEntry]) -> None:
    if {row.adviser.pk for row in rows if not row.adviser.has_role(Role.ADVISER)}:
        raise Refused(pgettext("staff", "Only advisers can log consultations."))
    created = Consultation.objects.bulk_create(
        Consultation(public_id=row.public_id, adviser=row.adviser, **columns_of(row.entry)) for row in rows
    )
    scheme = taxonomy.scheme_version()
    ConsultationTopic.objects.bulk_create(
        ConsultationTopic(consultation=it, topic=topic, scheme=scheme, is_primary=position == 0)
        for it, row in zip(created, rows, strict=True)
        for position, topic in enumerate(row.entry.topics)
    )
    ReadGrant.objects.bulk_create(
        ReadGrant(consultation=it, user=row.adviser) for it, row in zip(created, rows, strict=True)
    )


def _refuse_non_manager(by: User) -> None:
    refuse_without_role(by, Role.MANAGER, pgettext("staff", "Only managers can import past logs."))


def _describe(counts: ImportCounts) -> str:
    return f"{counts.added} added, {counts.already} already there"
