"""Read access to the log that leaves audit entries: the list, printing, old versions, a client's code."""

from collections.abc import Iterable
from dataclasses import dataclass

from django.db import transaction
from django.db.models import Exists, OuterRef, Q

from consultations.log.actions import break_the_glass, decrypt_consultation
from consultations.records.clients import resolve_client_code
from consultations.records.models import Amendment, Client, Consultation
from services.accounts.models import User
from services.accounts.roles import Role
from services.audit.decryption import decrypt_with_audit
from services.audit.trail import record


@dataclass(frozen=True, slots=True)
class EarlierContact:
    """What a user with a person's code may learn: the consultations they may read, else who keeps the latest one."""

    client: Client
    readable: list[Consultation]
    adviser: User | None = None


def record_list_access(filters: Iterable[str], *, by: User) -> None:
    """Leave an audit entry for a view of the list. filters: the names of the filters used."""
    record(by, "consultations.list", fields=filters, changes=False)


@transaction.atomic
def print_consultation(consultation: Consultation, *, by: User) -> dict[str, str]:
    """Decrypt the texts of a consultation for printing. Raises `Consultation.DoesNotExist` for non-readers."""
    words = decrypt_consultation(consultation, by=by)
    if not words:
        raise Consultation.DoesNotExist
    record(by, "consultations.print", consultation, changes=False)
    return words


@transaction.atomic
def decrypt_version(before: Amendment, *, by: User) -> str:
    """Decrypt a consultation's earlier version. Raises `Consultation.DoesNotExist` for non-readers."""
    list(Consultation.objects.select_for_update().filter(pk=before.consultation_id).values_list("pk"))
    Consultation.objects.readable_by(by).get(pk=before.consultation_id)
    return decrypt_with_audit(by, "consultations.open_version", before, "before")["before"]


def client_by_code(code: str, *, by: User) -> Client | None:
    """Return the client with a code; a merged record's code finds its successor.

    Returns None for a client known only from restricted records that the user may not read.
    """
    found = resolve_client_code(code)
    has_unrestricted = Exists(Consultation.objects.filter(client=OuterRef("pk"), is_restricted=False))
    may_be_known = Q(has_unrestricted) | Q(pk__in=Client.objects.visible_to(by).values("pk"))
    return Client.objects.filter(may_be_known, pk=found.pk).first() if found else None


@transaction.atomic
def look_up_earlier_contact(code: str, *, by: User) -> EarlierContact | None:
    """Find a person's consultations by their code. None if the code is unknown, or the user may not know of it."""
    client = client_by_code(code, by=by)
    record(by, "consultations.find_code", client, changes=False)
    if client is None:
        return None
    readable = list(Consultation.objects.readable_by(by).filter(client=client).select_related("adviser"))
    other = _latest_unreadable(client, by)
    return EarlierContact(client, readable, (other.assigned or other.adviser) if other else None)


def break_glass_by_code(code: str, *, by: User, reason: str) -> tuple[Consultation, Role | None]:
    """Break the glass of a person's latest consultation that the user may not read; also return who was notified.

    Raises `Consultation.DoesNotExist` if there is none, or only restricted ones.
    """
    client = client_by_code(code, by=by)
    consultation = _latest_unreadable(client, by) if client else None
    if consultation is None:
        raise Consultation.DoesNotExist
    return consultation, break_the_glass(consultation, by=by, reason=reason)


def _latest_unreadable(client: Client, by: User) -> Consultation | None:
    """Return the latest unrestricted consultation that the user may not read."""
    readable = Consultation.objects.readable_by(by).values("pk")
    others = Consultation.objects.filter(client=client, is_restricted=False).exclude(pk__in=readable)
    return others.select_related("adviser", "assigned").first()


def advisers() -> dict[str, str]:
    """Return the names by public id, in order: those with the role, and former advisers who have logged something."""
    logged = Exists(Consultation.objects.filter(adviser=OuterRef("pk")))
    # Only accounts without a resident are looked at for former advisers: a city has far more residents than staff.
    found = User.objects.filter(Q(grants__role=Role.ADVISER) | Q(logged, resident__isnull=True)).distinct()
    return {user.public_id: str(user) for user in sorted(found, key=str)}
