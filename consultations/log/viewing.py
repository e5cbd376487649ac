"""Looking at the log, each time with a line in the trail: the list, a print, a person's code."""

from collections.abc import Iterable
from dataclasses import dataclass

from django.db import transaction
from django.db.models import Exists, OuterRef, Q

from consultations.actions.clients import named_by
from consultations.actions.consultations import break_the_glass, open_consultation
from consultations.models import Amendment, Client, Consultation
from services.accounts.models import User
from services.accounts.roles import Role
from services.audit.opening import open_sealed
from services.audit.trail import record


@dataclass(frozen=True, slots=True)
class Thread:
    """What somebody who knows a person's code may learn: what is theirs to read, else who keeps the rest."""

    client: Client
    readable: list[Consultation]
    kept_by: User | None = None


def look_at_list(filters: Iterable[str], *, by: User) -> None:
    """Note that somebody looked at the list; filters: their names."""
    record(by, "consultations.list", fields=filters, changes=False)


@transaction.atomic
def print_consultation(consultation: Consultation, *, by: User) -> dict[str, str]:
    """The words for a print. Raises Consultation.DoesNotExist to who may not read."""
    words = open_consultation(consultation, by=by)
    if not words:
        raise Consultation.DoesNotExist
    record(by, "consultations.print", consultation, changes=False)
    return words


@transaction.atomic
def open_version(before: Amendment, *, by: User) -> str:
    """What a consultation said before it was changed. Raises Consultation.DoesNotExist to who may not read it."""
    list(Consultation.objects.select_for_update().filter(pk=before.consultation_id).values_list("pk"))
    Consultation.objects.readable_by(by).get(pk=before.consultation_id)
    return open_sealed(by, "consultations.open_version", before, "before")["before"]


def known_by_code(code: str, *, by: User) -> Client | None:
    """Somebody by their code; a code of a record that was merged leads to the other.

    Of whom there are only restricted records of others, there is nobody.
    """
    named = named_by(code)
    is_open = Exists(Consultation.objects.filter(client=OuterRef("pk"), is_restricted=False))
    knowable = Q(is_open) | Q(pk__in=Client.objects.visible_to(by).values("pk"))
    return Client.objects.filter(knowable, pk=named.pk).first() if named else None


@transaction.atomic
def find_thread(code: str, *, by: User) -> Thread | None:
    """A person's consultations by their code. None for a code that is none, or that must not be known of."""
    client = known_by_code(code, by=by)
    record(by, "consultations.find_code", client, changes=False)
    if client is None:
        return None
    readable = list(Consultation.objects.readable_by(by).filter(client=client).select_related("adviser"))
    other = _last_of_others(client, by)
    return Thread(client, readable, (other.assigned or other.adviser) if other else None)


def open_thread(code: str, *, by: User, reason: str) -> tuple[Consultation, Role | None]:
    """Break the glass of the newest consultation of a person that is not one's own to read; and who was told.

    Raises Consultation.DoesNotExist where there is none, or none that has a glass.
    """
    client = known_by_code(code, by=by)
    consultation = _last_of_others(client, by) if client else None
    if consultation is None:
        raise Consultation.DoesNotExist
    return consultation, break_the_glass(consultation, by=by, reason=reason)


def _last_of_others(client: Client, by: User) -> Consultation | None:
    """The newest one that `by` may know of and not read."""
    own = Consultation.objects.readable_by(by).values("pk")
    others = Consultation.objects.filter(client=client, is_restricted=False).exclude(pk__in=own)
    return others.select_related("adviser", "assigned").first()
