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
from consultations.views.cases import follow_up_row, page_of
from services.base.refusals import Refused

VERBS: dict[str, tuple[Callable, type[VerbForm]]] = {
    "attempt": (actions.attempt, AttemptForm),
    "done": (actions.finish, NothingForm),
    "decide": (actions.decide, DecideForm),
}


@require_safe
def today(request):
    """What is due today or was before: the reader's own first, the longest overdue on top. No words of anybody's."""
    return _queue(request)


def _queue(request, refused: DecideForm | None = None):
    day = timezone.localdate()
    due = FollowUp.objects.visible_to(request.user).due(day).order_by("due_on", "pk")
    found = due.select_related("case__client", "owner").prefetch_related("attempts")
    rows = [follow_up_row(it, it.case, request.user, refused) for it in found]
    context = {
        "mine": [row for row in rows if row["row"].owner_id == request.user.pk],
        "others": [row for row in rows if row["row"].owner_id != request.user.pk],
        "today": day,
    }
    return render(request, "consultations/cases/today.html", context, status=400 if refused else 200)


@require_POST
def do(request, public_id, verb):
    """Reached, not reached, done, or what follows three attempts; then back to where the button was."""
    follow_up = _found(request, public_id)
    if verb not in VERBS:
        raise Http404
    act, form_class = VERBS[verb]
    options = {"prefix": public_id, "auto_id": f"id_{public_id}_%s"}
    form = form_class(request.POST, case=follow_up.case, user=request.user, **options)
    if not form.is_valid():
        return _refused(request, public_id, verb, form)
    try:
        act(follow_up, by=request.user, **form.cleaned_data)
    except Refused as refusal:
        form.add_error(None, str(refusal))
        return _refused(request, public_id, verb, form)
    messages.success(request, pgettext("staff", "Written down."))
    return redirect(_back(request, follow_up))


def _refused(request, public_id: str, verb: str, form: VerbForm):
    """A decision is drawn with its words and why it was refused, in the queue if it is there; of a button, why."""
    follow_up = _found(request, public_id)
    if verb != "decide":
        messages.error(request, " ".join(error for errors in form.errors.values() for error in errors))
        return redirect(_back(request, follow_up))
    is_in_queue = FollowUp.objects.due(timezone.localdate()).filter(pk=follow_up.pk).exists()
    if is_in_queue and request.POST.get("from") == "today":
        return _queue(request, form)
    return page_of(request, follow_up.case, form)


def _found(request, public_id: str) -> FollowUp:
    mine = FollowUp.objects.visible_to(request.user).select_related("case__client")
    return get_object_or_404(mine, public_id=public_id)


def _back(request, follow_up: FollowUp) -> str:
    if request.POST.get("from") == "today":
        return reverse("cases:today")
    return reverse("cases:case", args=[follow_up.case.public_id])
