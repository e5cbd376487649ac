"""The messages on "my page": made into words when they are looked at, in the language of the page."""

from collections.abc import Iterable
from dataclasses import dataclass

from django.urls import reverse

from services.languages.days import written_moment
from services.languages.table import SPOKEN, Language
from services.notices.actions.delivering import objects_told_of
from services.notices.composing import WORDS_ONLY, CannotBeWritten, Letter, compose, part_of_a_page
from services.notices.models import Message


@dataclass(frozen=True, slots=True)
class InboxRow:
    """A message in a list. `title` is in `language`; empty if the message can no longer be shown."""

    url: str
    title: str
    language: Language
    written: str
    is_unread: bool


def inbox_rows(messages: Iterable[Message], language: str) -> list[InboxRow]:
    """Messages for a list, for a reader of the page's language; as many queries for thirty as for one."""
    messages = list(messages)
    about = objects_told_of(messages)
    return [_row(message, _letter(message, about, language), language) for message in messages]


def letter_of(message: Message, language: str) -> dict:
    """One message for its page: its row and its text as HTML without a style of its own."""
    letter = _letter(message, objects_told_of([message]), language)
    return {
        "row": _row(message, letter, language),
        "letter_html": part_of_a_page(letter.html) if letter else "",
        "letter_language": SPOKEN[letter.language if letter else language],
    }


def _letter(message: Message, about: dict, language: str) -> Letter | None:
    """None if what it told of is gone, or nobody can write it any more."""
    told_of = about.get((message.about_type, message.about_id))
    if message.about_type and told_of is None:
        return None
    try:
        return compose(
            message.kind,
            language,
            second_language=message.second_language,
            about=told_of,
            context=message.context,
            frame=WORDS_ONLY,
        )
    except CannotBeWritten:
        return None


def _row(message: Message, letter: Letter | None, language: str) -> InboxRow:
    return InboxRow(
        reverse("message", args=[message.public_id]),
        letter.title if letter else "",
        SPOKEN[letter.written_in if letter else language],
        written_moment(message.created_at, language),
        message.read_at is None,
    )
