"""A message's words, made when it is sent, in its reader's language.

What differs from reader to reader in a message to many (the link to leave, the link to manage) is written
as a stand-in, so that a text is made once for each language and not for each reader.
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
from services.languages.choice import staff_language
from services.languages.names import NAMES
from services.languages.ruby import annotate_page, as_mail, as_plain
from services.languages.table import SPOKEN
from services.languages.text import reading_order
from services.schedules.calendar_files import calendar_file

logger = logging.getLogger(__name__)

# Both stay alone on a line, so that no encoding of a mail breaks them.
LEAVE, MANAGE = "https://stand-in.invalid/leave", "https://stand-in.invalid/manage"
MAIL, WORDS_ONLY = "notices/base.html", "notices/words.html"


_WORDS: dict[type[models.Model], Callable[[models.Model, str, str], dict]] = {}
_READS: dict[type[models.Model], tuple[str, ...]] = {}


def words_about(model: type[models.Model], *reads: str):
    """Marks the function that puts a model's objects into words for a letter; it stands in an app's letters.py.

    It takes the object, the language (which is active) and the reader's second language, and returns what the
    templates use. `written_in` among it: the language in which the content was found. `calendar`: an Entry that
    goes along as a calendar file. reads: the relations that it follows, fetched once for many objects.
    """

    def mark(function: Callable[[models.Model, str, str], dict]):
        _WORDS[model] = function
        _READS[model] = reads
        return function

    return mark


def read_for_words(rows: Iterable[models.Model]) -> None:
    """Read, once for many objects, all that their words are made from."""
    by_model = defaultdict(dict)
    for row in rows:
        by_model[type(row)][row.pk] = row
    for model, found in by_model.items():
        models.prefetch_related_objects(list(found.values()), *_READS.get(model, ()))


class CannotBeWritten(Exception):
    """No language's text could be made."""


@dataclass(frozen=True, slots=True)
class Letter:
    """One text in all its faces. `language`: the reader's; `written_in`: what its content is really written in.

    `title` is the subject for a page, with its furigana.
    """

    subject: str
    text: str
    html: str
    short: str
    language: str
    written_in: str
    calendar: bytes = b""
    title: str = ""

    @property
    def is_fallback(self) -> bool:
        """Whether the reader gets another language than theirs; the letter says so itself."""
        return self.written_in != self.language


def compose(
    kind: str,
    language: str,
    *,
    second_language: str = "",
    about: models.Model | None = None,
    context: Mapping[str, object] | None = None,
    frame: str = MAIL,
) -> Letter:
    """The letter for a reader of `language`.

    about: what it tells of, put into words by its app (`words_about`). A text that is broken in one language is
    written in the next, with a line that says so. What only staff get (kinds `<app>/staff/<event>`) is in the language
    of staff's own words, whole. Raises CannotBeWritten if none can be made.
    """
    if "/staff/" in kind:
        language, second_language = staff_language(language), ""
    second = reading_order(second_language) if second_language else ()
    order = dict.fromkeys([language, *second, *reading_order(language)])
    for code in order:
        try:
            return _in_language(kind, code, language, second_language, about, dict(context or {}), frame)
        except Exception as fault:  # one language's broken text must not silence the others
            logger.exception("A text could not be made.", extra={"kind": kind, "language": code})
            last = fault
    raise CannotBeWritten(type(last).__name__) from last


def _in_language(kind, code, wanted, second_language, about, context, frame) -> Letter:
    note = _note(code, wanted) if code != wanted else ""
    with translation.override(code):
        words = {
            **context,
            "about": about,
            "language": SPOKEN[code],
            "centre": settings.CITY.centre(code),
            "site": settings.SITE_URL,
            "leave_url": LEAVE,
            "manage_url": MANAGE,
            "note": note,
            "note_language": SPOKEN[wanted],
            "frame": frame,
            "is_letter": True,
        }
        if type(about) in _WORDS:
            words |= _WORDS[type(about)](about, code, second_language)
        folder = f"notices/{kind}"
        title = " ".join(render_to_string(f"{folder}/subject.txt", words).split())
        subject = as_plain(title)
        text = as_mail(render_to_string(f"{folder}/body.txt", words).strip()) + "\n"
        html = render_to_string(f"{folder}/body.html", words)
        if frame == MAIL:  # a page of the portal shows furigana as its reader has switched it
            html = annotate_page(html, furigana="ja-simple" in {code, words.get("written_in")})
        entry = words.get("calendar")
        written_in = words.get("written_in", code)
        short = as_plain(_short(folder, words) or subject)
        if written_in != wanted:  # no room for a line: the language's own name says it
            short = f"({SPOKEN[written_in].own_name}) {short}"
        return Letter(
            subject,
            text,
            html,
            short,
            wanted,
            written_in,
            calendar_file([entry], stamp=timezone.now()) if entry else b"",
            title,
        )


def part_of_a_page(html: str) -> SafeString:
    """A letter's inside for a page of the portal, on which no style may stand in an attribute."""
    tags = markdown.TAGS | {"bdi", "div", "span", "small", "ruby", "rt", "rp"}
    attributes = markdown.ATTRIBUTES | {"*": {"lang", "dir"}}
    return mark_safe(nh3.clean(html, tags=tags, attributes=attributes, url_schemes=markdown.SCHEMES))  # noqa: S308  nh3 has just made it so


def _short(folder: str, words: dict) -> str:
    """The text for a phone: short.txt where the folder has one."""
    try:
        template = get_template(f"{folder}/short.txt")
    except TemplateDoesNotExist:
        return ""
    return " ".join(template.render(words).split())


def _note(code: str, wanted: str) -> str:
    with translation.override(wanted):
        try:
            told = gettext("We could not write this message in your language. It is in %(language)s.")
            return told % {"language": NAMES[code]}
        except (KeyError, ValueError):  # the catalogue itself may be what is broken
            return ""
