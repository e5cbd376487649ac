"""Read a past log, with its own columns and values, as log entries. Reports each unreadable cell."""

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

from consultations.imports.actions import ImportedEntry
from consultations.log.actions import LogEntry
from consultations.records import taxonomy
from consultations.records.models import (
    LONGEST_MINUTES,
    Consultation,
    ConsultationChannel,
    EnquirerRelationship,
    LanguageSupport,
    Outcome,
)
from services.accounts.models import User
from services.base.csv_files import CsvTable
from services.base.machine_text import fold_width, parse_clock, split_day, strip_invisible
from services.base.normalisation import FIRST_DAY, clean_prose, search_key

REQUIRED_FIELDS = ("day", "minutes", "channel", "language", "language_support", "topics", "outcome")
CODED_FIELDS = (
    "channel",
    "enquirer",
    "language",
    "language_support",
    "topics",
    "outcome",
    "mother_tongue",
    "nationality",
    "referred_to",
)
LISTS = {
    "topics": taxonomy.topics,
    "language": taxonomy.languages,
    "mother_tongue": taxonomy.languages,
    "nationality": taxonomy.countries,
    "referred_to": taxonomy.bodies,
}
CHOICES = {
    "channel": ConsultationChannel,
    "enquirer": EnquirerRelationship,
    "language_support": LanguageSupport,
    "outcome": Outcome,
}
NOON = datetime.time(12)
BETWEEN_TOPICS = (re.compile(r"[;；、／/|\n]"), re.compile(r"[,，]"))
_MINUTES = re.compile(r"(?:(?P<hours>\d{1,2})\s*(?:時間|:|h)\s*)?(?:(?P<minutes>\d{1,3})\s*(?:分間?|min|minutes)?)?")


@dataclass(frozen=True, slots=True)
class ImportFault:
    """A cell that cannot be imported, named by its row in the file and its column."""

    row: int
    column: str
    text: str


@dataclass(frozen=True, slots=True)
class ImportPlan:
    """How the rows of a table become entries.

    columns: the column number of each field of an entry. defaults: the value for an empty cell, or if no column was
    chosen. meanings: the code for a value, by field and value, as the user chose it. advisers: by email address, those
    that a column may name. adviser: the adviser of all other rows.
    """

    columns: dict[str, int]
    adviser: User
    defaults: dict[str, str] = field(default_factory=dict)
    meanings: dict[tuple[str, str], str] = field(default_factory=dict)
    advisers: dict[str, User] = field(default_factory=dict)


def guess_columns(table: CsvTable) -> dict[str, int]:
    """Guess which column holds which field, from the header: exact names first, then the longest part of a name."""
    headers = [_match_key(name) for name in table.header]
    known = sorted(
        ((_match_key(word), name) for name, words in taxonomy.column_synonyms().items() for word in words),
        key=lambda it: -len(it[0]),
    )
    found = {}
    for matches in (str.__eq__, lambda header, word: len(word) > 1 and word in header):
        for word, name in known:
            for place, header in enumerate(headers):
                if name not in found and place not in found.values() and matches(header, word):
                    found[name] = place
    return found


def guess_meaning(name: str, words: str) -> str:
    """Return the code that a cell's text stands for in a field; empty if unknown."""
    return _codes_by_key(name).get(_match_key(words), "")


def distinct_values(table: CsvTable, name: str, place: int) -> list[str]:
    """Return a column's different values, the most frequent first. Topics in one cell count separately."""
    counts: dict[str, int] = {}
    for _number, cells in table.rows:
        for value in _split_values(name, cells[place]):
            counts[value] = counts.get(value, 0) + 1
    return sorted(counts, key=lambda value: -counts[value])


def parse_rows(
    table: CsvTable, plan: ImportPlan, closed: set[datetime.date], most_faults: int
) -> tuple[list[ImportedEntry], list[ImportFault]]:
    """Read every row as an entry, and stop after `most_faults` faults. closed: months that accept no entries."""
    rows, faults, seen = [], [], {}
    for number, cells in table.rows:
        reader = _RowReader(table, plan, number, cells, closed)
        entry, adviser = reader.entry(), reader.adviser()
        faults += reader.faults
        if not reader.faults:
            identity = reader.identity(entry)
            seen[identity] = seen.get(identity, 0) + 1
            if seen[identity] > 1 and "number" in plan.columns:
                faults.append(reader.fault("number", pgettext("staff", "This number is already used on this date.")))
            rows.append(ImportedEntry(entry, adviser, _derive_public_id(identity, seen[identity])))
        if len(faults) >= most_faults:
            break
    return rows, faults[:most_faults]


class _UnreadableCell(Exception):
    """A cell that cannot be read. The message says why."""


class _RowReader:
    """Reads one row cell by cell and collects what is wrong with it in `faults`."""

    def __init__(
        self, table: CsvTable, plan: ImportPlan, number: int, cells: tuple[str, ...], closed: set[datetime.date]
    ):
        self.table, self.plan, self.number, self.cells, self.closed = table, plan, number, cells, closed
        self.faults: list[ImportFault] = []

    def fault(self, name: str, text: str) -> ImportFault:
        place = self.plan.columns.get(name)
        return ImportFault(self.number, "" if place is None else self.table.columns[place], text)

    def cell(self, name: str) -> str:
        place = self.plan.columns.get(name)
        return (self.cells[place] if place is not None else "") or self.plan.defaults.get(name, "")

    def read(self, name: str, parse):
        """Return the cell parsed with `parse`. If it cannot be read, return None and add a fault."""
        text = self.cell(name)
        try:
            if not text:
                if name in REQUIRED_FIELDS:
                    raise _UnreadableCell(pgettext("staff", "This cell cannot be empty."))
                return None
            return parse(text)
        except _UnreadableCell as why:
            self.faults.append(self.fault(name, str(why)))
        except ValidationError as why:
            self.faults.append(self.fault(name, " ".join(why.messages)))
        return None

    def entry(self) -> LogEntry:
        coded = {
            name: self.read(name, lambda text, name=name: self.code(name, text)) or ""
            for name in CODED_FIELDS
            if name != "topics"
        }
        self.require_referral_target(coded)
        return LogEntry(
            began_at=self.began_at(),
            minutes=self.read("minutes", parse_minutes),
            topics=self.read("topics", self.topics) or (),
            note=self.read("note", clean_prose) or "",
            late_reason=pgettext("staff", "Imported from a past log"),
            **coded | {"enquirer": coded["enquirer"] or EnquirerRelationship.SELF},
        )

    def require_referral_target(self, coded: dict[str, str]) -> None:
        if coded["outcome"] == Outcome.REFERRAL and not self.cell("referred_to"):
            name = "referred_to" if "referred_to" in self.plan.columns else "outcome"
            text = pgettext("staff", "Choose the organisation the person was referred to.")
            self.faults.append(self.fault(name, text))

    def began_at(self) -> datetime.datetime | None:
        found = self.read("day", _split_day_and_time)
        if found is None:
            return None
        day, time_text = found
        time = self.read("time", parse_time)
        try:
            moment = datetime.datetime.combine(day, time or (parse_time(time_text) if time_text else NOON))
            self.refuse_day(moment := timezone.make_aware(moment))
        except _UnreadableCell as why:
            self.faults.append(self.fault("day", str(why)))
            return None
        return moment

    def refuse_day(self, moment: datetime.datetime) -> None:
        if moment > timezone.now():
            raise _UnreadableCell(pgettext("staff", "The date and time must be in the past."))
        if moment.date().replace(day=1) in self.closed:
            raise _UnreadableCell(pgettext("staff", "This month is closed: its figures have been reported."))

    def topics(self, text: str) -> tuple[str, ...]:
        return tuple(dict.fromkeys(self.code("topics", value) for value in _split_values("topics", text)))

    def code(self, name: str, text: str) -> str:
        is_default_code = self.plan.defaults.get(name) == text and text in code_labels(name)
        if code := text if is_default_code else self.plan.meanings.get((name, text)) or guess_meaning(name, text):
            return code
        raise _UnreadableCell(pgettext("staff", "“%(words)s” was not recognised.") % {"words": display_text(text)})

    def adviser(self) -> User | None:
        return self.read("adviser", self.named_adviser) or self.plan.adviser

    def named_adviser(self, text: str) -> User:
        if adviser := self.plan.advisers.get(fold_width(text).strip().lower()):
            return adviser
        raise _UnreadableCell(pgettext("staff", "This is not an adviser's email address."))

    def identity(self, entry: LogEntry) -> tuple:
        """Return what identifies this row: its number and day, or all its cells if it has no number."""
        number = self.cell("number")
        return ("number", search_key(number), str(timezone.localdate(entry.began_at))) if number else self.cells


def _split_day_and_time(text: str) -> tuple[datetime.date, str]:
    """Return the date, and the text after it, which may be a time."""
    try:
        day, rest = split_day(text)
    except ValueError as fault:
        raise _UnreadableCell(pgettext("staff", "Enter a valid date, for example 2026-03-01.")) from fault
    if day < FIRST_DAY:
        raise _UnreadableCell(pgettext("staff", "This date is too far in the past."))
    return day, rest.strip(" t")


def parse_time(text: str) -> datetime.time:
    """Read a time of day: 9:30, 9:30:00, 9時30分, 午後2時, 2:30 PM."""
    try:
        return parse_clock(text)
    except ValueError as fault:
        raise _UnreadableCell(pgettext("staff", "Enter a valid time, for example 14:30.")) from fault


def parse_minutes(text: str) -> int:
    """Read a duration in minutes: 30, 30分, 1時間30分, 1:30."""
    found = _MINUTES.fullmatch(search_key(strip_invisible(text)))
    minutes = int(found["hours"] or 0) * 60 + int(found["minutes"] or 0) if found else 0
    if not 1 <= minutes <= LONGEST_MINUTES:
        text = pgettext("staff", "Enter the number of minutes, from 1 to %(most)s.")
        raise _UnreadableCell(text % {"most": LONGEST_MINUTES})
    return minutes


def code_labels(name: str) -> dict[str, str]:
    """Return every code of a field with its label in the current language."""
    if name in LISTS:
        named = {code: it.name(translation.get_language()) for code, it in LISTS[name]().items()}
        withheld = {Consultation.DECLINED: pgettext("staff", "Not known or declined to say")}
        return named | (withheld if name in {"mother_tongue", "nationality"} else {})
    return {value: str(label) for value, label in CHOICES[name].choices}


def display_text(text: str) -> str:
    """Shorten a cell's text for a page, without control or direction characters."""
    visible = "".join(character for character in text if unicodedata.category(character)[0] != "C")
    return f"{visible[:40]}…" if len(visible) > 40 else visible


def _split_values(name: str, cell: str) -> Iterator[str]:
    """Yield a cell's values: one, or several topics. Some topic names contain the separators themselves."""
    if not cell:
        return
    if name != "topics" or guess_meaning(name, cell):
        yield cell
        return
    for piece in filter(None, map(str.strip, BETWEEN_TOPICS[0].split(cell))):
        yield from (
            [piece] if guess_meaning(name, piece) else filter(None, map(str.strip, BETWEEN_TOPICS[1].split(piece)))
        )


def _match_key(text: str) -> str:
    return re.sub(r"[\s:・.()]", "", search_key(text))


@cache
def _codes_by_key(name: str) -> dict[str, str]:
    """Map what people write for a field to its code.

    Codes come first, then names in Japanese and English, then other usual words. The first code keeps a word.
    """
    words: list[tuple[str, str]] = [(code, code) for code in code_labels(name)]
    listed = LISTS[name]().values() if name in LISTS else ()
    words += [(word, it.code) for it in listed for word in (it.ja, it.en, it.ja.partition("（")[0])]
    if name == "topics":
        words += [(topic.group, topic.code) for topic in listed]
    if name in {"language", "mother_tongue"}:
        words += [(tongue.own_name, tongue.code) for tongue in listed]
    for language in ("ja", "en") if name in CHOICES else ():
        with translation.override(language):
            words += [(label, code) for code, label in code_labels(name).items()]
    words += [(word, code) for code, past in taxonomy.value_synonyms(name).items() for word in past]
    found: dict[str, str] = {}
    for word, code in words:
        found.setdefault(_match_key(word), code)
    return found


def _derive_public_id(identity: tuple, count: int) -> str:
    """Derive an id that is the same whenever the row is imported, and that nobody can compute without the key.

    The key derives from AUDIT_KEY, which lasts as long as the audit trail; RECORD_KEYS are rotated. count: tells
    identical rows apart.
    """
    key = hmac.new(settings.AUDIT_KEY.encode(), b"rows of a past log", hashlib.sha256).digest()
    content = json.dumps([*identity, count], ensure_ascii=False).encode()
    return base64.urlsafe_b64encode(hmac.new(key, content, hashlib.sha256).digest()[:16]).decode().rstrip("=")
