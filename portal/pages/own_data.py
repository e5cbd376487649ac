"""What the portal knows of somebody who signs in: to look at, to take along, to have forgotten."""

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

from services.accounts import rights
from services.base.refusals import Refused
from services.languages.ruby import as_mail


def _freshly_proved(view):
    """As allauth asks for it, but a button pressed too late leads back to the page instead of a dead end."""
    asks = reauthentication_required(view)

    @wraps(view)
    def view_or_page(request):
        try:
            return asks(request)
        except ReauthenticationRequired:
            return redirect("own_data")

    return view_or_page


@require_safe
@reauthentication_required
def own_data(request):
    """The ways to take everything along, and to have it forgotten."""
    return render(request, "portal/own_data.html", {"works_here": request.user.is_desk_staff})


@require_POST
@_freshly_proved
def download(request):
    """Everything, as a page to read or as JSON for programs. A POST, because it leaves a line in the trail."""
    known = rights.export(request.user)
    if request.POST.get("as") == "json":
        plain = {as_mail(title): [_without_markup(row) for row in rows] for title, rows in known.items()}
        answer = HttpResponse(json.dumps(plain, ensure_ascii=False, indent=2), content_type="application/json")
        answer["Content-Disposition"] = 'attachment; filename="my-data.json"'
        return answer
    page = render_to_string("portal/own_data_file.html", {"known": known}, request=request)
    answer = HttpResponse(page)
    answer["Content-Disposition"] = 'attachment; filename="my-data.html"'
    return answer


def _without_markup(row: dict[str, str]) -> dict[str, str]:
    """A program reads this file, then a person: readings stand behind their kanji."""
    return {as_mail(label): as_mail(word) for label, word in row.items()}


@require_POST
@_freshly_proved
def forget(request):
    """Forget the person for good. The word that they tick says that it cannot be undone."""
    if request.POST.get("sure") != "yes":
        messages.error(request, _("Please tick the box first: this cannot be undone."))
        return redirect("own_data")
    try:
        rights.erase(request.user)
    except Refused as refusal:
        messages.error(request, refusal)
        return redirect("own_data")
    logout(request)
    messages.success(request, _("We have forgotten you. All the best!"))
    return redirect("home")
