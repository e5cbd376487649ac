"""A past log in other columns and words, read as entries of ours; what cannot be read is named by its cell."""

import base64
import datetime
import hashlib
import hmac
import json
import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache

from django.conf import settings
from django.core.exceptions import ValidationError
from django.utils import timezone, translation
from django.utils.translation import pgettext

from consultations import taxonomy
from consultations.actions.consultations import Entry
from consultations.actions.importing import Past
from consultations.models import Asker, Bridging, Channel, Consultation, Outcome
from consultations.models.consultations import LONGEST_MINUTES
from services.accounts.models import User
from services.base.hygiene import FIRST_DAY, clean_prose, search_key
from services.base.tables import Table

NEEDED = ("day", "minutes", "channel", "language", "bridging", "topics", "outcome")
CODED = (
    *("channel", "asker", "language", "bridging", "topics", "outcome", "mother_tongue", "nationality", "referred_to"),
)
LISTS = {
    "topics": taxonomy.topics,
    "language": taxonomy.tongues,
    "mother_tongue": taxonomy.tongues,
    "nationality": taxonomy.countries,
    "referred_to": taxonomy.bodies,
}
CHOICES = {"channel": Channel, "asker": Asker, "bridging": Bridging, "outcome": Outcome}
NOON = datetime.time(12)
BETWEEN_TOPICS = (re.compile(r"[;；、／/|\n]"), re.compile(r"[,，]"))
ERAS = {"令和": 2018, "r": 2018, "平成": 1988, "h": 1988, "昭和": 1925, "s": 1925}
_DAY = re.compile(
    r"(?:(?P<era>令和|平成|昭和|[rhs])\s*(?P<of_era>\d{1,2}|元)|(?P<year>\d{4}))"
    r"\s*[年/.-]\s*(?P<month>\d{1,2})\s*[月/.-]\s*(?P<day>\d{1,2})\s*日?(?:\s*\(.\))?"
)
_PLAIN_DAY = re.compile(r"(?P<year>\d{4})(?P<month>\d{2})(?P<day>\d{2})")
_TIME = re.compile(
    r"(?P<half>午前|午後|am|pm)?\s*(?P<hour>\d{1,2})\s*[:時]\s*(?:(?P<minute>\d{1,2})\s*分?)?(?::\d{2})?"
)
_MINUTES = re.compile(r"(?:(?P<hours>\d{1,2})\s*(?:時間|:|h)\s*)?(?:(?P<minutes>\d{1,3})\s*(?:分間?|min|minutes)?)?")


@dataclass(frozen=True, slots=True)
class Fault:
    """A cell that cannot be taken over, by its row in the file and its column."""

    row: int
    column: str
    text: str


@dataclass(frozen=True, slots=True)
class Plan:
    """How a table becomes entries.

    columns: where each of our fields stands. otherwise: what holds where the cell is empty, or no column was chosen.
    meanings: what a cell's words mean, by field and words, as somebody decided. advisers: those that a column may name
    by their e-mail addresses. adviser: whose the other rows are.
    """

    columns: dict[str, int]
    adviser: User
    otherwise: dict[str, str] = field(default_factory=dict)
    meanings: dict[tuple[str, str], str] = field(default_factory=dict)
    advisers: dict[str, User] = field(default_factory=dict)


def guess_columns(table: Table) -> dict[str, int]:
    """Which column is which, by what the head calls it: by the whole name first, then by the longest part of it."""
    names = [_key(name) for name in table.header]
    known = sorted(
        ((_key(word), name) for name, words in taxonomy.past_columns().items() for word in words),
        key=lambda it: -len(it[0]),
    )
    found = {}
    for fits in (str.__eq__, lambda name, word: len(word) > 1 and word in name):
        for word, name in known:
            for place, called in enumerate(names):
                if name not in found and place not in found.values() and fits(called, word):
                    found[name] = place
    return found


def meaning(name: str, words: str) -> str:
    """The code that a cell's words stand for in one of our fields; empty if nobody knows."""
    return _words_of(name).get(_key(words), "")


def words_in(table: Table, name: str, place: int) -> list[str]:
    """The different words of a column, as often as they come; of topics each one by itself."""
    counts: dict[str, int] = {}
    for _number, cells in table.rows:
        for words in _pieces(name, cells[place]):
            counts[words] = counts.get(words, 0) + 1
    return sorted(counts, key=lambda words: -counts[words])


def read_rows(table: Table, plan: Plan, closed: set[datetime.date], most_faults: int) -> tuple[list[Past], list[Fault]]:
    """Every row as an entry, or the first faults. closed: months into which nothing may come."""
    rows, faults, seen = [], [], {}
    for number, cells in table.rows:
        reading = _Reading(table, plan, number, cells, closed)
        entry, adviser = reading.entry(), reading.adviser()
        faults += reading.faults
        if not reading.faults:
            again = reading.known_by(entry)
            seen[again] = seen.get(again, 0) + 1
            if seen[again] > 1 and "number" in plan.columns:
                faults.append(reading.fault("number", pgettext("staff", "This number stands on this day already.")))
            rows.append(Past(entry, adviser, _public_id(again, seen[again])))
        if len(faults) >= most_faults:
            break
    return rows, faults[:most_faults]


class _Unclear(Exception):
    """A cell that nobody understands; says why."""


class _Reading:
    """One row, read cell by cell; what is wrong with it gathers in `faults`."""

    def __init__(self, table: Table, plan: Plan, number: int, cells: tuple[str, ...], closed: set[datetime.date]):
        self.table, self.plan, self.number, self.cells, self.closed = table, plan, number, cells, closed
        self.faults: list[Fault] = []

    def fault(self, name: str, text: str) -> Fault:
        place = self.plan.columns.get(name)
        return Fault(self.number, "" if place is None else self.table.columns[place], text)

    def cell(self, name: str) -> str:
        place = self.plan.columns.get(name)
        return (self.cells[place] if place is not None else "") or self.plan.otherwise.get(name, "")

    def read(self, name: str, read):
        """The cell as `read` understands it; None and a fault if it does not."""
        text = self.cell(name)
        try:
            if not text:
                if name in NEEDED:
                    raise _Unclear(pgettext("staff", "This cell must not be empty."))
                return None
            return read(text)
        except _Unclear as why:
            self.faults.append(self.fault(name, str(why)))
        except ValidationError as why:
            self.faults.append(self.fault(name, " ".join(why.messages)))
        return None

    def entry(self) -> Entry:
        coded = {
            name: self.read(name, lambda text, name=name: self.code(name, text)) or ""
            for name in CODED
            if name != "topics"
        }
        self.refuse_nowhere(coded)
        return Entry(
            began_at=self.began_at(),
            minutes=self.read("minutes", read_minutes),
            topics=self.read("topics", self.topics) or (),
            note=self.read("note", clean_prose) or "",
            late_reason=pgettext("staff", "Taken over from an earlier log"),
            **coded | {"asker": coded["asker"] or Asker.SELF},
        )

    def refuse_nowhere(self, coded: dict[str, str]) -> None:
        if coded["outcome"] == Outcome.REFERRAL and not self.cell("referred_to"):
            name = "referred_to" if "referred_to" in self.plan.columns else "outcome"
            told = pgettext("staff", "Please choose where the person was referred to.")
            self.faults.append(self.fault(name, told))

    def began_at(self) -> datetime.datetime | None:
        found = self.read("day", _day_and_rest)
        if found is None:
            return None
        day, rest = found
        time = self.read("time", read_time)
        try:
            moment = datetime.datetime.combine(day, time or (read_time(rest) if rest else NOON))
            self.refuse_day(moment := timezone.make_aware(moment))
        except _Unclear as why:
            self.faults.append(self.fault("day", str(why)))
            return None
        return moment

    def refuse_day(self, moment: datetime.datetime) -> None:
        if moment > timezone.now():
            raise _Unclear(pgettext("staff", "This time is still to come."))
        if moment.date().replace(day=1) in self.closed:
            raise _Unclear(pgettext("staff", "This month is closed: its figures have been reported."))

    def topics(self, text: str) -> tuple[str, ...]:
        return tuple(dict.fromkeys(self.code("topics", words) for words in _pieces("topics", text)))

    def code(self, name: str, words: str) -> str:
        known = self.plan.otherwise.get(name) == words and words in codes(name)
        if code := words if known else self.plan.meanings.get((name, words)) or meaning(name, words):
            return code
        raise _Unclear(pgettext("staff", "Nobody knows what “%(words)s” means.") % {"words": shown(words)})

    def adviser(self) -> User | None:
        return self.read("adviser", self.named_adviser) or self.plan.adviser

    def named_adviser(self, text: str) -> User:
        if adviser := self.plan.advisers.get(text.casefold()):
            return adviser
        raise _Unclear(pgettext("staff", "This is not the e-mail address of an adviser."))

    def known_by(self, entry: Entry) -> tuple:
        """What tells this row from others: its number and day, or everything in it."""
        number = self.cell("number")
        return ("number", search_key(number), str(timezone.localdate(entry.began_at))) if number else self.cells


def read_day(text: str) -> datetime.date:
    """A day as offices write it: 2026-03-01, 2026/3/1, 20260301, 2026年3月1日, 令和8年3月1日, R8.3.1."""
    return _day_and_rest(text)[0]


def _day_and_rest(text: str) -> tuple[datetime.date, str]:
    """The day, and what stands behind it: its time."""
    plain = search_key(text)
    found = _DAY.match(plain) or _PLAIN_DAY.match(plain)
    try:
        it = found.groupdict() if found else {}
        year = int(it["year"]) if it.get("year") else ERAS[it["era"]] + int(it["of_era"].replace("元", "1"))
        day = datetime.date(year, int(it["month"]), int(it["day"]))
    except (KeyError, ValueError) as fault:
        raise _Unclear(pgettext("staff", "This is no day. Please write it as 2026-03-01.")) from fault
    if day < FIRST_DAY:
        raise _Unclear(pgettext("staff", "This day is too long ago."))
    return day, plain[found.end() :].strip(" t")


def read_time(text: str) -> datetime.time:
    """A time of day: 9:30, 9:30:00, 9時30分, 午後2時."""
    found = _TIME.fullmatch(search_key(text))
    try:
        hour, minute = int(found["hour"]), int(found["minute"] or 0)
        return datetime.time(hour % 12 + 12 if found["half"] in {"午後", "pm"} else hour, minute)
    except (TypeError, ValueError) as fault:
        raise _Unclear(pgettext("staff", "This is no time of day. Please write it as 14:30.")) from fault


def read_minutes(text: str) -> int:
    """A length: 30, 30分, 1時間30分, 1:30."""
    found = _MINUTES.fullmatch(search_key(text))
    minutes = int(found["hours"] or 0) * 60 + int(found["minutes"] or 0) if found else 0
    if not 1 <= minutes <= LONGEST_MINUTES:
        told = pgettext("staff", "Please write how long it took in minutes, from 1 to %(most)s.")
        raise _Unclear(told % {"most": LONGEST_MINUTES})
    return minutes


def codes(name: str) -> dict[str, str]:
    """Every code of one of our fields, with what it is called on the staff's pages."""
    if name in LISTS:
        named = {code: it.name(translation.get_language()) for code, it in LISTS[name]().items()}
        unsaid = {Consultation.DECLINED: pgettext("staff", "Not known, or would not say")}
        return named | (unsaid if name in {"mother_tongue", "nationality"} else {})
    return {value: str(label) for value, label in CHOICES[name].choices}


def shown(words: str) -> str:
    """A cell's words as a page can show them: short, without anything that turns their direction."""
    visible = "".join(mark for mark in words if unicodedata.category(mark)[0] != "C")
    return f"{visible[:40]}…" if len(visible) > 40 else visible


def _pieces(name: str, cell: str) -> Iterator[str]:
    """A cell's words; the topics in it, of which some have the very marks in their names that stand between them."""
    if not cell:
        return
    if name != "topics" or meaning(name, cell):
        yield cell
        return
    for piece in filter(None, map(str.strip, BETWEEN_TOPICS[0].split(cell))):
        yield from [piece] if meaning(name, piece) else filter(None, map(str.strip, BETWEEN_TOPICS[1].split(piece)))


def _key(words: str) -> str:
    return re.sub(r"[\s:・.()]", "", search_key(words))


@cache
def _words_of(name: str) -> dict[str, str]:
    """What people write for one of our fields → the code.

    Codes first, then names in Japanese and English, then what else is usual; who comes first keeps the word.
    """
    words: list[tuple[str, str]] = [(code, code) for code in codes(name)]
    listed = LISTS[name]().values() if name in LISTS else ()
    words += [(word, it.code) for it in listed for word in (it.ja, it.en, it.ja.partition("（")[0])]
    if name == "topics":
        words += [(topic.group, topic.code) for topic in listed]
    if name in {"language", "mother_tongue"}:
        words += [(tongue.own_name, tongue.code) for tongue in listed]
    for language in ("ja", "en") if name in CHOICES else ():
        with translation.override(language):
            words += [(label, code) for code, label in codes(name).items()]
    words += [(word, code) for code, usual in taxonomy.past_words(name).items() for word in usual]
    found: dict[str, str] = {}
    for word, code in words:
        found.setdefault(_key(word), code)
    return found


def _public_id(known_by: tuple, turn: int) -> str:
    """An id that nobody can work out who has not the key, and that is the same for the same row.

    Its key comes from AUDIT_KEY, which stays as long as the trail does; RECORD_KEYS change. turn: rows may be alike.
    """
    own = hmac.new(settings.AUDIT_KEY.encode(), b"rows of a past log", hashlib.sha256).digest()
    told = json.dumps([*known_by, turn], ensure_ascii=False).encode()
    return base64.urlsafe_b64encode(hmac.new(own, told, hashlib.sha256).digest()[:16]).decode().rstrip("=")
