"""Follow-ups: planned, tried three times by safe ways, decided; told on their day without a word of whom."""

import datetime

import pytest
from django.utils import timezone

from consultations.actions.followups import REMINDER, attempt, decide, finish, plan
from consultations.models import Attempt, FollowUp
from consultations.tasks import tell_that_a_follow_up_is_due
from services.audit.opening import open_sealed
from services.base.refusals import Refused
from services.notices.actions.reminding import remind_of_what_is_due
from services.notices.composing import compose
from services.notices.models import Message, Reminder
from tests.factories import CaseFactory, ClientFactory, FollowUpFactory, UserFactory

pytestmark = pytest.mark.django_db
DAY = datetime.timedelta(days=1)


@pytest.fixture
def adviser():
    return UserFactory(roles=["adviser"])


def planned(adviser, case=None, **words) -> FollowUp:
    usual = {"owner": adviser, "due_on": timezone.localdate() + DAY, "what": "Call about the lease", "kind": "call"}
    return plan(case or CaseFactory(assigned=adviser), by=adviser, **usual | words)


def tried(follow_up, by, times: int) -> FollowUp:
    for _time in range(times):
        follow_up = attempt(follow_up, by=by, way="call", was_reached=False)
    return follow_up


def test_follow_up_is_reminded_of_in_the_morning_of_its_day(adviser):
    follow_up = planned(adviser)
    reminder = Reminder.objects.get()
    assert (reminder.kind, reminder.about_id) == (REMINDER, follow_up.pk)
    due = timezone.localtime(reminder.due_at)
    assert (due.date(), due.hour) == (follow_up.due_on, 9)


def test_reminder_says_neither_what_nor_of_whom(adviser):
    follow_up = planned(adviser, case=CaseFactory(assigned=adviser, client=ClientFactory(name="Sita")))
    Reminder.objects.update(due_at=timezone.now())
    assert remind_of_what_is_due() == 1
    messages = Message.objects.all()
    assert {(it.user, it.channel) for it in messages} == {(adviser, "email"), (adviser, "inbox")}
    assert {(it.about_type, it.about_id, str(it.context)) for it in messages} == {("", None, "{}")}
    letter = compose(messages[0].kind, "en")
    assert letter.subject == "Something is due today at the consultation desk"
    assert follow_up.public_id not in letter.text
    assert "/en/staff/cases/today/" in letter.text


def test_what_is_finished_is_not_reminded_of(adviser):
    follow_up = finish(planned(adviser), by=adviser)
    assert Reminder.objects.count() == 0
    tell_that_a_follow_up_is_due(follow_up)  # a reminder that a worker holds already
    assert Message.objects.count() == 0


def test_day_that_is_over_and_owner_who_is_no_member_are_refused(adviser):
    with pytest.raises(Refused, match="This day is over"):
        planned(adviser, due_on=timezone.localdate() - DAY)
    with pytest.raises(Refused, match="no member"):
        planned(adviser, owner=UserFactory(roles=["adviser"]))


def test_reached_finishes_and_not_reached_goes_on(adviser):
    follow_up = attempt(planned(adviser), by=adviser, way="call", was_reached=False)
    assert (follow_up.state, follow_up.attempts_made) == ("attempted", 1)
    follow_up = attempt(follow_up, by=adviser, way="letter", was_reached=True)
    assert (follow_up.state, follow_up.attempts_made) == ("done", 2)
    with pytest.raises(Refused, match="done already"):
        attempt(follow_up, by=adviser, way="call", was_reached=True)
    rows = Attempt.objects.values_list("number", "way", "was_reached", "by")
    assert list(rows) == [(1, "call", False, adviser.pk), (2, "letter", True, adviser.pk)]


def test_third_attempt_demands_a_decision(adviser):
    follow_up = tried(planned(adviser), adviser, 2)
    with pytest.raises(Refused, match="after three attempts"):
        decide(follow_up, by=adviser, decision="letter")
    follow_up = tried(follow_up, adviser, 1)
    assert follow_up.needs_decision
    with pytest.raises(Refused, match="Please decide"):
        tried(follow_up, adviser, 1)
    follow_up = decide(follow_up, by=adviser, decision="close_no_contact", text="Moved away, it seems")
    assert (follow_up.state, follow_up.decision) == ("decided", "close_no_contact")


def test_waiting_is_planned_anew_for_its_day(adviser):
    follow_up = tried(planned(adviser), adviser, 3)
    with pytest.raises(Refused, match="choose the day"):
        decide(follow_up, by=adviser, decision="wait")
    follow_up.refresh_from_db()
    assert follow_up.state == "attempted"
    decide(follow_up, by=adviser, decision="wait", due_on=timezone.localdate() + 7 * DAY)
    new = FollowUp.objects.get(state="due")
    assert (new.owner, new.kind, new.due_on) == (adviser, "call", timezone.localdate() + 7 * DAY)
    assert open_sealed(adviser, "x", new, "what") == {"what": "Call about the lease"}


def test_way_that_is_not_safe_cannot_be_used(adviser):
    case = CaseFactory(assigned=adviser, client=ClientFactory(contact="090-0000-0000", safe_channels=["sms"]))
    follow_up = planned(adviser, case=case)
    with pytest.raises(Refused) as refusal:
        attempt(follow_up, by=adviser, way="call", was_reached=True)
    assert str(refusal.value) == "“Telephone call” is not safe for this person. It must not be used."
    assert Attempt.objects.count() == 0
    for _time in range(3):
        follow_up = attempt(follow_up, by=adviser, way="sms", was_reached=False)
    with pytest.raises(Refused, match="“Letter” is not safe"):
        decide(follow_up, by=adviser, decision="letter")


def test_follow_ups_are_seen_by_members_alone(adviser):
    follow_up = FollowUpFactory(case=CaseFactory(assigned=adviser))
    stranger, manager = UserFactory(roles=["adviser"]), UserFactory(roles=["manager"])
    assert list(FollowUp.objects.visible_to(adviser)) == [follow_up]
    for user in (stranger, manager):
        assert list(FollowUp.objects.visible_to(user)) == []
        with pytest.raises(Refused):
            finish(follow_up, by=user)
