"""The staff dashboard: pending work by role, as numbers that link to their lists."""

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

from consultations.appointments.availability import count_appointments
from consultations.models import Consultation, ConsultationDraft, FollowUp, Referral
from consultations.timetable.openings import load_timetable, openings, shifts_of
from services.accounts.models import RoleAssignment, User
from services.accounts.roles import Role
from services.audit.models import AuditEntry
from services.guide.models import Article, without_body
from services.messaging.models import Message, MessageState
from services.notices.models import NoticeState
from services.notices.news.lifecycle import notices_by_state

GAPS_AHEAD = datetime.timedelta(days=13)  # fourteen days including today
HANDED_OVER_LATELY = datetime.timedelta(days=13)  # fourteen days including today


@dataclass(frozen=True, slots=True)
class DashboardItem:
    """A number of pending items, and the URL of their list if the user may open it."""

    title: str
    number: int
    url: str = ""


@dataclass(frozen=True, slots=True)
class DashboardSection:
    """A section of the dashboard for some roles."""

    title: str
    items: list[DashboardItem]
    empty: str = ""


@require_safe
def board(request):
    """The dashboard for all roles of the user."""
    roles = [role for role in Role if role in request.user.roles]
    builders = dict.fromkeys(build for role in roles for build in BOARDS[role])
    context = {"roles": [role.label for role in roles], "boards": [build(request.user) for build in builders]}
    return render(request, "portal/staff.html", context)


def _guide(user) -> DashboardSection:
    articles = reverse("admin:guide_article_changelist")
    items = [
        DashboardItem(
            pgettext("staff", "Published articles"),
            Article.objects.filter(is_published=True).count(),
            f"{articles}?is_published__exact=1",
        ),
        DashboardItem(
            pgettext("staff", "Drafts"),
            Article.objects.filter(is_published=False).count(),
            f"{articles}?is_published__exact=0",
        ),
    ]
    without_translation = {language: Count("pk", filter=without_body(language)) for language in settings.CITY.offered()}
    counts = Article.objects.aggregate(**{language.column: count for language, count in without_translation.items()})
    for language in without_translation:
        if missing := counts[language.column]:
            title = pgettext("staff", "Not yet available in %(language)s") % {"language": language.own_name}
            items.append(DashboardItem(title, missing, f"{articles}?missing={language.code}"))
    return DashboardSection(pgettext("staff", "Guide to daily life"), items)


def _notices(user) -> DashboardSection:
    counts = notices_by_state()
    titles = {
        NoticeState.PENDING: pgettext("staff", "Notices waiting for approval"),
        NoticeState.DRAFT: pgettext("staff", "Draft notices"),
        NoticeState.APPROVED: pgettext("staff", "Scheduled notices"),
        NoticeState.SENDING: pgettext("staff", "Notices being sent"),
        NoticeState.PAUSED: pgettext("staff", "Paused notices"),
    }
    list_url = reverse("newsroom:index")
    items = [DashboardItem(title, counts[state], f"{list_url}?state={state}") for state, title in titles.items()]
    return DashboardSection(pgettext("staff", "Notices"), items)


def _messages() -> list[DashboardItem]:
    list_url = reverse("newsroom:ledger")
    waiting = Message.objects.filter(state=MessageState.WAITING).count()
    failed = Message.objects.needing_attention().count()
    return [
        DashboardItem(pgettext("staff", "Messages waiting to be sent"), waiting, list_url),
        DashboardItem(pgettext("staff", "Failed messages"), failed, list_url),
    ]


def _operations(user) -> DashboardSection:
    items = [
        DashboardItem(
            pgettext("staff", "People who can sign in"), User.objects.count(), reverse("admin:accounts_user_changelist")
        ),
        DashboardItem(
            pgettext("staff", "Roles assigned"),
            RoleAssignment.objects.count(),
            reverse("admin:accounts_user_changelist"),
        ),
        *_messages(),
        DashboardItem(
            pgettext("staff", "Audit trail entries"),
            AuditEntry.objects.count(),
            reverse("admin:audit_auditentry_changelist"),
        ),
    ]
    return DashboardSection(pgettext("staff", "Running the portal"), items)


def _operations_for_managers(user) -> DashboardSection:
    # Managers see the same numbers, but only administrators may open the lists, except for the messages.
    board = _operations(user)
    open_to_them = reverse("newsroom:ledger")
    items = [
        DashboardItem(item.title, item.number, item.url if item.url == open_to_them else "") for item in board.items
    ]
    return DashboardSection(board.title, items)


def _without_links(board: DashboardSection) -> DashboardSection:
    return DashboardSection(board.title, [DashboardItem(item.title, item.number) for item in board.items])


def _translation(user) -> DashboardSection:
    # Translators have no list of articles yet, so their numbers have no links.
    return _without_links(_guide(user))


def _consultations(user) -> DashboardSection:
    list_url = reverse("desk:index")
    today = timezone.localdate()
    items = [
        DashboardItem(pgettext("staff", "Appointments today"), count_appointments(today), reverse("desk:appointments")),
        DashboardItem(pgettext("staff", "Desk opening times today"), len(openings(today, today)), list_url),
        DashboardItem(pgettext("staff", "My shifts today"), len(shifts_of(user, today)), list_url),
        *_cases(user),
        *_log(user),
    ]
    return DashboardSection(pgettext("staff", "Consultation desk"), items)


def _cases(user) -> list[DashboardItem]:
    due = FollowUp.objects.visible_to(user).due(timezone.localdate()).filter(owner=user).count()
    waiting = Referral.objects.visible_to(user).waiting().count()
    return [
        DashboardItem(pgettext("staff", "Follow-ups due"), due, reverse("cases:today")),
        DashboardItem(pgettext("staff", "Pending referrals"), waiting, f"{reverse('cases:index')}?show=waiting"),
    ]


def _log(user) -> list[DashboardItem]:
    log = reverse("log:index")
    midnight = timezone.localtime().replace(hour=0, minute=0, second=0, microsecond=0)
    visible = Consultation.objects.visible_to(user)
    today = visible.filter(adviser=user, began_at__gte=midnight).count()
    lately = visible.filter(assigned=user, began_at__gte=midnight - HANDED_OVER_LATELY).count()
    return [
        DashboardItem(
            pgettext("staff", "Draft consultations"), ConsultationDraft.objects.visible_to(user).count(), log
        ),
        DashboardItem(pgettext("staff", "Logged by me today"), today, f"{log}?whose=today"),
        DashboardItem(
            pgettext("staff", "Consultations from the last two weeks handed over to me"),
            lately,
            f"{log}?whose=assigned",
        ),
    ]


def _desk(user) -> DashboardSection:
    today = timezone.localdate()
    gaps = load_timetable(today, today + GAPS_AHEAD).gaps
    title = pgettext("staff", "Time slots without an adviser in the next two weeks")
    return DashboardSection(
        pgettext("staff", "Consultation desk"), [DashboardItem(title, len(gaps), reverse("desk:index"))]
    )


def _classes(user) -> DashboardSection:
    return DashboardSection(
        pgettext("staff", "Language classes"), [], pgettext("staff", "There are no classes planned yet.")
    )


def _events(user) -> DashboardSection:
    return DashboardSection(
        pgettext("staff", "Cultural exchange events"), [], pgettext("staff", "There are no events planned yet.")
    )


def _volunteering(user) -> DashboardSection:
    return DashboardSection(
        pgettext("staff", "Volunteering"), [], pgettext("staff", "There are no requests for your help at the moment.")
    )


def _interpreting(user) -> DashboardSection:
    return DashboardSection(
        pgettext("staff", "Interpreter dispatch"), [], pgettext("staff", "There are no open requests.")
    )


BOARDS: dict[str, tuple[Callable[[User], DashboardSection], ...]] = {
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
    Role.MANAGER: (_desk, _notices, _operations_for_managers),
    Role.ADMINISTRATOR: (_operations,),
}
