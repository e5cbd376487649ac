"""The log: its list, one consultation, emergency access. Restricted consultations give non-readers a 404."""

import datetime

from allauth.account.decorators import reauthentication_required
from django.contrib import messages
from django.core.exceptions import ObjectDoesNotExist
from django.db.models import Exists, OuterRef
from django.http import Http404
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.http import urlencode
from django.utils.translation import pgettext
from django.views.decorators.http import require_POST, require_safe

from consultations.log import actions, viewing
from consultations.log.articles import articles_sent
from consultations.log.forms import AssignForm, ClientCodeForm, EmergencyAccessForm
from consultations.log.presentation import consultation_facts, field_label, log_row, previous_version, taxonomy_choices
from consultations.records import taxonomy
from consultations.records.models import (
    Case,
    Consultation,
    ConsultationChannel,
    ConsultationDraft,
    ConsultationTopic,
    Outcome,
)
from consultations.records.presentation import name_of_code, safe_methods
from services.accounts.roles import Role
from services.base.refusals import Refused
from services.figures.periods import fiscal_year, fiscal_year_of, month_after, parse_period
from services.languages.translated import translated

ON_A_PAGE = 30
COUNTED_TO = 1000
YEARS_OFFERED = 4


@require_safe
def index(request):
    """List the consultations that the user may know of, newest first, thirty to a page, below the user's drafts."""
    visible = Consultation.objects.visible_to(request.user)
    advisers = viewing.advisers()
    filters = _filters(request, advisers)
    found = _filtered(visible, filters, request.user)
    viewing.record_list_access(filters, by=request.user)
    page = list(_rows_below(found, visible, request.GET.get("before", ""))[: ON_A_PAGE + 1])
    rows, has_more = page[:ON_A_PAGE], len(page) > ON_A_PAGE
    number = found.order_by()[: COUNTED_TO + 1].count()
    context = {
        "rows": [log_row(it) for it in rows],
        "older": urlencode(filters | {"before": rows[-1].public_id}) if has_more else "",
        "is_newest": "before" not in request.GET,
        "number": min(number, COUNTED_TO),
        "has_more_than_counted": number > COUNTED_TO,
        "filters": filters,
        "offered": _filter_choices(advisers),
        "drafts": [
            (it, name_of_code(taxonomy.topics(), it.topic) if it.topic else "")
            for it in ConsultationDraft.objects.visible_to(request.user)
        ],
        "is_adviser": request.user.has_role(Role.ADVISER),
        "is_manager": request.user.has_role(Role.MANAGER),
        "newest": urlencode(filters),
    }
    return render(request, "consultations/log/index.html", context)


def _filters(request, advisers: dict[str, str]) -> dict[str, str]:
    """Return the valid filters of the request. advisers: names by public id."""
    whose = {"today", "yesterday", "mine", "assigned"}
    known = {
        "language": taxonomy.languages(),
        "topic": taxonomy.topics(),
        "channel": ConsultationChannel.values,
        "outcome": Outcome.values,
        "whose": whose | advisers.keys(),
    }
    filters = {name: value for name, among in known.items() if (value := request.GET.get(name, "")) in among}
    period = parse_period(request.GET.get("period", ""))
    return filters | ({"period": period.query_value} if period else {})


def _filtered(visible, filters: dict[str, str], user):
    found = visible.filter(**{name: filters[name] for name in ("language", "channel", "outcome") if name in filters})
    if "period" in filters:
        period = parse_period(filters["period"])
        # The time range is redundant, but lets the database use the index in the list's order.
        began, ended = (_midnight(day) for day in (period.first, month_after(period.last)))
        found = found.filter(month__range=(period.first, period.last), began_at__gte=began, began_at__lt=ended)
    if "topic" in filters:
        of_topic = ConsultationTopic.objects.filter(consultation=OuterRef("pk"), topic=filters["topic"])
        found = found.filter(Exists(of_topic))
    whose = filters.get("whose")
    if whose in {"today", "yesterday", "mine"}:
        found = found.filter(adviser=user)
    elif whose == "assigned":
        found = found.filter(assigned=user)
    elif whose:
        found = found.filter(adviser__public_id=whose)
    today = timezone.localdate()
    if whose == "yesterday":
        yesterday = today - datetime.timedelta(days=1)
        return found.filter(began_at__gte=_midnight(yesterday), began_at__lt=_midnight(today))
    return found.filter(began_at__gte=_midnight(today)) if whose == "today" else found


def _midnight(day: datetime.date) -> datetime.datetime:
    return timezone.make_aware(datetime.datetime.combine(day, datetime.time.min))


def _rows_below(found, visible, before: str):
    """Return the rows after one in the list (keyset pagination: deep pages are as fast as the first)."""
    rows = found.select_related("adviser", "assigned").prefetch_related("topics").defer("note")
    last = visible.filter(public_id=before).values_list("began_at", "pk").first() if before else None
    return rows.filter(began_at__lte=last[0]).exclude(began_at=last[0], pk__gte=last[1]) if last else rows


def _filter_choices(advisers: dict[str, str]) -> list[tuple[str, str, list[tuple[str, str]]]]:
    """Return each filter's name, label and choices."""
    today, year = timezone.localdate(), fiscal_year_of(timezone.localdate())
    years = [fiscal_year(year - back) for back in range(YEARS_OFFERED)]
    months = sorted((month for it in years for month in it.months if month <= today), reverse=True)
    label = pgettext("staff", "Fiscal year %(year)s")
    periods = [(it.query_value, label % {"year": it.query_value}) for it in years]
    periods += [(f"{month:%Y-%m}", f"{month:%Y-%m}") for month in months]
    whose = [
        ("today", pgettext("staff: consultations", "Mine, today")),
        ("yesterday", pgettext("staff: consultations", "Mine, yesterday")),
        ("mine", pgettext("staff: consultations", "Mine")),
        ("assigned", pgettext("staff: consultations", "Handed over to me")),
        *advisers.items(),
    ]
    return [
        ("whose", pgettext("staff", "Adviser"), whose),
        ("period", pgettext("staff", "When"), periods),
        ("language", pgettext("staff", "Language used"), taxonomy_choices(taxonomy.languages())),
        ("topic", pgettext("staff: a consultation", "Topic"), taxonomy_choices(taxonomy.topics())),
        ("channel", pgettext("staff", "How they contacted us"), ConsultationChannel.choices),
        ("outcome", pgettext("staff", "Outcome"), Outcome.choices),
    ]


@require_safe
def consultation(request, public_id):
    """Show a consultation: its facts, and to readers its texts, which leaves an audit entry."""
    return _consultation_page(request, _get_visible(request, public_id))


def call_or_404(action, row, *, by):
    """Call an action on a row; raise `Http404` if the user has lost access since the row was fetched."""
    try:
        return action(row, by=by)
    except ObjectDoesNotExist as error:
        raise Http404 from error


def _get_visible(request, public_id: str) -> Consultation:
    rows = Consultation.objects.visible_to(request.user).select_related("adviser", "assigned", "client", "case")
    return get_object_or_404(rows, public_id=public_id)


def _consultation_page(request, it: Consultation, *, status: int = 200, assign=None, glass=None):
    words = call_or_404(actions.decrypt_consultation, it, by=request.user)
    context = {
        "consultation": it,
        "row": log_row(it),
        "facts": consultation_facts(it, for_reader=bool(words)),
        "words": words,
        "safe_ways": _safe_ways(it) if words else None,
        "is_kept": bool(words) and Consultation.objects.editable_by(request.user).filter(pk=it.pk).exists(),
        "is_adviser": request.user.has_role(Role.ADVISER),
        "case": Case.objects.visible_to(request.user).filter(pk=it.case_id).first() if it.case_id else None,
        "sent": [translated(article, "title").value for article in articles_sent(it)] if words else [],
        "amendments": [
            (amendment, [field_label(name) for name in amendment.fields])
            for amendment in it.amendments.select_related("by")
        ],
        "assign": assign or AssignForm(consultation=it),
        "glass": glass or EmergencyAccessForm(),
    }
    return render(request, "consultations/log/consultation.html", context, status=status)


def _safe_ways(it: Consultation) -> list[str] | None:
    return safe_methods(it.client) if it.client else None


@require_POST
def assign(request, public_id):
    """Assign the consultation to another adviser."""
    it = _get_visible(request, public_id)
    form = AssignForm(request.POST, consultation=it)
    if not form.is_valid():
        return _consultation_page(request, it, status=400, assign=form)
    try:
        actions.assign(it, form.cleaned_data["to"], by=request.user)
    except Refused as refusal:
        form.add_error(None, str(refusal))
        return _consultation_page(request, it, status=400, assign=form)
    messages.success(
        request,
        pgettext("staff", "The consultation has been handed over to %(name)s.") % {"name": form.cleaned_data["to"]},
    )
    return redirect("log:consultation", public_id)


@reauthentication_required
@require_POST
def break_the_glass(request, public_id):
    """Get emergency access for an hour. The user must have authenticated again."""
    it = _get_visible(request, public_id)
    form = EmergencyAccessForm(request.POST)
    if form.is_valid():
        try:
            notified = actions.break_the_glass(it, by=request.user, reason=form.cleaned_data["reason"])
        except Refused as refusal:
            form.add_error("reason", str(refusal))
        except Consultation.DoesNotExist as error:
            raise Http404 from error
        else:
            messages.warning(request, _emergency_access_message(notified))
            return redirect("log:consultation", public_id)
    return _consultation_page(request, it, status=400, glass=form)


def _emergency_access_message(notified: Role | None) -> str:
    return {
        Role.MANAGER: pgettext(
            "staff", "You can read this consultation for one hour. The managers have been notified."
        ),
        Role.ADMINISTRATOR: pgettext(
            "staff",
            "You can read this consultation for one hour. There are no other managers, so the administrators have "
            "been notified.",
        ),
        None: pgettext(
            "staff",
            "You can read this consultation for one hour. There was no one to notify, but your access is recorded in "
            "the audit trail.",
        ),
    }[notified]


@require_POST
def find(request):
    """Find a person's earlier contact by their code."""
    form = ClientCodeForm(request.POST)
    thread = viewing.look_up_earlier_contact(form.cleaned_data["code"], by=request.user) if form.is_valid() else None
    return _earlier_contact_page(request, form, thread, EmergencyAccessForm(), status=400 if form.errors else 200)


@reauthentication_required
@require_POST
def break_glass_by_code(request):
    """Get emergency access to a person's latest consultation by their code."""
    code, form = ClientCodeForm(request.POST), EmergencyAccessForm(request.POST)
    if not code.is_valid():
        return _earlier_contact_page(request, code, None, form, status=400)
    if form.is_valid():
        try:
            reason = form.cleaned_data["reason"]
            opened, notified = viewing.break_glass_by_code(code.cleaned_data["code"], by=request.user, reason=reason)
        except Refused as refusal:
            form.add_error("reason", str(refusal))
        except Consultation.DoesNotExist:
            return _earlier_contact_page(request, code, None, form)
        else:
            messages.warning(request, _emergency_access_message(notified))
            return redirect("log:consultation", opened.public_id)
    thread = viewing.look_up_earlier_contact(code.cleaned_data["code"], by=request.user)
    return _earlier_contact_page(request, code, thread, form, status=400)


def _earlier_contact_page(request, form, thread, glass, status: int = 200):
    context = {
        "form": form,
        "thread": thread,
        "rows": [log_row(it) for it in thread.readable] if thread else [],
        "glass": glass,
    }
    return render(request, "consultations/log/thread.html", context, status=status)


@require_safe
def print_view(request, public_id):
    """Show a consultation for printing, to its readers."""
    rows = Consultation.objects.readable_by(request.user).select_related("adviser", "assigned", "client")
    it = get_object_or_404(rows, public_id=public_id)
    words = call_or_404(viewing.print_consultation, it, by=request.user)
    context = {
        "row": log_row(it),
        "facts": consultation_facts(it, for_reader=True),
        "words": words,
        "safe_ways": _safe_ways(it),
    }
    context["now"] = timezone.localtime()
    return render(request, "consultations/log/print.html", context)


@require_safe
def version(request, public_id, version):
    """Show an earlier version of a consultation, to its readers."""
    it = get_object_or_404(Consultation.objects.readable_by(request.user), public_id=public_id)
    before = get_object_or_404(it.amendments.select_related("by"), version=version)
    decrypted = call_or_404(viewing.decrypt_version, before, by=request.user)
    context = {"consultation": it, "before": before, "lines": previous_version(decrypted, before.fields)}
    return render(request, "consultations/log/version.html", context)
