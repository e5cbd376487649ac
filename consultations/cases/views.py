"""Cases: the list, the page of one case, and the actions on it."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from django.contrib import messages
from django.core.paginator import Paginator
from django.db.models import Exists, OuterRef, Q, Subquery
from django.http import Http404
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import pgettext, pgettext_lazy
from django.views.decorators.http import require_POST, require_safe

from consultations.cases import actions, followups, forms, merging
from consultations.cases import presentation as cases_presentation
from consultations.log.views import call_or_404
from consultations.records import presentation as records_presentation
from consultations.records.models import (
    Case,
    CaseMember,
    CaseMerge,
    CaseState,
    Client,
    Consultation,
    FollowUp,
    Referral,
)
from services.accounts.roles import Role
from services.audit.trail import record
from services.base.http import GET_OR_POST
from services.base.refusals import Refused

ON_A_PAGE = 50


@dataclass(frozen=True, slots=True)
class CaseAction:
    """An action on a case, with its form and its success message."""

    action: Callable
    form: type[forms.CaseActionForm]
    done: str


CASE_ACTIONS = {
    "write": CaseAction(actions.add_note, forms.NoteForm, pgettext_lazy("staff", "The record has been updated.")),
    "close": CaseAction(
        actions.close_case, forms.OptionalReasonForm, pgettext_lazy("staff", "The case has been closed.")
    ),
    "reopen": CaseAction(
        actions.reopen_case, forms.OptionalReasonForm, pgettext_lazy("staff", "The case has been reopened.")
    ),
    "add": CaseAction(
        actions.add_member,
        forms.AddMemberForm,
        pgettext_lazy("staff", "The member has been added and can now read the case."),
    ),
    "remove": CaseAction(
        actions.remove_member, forms.RemoveMemberForm, pgettext_lazy("staff", "The member has been removed.")
    ),
    "hand-over": CaseAction(
        actions.assign_case, forms.HandOverForm, pgettext_lazy("staff", "The case has been handed over.")
    ),
    "restrict": CaseAction(
        actions.restrict,
        forms.OptionalReasonForm,
        pgettext_lazy("staff", "The case has been restricted. Only members can see that it exists."),
    ),
    "lift": CaseAction(
        actions.lift_restriction, forms.LiftRestrictionForm, pgettext_lazy("staff", "The restriction has been lifted.")
    ),
    "merge": CaseAction(
        merging.merge_cases, forms.MergeForm, pgettext_lazy("staff", "The two cases have been merged.")
    ),
    "split": CaseAction(merging.split_case, forms.SplitForm, pgettext_lazy("staff", "A new case has been created.")),
    "plan": CaseAction(
        followups.plan_follow_up, forms.PlanFollowUpForm, pgettext_lazy("staff", "The follow-up has been added.")
    ),
}
OFFERED = {
    CaseState.OPEN: CASE_ACTIONS.keys() - {"reopen"},
    CaseState.CLOSED: {"remove", "restrict", "lift", "reopen"},
    CaseState.MERGED: set(),
}
LISTS = {
    "mine": pgettext_lazy("staff: cases", "Assigned to me"),
    "open": pgettext_lazy("staff: cases", "All open"),
    "due": pgettext_lazy("staff: cases", "Follow-up due"),
    "waiting": pgettext_lazy("staff: cases", "Referral pending"),
    "closed": pgettext_lazy("staff: cases", "Closed"),
}


@require_safe
def index(request):
    """List the cases that the user may know of. Nothing is decrypted."""
    chosen = request.GET.get("show") if request.GET.get("show") in LISTS else "open"
    found = Case.objects.visible_to(request.user).exclude(state=CaseState.MERGED)
    next_due = FollowUp.objects.unfinished().filter(case=OuterRef("pk")).order_by("due_on").values("due_on")[:1]
    is_not_member = ~Exists(CaseMember.objects.filter(case=OuterRef("pk"), user=request.user))
    found = _filter_cases(found, chosen, request.user).annotate(due_on=Subquery(next_due), is_not_member=is_not_member)
    found = found.order_by("-opened_at", "-pk")
    rows = found.select_related("client", "assigned").prefetch_related("consultations__topics")
    pages = Paginator(rows, ON_A_PAGE)
    page = pages.get_page(request.GET.get("page"))
    context = {
        "page": page,
        "cases": [
            (case, cases_presentation.case_summary(case), cases_presentation.own_language_name(case.language))
            for case in page
        ],
        "lists": LISTS.items(),
        "chosen": chosen,
        "today": timezone.localdate(),
    }
    record(request.user, "consultations.list_cases", fields=[chosen], changes=False)
    return render(request, "consultations/cases/index.html", context)


def _filter_cases(found, chosen: str, user):
    if chosen == "closed":
        return found.filter(state=CaseState.CLOSED)
    found = found.filter(state=CaseState.OPEN)
    if chosen == "mine":
        return found.filter(assigned=user)
    if chosen == "waiting":
        return found.filter(pk__in=Referral.objects.visible_to(user).waiting().values("case"))
    if chosen == "due":
        return found.filter(pk__in=FollowUp.objects.due(timezone.localdate()).values("case"))
    return found


@GET_OR_POST
def open_from(request, public_id):
    """Open a case for a consultation."""
    editable = Consultation.objects.editable_by(request.user).select_related("case")
    consultation = get_object_or_404(editable, public_id=public_id)
    if not request.user.has_role(Role.ADVISER):
        raise Http404
    if consultation.case:
        return redirect("cases:case", consultation.case.public_id)
    form = forms.OpenCaseForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            case = actions.open_case(consultation, by=request.user, **form.cleaned_data)
        except Refused as refusal:
            form.add_error(None, str(refusal))
        else:
            return redirect("cases:case", case.public_id)
    context = {"form": form, "consultation": consultation, "topics": records_presentation.topic_names(consultation)}
    return render(request, "consultations/cases/open.html", context, status=400 if form.errors else 200)


@require_safe
def case(request, public_id):
    """Show a case. A merged case redirects to the one it was merged into."""
    case = get_case(request.user, public_id)
    if case.merged_into:
        return redirect("cases:case", case.merged_into.public_id)
    return render_case_page(request, case)


@require_POST
def run_action(request, public_id, verb):
    """Run one of `CASE_ACTIONS`."""
    case = get_case(request.user, public_id)
    if verb not in CASE_ACTIONS:
        raise Http404
    form = CASE_ACTIONS[verb].form(request.POST, case=case, user=request.user, prefix=verb)
    if form.is_valid():
        try:
            CASE_ACTIONS[verb].action(case, by=request.user, **_arguments(verb, form))
        except Refused as refusal:
            form.add_error(None, str(refusal))
        else:
            messages.success(request, CASE_ACTIONS[verb].done)
            is_visible = Case.objects.visible_to(request.user).filter(pk=case.pk).exists()
            return redirect("cases:case", case.public_id) if is_visible else redirect("cases:index")
    return render_case_page(request, case, form)


def _arguments(verb: str, form) -> dict:
    arguments = dict(form.cleaned_data)
    if verb == "split":
        arguments["members"] = list(arguments["members"])
    return arguments


@require_POST
def undo(request, public_id):
    """Undo a merge or a split."""
    mine = Case.objects.readable_by(request.user)
    visible_clients = Client.objects.visible_to(request.user)
    visible = CaseMerge.objects.filter(Q(case__in=mine) | Q(client__in=visible_clients))
    merge = get_object_or_404(visible.select_related("case"), public_id=public_id)
    try:
        merging.undo_merge_or_split(merge, by=request.user)
    except Refused as refusal:
        messages.error(request, str(refusal))
    else:
        messages.success(request, pgettext("staff", "The change has been undone."))
    case = merge.case or mine.filter(client=merge.client_id).first()
    return redirect("cases:case", case.public_id) if case else redirect("cases:index")


def get_case(user, public_id: str, *, is_member: bool = False) -> Case:
    """Return a case that the user may know of, or raise `Http404`. is_member: only one that they may read."""
    cases = Case.objects.readable_by(user) if is_member else Case.objects.visible_to(user)
    return get_object_or_404(cases.select_related("client", "assigned", "merged_into"), public_id=public_id)


def render_case_page(request, case: Case, refused: forms.CaseActionForm | None = None):
    """Render a case's page as stored, with its forms. refused: the submitted form, to show it again with its errors."""
    words = call_or_404(cases_presentation.decrypt_case, case, by=request.user)
    case = words.case
    case.is_not_member = not words.is_member
    bound = {refused.prefix: refused} if refused else {}
    make = partial(_form, case, request.user, bound)
    names = [name.replace("-", "_") for name in CASE_ACTIONS]
    context = {"words": words, "case": case, "today": timezone.localdate(), "typed_into": next(iter(bound), "")}
    context["offered"] = _offered_actions(case, words.is_member) | bound.keys()
    context |= {f"{name}_form": make(verb) for name, verb in zip(names, CASE_ACTIONS, strict=True)}
    rows = [(entry.row, entry.words["what"]) for entry in words.follow_ups]
    context["follow_ups"] = [follow_up_row(row, case, request.user, refused) | {"what": what} for row, what in rows]
    context["referrals"] = [(entry, cases_presentation.body_name(entry.row.body)) for entry in words.referrals]
    return render(request, "consultations/cases/case.html", context, status=400 if refused else 200)


def _offered_actions(case: Case, is_member: bool) -> set[str]:
    """Return the actions that would not be refused now."""
    offered = OFFERED[case.state] - {"restrict" if case.is_restricted else "lift"}
    return offered if is_member else offered & {"hand-over"}


def _form(case: Case, user, bound: dict, verb: str):
    return bound.get(verb) or CASE_ACTIONS[verb].form(case=case, user=user, prefix=verb)


def follow_up_row(row: FollowUp, case: Case, user, refused: forms.CaseActionForm | None = None) -> dict:
    """Return a follow-up with its forms, prefixed by its public id. refused: a submitted decision to show again."""
    options = {"case": case, "user": user, "prefix": row.public_id, "auto_id": f"id_{row.public_id}_%s"}
    is_for_row = refused is not None and refused.prefix == row.public_id
    decide = refused if is_for_row else forms.FollowUpDecisionForm(**options)
    return {"row": row, "case": case, "attempt": forms.ContactAttemptForm(**options), "decide": decide}
