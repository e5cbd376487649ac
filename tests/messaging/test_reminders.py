"""Reminders are sent when due: once, however many workers look, and in the city's time."""

import datetime
import logging
import threading
from zoneinfo import ZoneInfo

import pytest
from django.db import connections, transaction
from django.utils import timezone

from portal.message_kinds import SIGN_IN_CODE
from services.messaging.kinds import REMINDER_HANDLERS, ReminderKind
from services.messaging.models import Message, Reminder
from services.messaging.outbox import notify
from services.messaging.reminders import cancel_reminder, days_before, schedule_reminder, send_due
from tests.factories import TopicFactory

pytestmark = pytest.mark.django_db
KIND, NOBODYS = ReminderKind("tests/tomorrow"), ReminderKind("tests/nobody")
MINUTE, DAY = datetime.timedelta(minutes=1), datetime.timedelta(days=1)


@pytest.fixture(autouse=True)
def _teller(monkeypatch):
    """An app with a reminder for each topic; the reminder for one of them fails."""

    def tell(topic):
        notify("sita@example.org", SIGN_IN_CODE, language="ne", about=topic)
        if topic.icon == "trouble":
            raise RuntimeError("This one cannot be told.")

    monkeypatch.setitem(REMINDER_HANDLERS, KIND.name, tell)


def told() -> list[int]:
    return list(Message.objects.order_by("pk").values_list("about_id", flat=True))


def ago(pause=MINUTE):
    return timezone.now() - pause


def test_reminder_is_told_when_its_time_has_come_and_once():
    topic = TopicFactory()
    reminder = schedule_reminder(KIND, topic, at=timezone.now() + MINUTE)
    assert send_due() == 0
    Reminder.objects.update(due_at=ago())
    assert send_due() == 1
    assert send_due() == 0
    assert told() == [topic.pk]
    reminder.refresh_from_db()
    assert reminder.done_at is not None


def test_asking_again_moves_the_reminder():
    topic, later = TopicFactory(), timezone.now() + DAY
    first = schedule_reminder(KIND, topic, at=ago())
    assert schedule_reminder(KIND, topic, at=later) == first
    assert send_due() == 0
    assert Reminder.objects.get().due_at == later


def test_what_was_told_and_moved_to_later_is_told_anew():
    topic = TopicFactory()
    schedule_reminder(KIND, topic, at=ago())
    send_due()
    schedule_reminder(KIND, topic, at=timezone.now() + DAY)
    Reminder.objects.update(due_at=ago())
    assert send_due() == 1
    assert told() == [topic.pk, topic.pk]


def test_what_was_told_and_moved_to_earlier_is_not_told_anew():
    topic = TopicFactory()
    schedule_reminder(KIND, topic, at=ago())
    send_due()
    schedule_reminder(KIND, topic, at=ago(DAY))
    assert send_due() == 0


def test_asking_again_for_the_same_moment_changes_nothing():
    topic, at = TopicFactory(), ago()
    schedule_reminder(KIND, topic, at=at)
    send_due()
    schedule_reminder(KIND, topic, at=at)
    assert send_due() == 0


def test_what_was_called_off_is_not_told():
    called_off, stays = TopicFactory(), TopicFactory()
    for topic in (called_off, stays):
        schedule_reminder(KIND, topic, at=ago())
    cancel_reminder(KIND, called_off)
    assert send_due() == 1
    assert told() == [stays.pk]


def test_what_is_gone_is_only_marked():
    topic = TopicFactory()
    schedule_reminder(KIND, topic, at=ago())
    topic.delete()
    assert send_due() == 1
    assert told() == []
    assert Reminder.objects.get().done_at is not None


@pytest.mark.parametrize(("missed", "times"), [(2 * DAY - MINUTE, 1), (2 * DAY, 0), (30 * DAY, 0)])
def test_what_was_missed_for_days_is_of_no_use_any_more(missed, times):
    schedule_reminder(KIND, TopicFactory(), at=ago(missed))
    assert send_due() == 1
    assert len(told()) == times
    assert send_due() == 0


def test_one_that_cannot_be_told_keeps_nobody_waiting_and_is_tried_again(caplog):
    first, trouble, last = TopicFactory(), TopicFactory(icon="trouble"), TopicFactory()
    for minutes, topic in enumerate((last, trouble, first), start=1):
        schedule_reminder(KIND, topic, at=ago(minutes * MINUTE))
    with caplog.at_level(logging.CRITICAL):
        assert send_due() == 2
        assert told() == [first.pk, last.pk]  # what it wrote before it failed is rolled back
        assert send_due() == 0
    trouble.icon = "house"
    trouble.save()
    assert send_due() == 1
    assert told() == [first.pk, last.pk, trouble.pk]


def test_kind_that_nobody_tells_keeps_nobody_waiting(caplog):
    topic = TopicFactory()
    schedule_reminder(NOBODYS, topic, at=ago(2 * MINUTE))
    schedule_reminder(KIND, topic, at=ago())
    with caplog.at_level(logging.CRITICAL):
        assert send_due() == 1
    assert told() == [topic.pk]


def test_reminder_goes_with_the_transaction_that_it_is_about():
    @transaction.atomic
    def deed_that_fails():
        schedule_reminder(KIND, TopicFactory(), at=ago())
        raise RuntimeError

    with pytest.raises(RuntimeError):
        deed_that_fails()
    assert Reminder.objects.count() == 0


@pytest.mark.django_db(transaction=True)
def test_two_beats_at_once_tell_once():
    for _number in range(10):
        schedule_reminder(KIND, TopicFactory(), at=ago())
    together, faults, counts = threading.Barrier(4), [], []

    def beat():
        together.wait()
        try:
            counts.append(send_due())
        except Exception as fault:  # noqa: BLE001  whatever it is, the test shall see it
            faults.append(fault)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=beat) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert faults == []
    assert sum(counts) == 10
    assert sorted(told()) == sorted(Reminder.objects.values_list("about_id", flat=True))


# --- The city's time ----------------------------------------------------------------------------------


def local(zone: str, *parts: int, fold: int = 0) -> datetime.datetime:
    return datetime.datetime(*parts, tzinfo=ZoneInfo(zone), fold=fold)


def utc(*parts: int) -> datetime.datetime:
    return datetime.datetime(*parts, tzinfo=datetime.UTC)


SIX = datetime.time(18, 0)


@pytest.mark.parametrize(
    ("zone", "day", "days", "at", "moment"),
    [
        ("Asia/Tokyo", datetime.date(2026, 5, 10), 1, SIX, utc(2026, 5, 9, 9, 0)),
        ("Asia/Seoul", datetime.date(2026, 5, 10), 3, SIX, utc(2026, 5, 7, 9, 0)),
        ("Asia/Tokyo", datetime.date(2026, 5, 10), 0, datetime.time(0, 0), utc(2026, 5, 9, 15, 0)),
        # month end, leap day, year end
        ("Asia/Tokyo", datetime.date(2026, 3, 1), 1, SIX, utc(2026, 2, 28, 9, 0)),
        ("Asia/Tokyo", datetime.date(2028, 3, 1), 1, SIX, utc(2028, 2, 29, 9, 0)),
        ("Asia/Tokyo", datetime.date(2026, 1, 1), 3, SIX, utc(2025, 12, 29, 9, 0)),
        # summer and winter
        ("Europe/Copenhagen", datetime.date(2026, 7, 10), 1, SIX, utc(2026, 7, 9, 16, 0)),
        ("Europe/Copenhagen", datetime.date(2026, 1, 10), 1, SIX, utc(2026, 1, 9, 17, 0)),
        # the day before is on the other side of the clock change: the clock time stays the same
        ("Europe/Copenhagen", datetime.date(2026, 3, 29), 1, SIX, utc(2026, 3, 28, 17, 0)),
        ("Europe/Copenhagen", datetime.date(2026, 3, 30), 1, SIX, utc(2026, 3, 29, 16, 0)),
        ("Europe/Copenhagen", datetime.date(2026, 10, 26), 1, SIX, utc(2026, 10, 25, 17, 0)),
        # 02:30 on 29 March does not exist: an hour later, 03:30; 02:30 on 25 October comes twice: the first
        ("Europe/Copenhagen", datetime.date(2026, 3, 30), 1, datetime.time(2, 30), utc(2026, 3, 29, 1, 30)),
        ("Europe/Copenhagen", datetime.date(2026, 10, 26), 1, datetime.time(2, 30), utc(2026, 10, 25, 0, 30)),
    ],
)
def test_days_before_are_counted_by_the_citys_calendar(zone, day, days, at, moment, settings):
    settings.TIME_ZONE = zone
    assert days_before(day, days, at) == moment


@pytest.mark.parametrize(
    ("zone", "begins", "moment"),
    [
        ("Asia/Tokyo", utc(2026, 5, 9, 15, 30), utc(2026, 5, 9, 9, 0)),  # 00:30 on the 10th in Tokyo
        ("Asia/Seoul", utc(2026, 5, 9, 14, 59), utc(2026, 5, 8, 9, 0)),  # 23:59 on the 9th
        ("Europe/Copenhagen", utc(2026, 5, 9, 22, 30), utc(2026, 5, 9, 16, 0)),  # 00:30 on the 10th
        ("Europe/Copenhagen", utc(2026, 12, 31, 23, 30), utc(2026, 12, 31, 17, 0)),  # 00:30 on 1 January
    ],
)
def test_day_of_a_moment_is_the_citys(zone, begins, moment, settings):
    settings.TIME_ZONE = zone
    assert days_before(begins, 1, SIX) == moment


def test_left_out_clock_time_is_as_much_later_as_the_clock_jumps(settings):
    settings.TIME_ZONE = "Europe/Copenhagen"
    moment = days_before(datetime.date(2026, 3, 29), 0, datetime.time(2, 30))
    assert moment.astimezone(ZoneInfo("Europe/Copenhagen")) == local("Europe/Copenhagen", 2026, 3, 29, 3, 30)
