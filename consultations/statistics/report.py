"""The yearly report to the national body: topics by its groups, in its order, reconciled with the log."""

from dataclasses import dataclass

from consultations.records import taxonomy
from consultations.records.counts import CellTotals, count_period
from consultations.records.models import ConsultationTopic, Dimension
from consultations.statistics import labels
from services.figures.periods import Period


@dataclass(frozen=True, slots=True)
class Reconciliation:
    """The steps from the log to the sum of the report's table.

    `unmapped`: topics without a group, by name. `small`: topics of restricted consultations that are fewer than five in
    their group, and are therefore only in the total. `difference`: topics in the log that were not counted; must be 0.
    """

    consultations: int
    topics: int
    mapped: int
    unmapped: dict[str, int]
    small: int
    difference: int


@dataclass(frozen=True, slots=True)
class AnnualReport:
    """The report's rows (group, topics, consultations) in the body's order, its edition, and the reconciliation."""

    period: Period
    mapping: str
    lines: list[tuple[str, int, int]]
    check: Reconciliation


def load_report(period: Period) -> AnnualReport:
    """Load a period's report, reconciled with the log's rows."""
    (found,) = count_period(period)
    cells, groups = found.by(Dimension.TOPIC_GROUP), labels.report_groups()
    shown = {code: cells.get(code, CellTotals()).publishable for code in groups}
    lines = [(labels.group_name(code), it.topics, it.consultations) for code, it in shown.items()]
    mapped = sum(it.topics for it in shown.values())
    unmapped = sum(cell.publishable.topics for code, cell in cells.items() if code not in groups)
    overall = found.overall
    in_log = ConsultationTopic.objects.filter(consultation__month__range=(period.first, period.last))
    check = Reconciliation(
        consultations=overall.publishable.consultations,
        topics=overall.publishable.topics,
        mapped=mapped,
        unmapped=_unmapped_by_name(found.by(Dimension.TOPIC), groups, unmapped),
        small=overall.publishable.topics - mapped - unmapped,
        difference=in_log.count() - overall.total.topics,
    )
    return AnnualReport(period, labels.mapping_version(), lines, check)


def _unmapped_by_name(topics: dict[str, CellTotals], groups, unmapped: int) -> dict[str, int]:
    """Return the number of topics without a group, by name. Numbers too small to publish are added up unnamed."""
    known = taxonomy.topics()
    names = {
        labels.topic_name(code): cell.publishable.topics
        for code, cell in topics.items()
        if cell.publishable.topics and (code not in known or known[code].group not in groups)
    }
    if rest := unmapped - sum(names.values()):
        names[labels.group_name("")] = rest
    return names
