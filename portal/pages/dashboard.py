"""The staff's board: for each role, what asks for them; a number leads to its list where there is one."""

import datetime
from collections.abc import Callable
from dataclasses import dataclass

from django.conf import settings
from django.db.models import Count
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import pgettext
from django.views.decorators.http import require_safe

from consultations.models import Consultation, Draft, FollowUp, Referral
from consultations.slots import booked_on
from consultations.timetable import duties_of, openings, read_timetable
from services.accounts.models import Grant, User
from services.accounts.roles import Role
from services.audit.models import Line
from services.guide.models import Article, without_body
from services.notices.counting import notices_by_state
from services.notices.models import Message, MessageState, NoticeState

GAPS_AHEAD = datetime.timedelta(days=13)  # fourteen days with today
HANDED_OVER_LATELY = datetime.timedelta(days=13)  # likewise


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
    makers = dict.fromkeys(make for role in held for make in BOARDS[role])
    context = {"roles": [role.label for role in held], "boards": [make(request.user) for make in makers]}
    return render(request, "portal/staff.html", context)


def _guide(user) -> Board:
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


def _notices(user) -> Board:
    counts = notices_by_state()
    asking = {
        NoticeState.PENDING: pgettext("staff", "Notices that wait for approval"),
        NoticeState.DRAFT: pgettext("staff", "Drafts of notices"),
        NoticeState.APPROVED: pgettext("staff", "Notices that go out later"),
        NoticeState.SENDING: pgettext("staff", "Notices being sent"),
        NoticeState.PAUSED: pgettext("staff", "Notices that are paused"),
    }
    listed = reverse("newsroom:index")
    items = [Item(title, counts[state], f"{listed}?state={state}") for state, title in asking.items()]
    return Board(pgettext("staff", "Notices"), items)


def _messages() -> list[Item]:
    listed = reverse("newsroom:ledger")
    waiting = Message.objects.filter(state=MessageState.WAITING).count()
    failed = Message.objects.in_trouble().count()
    return [
        Item(pgettext("staff", "Messages waiting"), waiting, listed),
        Item(pgettext("staff", "Messages that failed"), failed, listed),
    ]


def _running(user) -> Board:
    items = [
        Item(
            pgettext("staff", "People who can sign in"), User.objects.count(), reverse("admin:accounts_user_changelist")
        ),
        Item(pgettext("staff", "Roles given"), Grant.objects.count(), reverse("admin:accounts_user_changelist")),
        *_messages(),
        Item(
            pgettext("staff", "Lines in the audit trail"), Line.objects.count(), reverse("admin:audit_line_changelist")
        ),
    ]
    return Board(pgettext("staff", "Running the portal"), items)


def _running_in_numbers(user) -> Board:
    # Managers see how things stand; but for the messages' counts the lists behind it are the administrators'.
    board = _running(user)
    open_to_them = reverse("newsroom:ledger")
    items = [Item(item.title, item.number, item.url if item.url == open_to_them else "") for item in board.items]
    return Board(board.title, items)


def _without_links(board: Board) -> Board:
    return Board(board.title, [Item(item.title, item.number) for item in board.items])


def _translation(user) -> Board:
    # Translators read the public pages; they have no list of their own until the whole guide comes.
    return _without_links(_guide(user))


def _consultations(user) -> Board:
    listed = reverse("desk:index")
    today = timezone.localdate()
    items = [
        Item(pgettext("staff", "Appointments today"), booked_on(today), reverse("desk:appointments")),
        Item(pgettext("staff", "Openings of the desk today"), len(openings(today, today)), listed),
        Item(pgettext("staff", "My times at the desk today"), len(duties_of(user, today)), listed),
        *_cases(user),
        *_log(user),
    ]
    return Board(pgettext("staff", "Consultation desk"), items)


def _cases(user) -> list[Item]:
    due = FollowUp.objects.visible_to(user).due(timezone.localdate()).filter(owner=user).count()
    waiting = Referral.objects.visible_to(user).waiting().count()
    return [
        Item(pgettext("staff", "Follow-ups that are due"), due, reverse("cases:today")),
        Item(pgettext("staff", "Referrals that wait"), waiting, f"{reverse('cases:index')}?show=waiting"),
    ]


def _log(user) -> list[Item]:
    log = reverse("log:index")
    midnight = timezone.localtime().replace(hour=0, minute=0, second=0, microsecond=0)
    visible = Consultation.objects.visible_to(user)
    today = visible.filter(adviser=user, began_at__gte=midnight).count()
    lately = visible.filter(assigned=user, began_at__gte=midnight - HANDED_OVER_LATELY).count()
    return [
        Item(pgettext("staff", "Drafts of consultations"), Draft.objects.visible_to(user).count(), log),
        Item(pgettext("staff", "Logged by me today"), today, f"{log}?whose=today"),
        Item(pgettext("staff", "Of the last two weeks, handed over to me"), lately, f"{log}?whose=assigned"),
    ]


def _desk(user) -> Board:
    today = timezone.localdate()
    gaps = read_timetable(today, today + GAPS_AHEAD).gaps
    title = pgettext("staff", "Hours without an adviser in the next two weeks")
    return Board(pgettext("staff", "Consultation desk"), [Item(title, len(gaps), reverse("desk:index"))])


def _classes(user) -> Board:
    return Board(pgettext("staff", "Language classes"), [], pgettext("staff", "No class is planned yet."))


def _events(user) -> Board:
    return Board(pgettext("staff", "Exchange events"), [], pgettext("staff", "No event is planned yet."))


def _volunteering(user) -> Board:
    return Board(pgettext("staff", "Volunteers"), [], pgettext("staff", "Nobody is asking for your help just now."))


def _interpreting(user) -> Board:
    return Board(pgettext("staff", "Interpreter dispatch"), [], pgettext("staff", "No request is open."))


BOARDS: dict[str, tuple[Callable[[User], Board], ...]] = {
    Role.ADVISER: (_consultations,),
    Role.CLASS_COORDINATOR: (_classes,),
    Role.EVENT_COORDINATOR: (_events,),
    Role.TEACHER: (_classes,),
    Role.VOLUNTEER: (_volunteering,),
    Role.INTERPRETER: (_interpreting,),
    Role.REQUESTER: (_interpreting,),
    Role.DISPATCHER: (_interpreting,),
    Role.EDITOR: (_notices, _guide),
    Role.TRANSLATOR: (_notices, _translation),
    Role.MANAGER: (_desk, _notices, _running_in_numbers),
    Role.ADMINISTRATOR: (_running,),
}
