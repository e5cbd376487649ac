"""Follow-ups: planning, three attempts by safe channels, the decision, and a reminder that names nobody."""

import datetime

import pytest
from django.utils import timezone

from consultations.cases.followups import decide_follow_up, finish_follow_up, plan_follow_up, record_attempt
from consultations.message_kinds import FOLLOW_UP_DAY
from consultations.models import ContactAttempt, FollowUp
from consultations.tasks import remind_of_follow_up
from services.audit.decryption import decrypt_with_audit
from services.base.refusals import Refused
from services.messaging.models import Message, Reminder
from services.messaging.reminders import send_due
from services.messaging.rendering import render_message
from tests.factories import CaseFactory, ClientFactory, FollowUpFactory, UserFactory

pytestmark = pytest.mark.django_db
DAY = datetime.timedelta(days=1)


@pytest.fixture
def adviser():
    return UserFactory(roles=["adviser"])


def planned(adviser, case=None, **words) -> FollowUp:
    usual = {"owner": adviser, "due_on": timezone.localdate() + DAY, "what": "Call about the lease", "kind": "call"}
    return plan_follow_up(case or CaseFactory(assigned=adviser), by=adviser, **usual | words)


def tried(follow_up, by, times: int) -> FollowUp:
    for _time in range(times):
        follow_up = record_attempt(follow_up, by=by, way="call", was_reached=False)
    return follow_up


def test_follow_up_is_reminded_of_in_the_morning_of_its_day(adviser):
    follow_up = planned(adviser)
    reminder = Reminder.objects.get()
    assert (reminder.kind, reminder.about_id) == (FOLLOW_UP_DAY.name, follow_up.pk)
    due = timezone.localtime(reminder.due_at)
    assert (due.date(), due.hour) == (follow_up.due_on, 9)


def test_reminder_says_neither_what_nor_of_whom(adviser):
    follow_up = planned(adviser, case=CaseFactory(assigned=adviser, client=ClientFactory(name="Sita")))
    Reminder.objects.update(due_at=timezone.now())
    assert send_due() == 1
    messages = Message.objects.all()
    assert {(it.user, it.channel) for it in messages} == {(adviser, "email"), (adviser, "inbox")}
    assert {(it.about_type, it.about_id, str(it.context)) for it in messages} == {("", None, "{}")}
    letter = render_message(messages[0].kind, "en")
    assert letter.subject == "You have a follow-up due today at the consultation desk"
    assert follow_up.public_id not in letter.text
    assert "/en/staff/cases/today/" in letter.text


def test_what_is_finished_is_not_reminded_of(adviser):
    follow_up = finish_follow_up(planned(adviser), by=adviser)
    assert Reminder.objects.count() == 0
    remind_of_follow_up(follow_up)  # a reminder that a worker has already fetched
    assert Message.objects.count() == 0


def test_day_that_is_over_and_owner_who_is_no_member_are_refused(adviser):
    with pytest.raises(Refused, match="This date is in the past"):
        planned(adviser, due_on=timezone.localdate() - DAY)
    with pytest.raises(Refused, match="not a member"):
        planned(adviser, owner=UserFactory(roles=["adviser"]))


def test_reached_finishes_and_not_reached_goes_on(adviser):
    follow_up = record_attempt(planned(adviser), by=adviser, way="call", was_reached=False)
    assert (follow_up.state, follow_up.attempts_made) == ("attempted", 1)
    follow_up = record_attempt(follow_up, by=adviser, way="letter", was_reached=True)
    assert (follow_up.state, follow_up.attempts_made) == ("done", 2)
    with pytest.raises(Refused, match="already been completed"):
        record_attempt(follow_up, by=adviser, way="call", was_reached=True)
    rows = ContactAttempt.objects.values_list("number", "way", "was_reached", "by")
    assert list(rows) == [(1, "call", False, adviser.pk), (2, "letter", True, adviser.pk)]


def test_third_attempt_demands_a_decision(adviser):
    follow_up = tried(planned(adviser), adviser, 2)
    with pytest.raises(Refused, match="after three attempts"):
        decide_follow_up(follow_up, by=adviser, decision="letter")
    follow_up = tried(follow_up, adviser, 1)
    assert follow_up.needs_decision
    with pytest.raises(Refused, match="Three attempts have been made to contact the person"):
        tried(follow_up, adviser, 1)
    follow_up = decide_follow_up(follow_up, by=adviser, decision="close_no_contact", text="Moved away, it seems")
    assert (follow_up.state, follow_up.decision) == ("decided", "close_no_contact")


def test_waiting_is_planned_anew_for_its_day(adviser):
    follow_up = tried(planned(adviser), adviser, 3)
    with pytest.raises(Refused, match="Choose a date for the next attempt"):
        decide_follow_up(follow_up, by=adviser, decision="wait")
    follow_up.refresh_from_db()
    assert follow_up.state == "attempted"
    decide_follow_up(follow_up, by=adviser, decision="wait", due_on=timezone.localdate() + 7 * DAY)
    new = FollowUp.objects.get(state="due")
    assert (new.owner, new.kind, new.due_on) == (adviser, "call", timezone.localdate() + 7 * DAY)
    assert decrypt_with_audit(adviser, "x", new, "what") == {"what": "Call about the lease"}


def test_way_that_is_not_safe_cannot_be_used(adviser):
    case = CaseFactory(assigned=adviser, client=ClientFactory(contact="090-0000-0000", safe_channels=["sms"]))
    follow_up = planned(adviser, case=case)
    with pytest.raises(Refused) as refusal:
        record_attempt(follow_up, by=adviser, way="call", was_reached=True)
    assert str(refusal.value) == "“Phone call” is not a safe contact method for this person. Do not use it."
    assert ContactAttempt.objects.count() == 0
    for _time in range(3):
        follow_up = record_attempt(follow_up, by=adviser, way="sms", was_reached=False)
    with pytest.raises(Refused, match="“Letter” is not a safe contact method"):
        decide_follow_up(follow_up, by=adviser, decision="letter")


def test_follow_ups_are_seen_by_members_alone(adviser):
    follow_up = FollowUpFactory(case=CaseFactory(assigned=adviser))
    stranger, manager = UserFactory(roles=["adviser"]), UserFactory(roles=["manager"])
    assert list(FollowUp.objects.visible_to(adviser)) == [follow_up]
    for user in (stranger, manager):
        assert list(FollowUp.objects.visible_to(user)) == []
        with pytest.raises(Refused):
            finish_follow_up(follow_up, by=user)
