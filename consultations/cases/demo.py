"""The demo city's cases: invented people, each with something still to do. Made by the verbs, days count from today."""

import datetime

from django.utils import timezone

from consultations.actions.cases import add_member, open_case, write
from consultations.actions.clients import meet
from consultations.actions.consultations import Entry, log
from consultations.actions.followups import attempt, plan
from consultations.actions.referrals import answer, ask_consent, draft_referral, send
from consultations.consent import consent_text, seal_of
from consultations.models import Agreed, Bridging, Case, Channel, FollowUp, FollowUpKind, Outcome, Way
from services.accounts.models import User

DAY = datetime.timedelta(days=1)
LATE = "Outreach day in Kamata"  # what is logged on a later day says why


def load() -> None:
    """Make them once."""
    if FollowUp.objects.exists():
        return
    maricel, james, fang, sunita = (_adviser(name) for name in ("adviser", "adviser2", "adviser3", "adviser4"))
    _housing(maricel, james)
    _school(sunita, maricel)
    _wages(fang)
    _hidden(maricel, sunita)


def _housing(by: User, colleague: User) -> None:
    """A lease that ends: a call is due today, and the city office has taken it on."""
    case = _case(by, "fil", "housing", "Evicted at the end of the month", "The landlord wants the room by the 30th.")
    person = {"name": "Rosa Dela Cruz", "contact": "rosa@demo.example", "language": "fil"}
    meet(by=by, case=case, safe_channels=[Way.EMAIL, Way.CALL], **person)
    add_member(case, colleague, by=by)
    write(case, by=colleague, text="The contract says two months' notice. The landlord was told.")
    plan(
        case,
        by=by,
        owner=by,
        due_on=timezone.localdate(),
        what="Ask whether the landlord has answered",
        kind=FollowUpKind.CALL,
    )
    referral = _referral(case, by, "city_dept", "That Ms Dela Cruz must leave her room.", "To find a public flat.")
    answer(referral, by=by, state="accepted")


def _school(by: User, colleague: User) -> None:
    """A boy without a school: nobody answers the telephone, and consent is asked for."""
    case = _case(by, "ne", "education", "School for a boy of nine", "Came in September; is in no school.")
    meet(by=by, case=case, name="Kamala Thapa", contact="090-0000-0000", language="ne", safe_channels=[Way.CALL])
    add_member(case, colleague, by=by)
    late = _overdue(case, by, "Tell them that the school has a place", FollowUpKind.RESULT, 3)
    for _time in range(2):
        attempt(late, by=by, way=Way.CALL, was_reached=False)
    draft = draft_referral(
        case, by=by, body="school", what="That Milan is nine years old.", why="To begin in April.", written_in="en"
    )
    ask_consent(draft, by=by)


def _wages(by: User) -> None:
    """Wages that were not paid: three calls for nothing, so a decision is demanded; the labour office is silent."""
    case = _case(by, "zh-hans", "employment", "Two months without wages", "A restaurant in Ota; has payslips.")
    late = _overdue(case, by, "Ask for the payslips", FollowUpKind.PAPERS, 8)
    for _time in range(3):
        attempt(late, by=by, way=Way.CALL, was_reached=False)
    referral = _referral(case, by, "labour_office", "That two months' wages are owed.", "To have them paid.")
    answer(referral, by=by, state="no_reply")
    plan(
        case,
        by=by,
        owner=by,
        due_on=timezone.localdate() + 6 * DAY,
        what="Ask the labour office once more",
        kind=FollowUpKind.ANSWER,
    )


def _hidden(by: User, colleague: User) -> None:
    """What exists for its two members alone."""
    case = _case(by, "en", "dv_abuse", "A safe place", "Wants to leave; he must not learn of it.", is_restricted=True)
    meet(by=by, case=case, name="Grace", contact="grace@demo.example", language="en", safe_channels=[])
    add_member(case, colleague, by=by)
    plan(
        case,
        by=by,
        owner=colleague,
        due_on=timezone.localdate(),
        what="She comes at three; the side room is kept free",
        kind=FollowUpKind.OTHER,
    )
    draft_referral(
        case,
        by=by,
        body="women_support",
        what="That she needs a place from Friday on.",
        why="To be safe.",
        written_in="en",
    )


def _adviser(name: str) -> User:
    return User.objects.get(email=f"{name}@demo.example")


def _case(by: User, language: str, topic: str, subject: str, note: str, *, is_restricted: bool = False) -> Case:
    first_of_month = timezone.localtime().replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    entry = Entry(
        began_at=max(timezone.now() - 2 * DAY, first_of_month),  # a year that is over stays as it was
        minutes=40,
        channel=Channel.VISIT,
        language=language,
        bridging=Bridging.ADVISER,
        topics=(topic,),
        outcome=Outcome.ONGOING,
        note=note,
        late_reason=LATE,
    )
    return open_case(log(entry, by=by), by=by, subject=subject, is_restricted=is_restricted)


def _overdue(case: Case, by: User, what: str, kind: str, days: int) -> FollowUp:
    """Something planned for a day that is over: no verb plans for the past, so it is moved there."""
    follow_up = plan(case, by=by, owner=by, due_on=timezone.localdate(), what=what, kind=kind)
    FollowUp.objects.filter(pk=follow_up.pk).update(due_on=timezone.localdate() - days * DAY)
    return follow_up


def _referral(case: Case, by: User, body: str, what: str, why: str):
    referral = ask_consent(draft_referral(case, by=by, body=body, what=what, why=why, written_in="en"), by=by)
    shown = seal_of(consent_text(body, what, why, case.language))
    return send(referral, by=by, language=case.language, agreed=Agreed.SIGNED, shown=shown)
