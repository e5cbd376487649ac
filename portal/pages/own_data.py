"""Pages on a user's own personal data: download and erasure."""

import json
from functools import wraps

from allauth.account.decorators import reauthentication_required
from allauth.core.exceptions import ReauthenticationRequired
from django.contrib import messages
from django.contrib.auth import logout
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.template.loader import render_to_string
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from services.accounts import personal_data_registry
from services.base.refusals import Refused
from services.languages.furigana import to_parentheses


def _reauthentication_required(view):
    """Require a recent sign-in, as allauth does, but redirect a late POST to the page, not to a dead end."""
    protected_view = reauthentication_required(view)

    @wraps(view)
    def view_or_page(request):
        try:
            return protected_view(request)
        except ReauthenticationRequired:
            return redirect("own_data")

    return view_or_page


@require_safe
@reauthentication_required
def own_data(request):
    """Offer the download and the erasure of all personal data."""
    return render(request, "portal/own_data.html", {"works_here": request.user.is_desk_staff})


@require_POST
@_reauthentication_required
def download(request):
    """Download all personal data as a page or as JSON. A POST, because it writes an audit entry."""
    known = personal_data_registry.export_personal_data(request.user)
    if request.POST.get("as") == "json":
        plain = {to_parentheses(title): [_without_markup(row) for row in rows] for title, rows in known.items()}
        answer = HttpResponse(json.dumps(plain, ensure_ascii=False, indent=2), content_type="application/json")
        answer["Content-Disposition"] = 'attachment; filename="my-data.json"'
        return answer
    page = render_to_string("portal/own_data_file.html", {"known": known}, request=request)
    answer = HttpResponse(page)
    answer["Content-Disposition"] = 'attachment; filename="my-data.html"'
    return answer


def _without_markup(row: dict[str, str]) -> dict[str, str]:
    """Put readings in parentheses behind their kanji, because people may read the JSON too."""
    return {to_parentheses(label): to_parentheses(word) for label, word in row.items()}


@require_POST
@_reauthentication_required
def forget(request):
    """Erase all personal data for good, after the user has ticked that it cannot be undone."""
    if request.POST.get("sure") != "yes":
        messages.error(request, _("Tick the box first. Deleting your data cannot be undone."))
        return redirect("own_data")
    try:
        personal_data_registry.erase_personal_data(request.user)
    except Refused as refusal:
        messages.error(request, refusal)
        return redirect("own_data")
    logout(request)
    messages.success(request, _("Your data has been deleted. We wish you all the best."))
    return redirect("home")
