"""The staff's board: for each role, what asks for them; a number leads to its list where there is one."""

from collections.abc import Callable
from dataclasses import dataclass

from django.conf import settings
from django.db.models import Count
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import pgettext
from django.views.decorators.http import require_safe

from services.accounts.models import Grant, User
from services.accounts.roles import Role
from services.audit.models import Line
from services.guide.models import Article, without_body
from services.notices.models import Message, MessageState


@dataclass(frozen=True, slots=True)
class Item:
    """A number that asks for somebody, and the list it stands for, if the reader may open it."""

    title: str
    number: int
    url: str = ""


@dataclass(frozen=True, slots=True)
class Board:
    """What concerns the holders of some roles."""

    title: str
    items: list[Item]
    empty: str = ""


@require_safe
def board(request):
    """Today's work for each role that the reader holds."""
    held = [role for role in Role if role in request.user.roles]
    makers = dict.fromkeys(BOARDS[role] for role in held)
    context = {"roles": [role.label for role in held], "boards": [make() for make in makers]}
    return render(request, "portal/staff.html", context)


def _guide() -> Board:
    articles = reverse("admin:guide_article_changelist")
    items = [
        Item(
            pgettext("staff", "Articles shown"),
            Article.objects.filter(is_published=True).count(),
            f"{articles}?is_published__exact=1",
        ),
        Item(
            pgettext("staff", "Drafts"),
            Article.objects.filter(is_published=False).count(),
            f"{articles}?is_published__exact=0",
        ),
    ]
    lacking = {language: Count("pk", filter=without_body(language)) for language in settings.CITY.offered()}
    counts = Article.objects.aggregate(**{language.column: count for language, count in lacking.items()})
    for language in lacking:
        if missing := counts[language.column]:
            title = pgettext("staff", "Not yet in %(language)s") % {"language": language.own_name}
            items.append(Item(title, missing, f"{articles}?missing={language.code}"))
    return Board(pgettext("staff", "City guide"), items)


def _running() -> Board:
    waiting = Message.objects.filter(state=MessageState.WAITING).count()
    failed = Message.objects.filter(state__in=[MessageState.FAILED, MessageState.UNCLEAR]).count()
    items = [
        Item(
            pgettext("staff", "People who can sign in"), User.objects.count(), reverse("admin:accounts_user_changelist")
        ),
        Item(pgettext("staff", "Roles given"), Grant.objects.count(), reverse("admin:accounts_user_changelist")),
        Item(pgettext("staff", "Messages waiting"), waiting),
        Item(pgettext("staff", "Messages that failed"), failed),
        Item(
            pgettext("staff", "Lines in the audit trail"), Line.objects.count(), reverse("admin:audit_line_changelist")
        ),
    ]
    return Board(pgettext("staff", "Running the portal"), items)


def _running_in_numbers() -> Board:
    # Managers see how things stand; the lists behind it are the administrators'.
    return _without_links(_running())


def _without_links(board: Board) -> Board:
    return Board(board.title, [Item(item.title, item.number) for item in board.items])


def _translation() -> Board:
    # Translators read the public pages; they have no list of their own until the whole guide comes.
    return _without_links(_guide())


def _consultations() -> Board:
    return Board(
        pgettext("staff", "Consultation desk"),
        [],
        pgettext("staff", "Nothing is waiting. Answers to most questions stand in the city guide."),
    )


def _classes() -> Board:
    return Board(pgettext("staff", "Language classes"), [], pgettext("staff", "No class is planned yet."))


def _events() -> Board:
    return Board(pgettext("staff", "Exchange events"), [], pgettext("staff", "No event is planned yet."))


def _volunteering() -> Board:
    return Board(pgettext("staff", "Volunteers"), [], pgettext("staff", "Nobody is asking for your help just now."))


def _interpreting() -> Board:
    return Board(pgettext("staff", "Interpreter dispatch"), [], pgettext("staff", "No request is open."))


BOARDS: dict[str, Callable[[], Board]] = {
    Role.ADVISER: _consultations,
    Role.CLASS_COORDINATOR: _classes,
    Role.EVENT_COORDINATOR: _events,
    Role.TEACHER: _classes,
    Role.VOLUNTEER: _volunteering,
    Role.INTERPRETER: _interpreting,
    Role.REQUESTER: _interpreting,
    Role.DISPATCHER: _interpreting,
    Role.EDITOR: _guide,
    Role.TRANSLATOR: _translation,
    Role.MANAGER: _running_in_numbers,
    Role.ADMINISTRATOR: _running,
}
