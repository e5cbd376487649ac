"""Public pages of notices: list, archive, page, feeds and calendar file."""

from django.core.paginator import Paginator
from django.db.models import Q
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils import timezone
from django.views.decorators.http import require_safe

from services.languages.translated import translated
from services.notices.news import feeds
from services.notices.news.models import Notice, NoticeState
from services.notices.news.presentation import calendar_entry, present, present_all
from services.notices.subscriptions.models import Topic
from services.schedules.calendar_files import render_calendar

PAGE_SIZE = 20


@require_safe
def index(request):
    """Current notices, the newest first; `topic` filters them."""
    return _list(request, Notice.objects.current(), "notices/index.html")


@require_safe
def archive(request):
    """Past notices."""
    return _list(request, Notice.objects.archived(), "notices/archive.html")


def _list(request, notices, template):
    topic = Topic.objects.filter(code=request.GET.get("topic", "")).first()
    notices = notices.filter(topic=topic) if topic else notices
    page = Paginator(notices, PAGE_SIZE).get_page(request.GET.get("page"))
    page.object_list = present_all(page.object_list, request.LANGUAGE_CODE)
    topics = [(it.code, translated(it, "name")) for it in Topic.objects.readable("name", plain=("code",))]
    return render(request, template, {"page": page, "topics": topics, "topic": topic.code if topic else ""})


@require_safe
def notice(request, public_id):
    """A notice; an emergency with its level, first action, area, end, source and later versions."""
    row = _get_published(public_id)
    if row is None:
        return _withdrawn(request, public_id)
    context = {"notice": present(row, request.LANGUAGE_CODE), "newer": _versions_after(row, request.LANGUAGE_CODE)}
    return render(request, "notices/notice.html", context)


def _get_published(public_id: str) -> Notice | None:
    notices = Notice.objects.published().select_related("topic").prefetch_related("translations")
    return notices.filter(public_id=public_id).first()


def _withdrawn(request, public_id: str):
    """Say that a notice has been withdrawn; 404 if it was never published."""
    withdrawn = Notice.objects.filter(public_id=public_id, state=NoticeState.CANCELLED, published_at__isnull=False)
    if not withdrawn.exists():
        raise Http404
    return render(request, "notices/withdrawn.html", status=410)


def _versions_after(notice: Notice, language: str):
    """Return the published notices that update or correct this one."""
    return present_all(Notice.objects.published().filter(Q(updates=notice) | Q(corrects=notice)), language)


@require_safe
def feed(request, topic=""):
    """The newest notices in the URL's language, as Atom (RFC 4287)."""
    chosen = get_object_or_404(Topic, code=topic) if topic else None
    return HttpResponse(
        feeds.atom_feed(request.LANGUAGE_CODE, chosen), content_type="application/atom+xml; charset=utf-8"
    )


@require_safe
def alert(request, public_id):
    """An emergency as CAP 1.2 (OASIS)."""
    row = _get_published(public_id)
    if row is None or not row.is_emergency:
        raise Http404
    return HttpResponse(feeds.cap_alert(row), content_type="application/cap+xml; charset=utf-8")


@require_safe
def calendar(request, public_id):
    """The event of a notice as a calendar file (RFC 5545). After a withdrawal, the file cancels the entry."""
    row = get_object_or_404(Notice.objects.ever_published(), public_id=public_id)
    entry = calendar_entry(row, request.LANGUAGE_CODE)
    if entry is None:
        raise Http404
    file = render_calendar([entry], stamp=timezone.now())
    headers = {"Content-Disposition": 'attachment; filename="notice.ics"'}
    return HttpResponse(file, content_type="text/calendar; charset=utf-8", headers=headers)
