"""The verbs of a follow-up: plan, try, finish, decide. A reminder on its day goes to whose it is."""

import datetime

from django.db import transaction
from django.utils import timezone
from django.utils.translation import pgettext

from consultations.actions.clients import refuse_unsafe
from consultations.actions.compartments import lock_case, write_event
from consultations.models import Attempt, Case, Decision, EventKind, FollowUp, FollowUpKind, FollowUpState
from services.accounts.models import User
from services.audit.opening import open_sealed
from services.audit.trail import record
from services.base.refusals import Refused
from services.base.states import move
from services.notices.actions.reminding import days_before, do_not_remind, remind

REMINDER = "consultations/staff/follow_up_due"
IN_THE_MORNING = datetime.time(9)


@transaction.atomic
def plan(case: Case, *, by: User, owner: User, due_on: datetime.date, what: str, kind: str) -> FollowUp:
    """Put down what is to be done by a day, and by which member of the case."""
    case = lock_case(case, by=by)
    return _plan(case, by=by, owner=owner, due_on=due_on, what=what, kind=kind)


@transaction.atomic
def attempt(follow_up: FollowUp, *, by: User, way: str, was_reached: bool) -> FollowUp:
    """Note that the person was reached, which finishes it, or not. After the third time a decision is demanded.

    Refused for a way that the person has not called safe.
    """
    follow_up = _lock(follow_up, by)
    if follow_up.needs_decision:
        raise Refused(pgettext("staff", "It was tried three times. Please decide what follows."))
    refuse_unsafe(follow_up.case.client, way)
    follow_up.attempts_made += 1
    Attempt.objects.create(follow_up=follow_up, number=follow_up.attempts_made, way=way, was_reached=was_reached, by=by)
    if was_reached:
        _end(follow_up, FollowUpState.DONE)
    elif follow_up.state == FollowUpState.DUE:
        move(follow_up, FollowUpState.ATTEMPTED)
    follow_up.save()
    record(by, "consultations.attempt", follow_up, changes=False)
    return follow_up


@transaction.atomic
def finish(follow_up: FollowUp, *, by: User) -> FollowUp:
    """Note that it is done."""
    follow_up = _lock(follow_up, by)
    _end(follow_up, FollowUpState.DONE)
    follow_up.save()
    record(by, "consultations.finish_follow_up", follow_up, changes=False)
    return follow_up


@transaction.atomic
def decide(
    follow_up: FollowUp, *, by: User, decision: str, due_on: datetime.date | None = None, text: str = ""
) -> FollowUp:
    """Say what follows three attempts. To wait needs a new day: the same is planned anew for it.

    Refused before the third attempt, and for a letter to who has not called letters safe.
    """
    follow_up = _lock(follow_up, by)
    if not follow_up.needs_decision:
        raise Refused(pgettext("staff", "A decision comes after three attempts."))
    if decision == Decision.LETTER:
        refuse_unsafe(follow_up.case.client, "letter")
    follow_up.decision = decision
    _end(follow_up, FollowUpState.DECIDED)
    follow_up.save()
    write_event(follow_up.case, EventKind.DECIDED, by=by, text=text)
    record(by, "consultations.decide", follow_up, fields=["decision"], changes=False)
    if decision == Decision.WAIT:
        if due_on is None:
            raise Refused(pgettext("staff", "Please choose the day on which to try again."))
        what = open_sealed(by, "consultations.open_follow_up", follow_up, "what")["what"]
        _plan(follow_up.case, by=by, owner=follow_up.owner, due_on=due_on, what=what, kind=follow_up.kind)
    return follow_up


def _plan(case: Case, *, by: User, owner: User, due_on: datetime.date, what: str, kind: str) -> FollowUp:
    if not case.members.filter(user=owner).exists():
        raise Refused(pgettext("staff", "They are no member of this case. Add them first."))
    if due_on < timezone.localdate():
        raise Refused(pgettext("staff", "This day is over. Please choose today or a later one."))
    follow_up = FollowUp.objects.create(case=case, owner=owner, due_on=due_on, what=what, kind=FollowUpKind(kind))
    remind(REMINDER, follow_up, at=days_before(due_on, 0, IN_THE_MORNING))
    record(by, "consultations.plan", follow_up, changes=False)
    return follow_up


def _lock(follow_up: FollowUp, by: User) -> FollowUp:
    case = lock_case(follow_up.case, by=by)
    follow_up = FollowUp.objects.select_for_update().get(pk=follow_up.pk)
    if follow_up.case_id != case.pk:
        raise Refused(pgettext("staff", "This was moved to another case meanwhile."))
    if follow_up.ended_at:
        raise Refused(pgettext("staff", "This is done already."))
    follow_up.case = case
    return follow_up


def _end(follow_up: FollowUp, state: FollowUpState) -> None:
    move(follow_up, state)
    follow_up.ended_at = timezone.now()
    do_not_remind(REMINDER, follow_up)
