"""Subscriptions without an account: confirmed from their own address, changed and ended by a signed link."""

import datetime
import re

import pytest
from django.core import mail, signing
from django.utils import timezone

from services.base.retention import apply_retention
from services.base.signed_links import make_token
from services.messaging.bounces import suppress
from services.messaging.delivery import deliver_due
from services.messaging.leases import claim
from services.messaging.models import Message, Suppression
from services.notices.models import Subscription
from services.notices.subscriptions import links
from services.notices.subscriptions.actions import change_subscription, confirm, request_subscription, unsubscribe
from tests.factories import MessageFactory, NoticeFactory, SubscriptionFactory, TopicFactory

pytestmark = pytest.mark.django_db
ADDRESS = "sita@example.org"


def ask(**wishes) -> Subscription:
    topics = wishes.pop("topics", None) or [TopicFactory()]
    request_subscription(ADDRESS, topics, **{"language": "ne"} | wishes)
    return Subscription.objects.exclude(state="unsubscribed").get()


def kinds() -> list[str]:
    return list(Message.objects.order_by("pk").values_list("kind", flat=True))


def an_hour_later() -> None:
    """Make the emails so far count as requested an hour ago."""
    for message in Message.objects.all():
        message.idempotency_key = f"{message.idempotency_key}-before"
        message.save()


def link_in_mail() -> str:
    return re.search(r"https?://\S+/subscription/(\w+)/([^/\s]+)/", mail.outbox[-1].body)[0]


def test_asking_keeps_the_wish_and_sends_a_link_in_the_readers_language():
    topics = TopicFactory.create_batch(2)
    subscription = ask(topics=topics, language="vi", second_language="ja-simple", area="omori")
    assert (subscription.state, subscription.address, subscription.area) == ("pending", ADDRESS, "omori")
    assert (subscription.language, subscription.second_language) == ("vi", "ja-simple")
    assert set(subscription.topics.all()) == set(topics)
    message = Message.objects.get()
    assert (message.kind, message.language, message.queue) == ("notices/confirm_subscription", "vi", 0)
    assert message.recipient is None
    deliver_due(worker="test")
    assert mail.outbox[0].to == [ADDRESS]
    assert "/vi/notices/subscription/confirm/" in link_in_mail()
    assert ADDRESS not in mail.outbox[0].body + link_in_mail()


def test_who_has_not_said_yes_gets_no_news():
    subscription = ask()
    assert list(Subscription.objects.active()) == []
    confirm(subscription)
    assert list(Subscription.objects.active()) == [subscription]


def test_link_of_the_mail_opens_the_subscription():
    subscription = ask()
    deliver_due(worker="test")
    token = link_in_mail().rstrip("/").rpartition("/")[2]
    assert links.subscription_for_token(token, links.CONFIRM) == subscription


def test_asking_again_within_the_hour_is_one_mail():
    for _time in range(5):
        ask()
    assert kinds() == ["notices/confirm_subscription"]
    an_hour_later()
    ask()
    assert kinds() == ["notices/confirm_subscription"] * 2
    assert Subscription.objects.count() == 1


def test_asking_again_keeps_the_newest_wish():
    ask(language="ne")
    topic = TopicFactory()
    subscription = ask(language="da", topics=[topic], area="kamata")
    assert (subscription.language, subscription.area, list(subscription.topics.all())) == ("da", "kamata", [topic])


def test_who_is_subscribed_gets_the_link_to_their_settings_and_nothing_changes():
    before = SubscriptionFactory(address=ADDRESS, language="ne", topics=[TopicFactory()])
    after = ask(language="da", topics=[TopicFactory()], area="kamata")
    assert (after.pk, after.state, after.language, after.area) == (before.pk, "active", "ne", "")
    assert list(after.topics.all()) == list(before.topics.all())
    assert kinds() == ["notices/already_subscribed"]
    deliver_due(worker="test")
    assert "/da/notices/subscription/settings/" in link_in_mail()


def test_one_address_may_be_subscribed_by_two_channels():
    for channel in ("sms", "push"):
        request_subscription("08012345678", [TopicFactory()], language="ne", channel=channel)
    assert sorted(Subscription.objects.values_list("channel", flat=True)) == ["push", "sms"]
    assert sorted(Message.objects.values_list("channel", flat=True)) == ["push", "sms"]


def test_saying_yes_twice_changes_nothing():
    subscription = ask()
    confirm(subscription)
    first = Subscription.objects.get().confirmed_at
    confirm(subscription)
    assert Subscription.objects.get().confirmed_at == first


def test_saying_yes_trusts_the_address_again():
    subscription = ask()
    suppress("email", ADDRESS, "550")
    suppress("email", "other@example.org", "550")
    confirm(subscription)
    assert list(Suppression.objects.values_list("address", flat=True)) == ["other@example.org"]


def test_leaving_keeps_no_address_and_may_be_repeated():
    subscription = SubscriptionFactory(address=ADDRESS)
    for _time in range(2):
        unsubscribe(subscription)
    subscription.refresh_from_db()
    assert subscription.state == "unsubscribed"
    assert subscription.address.startswith("left-")
    assert not Subscription.objects.filter(address__contains="sita").exists()


def test_who_has_left_may_come_back():
    unsubscribe(SubscriptionFactory(address=ADDRESS))
    subscription = ask()
    confirm(subscription)
    assert sorted(Subscription.objects.values_list("state", flat=True)) == ["active", "unsubscribed"]


def test_two_who_left_are_two_rows():
    for _time in range(2):
        unsubscribe(SubscriptionFactory(address=ADDRESS))
    assert list(Subscription.objects.values_list("state", flat=True)) == ["unsubscribed", "unsubscribed"]


def test_saying_yes_after_leaving_changes_nothing():
    subscription = SubscriptionFactory()
    unsubscribe(subscription)
    confirm(subscription)
    subscription.refresh_from_db()
    assert subscription.state == "unsubscribed"


def test_wishes_can_be_changed():
    subscription, topic = SubscriptionFactory(topics=[TopicFactory()]), TopicFactory()
    change_subscription(subscription, [topic], language="ar", second_language="en", area="omori")
    subscription.refresh_from_db()
    kept = (subscription.language, subscription.second_language, subscription.area, list(subscription.topics.all()))
    assert kept == ("ar", "en", "omori", [topic])


def test_wishes_that_nobody_proved_are_forgotten_after_three_days():
    old, new = (SubscriptionFactory(state="pending", confirmed_at=None) for _ in range(2))
    active = SubscriptionFactory()
    long_ago = timezone.now() - datetime.timedelta(days=3, seconds=1)
    Subscription.objects.filter(pk__in=[old.pk, active.pk]).update(asked_at=long_ago)
    assert apply_retention() == {"notices.Subscription": 1}
    assert set(Subscription.objects.all()) == {new, active}


def test_mail_that_asks_is_forgotten_with_the_wish():
    topic = TopicFactory()
    request_subscription("wish@example.org", [topic], language="ne")
    deliver_due(worker="test")
    news = NoticeFactory(topic=topic)
    told = MessageFactory(state="sent", about_type="notices.notice", about_id=news.pk)
    Subscription.objects.update(asked_at=timezone.now() - datetime.timedelta(days=3, seconds=1))
    Message.objects.update(ended_at=timezone.now() - datetime.timedelta(days=3, seconds=1))
    assert apply_retention() == {"messaging.Message": 1, "notices.Subscription": 1}
    told.refresh_from_db()
    assert told.address != ""
    (asked,) = Message.objects.filter(kind="notices/confirm_subscription")
    assert (asked.address, asked.person, asked.about_id, asked.state) == ("", asked.public_id, None, "sent")


def test_leaving_forgets_the_address_of_the_mail_that_asked_too():
    request_subscription("wish@example.org", [TopicFactory()], language="ne")
    deliver_due(worker="test")
    subscription = Subscription.objects.get()
    confirm(subscription)
    request_subscription("wish@example.org", [], language="ne")  # the "already subscribed" message, still waiting
    unsubscribe(subscription)
    rows = Message.objects.values_list("address", "state").order_by("pk")
    assert list(rows) == [("", "sent"), ("", "withdrawn")]
    assert not Message.objects.filter(person__contains="wish").exists()


def test_mail_that_was_on_its_way_while_its_reader_left_is_forgotten_soon():
    gone, stays = (SubscriptionFactory(topics=[]) for _ in range(2))
    rows = [MessageFactory(recipient=it, address=it.address, person=it.address) for it in (gone, stays)]
    claim()
    unsubscribe(gone)
    Message.objects.update(
        state="sent", leased_until=None, ended_at=timezone.now() - datetime.timedelta(days=3, seconds=1)
    )
    assert apply_retention() == {"messaging.Message": 1}
    assert [Message.objects.get(pk=it.pk).address for it in rows] == ["", stays.address]


def test_token_opens_one_purpose_of_one_subscription():
    subscription, other = SubscriptionFactory.create_batch(2)
    for purpose in (links.CONFIRM, links.MANAGE, links.UNSUBSCRIBE):
        token = links.token_for(subscription, purpose)
        opened = {
            it: links.subscription_for_token(token, it) for it in (links.CONFIRM, links.MANAGE, links.UNSUBSCRIBE)
        }
        assert opened == dict.fromkeys(opened) | {purpose: subscription}
        swapped = token.replace(subscription.public_id, other.public_id)
        assert links.subscription_for_token(swapped, purpose) is None


@pytest.mark.parametrize("token", ["", "~", "x", "~~~", "कखग", "a" * 5000, "' OR 1=1 --"])
def test_forged_token_opens_nothing(token):
    SubscriptionFactory()
    assert links.subscription_for_token(token, links.UNSUBSCRIBE) is None


def test_token_of_nobodys_subscription_opens_nothing():
    assert links.subscription_for_token(make_token(links.UNSUBSCRIBE, "x" * 22, 0), links.UNSUBSCRIBE) is None


def test_new_key_makes_every_old_link_open_nothing():
    subscription = SubscriptionFactory()
    token = links.token_for(subscription, links.UNSUBSCRIBE)
    subscription.link_version += 1
    subscription.save()
    assert links.subscription_for_token(token, links.UNSUBSCRIBE) is None


@pytest.mark.parametrize(("purpose", "days"), [(links.CONFIRM, 3), (links.MANAGE, 365)])
def test_token_ends_after_its_time(purpose, days, monkeypatch):
    subscription = SubscriptionFactory()
    token, now = links.token_for(subscription, purpose), signing.time.time()
    monkeypatch.setattr(signing.time, "time", lambda: now + days * 86_400 - 5)
    assert links.subscription_for_token(token, purpose) == subscription
    monkeypatch.setattr(signing.time, "time", lambda: now + days * 86_400 + 5)
    assert links.subscription_for_token(token, purpose) is None


def test_leaving_never_runs_out_of_time(monkeypatch):
    subscription = SubscriptionFactory()
    token, now = links.token_for(subscription, links.UNSUBSCRIBE), signing.time.time()
    monkeypatch.setattr(signing.time, "time", lambda: now + 20 * 365 * 86_400)
    assert links.subscription_for_token(token, links.UNSUBSCRIBE) == subscription


@pytest.mark.parametrize(("path", "post"), [("leave", "active"), ("confirm", "pending")])
def test_opening_a_mailed_link_changes_nothing(path, post, client):
    """Scanners open every link in an email, so only a button changes anything."""
    subscription = SubscriptionFactory(state=post, confirmed_at=timezone.now() if post == "active" else None)
    token = links.token_for(subscription, {"leave": links.UNSUBSCRIBE, "confirm": links.CONFIRM}[path])
    before = Subscription.objects.values().get()
    for method in (client.get, client.head):
        method(f"/ne/notices/subscription/{path}/{token}/")
    assert Subscription.objects.values().get() == before


@pytest.mark.parametrize(
    "typed",
    [
        "two@example.com。",
        "two＠example.com",
        "\u202atwo@example.com\u202c",
        "\u200etwo@example．com",
        "TWO@example.com.",
    ],
)
def test_c5_one_mailbox_is_one_subscription(client, typed):
    topic = TopicFactory()
    for address in ("two@example.com", typed):
        response = client.post(
            "/en/notices/subscribe/",
            {"address": address, "topics": [topic.code], "language": "en"},
        )
        assert response.status_code in {200, 302}, response.content.decode()
    assert [it.address for it in Subscription.objects.all()] == ["two@example.com"]
