"""The verbs of a case: open, write, close, reopen, add and remove members, hand over, restrict, lift.

Only members act on a case. A manager who is none may hand an unrestricted one to an adviser when nobody is there who
could, never to themselves. Of a restricted case a member names each member; a manager learns nothing of it.
"""

from django.db import transaction
from django.utils import timezone
from django.utils.translation import pgettext

from consultations.actions.compartments import (
    give_own_clients,
    lock_case,
    lock_shared_clients,
    lock_with_client,
    readers_follow,
    write_event,
)
from consultations.actions.counting import forget_counts
from consultations.models import Case, CaseEvent, CaseState, Consultation, EventKind
from services.accounts.models import User
from services.accounts.roles import Role
from services.audit.trail import record
from services.base.refusals import Refused
from services.base.states import move


@transaction.atomic
def open_case(consultation: Consultation, *, by: User, subject: str, is_restricted: bool = False) -> Case:
    """Begin to follow what a consultation was about; who opens it is its first member, and has it.

    Refused to whose the consultation is not, and where it is in a case already: who reads it for an hour would read it
    for good, and could shut out its author.
    """
    case = Case.objects.create(subject=subject, language=consultation.language, assigned=by)
    case.members.create(user=by)
    consultation = lock_with_client(consultation)
    _refuse_others(consultation, by)
    if consultation.case_id:
        raise Refused(pgettext("staff", "This consultation is in a case already."))
    if consultation.is_restricted and not is_restricted:
        raise Refused(pgettext("staff", "What was restricted stays so: please open a restricted case."))
    consultation.case = case
    consultation.save(update_fields=["case"])
    case.client = consultation.client
    case.save(update_fields=["client"])
    write_event(case, EventKind.OPENED, by=by)
    if is_restricted:
        _set_restriction(case, True, by=by)
    else:
        readers_follow(case)
    record(by, "consultations.open_case", case, changes=False)
    if is_restricted:
        _count_anew(case)
    return case


@transaction.atomic
def write(case: Case, *, by: User, text: str) -> CaseEvent:
    """Add a note to a case. It is never changed; what was wrong is put right by another note."""
    case = lock_case(case, by=by)
    event = write_event(case, EventKind.NOTE, by=by, text=text)
    record(by, "consultations.write_in_case", case, fields=["events"], changes=False)
    return event


@transaction.atomic
def close_case(case: Case, *, by: User, text: str = "") -> Case:
    """End a case. Refused while something is still to be done in it."""
    case = lock_case(case, by=by)
    if case.follow_ups.unfinished().exists():
        raise Refused(pgettext("staff", "Something is still to be done in this case: finish the follow-ups first."))
    if case.referrals.waiting().exists():
        raise Refused(pgettext("staff", "A referral of this case still waits: note its answer, or take it back first."))
    move(case, CaseState.CLOSED)
    case.closed_at = timezone.now()
    case.save(update_fields=["state", "closed_at"])
    write_event(case, EventKind.CLOSED, by=by, text=text)
    record(by, "consultations.close_case", case, fields=["state"], changes=False)
    return case


@transaction.atomic
def reopen_case(case: Case, *, by: User, text: str = "") -> Case:
    """Go on with a case that was closed."""
    case = lock_case(case, by=by, may_be_closed=True)
    if case.state == CaseState.OPEN:
        return case
    move(case, CaseState.OPEN)
    case.closed_at = None
    case.save(update_fields=["state", "closed_at"])
    write_event(case, EventKind.REOPENED, by=by, text=text)
    record(by, "consultations.reopen_case", case, fields=["state"], changes=False)
    return case


@transaction.atomic
def add_member(case: Case, user: User, *, by: User) -> Case:
    """Let an adviser work on a case: from now on they read all its consultations. Adding twice changes nothing."""
    case = lock_case(case, by=by)
    _refuse_no_adviser(user)
    _made, is_new = case.members.get_or_create(user=user)
    if is_new:
        readers_follow(case)
        write_event(case, EventKind.JOINED, by=by, about=user)
        record(by, "consultations.add_member", case, fields=["members"], changes=False)
    return case


@transaction.atomic
def remove_member(case: Case, user: User, *, by: User) -> Case:
    """End somebody's work on a case. They read of its consultations only what is their own, if it is not restricted.

    What they still had to do passes to whom the case is assigned to. Refused for that one, and so for the last.
    """
    case = lock_case(case, by=by, may_be_closed=True)
    if case.members.count() == 1:
        raise Refused(pgettext("staff", "The last member cannot leave: nobody could read the case any more."))
    if user.pk == case.assigned_id:
        raise Refused(pgettext("staff", "This case is assigned to them. Hand it to another member first."))
    gone, _rows = case.members.filter(user=user).delete()
    if gone:
        readers_follow(case)
        case.follow_ups.unfinished().filter(owner=user).update(owner=case.assigned)
        write_event(case, EventKind.LEFT, by=by, about=user)
        record(by, "consultations.remove_member", case, fields=["members"], changes=False)
    return case


@transaction.atomic
def assign_case(case: Case, to: User, *, by: User, text: str = "") -> Case:
    """Hand a case to another member, who has it from now on; both stay members.

    A manager who is no member may hand an unrestricted one to any other adviser, with a reason.
    """
    is_member = case.members.filter(user=by).exists()
    case = lock_case(case, by=by) if is_member else _lock_for_manager(case, to, by, text)
    _refuse_no_adviser(to)
    if is_member and not case.members.filter(user=to).exists():
        raise Refused(pgettext("staff", "They are no member of this case. Add them first."))
    case.members.get_or_create(user=to)
    case.assigned = to
    case.save(update_fields=["assigned"])
    readers_follow(case)
    write_event(case, EventKind.ASSIGNED, by=by, text=text, about=to)
    record(by, "consultations.assign_case", case, fields=["assigned"], changes=False)
    return case


@transaction.atomic
def restrict(case: Case, *, by: User, text: str = "") -> Case:
    """Make a case exist for its members alone, with all its consultations: all others lose it in the same moment."""
    case = lock_case(case, by=by, may_be_closed=True)
    if not case.is_restricted:
        _set_restriction(case, True, by=by, text=text)
        record(by, "consultations.restrict", case, fields=["is_restricted"], changes=False)
        _count_anew(case)
    return case


@transaction.atomic
def lift_restriction(case: Case, *, by: User, text: str) -> Case:
    """Make a case one as others again: authors find theirs again, managers see its facts. Refused without a reason."""
    case = lock_case(case, by=by, may_be_closed=True)
    if not text:
        raise Refused(pgettext("staff", "Please say why it need not be restricted any more."))
    if case.is_restricted:
        _set_restriction(case, False, by=by, text=text)
        record(by, "consultations.lift_restriction", case, fields=["is_restricted"], changes=False)
        _count_anew(case)
    return case


def _set_restriction(case: Case, is_restricted: bool, *, by: User, text: str = "") -> None:
    shared = lock_shared_clients(case) if is_restricted else []
    case.is_restricted = is_restricted
    case.save(update_fields=["is_restricted"])
    readers_follow(case)
    give_own_clients(case, shared, by=by)
    case.refresh_from_db(fields=["client"])
    write_event(case, EventKind.RESTRICTED if is_restricted else EventKind.LIFTED, by=by, text=text)


def _count_anew(case: Case) -> None:
    """What is restricted is counted apart."""
    forget_counts(case.consultations.values_list("month", flat=True))


def _lock_for_manager(case: Case, to: User, by: User, text: str) -> Case:
    case = Case.objects.select_for_update().get(pk=case.pk)
    if case.is_restricted or not by.has_role(Role.MANAGER):
        raise Refused(pgettext("staff", "You are no member of this case any more."))
    if to.pk == by.pk:
        raise Refused(pgettext("staff", "You cannot hand a case to yourself."))
    if case.state != CaseState.OPEN:
        raise Refused(pgettext("staff", "This case is closed. Open it again first."))
    if not text:
        raise Refused(pgettext("staff", "Please say why you hand it over."))
    list(Case.objects.select_for_update().filter(merged_into=case).order_by("pk"))
    return case


def _refuse_others(consultation: Consultation, by: User) -> None:
    if not by.has_role(Role.ADVISER) or not Consultation.objects.kept_by(by).filter(pk=consultation.pk).exists():
        raise Refused(pgettext("staff", "This consultation is not yours to change."))


def _refuse_no_adviser(user: User) -> None:
    if not user.has_role(Role.ADVISER):
        raise Refused(pgettext("staff", "Only an adviser can work on a case."))
