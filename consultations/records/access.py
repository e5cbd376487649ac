"""Who reads what in a case: one place from which every verb that changes it works.

The rule, and nothing beside it:
- The members of a case read all its consultations.
- Unrestricted, the author and the assigned adviser of a consultation read it too, and who broke the glass for an hour.
- Restricted, the members alone: an author who is no member reads it no more, and finds it again when the restriction is
  lifted. What they know they know; what is added from now on is what must be kept from them.
- A restricted case shares its client with nothing else: a new address must not reach who knew the old one.

Locks are taken in one order, so that nobody waits in a circle: cases (those that others were merged into first, then
these, each by key), clients, consultations, follow-ups and referrals, the trail's head.
"""

import datetime

from django.db.models import F, Q
from django.db.models.functions import Greatest
from django.utils import timezone
from django.utils.translation import pgettext

from consultations.models import Case, CaseEvent, CaseState, Client, Consultation, EventKind, Member, Reader
from services.accounts.models import User
from services.audit.opening import open_sealed
from services.base.refusals import Refused


def lock_cases(*cases: Case, by: User) -> list[Case]:
    """The cases as they are now, locked with all that was merged into them. Refused to who is no member of each."""
    keys = [case.pk for case in cases]
    locked = {case.pk: case for case in Case.objects.select_for_update().filter(pk__in=keys).order_by("pk")}
    # A second query, which sees what was merged while the first one waited.
    list(Case.objects.select_for_update().filter(merged_into__in=keys).order_by("pk"))
    if Case.objects.readable_by(by).filter(pk__in=keys).count() < len(locked):
        raise Refused(pgettext("staff", "You are no member of this case any more."))
    if any(case.state == CaseState.MERGED for case in locked.values()):
        raise Refused(pgettext("staff", "This case was merged into another one meanwhile."))
    return [locked[key] for key in keys]


def lock_case(case: Case, *, by: User, may_be_closed: bool = False) -> Case:
    """One case likewise. Refused once it is closed, but for what may be done then."""
    [case] = lock_cases(case, by=by)
    if case.state == CaseState.CLOSED and not may_be_closed:
        raise Refused(pgettext("staff", "This case is closed. Open it again first."))
    return case


def write_event(case: Case, kind: EventKind, *, by: User, text: str = "", about: User | None = None) -> CaseEvent:
    """Add what happened. The years of a closed case count from the last thing that happened in it."""
    event = CaseEvent.objects.create(case=case, kind=kind, by=by, text=text, about=about, at=timezone.now())
    if case.state == CaseState.CLOSED:
        case.closed_at = event.at
        case.save(update_fields=["closed_at"])
    return event


def readers_follow(case: Case) -> None:
    """Make the readers of a locked case's consultations those whom the rule says, and of what was merged into it."""
    members = set(case.members.values_list("user", flat=True))
    for merged in case.merged.all():
        _members_follow(merged, members)
    case.merged.update(is_restricted=case.is_restricted)
    consultations = list(case.consultations.select_for_update().order_by("pk"))
    case.consultations.update(is_restricted=case.is_restricted)
    wanted = {(it.pk, user) for it in consultations for user in members | _by_themselves(it, case)}
    present = Reader.objects.filter(consultation__in=consultations)
    if not case.is_restricted:
        present = present.filter(until__isnull=True)  # a broken glass lasts its hour
    gone = [reader.pk for reader in present if (reader.consultation_id, reader.user_id) not in wanted]
    Reader.objects.filter(pk__in=gone).delete()
    Reader.objects.bulk_create(
        [Reader(consultation_id=consultation, user_id=user) for consultation, user in sorted(wanted)],
        update_conflicts=True,
        unique_fields=["consultation", "user"],
        update_fields=["until"],
    )


def _members_follow(case: Case, members: set[int]) -> None:
    case.members.exclude(user__in=members).delete()
    Member.objects.bulk_create([Member(case=case, user_id=user) for user in sorted(members)], ignore_conflicts=True)
    if case.assigned_id not in members:
        Case.objects.filter(pk=case.pk).update(assigned=case.merged_into.assigned_id)


def _by_themselves(consultation: Consultation, case: Case) -> set[int]:
    """Who reads a consultation without being a member."""
    return set() if case.is_restricted else {consultation.adviser_id, consultation.assigned_id} - {None}


def lock_cases_of(*clients: Client) -> None:
    """Lock the cases of some clients, in the one order: those that others were merged into first."""
    cases = Case.objects.select_for_update().filter(client__in=[client.pk for client in clients])
    list(cases.order_by(F("merged_into").asc(nulls_first=True), "pk"))


def seen(client: Client, at: datetime.datetime) -> None:
    """Note that somebody was at the desk, from which the years count; and lock their row.

    Refused once the record is in another one, or gone: what is logged for it would be on nobody's thread.
    """
    there = Client.objects.filter(pk=client.pk, merged_into__isnull=True)
    if not there.update(last_seen_at=Greatest("last_seen_at", at)):
        raise _gone()


def lock_with_client(consultation: Consultation) -> Consultation:
    """A consultation as it is now, locked after its client, in the one order. Refused once it is another's."""
    client = Client.objects.select_for_update().filter(pk=consultation.client_id).first()
    locked = Consultation.objects.select_for_update().get(pk=consultation.pk)
    if locked.client_id != (client.pk if client else None):
        raise _gone()
    return locked


def _gone() -> Refused:
    return Refused(
        pgettext("staff", "This person's record was merged into another or forgotten meanwhile. Please look again.")
    )


def refuse_sharing(client: Client, case: Case | None, *, by: User) -> None:
    """Refuse a locked client for a case, or for none, where a restricted case would share them.

    Who does not know them is told what a code that is none tells: the case may have been restricted just now.
    """
    if case and case.is_restricted:
        if _elsewhere(client, _family(case)):
            raise Refused(
                pgettext("staff", "A restricted case has its own record of the person. Please take that one.")
            )
    elif client.cases.filter(is_restricted=True).exists() or client.consultations.filter(is_restricted=True).exists():
        if not Client.objects.visible_to(by).filter(pk=client.pk).exists():
            raise Refused(pgettext("staff", "There is nobody with this code."))
        raise Refused(pgettext("staff", "This person's record belongs to a restricted case. Please log it there."))


def lock_shared_clients(case: Case) -> list[Client]:
    """The clients that a locked case has in common with anything else, locked."""
    family = _family(case)
    keys = Client.objects.filter(Q(consultations__case__in=family) | Q(cases__in=family)).values("pk")
    theirs, before = Client.objects.select_for_update().filter(pk__in=keys).order_by("pk"), None
    # Until it stays the same: while we waited for one, it may have been merged into another.
    while (clients := list(theirs.all())) != before:
        before = clients
    return [client for client in clients if _elsewhere(client, family)]


def give_own_clients(case: Case, shared: list[Client], *, by: User) -> None:
    """In the place of each shared client put one of the case's own, with the same words and a new code."""
    family = _family(case)
    for client in shared:
        words = open_sealed(by, "consultations.open_client", client, "name", "contact")
        names = ("name_index", "contact_index", "language", "safe_channels", "last_seen_at")
        own = Client.objects.create(**words, **{name: getattr(client, name) for name in names})
        Consultation.objects.filter(case__in=family, client=client).update(client=own)
        family.filter(client=client).update(client=own)


def _family(case: Case):
    return Case.objects.filter(Q(pk=case.pk) | Q(merged_into=case.pk))


def _elsewhere(client: Client, family) -> bool:
    """Whether a client is known outside some cases."""
    return client.consultations.exclude(case__in=family).exists() or client.cases.exclude(pk__in=family).exists()
