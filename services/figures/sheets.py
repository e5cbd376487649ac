"""Export tables as CSV and XLSX files in which no cell can become a formula."""

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
MAX_TITLE_LENGTH = 31  # of a sheet in Excel


@dataclass(frozen=True, slots=True)
class Sheet:
    """A table to export: title, column names and rows of text and numbers."""

    title: str
    head: list[str]
    rows: Iterable[list[str | int]]


def as_csv(sheets: Iterable[Sheet]) -> Iterator[bytes]:
    """Write the tables one below the other, separated by empty lines, as CSV (RFC 4180) in UTF-8 with a BOM."""
    yield BOM.encode()
    for number, sheet in enumerate(sheets):
        if number:
            yield b"\r\n"
        if sheet.title:
            yield _csv_line([sheet.title])
        yield _csv_line(sheet.head)
        for row in sheet.rows:
            yield _csv_line(row)


def _csv_line(row: Iterable[str | int]) -> bytes:
    text = io.StringIO()
    csv.writer(text).writerow([neutralise_formula(cell) for cell in row])
    return text.getvalue().encode()


def neutralise_formula(cell: str | int) -> str | int:
    """Put an apostrophe before text that a spreadsheet would take for a formula."""
    return f"'{cell}" if isinstance(cell, str) and cell.startswith(FORMULA) else cell


def as_xlsx(sheets: Iterable[Sheet]) -> bytes:
    """Write a workbook with a sheet for each table. Text is always written as text cells, numbers as numbers."""
    file = io.BytesIO()
    with xlsxwriter.Workbook(file, {"constant_memory": True, "in_memory": False}) as book:
        bold = book.add_format({"bold": True})
        for number, sheet in enumerate(sheets, start=1):
            page = book.add_worksheet(_sheet_title(sheet.title, number))
            page.freeze_panes(1, 0)
            page.set_column(0, 0, 32)
            for column, name in enumerate(sheet.head):
                page.write_string(0, column, name, bold)
            for line, row in enumerate(sheet.rows, start=1):
                for column, cell in enumerate(row):
                    (page.write_string if isinstance(cell, str) else page.write_number)(line, column, cell)
    return file.getvalue()


def _sheet_title(title: str, number: int) -> str:
    """Return a sheet name that Excel accepts: unique, not too long, without forbidden characters."""
    plain = "".join(mark for mark in title if mark not in "[]:*?/\\'")
    return f"{number} {plain}"[:MAX_TITLE_LENGTH].strip()
