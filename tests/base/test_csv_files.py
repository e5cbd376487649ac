"""Tables from other people's files: read in any encoding, or refused with a message if they are not tables."""

import io
import zipfile

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.base import csv_files
from services.base.csv_files import CsvTable, UnreadableFile, decode_table, read_table

TEXT = "相談日,言語,内容\r\n2026-03-01,ネパール語,ごみ\r\n2026-03-02,英語,\r\n"
FOUND = CsvTable(
    ("相談日", "言語", "内容"), ((2, ("2026-03-01", "ネパール語", "ごみ")), (3, ("2026-03-02", "英語", "")))
)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp932", "utf-16", "utf-16-le", "utf-16-be"])
@pytest.mark.parametrize("separator", [",", "\t", ";", "|"])
def test_table_is_read_in_any_usual_encoding_and_separator(encoding, separator):
    assert read_table(decode_table(TEXT.replace(",", separator).encode(encoding))) == FOUND


def test_table_without_a_head_gets_the_spreadsheets_letters():
    table = read_table("2026-03-01,x\n2026-03-02,y\n")
    assert (table.header, table.columns, len(table.rows)) == ((), ("A", "B"), 2)
    assert [csv_files._column_letters(place) for place in (25, 26, 701, 702)] == ["Z", "AA", "ZZ", "AAA"]


def test_title_above_the_table_and_empty_rows_are_passed_over_and_numbers_stay():
    table = read_table("令和7年度 相談記録,,\n\n日付,言語,内容\n2026-03-01,英語,a\n,,\n2026-03-02,英語,b\n")
    assert table.header == ("日付", "言語", "内容")
    assert [number for number, _cells in table.rows] == [4, 6]


def test_cell_may_hold_lines_and_quotes_and_short_rows_are_filled_up():
    table = read_table('day,note,more\n2026-03-01,"one, ""two""\nthree",x\n2026-03-02\n')
    assert table.rows == ((2, ("2026-03-01", 'one, "two"\nthree', "x")), (3, ("2026-03-02", "", "")))


def zipped() -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("xl/workbook.xml", "<x/>")
    return file.getvalue()


@pytest.mark.parametrize(
    ("data", "told"),
    [
        (zipped(), "This is not a CSV file"),
        (b"%PDF-1.7", "This is not a CSV file"),
        (b"\xd0\xcf\x11\xe0" + b"\x00" * 500, "This is not a CSV file"),
        (b"", "The file has no rows."),
        (b"\r\n , \r\n", "The file has no rows."),
        (b"day,note\n", "The file has no rows below the header."),
        (b"day,note\n2026-03-01,a\x00b\n", "The file is not in UTF-8, UTF-16 or Shift_JIS."),
        (b"\xff\xfe\x00\xd8a\x00", "The file is not in UTF-8, UTF-16 or Shift_JIS."),  # a lone surrogate
        ("日付\n\ud800".encode("utf-8", "surrogatepass"), "The file is not in UTF-8, UTF-16 or Shift_JIS."),
        (b"\xff\xff\xff", "The file is not in UTF-8, UTF-16 or Shift_JIS."),
        (b'day,note\n2026-03-01,"never closed\n', "Row 2 cannot be read"),
        (b"day,note\n2026-03-01," + b"x" * 20_001 + b"\n", "Row 2 cannot be read"),
        (b"day,note\n2026-03-01," + b"x" * 200_000 + b"\n", "Row 2 cannot be read"),
        (b"x," * 201, "more than 200 columns"),
        (b"a,b\n" + b"1,2\n" * 20_001, "more than 20,000 rows"),
    ],
)
def test_what_is_no_table_is_refused_with_a_sentence(data, told):
    with pytest.raises(UnreadableFile, match=told):
        read_table(decode_table(data))


@settings(max_examples=300, deadline=None, derandomize=True)
@given(st.one_of(st.binary(max_size=400), st.text(',;\t|"\r\n\x00あa1=', max_size=200).map(str.encode)))
def test_any_bytes_are_a_table_or_refused(data):
    try:
        table = read_table(decode_table(data))
    except UnreadableFile:
        return
    assert table.rows
    assert {len(cells) for _number, cells in table.rows} == {len(table.columns)}
