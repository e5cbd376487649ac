"""Merge two cases, split a case, merge two records of a person, and undo each.

Merging and splitting let nobody read what they could not read before. Cases are merged only if they have the same
members; otherwise members are first added or removed by actions of their own, which leave audit entries. A restricted
case is never merged with an unrestricted one. Notes are never copied: consultations move with everything that belongs
to them. After an undo the current readers keep access: a restored case has the members of the case that it was in.
"""

from django.db import transaction
from django.utils import timezone
from django.utils.translation import pgettext

from consultations.records.access import (
    lock_and_mark_seen,
    lock_case,
    lock_cases,
    lock_cases_of,
    lock_shared_clients,
    replace_shared_clients,
    sync_readers,
    write_event,
)
from consultations.records.models import (
    Case,
    CaseMember,
    CaseMerge,
    CaseMergeKind,
    CaseState,
    Client,
    Consultation,
    EventKind,
    ReadGrant,
)
from services.accounts.models import User
from services.audit.trail import record
from services.base.refusals import Refused
from services.base.states import transition

MOVED_WITH_A_CASE = ("consultations", "follow_ups", "referrals")


@transaction.atomic
def merge_cases(case: Case, *, into: Case, by: User) -> CaseMerge:
    """Merge a case into another: everything in it moves.

    Raises `Refused` for a user who is not a member of both, if the members differ, or if only one case is restricted.
    """
    case, into = _lock_both_cases(case, into, by)
    moved = _move_contents(case, into)
    merge = CaseMerge.objects.create(kind=CaseMergeKind.MERGED_CASES, case=into, other=case, moved=moved, by=by)
    write_event(case, EventKind.MERGED, by=by)
    write_event(into, EventKind.MERGED, by=by)
    record(by, "consultations.merge_cases", into, changes=False)
    record(by, "consultations.merge_cases", case, changes=False)
    return merge


@transaction.atomic
def split_case(case: Case, consultations: list[str], *, by: User, subject: str, members: list[User]) -> CaseMerge:
    """Move some of a case's consultations (public ids) to a new case assigned to `by`, and set its readers.

    members: the new case's members besides `by`; each must already be a member. Follow-ups and referrals stay.
    Raises `Refused` if no consultation or every consultation would move.
    """
    case = lock_case(case, by=by)
    keys = {by.pk, *(user.pk for user in members)}
    if case.members.filter(user__in=keys).count() < len(keys):
        raise Refused(pgettext("staff", "This person is not a member of the case. Add them first."))
    chosen = case.consultations.filter(public_id__in=consultations)
    moved = {"consultations": list(chosen.values_list("public_id", flat=True))}
    if not 0 < len(moved["consultations"]) < case.consultations.count():
        raise Refused(pgettext("staff", "Choose at least one consultation to move, and leave at least one."))
    new = Case.objects.create(
        subject=subject, client=case.client, language=case.language, is_restricted=case.is_restricted, assigned=by
    )
    CaseMember.objects.bulk_create([CaseMember(case=new, user_id=key) for key in sorted(keys)])
    list(case.consultations.select_for_update().order_by("pk"))
    chosen.update(case=new)
    _sync_separated_case(new, by)
    merge = CaseMerge.objects.create(kind=CaseMergeKind.SPLIT_CASE, case=case, other=new, moved=moved, by=by)
    write_event(case, EventKind.SPLIT, by=by)
    write_event(new, EventKind.SPLIT, by=by)
    record(by, "consultations.split_case", case, changes=False)
    record(by, "consultations.split_case", new, changes=False)
    return merge


@transaction.atomic
def merge_clients(client: Client, *, into: Client, by: User) -> CaseMerge:
    """Merge a client's record into another, which keeps its own details and receives all consultations and cases.

    Raises `Refused` for a user who may not see both, if the merge would show anybody a new name, and for clients of
    restricted cases, which have records of their own.
    """
    client, into = _lock_both_clients(client, into, by)
    if not _reader_ids(client) <= _reader_ids(into):
        raise Refused(
            pgettext("staff", "Some staff can see only one of these two records. Merging would show them a new name.")
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
    lock_and_mark_seen(into, client.last_seen_at)
    merge = CaseMerge.objects.create(
        kind=CaseMergeKind.MERGED_CLIENTS, client=into, other_client=client, moved=moved, by=by
    )
    record(by, "consultations.merge_clients", into, changes=False)
    return merge


@transaction.atomic
def undo_merge_or_split(merge: CaseMerge, *, by: User) -> CaseMerge:
    """Undo a merge or a split once: move back every row that is still where it was put.

    Raises `Refused` if it has been undone, and for the same reasons as the original action.
    """
    undo_by_kind = {
        CaseMergeKind.MERGED_CASES: _undo_merged_cases,
        CaseMergeKind.SPLIT_CASE: _undo_split_case,
        CaseMergeKind.MERGED_CLIENTS: _undo_merged_clients,
    }
    undo_by_kind[merge.kind](merge, by)
    undone = CaseMerge.objects.filter(pk=merge.pk, undone_at__isnull=True).update(undone_at=timezone.now())
    if not undone:
        raise Refused(pgettext("staff", "This has already been undone."))
    for case in filter(None, (merge.case, merge.other)):
        write_event(case, EventKind.UNDONE, by=by)
    record(by, "consultations.undo", merge, changes=False)
    return merge


def _lock_both_cases(case: Case, into: Case, by: User) -> tuple[Case, Case]:
    if case.pk == into.pk:
        raise Refused(pgettext("staff", "Choose a different case."))
    case, into = lock_cases(case, into, by=by)
    if CaseState.CLOSED in {case.state, into.state}:
        raise Refused(pgettext("staff", "This case is closed. Reopen it first."))
    if case.is_restricted != into.is_restricted:
        raise Refused(pgettext("staff", "A restricted case cannot be merged with an unrestricted one."))
    if case.member_ids() != into.member_ids():
        raise Refused(
            pgettext("staff", "The two cases have different members. Give both cases the same members first.")
        )
    if case.merged.exists():
        raise Refused(
            pgettext("staff", "Other cases have been merged into this one. Merge the other case into this one instead.")
        )
    return case, into


def _move_contents(case: Case, into: Case) -> dict[str, list[str]]:
    """Move everything from one locked case to another, and return the public ids of what moved."""
    both = Consultation.objects.filter(case__in=[case, into])
    list(both.select_for_update().order_by("pk"))
    moved = {name: list(getattr(case, name).values_list("public_id", flat=True)) for name in MOVED_WITH_A_CASE}
    for name in MOVED_WITH_A_CASE:
        getattr(case, name).update(case=into)
    transition(case, CaseState.MERGED)
    case.merged_into = into
    case.save(update_fields=["state", "merged_into"])
    sync_readers(into)
    return moved


def _undo_merged_cases(merge: CaseMerge, by: User) -> None:
    into = lock_case(merge.case, by=by)
    case = Case.objects.select_for_update().get(pk=merge.other_id)
    if case.merged_into_id != into.pk:
        raise Refused(pgettext("staff", "This has already been undone."))
    list(into.consultations.select_for_update().order_by("pk"))
    for name in MOVED_WITH_A_CASE:
        getattr(into, name).filter(public_id__in=merge.moved[name]).update(case=case)
    transition(case, CaseState.OPEN)
    case.merged_into = None
    case.save(update_fields=["state", "merged_into"])
    sync_readers(into)
    _sync_separated_case(case, by)


def _undo_split_case(merge: CaseMerge, by: User) -> None:
    new, case = _lock_both_cases(merge.other, merge.case, by)
    _move_contents(new, case)


def _undo_merged_clients(merge: CaseMerge, by: User) -> None:
    into, client = _lock_both_clients(merge.client, merge.other_client, by, is_undoing=True)
    for name in ("consultations", "cases"):
        getattr(into, name).filter(public_id__in=merge.moved[name]).update(client=client)
    records = Client.objects.filter(merged_into=into, public_id__in=merge.moved.get("records", []))
    records.update(merged_into=client)
    client.merged_into = None
    client.save(update_fields=["merged_into"])


def _sync_separated_case(case: Case, by: User) -> None:
    """Set the readers of a new or restored case and, if it is restricted, give it clients of its own."""
    shared = lock_shared_clients(case) if case.is_restricted else []
    sync_readers(case)
    replace_shared_clients(case, shared, by=by)


def _reader_ids(client: Client) -> set[int]:
    """Return the users who may read a client's name. Emergency access expires soon and does not count."""
    grants = ReadGrant.objects.filter(consultation__client=client, until__isnull=True)
    members = CaseMember.objects.filter(case__client=client)
    return {*grants.values_list("user", flat=True), *members.values_list("user", flat=True)}


def _lock_both_clients(client: Client, other: Client, by: User, *, is_undoing: bool = False) -> tuple[Client, Client]:
    if client.pk == other.pk:
        raise Refused(pgettext("staff", "Choose a different person."))
    keys = [client.pk, other.pk]
    lock_cases_of(client, other)
    locked = {it.pk: it for it in Client.objects.select_for_update().filter(pk__in=keys).order_by("pk")}
    known = Client.objects.visible_to(by).filter(pk__in=[client.pk] if is_undoing else keys)
    if len(locked) < len(keys) or known.count() < (1 if is_undoing else len(keys)):
        raise Refused(pgettext("staff", "You can no longer see this person's details."))
    if locked[client.pk].merged_into_id or locked[other.pk].merged_into_id != (client.pk if is_undoing else None):
        raise Refused(pgettext("staff", "One of the two records has since been merged or separated."))
    for model in (Case, Consultation):
        if model.objects.filter(client__in=keys, is_restricted=True).exists():
            raise Refused(
                pgettext("staff", "A restricted case has its own record of the person, which cannot be merged.")
            )
    list(Consultation.objects.select_for_update().filter(client__in=keys).order_by("pk"))
    return locked[client.pk], locked[other.pk]
