"""Cases: the list, one with all that belongs to it, and its verbs."""

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
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from consultations import case_words
from consultations.actions import cases as actions
from consultations.actions import followups, regrouping
from consultations.forms import cases as forms
from consultations.models import Case, CaseState, Client, Consultation, FollowUp, Member, Referral, Regrouping
from consultations.views.log import or_404
from services.accounts.roles import Role
from services.audit.trail import record
from services.base.refusals import Refused

GET_OR_POST = require_http_methods(["GET", "HEAD", "POST"])
ON_A_PAGE = 50


@dataclass(frozen=True, slots=True)
class Verb:
    """What can be done in a case: the action, what it needs, what is said then."""

    act: Callable
    form: type[forms.VerbForm]
    done: str


VERBS = {
    "write": Verb(actions.write, forms.NoteForm, pgettext_lazy("staff", "Written down.")),
    "close": Verb(actions.close_case, forms.ReasonForm, pgettext_lazy("staff", "The case is closed.")),
    "reopen": Verb(actions.reopen_case, forms.ReasonForm, pgettext_lazy("staff", "The case is open again.")),
    "add": Verb(actions.add_member, forms.AddMemberForm, pgettext_lazy("staff", "Added. They read the case now.")),
    "remove": Verb(actions.remove_member, forms.RemoveMemberForm, pgettext_lazy("staff", "Removed.")),
    "hand-over": Verb(actions.assign_case, forms.HandOverForm, pgettext_lazy("staff", "The case is handed over.")),
    "restrict": Verb(
        actions.restrict, forms.ReasonForm, pgettext_lazy("staff", "Restricted: it exists for its members alone.")
    ),
    "lift": Verb(actions.lift_restriction, forms.LiftForm, pgettext_lazy("staff", "The restriction is lifted.")),
    "merge": Verb(regrouping.merge_cases, forms.MergeForm, pgettext_lazy("staff", "The two cases are one.")),
    "split": Verb(regrouping.split_case, forms.SplitForm, pgettext_lazy("staff", "There is a new case.")),
    "plan": Verb(followups.plan, forms.PlanForm, pgettext_lazy("staff", "Planned.")),
}
OFFERED = {
    CaseState.OPEN: VERBS.keys() - {"reopen"},
    CaseState.CLOSED: {"remove", "restrict", "lift", "reopen"},
    CaseState.MERGED: set(),
}
LISTS = {
    "mine": pgettext_lazy("staff: cases", "Assigned to me"),
    "open": pgettext_lazy("staff: cases", "All open"),
    "due": pgettext_lazy("staff: cases", "Something is due"),
    "waiting": pgettext_lazy("staff: cases", "A referral waits"),
    "closed": pgettext_lazy("staff: cases", "Closed"),
}


@require_safe
def index(request):
    """The cases of which the reader may know; words of none."""
    chosen = request.GET.get("show") if request.GET.get("show") in LISTS else "open"
    found = Case.objects.visible_to(request.user).exclude(state=CaseState.MERGED)
    next_one = FollowUp.objects.unfinished().filter(case=OuterRef("pk")).order_by("due_on").values("due_on")[:1]
    is_strange = ~Exists(Member.objects.filter(case=OuterRef("pk"), user=request.user))
    found = _only(found, chosen, request.user).annotate(due_on=Subquery(next_one), is_strange=is_strange)
    found = found.order_by("-opened_at", "-pk")
    rows = found.select_related("client", "assigned").prefetch_related("consultations__topics")
    pages = Paginator(rows, ON_A_PAGE)
    page = pages.get_page(request.GET.get("page"))
    context = {
        "page": page,
        "cases": [(case, case_words.about(case), case_words.language_name(case.language)) for case in page],
        "lists": LISTS.items(),
        "chosen": chosen,
        "today": timezone.localdate(),
    }
    record(request.user, "consultations.list_cases", fields=[chosen], changes=False)
    return render(request, "consultations/cases/index.html", context)


def _only(found, chosen: str, user):
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
    """A new case from a consultation."""
    kept = Consultation.objects.kept_by(request.user).select_related("case")
    consultation = get_object_or_404(kept, public_id=public_id)
    if not request.user.has_role(Role.ADVISER):
        raise Http404
    if consultation.case:
        return redirect("cases:case", consultation.case.public_id)
    form = forms.OpenForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            case = actions.open_case(consultation, by=request.user, **form.cleaned_data)
        except Refused as refusal:
            form.add_error(None, str(refusal))
        else:
            return redirect("cases:case", case.public_id)
    context = {"form": form, "consultation": consultation, "topics": case_words.topic_names(consultation)}
    return render(request, "consultations/cases/open.html", context, status=400 if form.errors else 200)


@require_safe
def show(request, public_id):
    """One case; what was merged leads to where it is now."""
    case = found(request.user, public_id)
    if case.merged_into:
        return redirect("cases:case", case.merged_into.public_id)
    return page_of(request, case)


@require_POST
def do(request, public_id, verb):
    """One of the verbs."""
    case = found(request.user, public_id)
    if verb not in VERBS:
        raise Http404
    form = VERBS[verb].form(request.POST, case=case, user=request.user, prefix=verb)
    if form.is_valid():
        try:
            VERBS[verb].act(case, by=request.user, **_arguments(verb, form))
        except Refused as refusal:
            form.add_error(None, str(refusal))
        else:
            messages.success(request, VERBS[verb].done)
            seen = Case.objects.visible_to(request.user).filter(pk=case.pk).exists()
            return redirect("cases:case", case.public_id) if seen else redirect("cases:index")
    return page_of(request, case, form)


def _arguments(verb: str, form) -> dict:
    words = dict(form.cleaned_data)
    if verb == "split":
        words["members"] = list(words["members"])
    return words


@require_POST
def undo(request, public_id):
    """A merge or a split, of cases or of records of a person, undone."""
    mine = Case.objects.readable_by(request.user)
    known = Client.objects.visible_to(request.user)
    seen = Regrouping.objects.filter(Q(case__in=mine) | Q(client__in=known))
    it = get_object_or_404(seen.select_related("case"), public_id=public_id)
    try:
        regrouping.undo(it, by=request.user)
    except Refused as refusal:
        messages.error(request, str(refusal))
    else:
        messages.success(request, pgettext("staff", "Undone."))
    case = it.case or mine.filter(client=it.client_id).first()
    return redirect("cases:case", case.public_id) if case else redirect("cases:index")


def found(user, public_id: str, *, is_member: bool = False) -> Case:
    """A case of which the reader may know, or 404. is_member: of which they may read the words."""
    cases = Case.objects.readable_by(user) if is_member else Case.objects.visible_to(user)
    return get_object_or_404(cases.select_related("client", "assigned", "merged_into"), public_id=public_id)


def page_of(request, case: Case, refused: forms.VerbForm | None = None):
    """The page of a case as it is stored, with its forms, known by their prefixes; refused: one that was typed into."""
    words = or_404(case_words.open_words, case, by=request.user)
    case = words.case
    case.is_strange = not words.is_member
    bound = {refused.prefix: refused} if refused else {}
    make = partial(_form, case, request.user, bound)
    names = [name.replace("-", "_") for name in VERBS]
    context = {"words": words, "case": case, "today": timezone.localdate(), "typed_into": next(iter(bound), "")}
    context["offered"] = _offered(case, words.is_member) | bound.keys()
    context |= {f"{name}_form": make(verb) for name, verb in zip(names, VERBS, strict=True)}
    rows = [(told.row, told.words["what"]) for told in words.follow_ups]
    context["follow_ups"] = [follow_up_row(row, case, request.user, refused) | {"what": what} for row, what in rows]
    context["referrals"] = [(told, case_words.body_name(told.row.body)) for told in words.referrals]
    return render(request, "consultations/cases/case.html", context, status=400 if refused else 200)


def _offered(case: Case, is_member: bool) -> set[str]:
    """The verbs that are not refused now."""
    offered = OFFERED[case.state] - {"restrict" if case.is_restricted else "lift"}
    return offered if is_member else offered & {"hand-over"}


def _form(case: Case, user, bound: dict, verb: str):
    return bound.get(verb) or VERBS[verb].form(case=case, user=user, prefix=verb)


def follow_up_row(row: FollowUp, case: Case, user, refused: forms.VerbForm | None = None) -> dict:
    """A follow-up with its forms, whose prefix is its public id; refused: a decision that was typed, perhaps for it."""
    options = {"case": case, "user": user, "prefix": row.public_id, "auto_id": f"id_{row.public_id}_%s"}
    is_for_it = refused is not None and refused.prefix == row.public_id
    decide = refused if is_for_it else forms.DecideForm(**options)
    return {"row": row, "case": case, "attempt": forms.AttemptForm(**options), "decide": decide}
