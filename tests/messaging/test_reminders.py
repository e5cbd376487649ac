"""What is to be told when its time comes: once, however many look, and in the city's time."""

import datetime
import logging
import threading
from zoneinfo import ZoneInfo

import pytest
from django.db import connections, transaction
from django.utils import timezone

from services.notices.actions import reminding
from services.notices.actions.reminding import days_before, do_not_remind, remind, remind_of_what_is_due
from services.notices.actions.telling import notify
from services.notices.models import Message, Reminder
from tests.factories import TopicFactory

pytestmark = pytest.mark.django_db
KIND = "tests/tomorrow"
MINUTE, DAY = datetime.timedelta(minutes=1), datetime.timedelta(days=1)


@pytest.fixture(autouse=True)
def _teller(monkeypatch):
    """An app that tells of its topics; one of them cannot be told."""

    def tell(topic):
        notify("sita@example.org", "accounts/sign_in_code", language="ne", about=topic)
        if topic.icon == "trouble":
            raise RuntimeError("This one cannot be told.")

    monkeypatch.setattr(reminding, "_TELLERS", dict(reminding._TELLERS))
    assert reminding.teller(KIND)(tell) is tell


def told() -> list[int]:
    return list(Message.objects.order_by("pk").values_list("about_id", flat=True))


def ago(pause=MINUTE):
    return timezone.now() - pause


def test_reminder_is_told_when_its_time_has_come_and_once():
    topic = TopicFactory()
    reminder = remind(KIND, topic, at=timezone.now() + MINUTE)
    assert remind_of_what_is_due() == 0
    Reminder.objects.update(due_at=ago())
    assert remind_of_what_is_due() == 1
    assert remind_of_what_is_due() == 0
    assert told() == [topic.pk]
    reminder.refresh_from_db()
    assert reminder.done_at is not None


def test_asking_again_moves_the_reminder():
    topic, later = TopicFactory(), timezone.now() + DAY
    first = remind(KIND, topic, at=ago())
    assert remind(KIND, topic, at=later) == first
    assert remind_of_what_is_due() == 0
    assert Reminder.objects.get().due_at == later


def test_what_was_told_and_moved_to_later_is_told_anew():
    topic = TopicFactory()
    remind(KIND, topic, at=ago())
    remind_of_what_is_due()
    remind(KIND, topic, at=timezone.now() + DAY)
    Reminder.objects.update(due_at=ago())
    assert remind_of_what_is_due() == 1
    assert told() == [topic.pk, topic.pk]


def test_what_was_told_and_moved_to_earlier_is_not_told_anew():
    topic = TopicFactory()
    remind(KIND, topic, at=ago())
    remind_of_what_is_due()
    remind(KIND, topic, at=ago(DAY))
    assert remind_of_what_is_due() == 0


def test_asking_again_for_the_same_moment_changes_nothing():
    topic, at = TopicFactory(), ago()
    remind(KIND, topic, at=at)
    remind_of_what_is_due()
    remind(KIND, topic, at=at)
    assert remind_of_what_is_due() == 0


def test_what_was_called_off_is_not_told():
    called_off, stays = TopicFactory(), TopicFactory()
    for topic in (called_off, stays):
        remind(KIND, topic, at=ago())
    do_not_remind(KIND, called_off)
    assert remind_of_what_is_due() == 1
    assert told() == [stays.pk]


def test_what_is_gone_is_only_marked():
    topic = TopicFactory()
    remind(KIND, topic, at=ago())
    topic.delete()
    assert remind_of_what_is_due() == 1
    assert told() == []
    assert Reminder.objects.get().done_at is not None


@pytest.mark.parametrize(("missed", "times"), [(2 * DAY - MINUTE, 1), (2 * DAY, 0), (30 * DAY, 0)])
def test_what_was_missed_for_days_is_of_no_use_any_more(missed, times):
    remind(KIND, TopicFactory(), at=ago(missed))
    assert remind_of_what_is_due() == 1
    assert len(told()) == times
    assert remind_of_what_is_due() == 0


def test_one_that_cannot_be_told_keeps_nobody_waiting_and_is_tried_again(caplog):
    first, trouble, last = TopicFactory(), TopicFactory(icon="trouble"), TopicFactory()
    for minutes, topic in enumerate((last, trouble, first), start=1):
        remind(KIND, topic, at=ago(minutes * MINUTE))
    with caplog.at_level(logging.CRITICAL):
        assert remind_of_what_is_due() == 2
        assert told() == [first.pk, last.pk]  # what it had written before it failed is gone with it
        assert remind_of_what_is_due() == 0
    trouble.icon = "house"
    trouble.save()
    assert remind_of_what_is_due() == 1
    assert told() == [first.pk, last.pk, trouble.pk]


def test_kind_that_nobody_tells_keeps_nobody_waiting(caplog):
    topic = TopicFactory()
    remind("tests/nobody", topic, at=ago(2 * MINUTE))
    remind(KIND, topic, at=ago())
    with caplog.at_level(logging.CRITICAL):
        assert remind_of_what_is_due() == 1
    assert told() == [topic.pk]


def test_reminder_goes_with_the_transaction_that_it_is_about():
    @transaction.atomic
    def deed_that_fails():
        remind(KIND, TopicFactory(), at=ago())
        raise RuntimeError

    with pytest.raises(RuntimeError):
        deed_that_fails()
    assert Reminder.objects.count() == 0


@pytest.mark.django_db(transaction=True)
def test_two_beats_at_once_tell_once():
    for _number in range(10):
        remind(KIND, TopicFactory(), at=ago())
    together, faults, counts = threading.Barrier(4), [], []

    def beat():
        together.wait()
        try:
            counts.append(remind_of_what_is_due())
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
        # the day before lies on the other side of the clock's change: the same clock time all the same
        ("Europe/Copenhagen", datetime.date(2026, 3, 29), 1, SIX, utc(2026, 3, 28, 17, 0)),
        ("Europe/Copenhagen", datetime.date(2026, 3, 30), 1, SIX, utc(2026, 3, 29, 16, 0)),
        ("Europe/Copenhagen", datetime.date(2026, 10, 26), 1, SIX, utc(2026, 10, 25, 17, 0)),
        # 02:30 on 29 March is left out: an hour later, 03:30; 02:30 on 25 October is there twice: the first
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
        ("Asia/Tokyo", utc(2026, 5, 9, 15, 30), utc(2026, 5, 9, 9, 0)),  # 00:30 on the 10th there
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
