"""The desk's figures: to look at, to take along, to report, to close."""

from functools import wraps

from django.contrib import messages
from django.core.exceptions import SuspiciousOperation
from django.http import Http404, HttpResponse, StreamingHttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import pgettext
from django.views.decorators.http import require_POST, require_safe

from consultations.actions import closing, exporting
from consultations.figures import exports, sheets
from consultations.figures.charts import months_chart
from consultations.figures.closings import months_with_state
from consultations.figures.periods import Period, asked_period, fiscal_year_of, years_around
from consultations.figures.report import read_report
from consultations.figures.statistics import read_hours, read_statistics
from consultations.forms.statistics import MonthForm, ReopenForm, RowsForm
from services.accounts.roles import Role
from services.base.refusals import Refused


def _of_a_known_kind(view):
    """Before anything is written into the trail."""

    @wraps(view)
    def known(request, kind):
        if kind not in exports.TYPES:
            raise Http404
        return view(request, kind)

    return known


def _asked(words) -> Period:
    return asked_period(words.get("year", ""), words.get("month", ""))


def _page(request, tab: str, period: Period, **context):
    """A page of figures with what each needs: its period, the ways to others, who is looking."""
    is_month = period.first == period.last and request.GET.get("month", "") == f"{period.first:%Y-%m}"
    year, is_manager = fiscal_year_of(period.first), request.user.has_role(Role.MANAGER)
    context |= {
        "period": period,
        "year": year,
        "month": f"{period.first:%Y-%m}" if is_month else "",
        "is_manager": is_manager,
        "tabs": _tabs(tab, year, is_manager=is_manager),
        **years_around(year),
    }
    return render(request, f"consultations/statistics/{tab}.html", context)


def _tabs(current: str, year: int, *, is_manager: bool) -> list[dict]:
    labels = {"index": pgettext("staff", "Figures"), "hours": pgettext("staff", "Hours of advisers")}
    if is_manager:
        labels |= {"report": pgettext("staff", "National report"), "months": pgettext("staff", "Closing months")}
    return [
        {"url": f"{reverse(f'statistics:{name}')}?year={year}", "label": label, "current": name == current}
        for name, label in labels.items()
    ]


@require_safe
def index(request):
    """A fiscal year so far, or one month, beside the same a year before."""
    period = _asked(request.GET)
    figures = read_statistics(period, reader=request.user)
    months = [(it.name[5:], it.now.consultations, it.before.consultations) for it in figures.months]
    return _page(request, "index", period, figures=figures, by_month=months_chart(months))


@require_safe
def hours(request):
    """The advisers' hours; an adviser sees their own."""
    period = _asked(request.GET)
    return _page(request, "hours", period, hours=read_hours(period, reader=request.user))


@require_safe
def report(request):
    """The yearly report to the national body, to look at and to print."""
    period = _asked(request.GET)
    return _page(request, "report", period, report=read_report(period))


@require_POST
@_of_a_known_kind
def export(request, kind):
    """The figures as a file."""
    period = _asked(request.POST)
    exporting.export_figures("figures", period, by=request.user)
    tables = sheets.sheets_of_figures(read_statistics(period, reader=request.user))
    return _file(tables, kind, "figures", period)


@require_POST
@_of_a_known_kind
def export_hours(request, kind):
    """The advisers' hours as a file."""
    period = _asked(request.POST)
    exporting.export_figures("hours", period, by=request.user)
    tables = sheets.sheets_of_hours(read_hours(period, reader=request.user))
    return _file(tables, kind, "hours", period)


@require_POST
@_of_a_known_kind
def export_report(request, kind):
    """The national report as a file."""
    period = _asked(request.POST)
    exporting.export_figures("report", period, by=request.user)
    tables = sheets.sheets_of_report(read_report(period))
    return _file(tables, kind, "report", period)


@require_POST
@_of_a_known_kind
def export_rows(request, kind):
    """The consultations that the reader may know of, as facts without names."""
    period, form = _asked(request.POST), RowsForm(request.POST)
    if not form.is_valid():
        raise SuspiciousOperation  # only a forged form names what no list has
    rows = exporting.export_rows(period, by=request.user, chosen=form.chosen())
    return _file(sheets.sheets_of_rows(rows), kind, "consultations", period)


def _file(tables, kind: str, name: str, period: Period) -> HttpResponse:
    named = f'attachment; filename="{name}-{period.first:%Y-%m}-{period.last:%Y-%m}.{kind}"'
    options = {"content_type": exports.TYPES[kind], "headers": {"Content-Disposition": named}}
    if kind == exports.CSV:
        return StreamingHttpResponse(exports.as_csv(tables), **options)
    return HttpResponse(exports.as_xlsx(tables), **options)


@require_safe
def months(request):
    """Which months of a fiscal year stand still, and whether they still say what they said."""
    period = _asked(request.GET)
    return _page(request, "months", period, months=months_with_state(period), reopen=ReopenForm())


@require_POST
def close(request):
    """Let a month stand still."""
    form = MonthForm(request.POST)
    if not form.is_valid():
        return _no_month(request)
    done = pgettext("staff", "The month is closed. Its figures stand still now.")
    return _answered(request, done, closing.close_month, **form.cleaned_data)


@require_POST
def reopen(request):
    """Let a month's figures move again."""
    form = ReopenForm(request.POST)
    if not form.is_valid() and "month" in form.errors:
        return _no_month(request)
    done = pgettext("staff", "The month is open again.")
    words = {"reason": "", **form.cleaned_data}  # without a reason it is refused
    return _answered(request, done, closing.reopen_month, **words)


def _no_month(request):
    messages.error(request, pgettext("staff", "This is no month."))
    return redirect("statistics:months")


def _answered(request, done: str, verb, *, month, **words):
    try:
        verb(month, by=request.user, **words)
    except Refused as refusal:
        messages.error(request, str(refusal))
    else:
        messages.success(request, done)
    return redirect(f"{reverse('statistics:months')}?year={fiscal_year_of(month)}")
