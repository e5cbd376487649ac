"""Actions on a follow-up: plan, record an attempt, finish, decide. Its owner is reminded on the due date."""

import datetime

from django.db import transaction
from django.utils import timezone
from django.utils.translation import pgettext

from consultations.message_kinds import FOLLOW_UP_DAY
from consultations.records.access import lock_case, write_event
from consultations.records.clients import refuse_unsafe_channel
from consultations.records.models import (
    Case,
    ContactAttempt,
    EventKind,
    FollowUp,
    FollowUpDecision,
    FollowUpKind,
    FollowUpState,
)
from services.accounts.models import User
from services.audit.decryption import decrypt_with_audit
from services.audit.trail import record
from services.base.refusals import Refused
from services.base.states import transition
from services.messaging.reminders import cancel_reminder, days_before, schedule_reminder

REMINDER_TIME = datetime.time(9)


@transaction.atomic
def plan_follow_up(case: Case, *, by: User, owner: User, due_on: datetime.date, what: str, kind: str) -> FollowUp:
    """Plan a follow-up for a member of the case, due by a day."""
    case = lock_case(case, by=by)
    return _plan_follow_up(case, by=by, owner=owner, due_on=due_on, what=what, kind=kind)


@transaction.atomic
def record_attempt(follow_up: FollowUp, *, by: User, way: str, was_reached: bool) -> FollowUp:
    """Record an attempt: reaching the person finishes the follow-up, the third failure requires a decision.

    Raises `Refused` for a contact method that the person has not called safe.
    """
    follow_up = _lock_follow_up(follow_up, by)
    if follow_up.needs_decision:
        raise Refused(pgettext("staff", "Three attempts have been made to contact the person. Decide what to do next."))
    refuse_unsafe_channel(follow_up.case.client, way)
    follow_up.attempts_made += 1
    ContactAttempt.objects.create(
        follow_up=follow_up, number=follow_up.attempts_made, way=way, was_reached=was_reached, by=by
    )
    if was_reached:
        _end_follow_up(follow_up, FollowUpState.DONE)
    elif follow_up.state == FollowUpState.DUE:
        transition(follow_up, FollowUpState.ATTEMPTED)
    follow_up.save()
    record(by, "consultations.attempt", follow_up, changes=False)
    return follow_up


@transaction.atomic
def finish_follow_up(follow_up: FollowUp, *, by: User) -> FollowUp:
    """Mark a follow-up as done."""
    follow_up = _lock_follow_up(follow_up, by)
    _end_follow_up(follow_up, FollowUpState.DONE)
    follow_up.save()
    record(by, "consultations.finish_follow_up", follow_up, changes=False)
    return follow_up


@transaction.atomic
def decide_follow_up(
    follow_up: FollowUp, *, by: User, decision: str, due_on: datetime.date | None = None, text: str = ""
) -> FollowUp:
    """Record the decision after three attempts. `WAIT` needs a date, for which the same follow-up is planned again.

    Raises `Refused` before the third attempt, and for a letter if the person has not called letters safe.
    """
    follow_up = _lock_follow_up(follow_up, by)
    if not follow_up.needs_decision:
        raise Refused(pgettext("staff", "You can record a decision only after three attempts."))
    if decision == FollowUpDecision.LETTER:
        refuse_unsafe_channel(follow_up.case.client, "letter")
    follow_up.decision = decision
    _end_follow_up(follow_up, FollowUpState.DECIDED)
    follow_up.save()
    write_event(follow_up.case, EventKind.DECIDED, by=by, text=text)
    record(by, "consultations.decide", follow_up, fields=["decision"], changes=False)
    if decision == FollowUpDecision.WAIT:
        if due_on is None:
            raise Refused(pgettext("staff", "Choose a date for the next attempt."))
        what = decrypt_with_audit(by, "consultations.open_follow_up", follow_up, "what")["what"]
        _plan_follow_up(follow_up.case, by=by, owner=follow_up.owner, due_on=due_on, what=what, kind=follow_up.kind)
    return follow_up


def _plan_follow_up(case: Case, *, by: User, owner: User, due_on: datetime.date, what: str, kind: str) -> FollowUp:
    if not case.members.filter(user=owner).exists():
        raise Refused(pgettext("staff", "This person is not a member of the case. Add them first."))
    if due_on < timezone.localdate():
        raise Refused(pgettext("staff", "This date is in the past. Choose today or a later date."))
    follow_up = FollowUp.objects.create(case=case, owner=owner, due_on=due_on, what=what, kind=FollowUpKind(kind))
    schedule_reminder(FOLLOW_UP_DAY, follow_up, at=days_before(due_on, 0, REMINDER_TIME))
    record(by, "consultations.plan", follow_up, changes=False)
    return follow_up


def _lock_follow_up(follow_up: FollowUp, by: User) -> FollowUp:
    case = lock_case(follow_up.case, by=by)
    follow_up = FollowUp.objects.select_for_update().get(pk=follow_up.pk)
    if follow_up.case_id != case.pk:
        raise Refused(pgettext("staff", "This has since been moved to another case."))
    if follow_up.ended_at:
        raise Refused(pgettext("staff", "This follow-up has already been completed."))
    follow_up.case = case
    return follow_up


def _end_follow_up(follow_up: FollowUp, state: FollowUpState) -> None:
    transition(follow_up, state)
    follow_up.ended_at = timezone.now()
    cancel_reminder(FOLLOW_UP_DAY, follow_up)
