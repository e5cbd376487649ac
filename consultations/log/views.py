"""The log: the list, one consultation, who reads it. What is restricted is for anybody else not there."""

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

from consultations import taxonomy
from consultations.actions import consultations as actions
from consultations.actions import looking
from consultations.actions.articles import articles_sent
from consultations.case_words import safe_ways
from consultations.figures.periods import fiscal_year, fiscal_year_of, month_after, read_period
from consultations.forms.log import AssignForm, CodeForm, ReasonForm
from consultations.log_words import as_it_was, facts, field_name, in_words, row
from consultations.models import Case, Channel, Consultation, ConsultationTopic, Draft, Outcome
from services.accounts.roles import Role
from services.base.refusals import Refused
from services.languages.text import text_of

ON_A_PAGE = 30
COUNTED_TO = 1000
YEARS_OFFERED = 4


@require_safe
def index(request):
    """What one may know of, the newest first, thirty on a page; one's drafts above it."""
    visible = Consultation.objects.visible_to(request.user)
    filters = _filters(request)
    found = _filtered(visible, filters, request.user)
    looking.look_at_list(filters, by=request.user)
    page = list(_after(found, visible, request.GET.get("before", ""))[: ON_A_PAGE + 1])
    rows, has_more = page[:ON_A_PAGE], len(page) > ON_A_PAGE
    number = found.order_by()[: COUNTED_TO + 1].count()
    context = {
        "rows": [row(it) for it in rows],
        "older": urlencode(filters | {"before": rows[-1].public_id}) if has_more else "",
        "is_newest": "before" not in request.GET,
        "number": min(number, COUNTED_TO),
        "has_more_than_counted": number > COUNTED_TO,
        "filters": filters,
        "offered": _offered(),
        "drafts": Draft.objects.visible_to(request.user),
        "is_adviser": request.user.has_role(Role.ADVISER),
        "is_manager": request.user.has_role(Role.MANAGER),
        "newest": urlencode(filters),
    }
    return render(request, "consultations/log/index.html", context)


def _filters(request) -> dict[str, str]:
    """What was asked for and can be."""
    known = {
        "language": taxonomy.tongues(),
        "topic": taxonomy.topics(),
        "channel": Channel.values,
        "outcome": Outcome.values,
        "whose": ("today", "yesterday", "mine", "assigned"),
    }
    filters = {name: value for name, among in known.items() if (value := request.GET.get(name, "")) in among}
    period = read_period(request.GET.get("period", ""))
    return filters | ({"period": period.typed} if period else {})


def _filtered(visible, filters: dict[str, str], user):
    found = visible.filter(**{name: filters[name] for name in ("language", "channel", "outcome") if name in filters})
    if "period" in filters:
        period = read_period(filters["period"])
        # Said by the day too, since the list is in its order.
        began, ended = (_midnight(day) for day in (period.first, month_after(period.last)))
        found = found.filter(month__range=(period.first, period.last), began_at__gte=began, began_at__lt=ended)
    if "topic" in filters:
        of_topic = ConsultationTopic.objects.filter(consultation=OuterRef("pk"), topic=filters["topic"])
        found = found.filter(Exists(of_topic))
    whose = filters.get("whose")
    if whose in {"today", "yesterday", "mine"}:
        found = found.filter(adviser=user)
    if whose == "assigned":
        found = found.filter(assigned=user)
    today = timezone.localdate()
    if whose == "yesterday":
        yesterday = today - datetime.timedelta(days=1)
        return found.filter(began_at__gte=_midnight(yesterday), began_at__lt=_midnight(today))
    return found.filter(began_at__gte=_midnight(today)) if whose == "today" else found


def _midnight(day: datetime.date) -> datetime.datetime:
    return timezone.make_aware(datetime.datetime.combine(day, datetime.time.min))


def _after(found, visible, before: str):
    """The rows below one, by its key: however far down, as quick as the first page."""
    rows = found.select_related("adviser", "assigned").prefetch_related("topics").defer("note")
    last = visible.filter(public_id=before).values_list("began_at", "pk").first() if before else None
    return rows.filter(began_at__lte=last[0]).exclude(began_at=last[0], pk__gte=last[1]) if last else rows


def _offered() -> list[tuple[str, str, list[tuple[str, str]]]]:
    """The filters: name, label, choices."""
    today, year = timezone.localdate(), fiscal_year_of(timezone.localdate())
    years = [fiscal_year(year - back) for back in range(YEARS_OFFERED)]
    months = sorted((month for it in years for month in it.months if month <= today), reverse=True)
    named = pgettext("staff", "Fiscal year %(year)s")
    periods = [(it.typed, named % {"year": it.typed}) for it in years]
    periods += [(f"{month:%Y-%m}", f"{month:%Y-%m}") for month in months]
    whose = [
        ("today", pgettext("staff: consultations", "Mine of today")),
        ("yesterday", pgettext("staff: consultations", "Mine of yesterday")),
        ("mine", pgettext("staff: consultations", "Mine")),
        ("assigned", pgettext("staff: consultations", "Handed over to me")),
    ]
    return [
        ("whose", pgettext("staff", "Whose"), whose),
        ("period", pgettext("staff", "When"), periods),
        ("language", pgettext("staff", "Language used"), in_words(taxonomy.tongues())),
        ("topic", pgettext("staff: a consultation", "Topic"), in_words(taxonomy.topics())),
        ("channel", pgettext("staff", "How they came"), Channel.choices),
        ("outcome", pgettext("staff", "What was done"), Outcome.choices),
    ]


@require_safe
def consultation(request, public_id):
    """One consultation: the facts; the words for who may read them, with a line in the trail."""
    return _consultation_page(request, _visible(request, public_id))


def or_404(action, row, *, by):
    """What an action opens. What ceases to exist for the reader between the list and the lock is not there."""
    try:
        return action(row, by=by)
    except ObjectDoesNotExist as gone:
        raise Http404 from gone


def _visible(request, public_id: str) -> Consultation:
    rows = Consultation.objects.visible_to(request.user).select_related("adviser", "assigned", "client", "case")
    return get_object_or_404(rows, public_id=public_id)


def _consultation_page(request, it: Consultation, *, status: int = 200, assign=None, glass=None):
    words = or_404(actions.open_consultation, it, by=request.user)
    context = {
        "consultation": it,
        "row": row(it),
        "facts": facts(it, for_reader=bool(words)),
        "words": words,
        "safe_ways": _safe_ways(it) if words else None,
        "is_kept": bool(words) and Consultation.objects.kept_by(request.user).filter(pk=it.pk).exists(),
        "is_adviser": request.user.has_role(Role.ADVISER),
        "case": Case.objects.visible_to(request.user).filter(pk=it.case_id).first() if it.case_id else None,
        "sent": [text_of(article, "title").value for article in articles_sent(it)] if words else [],
        "amendments": [
            (kept, [field_name(name) for name in kept.fields]) for kept in it.amendments.select_related("by")
        ],
        "assign": assign or AssignForm(consultation=it),
        "glass": glass or ReasonForm(),
    }
    return render(request, "consultations/log/consultation.html", context, status=status)


def _safe_ways(it: Consultation) -> list[str] | None:
    return safe_ways(it.client) if it.client else None


@require_POST
def assign(request, public_id):
    """Hand it over to another adviser."""
    it = _visible(request, public_id)
    form = AssignForm(request.POST, consultation=it)
    if not form.is_valid():
        return _consultation_page(request, it, status=400, assign=form)
    try:
        actions.assign(it, form.cleaned_data["to"], by=request.user)
    except Refused as refusal:
        form.add_error(None, str(refusal))
        return _consultation_page(request, it, status=400, assign=form)
    messages.success(request, pgettext("staff", "Handed over to %(name)s.") % {"name": form.cleaned_data["to"]})
    return redirect("log:consultation", public_id)


@reauthentication_required
@require_POST
def glass(request, public_id):
    """Read for an hour what is not one's own to read. Whoever asks proves first that it is them."""
    it = _visible(request, public_id)
    form = ReasonForm(request.POST)
    if form.is_valid():
        try:
            told = actions.break_the_glass(it, by=request.user, reason=form.cleaned_data["reason"])
        except Refused as refusal:
            form.add_error("reason", str(refusal))
        except Consultation.DoesNotExist as nothing:
            raise Http404 from nothing
        else:
            messages.warning(request, _who_was_told(told))
            return redirect("log:consultation", public_id)
    return _consultation_page(request, it, status=400, glass=form)


def _who_was_told(told: Role | None) -> str:
    return {
        Role.MANAGER: pgettext("staff", "You can read it for one hour. The managers have been told."),
        Role.ADMINISTRATOR: pgettext(
            "staff", "You can read it for one hour. There is no other manager: the administrators have been told."
        ),
        None: pgettext("staff", "You can read it for one hour. Nobody could be told; the audit trail keeps it."),
    }[told]


@require_POST
def find(request):
    """A person's thread by their code."""
    form = CodeForm(request.POST)
    thread = looking.find_thread(form.cleaned_data["code"], by=request.user) if form.is_valid() else None
    return _thread_page(request, form, thread, ReasonForm(), status=400 if form.errors else 200)


@reauthentication_required
@require_POST
def open_by_code(request):
    """Break the glass of what somebody else keeps of a person whose code one knows."""
    code, form = CodeForm(request.POST), ReasonForm(request.POST)
    if not code.is_valid():
        return _thread_page(request, code, None, form, status=400)
    if form.is_valid():
        try:
            reason = form.cleaned_data["reason"]
            opened, told = looking.open_thread(code.cleaned_data["code"], by=request.user, reason=reason)
        except Refused as refusal:
            form.add_error("reason", str(refusal))
        except Consultation.DoesNotExist:
            return _thread_page(request, code, None, form)
        else:
            messages.warning(request, _who_was_told(told))
            return redirect("log:consultation", opened.public_id)
    thread = looking.find_thread(code.cleaned_data["code"], by=request.user)
    return _thread_page(request, code, thread, form, status=400)


def _thread_page(request, form, thread, glass, status: int = 200):
    context = {
        "form": form,
        "thread": thread,
        "rows": [row(it) for it in thread.readable] if thread else [],
        "glass": glass,
    }
    return render(request, "consultations/log/thread.html", context, status=status)


@require_safe
def on_paper(request, public_id):
    """The same for a printer, for who may read it."""
    rows = Consultation.objects.readable_by(request.user).select_related("adviser", "assigned", "client")
    it = get_object_or_404(rows, public_id=public_id)
    words = or_404(looking.print_consultation, it, by=request.user)
    context = {"row": row(it), "facts": facts(it, for_reader=True), "words": words, "safe_ways": _safe_ways(it)}
    context["now"] = timezone.localtime()
    return render(request, "consultations/log/print.html", context)


@require_safe
def version(request, public_id, version):
    """What a consultation said before it was changed, for who may read it."""
    it = get_object_or_404(Consultation.objects.readable_by(request.user), public_id=public_id)
    before = get_object_or_404(it.amendments.select_related("by"), version=version)
    said = or_404(looking.open_version, before, by=request.user)
    context = {"consultation": it, "before": before, "lines": as_it_was(said, before.fields)}
    return render(request, "consultations/log/version.html", context)
