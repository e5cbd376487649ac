"""The yearly report to the national body: topics by its groups, in its order, and how they come out of the log."""

from dataclasses import dataclass

from consultations import taxonomy
from consultations.figures import naming
from consultations.figures.counting import Cell, count
from consultations.figures.periods import Period
from consultations.models import ConsultationTopic, Dimension


@dataclass(frozen=True, slots=True)
class Reconciliation:
    """From what may be told of the log to the sum of the table.

    `unmapped`: topics that belong to no group, by name. `small`: topics of restricted consultations of which their
    group has fewer than five, and which are therefore in the total alone. `difference`: rows of topics in the log that
    were not counted; must be 0.
    """

    consultations: int
    topics: int
    mapped: int
    unmapped: dict[str, int]
    small: int
    difference: int


@dataclass(frozen=True, slots=True)
class Report:
    """The table (group, topics, consultations) in the body's order, the edition of its groups, the reconciliation."""

    period: Period
    mapping: str
    lines: list[tuple[str, int, int]]
    check: Reconciliation


def read_report(period: Period) -> Report:
    """A period's report, reconciled to the log's own rows."""
    (found,) = count(period)
    cells, groups = found.by(Dimension.GROUP), naming.report_groups()
    shown = {code: cells.get(code, Cell()).shown for code in groups}
    lines = [(naming.group_name(code), it.topics, it.consultations) for code, it in shown.items()]
    mapped = sum(it.topics for it in shown.values())
    unmapped = sum(cell.shown.topics for code, cell in cells.items() if code not in groups)
    total = found.total
    in_log = ConsultationTopic.objects.filter(consultation__month__range=(period.first, period.last))
    check = Reconciliation(
        consultations=total.shown.consultations,
        topics=total.shown.topics,
        mapped=mapped,
        unmapped=_named(found.by(Dimension.TOPIC), groups, unmapped),
        small=total.shown.topics - mapped - unmapped,
        difference=in_log.count() - total.whole.topics,
    )
    return Report(period, naming.mapping_version(), lines, check)


def _named(topics: dict[str, Cell], groups, unmapped: int) -> dict[str, int]:
    """How many rows of which topic have no group; what is too small to be named stands under no name."""
    known = taxonomy.topics()
    names = {
        naming.topic_name(code): cell.shown.topics
        for code, cell in topics.items()
        if cell.shown.topics and (code not in known or known[code].group not in groups)
    }
    if rest := unmapped - sum(names.values()):
        names[naming.group_name("")] = rest
    return names
