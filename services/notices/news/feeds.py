"""Notices as feeds: Atom (RFC 4287) by language and topic, and CAP 1.2 (OASIS) for emergencies."""

import datetime
from xml.etree import ElementTree as ET

from django.conf import settings
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone, translation
from django.utils.translation import pgettext

from services.base.markdown import to_plain_text
from services.languages.furigana import annotate_page, strip_readings
from services.languages.registry import SPOKEN, Language
from services.languages.translated import translated
from services.notices.alert_templates import alert_levels, alert_templates
from services.notices.news.models import Notice
from services.notices.news.presentation import NoticePresentation, present, readable_languages, unneeded_columns
from services.notices.subscriptions.models import Topic

MAX_ENTRIES = 50
ATOM, CAP = "http://www.w3.org/2005/Atom", "urn:oasis:names:tc:emergency:cap:1.2"
_EMPTY_FEED_UPDATED = datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)  # a fixed date for feeds without entries


# --- Atom ---------------------------------------------------------------------------------------


def atom_feed(language: str, topic: Topic | None) -> bytes:
    """Return the newest notices, of one topic or of all, for readers of `language`, which must be active."""
    notices = Notice.objects.published().select_related("topic").prefetch_related("translations")
    notices = notices.filter(topic=topic) if topic else notices
    notices = list(notices.defer(*unneeded_columns(language))[:MAX_ENTRIES])
    feed = ET.Element("feed", {"xmlns": ATOM, "xml:lang": language})
    _add(feed, "id", _id("notices", topic.code if topic else "all", language))
    _add(feed, "title", " – ".join(_title_of_feed(language, topic)))
    _add(feed, "updated", _format_utc(max(map(_updated, notices), default=_EMPTY_FEED_UPDATED)))
    _add(_add(feed, "author"), "name", strip_readings(settings.CITY.centre(language)))
    _link_feed(feed, language, topic)
    for notice in notices:
        _add_entry(feed, notice, present(notice, language), SPOKEN[language])
    return _serialise(feed)


def _title_of_feed(language: str, topic: Topic | None) -> list[str]:
    centre = strip_readings(settings.CITY.centre(language))
    return [centre, strip_readings(translated(topic, "name", language).value)] if topic else [centre]


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


def _add_entry(feed: ET.Element, notice: Notice, presentation: NoticePresentation, reader: Language) -> None:
    """Add a notice. Text in another language than the reader's has `xml:lang` for programs and a note for people."""
    entry = _add(feed, "entry", **{"xml:lang": presentation.title.language.code})
    _add(entry, "id", _id("notice", notice.public_id, reader.code))
    _add(entry, "title", _title(presentation))
    _add(entry, "updated", _format_utc(_updated(notice)))
    _add(entry, "published", _format_utc(notice.published_at))
    _add(
        entry,
        "link",
        rel="alternate",
        type="text/html",
        hreflang=reader.code,
        href=settings.SITE_URL + presentation.url,
    )
    topic = {"xml:lang": presentation.topic.language.code, "label": strip_readings(presentation.topic.value)}
    _add(entry, "category", term=notice.topic.code, **topic)
    _add(entry, "summary", strip_readings(presentation.summary), type="text")
    html = render_to_string("notices/_entry.html", {"notice": presentation, "language": reader})
    _add(entry, "content", annotate_page(html, furigana=reader.code == "ja-simple").strip(), type="html")


def _title(presentation: NoticePresentation) -> str:
    """Return the title as plain text; a drill's starts with "Drill" in the title's own language."""
    if not presentation.is_exercise:
        return strip_readings(presentation.title.value)
    with translation.override(presentation.title.language.code):
        drill = pgettext("disaster drill, in front of a title", "Drill")
    return strip_readings(f"{drill} – {presentation.title.value}")


def _updated(notice: Notice) -> datetime.datetime:
    """Return when the notice was last published, ended or reviewed in a further language."""
    checked = [it.checked_at for it in notice.translations.all()]
    return max(at for at in (notice.published_at, notice.ended_at, *checked) if at)


def _id(*names: str) -> str:
    """Return a `tag:` URI (RFC 4151), which stays the same if URLs change."""
    return f"tag:{_host().partition(':')[0]},2026:{':'.join(names)}"


def _format_utc(at: datetime.datetime) -> str:
    return at.astimezone(datetime.UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def _add(parent: ET.Element, name: str, text: str = "", **attributes) -> ET.Element:
    element = ET.SubElement(parent, name, attributes)
    element.text = text or None
    return element


# --- CAP ----------------------------------------------------------------------------------------


def cap_alert(notice: Notice) -> bytes:
    """Return an emergency as a CAP message with an `<info>` for each reviewed language.

    If staff ended the emergency early, the message is a Cancel of the first one. If another notice updates it, that
    one is the Update, and this one has expired (`expires`).
    """
    root = ET.Element("alert", {"xmlns": CAP})
    is_cancelled = _was_ended_early(notice)
    _add_unless_empty(root, "identifier", f"{notice.public_id}-end" if is_cancelled else notice.public_id)
    _add_unless_empty(root, "sender", _host())
    _add_unless_empty(root, "sent", _format_local(notice.ended_at if is_cancelled else notice.published_at))
    _add_unless_empty(root, "status", "Exercise" if notice.is_exercise else "Actual")
    _add_unless_empty(root, "msgType", "Cancel" if is_cancelled else "Update" if notice.updates_id else "Alert")
    _add_unless_empty(root, "source", notice.source)
    _add_unless_empty(root, "scope", "Public")
    _add_unless_empty(root, "references", _references(notice, with_itself=is_cancelled))
    ready = readable_languages(notice)
    for language in settings.CITY.offered():
        if language.code in ready:
            with translation.override(language.code):
                _add_info(root, notice, present(notice, language.code))
    return _serialise(root)


def _was_ended_early(notice: Notice) -> bool:
    is_early = notice.ended_at and (notice.until is None or notice.ended_at < notice.until)
    return bool(is_early) and not _is_superseded(notice)


def _is_superseded(notice: Notice) -> bool:
    return Notice.objects.published().filter(updates=notice).exists()


def _add_info(root: ET.Element, notice: Notice, presentation: NoticePresentation) -> None:
    """Add an `<info>` in one language, with its elements in the order that the standard requires."""
    level, pattern = alert_levels()[notice.level], alert_templates().get(notice.pattern)
    code = presentation.title.language.code
    info = _add_unless_empty(root, "info")
    _add_unless_empty(info, "language", code)
    _add_unless_empty(info, "category", pattern.category if pattern else "Safety")
    _add_unless_empty(
        info,
        "event",
        strip_readings(pattern.titles.get(code, presentation.title.value) if pattern else presentation.title.value),
    )
    _add_unless_empty(info, "responseType", pattern.response if pattern else "None")
    _add_unless_empty(info, "urgency", level.urgency)
    _add_unless_empty(info, "severity", level.severity)
    _add_unless_empty(info, "certainty", level.certainty)
    _add_unless_empty(info, "effective", _format_local(notice.published_at))
    _add_unless_empty(
        info, "expires", _format_local(min((at for at in (notice.until, notice.ended_at) if at), default=None))
    )
    _add_unless_empty(info, "senderName", strip_readings(settings.CITY.name(code)))
    _add_unless_empty(info, "headline", _title(presentation))
    _add_unless_empty(info, "description", strip_readings(to_plain_text(presentation.body.value)))
    if presentation.first:
        _add_unless_empty(info, "instruction", strip_readings(presentation.first))
    _add_unless_empty(info, "web", settings.SITE_URL + presentation.url)
    _add_unless_empty(_add_unless_empty(info, "area"), "areaDesc", strip_readings(presentation.area))


def _references(notice: Notice, *, with_itself: bool) -> str:
    """Return CAP's references to all earlier messages, the newest first: sender,identifier,sent of each.

    All, because a program that missed one of them would go on showing the one before it.
    """
    earlier = notice if with_itself else notice.updates
    found = []
    while earlier:
        found.append(f"{_host()},{earlier.public_id},{_format_local(earlier.published_at)}")
        earlier = earlier.updates
    return " ".join(found)


def _format_local(at: datetime.datetime | None) -> str:
    """Format a time with the city's UTC offset; CAP does not allow `Z` and writes UTC as `-00:00`."""
    return timezone.localtime(at).isoformat(timespec="seconds").replace("+00:00", "-00:00") if at else ""


def _add_unless_empty(parent: ET.Element, name: str, text: str | None = None) -> ET.Element | None:
    """Add an element, unless its text is empty."""
    if text == "":
        return None
    element = ET.SubElement(parent, name)
    element.text = text
    return element


# --- Shared -------------------------------------------------------------------------------------


def _host() -> str:
    return settings.SITE_URL.partition("://")[2]


def _serialise(root: ET.Element) -> bytes:
    return ET.tostring(root, encoding="utf-8", xml_declaration=True)
