"""Recurrence rules (RFC 5545) that people can choose: weekdays, in every week or in some weeks of the month."""

import datetime
from dataclasses import dataclass
from functools import lru_cache

from dateutil.rrule import rrulestr
from django.utils.dates import WEEKDAYS
from django.utils.translation import gettext as _
from django.utils.translation import pgettext

CODES = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")
WEEKS = (1, 2, 3, 4, -1)  # of a month; -1 is the last


@dataclass(frozen=True, slots=True)
class RecurrenceRule:
    """A weekly or monthly recurrence. `weekdays`: 0 is Monday. `weeks`: of the month; empty means every week."""

    weekdays: tuple[int, ...]
    weeks: tuple[int, ...] = ()

    def __str__(self):
        if not self.weeks:
            return f"FREQ=WEEKLY;BYDAY={','.join(CODES[day] for day in self.weekdays)}"
        days = ",".join(f"{week}{CODES[day]}" for week in self.weeks for day in self.weekdays)
        return f"FREQ=MONTHLY;BYDAY={days}"

    def describe(self) -> str:
        """Describe the rule in the active language: "Monday and Tuesday", "1st and 3rd Sunday of the month"."""
        names = [str(WEEKDAYS[day]) for day in self.weekdays]
        if not self.weeks:
            return _join_names(names)
        nth = {
            # Translators: which one in a month, in front of a weekday: "1st", "3rd", "last".
            1: pgettext("of the month", "1st"),
            2: pgettext("of the month", "2nd"),
            3: pgettext("of the month", "3rd"),
            4: pgettext("of the month", "4th"),
            -1: pgettext("of the month", "last"),
        }
        weeks = _join_names([nth[week] for week in self.weeks])
        # Translators: "1st and 3rd Sunday of the month".
        phrase = _("%(weeks)s %(weekdays)s of the month")
        return phrase % {"weeks": weeks, "weekdays": _join_names(names)}


def parse_rule(text: str) -> RecurrenceRule:
    """Parse a stored RRULE. Raise ValueError for a rule that people cannot choose here."""
    parts = dict(part.split("=", 1) for part in text.split(";"))
    weekdays, weeks = [], []
    for code in parts["BYDAY"].split(","):
        week, name = code[:-2], code[-2:]
        weekdays.append(CODES.index(name))
        if week:
            weeks.append(int(week))
    rule = RecurrenceRule(tuple(sorted(set(weekdays))), tuple(week for week in WEEKS if week in weeks))
    if str(rule) != text:
        raise ValueError(f"{text} is not one of our rules.")
    return rule


@lru_cache(maxsize=500)
def occurrence_dates(
    text: str, first: datetime.date, start: datetime.date, end: datetime.date
) -> tuple[datetime.date, ...]:
    """Return the dates of an RRULE that begins on `first`, from `start` to `end`, both included."""
    midnight = datetime.time()
    # Our rules have no COUNT or INTERVAL, so we can start at `start`, not at a first day of long ago.
    rule = rrulestr(text, dtstart=datetime.datetime.combine(max(first, start), midnight))
    found = rule.between(datetime.datetime.combine(start, midnight), datetime.datetime.combine(end, midnight), inc=True)
    return tuple(moment.date() for moment in found)


def _join_names(names: list[str]) -> str:
    """Join names: "A", "A and B", "A, B and C"."""
    if len(names) == 1:
        return names[0]
    # Translators: joins the last two of a list: "Monday, Tuesday and Friday".
    pair = _("%(first)s and %(last)s")
    return pair % {"first": pgettext("between the names of a list", ", ").join(names[:-1]), "last": names[-1]}
