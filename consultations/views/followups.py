"""The queue of the day, and one press for each follow-up."""

from collections.abc import Callable

from django.contrib import messages
from django.http import Http404
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import pgettext
from django.views.decorators.http import require_POST, require_safe

from consultations.actions import followups as actions
from consultations.forms.cases import AttemptForm, DecideForm, NothingForm, VerbForm
from consultations.models import FollowUp
from services.base.refusals import Refused

VERBS: dict[str, tuple[Callable, type[VerbForm]]] = {
    "attempt": (actions.attempt, AttemptForm),
    "done": (actions.finish, NothingForm),
    "decide": (actions.decide, DecideForm),
}


@require_safe
def today(request):
    """What is due today or was before: the reader's own first, the longest overdue on top. No words of anybody's."""
    day = timezone.localdate()
    due = FollowUp.objects.visible_to(request.user).due(day).order_by("due_on", "pk")
    rows = [_row(it, request.user) for it in due.select_related("case__client", "owner").prefetch_related("attempts")]
    context = {
        "mine": [row for row in rows if row["row"].owner_id == request.user.pk],
        "others": [row for row in rows if row["row"].owner_id != request.user.pk],
        "today": day,
    }
    return render(request, "consultations/cases/today.html", context)


def _row(it: FollowUp, user) -> dict:
    options = {"case": it.case, "user": user, "prefix": it.public_id, "auto_id": f"id_{it.public_id}_%s"}
    return {"row": it, "case": it.case, "attempt": AttemptForm(**options), "decide": DecideForm(**options)}


@require_POST
def do(request, public_id, verb):
    """Reached, not reached, done, or what follows three attempts; then back to where the button was."""
    mine = FollowUp.objects.visible_to(request.user).select_related("case__client")
    follow_up = get_object_or_404(mine, public_id=public_id)
    if verb not in VERBS:
        raise Http404
    act, form_class = VERBS[verb]
    form = form_class(request.POST, case=follow_up.case, user=request.user, prefix=public_id)
    try:
        if not form.is_valid():
            raise Refused(
                pgettext("staff", "Please choose a safe way to reach the person, and a day where one is asked.")
            )
        act(follow_up, by=request.user, **form.cleaned_data)
    except Refused as refusal:
        messages.error(request, str(refusal))
    else:
        messages.success(request, pgettext("staff", "Written down."))
    return redirect(_back(request, follow_up))


def _back(request, follow_up: FollowUp) -> str:
    if request.POST.get("from") == "today":
        return reverse("cases:today")
    return reverse("cases:case", args=[follow_up.case.public_id])
