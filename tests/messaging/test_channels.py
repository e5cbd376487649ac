"""Channels: email as its bytes arrive, and text messages and messenger over real HTTP on the loopback."""

import contextlib
import datetime
import json
import threading
from email import message_from_bytes, policy
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from django.core import mail, signing
from django.core.exceptions import ValidationError
from django.core.mail import EmailMultiAlternatives
from django.urls import reverse
from django.utils import timezone, translation
from icalendar import Calendar

from consultations.appointments.availability import available_times
from consultations.message_kinds import ARTICLE
from consultations.models import DeskService
from services.accounts.models import Resident
from services.languages.registry import SPOKEN
from services.messaging.channels import (
    CHANNELS,
    addressable_channels,
    channel_label,
    http_post,
    recognise_channel,
    register_channel,
)
from services.messaging.channels.email import _EmailTemplate, return_address
from services.messaging.channels.errors import DeliveryUnknownError, PermanentDeliveryError, TemporaryDeliveryError
from services.messaging.channels.sms import SmsSize, sms_size
from services.messaging.channels.webhook import WebhookChannel
from services.messaging.delivery import deliver_due
from services.messaging.models import DeliveryGuarantee, Message, Queue
from services.messaging.outbox import notify, preferred_channel
from services.messaging.rendering import MANAGE_PLACEHOLDER, UNSUBSCRIBE_PLACEHOLDER, RenderedMessage
from services.notices.audience import audience_counts, by_channel
from services.notices.models import Notice
from services.notices.subscriptions.links import MANAGE as TO_MANAGE
from services.notices.subscriptions.links import UNSUBSCRIBE as TO_LEAVE
from services.notices.subscriptions.links import settings_url, subscription_for_token, unsubscribe_url
from tests.factories import (
    ArticleFactory,
    HoursFactory,
    MessageFactory,
    NoticeFactory,
    ResidentFactory,
    SubscriptionFactory,
    TopicFactory,
    UserFactory,
)
from tests.support import servers

pytestmark = pytest.mark.django_db
LETTER = RenderedMessage("題名", "本文\n", "<p>本文</p>", "短く http://x", "ja", "ja")


@pytest.fixture(autouse=True)
def _one_second(monkeypatch):
    """Make all links in the same second, because each contains the second in which it was made."""
    now = signing.TimestampSigner().timestamp()
    monkeypatch.setattr(signing.TimestampSigner, "timestamp", lambda signer: now)


# --- A provider for the tests ---------------------------------------------------------------------------


class Provider:
    """The requests that a provider received, and its next answer: a status, or None to hang up without one."""

    def __init__(self, url):
        self.url, self.answer, self.location = url, 200, ""
        self.asked: list[tuple[str, dict, dict]] = []
        self.taken: set[str] = set()

    def status(self, headers) -> int | None:
        key = headers.get("Idempotency-Key")
        if self.answer == 200 and key in self.taken:
            return 409
        if key and self.answer in {200, None}:
            self.taken.add(key)
        return self.answer


@pytest.fixture
def provider():
    """A web service on a free loopback port, in a thread."""

    class Door(BaseHTTPRequestHandler):
        def do_POST(self):
            words = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            service.asked.append((self.path, dict(self.headers), words))
            status = service.status(self.headers)
            if status is None:
                self.close_connection = True
                return
            self.send_response(status)
            if service.location:
                self.send_header("Location", service.location)
            self.send_header("Content-Length", "2")
            self.end_headers()
            self.wfile.write(b"{}")

        def do_GET(self):
            service.asked.append((self.path, dict(self.headers), {}))
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *args):
            """Write nothing to the test's output."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Door)
    service = Provider(f"http://:k3y@127.0.0.1:{server.server_port}/messages")
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield service
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture(params=["sms", "push"])
def channel(request, provider, settings):
    """Each channel that uses HTTP, pointed at the provider."""
    settings.SMS_URL = settings.PUSH_URL = provider.url
    return request.param


def hand_over(channel: str, message: Message, letter: RenderedMessage = LETTER) -> None:
    with CHANNELS[channel].open() as send:
        send(message, letter)


def test_sms_reaches_the_gateway_with_its_key(provider, settings):
    settings.SMS_URL = provider.url
    message = MessageFactory(channel="sms", address="+819012345678")
    hand_over("sms", message)
    [(path, headers, words)] = provider.asked
    assert (path, headers["Authorization"], headers["Content-Type"]) == ("/messages", "Bearer k3y", "application/json")
    assert words == {"to": "+819012345678", "text": "短く http://x", "unicode": True, "id": message.public_id}
    assert "k3y@" not in headers["Host"]


def test_messenger_gets_the_whole_text_and_a_key_that_stays_the_same(provider, settings):
    settings.PUSH_URL = provider.url
    message = MessageFactory(channel="push", address="U0123")
    hand_over("push", message)
    hand_over("push", message)
    hand_over("push", MessageFactory(channel="push", address="U0123"))
    assert provider.asked[0][2] == {"to": "U0123", "messages": [{"type": "text", "text": "題名\n\n本文\n"}]}
    keys = [(headers["Idempotency-Key"], headers["X-Line-Retry-Key"]) for _path, headers, _words in provider.asked]
    assert keys[0] == keys[1] != keys[2]
    assert {first == second for first, second in keys} == {True}


def test_messenger_that_has_it_already_has_it(provider, settings):
    settings.PUSH_URL = provider.url
    provider.answer = 409
    hand_over("push", MessageFactory(channel="push"))
    assert len(provider.asked) == 1


@pytest.mark.parametrize(
    ("status", "fault", "slow_down"),
    [
        (400, PermanentDeliveryError, None),
        (404, PermanentDeliveryError, None),
        (302, PermanentDeliveryError, None),
        (401, TemporaryDeliveryError, True),
        (403, TemporaryDeliveryError, True),
        (429, TemporaryDeliveryError, True),
        (500, TemporaryDeliveryError, False),
        (503, TemporaryDeliveryError, False),
    ],
)
def test_providers_refusal_is_put_into_our_words(channel, provider, status, fault, slow_down):
    provider.answer = status
    with pytest.raises(fault) as told:
        hand_over(channel, MessageFactory(channel=channel))
    assert str(status) in str(told.value)
    assert getattr(told.value, "slow_down", None) is slow_down


@pytest.mark.parametrize(
    ("status", "sms", "push"),
    [(409, PermanentDeliveryError, None), (504, DeliveryUnknownError, TemporaryDeliveryError)],
)
def test_what_a_repeat_would_do_decides_what_an_answer_means(provider, settings, status, sms, push):
    settings.SMS_URL = settings.PUSH_URL = provider.url
    provider.answer = status
    for channel, fault in (("sms", sms), ("push", push)):
        with pytest.raises(fault) if fault else contextlib.nullcontext():
            hand_over(channel, MessageFactory(channel=channel))
    assert len(provider.asked) == 2


@pytest.mark.parametrize(("channel_", "fault"), [("sms", DeliveryUnknownError), ("push", TemporaryDeliveryError)])
def test_provider_that_hangs_up_in_the_middle(provider, settings, channel_, fault):
    settings.SMS_URL = settings.PUSH_URL = provider.url
    provider.answer = None
    with pytest.raises(fault, match="closed the connection too early"):
        hand_over(channel_, MessageFactory(channel=channel_))


def test_provider_that_is_not_there_is_asked_later(channel, settings):
    settings.SMS_URL = settings.PUSH_URL = f"http://127.0.0.1:{servers.free_port()}/"
    with pytest.raises(TemporaryDeliveryError, match=r"could not be reached \(ConnectionRefusedError\)"):
        hand_over(channel, MessageFactory(channel=channel))


def test_provider_that_answers_too_slowly(provider, settings, monkeypatch):
    monkeypatch.setattr(http_post, "PATIENCE", 0.2)
    settings.SMS_URL = settings.PUSH_URL = provider.url
    wait = threading.Event()
    provider.status = lambda headers: wait.wait(5) and 200
    for channel, fault in (("sms", DeliveryUnknownError), ("push", TemporaryDeliveryError)):
        with pytest.raises(fault):
            hand_over(channel, MessageFactory(channel=channel))
    wait.set()


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_provider_that_sends_us_elsewhere_has_not_taken_it_and_its_key_goes_nowhere(channel, provider, status):
    provider.answer, provider.location = status, provider.url.replace(":k3y@", "") + "/elsewhere"
    with pytest.raises(PermanentDeliveryError):
        hand_over(channel, MessageFactory(channel=channel))
    assert [path for path, _headers, _words in provider.asked] == ["/messages"]


def test_messenger_that_hangs_up_gets_each_message_once_in_the_end(provider, settings):
    """The provider accepts the message, but its answer is lost: the next attempt gets 409, which means sent."""
    settings.PUSH_URL = provider.url
    message = MessageFactory(channel="push", address="U0123", guarantee=DeliveryGuarantee.AT_MOST_ONCE)
    provider.answer = None
    deliver_due(worker="test")
    message.refresh_from_db()
    assert (message.state, message.cause) == ("waiting", "The provider closed the connection too early.")
    provider.answer = 200
    Message.objects.update(due_at=message.created_at)
    deliver_due(worker="test")
    message.refresh_from_db()
    assert (message.state, message.attempts, len(provider.taken), len(provider.asked)) == ("sent", 2, 1, 2)


def test_sms_that_may_have_gone_out_is_not_repeated_where_that_would_do_harm(provider, settings):
    settings.SMS_URL, provider.answer = provider.url, None
    message = MessageFactory(channel="sms", address="08012345678", guarantee=DeliveryGuarantee.AT_MOST_ONCE)
    deliver_due(worker="test")
    message.refresh_from_db()
    assert (message.state, len(provider.asked)) == ("unclear", 1)


def test_domains_rest_only_for_mail(provider, settings):
    settings.SMS_URL, provider.answer = provider.url, 429
    MessageFactory(channel="sms", address="08012345678")
    deliver_due(worker="test")
    provider.answer = 200
    MessageFactory(channel="sms", address="08012345679")
    deliver_due(worker="test")
    assert Message.objects.filter(state="sent").count() == 1


def test_news_by_sms_holds_no_stand_in(provider, settings):
    settings.SMS_URL = provider.url
    topic = TopicFactory()
    SubscriptionFactory(topics=[topic], channel="sms", address="08012345678", language="en")
    notice = NoticeFactory(topic=topic, title_en="Flu shots")
    deliver_due(worker="test")
    [(_path, _headers, words)] = provider.asked
    assert words["text"] == f"Flu shots {settings.SITE_URL}/en/notices/{notice.public_id}/"
    assert words["unicode"] is False


def test_news_by_messenger_has_its_readers_own_links(provider, settings):
    settings.PUSH_URL = provider.url
    topic = TopicFactory()
    readers = [SubscriptionFactory(topics=[topic], channel="push", address=f"U{number}") for number in range(3)]
    NoticeFactory(topic=topic)
    deliver_due(worker="test")
    for (_path, _headers, words), reader in zip(provider.asked, readers, strict=True):
        [told] = words["messages"]
        assert words["to"] == reader.address
        assert unsubscribe_url(reader, "ne") in told["text"]
        assert settings_url(reader, "ne") in told["text"]
        assert "stand-in" not in told["text"]


# --- Addresses as people type them --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("channel_", "typed", "kept"),
    [
        ("email", " Sita@Example.ORG ", "sita@example.org"),
        ("email", "sita\u200d@example.org", "sita@example.org"),
        ("sms", "090-1234-5678", "09012345678"),
        ("sms", "+81 (90) 1234.5678", "09012345678"),
        ("sms", "０９０１２３４５６７８", "09012345678"),
        ("sms", "०९०१२३४५६७८", "09012345678"),
        ("sms", "＋٩٧١ ٥٠ ١٢٣ ٤٥٦٧", "+971501234567"),
        ("push", "U0123abc", "U0123abc"),
    ],
)
def test_address_is_kept_as_its_channel_needs_it(channel_, typed, kept):
    assert CHANNELS[channel_].clean_address(typed) == kept


@pytest.mark.parametrize(
    ("channel_", "typed"),
    [
        ("email", ""),
        ("email", "sita"),
        ("email", "sita@example.org\nBcc: all@example.org"),
        ("email", "a@b@example.org"),
        ("email", "sita@example.org, lan@example.org"),
        ("email", "Sita <sita@example.org>"),
        ("email", '"<script>"@'),
        ("sms", "119"),
        ("sms", "090-1234-567x"),
        ("sms", "+" + "1" * 16),
        ("sms", "一二三四五六七八九"),
        ("push", ""),
        ("push", "U 0123"),
        ("push", "ユーザー"),
    ],
)
def test_address_that_can_be_none_is_refused(channel_, typed):
    with pytest.raises(ValidationError):
        CHANNELS[channel_].clean_address(typed)


def test_only_mail_and_my_page_are_offered_until_providers_are_named(settings):
    assert [channel.code for channel in addressable_channels()] == ["email"]
    settings.SMS_URL = settings.PUSH_URL = "https://provider.example/"
    assert [channel.code for channel in addressable_channels()] == ["email", "sms", "push"]


# --- A channel made of one class ----------------------------------------------------------------------


class FaxChannel(WebhookChannel):
    """A channel that exists only in these tests."""

    code, label, setting, is_idempotent = "fax", "Fax", "FAX_URL", True

    def payload(self, message, text):
        return {"number": message.address, "page": text}


@pytest.fixture
def fax(provider, settings, monkeypatch):
    """Register the channel and set its variable."""
    monkeypatch.setitem(CHANNELS, "fax", FaxChannel())
    settings.FAX_URL = provider.url


@pytest.mark.usefixtures("fax")
def test_channel_of_one_class_is_offered_in_the_form_and_reaches_the_resident(client, provider, settings):
    HoursFactory(service=DeskService.LAWYER, language="", by_appointment=True, schedule__times=(13, 15))
    time = available_times(DeskService.LAWYER)[0]
    with translation.override("en"):
        url = reverse("consultations:book", args=[time.hours, time.at])
    assert '<option value="fax">Fax</option>' in client.get(url).content.decode()
    typed = {"name": "Sita", "language": "en", "channel": "fax", "address": "F123", "how": time.modes[0]}
    assert client.post(url, typed | {"idempotency_key": "one", "sure": "book"}).status_code == 302
    resident = Resident.objects.get()
    assert (resident.email, resident.phone, preferred_channel(resident)) == ("", "", ("fax", "F123"))
    deliver_due(worker="test")
    [(_path, headers, sent)] = provider.asked
    assert (sent["number"], "Idempotency-Key" in headers) == ("F123", True)
    assert settings.SITE_URL in sent["page"]
    assert Message.objects.get().state == "sent"


@pytest.mark.usefixtures("fax")
def test_channel_of_one_class_carries_news_and_warnings(client, provider):
    topic = TopicFactory()
    ResidentFactory(email="", phone="", contact_channel="fax", contact_address="F1", language="vi")
    SubscriptionFactory(channel="fax", address="f2", language="ne", topics=[topic])
    SubscriptionFactory(channel="fax", address="f1", language="vi", topics=[topic])
    notice = NoticeFactory(topic=topic, emergency=True)
    counts = audience_counts(notice)
    assert (counts, by_channel(counts)) == ({("vi", "fax"): 1, ("ne", "fax"): 1}, [("Fax", 2)])
    deliver_due(worker="test")
    assert sorted(sent["number"] for _path, _headers, sent in provider.asked) == ["f1", "f2"]


@pytest.mark.usefixtures("fax")
def test_resident_who_changes_the_address_of_a_channel_is_reached_at_the_new_one(provider):
    resident = ResidentFactory(email="", phone="", contact_channel="fax", contact_address="F1")
    notify(resident, ARTICLE, about=ArticleFactory())
    Resident.objects.update(contact_address="F2")
    deliver_due(worker="test")
    assert [sent["number"] for _path, _headers, sent in provider.asked] == ["F2"]


@pytest.mark.usefixtures("fax")
@pytest.mark.parametrize("code", ["email", "sms", "push", "fax"])
def test_address_is_the_same_in_python_and_in_the_database(code, settings):
    settings.SMS_URL = settings.PUSH_URL = "https://provider.example/"
    ResidentFactory(email="own@example.org", phone="09012345678", user=UserFactory(email="user@example.org"))
    ResidentFactory(email="", phone="", user=UserFactory(email="other@example.org"))
    ResidentFactory(email="", phone="", contact_channel="fax", contact_address="F1")
    ResidentFactory(email="", phone="", contact_channel="push", contact_address="U1")
    channel = CHANNELS[code]
    for resident in Resident.objects.annotate(found=channel.address_expression()):
        assert resident.found == channel.address_of(resident)


def test_channel_that_was_removed_keeps_its_messages_from_nobody(monkeypatch):
    MessageFactory(channel="gone", address="x")
    MessageFactory(resident=ResidentFactory(), channel="gone", address="x", guarantee=DeliveryGuarantee.AT_MOST_ONCE)
    after = MessageFactory()
    claimed_at = timezone.now() - datetime.timedelta(hours=1)
    MessageFactory(channel="gone", state="sending", lease="lost", leased_until=claimed_at, guarantee="at_most_once")
    deliver_due(worker="test")
    after.refresh_from_db()
    assert after.state == "sent"
    assert Message.objects.filter(channel="gone", state="unclear").count() == 1
    assert channel_label("gone") == "gone"


def test_two_channels_of_one_code_are_refused():
    with pytest.raises(ValueError, match="Two channels have the code 'email'"):
        register_channel(type("Other", (FaxChannel,), {"code": "email"}))


@pytest.mark.parametrize(
    ("typed", "code"),
    [("sita@example.org", "email"), ("090-1234-5678", "sms"), ("＋٩٧١ ٥٠ ١٢٣", "sms"), ("U0123", None), ("Sita", None)],
)
def test_contact_details_are_recognised_by_their_channel(typed, code):
    found = recognise_channel(typed)
    assert (found and found.code) == code


def test_message_for_my_page_is_never_sent():
    message = MessageFactory(channel="inbox")
    deliver_due(worker="test")
    message.refresh_from_db()
    assert (message.state, mail.outbox) == ("failed", [])


# --- How a text message is split ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "places", "parts", "is_wide"),
    [
        ("", 0, 1, False),
        ("A" * 160, 160, 1, False),
        ("A" * 161, 161, 2, False),
        ("A" * 306, 306, 2, False),
        ("A" * 307, 307, 3, False),
        ("€" * 80, 160, 1, False),
        ("[" * 81, 162, 2, False),
        ("A" * 152 + "€" + "A" * 152, 306, 3, False),  # the € is not split
        ("Tag på æblegrød, Øre", 20, 1, False),
        ("ê" * 70, 70, 1, True),
        ("日" * 70, 70, 1, True),
        ("日" * 71, 71, 2, True),
        ("日" * 134, 134, 2, True),
        ("日" * 135, 135, 3, True),
        ("नेपाली" * 11, 66, 1, True),
        ("مرحبا " * 12, 72, 2, True),
        ("A" * 159 + "日", 160, 3, True),
        ("😀" * 35, 70, 1, True),
        ("😀" * 36, 72, 2, True),
        ("日" * 66 + "😀" + "日" * 66, 134, 3, True),  # nor is the emoji
        ("Hẹn gặp lại", 11, 1, True),
    ],
)
def test_sms_is_measured_as_networks_cut_it(text, places, parts, is_wide):
    assert sms_size(text) == SmsSize(places, parts, is_wide)


def test_no_letter_is_lost_whatever_the_script(provider, settings):
    settings.SMS_URL = provider.url
    text = "日本語 नेपाली العربية Tiếng Việt 😀 ÆØÅ €"
    hand_over("sms", MessageFactory(channel="sms"), RenderedMessage("", "", "", text, "ja", "ja"))
    assert provider.asked[0][2]["text"] == text


# --- Email as it arrives ------------------------------------------------------------------------------

TITLES = {
    "ja": "夏祭りのお知らせ",
    "ja-simple": "{夏祭|なつまつ}りの お{知|し}らせ",
    "en": "The summer festival",
    "zh-hans": "夏日祭通知",
    "ko": "여름 축제 안내",
    "fil": "Pista ng tag-init",
    "ne": "ग्रीष्मकालीन चाड",
    "vi": "Lễ hội mùa hè",
    "ar": "مهرجان الصيف",
    "da": "Sommerfest",
}
LONG = {"ne": "यो धेरै लामो अनुच्छेद हो = र ", "ja": "これはとても長い段落です。"}


def festival(topic, *, long: bool = False) -> Notice:
    """Return news with a date in all ten languages."""
    texts = {}
    for code, language in SPOKEN.items():
        texts[f"title_{language.column}"] = TITLES[code]
        body = LONG.get(code, "x") * 80 if long else f"{TITLES[code]} 2026."
        texts[f"body_{language.column}"] = body
        texts[f"place_{language.column}"] = f"Ota {language.own_name}"
    return NoticeFactory(topic=topic, starts_at=timezone.now().replace(microsecond=0), **texts)


@pytest.fixture(scope="module")
def sink():
    """One mail server for all tests in this file."""
    with servers.smtp_sink() as server:
        yield server


@pytest.fixture
def post(sink, settings):
    """Return a function that sends waiting messages to the mail server and returns the new emails by address."""
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", sink.port
    before = len(sink.messages())

    def deliver():
        deliver_due(worker="test")
        return {message["X-Rcpt"]: message for message in sink.messages()[before:]}

    return deliver


def faces(received) -> tuple[str, str]:
    """Return an email's text and HTML, as an email program decodes them."""
    return (
        received.get_body(("plain",)).get_content(),
        received.get_body(("html",)).get_content(),
    )


@pytest.mark.servers
@pytest.mark.parametrize("is_long", [False, True])
def test_news_arrive_in_ten_languages_each_with_its_readers_own_links(post, settings, is_long):
    settings.MAIL_BOUNCES = "bounces@tabunka.example"
    topic = TopicFactory(**{f"name_{language.column}": f"T-{code}" for code, language in SPOKEN.items()})
    readers = {code: SubscriptionFactory(language=code, topics=[topic]) for code in SPOKEN}
    notice = festival(topic, long=is_long)
    mails = post()
    assert set(mails) == {reader.address for reader in readers.values()}
    for code, reader in readers.items():
        received = mails[reader.address]
        text, html = faces(received)
        row = Message.objects.to(reader).get()
        title = TITLES[code].replace("{夏祭|なつまつ}り", "夏祭り").replace("{知|し}", "知")
        assert received["Subject"].strip() == title
        assert received["To"] == reader.address
        assert received["From"] == settings.DEFAULT_FROM_EMAIL
        assert received["Message-ID"].startswith(f"<{row.public_id}@")
        assert received["Content-Language"] == code
        assert received["Auto-Submitted"] == "auto-generated"
        assert received["List-Unsubscribe"] == f"<{unsubscribe_url(reader, code)}>"
        assert received["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
        assert f'<html lang="{code}" dir="{SPOKEN[code].dir}">' in html
        assert f"/{code}/notices/{notice.public_id}/" in text
        assert received.defects == []
        whole = "\n".join([text, html, *received.values()])
        assert "stand-in" not in whole
        for other in readers.values():
            assert (unsubscribe_url(other, code) in text) is (other == reader)
            assert (settings_url(other, code) in html) is (other == reader)
        opened = {
            purpose: subscription_for_token(url.rstrip("/").rpartition("/")[2], purpose)
            for purpose, url in ((TO_LEAVE, unsubscribe_url(reader, code)), (TO_MANAGE, settings_url(reader, code)))
        }
        assert set(opened.values()) == {reader}
        if is_long:
            assert LONG.get(code, "x") * 80 in text
        for other in set(TITLES) - {code, "ja-simple", "ja"}:
            assert TITLES[other] not in text + html


@pytest.mark.servers
def test_calendar_goes_along_in_the_readers_language(post):
    topic = TopicFactory()
    readers = {code: SubscriptionFactory(language=code, topics=[topic]) for code in SPOKEN}
    notice = festival(topic)
    mails = post()
    for code, reader in readers.items():
        [attached] = list(mails[reader.address].iter_attachments())
        assert (attached.get_content_type(), attached.get_filename()) == ("text/calendar", "calendar.ics")
        [event] = Calendar.from_ical(attached.get_content()).walk("VEVENT")
        assert event["summary"] == mails[reader.address]["Subject"].strip()
        assert event["summary"].params["LANGUAGE"] == code
        assert event["location"] == f"Ota {SPOKEN[code].own_name}"
        assert attached.get_param("method") == "PUBLISH"
        assert event["uid"].startswith(f"{notice.public_id}@")
        assert event.decoded("dtstart") == notice.starts_at


@pytest.mark.servers
def test_only_news_offer_to_leave_in_their_head(post):
    SubscriptionFactory(address="subscriber@example.org", language="en")
    MessageFactory(address="code@example.org", language="en")
    NoticeFactory(emergency=True)
    mails = post()
    assert set(mails) == {"subscriber@example.org", "code@example.org"}
    for received in mails.values():
        assert received["List-Unsubscribe"] is None
        assert received["List-Unsubscribe-Post"] is None
        assert received["Precedence"] is None
        assert "stand-in" not in "".join(faces(received))


@pytest.mark.servers
def test_absurd_addresses_harm_nobody(post):
    """An unknown address is refused permanently; the others get their email on the same connection."""
    topic = TopicFactory()
    absurd = ["unknown@example.org", "a" * 64 + "@example.org", "o'hara+tag@example.org", "दिल@example.org"]
    for address in [*absurd, "last@example.org"]:
        SubscriptionFactory(topics=[topic], address=address)
    NoticeFactory(topic=topic)
    mails = post()
    assert {"last@example.org", "o'hara+tag@example.org", "a" * 64 + "@example.org"} <= set(mails)
    assert Message.objects.get(address="unknown@example.org").state == "failed"
    assert Message.objects.filter(state="sending").count() == 0


@pytest.mark.servers
@pytest.mark.parametrize("name", ["taro..yamada", "taro.", ".taro"])
def test_c7_irregular_addresses_are_reached(post, name):
    topic = TopicFactory()
    SubscriptionFactory(topics=[topic], address=f"{name}@docomo.ne.jp")
    NoticeFactory(topic=topic)
    assert list(post()) == [f"{name}@docomo.ne.jp"]
    assert Message.objects.get().state == "sent"


def test_c7_irregular_address_is_quoted_by_other_backends_too(mailoutbox):
    topic = TopicFactory()
    SubscriptionFactory(topics=[topic], address="taro..yamada@docomo.ne.jp")
    NoticeFactory(topic=topic)
    deliver_due(worker="test")
    assert "".join(sent.message()["To"] for sent in mailoutbox) == '"taro..yamada"@docomo.ne.jp'


def test_c3_arabic_mails_keep_the_order_of_numbers_in_text_and_html(mailoutbox):
    topic = TopicFactory()
    SubscriptionFactory(topics=[topic], address="amal@example.org", language="ar")
    NoticeFactory(topic=topic, title_ar="خبر", body_ar="اتصل على 0570-013904 الآن", place_ar="قاعة 4-16-8")
    deliver_due(worker="test")
    (sent,) = mailoutbox
    assert "\u20660570-013904\u2069" in sent.body
    assert '<bdi dir="ltr">0570-013904</bdi>' in sent.alternatives[0].content


def test_bounces_name_their_message(settings):
    message = MessageFactory()
    assert return_address(message) == settings.DEFAULT_FROM_EMAIL
    settings.MAIL_BOUNCES = "bounces@mail.tabunka.example"
    assert return_address(message) == f"bounces+{message.public_id}@mail.tabunka.example"


def by_django(message: Message, letter: RenderedMessage, headers: dict) -> EmailMultiAlternatives:
    """Return the same email, built entirely by Django."""
    leave, manage = (
        unsubscribe_url(message.recipient, message.language),
        settings_url(message.recipient, message.language),
    )
    text, html = (
        face.replace(UNSUBSCRIBE_PLACEHOLDER, leave).replace(MANAGE_PLACEHOLDER, manage)
        for face in (letter.text, letter.html)
    )
    it = EmailMultiAlternatives(letter.subject, text, to=[message.address], headers=headers)
    it.attach_alternative(html, "text/html")
    if letter.calendar:
        it.attach("calendar.ics", letter.calendar.decode(), "text/calendar")
    return it


def read(raw: bytes) -> tuple[dict, list]:
    """Return the headers, except those that change each time, and the decoded parts."""
    received = message_from_bytes(raw, policy=policy.default)
    # Django starts a long header on a second line; the value is the same.
    headers = {name: str(value).strip() for name, value in received.items() if name not in {"Date", "Content-Type"}}
    parts = [
        (part.get_content_type(), part.get_content_charset(), part.get_content())
        for part in received.walk()
        if not part.is_multipart()
    ]
    return headers, parts


@pytest.mark.parametrize("long", [False, True])
@pytest.mark.parametrize("calendar", [b"", b"BEGIN:VCALENDAR\r\nSUMMARY:\xe7\xa5\xad\r\n"])
@pytest.mark.parametrize("language", ["ja", "ne", "ar", "en"])
def test_prepared_bytes_say_what_django_would_have_written(long, calendar, language):
    reader = SubscriptionFactory(language=language)
    message = MessageFactory(recipient=reader, address=reader.address, language=language, queue=Queue.BULK)
    paragraph = TITLES[language] * (200 if long else 1)
    text = f"{paragraph}\n\n{TITLES[language]}:\n{MANAGE_PLACEHOLDER}\n{UNSUBSCRIBE_PLACEHOLDER}\n"
    links = f'<a\nhref="{UNSUBSCRIBE_PLACEHOLDER}"\n>x</a><a\nhref="{MANAGE_PLACEHOLDER}"\n>y</a>'
    html = f'<html lang="{language}"><p>{paragraph}</p>\n{links}</html>\n'
    letter = RenderedMessage(TITLES[language] * 9, text, html, "", language, language, calendar)
    mould = _EmailTemplate(letter, is_news=True)
    prepared = mould.bytes_for(message)
    headers = mould._headers(message.public_id, unsubscribe_url(reader, language))
    written = by_django(message, letter, headers).message().as_bytes(linesep="\r\n")
    assert read(prepared) == read(written)
    assert b"stand-in" not in prepared
    assert max(len(line) for line in prepared.split(b"\r\n")) <= 998  # RFC 5322, 2.1.1


@pytest.mark.parametrize("address", ["दिल@example.org", "a\nBcc: all@example.org", "a\r\nX: y@example.org", "a b@c"])
def test_address_never_becomes_a_header(address):
    row = MessageFactory(address=address, language="en")
    after = MessageFactory()
    deliver_due(worker="test")
    assert [message.to for message in mail.outbox][-1] == [after.address]
    for message in mail.outbox:
        received = message_from_bytes(message.message().as_bytes(), policy=policy.default)
        assert received["Bcc"] is None
        assert received["X"] is None
    row.refresh_from_db()
    assert row.state in {"sent", "waiting"}


@pytest.mark.parametrize("title", ["Fire\r\nBcc: all@example.org", "Fire\nBcc: all@example.org", "Fire\x0bBcc: x"])
def test_title_never_becomes_a_header(title):
    topic = TopicFactory()
    SubscriptionFactory(topics=[topic], language="en")
    NoticeFactory(topic=topic, title_en=title)
    deliver_due(worker="test")
    [message] = mail.outbox
    received = message_from_bytes(message.message().as_bytes(), policy=policy.default)
    assert received["Bcc"] is None
    assert received["Subject"].startswith("Fire Bcc: ")


@pytest.mark.parametrize("method", ["PUBLISH", "CANCEL"])
def test_f18_calendar_part_says_its_method(method):
    reader = SubscriptionFactory(language="en")
    message = MessageFactory(recipient=reader, address=reader.address, language="en")
    file = f"BEGIN:VCALENDAR\r\nMETHOD:{method}\r\nEND:VCALENDAR\r\n".encode()
    letter = RenderedMessage("x", "x\n", "<p>x</p>", "", "en", "en", file, calendar_method=method)
    template = _EmailTemplate(letter, is_news=False)
    for raw in (template.bytes_for(message), template.mail_for(message).message().as_bytes()):
        [part] = message_from_bytes(raw, policy=policy.default).iter_attachments()
        assert (part.get_content_type(), part.get_param("method")) == ("text/calendar", method)
        assert (part.get_content_charset(), part.get_filename()) == ("utf-8", "calendar.ics")
        assert f"METHOD:{method}" in part.get_content()


def test_odd_address_gets_the_calendar_too():
    reader = SubscriptionFactory(address="दिल@example.org")
    message = MessageFactory(recipient=reader, address=reader.address)
    letter = RenderedMessage("x", "x\n", "<p>x</p>", "", "en", "en", b"BEGIN:VCALENDAR\r\n")
    made = _EmailTemplate(letter, is_news=False).mail_for(message)
    assert [name for name, _content, _type in made.attachments] == ["calendar.ics"]


def test_letter_is_made_into_bytes_once_for_each_language(monkeypatch):
    topic = TopicFactory()
    for language in ("ne", "vi", "ne", "vi", "ne", "vi"):
        SubscriptionFactory(topics=[topic], language=language)
    NoticeFactory(topic=topic)
    made = []
    original = _EmailTemplate.__init__

    def counted(self, letter, *, is_news):
        made.append(letter.language)
        original(self, letter, is_news=is_news)

    monkeypatch.setattr(_EmailTemplate, "__init__", counted)
    deliver_due(worker="test")
    assert len(mail.outbox) == 6
    assert sorted(made) == ["ne", "vi"]


def test_two_letters_in_a_row_are_never_mixed_up():
    """Each code makes a separate message; prepared bytes are stored by message."""
    for number in range(60):
        MessageFactory(context={"code": f"CODE-{number:03}"}, language="en", address=f"reader{number}@example.org")
    deliver_due(worker="test")
    assert len(mail.outbox) == 60
    for message in mail.outbox:
        code = f"CODE-{int(message.to[0].partition('@')[0][6:]):03}"
        assert code in message.body
        assert code.encode() in message.message().as_bytes()
