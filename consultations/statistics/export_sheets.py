"""The desk's figures as tables to take along."""

from django.utils.translation import pgettext

from consultations.actions.exporting import COLUMNS
from consultations.figures.exports import Sheet
from consultations.figures.report import Report
from consultations.figures.statistics import Hours, Line, Statistics


def sheets_of_figures(figures: Statistics) -> list[Sheet]:
    """The months and every division; minutes, so that they can be added up."""
    months = pgettext("staff", "Months")
    found = [_sheet(months, figures.months, pgettext("staff", "Month"), figures.total)]
    value = pgettext("staff: a column of a table of figures", "Value")
    return found + [_sheet(table.title, table.lines, value) for table in figures.tables]


def _sheet(title: str, lines: list[Line], first: str, total: Line | None = None) -> Sheet:
    head = [
        first,
        pgettext("staff", "Consultations"),
        pgettext("staff", "Topics"),
        pgettext("staff", "Minutes"),
        pgettext("staff", "Consultations, year before"),
        pgettext("staff", "Topics, year before"),
        pgettext("staff", "Minutes, year before"),
    ]
    return Sheet(title, head, [[it.name, *it.now, *it.before] for it in [*lines, *([total] if total else [])]])


def sheets_of_report(report: Report) -> list[Sheet]:
    """The body's table, and how it comes out of the log."""
    title = pgettext("staff", "Report")
    table = Sheet(
        title,
        [
            pgettext("staff: of the national report", "Group (%(mapping)s)") % {"mapping": report.mapping},
            pgettext("staff", "Topics"),
            pgettext("staff", "Consultations"),
        ],
        [list(line) for line in report.lines],
    )
    return [table, Sheet(pgettext("staff", "Reconciliation"), ["", str(report.period)], _reconciled(report))]


def _reconciled(report: Report) -> list[list[str | int]]:
    check, without = report.check, pgettext("staff", "Without a group: %(topic)s")
    return [
        [pgettext("staff", "Consultations in the log"), check.consultations],
        [pgettext("staff", "Topics in the log"), check.topics],
        [pgettext("staff", "Topics in the table"), check.mapped],
        *([without % {"topic": topic}, number] for topic, number in check.unmapped.items()),
        [pgettext("staff", "Restricted, fewer than five in their group: in no row"), check.small],
        [pgettext("staff", "Difference"), check.difference],
    ]


def sheets_of_hours(hours: list[Hours]) -> list[Sheet]:
    """Each adviser's consultations, their minutes, and the minutes on duty."""
    head = [
        pgettext("staff", "Adviser"),
        pgettext("staff", "Consultations"),
        pgettext("staff", "Minutes of consultation"),
        pgettext("staff", "Minutes on duty"),
    ]
    rows = [[it.name, it.figures.consultations, it.figures.minutes, it.on_duty] for it in hours]
    return [Sheet(pgettext("staff", "Hours of advisers"), head, rows)]


def sheets_of_rows(rows: list[list[str | int]]) -> list[Sheet]:
    """The log's rows by the names of their columns, for programs to read."""
    return [Sheet("", [*COLUMNS, "topics"], rows)]
