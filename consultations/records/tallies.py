"""Tally the consultation log: a delta beside each change of a consultation, and months counted from the log.

Counting locks the head of the audit chain; logging has locked it since its audit entry. So no consultation is
counted twice, and none is missed.
"""

import datetime
from collections import defaultdict
from collections.abc import Iterable

from django.db import transaction
from django.utils import timezone

from consultations.records.counts import DIMENSION_COLUMNS, Totals, totals_from_log
from consultations.records.models import Consultation, CountedMonth, MonthlyTally, TallyDelta
from services.audit.models import AuditChainHead
from services.figures.periods import Period


def tally_delta(consultation: Consultation, topics: Iterable[str], *, sign: int = 1) -> TallyDelta:
    """Return the unsaved delta of one consultation for its month. sign -1: the consultation is no longer counted.

    Save it in the transaction that writes the consultation, after its audit entry.
    """
    facts = {name: getattr(consultation, name) for name in ("minutes", *DIMENSION_COLUMNS.values())}
    return TallyDelta(
        month=consultation.month,
        is_restricted=consultation.is_restricted,
        sign=sign,
        facts=facts | {"topics": list(topics)},
    )


def discard_tallies(months: Iterable[datetime.date]) -> None:
    """Discard the tallies of months after changing many consultations, so that the log is counted until the next tally.

    Call it in the transaction of the change, after its audit entry.
    """
    CountedMonth.objects.filter(month__in=set(months)).delete()


def tally_months() -> int:
    """Tally every month that has never been tallied or has deltas, and return how many."""
    first = Consultation.objects.order_by("began_at").values_list("month", flat=True).first()
    if first is None:
        return 0
    period = Period(first, max(first, timezone.localdate().replace(day=1)))
    missing = set(period.months) - set(CountedMonth.objects.values_list("month", flat=True))
    changed = TallyDelta.objects.order_by().values_list("month", flat=True).distinct()
    to_count = missing.union(changed)
    for month in sorted(to_count):
        tally_month(month)
    return len(to_count)


@transaction.atomic
def tally_month(month: datetime.date) -> None:
    """Lock the audit chain, count a month from the log and replace all its tallies and deltas."""
    list(AuditChainHead.objects.select_for_update().filter(pk=1))
    found: dict = defaultdict(Totals)
    for _month, is_restricted, dimension, value, figures in totals_from_log([month]):
        found[is_restricted, dimension, value] = found[is_restricted, dimension, value].plus(figures)
    TallyDelta.objects.filter(month=month).delete()
    MonthlyTally.objects.filter(month=month).delete()
    MonthlyTally.objects.bulk_create(
        (
            MonthlyTally(
                month=month, is_restricted=is_restricted, dimension=dimension, value=value, **figures._asdict()
            )
            for (is_restricted, dimension, value), figures in found.items()
        ),
        batch_size=500,
    )
    CountedMonth.objects.get_or_create(month=month)
