"""Rendering a message when it is sent, in its reader's language.

What differs between the readers of a message to many (the links to unsubscribe and to change the settings) is rendered
as a placeholder, so that a text is rendered once for each language and not for each reader.
"""

import logging
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

import nh3
from django.conf import settings
from django.db import models
from django.template.exceptions import TemplateDoesNotExist
from django.template.loader import get_template, render_to_string
from django.utils import timezone, translation
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext

from services.base import markdown
from services.base.machine_text import isolate_digit_runs, isolate_in_html
from services.languages.furigana import annotate_page, strip_readings, to_parentheses
from services.languages.names import NAMES
from services.languages.negotiation import staff_language
from services.languages.registry import SPOKEN
from services.languages.translated import fallback_order
from services.messaging.kinds import is_for_staff
from services.messaging.recipients import RecipientLinks
from services.schedules.calendar_files import render_calendar

logger = logging.getLogger(__name__)

# Templates put each alone on a line, so that no encoding of an email breaks it.
UNSUBSCRIBE_PLACEHOLDER, MANAGE_PLACEHOLDER = "https://stand-in.invalid/leave", "https://stand-in.invalid/manage"
EMAIL_FRAME, BODY_ONLY = "notices/base.html", "notices/words.html"

ContextFunction = Callable[[models.Model, str, str], dict]
_CONTEXTS: dict[type[models.Model], ContextFunction] = {}
_PREFETCHES: dict[type[models.Model], tuple[str, ...]] = {}


def register_context(model: type[models.Model], function: ContextFunction, *prefetch: str) -> None:
    """Name the function that gives the templates what they need to know of a model's objects; see message_context.py.

    It gets the object, the language (which is active) and the reader's second language, and returns the context.
    Two keys have a meaning here: `written_in`, the language in which the content was found, and `calendar`, a function
    that returns the CalendarEntry to attach, or None; it is called for emails only. prefetch: the relations that the
    function follows, fetched once for many objects.
    """
    _CONTEXTS[model] = function
    _PREFETCHES[model] = prefetch


def prefetch_context(rows: Iterable[models.Model]) -> None:
    """Fetch, once for many objects, the relations that their context functions follow."""
    by_model = defaultdict(dict)
    for row in rows:
        by_model[type(row)][row.pk] = row
    for model, found in by_model.items():
        models.prefetch_related_objects(list(found.values()), *_PREFETCHES.get(model, ()))


class CannotRender(Exception):
    """The message cannot be rendered in any language."""


@dataclass(frozen=True, slots=True)
class RenderedMessage:
    """A message in all its formats. `language`: the reader's; `written_in`: the language of the content.

    `short` is for text messages; `title` is the subject for a page, with furigana. `calendar_method` is the METHOD that
    `calendar` has (RFC 5546).
    """

    subject: str
    text: str
    html: str
    short: str
    language: str
    written_in: str
    calendar: bytes = b""
    title: str = ""
    calendar_method: str = ""

    @property
    def is_fallback(self) -> bool:
        """Whether the content is not in the reader's language; the message itself says so."""
        return self.written_in != self.language


def render_message(
    kind: str,
    language: str,
    *,
    second_language: str = "",
    about: models.Model | None = None,
    context: Mapping[str, object] | None = None,
    frame: str = EMAIL_FRAME,
) -> RenderedMessage:
    """Render a message for a reader of `language`.

    kind: as `Message.kind` stores it. about: the object that the message is about; its app registered the function
    that describes it (`register_context`). If the texts of one language are broken, the next language is used, with a
    note that says so. Messages to staff are wholly in a language of the staff pages. Raises CannotRender.
    """
    if is_for_staff(kind):
        language, second_language = staff_language(language), ""
    second = fallback_order(second_language) if second_language else ()
    order = dict.fromkeys([language, *second, *fallback_order(language)])
    for code in order:
        try:
            return _render_in(kind, code, language, second_language, about, dict(context or {}), frame)
        except Exception as fault:  # a broken translation must not stop the message
            logger.exception("A text could not be made.", extra={"kind": kind, "language": code})
            last = fault
    raise CannotRender(type(last).__name__) from last


def _render_in(kind, code, wanted, second_language, about, context, frame) -> RenderedMessage:
    note = _fallback_note(code, wanted) if code != wanted else ""
    with translation.override(code):
        values = {
            **context,
            "about": about,
            "language": SPOKEN[code],
            "centre": settings.CITY.centre(code),
            "site": settings.SITE_URL,
            "leave_url": UNSUBSCRIBE_PLACEHOLDER,
            "manage_url": MANAGE_PLACEHOLDER,
            "note": note,
            "note_language": SPOKEN[wanted],
            "frame": frame,
            "is_letter": True,
        }
        if type(about) in _CONTEXTS:
            values |= _CONTEXTS[type(about)](about, code, second_language)
        folder = f"notices/{kind}"
        title = " ".join(render_to_string(f"{folder}/subject.txt", values).split())
        subject = strip_readings(title)
        text = to_parentheses(render_to_string(f"{folder}/body.txt", values).strip()) + "\n"
        html = render_to_string(f"{folder}/body.html", values)
        if frame == EMAIL_FRAME:  # the portal's pages show furigana as their reader has set it
            html = annotate_page(html, furigana="ja-simple" in {code, values.get("written_in")})
        entry = values["calendar"]() if "calendar" in values and frame == EMAIL_FRAME else None
        written_in = values.get("written_in", code)
        short = strip_readings(_render_short(folder, values) or subject)
        if written_in != wanted:  # there is no room for the note, so the language's name stands first
            short = f"({SPOKEN[written_in].own_name}) {short}"
        if SPOKEN[code].dir == "rtl":
            title, subject, text, short = map(isolate_digit_runs, (title, subject, text, short))
            html = isolate_in_html(html)
        return RenderedMessage(
            subject,
            text,
            html,
            short,
            wanted,
            written_in,
            render_calendar([entry], stamp=timezone.now(), method=entry.method) if entry else b"",
            title,
            entry.method if entry else "",
        )


def fill_links(text: str, links: RecipientLinks) -> str:
    """Return a message's text with its recipient's own links in place of the placeholders."""
    return text.replace(UNSUBSCRIBE_PLACEHOLDER, links.unsubscribe).replace(MANAGE_PLACEHOLDER, links.manage)


def as_page_fragment(html: str) -> SafeString:
    """Return a message's HTML for a page of the portal, where no style may stand in an attribute."""
    tags = markdown.TAGS | {"bdi", "div", "span", "small", "ruby", "rt", "rp"}
    attributes = markdown.ATTRIBUTES | {"*": {"lang", "dir"}}
    return mark_safe(nh3.clean(html, tags=tags, attributes=attributes, url_schemes=markdown.SCHEMES))  # noqa: S308  nh3 has just made it so


def _render_short(folder: str, values: dict) -> str:
    """Return the short text; empty if the folder has none."""
    try:
        template = get_template(f"{folder}/short.txt")
    except TemplateDoesNotExist:
        return ""
    return " ".join(template.render(values).split())


def _fallback_note(code: str, wanted: str) -> str:
    """Return the sentence, in the reader's language, that says in which language the message is."""
    with translation.override(wanted):
        try:
            note = gettext("We could not write this message in your language. It is in %(language)s.")
            return note % {"language": NAMES[code]}
        except (KeyError, ValueError):  # the catalogue itself may be what is broken
            return ""
