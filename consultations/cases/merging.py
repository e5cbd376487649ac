"""Putting two cases together, taking one apart, putting two records of a person together; and undoing each.

Merging and splitting let nobody read what they could not read before. Cases are merged only where their members are the
same; where they are not, members are added and removed first, each by a deed of its own that says so. A restricted case
is merged with no unrestricted one. Notes are never copied: consultations move, with what is theirs. What is undone is
read by who reads it at that moment: a case that comes back has the members of the one that it was in.
"""

from django.db import transaction
from django.utils import timezone
from django.utils.translation import pgettext

from consultations.actions.compartments import (
    give_own_clients,
    lock_case,
    lock_cases,
    lock_cases_of,
    lock_shared_clients,
    readers_follow,
    seen,
    write_event,
)
from consultations.models import (
    Case,
    CaseState,
    Client,
    Consultation,
    EventKind,
    Member,
    Reader,
    Regrouping,
    RegroupingKind,
)
from services.accounts.models import User
from services.audit.trail import record
from services.base.refusals import Refused
from services.base.states import move

MOVED_WITH_A_CASE = ("consultations", "follow_ups", "referrals")


@transaction.atomic
def merge_cases(case: Case, *, into: Case, by: User) -> Regrouping:
    """Make one case of two: all that is in the first moves into the other.

    Refused to who is no member of both, where the members differ, and for a restricted case with an unrestricted one.
    """
    case, into = _lock_both(case, into, by)
    moved = _join(case, into)
    regrouping = Regrouping.objects.create(kind=RegroupingKind.MERGED_CASES, case=into, other=case, moved=moved, by=by)
    write_event(case, EventKind.MERGED, by=by)
    write_event(into, EventKind.MERGED, by=by)
    record(by, "consultations.merge_cases", into, changes=False)
    record(by, "consultations.merge_cases", case, changes=False)
    return regrouping


@transaction.atomic
def split_case(case: Case, consultations: list[str], *, by: User, subject: str, members: list[User]) -> Regrouping:
    """Move some of a case's consultations (by public id) out into a new one that `by` has; its readers are made anew.

    members: who works on the new case beside `by`, each of them a member already. Follow-ups and referrals stay.
    Refused where nothing would be moved, or nothing would stay.
    """
    case = lock_case(case, by=by)
    keys = {by.pk, *(user.pk for user in members)}
    if case.members.filter(user__in=keys).count() < len(keys):
        raise Refused(pgettext("staff", "They are no member of this case. Add them first."))
    chosen = case.consultations.filter(public_id__in=consultations)
    moved = {"consultations": list(chosen.values_list("public_id", flat=True))}
    if not 0 < len(moved["consultations"]) < case.consultations.count():
        raise Refused(pgettext("staff", "Please choose some of the consultations: at least one moves, one stays."))
    new = Case.objects.create(
        subject=subject, client=case.client, language=case.language, is_restricted=case.is_restricted, assigned=by
    )
    Member.objects.bulk_create([Member(case=new, user_id=key) for key in sorted(keys)])
    list(case.consultations.select_for_update().order_by("pk"))
    chosen.update(case=new)
    _settle(new, by)
    regrouping = Regrouping.objects.create(kind=RegroupingKind.SPLIT_CASE, case=case, other=new, moved=moved, by=by)
    write_event(case, EventKind.SPLIT, by=by)
    write_event(new, EventKind.SPLIT, by=by)
    record(by, "consultations.split_case", case, changes=False)
    record(by, "consultations.split_case", new, changes=False)
    return regrouping


@transaction.atomic
def merge_clients(client: Client, *, into: Client, by: User) -> Regrouping:
    """Make one record of a person out of two: the first one's threads are the other's from now on, whose words stay.

    Refused to who does not know both, where somebody would come to read a name that they could not read before, and
    for restricted cases, which share their record with nothing.
    """
    client, into = _lock_both_clients(client, into, by)
    if not _readers(client) <= _readers(into):
        raise Refused(
            pgettext("staff", "Somebody who knows one of the two does not know the other: they would read a new name.")
        )
    moved = {
        name: list(getattr(client, name).values_list("public_id", flat=True)) for name in ("consultations", "cases")
    }
    records = Client.objects.filter(merged_into=client)
    moved["records"] = list(records.values_list("public_id", flat=True))
    records.update(merged_into=into)
    client.consultations.update(client=into)
    client.cases.update(client=into)
    client.merged_into = into
    client.save(update_fields=["merged_into"])
    seen(into, client.last_seen_at)
    regrouping = Regrouping.objects.create(
        kind=RegroupingKind.MERGED_CLIENTS, client=into, other_client=client, moved=moved, by=by
    )
    record(by, "consultations.merge_clients", into, changes=False)
    return regrouping


@transaction.atomic
def undo(regrouping: Regrouping, *, by: User) -> Regrouping:
    """Put back what a merge or a split moved, as far as it is where it was put. Once; refused as the deed itself is."""
    how = {
        RegroupingKind.MERGED_CASES: _undo_merged_cases,
        RegroupingKind.SPLIT_CASE: _undo_split_case,
        RegroupingKind.MERGED_CLIENTS: _undo_merged_clients,
    }
    how[regrouping.kind](regrouping, by)
    done = Regrouping.objects.filter(pk=regrouping.pk, undone_at__isnull=True).update(undone_at=timezone.now())
    if not done:
        raise Refused(pgettext("staff", "This was undone already."))
    for case in filter(None, (regrouping.case, regrouping.other)):
        write_event(case, EventKind.UNDONE, by=by)
    record(by, "consultations.undo", regrouping, changes=False)
    return regrouping


def _lock_both(case: Case, into: Case, by: User) -> tuple[Case, Case]:
    if case.pk == into.pk:
        raise Refused(pgettext("staff", "Please choose another case."))
    case, into = lock_cases(case, into, by=by)
    if CaseState.CLOSED in {case.state, into.state}:
        raise Refused(pgettext("staff", "This case is closed. Open it again first."))
    if case.is_restricted != into.is_restricted:
        raise Refused(pgettext("staff", "A restricted case is never merged with one that is not."))
    if _members(case) != _members(into):
        raise Refused(pgettext("staff", "The two cases have different members. Make them the same first."))
    if case.merged.exists():
        raise Refused(pgettext("staff", "Others were merged into this case. Merge the other way round."))
    return case, into


def _join(case: Case, into: Case) -> dict[str, list[str]]:
    """Move everything of a locked case into a locked other one; what it was."""
    both = Consultation.objects.filter(case__in=[case, into])
    list(both.select_for_update().order_by("pk"))
    moved = {name: list(getattr(case, name).values_list("public_id", flat=True)) for name in MOVED_WITH_A_CASE}
    for name in MOVED_WITH_A_CASE:
        getattr(case, name).update(case=into)
    move(case, CaseState.MERGED)
    case.merged_into = into
    case.save(update_fields=["state", "merged_into"])
    readers_follow(into)
    return moved


def _undo_merged_cases(regrouping: Regrouping, by: User) -> None:
    into = lock_case(regrouping.case, by=by)
    case = Case.objects.select_for_update().get(pk=regrouping.other_id)
    if case.merged_into_id != into.pk:
        raise Refused(pgettext("staff", "This was undone already."))
    list(into.consultations.select_for_update().order_by("pk"))
    for name in MOVED_WITH_A_CASE:
        getattr(into, name).filter(public_id__in=regrouping.moved[name]).update(case=case)
    move(case, CaseState.OPEN)
    case.merged_into = None
    case.save(update_fields=["state", "merged_into"])
    readers_follow(into)
    _settle(case, by)


def _undo_split_case(regrouping: Regrouping, by: User) -> None:
    new, case = _lock_both(regrouping.other, regrouping.case, by)
    _join(new, case)


def _undo_merged_clients(regrouping: Regrouping, by: User) -> None:
    into, client = _lock_both_clients(regrouping.client, regrouping.other_client, by, is_undoing=True)
    for name in ("consultations", "cases"):
        getattr(into, name).filter(public_id__in=regrouping.moved[name]).update(client=client)
    records = Client.objects.filter(merged_into=into, public_id__in=regrouping.moved.get("records", []))
    records.update(merged_into=client)
    client.merged_into = None
    client.save(update_fields=["merged_into"])


def _settle(case: Case, by: User) -> None:
    """Readers and, where it is restricted, a client of its own for a case that has just come about."""
    shared = lock_shared_clients(case) if case.is_restricted else []
    readers_follow(case)
    give_own_clients(case, shared, by=by)


def _members(case: Case) -> set[int]:
    return set(case.members.values_list("user", flat=True))


def _readers(client: Client) -> set[int]:
    """Who reads a client's name because of one of their threads. A broken glass is over soon, and does not count."""
    readers = Reader.objects.filter(consultation__client=client, until__isnull=True)
    members = Member.objects.filter(case__client=client)
    return {*readers.values_list("user", flat=True), *members.values_list("user", flat=True)}


def _lock_both_clients(client: Client, other: Client, by: User, *, is_undoing: bool = False) -> tuple[Client, Client]:
    if client.pk == other.pk:
        raise Refused(pgettext("staff", "Please choose another person."))
    keys = [client.pk, other.pk]
    lock_cases_of(client, other)
    locked = {it.pk: it for it in Client.objects.select_for_update().filter(pk__in=keys).order_by("pk")}
    known = Client.objects.visible_to(by).filter(pk__in=[client.pk] if is_undoing else keys)
    if len(locked) < len(keys) or known.count() < (1 if is_undoing else len(keys)):
        raise Refused(pgettext("staff", "You do not know this person any more."))
    if locked[client.pk].merged_into_id or locked[other.pk].merged_into_id != (client.pk if is_undoing else None):
        raise Refused(pgettext("staff", "One of the two was merged into another or taken apart meanwhile."))
    for threads in (Case, Consultation):
        if threads.objects.filter(client__in=keys, is_restricted=True).exists():
            raise Refused(pgettext("staff", "A restricted case has its own record of the person. It is never merged."))
    list(Consultation.objects.select_for_update().filter(client__in=keys).order_by("pk"))
    return locked[client.pk], locked[other.pk]
