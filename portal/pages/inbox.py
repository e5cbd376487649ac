"""The messages on "my page", rendered in the page's language when they are viewed."""

from collections.abc import Iterable
from dataclasses import dataclass

from django.urls import reverse

from services.languages.dates import format_datetime
from services.languages.registry import SPOKEN, Language
from services.messaging.delivery import subjects_of
from services.messaging.models import Message
from services.messaging.rendering import BODY_ONLY, CannotRender, RenderedMessage, as_page_fragment, render_message


@dataclass(frozen=True, slots=True)
class InboxRow:
    """A message in a list. `title` is in `language`; empty if the message can no longer be shown."""

    url: str
    title: str
    language: Language
    written: str
    is_unread: bool


def inbox_rows(messages: Iterable[Message], language: str) -> list[InboxRow]:
    """Prepare messages for a list in the page's language; the number of queries does not depend on their number."""
    messages = list(messages)
    subjects = subjects_of(messages)
    return [_row(message, _render(message, subjects, language), language) for message in messages]


def render_for_page(message: Message, language: str) -> dict:
    """Prepare a message for its page: its row, and its text as HTML without styles."""
    rendered = _render(message, subjects_of([message]), language)
    return {
        "row": _row(message, rendered, language),
        "letter_html": as_page_fragment(rendered.html) if rendered else "",
        "letter_language": SPOKEN[rendered.language if rendered else language],
    }


def _render(message: Message, subjects: dict, language: str) -> RenderedMessage | None:
    """Render a message; None if its subject has been deleted or it can no longer be rendered."""
    subject = subjects.get((message.about_type, message.about_id))
    if message.about_type and subject is None:
        return None
    try:
        return render_message(
            message.kind,
            language,
            second_language=message.second_language,
            about=subject,
            context=message.context,
            frame=BODY_ONLY,
        )
    except CannotRender:
        return None


def _row(message: Message, rendered: RenderedMessage | None, language: str) -> InboxRow:
    return InboxRow(
        reverse("message", args=[message.public_id]),
        rendered.title if rendered else "",
        SPOKEN[rendered.written_in if rendered else language],
        format_datetime(message.created_at, language),
        message.read_at is None,
    )
