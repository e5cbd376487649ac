"""From a draft to messages for all recipients: a second approver, stops that take effect, nothing sent twice."""

import datetime
import time
from typing import ClassVar

import pytest
from django.core import mail
from django.core.mail.backends.locmem import EmailBackend
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from services.audit.models import AuditEntry
from services.base.refusals import Refused
from services.languages.registry import SPOKEN
from services.messaging import leases
from services.messaging.bounces import process_bounce
from services.messaging.delivery import deliver_due
from services.messaging.leases import claim
from services.messaging.models import Message, Queue, Reminder
from services.messaging.reminders import send_due
from services.notices import broadcast
from services.notices.broadcast import begin_due_notices, finish_sent_notices, subscribers_for
from services.notices.emergencies.actions import add_language, end, end_past_notices
from services.notices.models import Notice, NoticeState, NoticeTranslation, Subscription, Topic
from services.notices.news.approval import approve, cancel, pause, resume, send_back, submit
from services.notices.news.drafts import correct, review_translation, save_draft
from services.notices.tasks import run_due_jobs
from tests.factories.accounts import ResidentFactory, UserFactory
from tests.factories.emergencies import DANISH, issue_emergency
from tests.factories.notices import NoticeFactory, SubscriptionFactory, TopicFactory
from tests.support.races import at_the_same_time
from tests.support.servers import wait_until

pytestmark = pytest.mark.django_db


HOUR = datetime.timedelta(hours=1)


def again(row):
    """Return the row as it is in the database now."""
    return type(row).objects.get(pk=row.pk)


def draft(**facts) -> Notice:
    return NoticeFactory(is_published=False, **facts)


def approved(**facts) -> Notice:
    """Return a notice that another person has approved and that is due; no messages have been written yet."""
    notice = draft(**facts)
    submit(notice, by=notice.author)
    approve(notice, by=UserFactory())
    return again(notice)


def states(notice) -> dict[str, int]:
    """Return the number of a notice's messages in each state."""
    found = list(Message.objects.about(notice).values_list("state", flat=True))
    return {state: found.count(state) for state in sorted(set(found))}


def translations(notice) -> dict[str, str]:
    return dict(notice.translations.exclude(state="missing").values_list("language", "state"))


def subscribers(topic, count, **facts) -> list[Subscription]:
    return SubscriptionFactory.create_batch(count, topics=[topic], **facts)


# --- From start to finish -----------------------------------------------------------------------------


def test_notice_goes_its_whole_way():
    topic, editor, manager = TopicFactory(), UserFactory(roles=["editor"]), UserFactory(roles=["manager"])
    readers = subscribers(topic, 3)
    notice = Notice(topic=topic, source_language="ja", title_ja="祭り", body_ja="来てください。")
    save_draft(notice, by=editor, changed=["title_ja", "body_ja"])
    assert (notice.author, translations(notice)) == (editor, {"ja": "unreviewed"})
    review_translation(notice, "ja", by=editor)
    submit(notice, by=editor)
    assert again(notice).state == "pending"
    approve(notice, by=manager)
    notice = again(notice)
    assert (notice.state, notice.approver, Message.objects.count()) == ("approved", manager, 0)
    assert begin_due_notices() == 3
    notice = again(notice)
    assert notice.state == "sending"
    assert None not in {notice.published_at, notice.written_at}
    assert finish_sent_notices() == 0
    deliver_due(worker="test")
    assert finish_sent_notices() == 1
    assert again(notice).state == "done"
    assert sorted(message.to[0] for message in mail.outbox) == sorted(reader.address for reader in readers)
    assert [line.action for line in AuditEntry.objects.filter(object_id=notice.public_id).order_by("sequence")] == [
        "notices.save",
        "notices.check",
        "notices.submit",
        "notices.approve",
        "notices.begin",
    ]


def test_periodic_job_does_all_of_it_and_twice_is_once():
    topic = TopicFactory()
    subscribers(topic, 2)
    notice = approved(topic=topic)
    for _beat in range(2):
        run_due_jobs()
        deliver_due(worker="test")
    run_due_jobs()
    assert (again(notice).state, len(mail.outbox)) == ("done", 2)


# --- Writing ------------------------------------------------------------------------------------------


def test_edited_language_is_no_longer_checked_and_outdates_nobody_else():
    notice = draft(title_ne="नमस्ते", body_ne="x")
    notice.title_ne = "नमस्कार"
    save_draft(notice, by=notice.author, changed=["title_ne"])
    assert translations(notice) == {"ja": "reviewed", "en": "reviewed", "ne": "outdated"}
    assert notice.translations.get(language="ne").checked_by is None


@pytest.mark.parametrize(("is_minor", "state"), [(False, "outdated"), (True, "reviewed")])
def test_edit_of_the_source_outdates_the_others_unless_it_is_minor(is_minor, state):
    notice = draft(title_ne="नमस्ते", body_ne="x")
    notice.body_ja = "本文でした。"
    save_draft(notice, by=notice.author, changed=["body_ja"], is_minor=is_minor)
    assert translations(notice) == {"ja": "outdated", "en": state, "ne": state}


def test_new_text_is_unchecked_and_a_text_taken_out_is_missing():
    notice = draft()
    notice.title_vi, notice.body_vi, notice.body_en = "Xin chào", "x", ""
    save_draft(notice, by=notice.author, changed=["title_vi", "body_vi", "body_en"])
    assert translations(notice) == {"ja": "reviewed", "vi": "unreviewed"}
    assert notice.translations.count() == len(SPOKEN)


def test_language_without_a_text_cannot_be_checked():
    notice = draft(title_vi="Xin chào")
    with pytest.raises(Refused):
        review_translation(notice, "vi", by=notice.author)
    assert "vi" not in translations(notice)


@pytest.mark.parametrize("state", ["pending", "approved", "sending", "done"])
def test_only_a_draft_can_be_changed(state):
    notice = draft()
    submit(notice, by=notice.author)
    if state != "pending":
        approve(notice, by=UserFactory())
    if state in {"sending", "done"}:
        begin_due_notices()
    if state == "done":
        finish_sent_notices()
    notice = again(notice)
    assert notice.state == state
    with pytest.raises(Refused):
        save_draft(notice, by=notice.author, changed=["title_en"])
    with pytest.raises(Refused):
        review_translation(notice, "en", by=notice.author)


# --- A second person approves -------------------------------------------------------------------------


def test_nobody_approves_what_they_wrote():
    notice = draft()
    submit(notice, by=notice.author)
    with pytest.raises(Refused, match="Someone else"):
        approve(notice, by=notice.author)
    assert (again(notice).state, again(notice).approver) == ("pending", None)


def test_database_knows_that_nobody_approves_what_they_wrote():
    notice = draft()
    with pytest.raises(IntegrityError), transaction.atomic():
        Notice.objects.filter(pk=notice.pk).update(approver=notice.author)
    with pytest.raises(IntegrityError), transaction.atomic():
        Notice.objects.filter(pk=notice.pk).update(state="sending")
    with pytest.raises(IntegrityError), transaction.atomic():
        Notice.objects.filter(pk=notice.pk).update(state="lost")
    with pytest.raises(IntegrityError), transaction.atomic():
        Notice.objects.filter(pk=notice.pk).update(level=6)
    assert again(notice).approver is None


def test_source_must_be_checked_before_anybody_approves():
    notice = draft()
    NoticeTranslation.objects.filter(notice=notice, language="ja").update(state="outdated")
    with pytest.raises(Refused):
        submit(notice, by=notice.author)
    with pytest.raises(Refused):
        approve(notice, by=UserFactory())
    assert again(notice).state == "draft"


def test_nobody_approves_what_its_author_has_not_submitted():
    notice = draft()
    with pytest.raises(Refused, match="Draft"):
        approve(notice, by=UserFactory())
    assert again(notice).state == "draft"


def test_notice_can_be_sent_back_with_a_reason_even_after_approval():
    notice = approved()
    send_back(notice, by=UserFactory(), reason="The date is wrong.")
    notice = again(notice)
    assert (notice.state, notice.approver, notice.returned_because) == ("draft", None, "The date is wrong.")
    assert begin_due_notices() == 0
    submit(notice, by=notice.author)
    assert again(notice).returned_because == ""


@pytest.mark.parametrize("verb", [pause, resume, submit])
def test_what_a_state_does_not_allow_is_refused_in_words(verb):
    notice = NoticeFactory()
    with pytest.raises(Refused, match="Sent to everyone"):
        verb(notice, by=notice.author)
    assert again(notice).state == "done"


def test_f2_notice_that_was_sent_to_everyone_can_be_withdrawn_once():
    notice = NoticeFactory()
    cancel(notice, by=notice.author, reason="The event is called off.")
    assert (again(notice).state, again(notice).is_withdrawn) == ("cancelled", True)
    with pytest.raises(Refused, match="Cancelled"):
        cancel(notice, by=notice.author)


# --- Scheduling ---------------------------------------------------------------------------------------


def test_scheduled_notice_waits_for_its_time():
    topic = TopicFactory()
    subscribers(topic, 1)
    notice = draft(topic=topic)
    submit(notice, by=notice.author)
    approve(notice, by=UserFactory(), scheduled_at=timezone.now() + HOUR)
    assert begin_due_notices() == 0
    Notice.objects.update(scheduled_at=timezone.now())
    assert begin_due_notices() == 1


def test_time_that_is_past_already_is_now():
    notice = draft()
    submit(notice, by=notice.author)
    approve(notice, by=UserFactory(), scheduled_at=timezone.now() - HOUR)
    assert abs(again(notice).scheduled_at - timezone.now()) < datetime.timedelta(minutes=1)


def test_emergency_is_written_before_news():
    news, grave, graver = approved(), issue_emergency(), issue_emergency(level=5)
    assert list(Notice.objects.due()) == [graver, grave, news]


# --- Stopping -----------------------------------------------------------------------------------------


def test_paused_notice_keeps_its_messages_until_it_goes_on():
    topic = TopicFactory()
    subscribers(topic, 4)
    notice = approved(topic=topic)
    begin_due_notices()
    assert pause(notice, by=notice.author) == 4
    assert deliver_due(worker="test") == 0
    assert (states(notice), finish_sent_notices()) == ({"held": 4}, 0)
    assert resume(notice, by=notice.author) == 4
    assert deliver_due(worker="test") == 4
    assert states(notice) == {"sent": 4}


def test_notice_paused_in_the_middle_of_being_written_goes_on_there(monkeypatch):
    monkeypatch.setattr(broadcast, "BATCH_SIZE", 2)
    topic = TopicFactory()
    subscribers(topic, 5)
    notice = approved(topic=topic)
    begin_due_notices(most=1)
    pause(notice, by=notice.author)
    assert begin_due_notices() == 0
    resume(notice, by=notice.author)
    assert begin_due_notices() == 3
    assert states(notice) == {"waiting": 5}


@pytest.mark.parametrize("is_paused", [False, True])
def test_cancelled_notice_sends_nothing_more(is_paused):
    topic = TopicFactory()
    subscribers(topic, 4)
    notice = approved(topic=topic)
    begin_due_notices()
    if is_paused:
        pause(notice, by=notice.author)
    assert cancel(notice, by=notice.author, reason="wrong date") == 4
    assert deliver_due(worker="test") == 0
    assert (states(notice), mail.outbox) == ({"withdrawn": 4}, [])
    assert AuditEntry.objects.get(action="notices.cancel").reason == "wrong date"


@pytest.mark.parametrize(("stop", "is_emergency"), [(cancel, False), (end, False), (end, True)])
def test_notice_stopped_in_the_middle_of_being_written_is_written_no_further(stop, is_emergency, monkeypatch):
    monkeypatch.setattr(broadcast, "BATCH_SIZE", 2)
    topic = TopicFactory()
    subscribers(topic, 5)
    notice = issue_emergency(topic=topic) if is_emergency else approved(topic=topic)
    begin_due_notices(most=1)
    stop(notice, by=UserFactory())
    assert begin_due_notices() == 0
    deliver_due(worker="test")
    assert (states(notice), mail.outbox) == ({"withdrawn": 2}, [])


def test_what_nobody_has_got_cannot_end_nor_be_corrected():
    for notice in (draft(), approved()):
        with pytest.raises(Refused, match="This notice has not been sent to anyone yet"):
            end(notice, by=notice.author)
        with pytest.raises(Refused, match="This notice has not been sent to anyone yet"):
            correct(notice, by=notice.author)
        assert again(notice).ended_at is None


def test_notice_ends_once():
    notice = NoticeFactory()
    end(notice, by=notice.author, reason="over")
    assert list(Notice.objects.archived()) == [notice]
    with pytest.raises(Refused, match="This notice has already ended"):
        end(notice, by=notice.author)


def test_notice_past_its_time_goes_into_the_archive_by_itself():
    past, current = NoticeFactory(until=timezone.now() + HOUR), NoticeFactory(until=timezone.now() + HOUR)
    Notice.objects.filter(pk=past.pk).update(until=timezone.now())
    assert end_past_notices() == 1
    assert end_past_notices() == 0
    assert again(past).ended_at is not None
    assert list(Notice.objects.current()) == [current]


def test_news_that_come_too_late_are_not_sent():
    topic = TopicFactory()
    subscribers(topic, 1)
    notice = approved(topic=topic, until=timezone.now() + HOUR)
    begin_due_notices()
    Message.objects.update(expires_at=timezone.now())
    deliver_due(worker="test")
    assert (states(notice), mail.outbox) == ({"withdrawn": 1}, [])


# --- Correcting ---------------------------------------------------------------------------------------


def test_correction_goes_only_to_those_who_got_the_wrong_one():
    topic = TopicFactory()
    got, bounced, waits = subscribers(topic, 3, language="en")
    notice = approved(topic=topic, title_en="Party on Monday")
    begin_due_notices()
    Message.objects.to(waits).update(due_at=timezone.now() + HOUR)
    deliver_due(worker="test")
    process_bounce(Message.objects.to(bounced).get().public_id, for_good=False, cause="full")
    cancel(notice, by=notice.author)
    newcomer = subscribers(topic, 1)
    correction = correct(again(notice), by=UserFactory())
    assert (correction.state, correction.corrects, correction.title_en) == ("draft", notice, "Party on Monday")
    assert translations(correction) == {"ja": "unreviewed", "en": "unreviewed"}
    correction.title_en = "Party on Tuesday"
    save_draft(correction, by=correction.author, changed=["title_en"])
    for language in ("ja", "en"):
        review_translation(correction, language, by=correction.author)
    submit(correction, by=correction.author)
    approve(correction, by=UserFactory())
    begin_due_notices()
    mail.outbox.clear()
    deliver_due(worker="test")
    assert [(message.to, message.subject) for message in mail.outbox] == [([got.address], "Party on Tuesday")]
    assert len(newcomer) == 1


def test_correction_needs_another_persons_approval_too():
    correction = correct(NoticeFactory(), by=UserFactory())
    review_translation(correction, "ja", by=correction.author)
    submit(correction, by=correction.author)
    with pytest.raises(Refused, match="Someone else"):
        approve(correction, by=correction.author)


def test_emergency_is_updated_never_corrected():
    notice = issue_emergency()
    with pytest.raises(Refused, match="Update it or end it"):
        correct(notice, by=notice.author)
    assert Notice.objects.count() == 1


# --- Emergencies --------------------------------------------------------------------------------------


def test_emergency_goes_to_everybody_whom_the_centre_can_reach_once(settings):
    settings.SMS_URL = "https://sms.example/"
    topic = TopicFactory()
    SubscriptionFactory(address="Both@example.org", language="ko")
    SubscriptionFactory(address="left-x", state="unsubscribed")
    SubscriptionFactory(address="pending@example.org", state="pending", confirmed_at=None)
    ResidentFactory(email="both@example.org", language="ne")
    ResidentFactory.create_batch(2, email="family@example.org")
    ResidentFactory(email="", user=UserFactory(email="account@example.org"))
    ResidentFactory(email="", phone="09012345678", language="vi")
    notice = issue_emergency(topic=topic)
    begin_due_notices()
    told = set(Message.objects.about(notice).values_list("channel", "address", "language"))
    assert told == {
        ("email", "Both@example.org", "ko"),
        ("email", "family@example.org", "ne"),
        ("email", "account@example.org", "ne"),
        ("sms", "09012345678", "vi"),
    }
    assert Message.objects.count() == 4
    assert {message.queue for message in Message.objects.all()} == {1}


def test_resident_whom_no_way_reaches_is_no_row():
    ResidentFactory(email="", phone="09012345678")
    issue_emergency()
    begin_due_notices()
    assert Message.objects.count() == 0


def test_emergency_goes_out_in_the_languages_that_are_ready_and_the_others_follow_once():
    readers = {code: SubscriptionFactory(language=code) for code in ("en", "da", "ko")}
    notice = issue_emergency()
    begin_due_notices()
    deliver_due(worker="test")
    finish_sent_notices()
    assert dict(Message.objects.values_list("language", "written_in")) == {"en": "en", "da": "en", "ko": "en"}
    mail.outbox.clear()
    add_language(notice, "da", **DANISH, by=notice.author)
    with pytest.raises(Refused, match="already been sent"):
        add_language(notice, "da", title="Hede", body="Noget andet.", by=notice.author)
    assert again(notice).body_da == "Drik vand."
    assert again(notice).state == "sending"
    deliver_due(worker="test")
    assert [(message.to, message.subject) for message in mail.outbox] == [([readers["da"].address], "Hede – Ota")]
    finish_sent_notices()
    assert again(notice).state == "done"


def test_language_that_comes_late_reaches_those_in_a_workers_hands_too():
    SubscriptionFactory(language="da")
    notice = issue_emergency()
    begin_due_notices()
    claim()
    add_language(notice, "da", **DANISH, by=notice.author)
    assert states(notice) == {"sending": 1, "waiting": 1}


def test_language_that_comes_late_is_not_sent_of_what_has_ended():
    SubscriptionFactory(language="da")
    notice = issue_emergency()
    begin_due_notices()
    deliver_due(worker="test")
    end(notice, by=notice.author)
    with pytest.raises(Refused, match="ended"):
        add_language(notice, "da", **DANISH, by=notice.author)
    assert (again(notice).title_da, states(notice)) == (None, {"sent": 1})


def test_language_that_comes_late_waits_while_the_notice_is_paused():
    SubscriptionFactory(language="da")
    notice = issue_emergency()
    begin_due_notices()
    deliver_due(worker="test")
    pause(notice, by=notice.author)
    add_language(notice, "da", **DANISH, by=notice.author)
    deliver_due(worker="test")
    assert states(notice) == {"held": 1, "sent": 1}
    resume(notice, by=notice.author)
    deliver_due(worker="test")
    assert [message.subject for message in mail.outbox] == ["Heat – Ota", "Hede – Ota"]


def test_late_language_costs_the_same_however_many_read_it():
    counts = []
    for readers in (1, 30):
        SubscriptionFactory.create_batch(readers, language="da")
        notice = issue_emergency()
        begin_due_notices()
        deliver_due(worker="test")
        with CaptureQueriesContext(connection) as queries:
            add_language(notice, "da", **DANISH, by=notice.author)
        counts.append(len(queries))
    assert counts[0] == counts[1]


def test_update_ends_what_it_updates():
    SubscriptionFactory(language="en")
    first = issue_emergency()
    begin_due_notices()
    second = issue_emergency(updates=first, level=3)
    begin_due_notices()
    deliver_due(worker="test")
    assert (states(first), states(second)) == ({"withdrawn": 1}, {"sent": 1})
    assert again(first).ended_at is not None
    assert list(Notice.objects.current()) == [second]
    assert list(Notice.objects.archived()) == [first]


def test_author_hears_an_hour_before_an_emergency_ends():
    notice = issue_emergency(until=timezone.now() + 3 * HOUR)
    reminder = Reminder.objects.get()
    assert reminder.due_at == notice.until - HOUR
    Reminder.objects.update(due_at=timezone.now())
    for _beat in range(2):
        send_due()
    told = Message.objects.filter(kind="notices/staff/ends_soon").order_by("pk")
    assert [(message.channel, message.user) for message in told] == [("email", notice.author), ("inbox", notice.author)]


def test_author_of_what_has_ended_hears_nothing():
    notice = issue_emergency(until=timezone.now() + 3 * HOUR)
    end(notice, by=notice.author)
    Reminder.objects.update(due_at=timezone.now())
    assert send_due() == 1
    assert Message.objects.count() == 0


def test_one_person_may_issue_but_only_from_a_checked_pattern():
    notice = issue_emergency()
    assert (notice.state, notice.approver) == ("sending", None)
    assert translations(notice) == {"ja": "reviewed", "en": "reviewed"}


# --- Recipients ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("facts", "readers"),
    [
        ({}, {"ne", "vi", "ne omori", "vi kamata"}),
        ({"to_languages": ["ne"]}, {"ne", "ne omori"}),
        ({"to_languages": ["ne", "ko"]}, {"ne", "ne omori"}),
        ({"to_languages": ["ko"]}, set()),
        ({"area": "omori"}, {"ne", "vi", "ne omori"}),
        ({"area": "kamata", "to_languages": ["ne"]}, {"ne"}),
    ],
)
def test_audience_is_its_topics_readers_in_its_languages_and_area(facts, readers):
    topic, other = TopicFactory(), TopicFactory()
    for name in ("ne", "vi", "ne omori", "vi kamata"):
        language, _space, area = name.partition(" ")
        SubscriptionFactory(topics=[topic, other], language=language, area=area, address=name)
    SubscriptionFactory(topics=[other], address="other")
    SubscriptionFactory(topics=[topic], address="left", state="unsubscribed")
    SubscriptionFactory(topics=[topic], address="pending", state="pending", confirmed_at=None)
    notice = draft(topic=topic, **facts)
    assert {reader.address for reader in subscribers_for(notice)} == readers


def test_residents_hear_no_news_that_they_did_not_ask_for():
    ResidentFactory()
    approved()
    assert begin_due_notices() == 0
    assert Message.objects.count() == 0


def test_emergency_may_be_for_some_languages_only():
    ResidentFactory(language="ne")
    ResidentFactory(language="vi")
    issue_emergency(to_languages=["vi"])
    begin_due_notices()
    assert list(Message.objects.values_list("language", flat=True)) == ["vi"]


# --- Thousands of rows --------------------------------------------------------------------------------


@pytest.fixture
def crowd():
    """Return a function that creates a topic with many readers."""

    def make(count) -> Topic:
        topic = TopicFactory()
        rows = Subscription.objects.bulk_create(
            Subscription(address=f"{topic.code}-{number}@example.org", language="ne", state="active",
                         confirmed_at=timezone.now())
            for number in range(count)
        )  # fmt: skip
        through = Subscription.topics.through
        through.objects.bulk_create(through(subscription=row, topic=topic) for row in rows)
        return topic

    return make


@pytest.mark.thorough
def test_each_thousand_rows_costs_the_same_few_queries(crowd):
    notice = approved(topic=crowd(3000))
    broadcast._publish_if_due(notice.pk)
    counts = []
    for _thousand in range(3):
        with CaptureQueriesContext(connection) as queries:
            assert broadcast._write_batch(notice.pk) == 1000
        statements = [query["sql"] for query in queries.captured_queries]
        inserts = [sql for sql in statements if sql.startswith("INSERT") and '"messaging_message"' in sql]
        counts.append(len(queries) - len(inserts))
        assert 1 <= len(inserts) <= 30  # SQLite limits the values per statement; PostgreSQL does not
    assert counts[1] == counts[2] <= 5
    assert broadcast._write_batch(notice.pk) == 0
    assert Message.objects.count() == 3000


def test_crash_in_the_middle_of_writing_goes_on_where_it_stopped(crowd, monkeypatch):
    monkeypatch.setattr(broadcast, "BATCH_SIZE", 10)
    approved(topic=crowd(45))
    original, calls = Message.objects.bulk_create, []

    def crashing(rows, **options):
        calls.append(len(rows))
        written = original(rows, **options)
        if len(calls) == 3:
            raise RuntimeError("killed after it had written, before it committed")
        return written

    with monkeypatch.context() as patch:
        patch.setattr(type(Message.objects), "bulk_create", lambda self, rows, **options: crashing(rows, **options))
        with pytest.raises(RuntimeError):
            begin_due_notices()
    assert Message.objects.count() == 20
    assert begin_due_notices() == 25
    assert (Message.objects.count(), Message.objects.values("person").distinct().count()) == (45, 45)
    assert begin_due_notices() == 0


@pytest.mark.django_db(transaction=True)
def test_two_workers_at_once_write_each_row_once(crowd, monkeypatch):
    monkeypatch.setattr(broadcast, "BATCH_SIZE", 7)
    notice = approved(topic=crowd(60))
    assert at_the_same_time(*[begin_due_notices] * 4) == []
    begin_due_notices()
    assert (Message.objects.count(), Message.objects.values("person").distinct().count()) == (60, 60)
    assert again(notice).written_at is not None


class Noting(EmailBackend):
    """Record each email's recipient, slowly."""

    sent: ClassVar[list[str]] = []

    def send_messages(self, messages):
        time.sleep(0.005)
        self.sent.append(messages[0].to[0])
        return super().send_messages(messages)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("stop", [cancel, pause])
def test_stop_is_never_overtaken_by_a_send(stop, crowd, settings, monkeypatch):
    """Workers are sending; once the stop has returned, none of them attempts another row."""
    monkeypatch.setitem(leases.BATCH_SIZE, Queue.BULK, 10)
    notice = approved(topic=crowd(200))
    begin_due_notices()
    settings.EMAIL_BACKEND = f"{__name__}.Noting"
    Noting.sent.clear()
    attempted = []

    def halt():
        wait_until(lambda: len(Noting.sent) >= 20, what="some mails")
        stop(notice, by=notice.author)
        attempted.append(set(Message.objects.filter(attempts__gt=0).values_list("pk", flat=True)))

    assert at_the_same_time(halt, *[lambda: deliver_due(worker="test")] * 3) == []
    after = set(Message.objects.filter(attempts__gt=0).values_list("pk", flat=True))
    assert after <= attempted[0]
    assert len(Noting.sent) == len(set(Noting.sent)) == states(notice)["sent"] <= len(attempted[0])
    stopped = "withdrawn" if stop is cancel else "held"
    assert states(notice) == {"sent": len(Noting.sent), stopped: 200 - len(Noting.sent)}
    assert states(notice)[stopped] > 100


@pytest.mark.django_db(transaction=True)
def test_cancel_and_writing_at_once_leave_nothing_to_send(crowd, monkeypatch):
    monkeypatch.setattr(broadcast, "BATCH_SIZE", 5)
    notice = approved(topic=crowd(100))
    begin_due_notices(most=1)
    faults = at_the_same_time(begin_due_notices, lambda: cancel(notice, by=notice.author), begin_due_notices)
    assert [fault for fault in faults if "lock" not in str(fault)] == []
    begin_due_notices()
    assert again(notice).state == NoticeState.CANCELLED
    assert set(states(notice)) == {"withdrawn"}
    assert deliver_due(worker="test") == 0


@pytest.mark.django_db(transaction=True)
def test_two_who_approve_at_once_approve_once():
    notice = draft()
    submit(notice, by=notice.author)
    first, second = UserFactory(), UserFactory()
    faults = at_the_same_time(lambda: approve(notice, by=first), lambda: approve(notice, by=second))
    assert [type(fault) for fault in faults] == [Refused]
    assert AuditEntry.objects.filter(action="notices.approve").count() == 1
