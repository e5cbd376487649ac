"""The desk's statistics: tables, exports, the national report, closing months."""

from functools import wraps

from django.contrib import messages
from django.core.exceptions import SuspiciousOperation
from django.http import Http404, HttpResponse, StreamingHttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import pgettext
from django.views.decorators.http import require_POST, require_safe

from consultations.statistics import closing, export_sheets, exports
from consultations.statistics.closed_months import months_with_state
from consultations.statistics.forms import CloseMonthForm, ExportRowsForm, ReopenMonthForm
from consultations.statistics.report import load_report
from consultations.statistics.tables import load_hours, load_statistics
from services.accounts.roles import Role
from services.base.refusals import Refused
from services.figures import sheets
from services.figures.charts import months_chart
from services.figures.periods import Period, fiscal_year_of, requested_period, years_around


def _known_file_type(view):
    """Raise `Http404` for an unknown file type, before anything is written to the audit trail."""

    @wraps(view)
    def wrapper(request, kind):
        if kind not in sheets.TYPES:
            raise Http404
        return view(request, kind)

    return wrapper


def _requested_period(data) -> Period:
    return requested_period(data.get("year", ""), data.get("month", ""))


def _page(request, tab: str, period: Period, **context):
    """Render a statistics page with what each needs: its period, links to others, the user's role."""
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
    labels = {"index": pgettext("staff", "Statistics"), "hours": pgettext("staff", "Advisers' hours")}
    if is_manager:
        labels |= {
            "report": pgettext("staff", "National report"),
            "months": pgettext("staff", "Close or reopen months"),
        }
    return [
        {"url": f"{reverse(f'statistics:{name}')}?year={year}", "label": label, "current": name == current}
        for name, label in labels.items()
    ]


@require_safe
def index(request):
    """Show a fiscal year so far, or one month, beside the previous year."""
    period = _requested_period(request.GET)
    figures = load_statistics(period, reader=request.user)
    months = [(it.name[5:], it.now.consultations, it.before.consultations) for it in figures.months]
    return _page(request, "index", period, figures=figures, by_month=months_chart(months))


@require_safe
def hours(request):
    """Show the advisers' hours; an adviser sees only their own."""
    period = _requested_period(request.GET)
    return _page(request, "hours", period, hours=load_hours(period, reader=request.user))


@require_safe
def report(request):
    """Show the yearly report to the national body."""
    period = _requested_period(request.GET)
    return _page(request, "report", period, report=load_report(period))


@require_POST
@_known_file_type
def export(request, kind):
    """Export the statistics."""
    period = _requested_period(request.POST)
    exports.record_figures_export("figures", period, by=request.user)
    tables = export_sheets.statistics_sheets(load_statistics(period, reader=request.user))
    return _file(tables, kind, "figures", period)


@require_POST
@_known_file_type
def export_hours(request, kind):
    """Export the advisers' hours."""
    period = _requested_period(request.POST)
    exports.record_figures_export("hours", period, by=request.user)
    tables = export_sheets.hours_sheets(load_hours(period, reader=request.user))
    return _file(tables, kind, "hours", period)


@require_POST
@_known_file_type
def export_report(request, kind):
    """Export the national report."""
    period = _requested_period(request.POST)
    exports.record_figures_export("report", period, by=request.user)
    tables = export_sheets.report_sheets(load_report(period))
    return _file(tables, kind, "report", period)


@require_POST
@_known_file_type
def export_rows(request, kind):
    """Export the consultations that the user may know of, without names."""
    period, form = _requested_period(request.POST), ExportRowsForm(request.POST)
    if not form.is_valid():
        raise SuspiciousOperation  # only a forged form has a value that no list offers
    rows = exports.export_rows(period, by=request.user, chosen=form.chosen())
    return _file(export_sheets.consultation_sheets(rows), kind, "consultations", period)


def _file(tables, kind: str, name: str, period: Period) -> HttpResponse:
    disposition = f'attachment; filename="{name}-{period.first:%Y-%m}-{period.last:%Y-%m}.{kind}"'
    options = {"content_type": sheets.TYPES[kind], "headers": {"Content-Disposition": disposition}}
    if kind == sheets.CSV:
        return StreamingHttpResponse(sheets.as_csv(tables), **options)
    return HttpResponse(sheets.as_xlsx(tables), **options)


@require_safe
def months(request):
    """Show which months of a fiscal year are closed, and whether their figures have changed since."""
    period = _requested_period(request.GET)
    return _page(request, "months", period, months=months_with_state(period), reopen=ReopenMonthForm())


@require_POST
def close(request):
    """Close a month."""
    form = CloseMonthForm(request.POST)
    if not form.is_valid():
        return _invalid_month(request)
    done = pgettext("staff", "The month has been closed. Its figures can no longer change.")
    return _run_and_redirect(request, done, closing.close_month, **form.cleaned_data)


@require_POST
def reopen(request):
    """Reopen a month."""
    form = ReopenMonthForm(request.POST)
    if not form.is_valid() and "month" in form.errors:
        return _invalid_month(request)
    done = pgettext("staff", "The month has been reopened.")
    data = {"reason": "", **form.cleaned_data}  # the action refuses an empty reason
    return _run_and_redirect(request, done, closing.reopen_month, **data)


def _invalid_month(request):
    messages.error(request, pgettext("staff", "The month is not valid."))
    return redirect("statistics:months")


def _run_and_redirect(request, done: str, action, *, month, **arguments):
    try:
        action(month, by=request.user, **arguments)
    except Refused as refusal:
        messages.error(request, str(refusal))
    else:
        messages.success(request, done)
    return redirect(f"{reverse('statistics:months')}?year={fiscal_year_of(month)}")
