"""The pages that span programmes: first visit, home, search, emergency, my page, programmes."""

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
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from consultations.letters import coming_appointments
from consultations.reading import strip_in_words
from portal import emergency as emergency_words
from portal.forms import SearchForm
from portal.inbox import inbox_rows, letter_of
from portal.own_pages import other_ways, pages_found
from portal.page_cache import PLACE
from portal.programmes import programme as words_of
from services.accounts import actions as accounts
from services.audit.trail import public_edition
from services.guide.models import Category
from services.guide.reading import article_rows, category_rows, found
from services.languages.choice import FURIGANA_COOKIE, in_language
from services.languages.ruby import as_plain
from services.languages.table import SPOKEN
from services.notices.actions.inbox import mark_as_read
from services.notices.banner import emergencies_now
from services.notices.models import Message, Notice
from services.notices.reading import in_words

ON_A_PAGE = 20
NEWEST = 3


@require_safe
def first_visit(request):
    """The bare address leads home in the reader's language."""
    return redirect(f"/{request.LANGUAGE_CODE}/")


@require_safe
def home(request):
    """The square: choose a language, find help, see what is on."""
    language, place = request.LANGUAGE_CODE, request.META.get(PLACE)
    context = {
        "edition": place.edition if place else public_edition(),  # the page cache's door has read it already
        "day": timezone.localdate(),
        # Only as often as the template asks: once for each language, day and edition.
        "categories": SimpleLazyObject(category_rows),
        "news": SimpleLazyObject(lambda: in_words(Notice.objects.current().news()[:NEWEST], language)),
        "desk": SimpleLazyObject(lambda: strip_in_words(language)),
    }
    return render(request, "portal/home.html", context)


@require_safe
def emergency(request):
    """Whom to call and what to do first."""
    context = {
        "now": emergencies_now(),
        "sections": emergency_words.sections(settings.CITY),
        "advice": emergency_words.advice(settings.CITY),
        "speaks_locally": request.LANGUAGE_CODE.startswith(settings.CITY.default_language),
    }
    return render(request, "portal/emergency.html", context)


@require_safe
def programme(request, name):
    """What a programme offers, as long as it has no pages of its own."""
    return render(request, "portal/programme.html", {"programme": words_of(name)})


@require_safe
def search(request):
    """The portal's own pages and the guide's articles that hold every word that was typed."""
    form = SearchForm(request.GET if "q" in request.GET else None)
    query = form.cleaned_data["q"] if form.is_valid() else ""
    page = Paginator(found(request.user, query), ON_A_PAGE).get_page(request.GET.get("page"))
    page.object_list = article_rows(page.object_list, Category.objects.in_bulk() if page.object_list else {})
    pages = pages_found(query, request.LANGUAGE_CODE)
    context = {"form": form, "typed": request.GET.get("q", ""), "query": query, "page": page, "pages": pages}
    context |= {"count": page.paginator.count + len(pages), "other_ways": other_ways}
    return render(request, "portal/search.html", context)


@csrf_exempt  # it sets only what language the reader gets; a token would keep every page out of the cache
@require_POST
def choose(request):
    """Remember the language or the furigana that somebody chose, and go back to the same page."""
    back = request.POST.get("next", "")
    if not url_has_allowed_host_and_scheme(back, allowed_hosts=None) or not back.startswith("/"):
        back = "/"
    language = request.POST.get("language", "")
    if language in dict(settings.LANGUAGES):
        response = redirect(in_language(back, language))
        _remember(response, settings.LANGUAGE_COOKIE_NAME, language)
        accounts.prefer_language(request.user, language)
        return response
    response = redirect(back)
    if request.POST.get("furigana") in {"on", "off"}:
        _remember(response, FURIGANA_COOKIE, request.POST["furigana"])
    return response


def _remember(response, cookie: str, value: str) -> None:
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
    """What is the reader's own."""
    own = Message.objects.in_inbox_of(request.user)
    context = {
        "own_language": SPOKEN.get(request.user.language),
        "rows": inbox_rows(own[:NEWEST], request.LANGUAGE_CODE),
        "unread": own.filter(read_at__isnull=True).count(),
        "appointments": coming_appointments(request.user, request.LANGUAGE_CODE),
    }
    return render(request, "portal/me.html", context)


@require_safe
def inbox(request):
    """What the centre has written to the reader, newest first."""
    page = Paginator(Message.objects.in_inbox_of(request.user), ON_A_PAGE).get_page(request.GET.get("page"))
    page.object_list = inbox_rows(page.object_list, request.LANGUAGE_CODE)
    return render(request, "portal/messages.html", {"page": page})


@require_http_methods(["GET", "HEAD", "POST"])
def message(request, public_id):
    """One message, in the language of the page; a button notes that it has been read."""
    row = get_object_or_404(Message.objects.in_inbox_of(request.user), public_id=public_id)
    if request.method == "POST":
        mark_as_read(row)
        return redirect("messages")
    return render(request, "portal/message.html", letter_of(row, request.LANGUAGE_CODE))


@require_safe
def manifest(request):
    """The web manifest, so that the portal can be put on a phone's first screen (W3C Web App Manifest)."""
    name = as_plain(settings.CITY.centre(request.LANGUAGE_CODE))
    icons = [{"src": static(f"icon-{size}.png"), "sizes": f"{size}x{size}", "type": "image/png"} for size in (192, 512)]
    facts = {
        "name": name,
        "short_name": as_plain(settings.CITY.name(request.LANGUAGE_CODE)),
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
    """Every component in four scripts, for whoever changes the look."""
    page = Paginator(range(1, 201), ON_A_PAGE).get_page(request.GET.get("page", 4))
    return render(request, "portal/styleguide.html", {"page": page, "form": SearchForm({"q": "\u202e"})})
