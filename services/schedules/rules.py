"""Recurrence rules (RFC 5545) that people can choose: weekdays, every n weeks or in some weeks of every n-th month."""

import datetime
from dataclasses import dataclass
from functools import lru_cache

from dateutil.rrule import rrulestr
from django.utils.dates import WEEKDAYS
from django.utils.translation import gettext as _
from django.utils.translation import ngettext, pgettext

CODES = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")
WEEKS = (1, 2, 3, 4, -1)  # of a month; -1 is the last
MAX_INTERVAL = 52


@dataclass(frozen=True, slots=True)
class RecurrenceRule:
    """A weekly or monthly recurrence. `weekdays`: 0 is Monday. `weeks`: of the month; empty means a weekly rule.

    `interval`: every how many weeks or months, counted from the first day's; weeks begin on Monday, as in RFC 5545.
    Raises ValueError without weekdays, or for an interval outside 1 to `MAX_INTERVAL`.
    """

    weekdays: tuple[int, ...]
    weeks: tuple[int, ...] = ()
    interval: int = 1

    def __post_init__(self):
        object.__setattr__(self, "weekdays", tuple(sorted(set(self.weekdays))))
        object.__setattr__(self, "weeks", tuple(week for week in WEEKS if week in self.weeks))
        if not self.weekdays or not 1 <= self.interval <= MAX_INTERVAL:
            raise ValueError(f"A rule needs weekdays, and an interval from 1 to {MAX_INTERVAL}.")

    def __str__(self):
        every = f"INTERVAL={self.interval};" if self.interval > 1 else ""
        if not self.weeks:
            return f"FREQ=WEEKLY;{every}BYDAY={','.join(CODES[day] for day in self.weekdays)}"
        days = ",".join(f"{week}{CODES[day]}" for week in self.weeks for day in self.weekdays)
        return f"FREQ=MONTHLY;{every}BYDAY={days}"

    def describe(self) -> str:
        """Describe the rule in the active language: "Monday and Tuesday, every 2 weeks"."""
        names = _join_names([str(WEEKDAYS[day]) for day in self.weekdays])
        words = self._describe_weeks(names) if self.weeks else names
        return words if self.interval == 1 else self._describe_interval(words)

    def _describe_interval(self, words: str) -> str:
        if self.weeks:
            # Translators: "1st Sunday of the month, every 2 months". The number is at least 2.
            text = ngettext("%(days)s, every month", "%(days)s, every %(number)s months", self.interval)
        else:
            # Translators: "Monday and Tuesday, every 2 weeks". The number is at least 2.
            text = ngettext("%(days)s, every week", "%(days)s, every %(number)s weeks", self.interval)
        return text % {"days": words, "number": self.interval}

    def _describe_weeks(self, names: str) -> str:
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
        return phrase % {"weeks": weeks, "weekdays": names}


def parse_rule(text: str) -> RecurrenceRule:
    """Parse a stored RRULE. Raise ValueError for a rule that people cannot choose here.

    COUNT is not part of a rule: it would also count the days that are skipped (see `Schedule.session_count`).
    """
    parts = dict(part.split("=", 1) for part in text.split(";"))
    weekdays, weeks = [], []
    for code in parts.get("BYDAY", "").split(","):
        week, name = code[:-2], code[-2:]
        weekdays.append(CODES.index(name))
        if week:
            weeks.append(int(week))
    interval = int(parts.get("INTERVAL", "1"))
    rule = RecurrenceRule(tuple(weekdays), tuple(weeks), interval)
    if str(rule) != text:
        raise ValueError(f"{text} is not one of our rules.")
    return rule


@lru_cache(maxsize=2000)
def occurrence_dates(
    text: str, first: datetime.date, start: datetime.date, end: datetime.date
) -> tuple[datetime.date, ...]:
    """Return the dates of an RRULE that begins on `first`, from `start` to `end`, both included.

    Raises ValueError for a rule that people cannot choose here.
    """
    midnight = datetime.time()
    # An interval is counted from `first`. Without one we can start at `start`, not at a first day of long ago.
    anchor = first if parse_rule(text).interval > 1 else max(first, start)
    rule = rrulestr(text, dtstart=datetime.datetime.combine(anchor, midnight))
    found = rule.between(datetime.datetime.combine(start, midnight), datetime.datetime.combine(end, midnight), inc=True)
    return tuple(moment.date() for moment in found)


def _join_names(names: list[str]) -> str:
    """Join names: "A", "A and B", "A, B and C"."""
    if len(names) == 1:
        return names[0]
    # Translators: joins the last two of a list: "Monday, Tuesday and Friday".
    pair = _("%(first)s and %(last)s")
    return pair % {"first": pgettext("between the names of a list", ", ").join(names[:-1]), "last": names[-1]}
