"""The desk's public yearly figures: a few, in the reader's language, from which nobody can be identified."""

from dataclasses import dataclass

from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import pgettext, pgettext_lazy

from consultations.records import taxonomy
from consultations.records.counts import PeriodCount, count_period
from consultations.records.models import Consultation, Dimension
from services.figures.charts import RowBar, rows_chart
from services.figures.periods import Period, fiscal_year, fiscal_year_of
from services.figures.suppression import SuppressedTable, suppress_small_cells
from services.languages.dates import format_month
from services.languages.names import NAMES

YEARS_SHOWN = 5
OTHER = "その他"
GROUPS = {
    "入管手続": pgettext_lazy("what people asked about", "Visas and residence status"),
    "手続一般": pgettext_lazy("what people asked about", "City office procedures"),
    "雇用・労働": pgettext_lazy("what people asked about", "Work"),
    "社会保険・年金": pgettext_lazy("what people asked about", "Health insurance and pensions"),
    "税金": pgettext_lazy("what people asked about", "Taxes"),
    "医療": pgettext_lazy("what people asked about", "Health and medical care"),
    "福祉": pgettext_lazy("what people asked about", "Welfare and care"),
    "出産・子育て": pgettext_lazy("what people asked about", "Having and raising children"),
    "教育": pgettext_lazy("what people asked about", "School"),
    "日本語学習": pgettext_lazy("what people asked about", "Learning Japanese"),
    "防災・災害": pgettext_lazy("what people asked about", "Disasters"),
    "住宅": pgettext_lazy("what people asked about", "Housing"),
    "身分関係": pgettext_lazy("what people asked about", "Marriage and family"),
    "交通・運転免許": pgettext_lazy("what people asked about", "Transport and driving licences"),
    "通訳・翻訳": pgettext_lazy("what people asked about", "Interpreting and translation"),
    OTHER: pgettext_lazy("what people asked about", "Something else"),
}


@dataclass(frozen=True, slots=True)
class Breakdown:
    """One breakdown of the year: rows of (name, language of the name, number), and a chart."""

    rows: list[tuple[str, str, int]]
    chart: list[RowBar]


@dataclass(frozen=True, slots=True)
class PublicYear:
    """A past fiscal year. `total` is None if it is too small to publish."""

    period: Period
    total: int | None
    languages: Breakdown
    topics: Breakdown

    @property
    def when(self) -> str:
        """The first and last month, in words."""
        ends = {"begins": format_month(self.period.first), "ends": format_month(self.period.last)}
        return pgettext("something of several days", "from %(begins)s to %(ends)s") % ends


def years_to_show() -> list[int]:
    """Return the past fiscal years that have consultations, newest first."""
    first = Consultation.objects.order_by("began_at").values_list("month", flat=True).first()
    if first is None:
        return []
    last = fiscal_year_of(timezone.localdate()) - 1
    return list(range(last, max(fiscal_year_of(first), last - YEARS_SHOWN + 1) - 1, -1))


def load_public_year(year: int) -> PublicYear:
    """Load one year's figures."""
    period = fiscal_year(year)
    (found,) = count_period(period)
    by_language = found.by(Dimension.LANGUAGE)
    languages = _suppress(found, {code: it.publishable.consultations for code, it in by_language.items()})
    topics = _suppress(found, _by_group(found))
    named = [(*_language(code), number) for code, number in languages.cells.items()]
    about = [(str(GROUPS[group]), "", number) for group, number in topics.cells.items()]
    return PublicYear(
        period,
        languages.total,
        _breakdown(named, languages, _("Other languages")),
        _breakdown(about, topics, pgettext("what people asked about", "All other topics")),
    )


def _suppress(found: PeriodCount, cells: dict[str, int]) -> SuppressedTable:
    return suppress_small_cells(cells, withheld=found.overall.publishable.consultations - sum(cells.values()))


def _by_group(found: PeriodCount) -> dict[str, int]:
    known, groups = taxonomy.topics(), dict.fromkeys(GROUPS, 0)
    without_topic = found.overall.unrestricted.consultations
    for topic, cell in found.by(Dimension.PRIMARY_TOPIC).items():
        group = known[topic].group if topic in known else OTHER
        groups[group if group in groups else OTHER] += cell.publishable.consultations
        without_topic -= cell.unrestricted.consultations
    groups[OTHER] += without_topic
    return groups


def _language(code: str) -> tuple[str, str]:
    """Return a language's name for the reader. An unknown language gets its own name, and its code to mark it up."""
    if code in NAMES:
        return str(NAMES[code]), ""
    known = taxonomy.languages().get(code)
    return (known.own_name, code) if known and known.own_name else (code, "")


def _breakdown(named: list[tuple[str, str, int]], table: SuppressedTable, rest: str) -> Breakdown:
    rows = sorted(named, key=lambda row: -row[2])
    if table.rest:
        rows.append((rest, "", table.rest))
    return Breakdown(rows, rows_chart(rows))
