"""Read CSV files as spreadsheets write them, in any of their encodings and with any of their separators.

Encodings: UTF-8 and UTF-16, with or without a byte order mark, and CP932 (Japanese Windows calls it Shift_JIS).
"""

import codecs
import csv
import io
from collections import Counter
from dataclasses import dataclass

from django.utils.translation import pgettext

MAX_ROWS, MAX_COLUMNS, MAX_CELL_LENGTH = 20_000, 200, 20_000
SEPARATORS = ",\t;|"
CP932_UNASSIGNED = set("\uf8f0\uf8f1\uf8f2\uf8f3")  # what the CP932 decoder makes of unassigned bytes
SAMPLE_ROWS = 20  # read to find the separator
# First bytes of ZIP files (so of XLSX and ODS), old Excel files and PDFs.
OTHER_FILE_TYPES = (b"PK\x03\x04", b"\xd0\xcf\x11\xe0", b"%PDF")


class UnreadableFile(Exception):
    """Raised for a file that is no readable table. Its text is a whole sentence for staff."""


@dataclass(frozen=True, slots=True)
class CsvTable:
    """The contents of a CSV file. `header` is empty if the first row already holds values.

    `rows` are pairs of the row's number, as a spreadsheet counts it, and its cells: one for each column.
    """

    header: tuple[str, ...]
    rows: tuple[tuple[int, tuple[str, ...]], ...]

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns' names: from the header, else letters as in a spreadsheet (A to Z, AA and so on)."""
        width = len(self.rows[0][1]) if self.rows else len(self.header)
        names = self.header or ("",) * width
        return tuple(name or _column_letters(place) for place, name in enumerate(names))


def decode_table(data: bytes) -> str:
    """Decode a file. Raise `UnreadableFile` if it is not text, or in none of the supported encodings."""
    if data.startswith(OTHER_FILE_TYPES):
        raise UnreadableFile(pgettext("staff", "This is not a CSV file. Save the table as CSV and choose that file."))
    for encoding in _encodings(data):
        try:
            text = data.decode(encoding)
        except UnicodeDecodeError:
            continue
        is_text = "\x00" not in text and not CP932_UNASSIGNED.intersection(text)
        if is_text and ("utf-16-" not in encoding or "\n" in text):
            return text.removeprefix("\ufeff")
    raise UnreadableFile(pgettext("staff", "The file is not in UTF-8, UTF-16 or Shift_JIS."))


def read_table(text: str) -> CsvTable:
    """Parse CSV text. Skip empty rows, and rows above the table with a single cell (a title)."""
    rows = _parse(text, _separator(text))
    if not rows:
        raise UnreadableFile(pgettext("staff", "The file has no rows."))
    width = max(len(cells) for _number, cells in rows)
    if width > MAX_COLUMNS:
        raise UnreadableFile(pgettext("staff", "The file has more than %(number)s columns.") % {"number": MAX_COLUMNS})
    while width > 1 and len(rows) > 1 and _count_filled(rows[0][1]) == 1 < _count_filled(rows[1][1]):
        del rows[0]
    rows = [(number, (*cells, *[""] * (width - len(cells)))) for number, cells in rows]
    header = rows.pop(0)[1] if _is_header(rows[0][1]) else ()
    if not rows:
        raise UnreadableFile(pgettext("staff", "The file has no rows below the header."))
    if len(rows) > MAX_ROWS:
        raise UnreadableFile(
            pgettext("staff", "The file has more than %(number)s rows. Split it into several files.")
            % {"number": f"{MAX_ROWS:,}"}
        )
    return CsvTable(tuple(" ".join(cell.split()) for cell in header), tuple(rows))


def _encodings(data: bytes) -> list[str]:
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return ["utf-16"]
    if b"\x00" in data[:2000]:
        # UTF-16 without a byte order mark: separators and line ends hold a zero byte, second in little-endian order.
        is_little_endian = data[1:2000:2].count(0) >= data[:2000:2].count(0)
        return ["utf-16-le" if is_little_endian else "utf-16-be"]
    # CP932 would turn UTF-8 with a few broken bytes into other words.
    lenient = data.decode("utf-8", "replace")
    broken = lenient.count("\ufffd")
    is_utf_8 = data.startswith(codecs.BOM_UTF8) or sum(mark > "\x7f" for mark in lenient) >= 2 * broken > 0
    return ["utf-8-sig"] if is_utf_8 else ["utf-8-sig", "cp932"]


def _separator(text: str) -> str:
    """Return the separator that splits most of the first rows into the same number of cells, then into most cells."""

    def regularity(separator: str) -> tuple[int, int]:
        rows = list(_split_rows(io.StringIO(text[:100_000], newline=""), separator, SAMPLE_ROWS))
        widths = Counter(len(cells) for cells in rows if len(cells) > 1)
        width, count = max(widths.items(), key=lambda it: (it[1], it[0]), default=(1, 0))
        return count, width

    return max(SEPARATORS, key=regularity)


def _split_rows(lines, separator: str, most: int):
    reader = csv.reader(lines, delimiter=separator)
    try:
        for _number, cells in zip(range(most), reader, strict=False):
            yield cells
    except csv.Error:
        return


def _parse(text: str, separator: str) -> list[tuple[int, tuple[str, ...]]]:
    rows, number = [], 0
    try:
        for number, cells in enumerate(
            csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True), start=1
        ):
            if any(len(cell) > MAX_CELL_LENGTH for cell in cells):
                raise _unreadable_row(number)
            if _count_filled(cells):
                rows.append((number, tuple(cell.strip() for cell in cells)))
            if len(rows) > MAX_ROWS + SAMPLE_ROWS:
                break
    except csv.Error as error:
        raise _unreadable_row(number + 1) from error
    return rows


def _unreadable_row(number: int) -> UnreadableFile:
    message = pgettext("staff", "Row %(number)s cannot be read. A cell is too long, or a quotation mark is not closed.")
    return UnreadableFile(message % {"number": number})


def _count_filled(cells) -> int:
    return sum(bool(cell.strip()) for cell in cells)


def _is_header(cells: tuple[str, ...]) -> bool:
    """Whether the cells are column names: all different, and none of them a number or a date."""
    named = [cell for cell in cells if cell]
    digits = [sum(mark.isdigit() for mark in cell) for cell in named]
    is_value = any(number >= 3 or number == len(cell) for number, cell in zip(digits, named, strict=True))
    return len(set(named)) == len(named) and not is_value


def _column_letters(place: int) -> str:
    letters = ""
    place += 1
    while place:
        place, letter = divmod(place - 1, 26)
        letters = chr(ord("A") + letter) + letters
    return letters
