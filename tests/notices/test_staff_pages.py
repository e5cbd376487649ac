"""Staff pages for notices: writing, approving, emergencies, progress, the ledger. All use the real actions."""

import datetime
import re

import pytest
from django.conf import settings
from django.core import mail
from django.utils import timezone
from django.utils.html import escape

from services.accounts.roles import Role
from services.audit.models import AuditEntry
from services.base.public_ids import public_id
from services.languages.registry import SPOKEN
from services.messaging import delivery, leases
from services.messaging.failure_reasons import describe, mask_address
from services.messaging.models import DomainBackoff, Heartbeat, Message, MessageState, Suppression
from services.notices import broadcast
from services.notices.alert_templates import alert_templates
from services.notices.audience import audience_counts
from services.notices.demo import load_topics
from services.notices.emergencies import actions
from services.notices.emergencies.forms import EmergencyForm
from services.notices.message_kinds import EMERGENCY
from services.notices.models import Notice, NoticeState, NoticeTranslationState, Topic
from services.notices.news import approval
from tests.factories import MessageFactory, NoticeFactory, ResidentFactory, SubscriptionFactory, UserFactory

DESK = "/en/staff/notices/"
HOSTILE = ["\u200b", "\u3164", "\u202eevil", "a" * 10_001, "か" + "\u3099" * 40, "\x01"]
ABSURD = ["0001-01-01T00:00", "9999-12-31T23:59", "2026-02-30T10:00", "1e9", "2026-13-01", "99999-01-01T00:00"]


@pytest.fixture
def as_role(new_client, db):
    """Return a function that signs in a client with one role; the client's `user` is the person."""

    def make(role: str, **options):
        client = new_client(**options)
        client.user = UserFactory(roles=[role])
        client.force_login(client.user)
        return client

    return make


@pytest.fixture
def editor(as_role):
    return as_role(Role.EDITOR)


@pytest.fixture
def manager(as_role):
    return as_role(Role.MANAGER)


@pytest.fixture
def administrator(as_role):
    return as_role(Role.ADMINISTRATOR)


@pytest.fixture
def topics(db):
    load_topics()
    return {topic.code: topic for topic in Topic.objects.all()}


def told(response) -> list[str]:
    """Return the messages that a page shows, as text."""
    found = re.findall(
        r'<div class="alert[^>]*role="(?:alert|status)">.*?<p>(.*?)</p>', response.content.decode(), re.S
    )
    return [text.strip() for text in found]


def draft_words(**more) -> dict:
    return {
        "key": public_id(),
        "topic": "health",
        "title_ja": "予防接種",
        "body_ja": "3月1日 10時から。電話 03-1234-5678",
        **more,
    }


def moment(days: int = 0, hours: int = 0) -> str:
    """Return a time relative to now, as a browser's field sends it."""
    at = timezone.localtime(timezone.now() + datetime.timedelta(days=days, hours=hours))
    return at.strftime("%Y-%m-%dT%H:%M")


def seen(notice: Notice) -> str:
    return Notice.objects.get(pk=notice.pk).changed_at.isoformat()


def texts_of(notice: Notice, **more) -> dict:
    """Return what the composer would send back for an unchanged notice."""
    words = {"seen": seen(notice), "topic": notice.topic.code}
    for language in settings.CITY.offered():
        for name in ("title", "body", "place"):
            words[f"{name}_{language.column}"] = getattr(notice, f"{name}_{language.column}") or ""
    return words | more


def states(notice: Notice) -> dict[str, str]:
    return {wording.language: wording.state for wording in notice.translations.all()}


# --- Writing ------------------------------------------------------------------------------------


def test_write_keeps_a_draft_and_checks_the_language_whose_button_was_pressed(editor, topics):
    typed = draft_words(title_en="Vaccination", body_en="1 March, 10:00", check="ja", area="omori", to_languages=["ne"])

    response = editor.post(f"{DESK}new/", typed)

    notice = Notice.objects.get()
    assert (response.status_code, response.headers["Location"]) == (302, f"{DESK}{typed['key']}/edit/")
    assert (notice.public_id, notice.state, notice.author) == (typed["key"], "draft", editor.user)
    assert (notice.title_ja, notice.title_en, notice.area) == ("予防接種", "Vaccination", "omori")
    assert notice.to_languages == ["ne"]
    assert {code: state for code, state in states(notice).items() if state != "missing"} == {
        "ja": NoticeTranslationState.REVIEWED,
        "en": NoticeTranslationState.UNREVIEWED,
    }
    assert list(AuditEntry.objects.filter(action__startswith="notices.").values_list("action", flat=True)) == [
        "notices.save",
        "notices.check",
    ]


def test_write_sent_twice_makes_one_draft(editor, topics):
    typed = draft_words()

    first, second = (editor.post(f"{DESK}new/", typed) for _time in range(2))

    assert Notice.objects.count() == 1
    assert first.headers["Location"] == second.headers["Location"]


@pytest.mark.parametrize("field", ["title_ja", "body_ja", "title_ne", "place_en"])
@pytest.mark.parametrize("text", HOSTILE)
def test_write_refuses_hostile_text_and_keeps_the_rest(editor, topics, field, text):
    response = editor.post(f"{DESK}new/", draft_words(title_en="Kept as typed", **{field: text}))

    if field == "body_ja" and text == "\u202eevil":  # prose drops direction marks
        assert Notice.objects.get().body_ja == "evil"
        return
    assert response.status_code == 400
    assert Notice.objects.count() == 0
    assert 'value="Kept as typed"' in response.content.decode()


@pytest.mark.parametrize("field", ["starts_at", "until"])
@pytest.mark.parametrize("when", ABSURD)
def test_write_refuses_absurd_times(editor, topics, field, when):
    response = editor.post(f"{DESK}new/", draft_words(**{field: when}))

    assert (response.status_code, Notice.objects.count()) == (400, 0)


def test_write_refuses_an_end_before_its_beginning_and_a_topic_that_is_none(editor, topics):
    response = editor.post(
        f"{DESK}new/", draft_words(topic="nothing", starts_at="2027-03-01T10:00", ends_at="2027-03-01T09:00")
    )

    assert response.status_code == 400
    assert "The end must be after the start." in response.content.decode()
    assert Notice.objects.count() == 0


@pytest.mark.parametrize("key", ["", "short", "a" * 22 + "\n", "../../etc/passwd/xxxxxx", "a" * 23])
def test_write_takes_no_key_that_is_none(editor, topics, key):
    assert editor.post(f"{DESK}new/", draft_words(key=key)).status_code in {302, 400}
    assert not Notice.objects.exclude(public_id__regex=r"^[A-Za-z0-9_-]{22}$").exists()


def test_edit_takes_times_in_the_citys_zone(editor, topics):
    editor.post(f"{DESK}new/", draft_words(starts_at="2027-03-01T10:00", ends_at="2027-03-01T12:00"))

    notice = Notice.objects.get()
    assert notice.starts_at == datetime.datetime(2027, 3, 1, 1, 0, tzinfo=datetime.UTC)
    page = editor.get(f"{DESK}{notice.public_id}/edit/").content.decode()
    assert 'value="2027-03-01T10:00"' in page


@pytest.mark.parametrize(("end", "is_saved"), [("2027-08-14", True), ("2027-08-16", True), ("2027-08-13", False)])
def test_case_18_editor_gives_whole_days(editor, topics, end, is_saved):
    words = draft_words(starts_at="2027-08-14T00:00", ends_at=f"{end}T00:00", is_all_day="on")
    editor.post(f"{DESK}new/", words)
    assert [notice.is_all_day for notice in Notice.objects.all()] == [True] * is_saved


def test_edit_of_the_source_outdates_the_others_unless_it_is_minor(editor):
    notice = NoticeFactory(is_published=False)
    address = f"{DESK}{notice.public_id}/edit/"

    editor.post(address, texts_of(notice, body_ja="新しい本文。", is_minor="on", check="ja"))
    minor = {code: state for code, state in states(notice).items() if state != "missing"}
    notice.refresh_from_db()
    editor.post(address, texts_of(notice, body_ja="もっと新しい本文。", check="ja"))

    assert minor == {"ja": NoticeTranslationState.REVIEWED, "en": NoticeTranslationState.REVIEWED}
    assert {code: state for code, state in states(notice).items() if state != "missing"} == {
        "ja": NoticeTranslationState.REVIEWED,
        "en": NoticeTranslationState.OUTDATED,
    }


def test_edit_by_two_at_once_loses_nothing_and_overwrites_nothing_unseen(editor, as_role):
    notice = NoticeFactory(is_published=False)
    address = f"{DESK}{notice.public_id}/edit/"
    before = seen(notice)
    first = texts_of(notice, title_en="By the first")
    second = texts_of(notice, title_en="By the second")
    editor.post(address, first)

    other = as_role(Role.TRANSLATOR)
    refused = other.post(address, second)

    page = refused.content.decode()
    assert refused.status_code == 409
    assert Notice.objects.get().title_en == "By the first"
    assert 'value="By the second"' in page
    assert "By the first" in page
    assert f'value="{before}"' not in page
    assert other.post(address, second | {"seen": seen(notice)}).status_code == 302
    assert Notice.objects.get().title_en == "By the second"


def test_edit_by_a_translator_changes_texts_only(as_role):
    notice = NoticeFactory(is_published=False, area="omori")
    translator = as_role(Role.TRANSLATOR)

    page = translator.get(f"{DESK}{notice.public_id}/edit/").content.decode()
    translator.post(
        f"{DESK}{notice.public_id}/edit/",
        texts_of(notice, title_ne="सूचना", body_ne="पाठ", check="ne", area="chofu", until=moment(days=1)),
    )

    notice.refresh_from_db()
    assert 'name="topic"' not in page
    assert (notice.title_ne, notice.area, notice.until) == ("सूचना", "omori", None)
    assert states(notice)["ne"] == NoticeTranslationState.REVIEWED
    assert notice.translations.get(language="ne").checked_by == translator.user


def test_edit_says_why_an_empty_language_cannot_be_checked(editor):
    notice = NoticeFactory(is_published=False)

    typed = texts_of(notice, check="da", title_da="Kun en titel", title_en="Kept as typed")
    response = editor.post(f"{DESK}{notice.public_id}/edit/", typed)

    assert (response.status_code, told(response)) == (409, ["There is no text in this language yet."])
    assert 'value="Kept as typed"' in response.content.decode()
    assert Notice.objects.get().title_da is None  # title and text are saved together or not at all
    assert AuditEntry.objects.filter(action="notices.save").count() == 1


def test_write_with_an_empty_language_to_check_keeps_nothing_but_what_was_typed(editor, topics):
    typed = draft_words(check="en", title_en="Kept as typed")

    response = editor.post(f"{DESK}new/", typed)

    assert (response.status_code, Notice.objects.count()) == (409, 0)
    assert told(response) == ["There is no text in this language yet."]
    assert 'value="Kept as typed"' in response.content.decode()
    assert editor.post(f"{DESK}new/", typed | {"body_en": "Now there is one."}).status_code == 302
    assert states(Notice.objects.get())["en"] == NoticeTranslationState.REVIEWED


def test_edit_of_what_is_approved_is_refused_and_kept(editor):
    notice = NoticeFactory(is_published=False)
    approval.submit(notice, by=editor.user)

    response = editor.post(f"{DESK}{notice.public_id}/edit/", texts_of(notice, title_en="Too late"))

    assert response.status_code == 409
    assert "You can change only a draft. Return the notice to draft first." in told(response)
    assert 'value="Too late"' in response.content.decode()
    assert editor.get(f"{DESK}{notice.public_id}/edit/").status_code == 302


def test_composer_warns_where_figures_differ(editor):
    notice = NoticeFactory(
        is_published=False,
        body_ja="3月1日 14:00、電話 03-5744-1111",
        body_en="2 March, 14:00, call 03-5744-1112",
    )

    page = editor.get(f"{DESK}{notice.public_id}/edit/").content.decode()

    warnings = re.findall(r"<li>((?:Dates|Times|Phone numbers|Numbers|Links) – [^<]*)</li>", page)
    assert warnings == [
        "Phone numbers – missing from this text: 0357441111; only in this text: 0357441112.",
        "Dates – missing from this text: 03-01; only in this text: 03-02.",
    ]


# --- The list, the check before sending, previews -------------------------------------------------


def test_index_counts_by_state_and_shows_what_is_in_work(editor):
    NoticeFactory(is_published=False, title_ja="下書き")
    NoticeFactory(title_ja="送信済み")

    page = editor.get(DESK).content.decode()
    done = editor.get(f"{DESK}?state=done").content.decode()

    assert [re.sub(r"<.*?>", "", tab) for tab in re.findall(r"<li><a href=\"\?[^\"]*\"[^>]*>.*?</li>", page)] == [
        "In progress (1)",
        "Draft (1)",
        "Waiting for approval (0)",
        "Approved (0)",
        "Being sent (0)",
        "Paused (0)",
        "Sent to everyone (1)",
        "Cancelled (0)",
    ]
    assert ("下書き" in page, "送信済み" in page) == (True, False)
    assert ("下書き" in done, "送信済み" in done) == (False, True)


@pytest.mark.parametrize(
    "address", ["?state=nothing", "?state=%00", "?page=-1", "?page=1e999", "?page=99999999999999999999"]
)
def test_index_survives_any_question(editor, address):
    NoticeFactory(is_published=False)

    assert editor.get(DESK + address).status_code in {200, 400}


def test_index_asks_as_often_for_thirty_as_for_one(editor):
    NoticeFactory(is_published=False)
    one = count_queries(editor, DESK)
    for _number in range(29):
        NoticeFactory(is_published=False)

    assert count_queries(editor, DESK) == one


def count_queries(client, address: str) -> int:
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    client.get(address)  # sessions and caches are warm from here on
    with CaptureQueriesContext(connection) as asked:
        assert client.get(address).status_code == 200
    return len(asked)


def test_gate_says_how_many_get_which_language(editor):
    notice = NoticeFactory(is_published=False)
    for language, number in {"ne": 3, "ja": 2, "en": 1}.items():
        for _person in range(number):
            SubscriptionFactory(language=language, topics=[notice.topic])
    SubscriptionFactory(language="ne", channel="sms", address="+819012345678", topics=[notice.topic])
    SubscriptionFactory(language="ne")

    page = editor.get(f"{DESK}{notice.public_id}/").content.decode()

    rows = [
        re.sub(r"\s+", " ", re.sub(r"<[^>]*>", " ", row)).strip()
        for row in re.findall(r"<tr>\s*<th scope=\"row\">.*?</tr>", page, re.S)
    ]
    assert [row.partition(" View")[0] for row in rows if row.startswith(("नेपाली", "English"))] == [
        f"English Checked {notice.author.name} , {now_shown(notice, 'en')} 1 English",
        "नेपाली Missing 4 English",
    ]
    assert '<strong class="count">7</strong> people will receive this notice' in page
    assert "<span>Email 6</span>" in page
    assert "<span>Text message 1</span>" in page


def now_shown(notice: Notice, language: str) -> str:
    checked_at = notice.translations.get(language=language).checked_at
    return timezone.localtime(checked_at).strftime("%Y-%m-%d %H:%M")


def test_audience_counts_are_what_is_written_into_the_ledger(topics):
    form = EmergencyForm(evacuation(), pattern=alert_templates()["evacuate"], language="en")
    assert form.is_valid()
    notice, author = form.notice(), UserFactory()
    notice.topic = topics["disasters"]
    SubscriptionFactory(language="ne", address="Both@example.org", area="omori")
    SubscriptionFactory(language="vi", area="chofu")
    SubscriptionFactory(language="en", channel="sms", address="+819012345678")
    ResidentFactory(language="ar", email="both@example.org")
    ResidentFactory(language="ar", email="alone@example.org")
    ResidentFactory(language="ar", email="", user=UserFactory(email="signs-in@example.org"))
    ResidentFactory(language="da", email="", phone="090-0000-0000")

    counts = audience_counts(notice)

    actions.issue(notice, by=author)
    broadcast.begin_due_notices()
    written = Message.objects.about(notice).values_list("language", "channel")
    assert counts == {("ne", "email"): 1, ("en", "sms"): 1, ("ar", "email"): 2}
    assert sorted(written) == [("ar", "email"), ("ar", "email"), ("en", "sms"), ("ne", "email")]


def test_preview_shows_mail_text_and_what_an_sms_costs(editor):
    notice = NoticeFactory(
        is_published=False, title_ne="सूचना", body_ne="**पाठ** <script>x</script>", title_ja="お知らせ"
    )
    notice.translations.filter(language="ne").update(state=NoticeTranslationState.UNREVIEWED)

    page = editor.get(f"{DESK}{notice.public_id}/preview/ne/").content.decode()

    assert (
        "This language has not been checked yet. If you send the notice now, its readers will get it in English."
        in page
    )
    assert "<strong>पाठ</strong>" in page
    assert "<script>x" not in page
    assert "style=" not in page
    assert "stand-in.invalid" not in page
    assert "[each reader&#x27;s own link]" in page
    assert re.search(r"\d text message", page)
    assert states(notice)["ne"] == NoticeTranslationState.UNREVIEWED


def test_preview_as_page_is_the_readers_page(editor, new_client):
    notice = NoticeFactory(is_published=False, title_ne="सूचना", body_ne="पाठ")

    page = editor.get(f"/ne/staff/notices/{notice.public_id}/page/").content.decode()

    assert "सूचना" in page
    assert "This is a preview. Only staff can see this page." in page
    assert "This notice has expired." not in page
    assert Notice.objects.get().published_at is None
    assert new_client().get(f"/ne/notices/{notice.public_id}/").status_code == 404


@pytest.mark.parametrize("language", ["xx", "tlh", "ne%00", "en'--"])
def test_preview_of_a_language_that_is_not_offered_is_404(editor, language):
    notice = NoticeFactory(is_published=False)

    assert editor.get(f"{DESK}{notice.public_id}/preview/{language}/").status_code in {400, 404}


# --- Approving, stopping, correcting --------------------------------------------------------------


def test_notice_goes_from_draft_to_readers_by_two_people(editor, manager):
    notice = NoticeFactory(is_published=False, author=editor.user)
    reader = SubscriptionFactory(language="en", topics=[notice.topic])
    address = f"{DESK}{notice.public_id}/"

    editor.post(f"{address}submit/")
    editor.get(address)  # shows and so clears the message of the previous step
    own = editor.post(f"{address}approve/", follow=True)
    other = manager.post(f"{address}approve/", follow=True)
    broadcast.begin_due_notices()
    delivery.deliver_due("test")

    assert told(own) == ["Someone else has to approve a notice that you have written or edited."]
    assert "You wrote this notice, so another person must approve it." in own.content.decode()
    assert told(other) == [
        "The notice has been approved. It will be sent immediately, or automatically at the time you set."
    ]
    assert [(letter.subject, letter.to) for letter in mail.outbox] == [(notice.title_en, [reader.address])]
    actions = AuditEntry.objects.filter(action__in=["notices.submit", "notices.approve"]).values_list("action", "actor")
    assert list(actions) == [
        ("notices.submit", editor.user.public_id),
        ("notices.approve", manager.user.public_id),
    ]


def test_approval_at_a_time_waits_for_it(editor, manager):
    notice = NoticeFactory(is_published=False, author=editor.user)
    approval.submit(notice, by=editor.user)

    manager.post(f"{DESK}{notice.public_id}/approve/", {"scheduled_at": moment(days=2)})

    notice.refresh_from_db()
    assert notice.state == NoticeState.APPROVED
    assert timezone.localtime(notice.scheduled_at).strftime("%Y-%m-%dT%H:%M") == moment(days=2)
    assert list(Notice.objects.due()) == []


@pytest.mark.parametrize("when", [*ABSURD, "2020-01-01T10:00"])
def test_approval_at_an_absurd_time_is_refused(editor, manager, when):
    notice = NoticeFactory(is_published=False, author=editor.user)
    approval.submit(notice, by=editor.user)

    response = manager.post(f"{DESK}{notice.public_id}/approve/", {"scheduled_at": when})

    notice.refresh_from_db()
    assert (response.status_code, notice.state) == (400, NoticeState.PENDING)
    assert f'value="{when}"' in response.content.decode()


def test_sending_back_needs_a_reason_and_shows_it(editor, manager):
    notice = NoticeFactory(is_published=False, author=editor.user)
    approval.submit(notice, by=editor.user)
    address = f"{DESK}{notice.public_id}/send-back/"

    refused = manager.post(address, {"reason": "\u200b"})
    manager.post(address, {"reason": "The day is wrong."})

    notice.refresh_from_db()
    assert refused.status_code == 400
    assert (notice.state, notice.returned_because) == (NoticeState.DRAFT, "The day is wrong.")
    assert "The day is wrong." in editor.get(f"{DESK}{notice.public_id}/edit/").content.decode()


def test_pause_resume_and_cancel_turn_the_messages_over(editor, manager):
    notice = NoticeFactory(is_published=False, author=editor.user)
    for _reader in range(3):
        SubscriptionFactory(language="en", topics=[notice.topic])
    approval.submit(notice, by=editor.user)
    approval.approve(notice, by=manager.user)
    broadcast.begin_due_notices()
    leases.claim()
    Message.objects.filter(pk=Message.objects.last().pk).update(
        state=MessageState.WAITING, leased_until=None, lease="", attempts=0
    )
    address = f"{DESK}{notice.public_id}/"

    paused = manager.post(f"{address}pause/", follow=True)
    after_pause = sorted(Message.objects.values_list("state", flat=True))
    manager.post(f"{address}resume/")
    after_resume = sorted(Message.objects.values_list("state", flat=True))
    cancelled = manager.post(f"{address}cancel/", {"reason": "Wrong day."}, follow=True)

    assert told(paused) == ["Paused: 1 message is waiting."]
    assert after_pause == ["held", "sending", "sending"]
    assert after_resume == ["sending", "sending", "waiting"]
    assert sorted(Message.objects.values_list("state", flat=True)) == ["sending", "sending", "withdrawn"]
    assert "2 messages were already on their way and will be delivered." in cancelled.content.decode()
    assert AuditEntry.objects.get(action="notices.cancel").reason == "Wrong day."


def test_what_cannot_be_done_now_is_said_and_changes_nothing(editor):
    notice = NoticeFactory(is_published=False)

    for verb in ("pause", "resume"):
        response = editor.post(f"{DESK}{notice.public_id}/{verb}/", follow=True)
        assert told(response) == ["You cannot do this now, because the status of the notice is “Draft”."]
    early = editor.post(f"{DESK}{notice.public_id}/correct/", follow=True)

    notice.refresh_from_db()
    assert told(early) == ["This notice has not been sent to anyone yet. Cancel it or return it to draft."]
    assert notice.state == NoticeState.DRAFT


def test_correction_is_a_draft_for_those_who_got_the_wrong_one_and_is_made_once(editor):
    notice = NoticeFactory()
    MessageFactory(
        kind="notices/news", state=MessageState.SENT, language="ne", about_type="notices.notice", about_id=notice.pk
    )

    first, second = (editor.post(f"{DESK}{notice.public_id}/correct/") for _time in range(2))

    draft = Notice.objects.get(corrects=notice)
    assert first.headers["Location"] == second.headers["Location"] == f"{DESK}{draft.public_id}/edit/"
    assert (draft.title_ja, draft.author) == (notice.title_ja, editor.user)
    assert audience_counts(draft) == {("ne", "email"): 1}


@pytest.mark.parametrize("verb", ["", "edit/", "preview/en/", "page/", "progress/"])
def test_notice_that_is_not_there_is_404(editor, verb):
    assert editor.get(f"{DESK}{public_id()}/{verb}").status_code == 404


@pytest.mark.parametrize(
    "verb", ["submit", "approve", "send-back", "cancel", "end", "pause", "resume", "correct", "edit"]
)
def test_verb_on_a_notice_that_is_not_there_is_404(editor, verb):
    assert editor.post(f"{DESK}{public_id()}/{verb}/", {"reason": "x"}).status_code == 404


@pytest.mark.parametrize("verb", ["submit", "approve", "send-back", "cancel", "end", "pause", "resume", "correct"])
def test_get_on_a_verb_does_nothing(editor, verb):
    notice = NoticeFactory(is_published=False)

    assert editor.get(f"{DESK}{notice.public_id}/{verb}/").status_code == 405


# --- Progress -----------------------------------------------------------------------------------


def test_progress_counts_by_state_and_language_in_one_query(editor):
    notice = NoticeFactory()
    for language, state in (("ne", "sent"), ("ne", "failed"), ("vi", "sent"), ("vi", "waiting")):
        MessageFactory(
            kind="notices/news", language=language, state=state, about_type="notices.notice", about_id=notice.pk
        )

    page = editor.get(f"{DESK}{notice.public_id}/progress/").content.decode()

    assert '<progress value="3" max="4"' in page
    assert "3 of 4 messages have been processed." in page
    assert re.findall(r"<span>(\w[^<]*) <span class=\"numbers\">(\d+)</span>", page) == [
        ("Waiting", "1"),
        ("Sent", "2"),
        ("Failed", "1"),
    ]
    assert re.findall(r"<th scope=\"row\">(.*?)</th>(.*?)</tr>", page) == [
        ("नेपाली", '<td class="end">1</td><td class="end">2</td><td class="end">1</td>'),
        ("Tiếng Việt", '<td class="end">1</td><td class="end">2</td><td class="end">0</td>'),
    ]
    one = count_queries(editor, f"{DESK}{notice.public_id}/progress/")
    for _number in range(29):
        MessageFactory(kind="notices/news", language="ar", about_type="notices.notice", about_id=notice.pk)
    assert count_queries(editor, f"{DESK}{notice.public_id}/progress/") == one


def test_progress_is_refreshed_only_while_something_may_change(editor, manager):
    notice = NoticeFactory(is_published=False, author=editor.user)
    SubscriptionFactory(language="en", topics=[notice.topic])
    approval.submit(notice, by=editor.user)
    approval.approve(notice, by=manager.user)
    broadcast.begin_due_notices()

    sending = editor.get(f"{DESK}{notice.public_id}/").content.decode()
    delivery.deliver_due("test")
    broadcast.finish_sent_notices()
    done = editor.get(f"{DESK}{notice.public_id}/").content.decode()

    assert ("progress.js" in sending, "Refresh" in sending) == (True, True)
    assert ("progress.js" in done, "Refresh" in done) == (False, False)


# --- Emergencies --------------------------------------------------------------------------------


def evacuation(**more) -> dict:
    return {
        "key": public_id(),
        "shelter": "{大森小学校|おおもりしょうがっこう}",
        "shelter_latin": "Omori Elementary School",
        "area": "omori",
        "level": "4",
        "until": moment(hours=6),
        "source": "大田区",
        **more,
    }


def test_patterns_are_all_there_to_choose(editor):
    page = editor.get(f"{DESK}emergency/").content.decode()

    assert sorted(re.findall(r'href="/en/staff/notices/emergency/([a-z_]+)/"', page)) == sorted(alert_templates())


@pytest.mark.parametrize("pattern", sorted(alert_templates()))
def test_every_pattern_has_a_form_with_its_slots(editor, topics, pattern):
    page = editor.get(f"{DESK}emergency/{pattern}/").content.decode()

    for slot in alert_templates()[pattern].placeholders:
        assert f'name="{slot}"' in page
    assert f'<option value="{alert_templates()[pattern].usual_level}" selected>' in page


def test_emergency_is_read_in_every_language_before_it_is_sent(editor, topics):
    SubscriptionFactory(language="ne")
    SubscriptionFactory(language="vi")

    page = editor.post(f"{DESK}emergency/evacuate/", evacuation(step="look")).content.decode()

    assert Notice.objects.count() == 0
    assert "Send now to 2 people" in page
    for language in settings.CITY.offered():
        assert f'lang="{language.code}" dir="{language.dir}"' in page
    assert "<ruby>大森小学校" in page
    assert "Omori Elementary School (大森小学校)" in page


def test_emergency_is_sent_once_however_often_the_button_is_pressed(editor, topics):
    SubscriptionFactory(language="ne", address="reader@example.org")
    typed = evacuation(step="send")

    answers = [editor.post(f"{DESK}emergency/evacuate/", typed) for _time in range(2)]
    broadcast.begin_due_notices()
    delivery.deliver_due("test")

    notice = Notice.objects.get()
    assert [answer.headers["Location"] for answer in answers] == [f"{DESK}{typed['key']}/"] * 2
    assert (notice.public_id, notice.state, notice.level, notice.author) == (typed["key"], "sending", 4, editor.user)
    assert (notice.source, notice.area, notice.is_exercise) == ("大田区", "omori", False)
    assert notice.placeholders == {
        "area": "omori",
        "shelter": {"local": "{大森小学校|おおもりしょうがっこう}", "latin": "Omori Elementary School"},
    }
    assert {wording.language for wording in notice.translations.all() if wording.state == "reviewed"} == set(
        settings.CITY.languages
    )
    assert [letter.to for letter in mail.outbox] == [["reader@example.org"]]
    assert AuditEntry.objects.filter(action="notices.issue").count() == 1


@pytest.mark.parametrize(
    ("field", "typed"),
    [
        ("until", ""),
        ("until", "2020-01-01T00:00"),
        ("until", "9999-12-31T00:00"),
        ("until", "2099-01-01T00:00"),
        ("source", ""),
        ("source", "x" * 101),
        ("level", "6"),
        ("level", "-1"),
        ("level", "1e999999"),
        ("area", "nowhere"),
        ("shelter", ""),
        ("shelter", "\u3164"),
        ("shelter", "{area}"),
        ("shelter", "x" * 81),
        ("shelter_latin", ""),
        ("key", "not a key"),
    ],
)
@pytest.mark.parametrize("step", ["look", "send"])
def test_emergency_with_something_wrong_is_not_sent_and_nothing_typed_is_lost(editor, topics, field, typed, step):
    words = evacuation(step=step, **{field: typed})

    response = editor.post(f"{DESK}emergency/evacuate/", words)

    assert (response.status_code, Notice.objects.count()) == (400, 0)
    if field != "source":
        assert 'value="大田区"' in response.content.decode()


def test_emergency_takes_every_kind_of_slot(editor, topics):
    sent = {
        "quake": {"intensity": "5-", "place": "東京湾", "place_latin": "Tokyo Bay", "time": "14:05"},
        "water": {"place": "Park", "start": "09:00", "end": "17:30"},
        "power": {"eta": "2026-12-01T18:00"},
        "school": {"date": "2026-12-02"},
        "hotline": {"languages": ["ne", "vi"], "phone": "03-6424-8822"},
    }

    for pattern, placeholders in sent.items():
        words = {"key": public_id(), "level": "0", "until": moment(hours=6), "source": "Ota City", "step": "send"}
        assert editor.post(f"{DESK}emergency/{pattern}/", words | placeholders).status_code == 302

    assert {row.pattern: row.placeholders for row in Notice.objects.all()} == {
        "quake": {"intensity": "5-", "place": {"local": "東京湾", "latin": "Tokyo Bay"}, "time": "14:05"},
        "water": {"place": {"local": "Park", "latin": ""}, "start": "09:00", "end": "17:30"},
        "power": {"area": "", "eta": "2026-12-01T18:00"},
        "school": {"date": "2026-12-02"},
        "hotline": {"languages": ["ne", "vi"], "phone": "03-6424-8822"},
    }
    hotline = "You can get help by phone in these languages: Nepali, Vietnamese. Phone: 03-6424-8822"
    assert Notice.objects.get(pattern="hotline").body_en == hotline


def test_emergency_is_updated_by_another_that_ends_it(editor, topics):
    before = NoticeFactory(emergency=True, topic=topics["disasters"])
    form = editor.get(f"{DESK}emergency/evacuate/?updates={before.public_id}").content.decode()

    editor.post(
        f"{DESK}emergency/allclear/", evacuation(updates=before.public_id, time="15:00", level="0", step="send")
    )

    before.refresh_from_db()
    newer = Notice.objects.get(updates=before)
    assert 'value="Omori Elementary School"' in form
    assert f'value="{before.public_id}"' in form
    assert (newer.pattern, newer.state, before.ended_at is not None) == ("allclear", "sending", True)


def test_emergency_that_is_none_cannot_be_updated(editor, topics):
    news = NoticeFactory()

    assert editor.get(f"{DESK}emergency/heat/?updates={news.public_id}").status_code == 404
    assert editor.post(f"{DESK}emergency/heat/", evacuation(updates=public_id(), step="send")).status_code == 404
    assert editor.get(f"{DESK}emergency/nothing/").status_code == 404


def test_emergency_is_ended_with_a_reason(manager, topics):
    notice = NoticeFactory(emergency=True, topic=topics["disasters"])

    manager.post(f"{DESK}{notice.public_id}/end/", {"reason": "All clear."})

    notice.refresh_from_db()
    assert notice.ended_at is not None
    assert AuditEntry.objects.get(action="notices.end").reason == "All clear."


def test_drill_says_so_before_it_is_sent(editor, topics):
    page = editor.post(f"{DESK}emergency/heat/", evacuation(is_exercise="on", step="look")).content.decode()

    assert "<span>Drill</span>" in page


# --- Adding a language --------------------------------------------------------------------------


def alarm_without(code: str, **facts) -> Notice:
    """Return an emergency that was sent before its text in this language was written."""
    notice = NoticeFactory(emergency=True, **facts)
    column = SPOKEN[code].column
    Notice.objects.filter(pk=notice.pk).update(**{f"title_{column}": None, f"body_{column}": None})
    notice.translations.filter(language=code).update(state=NoticeTranslationState.MISSING, checked_at=None)
    delivery.deliver_due(worker="test")
    mail.outbox.clear()
    return Notice.objects.get(pk=notice.pk)


def test_missing_language_is_written_read_and_sent_as_the_same_notice(manager):
    reader, other = SubscriptionFactory(language="ne"), SubscriptionFactory(language="ko")
    alarm = alarm_without("ne")
    address = f"{DESK}{alarm.public_id}/languages/ne/"
    typed = {"title": "निकासी", "body": "तुरुन्त सुरक्षित ठाउँमा जानुहोस्। 03-1234-5678"}

    notice_page = manager.get(f"{DESK}{alarm.public_id}/").content.decode()
    form_page = manager.get(address).content.decode()
    look = manager.post(address, typed | {"step": "read"})
    before_sending = Notice.objects.get().title_ne
    response = manager.post(address, typed | {"step": "send"})

    assert re.findall(r"/languages/([\w-]+)/", notice_page) == ["ne"]
    assert "1 person received this emergency notice in another language" in form_page
    assert alarm.title_ja in form_page
    assert "Phone numbers – only in this text: 0312345678." in look.content.decode()
    assert (look.status_code, before_sending) == (200, None)
    assert (response.status_code, response.headers["Location"]) == (302, f"{DESK}{alarm.public_id}/")
    assert states(alarm)["ne"] == NoticeTranslationState.REVIEWED
    assert alarm.translations.get(language="ne").checked_by == manager.user
    delivery.deliver_due(worker="test")
    assert [(letter.to, letter.subject) for letter in mail.outbox] == [([reader.address], "निकासी – ओमोरी")]
    assert Message.objects.to(other).count() == 1
    page = manager.get(f"/ne/notices/{alarm.public_id}/").content.decode()
    assert "तुरुन्त सुरक्षित ठाउँमा" in page
    assert "<language>ne</language>" in manager.get(f"/ne/notices/{alarm.public_id}/alert.xml").content.decode()


def test_missing_language_begins_from_the_pattern_where_that_is_ready_by_now(editor):
    alarm = alarm_without("ne")

    page = editor.get(f"{DESK}{alarm.public_id}/languages/ne/").content.decode()

    assert f'value="{alert_templates()["evacuate"].titles["ne"]}"' in page
    assert escape(alert_templates()["evacuate"].fill(alarm.placeholders, "ne")) in page


def test_missing_language_keeps_the_patterns_marks_of_direction(editor):
    alarm = alarm_without("ar")
    body = alert_templates()["evacuate"].fill(alarm.placeholders, "ar")

    editor.post(f"{DESK}{alarm.public_id}/languages/ar/", {"title": "إخلاء", "body": body, "step": "send"})

    assert "\u2068Omori Elementary School (大森小学校)\u2069" in body
    assert Notice.objects.get().body_ar == body


def test_missing_language_of_a_pattern_that_is_gone_begins_empty(editor):
    alarm = alarm_without("ne", pattern="heat", placeholders={})
    Notice.objects.update(pattern="gone")

    page = editor.get(f"{DESK}{alarm.public_id}/languages/ne/")

    assert page.status_code == 200
    assert 'name="title" value' not in page.content.decode()


@pytest.mark.parametrize("text", HOSTILE)
@pytest.mark.parametrize("field", ["title", "body"])
@pytest.mark.parametrize("step", ["read", "send"])
def test_missing_language_refuses_hostile_text(editor, field, text, step):
    alarm = alarm_without("ne")
    typed = {"title": "निकासी", "body": "जानुहोस्", "step": step, field: text}

    response = editor.post(f"{DESK}{alarm.public_id}/languages/ne/", typed)

    if field == "body" and text == "\u202eevil":  # prose drops direction marks
        return
    assert (response.status_code, Notice.objects.get().title_ne) == (400, None)


def test_missing_language_is_sent_once_and_never_changed(editor):
    SubscriptionFactory(language="ne")
    alarm = alarm_without("ne")
    address = f"{DESK}{alarm.public_id}/languages/ne/"
    typed = {"title": "निकासी", "body": "जानुहोस्", "step": "send"}

    editor.post(address, typed)
    again = editor.post(address, typed | {"title": "अर्को"}, follow=True)

    assert Notice.objects.get().title_ne == "निकासी"
    assert told(again)[-1] == "The text in this language has already been sent, or the emergency has ended."
    assert Message.objects.about(alarm).filter(kind=EMERGENCY.folder).count() == 2


@pytest.mark.parametrize("language", ["tlh", "NE", "x" * 300])
def test_missing_language_that_is_none_is_404(editor, language):
    assert editor.get(f"{DESK}{alarm_without('ne').public_id}/languages/{language}/").status_code == 404


def test_missing_language_of_news_is_404_and_of_what_has_ended_is_said(editor):
    alarm = alarm_without("ne")
    actions.end(alarm, by=editor.user)

    assert editor.get(f"{DESK}{NoticeFactory().public_id}/languages/ne/").status_code == 404
    assert editor.get(f"{DESK}{alarm.public_id}/languages/ne/").status_code == 302
    assert "/languages/ne/" not in editor.get(f"{DESK}{alarm.public_id}/").content.decode()


def test_missing_language_is_not_offered_to_translators(as_role):
    alarm = alarm_without("ne")

    assert "/languages/" not in as_role(Role.TRANSLATOR).get(f"{DESK}{alarm.public_id}/").content.decode()


# --- The ledger ---------------------------------------------------------------------------------


def trouble(**fields) -> Message:
    return MessageFactory(
        **{
            "state": MessageState.FAILED,
            "cause": "The email server does not recognise the email address.",
            "ended_at": timezone.now(),
            "context": {"code": "SECRET"},
            **fields,
        }
    )


def test_ledger_shows_trouble_without_anybodys_name_address_or_words(administrator):
    resident = ResidentFactory(name="Sita Gurung")
    trouble(address="sita.gurung@example.org", resident=resident)

    page = administrator.get(f"{DESK}messages/").content.decode()

    assert "s…@e….org" in page
    assert "The email server does not recognise the email address." in page
    assert [word for word in ("sita.gurung", "Sita", "SECRET") if word in page] == []


def test_ledger_counts_by_channel_language_and_state(manager):
    for language, channel, state in (
        ("ne", "email", "sent"),
        ("ne", "email", "waiting"),
        ("vi", "email", "sent"),
        ("ar", "sms", "unclear"),
    ):
        MessageFactory(language=language, channel=channel, state=state)
    Heartbeat.objects.create(worker="test", seen_at=timezone.now())

    page = manager.get(f"{DESK}messages/").content.decode()

    rows = re.findall(r"<tr><th scope=\"row\">(.*?)</th>(.*?)</tr>", page)
    assert [(name, re.findall(r">(\d+)<", cells)) for name, cells in rows] == [
        ("Email", ["1", "0", "0", "2", "0", "0", "0", "0"]),
        ("Text message", ["0", "0", "0", "0", "0", "1", "0", "0"]),
        ("नेपाली", ["1", "0", "0", "1", "0", "0", "0", "0"]),
        ("Tiếng Việt", ["0", "0", "0", "1", "0", "0", "0", "0"]),
        ("العربية", ["0", "0", "0", "0", "0", "1", "0", "0"]),
    ]
    assert "Oldest message waiting since" in page
    assert "Problems" not in page  # only administrators see the list


def test_ledger_asks_as_often_for_thirty_as_for_one(administrator):
    def make(number):
        trouble(address=f"reader{number}@example.org")
        MessageFactory(state="sent", language="ne", written_in="en")
        Suppression.objects.create(
            address=f"shut{number}@example.org", reason="The email server does not recognise the email address."
        )
        DomainBackoff.objects.create(domain=f"d{number}.example", until=timezone.now() + datetime.timedelta(minutes=5))

    make(0)
    one = count_queries(administrator, f"{DESK}messages/")
    for number in range(1, 30):
        make(number)

    assert count_queries(administrator, f"{DESK}messages/") == one


def test_ledger_counts_letters_in_another_language_than_their_readers(manager):
    MessageFactory(kind="notices/news", state="sent", language="ne", written_in="en")
    MessageFactory(kind="notices/news", state="sent", language="ne", written_in="ne")
    MessageFactory(kind="notices/news", state="waiting", language="ne")

    page = manager.get(f"{DESK}messages/").content.decode()

    assert '<th scope="row"><code>notices/news</code></th><td>नेपाली</td><td>English</td><td class="end">1</td>' in page


def test_try_again_sends_one_and_all_shown_of_a_cause(administrator):
    first, second, other = trouble(), trouble(), trouble(cause="The email server has asked us to wait.")
    cause = "The email server does not recognise the email address."

    page = administrator.get(f"{DESK}messages/", {"state": "failed", "cause": cause}).content.decode()
    shown = re.findall(r'<form class="row head".*?</form>', page, re.S)[0]
    ids = re.findall(r'name="message" value="([^"]*)"', shown)
    answer = administrator.post(f"{DESK}messages/again/", {"message": ids}, follow=True)

    assert "Send these 2 messages again" in shown
    assert sorted(ids) == sorted([first.public_id, second.public_id])
    assert told(answer) == ["2 messages will be sent again."]
    assert sorted(Message.objects.values_list("state", flat=True)) == ["failed", "waiting", "waiting"]
    assert AuditEntry.objects.filter(action="messaging.try_again").count() == 2
    administrator.post(f"{DESK}messages/again/", {"message": other.public_id})
    assert set(Message.objects.values_list("state", flat=True)) == {"waiting"}


@pytest.mark.parametrize("ids", [[], [public_id()], ["\u202e"], ["x" * 5000], ["a"] * 500])
def test_try_again_of_nothing_does_nothing(administrator, ids):
    waiting = MessageFactory()

    answer = administrator.post(f"{DESK}messages/again/", {"message": [*ids, waiting.public_id]}, follow=True)

    assert told(answer) == ["0 messages will be sent again."]


def test_unclear_message_can_be_closed_once(administrator):
    message = trouble(state=MessageState.UNCLEAR)
    address = f"{DESK}messages/{message.public_id}/arrived/"

    first, second = (administrator.post(address, follow=True) for _time in range(2))

    message.refresh_from_db()
    assert message.state == MessageState.SENT
    assert (told(first), told(second)) == (
        ["The message has been marked as delivered."],
        ["The status of this message is no longer “Outcome unknown”."],
    )
    assert administrator.post(f"{DESK}messages/{public_id()}/arrived/").status_code == 404


def test_address_is_sent_to_again_after_its_lift(administrator):
    shut = Suppression.objects.create(
        address="shut@example.org", reason="The email server does not recognise the email address."
    )
    page = administrator.get(f"{DESK}messages/").content.decode()

    administrator.post(f"{DESK}messages/addresses/{shut.pk}/lift/")

    assert "s…@e….org" in page
    assert not Suppression.objects.exists()
    by = administrator.user.public_id
    assert AuditEntry.objects.filter(action="messaging.lift_suppression", actor=by).count() == 1
    assert administrator.post(f"{DESK}messages/addresses/{shut.pk}/lift/").status_code == 404
    assert administrator.post(f"{DESK}messages/addresses/{10**30}/lift/").status_code == 404


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        ("sita.gurung@example.org", "s…@e….org"),
        ("a@mail.example.co.jp", "a…@m….jp"),
        ("x@localhost", "x…@…"),
        ("+819012345678", "…78"),
        ("U4af4980629", "…29"),
        ("123", "…"),
        ("", ""),
    ],
)
def test_masked_address_cannot_be_guessed(address, shown):
    assert mask_address(address) == shown


@pytest.mark.parametrize(
    ("cause", "words"),
    [
        ("The email server has asked us to wait.", "The email server has asked us to wait."),
        ("The email server refused the message (554).", "The email server refused the message (554)."),
        ("The email server could not be reached (timeout).", "The email server could not be reached (timeout)."),
        ("550 <sita@example.org> unknown", "550 <s…@e….org> unknown"),
        ("call 09012345678", "call …78"),
        ("", "No reason was recorded."),
    ],
)
def test_cause_is_said_in_words_without_an_address(cause, words):
    assert describe(cause) == words


def test_board_leads_to_the_lists(editor, manager, administrator):
    NoticeFactory(is_published=False)
    trouble()

    assert (
        'href="/en/staff/notices/?state=draft"><span class="count">1</span>'
        in editor.get("/en/staff/").content.decode()
    )
    for client in (manager, administrator):
        page = client.get("/en/staff/").content.decode()
        assert page.count('<a class="tile figure" href="/en/staff/notices/messages/">') == 2


def test_staff_pages_say_which_language_their_words_are_in(as_role):
    for address in ("", "new/", "emergency/", "emergency/heat/"):
        page = as_role(Role.EDITOR).get(f"/ne/staff/notices/{address}").content.decode()
        assert '<main class="page" id="main" tabindex="-1" lang="en" dir="ltr">' in page
