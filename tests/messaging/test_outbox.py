"""`notify`: one row for each occasion, person and channel, in the same transaction as the event."""

import datetime

import pytest
from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from portal.message_kinds import CONFIRM_ADDRESS, SIGN_IN_CODE
from services.messaging import outbox
from services.messaging.delivery import deliver_due
from services.messaging.models import DeliveryGuarantee, Message, MessageState, Queue
from services.messaging.outbox import notify
from tests.factories import MessageFactory, NoticeFactory, ResidentFactory, UserFactory

pytestmark = pytest.mark.django_db
KIND = SIGN_IN_CODE


def ways(messages) -> list[tuple[str, str, str]]:
    return [(message.channel, message.address, message.state) for message in messages]


@transaction.atomic
def deed_that_fails():
    notify("within@example.org", KIND, language="ne")
    notify(UserFactory(), KIND)
    raise RuntimeError


def test_resident_with_email_is_told_by_it_in_their_own_language():
    resident = ResidentFactory(language="vi", phone="09012345678")
    [message] = notify(resident, KIND, language="ja", context={"code": "X"}, queue=Queue.URGENT)
    assert message == Message.objects.get()
    assert ways([message]) == [("email", resident.email, "waiting")]
    assert (message.language, message.resident, message.user) == ("vi", resident, None)
    assert (message.context, message.queue, message.guarantee, message.attempts) == (
        {"code": "X"},
        0,
        "at_least_once",
        0,
    )
    assert message.person == f"resident:{resident.pk}"


def test_resident_with_only_a_phone_is_told_by_sms_where_it_is_offered(settings):
    settings.SMS_URL = "https://sms.example/"
    resident = ResidentFactory(email="", phone="09012345678")
    assert ways(notify(resident, KIND)) == [("sms", "09012345678", "waiting")]


def test_resident_with_only_a_phone_where_no_sms_is_offered_comes_on_the_staffs_list():
    resident = ResidentFactory(email="", phone="09012345678")
    [message] = notify(resident, KIND)
    deliver_due(worker="test")
    message.refresh_from_db()
    assert (message.state, message.cause) == ("failed", "This person has not given any contact details.")
    assert list(Message.objects.needing_attention()) == [message]


@pytest.mark.parametrize(("own", "address"), [("own@example.org", "own@example.org"), ("", "account@example.org")])
def test_resident_with_an_account_finds_it_on_their_page_too(own, address):
    user = UserFactory(email="account@example.org")
    messages = notify(ResidentFactory(user=user, email=own), KIND, idempotency_key="course 7")
    assert ways(messages) == [("email", address, "waiting"), ("inbox", "", "sent")]
    assert list(Message.objects.in_inbox_of(user)) == [messages[1]]
    assert {message.person for message in messages} == {messages[0].person}


def test_user_is_told_by_mail_and_on_their_page():
    user = UserFactory(language="da")
    messages = notify(user, KIND)
    assert ways(messages) == [("email", user.email, "waiting"), ("inbox", "", "sent")]
    assert {(message.person, message.language, message.user) for message in messages} == {
        (f"user:{user.pk}", "da", user)
    }


@pytest.mark.parametrize(("language", "told_in"), [("ko", "ko"), ("", "ja")])
def test_user_without_a_language_is_told_in_the_callers_or_the_citys(language, told_in):
    assert notify(UserFactory(language=""), KIND, language=language)[0].language == told_in


def test_address_alone_is_told_in_the_callers_language_by_the_callers_channel():
    [message] = notify("U0123", KIND, language="fil", channel="push")
    assert (ways([message]), message.language) == ([("push", "U0123", "waiting")], "fil")
    assert (message.resident, message.user) == (None, None)


def test_what_expires_is_a_secret_and_never_on_my_page():
    user, soon = UserFactory(), timezone.now() + datetime.timedelta(minutes=15)
    [message] = notify(user, KIND, expires_at=soon)
    assert (message.channel, message.expires_at) == ("email", soon)
    assert Message.objects.in_inbox_of(user).count() == 0


def test_each_call_without_an_occasion_is_a_message_of_its_own():
    for _ in range(3):
        notify("sita@example.org", KIND, language="ne", context={"code": "X"})
    assert Message.objects.count() == 3
    assert len(set(Message.objects.values_list("idempotency_key", flat=True))) == 3


def test_same_occasion_is_the_same_message():
    first = notify("sita@example.org", KIND, language="ne", idempotency_key="course 7 cancelled")
    second = notify("Sita@Example.org", KIND, language="ne", idempotency_key="course 7 cancelled")
    other = notify("lan@example.org", KIND, language="vi", idempotency_key="course 7 cancelled")
    assert first == second != other
    assert Message.objects.count() == 2
    with pytest.raises(IntegrityError), transaction.atomic():
        MessageFactory(kind=KIND.folder, idempotency_key="course 7 cancelled", person="sita@example.org")


def test_same_occasion_of_another_kind_is_another_message():
    for kind in (KIND, CONFIRM_ADDRESS):
        notify("sita@example.org", kind, language="ne", idempotency_key="course 7")
    assert Message.objects.count() == 2


def test_family_with_one_mailbox_is_told_once_for_each_of_them():
    sita, hari = ResidentFactory(email="family@example.org"), ResidentFactory(email="family@example.org")
    for _again in range(2):
        for resident in (sita, hari):
            notify(resident, KIND, idempotency_key="course 7")
    assert sorted(Message.objects.values_list("person", "address")) == sorted(
        (f"resident:{resident.pk}", "family@example.org") for resident in (sita, hari)
    )


def test_occasion_stays_one_though_the_address_has_changed():
    resident = ResidentFactory(email="old@example.org")
    notify(resident, KIND, idempotency_key="course 7")
    resident.email = "new@example.org"
    resident.save()
    notify(resident, KIND, idempotency_key="course 7")
    assert Message.objects.count() == 1


def test_message_names_what_it_is_about():
    notice = NoticeFactory(is_published=False)
    [message] = notify("sita@example.org", KIND, language="ne", about=notice)
    assert (message.about_type, message.about_id) == ("notices.notice", notice.pk)
    assert list(Message.objects.about(notice)) == [message]
    assert list(Message.objects.about(NoticeFactory(is_published=False))) == []


def test_message_may_wait_for_its_day():
    tomorrow = timezone.now() + datetime.timedelta(days=1)
    [message] = notify(
        "sita@example.org", KIND, language="ne", due_at=tomorrow, guarantee=DeliveryGuarantee.AT_MOST_ONCE
    )
    assert (message.due_at, message.guarantee, message.state) == (tomorrow, "at_most_once", MessageState.WAITING)
    assert list(Message.objects.due()) == []


@pytest.mark.django_db(transaction=True)
def test_rows_go_with_the_transaction_that_they_are_about():
    with pytest.raises(RuntimeError):
        deed_that_fails()
    assert Message.objects.count() == 0
    assert deliver_due(worker="test") == 0


def test_transaction_wakes_a_worker_once_for_each_queue(settings):
    settings.CELERY_BROKER_URL = "redis://127.0.0.1:1/0"
    before = len(connection.run_on_commit)
    with transaction.atomic():
        for number in range(20):
            notify(f"reader{number}@example.org", KIND, language="ne")
            notify(f"reader{number}@example.org", KIND, language="ne", queue=Queue.BULK)
    calls = [call[1] for call in connection.run_on_commit[before:]]
    assert calls == [outbox._WAKE[Queue.PERSONAL], outbox._WAKE[Queue.BULK]]


def test_savepoint_that_fails_takes_its_rows_along_but_the_others_stay():
    notify("before@example.org", KIND, language="ne")
    with pytest.raises(RuntimeError):
        deed_that_fails()
    assert [row.address for row in Message.objects.all()] == ["before@example.org"]


def test_savepoint_that_fails_does_not_take_the_wake_up_of_the_others_along(settings):
    settings.CELERY_BROKER_URL = "redis://127.0.0.1:1/0"
    before = len(connection.run_on_commit)
    with transaction.atomic():
        with pytest.raises(RuntimeError):
            deed_that_fails()
        notify("after@example.org", KIND, language="ne")
    assert [call[1] for call in connection.run_on_commit[before:]] == [outbox._WAKE[Queue.PERSONAL]]


def test_without_redis_nobody_is_woken(settings):
    assert settings.CELERY_BROKER_URL is None
    before = len(connection.run_on_commit)
    notify("sita@example.org", KIND, language="ne")
    assert len(connection.run_on_commit) == before
