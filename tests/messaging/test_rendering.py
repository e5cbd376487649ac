"""Rendered messages: entirely in the reader's language, or with a note that names the other language."""

import datetime
import logging
import re

import pytest
from django.conf import settings as site
from django.core import mail
from django.template.loader import render_to_string
from django.utils import timezone, translation
from django.utils.translation import gettext

from services.languages.names import NAMES
from services.languages.registry import SPOKEN
from services.languages.translated import fallback_order
from services.messaging import rendering
from services.messaging.delivery import deliver_due
from services.messaging.metrics import fallback_counts
from services.messaging.models import Message
from services.messaging.rendering import (
    BODY_ONLY,
    MANAGE_PLACEHOLDER,
    UNSUBSCRIBE_PLACEHOLDER,
    CannotRender,
    render_message,
)
from services.notices.alert_templates import alert_levels, alert_templates
from services.notices.broadcast import begin_due_notices
from services.notices.emergencies.actions import issue
from services.notices.models import Notice, NoticeTranslation, NoticeTranslationState
from services.notices.news.drafts import review_translation, save_draft
from tests.factories import MessageFactory, NoticeFactory, SubscriptionFactory, TopicFactory, UserFactory
from tests.support.alert_placeholders import PLACEHOLDERS

pytestmark = pytest.mark.django_db
CODE = "accounts/sign_in_code"
KINDS = {
    "accounts/sign_in_code": {"code": "ABCD-1234"},
    "accounts/confirm_address": {"code": "ABCD-1234"},
    "accounts/password_code": {"code": "ABCD-1234"},
    "accounts/unknown_address": {"signup_url": "https://tabunka.example/ne/me/signup/"},
    "accounts/address_known": {"password_reset_url": "https://tabunka.example/ne/me/password/reset/"},
}
# Words that occur nowhere else, one for each language.
MARK = {code: f"MARK{number}X" for number, code in enumerate(SPOKEN)}
COULD_NOT = "We could not write this message in your language. It is in %(language)s."
NOT_READY = "This notice is not available in your language yet. You can read it in %(language)s."


def not_ready(language: str, written_in: str) -> str:
    """Return the note that tells readers why the text is in another language."""
    with translation.override(language):
        return gettext(NOT_READY) % {"language": NAMES[written_in]}


@pytest.mark.parametrize("language", SPOKEN)
@pytest.mark.parametrize("kind", KINDS)
def test_letter_is_in_its_readers_language_whatever_the_workers(kind, language):
    with translation.override("ko"):
        letter, english = (render_message(kind, code, context=KINDS[kind]) for code in (language, "en"))
        assert translation.get_language() == "ko"
    word = next(iter(KINDS[kind].values()))
    assert (letter.language, letter.written_in, letter.is_fallback) == (language, language, False)
    assert f'<html lang="{language}" dir="{SPOKEN[language].dir}">' in letter.html
    assert word in letter.text
    assert word in letter.html
    assert not re.search(r"[{}|]", letter.subject + letter.short + letter.text)
    assert "|" not in letter.html
    if language != "en":
        assert letter.subject != english.subject
        assert letter.text.split("\n")[0] != english.text.split("\n")[0]


@pytest.mark.parametrize("language", SPOKEN)
def test_letter_that_only_staff_get_is_whole_in_one_language(language):
    letter = render_message("consultations/staff/follow_up_due", language, second_language="ar")
    whole = render_message("consultations/staff/follow_up_due", "ja" if language in {"ja", "ja-simple"} else "en")
    assert letter == whole
    assert f'<html lang="{whole.language}" dir="ltr">' in letter.html


def test_letter_in_easy_japanese_has_its_three_faces():
    letter = render_message(CODE, "ja-simple", context={"code": "X"})
    assert not re.search(r"[{|（]|<ruby>", letter.subject)
    assert not re.search(r"[{|（]|<ruby>", letter.short)
    assert "（" in letter.text
    assert "<ruby>" not in letter.text
    assert "<rt>" in letter.html


def test_letter_escapes_words_in_html_only():
    letter = render_message(CODE, "en", context={"code": "<b>&"})
    assert "<b>&" in letter.text
    assert "&lt;b&gt;&amp;" in letter.html


def test_subject_is_one_line():
    topic = TopicFactory()
    notice = NoticeFactory(topic=topic, title_en="Fire\r\nBcc: all@example.org")
    assert render_message("notices/news", "en", about=notice).subject == "Fire Bcc: all@example.org"


def test_page_of_the_portal_gets_the_words_alone():
    html = render_message(CODE, "ne", context={"code": "X"}, frame=BODY_ONLY).html
    assert "<html" not in html
    assert "style=" not in html.partition("<p")[0]


def test_unknown_kind_cannot_be_written(caplog):
    with caplog.at_level(logging.CRITICAL), pytest.raises(CannotRender, match="TemplateDoesNotExist"):
        render_message("accounts/no_such_kind", "ne")


# --- A text that is broken in one language ---------------------------------------------------------------


@pytest.fixture
def broken_in(monkeypatch):
    """Return a function that breaks the code message in some languages, as a wrong placeholder in a catalogue does."""

    def break_in(*languages):
        def render(template, words):
            if template == f"notices/{CODE}/body.txt" and translation.get_language() in languages:
                raise KeyError("nmae")
            return render_to_string(template, words)

        monkeypatch.setattr(rendering, "render_to_string", render)

    return break_in


@pytest.fixture
def catalogue_says(monkeypatch):
    """Return a function that changes one entry of a language's catalogue, as a translator may have left it."""

    def says(language, msgid, msgstr):
        catalogue = translation.trans_real.translation(language)._catalog
        monkeypatch.setitem(catalogue._catalogs[0], msgid, msgstr)

    return says


@pytest.mark.parametrize(("wanted", "found"), [("ne", "en"), ("ar", "en"), ("ja-simple", "ja"), ("en", "ja")])
def test_text_that_is_broken_in_one_language_is_written_in_the_next_with_a_note(wanted, found, broken_in, caplog):
    broken_in(wanted)
    with caplog.at_level(logging.ERROR, logger="services.messaging.rendering"):
        letter = render_message(CODE, wanted, context={"code": "ABC123"})
    assert (letter.language, letter.written_in, letter.is_fallback) == (wanted, found, True)
    with translation.override(wanted):
        note = gettext(COULD_NOT) % {"language": NAMES[found]}
    assert f'<html lang="{found}" dir="{SPOKEN[found].dir}">' in letter.html
    assert f'<p lang="{wanted}" dir="{SPOKEN[wanted].dir}">' in letter.html
    if wanted != "ja-simple":
        assert letter.text.startswith(note + "\n\n")
        assert note in letter.html
    assert "ABC123" in letter.text
    [warning] = caplog.records
    assert (warning.kind, warning.language) == (CODE, wanted)


def test_readers_of_other_languages_do_not_notice(broken_in):
    broken_in("ne")
    assert render_message(CODE, "vi", context={"code": "X"}).is_fallback is False


def test_second_language_comes_before_the_others(broken_in, caplog):
    broken_in("ne")
    with caplog.at_level(logging.CRITICAL):
        letter = render_message(CODE, "ne", second_language="ja-simple", context={"code": "X"})
    assert letter.written_in == "ja-simple"
    assert "<rt>" in letter.html


def test_text_that_is_broken_everywhere_cannot_be_written(broken_in, caplog):
    broken_in(*SPOKEN)
    with caplog.at_level(logging.CRITICAL), pytest.raises(CannotRender, match="KeyError"):
        render_message(CODE, "ne", context={"code": "X"})


def test_note_that_is_broken_itself_is_left_out(broken_in, catalogue_says, caplog):
    broken_in("da")
    catalogue_says("da", COULD_NOT, "Beskeden er på %(sprog)s.")
    with caplog.at_level(logging.CRITICAL):
        letter = render_message(CODE, "da", context={"code": "X"})
    assert letter.written_in == "en"
    assert letter.text.startswith("This is your sign-in code.")
    assert 'lang="da"' not in letter.html


def test_note_is_in_the_readers_language(broken_in, catalogue_says, caplog):
    broken_in("da")
    catalogue_says("da", COULD_NOT, "Vi kunne ikke skrive på dansk, så her er det på %(language)s.")
    with caplog.at_level(logging.CRITICAL):
        letter = render_message(CODE, "da", context={"code": "X"})
    assert letter.text.startswith("Vi kunne ikke skrive på dansk, så her er det på engelsk.\n\n")
    assert '<p lang="da" dir="ltr">Vi kunne ikke skrive på dansk' in letter.html


@pytest.mark.parametrize("broken", ["Niveau %(niveau)s: %(name)s", "Niveau %(level): %(name)s"])
def test_sentence_that_a_translator_has_broken_is_no_english_within_the_letter(broken, catalogue_says, caplog):
    catalogue_says("da", "Warning level %(level)s: %(name)s", broken)
    SubscriptionFactory(language="da")
    notice = NoticeFactory(emergency=True)
    with caplog.at_level(logging.ERROR, logger="services.messaging.rendering"):
        deliver_due(worker="test")
    (letter,) = mail.outbox
    with translation.override("da"):
        assert letter.body.startswith(gettext(COULD_NOT) % {"language": NAMES["en"]} + "\n\n")
    assert letter.subject == "Evacuation order – Omori"
    assert dict(Message.objects.about(notice).values_list("language", "written_in")) == {"da": "en"}
    assert fallback_counts() == [("notices/emergency", "da", "en", 1)]  # the counts that staff see
    [warning] = caplog.records
    assert (warning.kind, warning.language) == ("notices/emergency", "da")


def test_page_with_a_sentence_that_a_translator_has_broken_is_shown_all_the_same(catalogue_says, client):
    catalogue_says("da", "Warning level %(level)s: %(name)s", "Niveau %(niveau)s")
    notice = NoticeFactory(emergency=True)
    page = client.get(f"/da/notices/{notice.public_id}/")
    assert page.status_code == 200
    assert "Warning level 4: " in page.content.decode()


def test_broken_language_stops_no_other_reader_of_a_broadcast(monkeypatch, caplog):
    topic = TopicFactory()
    readers = {code: SubscriptionFactory(language=code, topics=[topic]) for code in ("ne", "vi", "en")}
    texts = {f"{name}_{code}": f"{MARK[code]} {name}" for code in readers for name in ("title", "body")}
    NoticeFactory(topic=topic, **texts)

    def render(template, words):
        if translation.get_language() == "ne":
            raise KeyError("nmae")
        return render_to_string(template, words)

    monkeypatch.setattr(rendering, "render_to_string", render)
    with caplog.at_level(logging.CRITICAL):
        deliver_due(worker="test")
    subjects = {message.to[0]: message.subject for message in mail.outbox}
    expected = {"ne": "en", "vi": "vi", "en": "en"}
    assert subjects == {readers[code].address: f"{MARK[found]} title" for code, found in expected.items()}
    assert dict(Message.objects.values_list("language", "written_in")) == expected
    assert set(Message.objects.values_list("state", flat=True)) == {"sent"}


# --- The rule ---------------------------------------------------------------------------------------------


def marked_news(*, checked, source="ja", **facts) -> Notice:
    """Return news whose texts all contain their language's own word; only the `checked` languages are reviewed."""
    texts = {}
    for code, language in SPOKEN.items():
        texts |= {
            f"title_{language.column}": f"{MARK[code]} title",
            f"body_{language.column}": f"{MARK[code]} body.\n",
            f"place_{language.column}": f"{MARK[code]} place",
        }
    notice = NoticeFactory(is_published=False, source_language=source, starts_at=timezone.now(), **texts | facts)
    NoticeTranslation.objects.filter(notice=notice).exclude(language__in=checked).update(
        state=NoticeTranslationState.UNREVIEWED
    )
    return notice


def out(notice: Notice) -> None:
    Notice.objects.filter(pk=notice.pk).update(state="approved", scheduled_at=timezone.now(), approver=UserFactory())
    begin_due_notices()
    deliver_due(worker="test")


def languages_of(html: str) -> set[tuple[str, str]]:
    """Return the languages whose own words occur in a page, each with the nearest enclosing `lang`."""
    found = set()
    for code, word in MARK.items():
        for place in re.finditer(word, html):
            found.add((code, _language_at(html, place.start())))
    return found


def _language_at(html: str, at: int) -> str:
    stack = []
    for tag in re.finditer(r"<(/?)([a-z0-9]+)([^>]*)>", html[:at]):
        closes, name, attributes = tag.groups()
        if name in {"meta", "br", "hr", "link", "img"}:
            continue
        if closes:
            stack.pop()
        else:
            told = re.search(r'\blang="([^"]+)"', attributes)
            stack.append(told[1] if told else (stack[-1] if stack else ""))
    return stack[-1]


def test_the_rules_eye_sees_an_unmarked_word():
    html = f'<html lang="ne"><p>{MARK["ne"]}</p><p lang="en">{MARK["en"]}<br><b>x</b>{MARK["da"]}</p>{MARK["vi"]}'
    assert languages_of(html) == {("ne", "ne"), ("en", "en"), ("da", "en"), ("vi", "ne")}


@pytest.mark.parametrize(
    "checked",
    [
        set(SPOKEN),
        {"ja"},
        {"ja", "en"},
        {"ja", "ja-simple", "ne", "ar"},
        {"ja", "en", "ja-simple", "vi", "ko", "da"},
    ],
)
def test_no_letter_holds_a_word_of_another_language_unmarked(checked):
    """The rule of the portal: readers of ten languages, one broadcast, some languages unchecked."""
    topic = TopicFactory(**{f"name_{language.column}": f"{MARK[code]} topic" for code, language in SPOKEN.items()})
    readers = {
        (code, second): SubscriptionFactory(language=code, second_language=second, topics=[topic])
        for code in SPOKEN
        for second in ("", "ja-simple")
    }
    notice = marked_news(checked=checked, topic=topic)
    out(notice)
    mails = {message.to[0]: message for message in mail.outbox}
    assert set(mails) == {reader.address for reader in readers.values()}
    for (code, second), reader in readers.items():
        received = mails[reader.address]
        order = [code, *(fallback_order(second) if second else ()), *fallback_order(code)]
        expected = next(it for it in order if it in checked)
        html, text = received.alternatives[0].content, received.body
        assert received.subject == f"{MARK[expected]} title"
        assert f'<html lang="{code}" dir="{SPOKEN[code].dir}">' in html
        assert {(found, around) for found, around in languages_of(html) if found != around} == set()
        assert {found for found, _around in languages_of(html)} == {code, expected}
        assert {it for it, word in MARK.items() if word in text} == {code, expected}
        assert {it for it, word in MARK.items() if word in text.partition("/notices/")[0]} <= {code, expected}
        assert (not_ready(code, expected).split("{")[0] in text) is (expected != code) or code == "ja-simple"
        if expected != code:
            assert f'lang="{expected}" dir="{SPOKEN[expected].dir}"' in html
        assert f"/{code}/notices/{notice.public_id}/" in text
        row = Message.objects.to(reader).get()
        assert (row.language, row.written_in) == (code, expected)


def test_reader_of_another_script_gets_the_furigana_they_chose_as_second():
    topic = TopicFactory()
    SubscriptionFactory(language="ne", second_language="ja-simple", topics=[topic])
    NoticeFactory(topic=topic, title_ja_simple="{水|みず}", body_ja_simple="{水|みず}を {飲|の}みます。")
    deliver_due(worker="test")
    [received] = mail.outbox
    assert "<rt>みず</rt>" in received.alternatives[0].content
    assert "水（みず）を 飲（の）みます。" in received.body
    assert received.subject == "水"


def test_calendar_is_in_the_language_of_its_letter():
    topic = TopicFactory()
    notice = NoticeFactory(topic=topic, starts_at=timezone.now(), title_ja_simple="{水|みず}", body_ja_simple="x")
    letter = render_message("notices/news", "ne", second_language="ja-simple", about=notice)
    assert letter.written_in == "ja-simple"
    assert "SUMMARY;LANGUAGE=ja-simple:水".encode() in letter.calendar


@pytest.mark.parametrize("language", SPOKEN)
@pytest.mark.parametrize("code", alert_templates())
def test_emergency_is_in_its_readers_language_from_the_first_word_to_the_last(code, language):
    pattern = alert_templates()[code]
    texts = {}
    for spoken in SPOKEN.values():
        texts[f"title_{spoken.column}"] = pattern.titles[spoken.code]
        texts[f"body_{spoken.column}"] = pattern.fill(PLACEHOLDERS, spoken.code)
    notice = Notice(
        pattern=code, placeholders=PLACEHOLDERS, level=pattern.usual_level, area="omori", source_language="ja", **texts
    )
    notice.until = timezone.now() + datetime.timedelta(hours=6)
    notice.topic = TopicFactory()
    issue(notice, by=UserFactory())
    letter = render_message("notices/emergency", language, about=notice)
    level = alert_levels()[pattern.usual_level]
    assert letter.written_in == language
    with translation.override(language):
        area = site.CITY.area("omori", language)
    others = {
        it: words
        for it in SPOKEN
        for words in (pattern.titles[it], level.names[it], level.actions[it])
        if it != language and words not in (pattern.titles[language], level.names[language], level.actions[language])
    }
    assert [it for it, words in others.items() if words in letter.text and len(words) > 6] == []
    assert "stand-in" not in letter.text + letter.html
    if language != "ja-simple":
        assert (level.actions[language] in letter.text) is pattern.is_about_leaving
        assert area in letter.subject
        assert pattern.titles[language] in letter.subject
    assert not re.search(r"[{}|]", letter.subject + letter.short + letter.text)


def test_drill_says_so_in_subject_and_in_its_first_line():
    notice = Notice(pattern="heat", level=2, is_exercise=True, source_language="en", title_en="Heat", body_en="Drink.")
    notice.topic = TopicFactory()
    issue(notice, by=UserFactory())
    letter = render_message("notices/emergency", "en", about=notice)
    assert letter.subject.startswith("Drill – ")
    assert letter.short.startswith("Drill – ")
    assert letter.text.startswith("This is a drill. Nothing has happened.")
    assert "This is a drill. Nothing has happened." in letter.html


@pytest.mark.parametrize("language", SPOKEN)
def test_stand_ins_stay_alone_on_their_lines(language):
    """On its own line, no email encoding can split a placeholder."""
    letter = render_message("notices/news", language, about=NoticeFactory())
    lines = [*letter.text.split("\n"), *letter.html.split("\n")]
    holding = [line.strip() for line in lines if "stand-in" in line]
    assert holding == [
        MANAGE_PLACEHOLDER,
        UNSUBSCRIBE_PLACEHOLDER,
        f'href="{MANAGE_PLACEHOLDER}"',
        f'href="{UNSUBSCRIBE_PLACEHOLDER}"',
    ]


def test_text_of_a_notice_cannot_act_in_a_mail():
    notice = NoticeFactory(
        title_en="<script>alert(1)</script>",
        body_en="<img src=x onerror=y> [x](javascript:alert(1)) {% now 'Y' %} {{ x }}",
    )
    letter = render_message("notices/news", "en", about=notice)
    assert "<script" not in letter.html
    assert "<img" not in letter.html
    assert 'href="javascript' not in letter.html
    assert "{% now" in letter.text


def test_editing_a_draft_is_told_to_nobody():
    notice = NoticeFactory(is_published=False)
    save_draft(notice, by=notice.author, changed=["body_en"])
    review_translation(notice, "en", by=notice.author)
    begin_due_notices()
    assert Message.objects.count() == 0


def test_poisoned_object_ends_alone():
    MessageFactory(kind="notices/news", context={}, about_type="notices.nothing", about_id=1)
    after = MessageFactory()
    deliver_due(worker="test")
    assert [message.to for message in mail.outbox] == [[after.address]]


@pytest.mark.parametrize("number", ["0570-013904", "#7119", "03 5744 1111"])
def test_c3_numbers_keep_their_order_in_subjects_and_short_texts(number):
    notice = NoticeFactory(title_ar=f"اتصل {number} الآن", body_ar="متن")

    letter = render_message("notices/news", "ar", about=notice)

    assert letter.written_in == "ar"
    assert f"\u2066{number}\u2069" in letter.subject
    assert f"\u2066{number}\u2069" in letter.short
