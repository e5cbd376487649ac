"""Notices for their readers: list, page, archive, feeds, and the subscription without an account."""

from allauth.core import ratelimit
from django.conf import settings
from django.core.paginator import Paginator
from django.db.models import Q
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from services.languages.text import text_of
from services.notices import feeds, links
from services.notices.actions import subscribing
from services.notices.banner import PUT_AWAY_COOKIE, put_away
from services.notices.forms import SubscribeForm, WishesForm
from services.notices.models import Notice, NoticeState, Subscription, SubscriptionState, Topic
from services.notices.reading import calendar_entry, in_words, words_of
from services.schedules.calendar_files import calendar_file

ON_A_PAGE = 20
GET_OR_POST = require_http_methods(["GET", "HEAD", "POST"])


@require_safe
def index(request):
    """What holds now, the newest first; by topic."""
    return _list(request, Notice.objects.current(), "notices/index.html")


@require_safe
def archive(request):
    """What is past."""
    return _list(request, Notice.objects.archived(), "notices/archive.html")


def _list(request, notices, template):
    topic = Topic.objects.filter(code=request.GET.get("topic", "")).first()
    notices = notices.filter(topic=topic) if topic else notices
    page = Paginator(notices, ON_A_PAGE).get_page(request.GET.get("page"))
    page.object_list = in_words(page.object_list, request.LANGUAGE_CODE)
    topics = [(it.code, text_of(it, "name")) for it in Topic.objects.readable("name", plain=("code",))]
    return render(request, template, {"page": page, "topics": topics, "topic": topic.code if topic else ""})


@require_safe
def notice(request, public_id):
    """One notice: for an emergency with its level, what to do first, area, until when, source, and what came of it."""
    row = _published(public_id)
    if row is None:
        return _withdrawn(request, public_id)
    context = {"notice": words_of(row, request.LANGUAGE_CODE), "newer": _versions_after(row, request.LANGUAGE_CODE)}
    return render(request, "notices/notice.html", context)


def _published(public_id: str) -> Notice | None:
    notices = Notice.objects.published().select_related("topic").prefetch_related("wordings")
    return notices.filter(public_id=public_id).first()


def _withdrawn(request, public_id: str):
    """Who follows a mail to what was cancelled meanwhile is told so; what was never out is not there."""
    gone = Notice.objects.filter(public_id=public_id, state=NoticeState.CANCELLED, published_at__isnull=False)
    if not gone.exists():
        raise Http404
    return render(request, "notices/withdrawn.html", status=410)


def _versions_after(notice: Notice, language: str):
    """What updates or corrects it."""
    return in_words(Notice.objects.published().filter(Q(updates=notice) | Q(corrects=notice)), language)


@require_safe
def feed(request, topic=""):
    """The newest notices in the address's language, as Atom (RFC 4287)."""
    chosen = get_object_or_404(Topic, code=topic) if topic else None
    return HttpResponse(feeds.atom(request.LANGUAGE_CODE, chosen), content_type="application/atom+xml; charset=utf-8")


@require_safe
def alert(request, public_id):
    """An emergency as CAP 1.2 (OASIS), with one `<info>` for each language."""
    row = _published(public_id)
    if row is None or not row.is_emergency:
        raise Http404
    return HttpResponse(feeds.alert(row), content_type="application/cap+xml; charset=utf-8")


@require_safe
def calendar(request, public_id):
    """What the notice tells of, for the reader's own calendar (RFC 5545)."""
    row = _published(public_id)
    entry = calendar_entry(row, request.LANGUAGE_CODE) if row else None
    if entry is None:
        raise Http404
    file = calendar_file([entry], stamp=row.ended_at or row.published_at)
    headers = {"Content-Disposition": 'attachment; filename="notice.ics"'}
    return HttpResponse(file, content_type="text/calendar; charset=utf-8", headers=headers)


@csrf_exempt  # it hides a banner from whoever asks for it; a token would keep every page out of the cache
@require_POST
def put_away_banner(request, public_id):
    """Put a banner away, where that is allowed, and go on reading the same page."""
    row = get_object_or_404(Notice.objects.published(), public_id=public_id)
    back = request.POST.get("next", "")
    is_ours = back.startswith("/") and url_has_allowed_host_and_scheme(back, allowed_hosts=None)
    response = redirect(back if is_ours else row)
    if not row.must_be_seen:
        response.set_cookie(
            PUT_AWAY_COOKIE,
            put_away(request, public_id),
            max_age=7 * 24 * 3600,
            secure=settings.LANGUAGE_COOKIE_SECURE,
            httponly=True,
            samesite="Lax",
        )
    return response


@GET_OR_POST
def subscribe(request):
    """Ask for news. The answer is the same whoever's address it is."""
    if not ratelimit.consume(request, action="subscribe"):
        return ratelimit.respond_429(request)
    form = SubscribeForm(request.POST or None, reader_language=request.LANGUAGE_CODE)
    if request.method == "POST" and form.is_valid():
        words = form.cleaned_data
        subscribing.ask_for_news(words["address"], channel=words["channel"], **form.wishes())
        return redirect("notices:asked")
    return render(request, "notices/subscribe.html", {"form": form}, status=400 if form.errors else 200)


@require_safe
def asked(request):
    """What comes next: a message with a link."""
    return render(request, "notices/asked.html", {"days": Subscription.TIME_TO_PROVE.days})


@never_cache
@GET_OR_POST
def confirm(request, token):
    """A link shows, a button confirms."""
    subscription = links.subscription_behind(token, links.CONFIRM)
    if subscription is None or subscription.state == SubscriptionState.LEFT:
        return _opens_nothing(request)
    if request.method == "POST":
        subscribing.confirm(subscription)
        subscription.refresh_from_db()
    return _private(render(request, "notices/confirm.html", _shown(request, subscription)))


@never_cache
@GET_OR_POST
def manage(request, token):
    """Other topics, another language, another area."""
    subscription = links.subscription_behind(token, links.MANAGE)
    if subscription is None or subscription.state != SubscriptionState.ACTIVE:
        return _opens_nothing(request)
    kept = {name: getattr(subscription, name) for name in ("language", "second_language", "area")}
    kept["topics"] = subscription.topics.all()
    form = WishesForm(request.POST or None, initial=kept, reader_language=request.LANGUAGE_CODE)
    saved = request.method == "POST" and form.is_valid()
    if saved:
        subscribing.change_wishes(subscription, **form.wishes())
    context = _shown(request, subscription) | {"form": form, "saved": saved}
    return _private(render(request, "notices/manage.html", context, status=400 if form.errors else 200))


@csrf_exempt  # mail programs post here by themselves (RFC 8058); the signed link is what proves it
@never_cache
@GET_OR_POST
def leave(request, token):
    """A link shows, a button (or a mail program's one click) ends it."""
    subscription = links.subscription_behind(token, links.LEAVE)
    if subscription is None:
        return _opens_nothing(request)
    if request.method == "POST":
        subscribing.leave(subscription)
        subscription.refresh_from_db()
    return _private(render(request, "notices/leave.html", _shown(request, subscription)))


def _shown(request, subscription: Subscription) -> dict:
    return {
        "is_active": subscription.state == SubscriptionState.ACTIVE,
        "topics": [text_of(topic, "name") for topic in subscription.topics.all()],
        "leave_token": links.token_for(subscription, links.LEAVE),
        "manage_token": links.token_for(subscription, links.MANAGE),
        "path": request.path,
    }


def _opens_nothing(request):
    """A link that is too old, or was not made by us."""
    return _private(render(request, "notices/old_link.html", status=410))


def _private(response):
    """A page whose address is a key: it is not indexed. No other site is told of it (SECURE_REFERRER_POLICY);
    "no-referrer" would make browsers post `Origin: null`, which looks like a forged form.
    """
    response["X-Robots-Tag"] = "noindex"
    return response
