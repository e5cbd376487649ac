"""Pages that span programmes: home, search, emergency, my page, messages, programmes."""

from django.conf import settings
from django.core.paginator import Paginator
from django.http import JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.templatetags.static import static
from django.urls import reverse
from django.utils import timezone
from django.utils.functional import SimpleLazyObject
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST, require_safe

from consultations.appointments.summaries import upcoming_appointments
from consultations.timetable.presentation import opening_strip
from portal.page_cache import CACHE_SLOT
from portal.pages import emergency as emergency_words
from portal.pages.forms import SearchForm
from portal.pages.inbox import inbox_rows, render_for_page
from portal.pages.page_search import other_ways, search_pages
from portal.pages.placeholder_programmes import describe_programme as find_programme
from services.accounts import actions as accounts
from services.audit.trail import content_version
from services.base.http import GET_OR_POST
from services.guide.models import Category
from services.guide.presentation import article_rows, category_rows, search_articles
from services.languages.furigana import strip_readings
from services.languages.negotiation import FURIGANA_COOKIE, url_in_language
from services.languages.registry import SPOKEN
from services.messaging.models import Message
from services.messaging.outbox import mark_as_read
from services.notices.emergencies.banner import current_emergencies
from services.notices.models import Notice
from services.notices.news.presentation import present_all, search_notices

PAGE_SIZE = 20
LATEST_SHOWN = 3


@require_safe
def first_visit(request):
    """Redirect to the home page in the reader's language."""
    return redirect(f"/{request.LANGUAGE_CODE}/")


@require_safe
def home(request):
    """The home page: languages, help, news."""
    language, slot = request.LANGUAGE_CODE, request.META.get(CACHE_SLOT)
    context = {
        "edition": slot.version if slot else content_version(),  # the page cache has read it already
        "day": timezone.localdate(),
        # Lazy: the template caches them by language, day and content version.
        "categories": SimpleLazyObject(category_rows),
        "news": SimpleLazyObject(lambda: present_all(Notice.objects.current().news()[:LATEST_SHOWN], language)),
        "desk": SimpleLazyObject(lambda: opening_strip(language)),
    }
    return render(request, "portal/home.html", context)


@require_safe
def emergency(request):
    """Emergency numbers, and what to do first."""
    context = {
        "now": current_emergencies(),
        "sections": emergency_words.sections(settings.CITY),
        "advice": emergency_words.advice(settings.CITY),
        "speaks_locally": request.LANGUAGE_CODE.startswith(settings.CITY.default_language),
    }
    return render(request, "portal/emergency.html", context)


@require_safe
def programme(request, name):
    """Describe a programme that has no pages of its own yet."""
    return render(request, "portal/programme.html", {"programme": find_programme(name)})


@require_safe
def search(request):
    """Search the portal's pages, the news and the guide's articles."""
    form = SearchForm(request.GET if "q" in request.GET else None)
    query = form.cleaned_data["q"] if form.is_valid() else ""
    page = Paginator(search_articles(request.user, query), PAGE_SIZE).get_page(request.GET.get("page"))
    page.object_list = article_rows(page.object_list, Category.objects.in_bulk() if page.object_list else {})
    pages = search_pages(query, request.LANGUAGE_CODE)
    notices = search_notices(query, request.LANGUAGE_CODE)
    context = {
        "form": form,
        "typed": request.GET.get("q", ""),
        "query": query,
        "page": page,
        "pages": pages,
        "notices": notices,
    }
    context |= {"count": page.paginator.count + len(pages) + len(notices), "other_ways": other_ways}
    return render(request, "portal/search.html", context)


@csrf_exempt  # sets only the reader's language and furigana; a token would make pages uncacheable
@require_POST
def choose(request):
    """Save the chosen language or furigana, and return to the same page."""
    back = request.POST.get("next", "")
    if not url_has_allowed_host_and_scheme(back, allowed_hosts=None) or not back.startswith("/"):
        back = "/"
    language = request.POST.get("language", "")
    if language in dict(settings.LANGUAGES):
        response = redirect(url_in_language(back, language))
        _set_preference(response, settings.LANGUAGE_COOKIE_NAME, language)
        accounts.prefer_language(request.user, language)
        return response
    response = redirect(back)
    if request.POST.get("furigana") in {"on", "off"}:
        _set_preference(response, FURIGANA_COOKIE, request.POST["furigana"])
    return response


def _set_preference(response, cookie: str, value: str) -> None:
    response.set_cookie(
        cookie,
        value,
        max_age=settings.LANGUAGE_COOKIE_AGE,
        secure=settings.LANGUAGE_COOKIE_SECURE,
        httponly=True,
        samesite=settings.LANGUAGE_COOKIE_SAMESITE,
    )


@require_safe
def me(request):
    """My page: messages, appointments, account."""
    own = Message.objects.in_inbox_of(request.user)
    context = {
        "own_language": SPOKEN.get(request.user.language),
        "rows": inbox_rows(own[:LATEST_SHOWN], request.LANGUAGE_CODE),
        "unread": own.filter(read_at__isnull=True).count(),
        "appointments": upcoming_appointments(request.user, request.LANGUAGE_CODE),
    }
    return render(request, "portal/me.html", context)


@require_safe
def inbox(request):
    """The user's messages, the newest first."""
    page = Paginator(Message.objects.in_inbox_of(request.user), PAGE_SIZE).get_page(request.GET.get("page"))
    page.object_list = inbox_rows(page.object_list, request.LANGUAGE_CODE)
    return render(request, "portal/messages.html", {"page": page})


@GET_OR_POST
def message(request, public_id):
    """A message in the page's language; POST marks it as read."""
    row = get_object_or_404(Message.objects.in_inbox_of(request.user), public_id=public_id)
    if request.method == "POST":
        mark_as_read(row)
        return redirect("messages")
    return render(request, "portal/message.html", render_for_page(row, request.LANGUAGE_CODE))


@require_safe
def manifest(request):
    """The W3C Web App Manifest, so that people can add the portal to a phone's home screen."""
    name = strip_readings(settings.CITY.centre(request.LANGUAGE_CODE))
    icons = [{"src": static(f"icon-{size}.png"), "sizes": f"{size}x{size}", "type": "image/png"} for size in (192, 512)]
    facts = {
        "name": name,
        "short_name": strip_readings(settings.CITY.name(request.LANGUAGE_CODE)),
        "lang": request.LANGUAGE_CODE,
        "dir": SPOKEN[request.LANGUAGE_CODE].dir,
        "start_url": reverse("first_visit"),
        "display": "minimal-ui",
        "background_color": "#fbfaf7",
        "theme_color": "#1b2a4e",
        "icons": icons,
    }
    return JsonResponse(facts, content_type="application/manifest+json")


@require_safe
def styleguide(request):
    """All components in four scripts, for developers."""
    page = Paginator(range(1, 201), PAGE_SIZE).get_page(request.GET.get("page", 4))
    return render(request, "portal/styleguide.html", {"page": page, "form": SearchForm({"q": "\u202e"})})
