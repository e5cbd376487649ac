"""The desk's yearly figures for everybody: few, in the reader's language, and nobody to be recognised in them."""

from dataclasses import dataclass

from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import pgettext, pgettext_lazy

from consultations import taxonomy
from consultations.figures.charts import RowBar, rows_chart
from consultations.figures.counting import Count, count
from consultations.figures.periods import Period, fiscal_year, fiscal_year_of
from consultations.figures.suppression import Published, publish
from consultations.models import Consultation, Dimension
from services.languages.days import written_month
from services.languages.names import NAMES

YEARS_SHOWN = 5
OTHER = "その他"
GROUPS = {
    "入管手続": pgettext_lazy("what people asked about", "Visa and residence status"),
    "手続一般": pgettext_lazy("what people asked about", "City office"),
    "雇用・労働": pgettext_lazy("what people asked about", "Work"),
    "社会保険・年金": pgettext_lazy("what people asked about", "Health insurance and pension"),
    "税金": pgettext_lazy("what people asked about", "Taxes"),
    "医療": pgettext_lazy("what people asked about", "Doctors and health"),
    "福祉": pgettext_lazy("what people asked about", "Welfare and care"),
    "出産・子育て": pgettext_lazy("what people asked about", "Birth and children"),
    "教育": pgettext_lazy("what people asked about", "School"),
    "日本語学習": pgettext_lazy("what people asked about", "Learning Japanese"),
    "防災・災害": pgettext_lazy("what people asked about", "Disasters"),
    "住宅": pgettext_lazy("what people asked about", "Housing"),
    "身分関係": pgettext_lazy("what people asked about", "Marriage and family"),
    "交通・運転免許": pgettext_lazy("what people asked about", "Traffic and driving licence"),
    "通訳・翻訳": pgettext_lazy("what people asked about", "Interpreting and translation"),
    OTHER: pgettext_lazy("what people asked about", "Other things"),
}


@dataclass(frozen=True, slots=True)
class Division:
    """One way to divide the year: rows of (name, language that the name is in, number), and their picture."""

    rows: list[tuple[str, str, int]]
    chart: list[RowBar]


@dataclass(frozen=True, slots=True)
class Year:
    """A fiscal year that is over. `total` is None where it is too small to be told."""

    period: Period
    total: int | None
    languages: Division
    topics: Division

    @property
    def when(self) -> str:
        """From which month to which, in words."""
        ends = {"begins": written_month(self.period.first), "ends": written_month(self.period.last)}
        return pgettext("something of several days", "from %(begins)s to %(ends)s") % ends


def years_to_show() -> list[int]:
    """The fiscal years that are over and have consultations, the newest first."""
    first = Consultation.objects.order_by("began_at").values_list("month", flat=True).first()
    if first is None:
        return []
    last = fiscal_year_of(timezone.localdate()) - 1
    return list(range(last, max(fiscal_year_of(first), last - YEARS_SHOWN + 1) - 1, -1))


def read_year(year: int) -> Year:
    """One year's figures."""
    period = fiscal_year(year)
    (found,) = count(period)
    languages = _publish(found, {code: it.shown.consultations for code, it in found.by(Dimension.LANGUAGE).items()})
    topics = _publish(found, _by_group(found))
    named = [(*_language(code), number) for code, number in languages.cells.items()]
    about = [(str(GROUPS[group]), "", number) for group, number in topics.cells.items()]
    return Year(
        period,
        languages.total,
        _division(named, languages, _("Other languages")),
        _division(about, topics, pgettext("what people asked about", "Other topics")),
    )


def _publish(found: Count, cells: dict[str, int]) -> Published:
    return publish(cells, unsaid=found.total.shown.consultations - sum(cells.values()))


def _by_group(found: Count) -> dict[str, int]:
    known, groups = taxonomy.topics(), dict.fromkeys(GROUPS, 0)
    without = found.total.free.consultations  # about nothing
    for topic, cell in found.by(Dimension.PRIMARY).items():
        group = known[topic].group if topic in known else OTHER
        groups[group if group in groups else OTHER] += cell.shown.consultations
        without -= cell.free.consultations
    groups[OTHER] += without
    return groups


def _language(code: str) -> tuple[str, str]:
    """What the reader calls a language; one that the portal does not speak has its own name, and is marked so."""
    if code in NAMES:
        return str(NAMES[code]), ""
    known = taxonomy.tongues().get(code)
    return (known.own_name, code) if known and known.own_name else (code, "")


def _division(named: list[tuple[str, str, int]], told: Published, rest: str) -> Division:
    rows = sorted(named, key=lambda row: -row[2])
    if told.rest:
        rows.append((rest, "", told.rest))
    return Division(rows, rows_chart(rows))
