"""Tables as files: CSV that spreadsheets read right and cannot be made to run, and XLSX whose texts are texts."""

import csv
import io
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import xlsxwriter

BOM = "\ufeff"
FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")  # Japanese spreadsheets take the wide ones too
CSV, XLSX = "csv", "xlsx"
TYPES = {
    CSV: "text/csv; charset=utf-8",
    XLSX: "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}
LONGEST_TITLE = 31  # of a sheet


@dataclass(frozen=True, slots=True)
class Sheet:
    """A table to be written: its title, the names of its columns, its rows of texts and numbers."""

    title: str
    head: list[str]
    rows: Iterable[list[str | int]]


def as_csv(sheets: Iterable[Sheet]) -> Iterator[bytes]:
    """The tables one below the other, an empty line between them, in UTF-8 with its mark (RFC 4180)."""
    yield BOM.encode()
    for number, sheet in enumerate(sheets):
        if number:
            yield b"\r\n"
        if sheet.title:
            yield _line([sheet.title])
        yield _line(sheet.head)
        for row in sheet.rows:
            yield _line(row)


def _line(row: Iterable[str | int]) -> bytes:
    text = io.StringIO()
    csv.writer(text).writerow([harmless(cell) for cell in row])
    return text.getvalue().encode()


def harmless(cell: str | int) -> str | int:
    """A text that a spreadsheet would take for a formula gets an apostrophe before it."""
    return f"'{cell}" if isinstance(cell, str) and cell.startswith(FORMULA) else cell


def as_xlsx(sheets: Iterable[Sheet]) -> bytes:
    """A workbook with a sheet for each table. Texts are text cells, whatever they begin with; numbers are numbers."""
    file = io.BytesIO()
    with xlsxwriter.Workbook(file, {"constant_memory": True, "in_memory": False}) as book:
        bold = book.add_format({"bold": True})
        for number, sheet in enumerate(sheets, start=1):
            page = book.add_worksheet(_title(sheet.title, number))
            page.freeze_panes(1, 0)
            page.set_column(0, 0, 32)
            for column, name in enumerate(sheet.head):
                page.write_string(0, column, name, bold)
            for line, row in enumerate(sheet.rows, start=1):
                for column, cell in enumerate(row):
                    (page.write_string if isinstance(cell, str) else page.write_number)(line, column, cell)
    return file.getvalue()


def _title(title: str, number: int) -> str:
    """A name that Excel takes: none of its marks, not too long, none twice."""
    plain = "".join(mark for mark in title if mark not in "[]:*?/\\'")
    return f"{number} {plain}"[:LONGEST_TITLE].strip()
