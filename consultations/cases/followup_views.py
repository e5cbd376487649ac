"""Today's follow-ups, and a button for each step of a follow-up."""

from collections.abc import Callable

from django.contrib import messages
from django.http import Http404
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import pgettext
from django.views.decorators.http import require_POST, require_safe

from consultations.cases import followups as actions
from consultations.cases.forms import CaseActionForm, ConfirmForm, ContactAttemptForm, FollowUpDecisionForm
from consultations.cases.views import follow_up_row, render_case_page
from consultations.records.models import FollowUp
from services.base.refusals import Refused

FOLLOW_UP_ACTIONS: dict[str, tuple[Callable, type[CaseActionForm]]] = {
    "attempt": (actions.record_attempt, ContactAttemptForm),
    "done": (actions.finish_follow_up, ConfirmForm),
    "decide": (actions.decide_follow_up, FollowUpDecisionForm),
}


@require_safe
def today(request):
    """List follow-ups due by today, the user's own and the longest overdue first. Nothing is decrypted."""
    return _queue(request)


def _queue(request, refused: FollowUpDecisionForm | None = None):
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
def run_action(request, public_id, verb):
    """Record an attempt, finish a follow-up or decide after three attempts; then return to the page of the button."""
    follow_up = _get_follow_up(request, public_id)
    if verb not in FOLLOW_UP_ACTIONS:
        raise Http404
    action, form_class = FOLLOW_UP_ACTIONS[verb]
    options = {"prefix": public_id, "auto_id": f"id_{public_id}_%s"}
    form = form_class(request.POST, case=follow_up.case, user=request.user, **options)
    if not form.is_valid():
        return _refused_page(request, public_id, verb, form)
    try:
        action(follow_up, by=request.user, **form.cleaned_data)
    except Refused as refusal:
        form.add_error(None, str(refusal))
        return _refused_page(request, public_id, verb, form)
    messages.success(request, pgettext("staff", "The record has been updated."))
    return redirect(_return_url(request, follow_up))


def _refused_page(request, public_id: str, verb: str, form: CaseActionForm):
    """Show why an action was refused. A decision keeps its form, in the queue or on the case's page."""
    follow_up = _get_follow_up(request, public_id)
    if verb != "decide":
        messages.error(request, " ".join(error for errors in form.errors.values() for error in errors))
        return redirect(_return_url(request, follow_up))
    is_in_queue = FollowUp.objects.due(timezone.localdate()).filter(pk=follow_up.pk).exists()
    if is_in_queue and request.POST.get("from") == "today":
        return _queue(request, form)
    return render_case_page(request, follow_up.case, form)


def _get_follow_up(request, public_id: str) -> FollowUp:
    mine = FollowUp.objects.visible_to(request.user).select_related("case__client")
    return get_object_or_404(mine, public_id=public_id)


def _return_url(request, follow_up: FollowUp) -> str:
    if request.POST.get("from") == "today":
        return reverse("cases:today")
    return reverse("cases:case", args=[follow_up.case.public_id])
