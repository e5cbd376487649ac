"""Public pages to subscribe to news, confirm, change and unsubscribe. No account is needed."""

from allauth.core import ratelimit
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_safe

from services.base.http import GET_OR_POST
from services.languages.translated import translated
from services.notices.subscriptions import actions, links
from services.notices.subscriptions.forms import SubscribeForm, SubscriptionForm
from services.notices.subscriptions.models import Subscription, SubscriptionState


@GET_OR_POST
def subscribe(request):
    """Request a subscription. The response does not depend on whether the address is known."""
    if not ratelimit.consume(request, action="subscribe"):
        return ratelimit.respond_429(request)
    form = SubscribeForm(request.POST or None, reader_language=request.LANGUAGE_CODE)
    if request.method == "POST" and form.is_valid():
        data = form.cleaned_data
        actions.request_subscription(data["address"], channel=data["channel"], **form.preferences())
        return redirect("notices:asked")
    return render(request, "notices/subscribe.html", {"form": form}, status=400 if form.errors else 200)


@require_safe
def asked(request):
    """Say that a message with a confirmation link is on its way."""
    return render(request, "notices/asked.html", {"days": Subscription.TIME_TO_PROVE.days})


@never_cache
@GET_OR_POST
def confirm(request, token):
    """Confirm a subscription: GET shows it, POST confirms."""
    subscription = links.subscription_for_token(token, links.CONFIRM)
    if subscription is None or subscription.state == SubscriptionState.UNSUBSCRIBED:
        return _invalid_link(request)
    if request.method == "POST":
        actions.confirm(subscription)
        subscription.refresh_from_db()
    return _no_index(render(request, "notices/confirm.html", _settings_context(request, subscription)))


@never_cache
@GET_OR_POST
def manage(request, token):
    """Change topics, languages and area."""
    subscription = links.subscription_for_token(token, links.MANAGE)
    if subscription is None or subscription.state != SubscriptionState.ACTIVE:
        return _invalid_link(request)
    initial = {name: getattr(subscription, name) for name in ("language", "second_language", "area")}
    initial["topics"] = subscription.topics.all()
    form = SubscriptionForm(request.POST or None, initial=initial, reader_language=request.LANGUAGE_CODE)
    saved = request.method == "POST" and form.is_valid()
    if saved:
        actions.change_subscription(subscription, **form.preferences())
    context = _settings_context(request, subscription) | {"form": form, "saved": saved}
    return _no_index(render(request, "notices/manage.html", context, status=400 if form.errors else 200))


@csrf_exempt  # email programs post here by themselves (RFC 8058); the signed link authorises it
@never_cache
@GET_OR_POST
def unsubscribe(request, token):
    """Unsubscribe: GET shows the subscription, POST (by the button or an email program) ends it."""
    subscription = links.subscription_for_token(token, links.UNSUBSCRIBE)
    if subscription is None:
        return _invalid_link(request)
    if request.method == "POST":
        actions.unsubscribe(subscription)
        subscription.refresh_from_db()
    return _no_index(render(request, "notices/leave.html", _settings_context(request, subscription)))


def _settings_context(request, subscription: Subscription) -> dict:
    return {
        "is_active": subscription.state == SubscriptionState.ACTIVE,
        "topics": [translated(topic, "name") for topic in subscription.topics.all()],
        "leave_token": links.token_for(subscription, links.UNSUBSCRIBE),
        "manage_token": links.token_for(subscription, links.MANAGE),
        "path": request.path,
    }


def _invalid_link(request):
    """Say that a link has expired or is not one of ours."""
    return _no_index(render(request, "notices/old_link.html", status=410))


def _no_index(response):
    """Keep a page with a token in its URL out of search engines.

    SECURE_REFERRER_POLICY hides the URL from other sites; "no-referrer" would make browsers post `Origin: null`, which
    looks like a forged form.
    """
    response["X-Robots-Tag"] = "noindex"
    return response
