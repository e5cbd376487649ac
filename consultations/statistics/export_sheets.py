"""The desk's figures as sheets for export."""

from django.utils.translation import pgettext

from consultations.statistics.report import AnnualReport
from consultations.statistics.tables import AdviserWorkload, Statistics, StatisticsRow
from services.figures.sheets import Sheet


def statistics_sheets(figures: Statistics) -> list[Sheet]:
    """Return the months and every breakdown, with minutes rather than hours, so that they can be added up."""
    months = pgettext("staff", "By month")
    found = [_sheet(months, figures.months, pgettext("staff", "Month"), figures.total)]
    value = pgettext("staff: a column of a table of figures", "Category")
    return found + [_sheet(table.title, table.lines, value) for table in figures.tables]


def _sheet(title: str, lines: list[StatisticsRow], first: str, total: StatisticsRow | None = None) -> Sheet:
    header = [
        first,
        pgettext("staff", "Consultations"),
        pgettext("staff", "Topics"),
        pgettext("staff", "Minutes"),
        pgettext("staff", "Consultations, previous year"),
        pgettext("staff", "Topics, previous year"),
        pgettext("staff", "Minutes, previous year"),
    ]
    return Sheet(title, header, [[it.name, *it.now, *it.before] for it in [*lines, *([total] if total else [])]])


def report_sheets(report: AnnualReport) -> list[Sheet]:
    """Return the national report's table and its reconciliation with the log."""
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
    return [table, Sheet(pgettext("staff", "Reconciliation"), ["", str(report.period)], _reconciliation_rows(report))]


def _reconciliation_rows(report: AnnualReport) -> list[list[str | int]]:
    check, without = report.check, pgettext("staff", "Without a group: %(topic)s")
    return [
        [pgettext("staff", "Consultations in the log"), check.consultations],
        [pgettext("staff", "Topics in the log"), check.topics],
        [pgettext("staff", "Topics in the table"), check.mapped],
        *([without % {"topic": topic}, number] for topic, number in check.unmapped.items()),
        [
            pgettext("staff", "Topics of restricted consultations, not shown (fewer than five in their group)"),
            check.small,
        ],
        [pgettext("staff", "Difference"), check.difference],
    ]


def hours_sheets(hours: list[AdviserWorkload]) -> list[Sheet]:
    """Return each adviser's consultations, their minutes, and the minutes of their shifts."""
    header = [
        pgettext("staff", "Adviser"),
        pgettext("staff", "Consultations"),
        pgettext("staff", "Consultation time (minutes)"),
        pgettext("staff", "Time on duty (minutes)"),
    ]
    rows = [[it.name, it.figures.consultations, it.figures.minutes, it.on_duty] for it in hours]
    return [Sheet(pgettext("staff", "Advisers' hours"), header, rows)]


def consultation_sheets(rows: list[list[str | int]]) -> list[Sheet]:
    """Return the log's rows under their column names, for other programs."""
    return [Sheet("", [*EXPORT_COLUMNS, "topics"], rows)]


# The columns that leave the portal: facts under a public id, never a note, a client or a name.
EXPORT_COLUMNS = (
    "public_id",
    "month",
    "channel",
    "enquirer",
    "language",
    "language_support",
    "mother_tongue",
    "nationality",
    "outcome",
    "referred_to",
    "minutes",
)
