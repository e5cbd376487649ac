"""Actions on a case: open, write, close, reopen, add and remove members, hand over, restrict, lift.

Only members act on a case, with one exception: a manager who is not a member may hand an unrestricted case to an
adviser other than themselves, if no member is available. In a restricted case only members add members, and managers
learn nothing of it.
"""

from django.db import transaction
from django.utils import timezone
from django.utils.translation import pgettext

from consultations.records.access import (
    lock_case,
    lock_client_and_consultation,
    lock_shared_clients,
    refuse_without_role,
    replace_shared_clients,
    sync_readers,
    write_event,
)
from consultations.records.models import Case, CaseEvent, CaseState, Consultation, EventKind
from consultations.records.tallies import discard_tallies
from services.accounts.models import User
from services.accounts.roles import Role
from services.audit.trail import record
from services.base.refusals import Refused
from services.base.states import transition


@transaction.atomic
def open_case(consultation: Consultation, *, by: User, subject: str, is_restricted: bool = False) -> Case:
    """Open a case for a consultation. The user becomes its first member, and it is assigned to them.

    Raises `Refused` if the user may not edit the consultation, or if it already belongs to a case. Otherwise emergency
    access for an hour could become permanent and shut out the author.
    """
    case = Case.objects.create(subject=subject, language=consultation.language, assigned=by)
    case.members.create(user=by)
    consultation = lock_client_and_consultation(consultation)
    _refuse_if_not_editable(consultation, by)
    if consultation.case_id:
        raise Refused(pgettext("staff", "This consultation is already part of a case."))
    if consultation.is_restricted and not is_restricted:
        raise Refused(
            pgettext("staff", "This consultation is restricted, so you can only open a restricted case for it.")
        )
    consultation.case = case
    consultation.save(update_fields=["case"])
    case.client = consultation.client
    case.save(update_fields=["client"])
    write_event(case, EventKind.OPENED, by=by)
    if is_restricted:
        _set_restriction(case, True, by=by)
    else:
        sync_readers(case)
    record(by, "consultations.open_case", case, changes=False)
    if is_restricted:
        _discard_tallies(case)
    return case


@transaction.atomic
def add_note(case: Case, *, by: User, text: str) -> CaseEvent:
    """Add a note to a case. Notes never change; a mistake is corrected by another note."""
    case = lock_case(case, by=by)
    event = write_event(case, EventKind.NOTE, by=by, text=text)
    record(by, "consultations.write_in_case", case, fields=["events"], changes=False)
    return event


@transaction.atomic
def close_case(case: Case, *, by: User, text: str = "") -> Case:
    """Close a case. Raises `Refused` if it has unfinished follow-ups or pending referrals."""
    case = lock_case(case, by=by)
    if case.follow_ups.unfinished().exists():
        raise Refused(pgettext("staff", "This case has follow-ups that are not finished. Complete them first."))
    if case.referrals.waiting().exists():
        raise Refused(
            pgettext("staff", "This case has a pending referral. Record the reply or withdraw the referral first.")
        )
    transition(case, CaseState.CLOSED)
    case.closed_at = timezone.now()
    case.save(update_fields=["state", "closed_at"])
    write_event(case, EventKind.CLOSED, by=by, text=text)
    record(by, "consultations.close_case", case, fields=["state"], changes=False)
    return case


@transaction.atomic
def reopen_case(case: Case, *, by: User, text: str = "") -> Case:
    """Reopen a closed case."""
    case = lock_case(case, by=by, may_be_closed=True)
    if case.state == CaseState.OPEN:
        return case
    transition(case, CaseState.OPEN)
    case.closed_at = None
    case.save(update_fields=["state", "closed_at"])
    write_event(case, EventKind.REOPENED, by=by, text=text)
    record(by, "consultations.reopen_case", case, fields=["state"], changes=False)
    return case


@transaction.atomic
def add_member(case: Case, user: User, *, by: User) -> Case:
    """Add an adviser to a case. They can then read all its consultations. Adding them again changes nothing."""
    case = lock_case(case, by=by)
    _refuse_non_adviser(user)
    _member, is_new = case.members.get_or_create(user=user)
    if is_new:
        sync_readers(case)
        write_event(case, EventKind.JOINED, by=by, about=user)
        record(by, "consultations.add_member", case, fields=["members"], changes=False)
    return case


@transaction.atomic
def remove_member(case: Case, user: User, *, by: User) -> Case:
    """Remove a member from a case. They keep access only to their own consultations, if the case is unrestricted.

    Their unfinished follow-ups pass to the assigned adviser. Raises `Refused` for the assigned adviser and for the last
    member.
    """
    case = lock_case(case, by=by, may_be_closed=True)
    if case.members.count() == 1:
        raise Refused(pgettext("staff", "The last member cannot leave, because nobody would be able to read the case."))
    if user.pk == case.assigned_id:
        raise Refused(pgettext("staff", "This case is assigned to this person. Hand it over to another member first."))
    removed, _rows = case.members.filter(user=user).delete()
    if removed:
        sync_readers(case)
        case.follow_ups.unfinished().filter(owner=user).update(owner=case.assigned)
        write_event(case, EventKind.LEFT, by=by, about=user)
        record(by, "consultations.remove_member", case, fields=["members"], changes=False)
    return case


@transaction.atomic
def assign_case(case: Case, to: User, *, by: User, text: str = "") -> Case:
    """Assign a case to another member; both stay members.

    A manager who is not a member may assign an unrestricted case to any other adviser, with a reason.
    """
    is_member = case.members.filter(user=by).exists()
    case = lock_case(case, by=by) if is_member else _lock_for_manager(case, to, by, text)
    _refuse_non_adviser(to)
    if is_member and not case.members.filter(user=to).exists():
        raise Refused(pgettext("staff", "This person is not a member of the case. Add them first."))
    case.members.get_or_create(user=to)
    case.assigned = to
    case.save(update_fields=["assigned"])
    sync_readers(case)
    write_event(case, EventKind.ASSIGNED, by=by, text=text, about=to)
    record(by, "consultations.assign_case", case, fields=["assigned"], changes=False)
    return case


@transaction.atomic
def restrict(case: Case, *, by: User, text: str = "") -> Case:
    """Restrict a case and its consultations to its members. Everyone else loses access at once."""
    case = lock_case(case, by=by, may_be_closed=True)
    if not case.is_restricted:
        _set_restriction(case, True, by=by, text=text)
        record(by, "consultations.restrict", case, fields=["is_restricted"], changes=False)
        _discard_tallies(case)
    return case


@transaction.atomic
def lift_restriction(case: Case, *, by: User, text: str) -> Case:
    """Lift a case's restriction: authors regain access, managers see its facts. Raises `Refused` without a reason."""
    case = lock_case(case, by=by, may_be_closed=True)
    if not text:
        raise Refused(pgettext("staff", "Enter a reason for lifting the restriction."))
    if case.is_restricted:
        _set_restriction(case, False, by=by, text=text)
        record(by, "consultations.lift_restriction", case, fields=["is_restricted"], changes=False)
        _discard_tallies(case)
    return case


def _set_restriction(case: Case, is_restricted: bool, *, by: User, text: str = "") -> None:
    shared = lock_shared_clients(case) if is_restricted else []
    case.is_restricted = is_restricted
    case.save(update_fields=["is_restricted"])
    sync_readers(case)
    replace_shared_clients(case, shared, by=by)
    case.refresh_from_db(fields=["client"])
    write_event(case, EventKind.RESTRICTED if is_restricted else EventKind.LIFTED, by=by, text=text)


def _discard_tallies(case: Case) -> None:
    """Discard the tallies of the case's months: restricted consultations are counted apart."""
    discard_tallies(case.consultations.values_list("month", flat=True))


def _lock_for_manager(case: Case, to: User, by: User, text: str) -> Case:
    case = Case.objects.select_for_update().get(pk=case.pk)
    if case.is_restricted or not by.has_role(Role.MANAGER):
        raise Refused(pgettext("staff", "You are no longer a member of this case."))
    if to.pk == by.pk:
        raise Refused(pgettext("staff", "You cannot hand a case over to yourself."))
    if case.state != CaseState.OPEN:
        raise Refused(pgettext("staff", "This case is closed. Reopen it first."))
    if not text:
        raise Refused(pgettext("staff", "Enter a reason for handing over the case."))
    list(Case.objects.select_for_update().filter(merged_into=case).order_by("pk"))
    return case


def _refuse_if_not_editable(consultation: Consultation, by: User) -> None:
    if not by.has_role(Role.ADVISER) or not Consultation.objects.editable_by(by).filter(pk=consultation.pk).exists():
        raise Refused(pgettext("staff", "You cannot change this consultation."))


def _refuse_non_adviser(user: User) -> None:
    refuse_without_role(user, Role.ADVISER, pgettext("staff", "Only an adviser can work on a case."))
