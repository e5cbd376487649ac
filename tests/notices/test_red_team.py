"""Attacks on notices and on a person's data that once worked."""

import datetime
from xml.etree import ElementTree as ET

import pytest
from django.test import Client
from django.utils import timezone

from portal.message_kinds import SIGN_IN_CODE
from services.accounts import personal_data_registry
from services.accounts.models import User
from services.base.refusals import Refused
from services.base.retention import apply_retention
from services.messaging import delivery
from services.messaging.models import Message, MessageState, Suppression
from services.messaging.outbox import notify
from services.notices.models import Subscription
from services.notices.news import approval, drafts
from tests.factories import NoticeFactory, ResidentFactory, SubscriptionFactory, TopicFactory, UserFactory

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("rest", [".!", ".あ", "." + "x" * 300, ".\\054"])
def test_no_cookie_takes_a_banner_from_other_readers(rest):
    """If the cache key and the page read a cookie differently, the banner would be hidden from everybody."""
    notice = NoticeFactory(emergency=True, level=3)
    cookie = f"put_away={notice.public_id}{rest}".encode().decode("latin-1")
    Client().get("/en/notices/archive/", headers={"cookie": cookie})
    assert notice.public_id in Client().get("/en/notices/archive/").content.decode()


def test_mailbox_of_a_family_is_not_forgotten_with_one_of_them():
    """People who share an email address keep their own messages."""
    son = UserFactory(email="family@example.org")
    mother = ResidentFactory(user=None, name="Mother", email="family@example.org")
    NoticeFactory(emergency=True)
    assert personal_data_registry.export_personal_data(son).get("Your messages") is None
    personal_data_registry.erase_personal_data(son)
    message = Message.objects.get(resident=mother)
    assert (message.state, message.address) == (MessageState.WAITING, "family@example.org")


def test_address_in_other_letters_is_forgotten_too():
    """taro@ and Taro@ are one mailbox."""
    user, topic = UserFactory(email="taro@example.org"), TopicFactory()
    SubscriptionFactory(address="Taro@example.org", topics=[topic])
    Suppression.objects.create(address="Taro@example.org", reason="x")
    NoticeFactory(topic=topic)
    personal_data_registry.erase_personal_data(user)
    assert not Subscription.objects.filter(address__iexact="taro@example.org").exists()
    assert not Message.objects.filter(address__iexact="taro@example.org").exists()
    assert not Message.objects.filter(person__iexact="taro@example.org").exists()
    assert not Suppression.objects.exists()


def test_who_worked_here_once_is_forgotten_and_what_they_wrote_stays():
    """A public record keeps its author, but no data about them."""
    user = UserFactory(email="ex@example.org", name="Ex Editor")
    notice = NoticeFactory(author=user)
    personal_data_registry.erase_personal_data(user)
    notice.refresh_from_db()
    row = User.objects.get(pk=notice.author_id)
    assert (row.name, row.is_active, "ex@" in row.email, row.has_usable_password()) == ("", False, False, False)


def test_withdrawn_messages_lose_their_person_too():
    """Retention also covers messages that were cancelled and messages that never had an address."""
    topic = TopicFactory()
    SubscriptionFactory(topics=[topic])
    notify(ResidentFactory(email="", phone="09012345678", user=None), SIGN_IN_CODE, context={"code": "SECRET"})
    delivery.deliver_due("w", limit=1)
    approval.cancel(NoticeFactory(topic=topic), by=UserFactory(), reason="wrong")
    Message.objects.filter(ended_at__isnull=False).update(ended_at=timezone.now() - datetime.timedelta(days=91))
    assert apply_retention()["messaging.Message"] == 2
    kept = Message.objects.values_list("address", "resident", "context", "person", "public_id")
    assert [(a, r, c, p == i) for a, r, c, p, i in kept] == [("", None, {}, True)] * 2


@pytest.mark.parametrize("address", ["İ" * 200 + "@example.org", "ſ@example.org"])
def test_letters_that_no_mailbox_has_are_no_address(address):
    """In lower case, İ is two characters: the row would be too long for PostgreSQL, and the answer a 500."""
    topic = TopicFactory()
    answer = Client().post("/en/notices/subscribe/", {"topics": topic.code, "language": "en", "address": address})
    assert answer.status_code == 400


def test_what_xml_cannot_hold_is_refused():
    """U+FFFE in one title would break the feed for all its readers."""
    from django.core.exceptions import ValidationError

    from services.base.normalisation import clean_line

    with pytest.raises(ValidationError):
        clean_line("A\ufffeB")
    NoticeFactory()
    ET.fromstring(Client().get("/en/notices/feed/").content)


def test_nobody_who_wrote_any_of_it_approves_it_however_many_edited_since():
    author, second, third = (UserFactory() for _ in range(3))
    notice = NoticeFactory(is_published=False)
    for editor in (author, second, third):
        drafts.save_draft(notice, by=editor, changed=["title_en"], is_minor=True)
    drafts.review_translation(notice, notice.source_language, by=third)
    approval.submit(notice, by=third)
    for editor in (author, second, third):
        with pytest.raises(Refused, match="Someone else has to approve a notice that you have written or edited"):
            approval.approve(notice, by=editor)
    approval.approve(notice, by=UserFactory())


def test_text_that_changed_after_it_was_read_is_not_approved():
    notice = NoticeFactory(is_published=False)
    drafts.review_translation(notice, notice.source_language, by=UserFactory())
    approval.submit(notice, by=UserFactory())
    notice.refresh_from_db()
    seen = notice.changed_at
    approval.send_back(notice, by=UserFactory(), reason="again")
    approval.submit(notice, by=UserFactory())
    with pytest.raises(Refused, match="The text has changed"):
        approval.approve(notice, by=UserFactory(), seen=seen)
    notice.refresh_from_db()
    approval.approve(notice, by=UserFactory(), seen=notice.changed_at)


def test_emergency_is_updated_once_however_many_tabs_are_open():
    first = NoticeFactory(emergency=True)
    NoticeFactory(emergency=True, updates=first)
    with pytest.raises(Refused, match="This notice has already ended"):
        NoticeFactory(emergency=True, updates=first)
