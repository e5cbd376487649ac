"""Tables that offices keep in files: CSV as spreadsheets write it, in the encodings and with the separators they use.

UTF-8 with or without a mark at its head, UTF-16, and CP932 (what Japanese Windows calls Shift_JIS).
"""

import codecs
import csv
import io
from collections import Counter
from dataclasses import dataclass

from django.utils.translation import pgettext

MOST_ROWS, MOST_COLUMNS, LONGEST_CELL = 20_000, 200, 20_000
SEPARATORS = ",\t;|"
NO_LETTERS = set("\uf8f0\uf8f1\uf8f2\uf8f3")  # what CP932 makes of bytes that it has no use for
LOOKED_AT = 20  # rows, to find out how the table is written
# ZIP (so XLSX and ODS), old Excel, PDF
OTHER_FILES = (b"PK\x03\x04", b"\xd0\xcf\x11\xe0", b"%PDF")


class Unreadable(Exception):
    """A file that is no table, or none that we can read. Its text is a whole sentence for the staff."""


@dataclass(frozen=True, slots=True)
class Table:
    """What stands in a file. `header` is empty where the first row holds values already.

    `rows`: each with its number in the file, counted as a spreadsheet does, and as many cells as there are columns.
    """

    header: tuple[str, ...]
    rows: tuple[tuple[int, tuple[str, ...]], ...]

    @property
    def columns(self) -> tuple[str, ...]:
        """What the columns are called: by the header, else as a spreadsheet does, A to Z and on."""
        width = len(self.rows[0][1]) if self.rows else len(self.header)
        names = self.header or ("",) * width
        return tuple(name or _letters(place) for place, name in enumerate(names))


def decode_table(data: bytes) -> str:
    """The text of a file. Raises Unreadable for what is no text, or in none of the encodings."""
    if data.startswith(OTHER_FILES):
        raise Unreadable(pgettext("staff", "This is no CSV file. Please save the table as CSV and choose that file."))
    for encoding in _encodings(data):
        try:
            text = data.decode(encoding)
        except UnicodeDecodeError:
            continue
        if "\x00" not in text and not NO_LETTERS.intersection(text) and ("utf-16-" not in encoding or "\n" in text):
            return text.removeprefix("\ufeff")
    raise Unreadable(pgettext("staff", "The file can be read neither as UTF-8, UTF-16 nor as Shift_JIS."))


def read_table(text: str) -> Table:
    """The rows of a text. What stands above the table alone in its row (a title) is passed over, and empty rows."""
    rows = _parse(text, _separator(text))
    if not rows:
        raise Unreadable(pgettext("staff", "The file holds no rows."))
    width = max(len(cells) for _number, cells in rows)
    if width > MOST_COLUMNS:
        raise Unreadable(pgettext("staff", "The table has more than %(number)s columns.") % {"number": MOST_COLUMNS})
    while width > 1 and len(rows) > 1 and _filled(rows[0][1]) == 1 < _filled(rows[1][1]):
        del rows[0]
    rows = [(number, (*cells, *[""] * (width - len(cells)))) for number, cells in rows]
    header = rows.pop(0)[1] if _is_header(rows[0][1]) else ()
    if not rows:
        raise Unreadable(pgettext("staff", "The file holds no rows below its head."))
    if len(rows) > MOST_ROWS:
        raise Unreadable(
            pgettext("staff", "The file holds more than %(number)s rows. Please cut it into several.")
            % {"number": f"{MOST_ROWS:,}"}
        )
    return Table(tuple(" ".join(cell.split()) for cell in header), tuple(rows))


def _encodings(data: bytes) -> list[str]:
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return ["utf-16"]
    if b"\x00" in data[:2000]:
        # Without its mark: separators and line ends of UTF-16 hold a zero, second in its usual order.
        second = data[1:2000:2].count(0) >= data[:2000:2].count(0)
        return ["utf-16-le" if second else "utf-16-be"]
    # UTF-8 with a few broken bytes would be other words in CP932.
    lenient = data.decode("utf-8", "replace")
    broken = lenient.count("\ufffd")
    is_utf_8 = data.startswith(codecs.BOM_UTF8) or sum(mark > "\x7f" for mark in lenient) >= 2 * broken > 0
    return ["utf-8-sig"] if is_utf_8 else ["utf-8-sig", "cp932"]


def _separator(text: str) -> str:
    """The mark that cuts the first rows into the same number of cells, and into most."""

    def regularity(separator: str) -> tuple[int, int]:
        rows = list(_cut(io.StringIO(text[:100_000], newline=""), separator, LOOKED_AT))
        widths = Counter(len(cells) for cells in rows if len(cells) > 1)
        width, count = max(widths.items(), key=lambda it: (it[1], it[0]), default=(1, 0))
        return count, width

    return max(SEPARATORS, key=regularity)


def _cut(lines, separator: str, most: int):
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
            if any(len(cell) > LONGEST_CELL for cell in cells):
                raise _broken(number)
            if _filled(cells):
                rows.append((number, tuple(cell.strip() for cell in cells)))
            if len(rows) > MOST_ROWS + LOOKED_AT:
                break
    except csv.Error as fault:
        raise _broken(number + 1) from fault
    return rows


def _broken(number: int) -> Unreadable:
    told = pgettext("staff", "Row %(number)s cannot be read: a cell is too long, or its quotation mark is not closed.")
    return Unreadable(told % {"number": number})


def _filled(cells) -> int:
    return sum(bool(cell.strip()) for cell in cells)


def _is_header(cells: tuple[str, ...]) -> bool:
    """Names: no number or day among them, and none twice."""
    named = [cell for cell in cells if cell]
    digits = [sum(mark.isdigit() for mark in cell) for cell in named]
    is_value = any(number >= 3 or number == len(cell) for number, cell in zip(digits, named, strict=True))
    return len(set(named)) == len(named) and not is_value


def _letters(place: int) -> str:
    letters = ""
    place += 1
    while place:
        place, letter = divmod(place - 1, 26)
        letters = chr(ord("A") + letter) + letters
    return letters
