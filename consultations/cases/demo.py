"""The demo city's cases: invented people with tasks to do. Created by the actions; dates follow today."""

import datetime

from django.utils import timezone

from consultations.cases.actions import add_member, add_note, open_case
from consultations.cases.consent import consent_text, proof_of_shown_text
from consultations.cases.followups import plan_follow_up, record_attempt
from consultations.cases.referrals import draft_referral, mark_referral_sent, record_answer, request_consent
from consultations.log.actions import LogEntry, log
from consultations.records.clients import identify_client
from consultations.records.models import (
    Case,
    ConsentMethod,
    ConsultationChannel,
    FollowUp,
    FollowUpKind,
    LanguageSupport,
    OfflineContactMethod,
    Outcome,
)
from services.accounts.models import User
from services.messaging.models import EMAIL

DAY = datetime.timedelta(days=1)
LATE = "Outreach day in Kamata"  # an entry for an earlier day needs a reason


def load() -> None:
    """Create the cases once."""
    if FollowUp.objects.exists():
        return
    maricel, james, fang, sunita = (_adviser(name) for name in ("adviser", "adviser2", "adviser3", "adviser4"))
    _housing(maricel, james)
    _school(sunita, maricel)
    _wages(fang)
    _hidden(maricel, sunita)


def _housing(by: User, colleague: User) -> None:
    """A lease that ends: a call is due today, and the city office has accepted the referral."""
    case = _case(by, "fil", "housing", "Evicted at the end of the month", "The landlord wants the room by the 30th.")
    person = {"name": "Rosa Dela Cruz", "contact": "rosa@demo.example", "language": "fil"}
    identify_client(by=by, case=case, safe_channels=[EMAIL, OfflineContactMethod.CALL], **person)
    add_member(case, colleague, by=by)
    add_note(case, by=colleague, text="The contract says two months' notice. The landlord was told.")
    plan_follow_up(
        case,
        by=by,
        owner=by,
        due_on=timezone.localdate(),
        what="Ask whether the landlord has answered",
        kind=FollowUpKind.CALL,
    )
    referral = _referral(case, by, "city_dept", "That Ms Dela Cruz must leave her room.", "To find a public flat.")
    record_answer(referral, by=by, state="accepted")


def _school(by: User, colleague: User) -> None:
    """A boy without a school: nobody answers the phone, and consent is pending."""
    case = _case(by, "ne", "education", "School for a boy of nine", "Came in September; is in no school.")
    identify_client(
        by=by,
        case=case,
        name="Kamala Thapa",
        contact="090-0000-0000",
        language="ne",
        safe_channels=[OfflineContactMethod.CALL],
    )
    add_member(case, colleague, by=by)
    late = _overdue(case, by, "Tell them that the school has a place", FollowUpKind.RESULT, 3)
    for _time in range(2):
        record_attempt(late, by=by, way=OfflineContactMethod.CALL, was_reached=False)
    draft = draft_referral(
        case, by=by, body="school", what="That Milan is nine years old.", why="To begin in April.", written_in="en"
    )
    request_consent(draft, by=by)


def _wages(by: User) -> None:
    """Unpaid wages: three failed calls need a decision, and the labour office has not replied."""
    case = _case(by, "zh-hans", "employment", "Two months without wages", "A restaurant in Ota; has payslips.")
    late = _overdue(case, by, "Ask for the payslips", FollowUpKind.PAPERS, 8)
    for _time in range(3):
        record_attempt(late, by=by, way=OfflineContactMethod.CALL, was_reached=False)
    referral = _referral(case, by, "labour_office", "That two months' wages are owed.", "To have them paid.")
    record_answer(referral, by=by, state="no_reply")
    plan_follow_up(
        case,
        by=by,
        owner=by,
        due_on=timezone.localdate() + 6 * DAY,
        what="Ask the labour office once more",
        kind=FollowUpKind.ANSWER,
    )


def _hidden(by: User, colleague: User) -> None:
    """A restricted case with two members."""
    case = _case(by, "en", "dv_abuse", "A safe place", "Wants to leave; he must not learn of it.", is_restricted=True)
    identify_client(by=by, case=case, name="Grace", contact="grace@demo.example", language="en", safe_channels=[])
    add_member(case, colleague, by=by)
    plan_follow_up(
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
    entry = LogEntry(
        began_at=max(timezone.now() - 2 * DAY, first_of_month),  # earlier months may be closed
        minutes=40,
        channel=ConsultationChannel.VISIT,
        language=language,
        language_support=LanguageSupport.ADVISER,
        topics=(topic,),
        outcome=Outcome.ONGOING,
        note=note,
        late_reason=LATE,
    )
    return open_case(log(entry, by=by), by=by, subject=subject, is_restricted=is_restricted)


def _overdue(case: Case, by: User, what: str, kind: str, days: int) -> FollowUp:
    """Create an overdue follow-up: actions plan only for the future, so its date is changed afterwards."""
    follow_up = plan_follow_up(case, by=by, owner=by, due_on=timezone.localdate(), what=what, kind=kind)
    FollowUp.objects.filter(pk=follow_up.pk).update(due_on=timezone.localdate() - days * DAY)
    return follow_up


def _referral(case: Case, by: User, body: str, what: str, why: str):
    referral = request_consent(draft_referral(case, by=by, body=body, what=what, why=why, written_in="en"), by=by)
    fingerprint = proof_of_shown_text(consent_text(body, what, why, case.language))
    return mark_referral_sent(referral, by=by, language=case.language, agreed=ConsentMethod.SIGNED, shown=fingerprint)
