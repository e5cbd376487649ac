"""Keeping the count of the log: beside each consultation as it is written, and month by month from the log itself.

Whoever counts holds the trail's head, as whoever logs does from its line in the trail on: no consultation is counted
twice, and none is left out.
"""

import datetime
from collections import defaultdict
from collections.abc import Iterable

from django.db import transaction
from django.utils import timezone

from consultations.figures.counting import FACTS, Figures, count_log
from consultations.figures.periods import Period
from consultations.models import Consultation, CountedMonth, Later, Tally
from services.audit.models import Head


def as_counted(consultation: Consultation, topics: Iterable[str], *, sign: int = 1) -> Later:
    """What a consultation adds to the count of its month; sign -1: what it no longer adds.

    To be saved in the transaction that writes the consultation, after its line in the trail.
    """
    facts = {name: getattr(consultation, name) for name in ("minutes", *FACTS.values())}
    return Later(
        month=consultation.month,
        is_restricted=consultation.is_restricted,
        sign=sign,
        facts=facts | {"topics": list(topics)},
    )


def forget_counts(months: Iterable[datetime.date]) -> None:
    """Have months counted from the log until they are counted anew: for who changes many consultations at once.

    Called after the change's line in the trail, in its transaction.
    """
    CountedMonth.objects.filter(month__in=set(months)).delete()


def count_months() -> int:
    """Count anew what has to be: months never counted, and those to which something came later. How many months."""
    first = Consultation.objects.order_by("began_at").values_list("month", flat=True).first()
    if first is None:
        return 0
    period = Period(first, max(first, timezone.localdate().replace(day=1)))
    missing = set(period.months) - set(CountedMonth.objects.values_list("month", flat=True))
    later = Later.objects.order_by().values_list("month", flat=True).distinct()
    to_count = missing.union(later)
    for month in sorted(to_count):
        count_month(month)
    return len(to_count)


@transaction.atomic
def count_month(month: datetime.date) -> None:
    """Count a month from the log and keep what was found in place of all its tallies."""
    list(Head.objects.select_for_update().filter(pk=1))
    found: dict = defaultdict(Figures)
    for _month, is_restricted, dimension, value, figures in count_log([month]):
        found[is_restricted, dimension, value] = found[is_restricted, dimension, value].plus(figures)
    Later.objects.filter(month=month).delete()
    Tally.objects.filter(month=month).delete()
    Tally.objects.bulk_create(
        (
            Tally(month=month, is_restricted=is_restricted, dimension=dimension, value=value, **figures._asdict())
            for (is_restricted, dimension, value), figures in found.items()
        ),
        batch_size=500,
    )
    CountedMonth.objects.get_or_create(month=month)
