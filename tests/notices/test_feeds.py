"""Notices for other programs: Atom (RFC 4287) and CAP 1.2 (OASIS)."""

import datetime
from xml.etree import ElementTree as ET

import pytest
from django.conf import settings
from django.utils import timezone

from services.base.refusals import Refused
from services.languages.furigana import strip_readings
from services.languages.registry import SPOKEN
from services.notices.alert_templates import alert_levels, alert_templates
from services.notices.emergencies.actions import add_language, end, end_past_notices
from services.notices.models import Notice
from services.notices.news.approval import cancel
from tests.factories import NoticeFactory, TopicFactory, UserFactory

pytestmark = pytest.mark.django_db
LANGUAGES = [language.code for language in settings.CITY.offered()]
HOUR = datetime.timedelta(hours=1)
SPACES = {"atom": "http://www.w3.org/2005/Atom", "cap": "urn:oasis:names:tc:emergency:cap:1.2"}
LANG = "{http://www.w3.org/XML/1998/namespace}lang"
# The elements that we use, in the order of the standard's schema.
ALERT_ORDER = ["identifier", "sender", "sent", "status", "msgType", "source", "scope", "references", "info"]
INFO_ORDER = [
    "language",
    "category",
    "event",
    "responseType",
    "urgency",
    "severity",
    "certainty",
    "effective",
    "expires",
    "senderName",
    "headline",
    "description",
    "instruction",
    "web",
    "area",
]


def parsed(client, path: str, kind: str) -> ET.Element:
    response = client.get(path)
    assert (response.status_code, response["Content-Type"]) == (200, f"application/{kind}+xml; charset=utf-8")
    return ET.fromstring(response.content)


def atom(client, path: str) -> ET.Element:
    return parsed(client, path, "atom")


def cap(client, notice, language="en") -> ET.Element:
    return parsed(client, f"/{language}/notices/{notice.public_id}/alert.xml", "cap")


def said(element: ET.Element, name: str, space="cap") -> list[str]:
    """Return the texts of all children with that name."""
    return [child.text for child in element.findall(f"{space}:{name}", SPACES)]


def names(element: ET.Element) -> list[str]:
    return list(dict.fromkeys(child.tag.rpartition("}")[2] for child in element))


def html_of(entry: ET.Element) -> str:
    content = entry.find("atom:content", SPACES)
    assert content.attrib == {"type": "html"}
    return content.text


# --- Atom ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("language", LANGUAGES)
def test_feed_is_in_its_language_and_links_to_the_others(client, language):
    column = SPOKEN[language].column
    notice = NoticeFactory(**{f"title_{column}": "Own & <words>", f"body_{column}": "One **two**"})

    feed = atom(client, f"/{language}/notices/feed/")

    assert feed.tag == f"{{{SPACES['atom']}}}feed"
    assert feed.attrib == {LANG: language}
    links = [link.attrib for link in feed.findall("atom:link", SPACES)]
    assert sorted((it["rel"], it["hreflang"]) for it in links if "atom" in it["type"]) == sorted(
        ("self" if code == language else "alternate", code) for code in LANGUAGES
    )
    assert [it["href"] for it in links if it["type"] == "text/html"] == [f"{settings.SITE_URL}/{language}/notices/"]
    (entry,) = feed.findall("atom:entry", SPACES)
    assert entry.attrib == {LANG: language}
    assert said(entry, "title", "atom") == ["Own & <words>"]
    assert said(entry, "summary", "atom") == ["One two"]
    assert "<p>One <strong>two</strong></p>" in html_of(entry)
    (link,) = entry.findall("atom:link", SPACES)
    assert link.attrib == {
        "rel": "alternate",
        "type": "text/html",
        "hreflang": language,
        "href": f"{settings.SITE_URL}/{language}/notices/{notice.public_id}/",
    }


def test_feed_has_what_the_standard_demands_and_ids_that_stay(client):
    NoticeFactory()

    first, again = atom(client, "/en/notices/feed/"), atom(client, "/en/notices/feed/")

    for feed in (first, again):
        assert names(feed) == ["id", "title", "updated", "author", "link", "entry"]
        assert names(feed.find("atom:entry", SPACES)) == [
            "id",
            "title",
            "updated",
            "published",
            "link",
            "category",
            "summary",
            "content",
        ]
    assert said(first, "id", "atom") == ["tag:localhost,2026:notices:all:en"] == said(again, "id", "atom")
    notice = Notice.objects.get()
    assert said(first.find("atom:entry", SPACES), "id", "atom") == [f"tag:localhost,2026:notice:{notice.public_id}:en"]


def test_feed_entry_in_another_language_says_so_to_programs_and_people(client):
    NoticeFactory(title_en="Only in two")

    (entry,) = atom(client, "/ar/notices/feed/").findall("atom:entry", SPACES)

    assert entry.attrib == {LANG: "en"}
    assert '<p lang="ar" dir="rtl">' in html_of(entry)
    assert '<div lang="en" dir="ltr"><p>The whole text.</p>' in html_of(entry)


def test_feed_shows_furigana_in_html_and_none_in_text(client):
    NoticeFactory(title_ja_simple="{水|みず}です", body_ja_simple="{水|みず}を {飲|の}みます。")

    (entry,) = atom(client, "/ja-simple/notices/feed/").findall("atom:entry", SPACES)

    assert said(entry, "title", "atom") == ["水です"]
    assert said(entry, "summary", "atom") == ["水を 飲みます。"]
    assert "<ruby>水<rp>(</rp><rt>みず</rt><rp>)</rp></ruby>を" in html_of(entry)


def test_feed_of_a_topic_holds_only_its_notices(client):
    topic = TopicFactory(name_en="Health")
    NoticeFactory(title_en="Mine", topic=topic)
    NoticeFactory(title_en="Another")

    feed = atom(client, f"/en/notices/feed/{topic.code}/")

    assert [said(entry, "title", "atom") for entry in feed.findall("atom:entry", SPACES)] == [["Mine"]]
    assert said(feed, "title", "atom") == ["Ota Multicultural Centre – Health"]
    category = feed.find("atom:entry/atom:category", SPACES)
    assert category.attrib == {"term": topic.code, LANG: "en", "label": "Health"}
    assert client.get("/en/notices/feed/nothing/").status_code == 404


def test_feed_holds_nothing_that_is_not_out(client):
    NoticeFactory(title_en="Secret draft", is_published=False)
    gone = NoticeFactory(title_en="Secret cancelled", is_published=False)
    cancel(gone, by=gone.author)

    feed = atom(client, "/en/notices/feed/")

    assert feed.findall("atom:entry", SPACES) == []
    assert said(feed, "updated", "atom") == ["2026-01-01T00:00:00Z"]


def test_feed_is_updated_when_a_notice_ends_or_comes_in_one_more_language(client):
    alarm = NoticeFactory(emergency=True)
    Notice.objects.update(published_at=timezone.now() - HOUR)
    alarm.translations.update(checked_at=timezone.now() - HOUR)
    alarm.translations.filter(language="ne").update(state="missing", checked_at=None)
    (before,) = said(atom(client, "/en/notices/feed/"), "updated", "atom")

    wording = add_language(alarm, "ne", title=alarm.title_ne, body=alarm.body_ne, by=UserFactory())
    (then,) = said(atom(client, "/en/notices/feed/"), "updated", "atom")
    end(alarm, by=alarm.author)
    feed = atom(client, "/en/notices/feed/")

    assert before < then == f"{wording.checked_at:%Y-%m-%dT%H:%M:%SZ}"
    alarm.refresh_from_db()
    assert said(feed, "updated", "atom") == [f"{alarm.ended_at:%Y-%m-%dT%H:%M:%SZ}"]
    assert "This notice is no longer current." in html_of(feed.find("atom:entry", SPACES))


def test_feed_says_level_area_and_drill(client):
    NoticeFactory(emergency=True, is_exercise=True)

    (entry,) = atom(client, "/en/notices/feed/").findall("atom:entry", SPACES)

    assert said(entry, "title", "atom") == ["Drill – Evacuation order"]
    assert "This is a drill. Nothing has happened." in html_of(entry)
    assert "<strong>Warning level 4: Evacuate</strong>" in html_of(entry)
    assert "Area: Omori" in html_of(entry)


def test_feed_ends_after_fifty(client):
    topic = TopicFactory()
    for _number in range(51):
        NoticeFactory(topic=topic)

    assert len(atom(client, "/en/notices/feed/").findall("atom:entry", SPACES)) == 50


# --- CAP ----------------------------------------------------------------------------------------


def test_alert_says_in_the_standards_order_what_it_must(client):
    alarm = NoticeFactory(emergency=True, until=timezone.now() + HOUR)

    root = cap(client, alarm)

    assert root.tag == f"{{{SPACES['cap']}}}alert"
    assert names(root) == [name for name in ALERT_ORDER if name != "references"]
    assert {name: said(root, name) for name in ALERT_ORDER[:-2]} == {
        "identifier": [alarm.public_id],
        "sender": ["localhost:8000"],
        "sent": [timezone.localtime(alarm.published_at).isoformat(timespec="seconds")],
        "status": ["Actual"],
        "msgType": ["Alert"],
        "source": ["Ota City"],
        "scope": ["Public"],
    }
    assert said(root, "sent")[0].endswith("+09:00")


def test_alert_has_one_info_for_each_language(client):
    alarm = NoticeFactory(emergency=True, until=timezone.now() + HOUR)
    level, pattern = alert_levels()[4], alert_templates()["evacuate"]

    infos = cap(client, alarm).findall("cap:info", SPACES)

    assert [said(info, "language") for info in infos] == [[code] for code in LANGUAGES]
    for code, info in zip(LANGUAGES, infos, strict=True):
        assert names(info) == INFO_ORDER
        told = {name: said(info, name)[0] for name in INFO_ORDER[:-1]}
        assert told == {
            "language": code,
            "category": "Safety",
            "event": strip_readings(pattern.titles[code]),
            "responseType": "Evacuate",
            "urgency": "Immediate",
            "severity": "Severe",
            "certainty": "Likely",
            "effective": timezone.localtime(alarm.published_at).isoformat(timespec="seconds"),
            "expires": timezone.localtime(alarm.until).isoformat(timespec="seconds"),
            "senderName": strip_readings(settings.CITY.name(code)),
            "headline": strip_readings(pattern.titles[code]),
            "description": strip_readings(pattern.fill(alarm.placeholders, code)),
            "instruction": strip_readings(level.actions[code]),
            "web": f"{settings.SITE_URL}/{code}/notices/{alarm.public_id}/",
        }
        assert said(info.find("cap:area", SPACES), "areaDesc") == [strip_readings(settings.CITY.area("omori", code))]


def test_alert_leaves_out_the_languages_that_nobody_has_checked(client):
    alarm = NoticeFactory(emergency=True)
    alarm.translations.filter(language__in=["ne", "ar"]).update(state="unreviewed")

    infos = cap(client, alarm).findall("cap:info", SPACES)

    assert [said(info, "language")[0] for info in infos] == [code for code in LANGUAGES if code not in {"ne", "ar"}]


def test_alert_of_a_drill_is_an_exercise(client):
    root = cap(client, NoticeFactory(emergency=True, is_exercise=True))

    assert said(root, "status") == ["Exercise"]
    english = root.findall("cap:info", SPACES)[LANGUAGES.index("en")]
    assert said(english, "headline") == ["Drill – Evacuation order"]


def test_alert_ended_by_hand_is_a_cancel_of_the_first(client):
    alarm = NoticeFactory(emergency=True, until=timezone.now() + HOUR)
    end(alarm, by=alarm.author)
    alarm.refresh_from_db()

    root = cap(client, alarm)

    sent = timezone.localtime(alarm.published_at).isoformat(timespec="seconds")
    assert said(root, "msgType") == ["Cancel"]
    assert said(root, "identifier") == [f"{alarm.public_id}-end"]
    assert said(root, "sent") == [timezone.localtime(alarm.ended_at).isoformat(timespec="seconds")]
    assert said(root, "references") == [f"localhost:8000,{alarm.public_id},{sent}"]
    assert names(root) == ALERT_ORDER


def test_alert_past_its_time_stays_as_it_was_sent(client):
    alarm = NoticeFactory(emergency=True)
    Notice.objects.update(until=timezone.now() - HOUR, published_at=timezone.now() - 2 * HOUR)
    assert end_past_notices() == 1

    root = cap(client, alarm)

    assert (said(root, "msgType"), said(root, "identifier")) == (["Alert"], [alarm.public_id])


def test_alert_that_updates_another_names_it_and_the_other_is_over(client):
    first = NoticeFactory(emergency=True, level=3, until=timezone.now() + HOUR)
    second = NoticeFactory(emergency=True, level=4, updates=first)
    first.refresh_from_db()

    newer, older = cap(client, second), cap(client, first)

    sent = timezone.localtime(first.published_at).isoformat(timespec="seconds")
    assert said(newer, "msgType") == ["Update"]
    assert said(newer, "references") == [f"localhost:8000,{first.public_id},{sent}"]
    assert (said(older, "msgType"), said(older, "references")) == (["Alert"], [])
    over = timezone.localtime(first.ended_at).isoformat(timespec="seconds")
    assert said(older.find("cap:info", SPACES), "expires") == [over]


def test_c18_update_and_cancel_name_every_message_that_they_replace(client):
    chain = [NoticeFactory(emergency=True, until=timezone.now() + HOUR)]
    for _turn in range(3):
        chain.append(NoticeFactory(emergency=True, until=timezone.now() + HOUR, updates=chain[-1]))
    names = [
        f"localhost:8000,{it.public_id},{timezone.localtime(it.published_at).isoformat(timespec='seconds')}"
        for it in chain
    ]
    assert said(cap(client, chain[1]), "references") == [names[0]]
    assert said(cap(client, chain[3]), "references") == [" ".join(reversed(names[:3]))]
    end(chain[3], by=chain[3].author)
    last = cap(client, chain[3])
    assert (said(last, "msgType"), said(last, "references")) == (["Cancel"], [" ".join(reversed(names))])


def test_alert_in_universal_time_is_written_as_cap_demands(client):
    alarm = NoticeFactory(emergency=True)
    with timezone.override(datetime.UTC):
        root = cap(client, alarm)

    assert said(root, "sent")[0].endswith("-00:00")


def test_alert_of_what_is_no_emergency_or_not_out_is_not_there(client):
    news = NoticeFactory()
    alarm = NoticeFactory(emergency=True)
    with pytest.raises(Refused, match="You cannot cancel an emergency notice"):
        cancel(alarm, by=alarm.author)

    assert client.get(f"/en/notices/{news.public_id}/alert.xml").status_code == 404
    assert client.get(f"/en/notices/{alarm.public_id}/alert.xml").status_code == 200


def test_alert_needs_the_same_few_queries_whatever_the_languages(client, django_assert_num_queries):
    alarm = NoticeFactory(emergency=True)

    with django_assert_num_queries(3):
        client.get(f"/en/notices/{alarm.public_id}/alert.xml")
