"""Who may read a case and its consultations. Every action that changes a case works from here.

The rules, without exception:
- Members of a case read all its consultations.
- In an unrestricted case, the author and the assigned adviser of a consultation read it too, and so does anyone who
  has broken the glass within the last hour.
- In a restricted case, only members read. An author who is not a member loses access until the restriction is lifted.
  Authors remember what they wrote; the restriction protects what is added from then on.
- A restricted case shares its client with no other record, so that nobody who knew the person's old address learns
  the new one.

Lock order, which prevents deadlocks: cases (first those that others were merged into, each by primary key), clients,
consultations, follow-ups and referrals, the head of the audit chain.
"""

import datetime

from django.db.models import F, Q
from django.db.models.functions import Greatest
from django.utils import timezone
from django.utils.translation import pgettext

from consultations.records.models import (
    Case,
    CaseEvent,
    CaseMember,
    CaseState,
    Client,
    Consultation,
    EventKind,
    ReadGrant,
)
from services.accounts.models import User
from services.accounts.roles import Role
from services.audit.decryption import decrypt_with_audit
from services.base.refusals import Refused


def lock_cases(*cases: Case, by: User) -> list[Case]:
    """Lock and return the current cases, and lock all cases merged into them. Raises `Refused` for non-members."""
    keys = [case.pk for case in cases]
    locked = {case.pk: case for case in Case.objects.select_for_update().filter(pk__in=keys).order_by("pk")}
    # A separate query, so that it sees cases that were merged while the first query waited.
    list(Case.objects.select_for_update().filter(merged_into__in=keys).order_by("pk"))
    if Case.objects.readable_by(by).filter(pk__in=keys).count() < len(locked):
        raise Refused(pgettext("staff", "You are no longer a member of this case."))
    if any(case.state == CaseState.MERGED for case in locked.values()):
        raise Refused(pgettext("staff", "This case has since been merged into another case."))
    return [locked[key] for key in keys]


def lock_case(case: Case, *, by: User, may_be_closed: bool = False) -> Case:
    """Lock one case as `lock_cases` does. Raises `Refused` if it is closed, unless `may_be_closed`."""
    [case] = lock_cases(case, by=by)
    if case.state == CaseState.CLOSED and not may_be_closed:
        raise Refused(pgettext("staff", "This case is closed. Reopen it first."))
    return case


def write_event(case: Case, kind: EventKind, *, by: User, text: str = "", about: User | None = None) -> CaseEvent:
    """Add an event to a case. In a closed case it also restarts the retention period, by moving `closed_at`."""
    event = CaseEvent.objects.create(case=case, kind=kind, by=by, text=text, about=about, at=timezone.now())
    if case.state == CaseState.CLOSED:
        case.closed_at = event.at
        case.save(update_fields=["closed_at"])
    return event


def refuse_without_role(user: User, role: Role, message: str) -> None:
    """Raise `Refused` with the message if the user does not have the role."""
    if not user.has_role(role):
        raise Refused(message)


def sync_readers(case: Case) -> None:
    """Set the readers of a locked case's consultations, and of cases merged into it, as the rules above say."""
    members = case.member_ids()
    for merged in case.merged.all():
        _sync_members(merged, members)
    case.merged.update(is_restricted=case.is_restricted)
    consultations = list(case.consultations.select_for_update().order_by("pk"))
    case.consultations.update(is_restricted=case.is_restricted)
    wanted = {(it.pk, user) for it in consultations for user in members | _readers_outside_case(it, case)}
    grants = ReadGrant.objects.filter(consultation__in=consultations)
    if not case.is_restricted:
        grants = grants.filter(until__isnull=True)  # emergency access lasts its full hour
    obsolete = [grant.pk for grant in grants if (grant.consultation_id, grant.user_id) not in wanted]
    ReadGrant.objects.filter(pk__in=obsolete).delete()
    ReadGrant.objects.bulk_create(
        [ReadGrant(consultation_id=consultation, user_id=user) for consultation, user in sorted(wanted)],
        update_conflicts=True,
        unique_fields=["consultation", "user"],
        update_fields=["until"],
    )


def _sync_members(case: Case, members: set[int]) -> None:
    case.members.exclude(user__in=members).delete()
    CaseMember.objects.bulk_create(
        [CaseMember(case=case, user_id=user) for user in sorted(members)], ignore_conflicts=True
    )
    if case.assigned_id not in members:
        Case.objects.filter(pk=case.pk).update(assigned=case.merged_into.assigned_id)


def _readers_outside_case(consultation: Consultation, case: Case) -> set[int]:
    """Return the users who may read a consultation without being members of its case."""
    return set() if case.is_restricted else {consultation.adviser_id, consultation.assigned_id} - {None}


def lock_cases_of(*clients: Client) -> None:
    """Lock the cases of these clients in the lock order: first those that others were merged into."""
    cases = Case.objects.select_for_update().filter(client__in=[client.pk for client in clients])
    list(cases.order_by(F("merged_into").asc(nulls_first=True), "pk"))


def lock_and_mark_seen(client: Client, at: datetime.datetime) -> None:
    """Lock a client's row, and note when they were last at the desk; their retention period starts there.

    Raises `Refused` if the record has been merged or deleted, because nobody would find what is logged for it.
    """
    current = Client.objects.filter(pk=client.pk, merged_into__isnull=True)
    if not current.update(last_seen_at=Greatest("last_seen_at", at)):
        raise _client_gone()


def lock_client_and_consultation(consultation: Consultation) -> Consultation:
    """Lock the client, then the consultation, and return it. Raises `Refused` if its client has changed."""
    client = Client.objects.select_for_update().filter(pk=consultation.client_id).first()
    locked = Consultation.objects.select_for_update().get(pk=consultation.pk)
    if locked.client_id != (client.pk if client else None):
        raise _client_gone()
    return locked


def _client_gone() -> Refused:
    return Refused(
        pgettext(
            "staff",
            "This person's record has since been merged into another record or deleted. Check the person's code and "
            "try again.",
        )
    )


def refuse_shared_client(client: Client, case: Case | None, *, by: User) -> None:
    """Raise `Refused` if using a locked client in this case (or in none) would share them with a restricted case.

    A user who does not know the client gets the same answer as for an unknown code. They may have known the client
    until the case was restricted.
    """
    if case and case.is_restricted:
        if _is_used_outside(client, _with_merged_cases(case)):
            raise Refused(pgettext("staff", "A restricted case has its own record of the person. Use that record."))
    elif client.cases.filter(is_restricted=True).exists() or client.consultations.filter(is_restricted=True).exists():
        if not Client.objects.visible_to(by).filter(pk=client.pk).exists():
            raise Refused(pgettext("staff", "No person was found with this code."))
        raise Refused(
            pgettext("staff", "This person's record belongs to a restricted case. Log the consultation in that case.")
        )


def lock_shared_clients(case: Case) -> list[Client]:
    """Lock all clients of a locked case, and return those that other records use too."""
    family = _with_merged_cases(case)
    keys = Client.objects.filter(Q(consultations__case__in=family) | Q(cases__in=family)).values("pk")
    locked, before = Client.objects.select_for_update().filter(pk__in=keys).order_by("pk"), None
    # Repeat until the result is stable: a client may have been merged into another while we waited for its lock.
    while (clients := list(locked.all())) != before:
        before = clients
    return [client for client in clients if _is_used_outside(client, family)]


def replace_shared_clients(case: Case, shared: list[Client], *, by: User) -> None:
    """Replace each shared client of a locked case by a copy with a new code; leaves an audit entry for each."""
    family = _with_merged_cases(case)
    for client in shared:
        details = decrypt_with_audit(by, "consultations.open_client", client, "name", "contact")
        names = ("name_index", "contact_index", "language", "safe_channels", "last_seen_at")
        own = Client.objects.create(**details, **{name: getattr(client, name) for name in names})
        Consultation.objects.filter(case__in=family, client=client).update(client=own)
        family.filter(client=client).update(client=own)


def _with_merged_cases(case: Case):
    return Case.objects.filter(Q(pk=case.pk) | Q(merged_into=case.pk))


def _is_used_outside(client: Client, family) -> bool:
    """Return whether a consultation or case outside these cases has this client."""
    return client.consultations.exclude(case__in=family).exists() or client.cases.exclude(pk__in=family).exists()
