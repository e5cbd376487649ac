"""Notices for programs: Atom for each language and topic (RFC 4287), CAP 1.2 (OASIS) for emergencies."""

import datetime
from xml.etree import ElementTree as ET

from django.conf import settings
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone, translation
from django.utils.translation import pgettext

from services.base.markdown import as_words
from services.languages.ruby import annotate_page, as_plain
from services.languages.table import SPOKEN, Language
from services.languages.text import text_of
from services.notices.models import Notice, Topic
from services.notices.patterns import levels, patterns
from services.notices.reading import NoticeWords, columns_out_of_sight, readable_languages, words_of

NEWEST = 50
ATOM, CAP = "http://www.w3.org/2005/Atom", "urn:oasis:names:tc:emergency:cap:1.2"
_BEGINNING = datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)  # of a feed in which nothing has stood yet


# --- Atom ---------------------------------------------------------------------------------------


def atom(language: str, topic: Topic | None) -> bytes:
    """The newest notices for readers of `language`, which must be the active one; of one topic, or of all."""
    notices = Notice.objects.published().select_related("topic").prefetch_related("wordings")
    notices = notices.filter(topic=topic) if topic else notices
    notices = list(notices.defer(*columns_out_of_sight(language))[:NEWEST])
    feed = ET.Element("feed", {"xmlns": ATOM, "xml:lang": language})
    _add(feed, "id", _id("notices", topic.code if topic else "all", language))
    _add(feed, "title", " – ".join(_title_of_feed(language, topic)))
    _add(feed, "updated", _utc(max(map(_updated, notices), default=_BEGINNING)))
    _add(_add(feed, "author"), "name", as_plain(settings.CITY.centre(language)))
    _link_feed(feed, language, topic)
    for notice in notices:
        _add_entry(feed, notice, words_of(notice, language), SPOKEN[language])
    return _as_file(feed)


def _title_of_feed(language: str, topic: Topic | None) -> list[str]:
    centre = as_plain(settings.CITY.centre(language))
    return [centre, as_plain(text_of(topic, "name", language).value)] if topic else [centre]


def _link_feed(feed: ET.Element, language: str, topic: Topic | None) -> None:
    for other in settings.CITY.offered():
        with translation.override(other.code):
            address = _feed_address(topic)
            page = settings.SITE_URL + reverse("notices:index") + (f"?topic={topic.code}" if topic else "")
        kind = {"type": "application/atom+xml", "hreflang": other.code, "href": address}
        _add(feed, "link", rel="self" if other.code == language else "alternate", **kind)
        if other.code == language:
            _add(feed, "link", rel="alternate", type="text/html", hreflang=language, href=page)


def _feed_address(topic: Topic | None) -> str:
    path = reverse("notices:topic_feed", args=[topic.code]) if topic else reverse("notices:feed")
    return settings.SITE_URL + path


def _add_entry(feed: ET.Element, notice: Notice, words: NoticeWords, reader: Language) -> None:
    """One notice. What is not in the reader's language says so: `xml:lang` for programs, a note for people."""
    entry = _add(feed, "entry", **{"xml:lang": words.title.language.code})
    _add(entry, "id", _id("notice", notice.public_id, reader.code))
    _add(entry, "title", _title(words))
    _add(entry, "updated", _utc(_updated(notice)))
    _add(entry, "published", _utc(notice.published_at))
    _add(entry, "link", rel="alternate", type="text/html", hreflang=reader.code, href=settings.SITE_URL + words.url)
    topic = {"xml:lang": words.topic.language.code, "label": as_plain(words.topic.value)}
    _add(entry, "category", term=notice.topic.code, **topic)
    _add(entry, "summary", as_plain(words.summary), type="text")
    html = render_to_string("notices/_entry.html", {"notice": words, "language": reader})
    _add(entry, "content", annotate_page(html, furigana=reader.code == "ja-simple").strip(), type="html")


def _title(words: NoticeWords) -> str:
    """The title as text. A drill says so first, in the title's own language."""
    if not words.is_exercise:
        return as_plain(words.title.value)
    with translation.override(words.title.language.code):
        drill = pgettext("disaster drill, in front of a title", "Drill")
    return as_plain(f"{drill} – {words.title.value}")


def _updated(notice: Notice) -> datetime.datetime:
    """When its readers last got something new: it came out, ended, or was checked in one more language."""
    checked = [wording.checked_at for wording in notice.wordings.all()]
    return max(at for at in (notice.published_at, notice.ended_at, *checked) if at)


def _id(*names: str) -> str:
    """A `tag:` URI (RFC 4151): it stays when addresses change."""
    return f"tag:{_host().partition(':')[0]},2026:{':'.join(names)}"


def _utc(at: datetime.datetime) -> str:
    return at.astimezone(datetime.UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def _add(parent: ET.Element, name: str, text: str = "", **attributes) -> ET.Element:
    element = ET.SubElement(parent, name, attributes)
    element.text = text or None
    return element


# --- CAP ----------------------------------------------------------------------------------------


def alert(notice: Notice) -> bytes:
    """An emergency as one CAP message with an `<info>` for each language in which it is ready.

    Where staff have ended it before its time, the message is a Cancel of the first one. Where another notice updates
    it, that one says so, and this one is over (`expires`).
    """
    root = ET.Element("alert", {"xmlns": CAP})
    is_cancelled = _was_called_off(notice)
    _say(root, "identifier", f"{notice.public_id}-end" if is_cancelled else notice.public_id)
    _say(root, "sender", _host())
    _say(root, "sent", _local(notice.ended_at if is_cancelled else notice.published_at))
    _say(root, "status", "Exercise" if notice.is_exercise else "Actual")
    _say(root, "msgType", "Cancel" if is_cancelled else "Update" if notice.updates_id else "Alert")
    _say(root, "source", notice.source)
    _say(root, "scope", "Public")
    _say(root, "references", _reference(notice) if is_cancelled else _reference(notice.updates))
    ready = readable_languages(notice)
    for language in settings.CITY.offered():
        if language.code in ready:
            with translation.override(language.code):
                _add_info(root, notice, words_of(notice, language.code))
    return _as_file(root)


def _was_called_off(notice: Notice) -> bool:
    is_early = notice.ended_at and (notice.until is None or notice.ended_at < notice.until)
    return bool(is_early) and not _is_superseded(notice)


def _is_superseded(notice: Notice) -> bool:
    return Notice.objects.published().filter(updates=notice).exists()


def _add_info(root: ET.Element, notice: Notice, words: NoticeWords) -> None:
    """The same in one language, in the order that the standard asks for."""
    level, pattern = levels()[notice.level], patterns().get(notice.pattern)
    code = words.title.language.code
    info = _say(root, "info")
    _say(info, "language", code)
    _say(info, "category", pattern.category if pattern else "Safety")
    _say(info, "event", as_plain(pattern.titles.get(code, words.title.value) if pattern else words.title.value))
    _say(info, "responseType", pattern.response if pattern else "None")
    _say(info, "urgency", level.urgency)
    _say(info, "severity", level.severity)
    _say(info, "certainty", level.certainty)
    _say(info, "effective", _local(notice.published_at))
    _say(info, "expires", _local(min((at for at in (notice.until, notice.ended_at) if at), default=None)))
    _say(info, "senderName", as_plain(settings.CITY.name(code)))
    _say(info, "headline", _title(words))
    _say(info, "description", as_plain(as_words(words.body.value)))
    if words.first:
        _say(info, "instruction", as_plain(words.first))
    _say(info, "web", settings.SITE_URL + words.url)
    _say(_say(info, "area"), "areaDesc", as_plain(words.area))


def _reference(notice: Notice | None) -> str:
    """An earlier message as CAP names it: sender,identifier,sent."""
    return f"{_host()},{notice.public_id},{_local(notice.published_at)}" if notice else ""


def _local(at: datetime.datetime | None) -> str:
    """A time with its offset in the city's zone; CAP knows no `Z` and writes UTC as `-00:00`."""
    return timezone.localtime(at).isoformat(timespec="seconds").replace("+00:00", "-00:00") if at else ""


def _say(parent: ET.Element, name: str, text: str | None = None) -> ET.Element | None:
    """An element; none where there is nothing to say in it."""
    if text == "":
        return None
    element = ET.SubElement(parent, name)
    element.text = text
    return element


# --- Both ---------------------------------------------------------------------------------------


def _host() -> str:
    return settings.SITE_URL.partition("://")[2]


def _as_file(root: ET.Element) -> bytes:
    return ET.tostring(root, encoding="utf-8", xml_declaration=True)
