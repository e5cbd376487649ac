"""Rules of RFC 5545 that people can choose and read: on these weekdays, each week or in these weeks of the month."""

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
class Rule:
    """On which days something happens. `weekdays`: 0 is Monday. `weeks` empty: each week."""

    weekdays: tuple[int, ...]
    weeks: tuple[int, ...] = ()

    def __str__(self):
        if not self.weeks:
            return f"FREQ=WEEKLY;BYDAY={','.join(CODES[day] for day in self.weekdays)}"
        days = ",".join(f"{week}{CODES[day]}" for week in self.weeks for day in self.weekdays)
        return f"FREQ=MONTHLY;BYDAY={days}"

    def in_words(self) -> str:
        """As the active language says it: "Mondays and Tuesdays", "1st and 3rd Sunday of the month"."""
        names = [str(WEEKDAYS[day]) for day in self.weekdays]
        if not self.weeks:
            return _listed(names)
        nth = {
            # Translators: which one in a month, in front of a weekday: "1st", "3rd", "last".
            1: pgettext("of the month", "1st"),
            2: pgettext("of the month", "2nd"),
            3: pgettext("of the month", "3rd"),
            4: pgettext("of the month", "4th"),
            -1: pgettext("of the month", "last"),
        }
        weeks = _listed([nth[week] for week in self.weeks])
        # Translators: "1st and 3rd Sunday of the month".
        phrase = _("%(weeks)s %(weekdays)s of the month")
        return _listed([phrase % {"weeks": weeks, "weekdays": name} for name in names])


def read_rule(text: str) -> Rule:
    """The rule behind a stored RRULE. Raises ValueError for what people cannot choose here."""
    parts = dict(part.split("=", 1) for part in text.split(";"))
    weekdays, weeks = [], []
    for code in parts["BYDAY"].split(","):
        week, name = code[:-2], code[-2:]
        weekdays.append(CODES.index(name))
        if week:
            weeks.append(int(week))
    rule = Rule(tuple(sorted(set(weekdays))), tuple(week for week in WEEKS if week in weeks))
    if str(rule) != text:
        raise ValueError(f"{text} is not one of our rules.")
    return rule


@lru_cache(maxsize=500)
def days_of(text: str, first: datetime.date, start: datetime.date, end: datetime.date) -> tuple[datetime.date, ...]:
    """The days of an RRULE that begins on `first`, from `start` to `end`, both included."""
    midnight = datetime.time()
    # Our rules do not count from their first day: one of long ago need not be walked through to today.
    rule = rrulestr(text, dtstart=datetime.datetime.combine(max(first, start), midnight))
    found = rule.between(datetime.datetime.combine(start, midnight), datetime.datetime.combine(end, midnight), inc=True)
    return tuple(moment.date() for moment in found)


def _listed(names: list[str]) -> str:
    """Names in a row: "A", "A and B", "A, B and C"."""
    if len(names) == 1:
        return names[0]
    # Translators: joins the last two of a list: "Monday, Tuesday and Friday".
    pair = _("%(first)s and %(last)s")
    return pair % {"first": pgettext("between the names of a list", ", ").join(names[:-1]), "last": names[-1]}
