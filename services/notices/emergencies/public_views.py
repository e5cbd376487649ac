"""Hiding the banner of an emergency."""

from django.conf import settings
from django.shortcuts import get_object_or_404, redirect
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from services.notices.emergencies.banner import DISMISSED_COOKIE, dismiss
from services.notices.news.models import Notice


@csrf_exempt  # only hides a banner for the reader; a token would make pages uncacheable
@require_POST
def dismiss_banner(request, public_id):
    """Hide an emergency's banner for this reader, if allowed, and return to the same page."""
    row = get_object_or_404(Notice.objects.published(), public_id=public_id)
    back = request.POST.get("next", "")
    is_ours = back.startswith("/") and url_has_allowed_host_and_scheme(back, allowed_hosts=None)
    response = redirect(back if is_ours else row)
    if not row.must_be_seen:
        response.set_cookie(
            DISMISSED_COOKIE,
            dismiss(request, public_id),
            max_age=7 * 24 * 3600,
            secure=settings.LANGUAGE_COOKIE_SECURE,
            httponly=True,
            samesite="Lax",
        )
    return response
