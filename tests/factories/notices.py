"""Messages in the ledger, topics, notices and subscriptions."""

import factory
from django.utils import timezone

from services.languages.registry import SPOKEN
from services.messaging.models import Message
from services.notices.alert_templates import alert_templates
from services.notices.broadcast import begin_due_notices, finish_sent_notices
from services.notices.emergencies.actions import issue
from services.notices.models import Notice, Subscription, SubscriptionState, Topic
from services.notices.news.approval import approve, submit
from services.notices.news.drafts import has_text, review_translation, save_draft
from tests.factories.accounts import UserFactory


class MessageFactory(factory.django.DjangoModelFactory):
    """A waiting message with a sign-in code, due at once."""

    class Meta:
        model = Message

    kind = "accounts/sign_in_code"
    address = factory.Sequence(lambda number: f"reader{number}@example.org")
    language = "ne"
    context = factory.LazyFunction(lambda: {"code": "ABC123"})


class TopicFactory(factory.django.DjangoModelFactory):
    """A topic with a Japanese and an English name."""

    class Meta:
        model = Topic

    class Params:
        number = factory.Sequence(lambda number: number)

    code = factory.LazyAttribute(lambda row: f"topic-{row.number}")
    position = factory.LazyAttribute(lambda row: row.number + 1)
    icon = "house"
    name_ja = factory.LazyAttribute(lambda row: f"話題{row.number}")
    name_en = factory.LazyAttribute(lambda row: f"Topic {row.number}")
    about_ja = "お知らせ"
    about_en = "What is told."


class NoticeFactory(factory.django.DjangoModelFactory):
    """News in Japanese and English, saved, checked, approved and published with the real actions.

    `is_published=False` leaves it a draft with its texts checked. `emergency=True` makes it an evacuation order of
    level 4 from the alert template, issued in every language at once. `pattern`, `placeholders` and `level` choose
    another emergency.
    """

    class Meta:
        model = Notice

    class Params:
        number = factory.Sequence(lambda number: number)
        emergency = factory.Trait(
            pattern="evacuate",
            level=4,
            area="omori",
            placeholders=factory.LazyAttribute(
                lambda row: {
                    "area": row.area,
                    "shelter": {"local": "{大森|おおもり}{小学校|しょうがっこう}", "latin": "Omori Elementary School"},
                }
            ),
            source="Ota City",
        )

    topic = factory.SubFactory(TopicFactory)
    source_language = "ja"
    title_ja = factory.LazyAttribute(lambda row: f"お知らせ{row.number}")
    title_en = factory.LazyAttribute(lambda row: f"Notice {row.number}")
    body_ja = "本文です。\n"
    body_en = "The whole text.\n"
    author = factory.SubFactory(UserFactory)
    is_published = True

    @classmethod
    def _create(cls, model_class, *args, **fields):
        is_published = fields.pop("is_published")
        notice = model_class(**fields)
        if notice.is_emergency:
            return _issued(notice)
        save_draft(notice, by=notice.author, changed=["title_ja"])
        _check(notice)
        return publish(notice) if is_published else Notice.objects.get(pk=notice.pk)


def publish(notice: Notice) -> Notice:
    """Check a draft in all its languages, have another person approve it, and send it to the ledger."""
    _check(notice)
    submit(notice, by=notice.author)
    approve(notice, by=UserFactory())
    begin_due_notices()
    finish_sent_notices()
    return Notice.objects.get(pk=notice.pk)


def _check(notice: Notice) -> None:
    for code in SPOKEN:
        if has_text(notice, code):
            review_translation(notice, code, by=notice.author)


def _issued(notice: Notice) -> Notice:
    """Issue the emergency in every language of its alert template and notify everybody."""
    pattern = alert_templates()[notice.pattern]
    for code in pattern.languages():
        setattr(notice, f"title_{SPOKEN[code].column}", pattern.titles[code])
        setattr(notice, f"body_{SPOKEN[code].column}", pattern.fill(notice.placeholders, code))
    issue(notice, by=notice.author)
    begin_due_notices()
    return Notice.objects.get(pk=notice.pk)


class SubscriptionFactory(factory.django.DjangoModelFactory):
    """A subscription with a confirmed email address, in Nepali, for the whole city. `topics=[…]`."""

    class Meta:
        model = Subscription
        skip_postgeneration_save = True

    address = factory.Sequence(lambda number: f"subscriber{number}@example.org")
    language = "ne"
    state = SubscriptionState.ACTIVE
    confirmed_at = factory.LazyAttribute(lambda _row: timezone.now())

    @factory.post_generation
    def topics(self, create, topics, **options):
        self.topics.set(topics or [])
