"""Notices as residents see them: lists, one notice, banners, subscribing without an account."""

import datetime
import re

import pytest
from django.conf import settings
from django.core.cache import caches
from django.utils import timezone, translation
from icalendar import Calendar

from services.base.machine_text import isolate_digit_runs
from services.base.signed_links import make_token
from services.languages.catalogue import KANJI
from services.languages.furigana import annotate_page
from services.languages.registry import SPOKEN
from services.messaging.models import Message
from services.notices.alert_templates import alert_levels, alert_templates
from services.notices.emergencies.actions import end, end_past_notices
from services.notices.models import Notice, Subscription, SubscriptionState
from services.notices.news.approval import cancel, submit
from services.notices.news.drafts import correct
from services.notices.news.presentation import present
from services.notices.subscriptions import links
from tests.factories import NoticeFactory, SubscriptionFactory, TopicFactory, publish

pytestmark = pytest.mark.django_db
LANGUAGES = [language.code for language in settings.CITY.offered()]
HOUR = datetime.timedelta(hours=1)


def text(response) -> str:
    return response.content.decode()


def titles(response) -> list[str]:
    """Return the titles in a list, without notes and marks."""
    found = re.findall(r"<h[23]><a href=\"/[\w-]+/notices/[\w-]{22}/\">(.*?)</a>", text(response))
    return [re.sub(r" ?<small.*?</small>|<[^>]+>", "", title) for title in found]


@pytest.fixture
def past():
    """A notice that has expired."""
    notice = NoticeFactory(title_en="Past", until=timezone.now() + HOUR)
    Notice.objects.filter(pk=notice.pk).update(until=timezone.now() - HOUR)
    return notice


@pytest.fixture
def unseen():
    """Notices hidden from the public: a draft, one awaiting approval, one cancelled before sending began, one after."""
    draft = NoticeFactory(title_en="Secret draft", is_published=False)
    pending = NoticeFactory(title_en="Secret pending", is_published=False)
    submit(pending, by=pending.author)
    early = NoticeFactory(title_en="Secret early", is_published=False)
    cancel(early, by=early.author)
    late = NoticeFactory(title_en="Secret late")
    Notice.objects.filter(pk=late.pk).update(state="sending")
    cancel(late, by=late.author)
    return [draft, pending, early, late]


# --- Lists ---------------------------------------------------------------------------------------


def test_list_shows_what_holds_newest_first_and_nothing_else(client, past, unseen):
    NoticeFactory(title_en="Older")
    NoticeFactory(title_en="Newer")

    page = client.get("/en/notices/")

    assert titles(page) == ["Newer", "Older"]
    assert "2 notices" in text(page)
    assert "Secret" not in text(page)


def test_archive_shows_what_is_past_and_nothing_else(client, past, unseen):
    NoticeFactory(title_en="Holds")
    ended = NoticeFactory(title_en="Ended by hand")
    end(ended, by=ended.author)

    page = client.get("/en/notices/archive/")

    assert titles(page) == ["Ended by hand", "Past"]
    assert "Secret" not in text(page)


def test_list_is_filtered_by_topic(client):
    topic, other = TopicFactory(name_en="Health"), TopicFactory(name_en="Schools")
    NoticeFactory(title_en="Mine", topic=topic)
    NoticeFactory(title_en="Another", topic=other)

    page = client.get("/en/notices/", {"topic": topic.code})

    assert titles(page) == ["Mine"]
    assert f'<a href="?topic={topic.code}" aria-current="true">Health</a>' in text(page)
    assert f'<a href="?topic={other.code}">Schools</a>' in text(page)
    assert f'href="/en/notices/feed/{topic.code}/"' in text(page)


@pytest.mark.parametrize("topic", ["nothing", "", "\u202e", "'; --"])
def test_list_with_a_topic_that_does_not_exist_shows_all(client, topic):
    NoticeFactory(title_en="One")

    assert titles(client.get("/en/notices/", {"topic": topic})) == ["One"]


def test_empty_list_says_so_and_leads_to_the_archive(client):
    page = text(client.get("/en/notices/"))

    assert "There is no news at the moment." in page
    assert '<a class="button second" href="/en/notices/archive/">' in page


def test_list_has_pages_that_keep_the_topic(client):
    topic = TopicFactory()
    for number in range(21):
        NoticeFactory(title_en=f"Number {number}", topic=topic)

    first = client.get("/en/notices/", {"topic": topic.code})
    second = client.get("/en/notices/", {"topic": topic.code, "page": 2})

    assert (len(titles(first)), titles(second)) == (20, ["Number 0"])
    assert f'href="?topic={topic.code}&amp;page=2"' in text(first)
    assert 'rel="prev"' in text(second)


@pytest.mark.parametrize("path", ["/ne/notices/", "/ne/notices/archive/", "/ne/notices/feed/", "/ne/"])
@pytest.mark.parametrize("count", [1, 30])
def test_lists_need_the_same_few_queries_for_one_and_many(client, django_assert_num_queries, count, path):
    topic = TopicFactory()
    for _number in range(count):
        NoticeFactory(topic=topic, until=timezone.now() + HOUR)
    if "archive" in path:
        Notice.objects.update(until=timezone.now() - HOUR)
    client.get("/ne/notices/asked/")  # emergencies are known from here on
    expected = {"/ne/notices/": 7, "/ne/notices/archive/": 7, "/ne/notices/feed/": 3, "/ne/": 6}

    with django_assert_num_queries(expected[path]):
        page = client.get(path)

    assert text(page).count("Notice ") >= min(count, 3)


def test_list_in_another_language_says_which(client):
    NoticeFactory(title_en="Only in two")

    page = text(client.get("/ne/notices/"))

    assert '<span lang="en" dir="ltr">Only in two</span> <small class="fallback-note">' in page
    assert '<p lang="en" dir="ltr">The whole text.</p>' in page


def test_home_shows_the_latest_three_news(client, past, unseen):
    for name in ("One", "Two", "Three", "Four"):
        NoticeFactory(title_en=name)
    NoticeFactory(emergency=True)

    assert titles(client.get("/en/")) == ["Four", "Three", "Two"]


def test_home_made_anew_reads_its_news_only_after_a_change(client, django_assert_num_queries):
    NoticeFactory(title_en="Before")
    client.get("/en/")
    caches["pages"].clear()

    with django_assert_num_queries(1):  # the content version
        assert titles(client.get("/en/")) == ["Before"]

    NoticeFactory(title_en="After")
    assert titles(client.get("/en/")) == ["After", "Before"]


def test_home_without_news_still_leads_to_them(client):
    page = text(client.get("/en/"))

    assert "Information from the city for its residents, in your language." in page
    assert 'href="/en/notices/"' in page


# --- One notice ----------------------------------------------------------------------------------


def test_notice_in_the_readers_language_has_no_bar(client):
    notice = NoticeFactory(title_ne="सूचना", body_ne="पाठ")

    page = text(client.get(f"/ne/notices/{notice.public_id}/"))

    assert "<h1>सूचना</h1>" in page
    assert "<p>पाठ</p>" in page
    assert 'class="bar"' not in page


def test_notice_in_another_language_stands_under_a_bar(client):
    notice = NoticeFactory(title_en="Only in two")

    page = text(client.get(f"/ar/notices/{notice.public_id}/"))

    assert page.count('class="bar"') == 1
    assert '<h1><span lang="en" dir="ltr">Only in two</span></h1>' in page
    assert '<div class="prose" lang="en" dir="ltr">' in page


@pytest.mark.parametrize("path", ["/ar/", "/ar/notices/"])
def test_c3_numbers_keep_their_order_wherever_a_page_shows_them(client, path):
    NoticeFactory(title_ar="اتصل 0570-013904 أو #7119", body_ar="متن")

    page = text(client.get(path))

    assert "\u20660570-013904\u2069" in page
    assert "\u2066#7119\u2069" in page


def test_c3_what_somebody_typed_comes_back_without_isolates(client):
    page = text(client.post("/ar/notices/subscribe/", {"address": "03-5744-1111"}))

    assert 'value="03-5744-1111"' in page


def test_notice_whose_translation_nobody_has_checked_is_read_in_another_language(client):
    notice = NoticeFactory(title_ne="मेसिन", body_ne="मेसिन")
    notice.translations.filter(language="ne").update(state="unreviewed")

    page = text(client.get(f"/ne/notices/{notice.public_id}/"))

    assert "मेसिन" not in page
    assert "The whole text." in page


def test_notice_that_is_not_out_is_not_there(client, unseen):
    draft, pending, early, late = unseen

    assert [client.get(f"/en/notices/{it.public_id}/").status_code for it in (draft, pending, early)] == [404] * 3
    gone = client.get(f"/en/notices/{late.public_id}/")
    assert (gone.status_code, "This notice has been withdrawn" in text(gone), "Secret" in text(gone)) == (
        410,
        True,
        False,
    )


def test_notice_page_with_many_versions_needs_few_queries(client, django_assert_num_queries):
    first = NoticeFactory(title_en="First")
    for _number in range(5):
        draft = correct(first, by=first.author)
        publish(draft)
    client.get("/en/notices/asked/")

    with django_assert_num_queries(6):
        page = client.get(f"/en/notices/{first.public_id}/")

    assert len(re.findall(r'<li><a href="/en/notices/[\w-]{22}/">', text(page))) == 5
    assert "There is newer information:" in text(page)


def test_notice_that_has_ended_says_so(client, past):
    ended = NoticeFactory()
    end(ended, by=ended.author)

    assert "This notice is no longer current." in text(client.get(f"/en/notices/{ended.public_id}/"))
    assert "This notice has expired." in text(client.get(f"/en/notices/{past.public_id}/"))


@pytest.mark.parametrize("language", LANGUAGES)
def test_emergency_page_says_level_action_area_and_source_in_every_language(client, language):
    alarm = NoticeFactory(emergency=True, until=timezone.now() + HOUR)
    level, pattern = alert_levels()[4], alert_templates()["evacuate"]

    page = text(client.get(f"/{language}/notices/{alarm.public_id}/"))

    for words in (level.names[language], level.actions[language], pattern.titles[language]):
        assert annotate_page(words, furigana=language == "ja-simple") in page
    assert annotate_page(settings.CITY.area("omori", language), furigana=language == "ja-simple") in page
    assert "<bdi>Ota City</bdi>" in page
    assert (
        page.index('class="level-band')
        < page.index("<h1>")
        < page.index('class="prose"')
        < page.index('class="answer"')
    )
    assert 'class="bar"' not in page
    assert (
        f'<link rel="alternate" type="application/cap+xml" href="/{language}/notices/{alarm.public_id}/alert.xml">'
        in page
    )


def test_drill_says_so_first(client):
    drill = NoticeFactory(emergency=True, is_exercise=True)

    page = text(client.get(f"/en/notices/{drill.public_id}/"))

    assert "<title>Drill – Evacuation order – " in page
    assert page.index("This is a drill. Nothing has happened.") < page.index('class="level-band"')
    assert "level-band grave" not in page


def test_notice_of_an_event_comes_as_a_calendar_file_in_each_language(client):
    starts_at = datetime.datetime(2026, 12, 5, 1, 0, tzinfo=datetime.UTC)
    notice = NoticeFactory(title_ne="भेला", body_ne="पाठ", starts_at=starts_at, place_ja="大森会館")

    assert f'href="/ne/notices/{notice.public_id}/calendar.ics"' in text(client.get(f"/ne/notices/{notice.public_id}/"))
    file = client.get(f"/ne/notices/{notice.public_id}/calendar.ics")
    lines = text(file).split("\r\n")

    assert (file.status_code, file["Content-Type"]) == (200, "text/calendar; charset=utf-8")
    assert "SUMMARY;LANGUAGE=ne:भेला" in lines
    assert "DTSTART;TZID=Asia/Tokyo:20261205T100000" in lines
    assert f"UID:{notice.public_id}@localhost:8000" in lines
    english = text(client.get(f"/en/notices/{notice.public_id}/calendar.ics"))
    assert f"UID:{notice.public_id}@localhost:8000" in english
    assert client.get(f"/en/notices/{NoticeFactory().public_id}/calendar.ics").status_code == 404


@pytest.mark.parametrize("language", ["ne", "ar", "vi", "ko", "zh-hans"])
def test_place_without_a_name_in_the_readers_language_stands_in_english(client, language):
    """Kanji without furigana do not help anyone who asks the way."""
    texts = {f"title_{SPOKEN[language].column}": "T", f"body_{SPOKEN[language].column}": "B"}
    places = {"place_ja": "大森会館", "place_en": "Omori Hall"}
    notice = NoticeFactory(**texts, **places, starts_at=timezone.now() + HOUR)

    page = text(client.get(f"/{language}/notices/{notice.public_id}/"))
    file = text(client.get(f"/{language}/notices/{notice.public_id}/calendar.ics"))

    assert '<dd><span lang="en" dir="ltr">Omori Hall</span></dd>' in page
    assert "大森会館" not in page
    assert "LOCATION;LANGUAGE=en:Omori Hall" in file
    assert f"SUMMARY;LANGUAGE={language}:T" in file


def test_place_in_a_text_that_nobody_has_checked_is_not_shown():
    notice = NoticeFactory(title_ne="भेला", body_ne="पाठ", place_ja="大森会館", place_en="Omori Hal")
    notice.translations.filter(language="en").update(state="unreviewed")

    place = present(Notice.objects.get(pk=notice.pk), "ne").place

    assert (place.value, place.language.code) == ("大森会館", "ja")


@pytest.mark.parametrize("language", LANGUAGES)
def test_event_of_several_days_says_from_when_to_when_in_words(client, language):
    begins = datetime.datetime(2026, 12, 5, 1, 0, tzinfo=datetime.UTC)
    notice = NoticeFactory(starts_at=begins, ends_at=begins + datetime.timedelta(days=2, hours=7))

    page = text(client.get(f"/{language}/notices/{notice.public_id}/"))
    with translation.override(language):
        when = present(notice, language).when

    shown = annotate_page(when[0].upper() + when[1:], furigana=language == "ja-simple")
    assert (isolate_digit_runs(shown) if language == "ar" else shown) in page
    assert not re.search("[–〜～~]", when)
    assert (when.count("10:00"), when.count("17:00")) == (1, 1)
    if language == "en":
        assert when == "from 5 December 2026, 10:00 to 7 December 2026, 17:00"


def test_calendar_file_of_what_is_not_out_is_not_there(client):
    draft = NoticeFactory(is_published=False, starts_at=timezone.now())

    assert client.get(f"/en/notices/{draft.public_id}/calendar.ics").status_code == 404


def event_of(client, notice, language="en") -> tuple[str, int, str, datetime.datetime]:
    """Return what a calendar goes by: UID, SEQUENCE, STATUS and the start."""
    response = client.get(f"/{language}/notices/{notice.public_id}/calendar.ics")
    assert response.status_code == 200
    [event] = Calendar.from_ical(response.content).walk("VEVENT")
    return str(event["uid"]), int(event["sequence"]), str(event["status"]), event.decoded("dtstart")


@pytest.fixture
def festival():
    """News of an event in three days, which stands on the home page until tomorrow."""
    starts_at = (timezone.now() + 72 * HOUR).replace(microsecond=0)
    return NoticeFactory(starts_at=starts_at, until=timezone.now() + 24 * HOUR)


def test_f1_event_of_news_that_left_the_front_page_takes_place(client, festival):
    before = event_of(client, festival)
    Notice.objects.filter(pk=festival.pk).update(until=timezone.now() - HOUR)
    assert event_of(client, festival) == before
    assert end_past_notices() == 1
    assert event_of(client, festival) == before == (f"{festival.public_id}@localhost:8000", 0, "CONFIRMED", before[3])


def test_f1_event_of_news_that_staff_ended_takes_place(client, festival):
    before = event_of(client, festival)
    end(festival, by=festival.author)
    assert event_of(client, festival) == before


@pytest.mark.parametrize("state", ["sending", "paused", "done"])
def test_f2_withdrawn_news_take_their_event_out_of_the_calendar(client, festival, state):
    uid, sequence, status, starts_at = event_of(client, festival)
    Notice.objects.filter(pk=festival.pk).update(state=state)
    cancel(festival, by=festival.author)
    assert (sequence, status) == (0, "CONFIRMED")
    for language in LANGUAGES:
        assert event_of(client, festival, language) == (uid, 1, "CANCELLED", starts_at)


def corrected(notice, starts_at) -> Notice:
    draft = correct(notice, by=notice.author)
    Notice.objects.filter(pk=draft.pk).update(starts_at=starts_at)
    return publish(Notice.objects.get(pk=draft.pk))


def test_f3_corrected_date_moves_the_entry_that_readers_have(client, festival):
    uid, _sequence, _status, starts_at = event_of(client, festival)
    second = corrected(festival, starts_at + 24 * HOUR)
    third = corrected(second, starts_at + 48 * HOUR)
    wanted = (uid, 2, "CONFIRMED", starts_at + 48 * HOUR)
    assert [event_of(client, it) for it in (festival, second, third)] == [wanted] * 3


def test_f3_two_corrections_of_one_notice_are_two_changes(client, festival):
    uid, _sequence, _status, starts_at = event_of(client, festival)
    corrected(festival, starts_at + 24 * HOUR)
    assert event_of(client, corrected(festival, starts_at + HOUR)) == (uid, 2, "CONFIRMED", starts_at + HOUR)


def test_f3_withdrawing_the_wrong_version_does_not_cancel_the_event(client, festival):
    uid, _sequence, _status, starts_at = event_of(client, festival)
    second = corrected(festival, starts_at + 24 * HOUR)
    cancel(festival, by=festival.author)
    assert event_of(client, second) == (uid, 2, "CONFIRMED", starts_at + 24 * HOUR)
    cancel(second, by=second.author)
    assert event_of(client, second) == (uid, 3, "CANCELLED", starts_at + 24 * HOUR)


@pytest.mark.parametrize("language", LANGUAGES)
def test_case_18_whole_days_have_no_hours(client, language):
    first, last = (datetime.datetime(2027, 8, day, 15, 0, tzinfo=datetime.UTC) for day in (13, 15))
    exhibition = NoticeFactory(starts_at=first, ends_at=last, is_all_day=True)
    lines = text(client.get(f"/{language}/notices/{exhibition.public_id}/calendar.ics")).split("\r\n")
    assert "DTSTART;VALUE=DATE:20270814" in lines
    assert "DTEND;VALUE=DATE:20270817" in lines
    with translation.override(language):
        when = present(exhibition, language).when
    assert ":" not in when
    if language == "en":
        assert when == "from 14 August 2027 to 16 August 2027"
        assert "From 14 August 2027 to 16 August 2027" in text(client.get(f"/en/notices/{exhibition.public_id}/"))


def test_case_18_one_whole_day_is_one_date(client):
    day = NoticeFactory(starts_at=datetime.datetime(2027, 8, 13, 15, 0, tzinfo=datetime.UTC), is_all_day=True)
    lines = text(client.get(f"/en/notices/{day.public_id}/calendar.ics")).split("\r\n")
    assert "DTSTART;VALUE=DATE:20270814" in lines
    assert "DTEND;VALUE=DATE:20270815" in lines
    with translation.override("en"):
        assert present(day, "en").when == "14 August 2027"
    assert correct(day, by=day.author).is_all_day is True


def test_f3_draft_of_a_correction_changes_no_calendar(client, festival):
    before = event_of(client, festival)
    correct(festival, by=festival.author)
    assert event_of(client, festival) == before


def test_pages_carry_no_style_or_script_of_their_own(client):
    alarm = NoticeFactory(emergency=True)
    for path in ("", "archive/", "subscribe/", f"{alarm.public_id}/"):
        page = text(client.get(f"/en/notices/{path}"))
        assert re.findall(r"\sstyle=|\son\w+=|<script", page) == [], path


# --- Banners -------------------------------------------------------------------------------------


@pytest.mark.parametrize("language", LANGUAGES)
def test_banner_stands_above_every_page_in_the_readers_language(client, language):
    alarm = NoticeFactory(emergency=True)
    title = annotate_page(alert_templates()["evacuate"].titles[language], furigana=language == "ja-simple")

    for path in ("", "guide/", "notices/", "search/", "me/login/", "notices/subscribe/"):
        page = text(client.get(f"/{language}/{path}")).split("<main")[0]
        assert f'<a href="/{language}/notices/{alarm.public_id}/">{title}</a>' in page, path
        assert 'class="banner grave"' in page


def test_banner_of_level_4_cannot_be_put_away(client):
    alarm = NoticeFactory(emergency=True)

    assert "put-away" not in text(client.get("/en/"))
    response = client.post(f"/en/notices/{alarm.public_id}/put-away/", {"next": "/en/"})

    assert response.cookies == {}
    client.cookies["put_away"] = alarm.public_id
    assert 'class="banner' in text(client.get("/en/guide/"))


def test_banner_below_level_4_is_put_away_by_a_button_without_a_token(new_client):
    warning = NoticeFactory(emergency=True, pattern="typhoon", level=2, placeholders={"date": "2026-12-01"})
    reader = new_client(enforce_csrf_checks=True)
    assert f'action="/en/notices/{warning.public_id}/put-away/"' in text(reader.get("/en/guide/"))

    response = reader.post(f"/en/notices/{warning.public_id}/put-away/", {"next": "/en/guide/"})

    assert (response.status_code, response["Location"]) == (302, "/en/guide/")
    assert response.cookies["put_away"].value == warning.public_id
    assert 'class="banner' not in text(reader.get("/en/guide/"))
    assert 'class="banner warning"' in text(new_client().get("/en/guide/"))
    assert "Typhoon approaching" in text(reader.get("/en/emergency/"))


@pytest.mark.parametrize("back", ["https://evil.example/", "//evil.example/", "/\\evil.example", "", "javascript:x"])
def test_putting_a_banner_away_never_leads_elsewhere(client, back):
    warning = NoticeFactory(emergency=True, level=3)

    response = client.post(f"/en/notices/{warning.public_id}/put-away/", {"next": back})

    assert response["Location"] == f"/en/notices/{warning.public_id}/"


def test_banner_put_away_by_get_is_refused(client):
    warning = NoticeFactory(emergency=True, level=3)

    assert client.get(f"/en/notices/{warning.public_id}/put-away/").status_code == 405


def test_banners_stand_gravest_first_and_only_as_long_as_they_hold(client):
    low = NoticeFactory(emergency=True, level=1)
    high = NoticeFactory(emergency=True, level=5)
    drill = NoticeFactory(emergency=True, level=3, is_exercise=True)
    order = re.findall(r'id="banner-([\w-]+)"', text(client.get("/en/guide/")))
    assert order == [high.public_id, drill.public_id, low.public_id]

    end(high, by=high.author)

    assert high.public_id not in text(client.get("/en/guide/"))
    Notice.objects.filter(pk=low.pk).update(until=timezone.now() - HOUR)
    assert end_past_notices() == 1
    assert re.findall(r'id="banner-([\w-]+)"', text(client.get("/en/guide/"))) == [drill.public_id]


def test_banner_of_a_drill_says_so_and_news_have_none(client):
    NoticeFactory(emergency=True, is_exercise=True)
    NoticeFactory(title_en="Just news")

    page = text(client.get("/en/guide/")).split("<main")[0]

    assert 'class="banner drill"' in page
    assert "Drill" in page
    assert "Just news" not in page


def test_banner_costs_a_page_no_query_once_it_is_known(client, new_client, django_assert_num_queries):
    NoticeFactory(emergency=True)
    client.get("/en/guide/")
    with django_assert_num_queries(1):  # the content version, which the page cache reads
        page = new_client().get("/en/notices/subscribe/asked/")
    assert 'class="banner' in text(page)
    with django_assert_num_queries(1):
        new_client().get("/en/guide/")


def test_banner_is_left_out_of_its_own_page_and_of_the_emergency_page(client):
    alarm = NoticeFactory(emergency=True)

    assert 'class="banner' not in text(client.get(f"/en/notices/{alarm.public_id}/"))
    page = text(client.get("/en/emergency/"))
    assert 'class="banner' not in page
    assert page.index("Go to Omori Elementary School") < page.index("tel:119")


def test_emergency_page_stays_light_while_emergencies_hold(client):
    for _number in range(3):
        NoticeFactory(emergency=True)

    page = client.get("/ja-simple/emergency/", headers={"accept-encoding": "gzip"})

    assert len(page.content) < 20_000


# --- Subscribing ---------------------------------------------------------------------------------


def ask(client, asked_for, *, path="/ne/notices/subscribe/", **words):
    typed = {"topics": [topic.code for topic in asked_for], "language": "ne", "address": "sita@example.org"}
    return client.post(path, typed | words)


def test_form_in_easy_japanese_can_be_read_in_its_lists_too(client):
    TopicFactory(name_ja_simple="{健康|けんこう}")

    page = text(client.get("/ja-simple/notices/subscribe/"))
    client.post("/choose/", {"furigana": "off", "next": "/"})
    without = text(client.get("/ja-simple/notices/subscribe/"))

    assert '<option value="omori">大森（おおもり）</option>' in page
    assert '<option value="omori">大森</option>' in without
    for option in re.findall(r"<option.*?</option>", page, re.S):
        assert not KANJI.search(re.sub(r"<[^>]*>|[㐀-鿿々]+（[ぁ-ん]+）", "", option)) or "lang=" in option, option


def test_form_begins_in_the_readers_language(client):
    TopicFactory(name_en="Health")

    page = text(client.get("/ne/notices/subscribe/"))

    assert '<option value="ne" selected lang="ne" dir="ltr">' in page
    assert 'type="email" name="address"' in page
    assert "Health" in page


def test_asking_writes_one_message_and_no_more_than_a_wish(client):
    topic, _other = TopicFactory(), TopicFactory()

    response = ask(client, [topic], area="omori", second_language="ja-simple")

    assert (response.status_code, response["Location"]) == (302, "/ne/notices/subscribe/asked/")
    wish = Subscription.objects.get()
    assert (wish.address, wish.state, wish.language) == ("sita@example.org", SubscriptionState.PENDING, "ne")
    assert (wish.second_language, wish.area, list(wish.topics.all())) == ("ja-simple", "omori", [topic])
    assert list(Message.objects.values_list("kind", "address")) == [
        ("notices/confirm_subscription", "sita@example.org")
    ]


def test_answer_is_the_same_whoever_asks_for_whom(client, new_client):
    topic = TopicFactory()
    SubscriptionFactory(address="known@example.org", topics=[topic])
    pages = []
    for address in ("known@example.org", "unknown@example.org"):
        reader = new_client()
        response = ask(reader, [topic], address=address)
        pages.append((response.status_code, response["Location"], reader.get(response["Location"]).content))

    assert pages[0] == pages[1]
    assert set(Message.objects.values_list("kind", flat=True)) == {
        "notices/already_subscribed",
        "notices/confirm_subscription",
    }


@pytest.mark.parametrize(
    "address", ["", "sita", "sita@", "a" * 300 + "@example.org", "sita@example.org\nBcc: x@example.org", "<b>@x.y"]
)
def test_wrong_address_keeps_what_was_typed_and_writes_nothing(client, address):
    topic = TopicFactory(name_en="Health")

    page = ask(client, [topic], address=address, area="omori", path="/en/notices/subscribe/")

    assert page.status_code == 400
    assert "Check your answers" in text(page)
    assert 'href="#id_address"' in text(page)
    assert re.search(rf'value="{topic.code}"[^>]* checked', text(page))
    assert '<option value="omori" selected>' in text(page)
    assert (Subscription.objects.count(), Message.objects.count()) == (0, 0)


@pytest.mark.parametrize(
    ("field", "value"), [("topics", []), ("topics", ["nothing"]), ("language", "tlh"), ("area", "nowhere")]
)
def test_wrong_wishes_are_told_beside_their_field(client, field, value):
    page = ask(client, [TopicFactory()], path="/en/notices/subscribe/", **{field: value})

    assert page.status_code == 400
    assert f'id="id_{field}_error"' in text(page)
    assert 'value="sita@example.org"' in text(page)
    assert Subscription.objects.count() == 0


def test_asking_too_often_from_one_address_is_stopped(client):
    topic = TopicFactory()
    answers = [ask(client, [topic], address=f"a{number}@example.org").status_code for number in range(31)]

    assert (answers[29], answers[30]) == (302, 429)


def path_of(subscription, purpose, language="ne") -> str:
    url = {
        links.CONFIRM: links.confirm_url,
        links.MANAGE: links.settings_url,
        links.UNSUBSCRIBE: links.unsubscribe_url,
    }[purpose]
    return url(subscription, language).removeprefix(settings.SITE_URL)


@pytest.fixture
def wish():
    return SubscriptionFactory(
        state=SubscriptionState.PENDING, confirmed_at=None, topics=[TopicFactory(name_en="Health")]
    )


def test_link_shows_and_button_confirms(client, wish):
    path = path_of(wish, links.CONFIRM, "en")

    page = client.get(path)
    assert "Would you like to get our news?" in text(page)
    assert "Health" in text(page)
    assert Subscription.objects.get().state == SubscriptionState.PENDING

    assert "You have signed up for our news" in text(client.post(path))
    assert Subscription.objects.get().state == SubscriptionState.ACTIVE
    assert "You have signed up for our news" in text(client.post(path))
    assert "You have signed up for our news" in text(client.get(path))


def test_pages_behind_a_link_are_kept_by_nobody(client, wish):
    response = client.get(path_of(wish, links.CONFIRM))

    assert "no-store" in response["Cache-Control"]
    assert response["X-Robots-Tag"] == "noindex"
    assert response["Referrer-Policy"] == "same-origin"


def test_settings_are_shown_changed_and_kept(client):
    old, new = TopicFactory(name_en="Old"), TopicFactory(name_en="New")
    subscription = SubscriptionFactory(topics=[old], area="omori")
    path = path_of(subscription, links.MANAGE, "en")
    page = text(client.get(path))
    assert re.search(rf'value="{old.code}"[^>]* checked', page)
    assert '<option value="omori" selected>' in page
    assert '<option value="ne" selected lang="ne" dir="ltr">' in page

    saved = client.post(path, {"topics": [new.code], "language": "vi", "second_language": "en", "area": ""})

    assert "Your changes have been saved." in text(saved)
    subscription.refresh_from_db()
    assert (subscription.language, subscription.second_language, subscription.area) == ("vi", "en", "")
    assert list(subscription.topics.all()) == [new]
    assert client.post(path, {"topics": [], "language": "vi"}).status_code == 400
    assert list(subscription.topics.all()) == [new]


def test_leaving_shows_first_and_acts_on_the_button(client):
    subscription = SubscriptionFactory()
    path = path_of(subscription, links.UNSUBSCRIBE, "en")

    assert "We will stop sending you news and delete your contact details." in text(client.get(path))
    subscription.refresh_from_db()
    assert subscription.state == SubscriptionState.ACTIVE
    assert "You will not get any more news from us" in text(client.post(path))
    subscription.refresh_from_db()
    assert (subscription.state, "@" in subscription.address) == (SubscriptionState.UNSUBSCRIBED, False)
    again = client.post(path)
    assert (again.status_code, "You will not get any more news from us" in text(again)) == (200, True)
    assert client.get(path_of(subscription, links.MANAGE)).status_code == 410
    assert client.get(path_of(subscription, links.CONFIRM)).status_code == 410


def test_page_after_leaving_leads_nowhere_that_is_shut(client):
    subscription = SubscriptionFactory()

    page = text(client.post(path_of(subscription, links.UNSUBSCRIBE, "en")))
    shut = text(client.get(path_of(subscription, links.MANAGE, "en")))

    for last in (page, shut):
        addresses = set(re.findall(r'href="(/en/[^"]*)"', last))
        assert "/en/notices/subscribe/" in addresses
        assert not any("/subscription/settings/" in address for address in addresses)
        found = {address: client.get(address).status_code for address in addresses}
        assert {address: status for address, status in found.items() if status >= 400} == {}


def test_mail_programs_leave_with_one_post(new_client):
    """RFC 8058: no cookies, no token, and the body that the header requires."""
    subscription = SubscriptionFactory()
    program = new_client(enforce_csrf_checks=True)

    response = program.post(
        path_of(subscription, links.UNSUBSCRIBE),
        "List-Unsubscribe=One-Click",
        content_type="application/x-www-form-urlencoded",
    )

    subscription.refresh_from_db()
    assert (response.status_code, subscription.state) == (200, SubscriptionState.UNSUBSCRIBED)


@pytest.mark.parametrize("name", ["confirm", "settings", "leave"])
def test_link_that_is_not_ours_opens_nothing(client, wish, name):
    own = SubscriptionFactory()
    purpose = {"confirm": links.CONFIRM, "settings": links.MANAGE, "leave": links.UNSUBSCRIBE}
    others = [token for other, token in ((it, links.token_for(own, purpose[it])) for it in purpose) if other != name]
    forged = [
        make_token("subscription/other", own.public_id, own.link_version),
        own.public_id,
        "x",
        f"{own.public_id}~a~b",
    ]

    for token in (*others, *forged):
        response = client.post(f"/en/notices/subscription/{name}/{token}/")
        assert (response.status_code, "This link no longer works" in text(response)) == (410, True), token
    own.refresh_from_db()
    assert own.state == SubscriptionState.ACTIVE


def test_link_to_confirm_runs_out_and_the_one_to_leave_never(client, wish, monkeypatch):
    with monkeypatch.context() as then:
        then.setattr("time.time", (timezone.now() - Subscription.TIME_TO_PROVE - HOUR).timestamp)
        confirm = path_of(wish, links.CONFIRM)
    with monkeypatch.context() as then:
        then.setattr("time.time", (timezone.now() - datetime.timedelta(days=4000)).timestamp)
        leave = path_of(SubscriptionFactory(), links.UNSUBSCRIBE)

    assert client.get(confirm).status_code == 410
    assert client.get(leave).status_code == 200


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_page_of_the_subscription_is_in_the_links_language(client, wish, language):
    subscription = SubscriptionFactory()
    paths = [path_of(wish, links.CONFIRM, language)]
    paths += [path_of(subscription, purpose, language) for purpose in (links.MANAGE, links.UNSUBSCRIBE)]

    for path in (*paths, f"/{language}/notices/subscribe/", f"/{language}/notices/subscribe/asked/"):
        page = client.get(path)
        assert page.status_code == 200
        assert f'<html lang="{language}" dir="{SPOKEN[language].dir}"' in text(page)
        assert page["Content-Language"] == language
