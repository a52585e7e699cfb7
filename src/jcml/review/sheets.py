"""Tables for the spreadsheet, as CSV and xlsx, in which no cell is a formula; the workbench's only door to openpyxl.

Whoever can write into a source record could otherwise run something on the machine of the person who opens the table.
"""

from __future__ import annotations

import csv
import io
import math
import re
from collections.abc import Iterable, Sequence
from datetime import date, datetime
from typing import Any

Cell = str | int | float | date | None
KINDS = {"csv": "text/csv; charset=utf-8", "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"}
BEGINS_FORMULA = frozenset("=+-@\t\r\n\0＝＋－＠")
BLANK = "\u200b\u200c\u200d\u2060\ufeff"  # spreadsheets skip them, and Python does not call them space
CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")
LONGEST = 32_767  # characters in a cell of xlsx
LARGEST = 1e307  # beyond it a spreadsheet knows no number
EXACT = 10**15  # from here on a spreadsheet rounds whole numbers
FIRST_DAY = date(1900, 3, 1)  # before it, spreadsheets disagree about which day a number is


def visible(text: str) -> str:
    """A text in which characters that no document may hold are seen to be missing.

    >>> visible("潘\\x00某")
    '潘\ufffd某'
    """
    return CONTROL.sub("\ufffd", text)


def neutral(text: str) -> str:
    """A text that no spreadsheet takes for a formula when it reads CSV.

    >>> neutral("=1+1"), neutral("  ＠SUM(A1)"), neutral("3-1"), neutral("")
    ("'=1+1", "'  ＠SUM(A1)", '3-1', '')
    """
    begins = next((c for c in text if c in BEGINS_FORMULA or not (c.isspace() or c in BLANK)), "")
    return visible("'" + text if begins in BEGINS_FORMULA else text)


def write(kind: str, title: str, header: Sequence[str], rows: Iterable[Sequence[Cell]], foot: str = "") -> bytes:
    """A table as `csv` or `xlsx`; `foot` is the last row, alone, and says who took the table out.

    >>> "'=1" in write("csv", "名单", ["编号"], [["=1"]]).decode()
    True
    """
    return write_csv(header, rows, foot) if kind == "csv" else write_xlsx(title, header, rows, foot)


def write_csv(header: Sequence[str], rows: Iterable[Sequence[Cell]], foot: str = "") -> bytes:
    """A table as CSV in UTF-8 with a byte order mark, so that spreadsheets read Chinese; texts in quotes, numbers without.

    >>> write_csv(["n"], [[1]])
    b'\\xef\\xbb\\xbf"n"\\r\\n1\\r\\n'
    """
    stream = io.StringIO(newline="")
    writer = csv.writer(stream, quoting=csv.QUOTE_NONNUMERIC)
    writer.writerows([_plain(cell) for cell in row] for row in (header, *rows, *([[foot]] if foot else [])))
    return b"\xef\xbb\xbf" + stream.getvalue().encode()


def write_xlsx(title: str, header: Sequence[str], rows: Iterable[Sequence[Cell]], foot: str = "") -> bytes:
    """A table as xlsx: every text is typed as one, numbers and days stay what they are; A4 across when it is printed.

    >>> write_xlsx("名单", ["n"], [[1]])[:2]
    b'PK'
    """
    import openpyxl
    from openpyxl.cell import WriteOnlyCell
    from openpyxl.styles import Alignment, Font, PatternFill
    from openpyxl.utils import get_column_letter

    filled = [list(row) for row in rows]
    book = openpyxl.Workbook(write_only=True)
    sheet = book.create_sheet(re.sub(r"[\[\]:*?/\\]", " ", visible(title))[:31] or "1")
    sheet.freeze_panes, sheet.print_title_rows = "A2", "1:1"
    sheet.page_setup.orientation, sheet.page_setup.paperSize = "landscape", 9
    sheet.page_setup.fitToWidth, sheet.page_setup.fitToHeight, sheet.sheet_properties.pageSetUpPr.fitToPage = 1, 0, True
    sheet.oddHeader.center.text = visible(title).replace("&", "&&")
    sheet.oddFooter.left.text, sheet.oddFooter.right.text = visible(foot).replace("&", "&&"), "&P / &N"
    for n, name in enumerate(header):
        longest = max(_width(name), *(_width(row[n]) for row in filled[:500] if n < len(row)), 6) if filled else _width(name)
        sheet.column_dimensions[get_column_letter(n + 1)].width = min(longest, 48) + 2
    if header:
        sheet.auto_filter.ref = f"A1:{get_column_letter(len(header))}{len(filled) + 1}"
    shade, bold, wrap = PatternFill("solid", fgColor="E9EDF1"), Font(bold=True), Alignment(vertical="top", wrap_text=True)

    def cell(value: Cell) -> Any:
        made = WriteOnlyCell(sheet)
        made.alignment = wrap
        if isinstance(value, str) or not _fits(value):
            made.value = _longest("" if value is None else _text(value).replace("\r\n", "\n").replace("\r", "\n"))
            made.data_type = "s"  # openpyxl would take "=1+1" for a formula and "#N/A" for an error
        else:
            made.value = value
            if isinstance(value, date):
                made.number_format = "yyyy-mm-dd hh:mm:ss" if isinstance(value, datetime) else "yyyy-mm-dd"
        return made

    top = [cell(name) for name in header]
    for one in top:
        one.font, one.fill = bold, shade
    sheet.append(top)
    for row in filled:
        sheet.append([cell(value) for value in row])
    if foot:
        sheet.append([_unwrapped(cell(foot), Alignment(wrap_text=False))])
    book.properties.creator = "jcml"
    stream = io.BytesIO()
    book.save(stream)
    return stream.getvalue()


def _plain(value: Cell) -> Any:
    """A cell as CSV has it."""
    if isinstance(value, int | float) and _fits(value):
        return value
    return neutral("" if value is None or (isinstance(value, float) and not math.isfinite(value)) else _text(value))


def _fits(value: Cell) -> bool:
    """Whether a spreadsheet shows exactly this number or day."""
    if isinstance(value, int):
        return abs(value) < EXACT
    if isinstance(value, float):
        return math.isfinite(value) and abs(value) < LARGEST
    return isinstance(value, date) and (value.date() if isinstance(value, datetime) else value) >= FIRST_DAY


def _text(value: Cell) -> str:
    if isinstance(value, datetime):
        return value.strftime("%Y-%m-%d %H:%M:%S")
    if isinstance(value, float) and not math.isfinite(value):
        return ""
    return value.isoformat() if isinstance(value, date) else str(value)


def _longest(text: str) -> str:
    seen = visible(text)
    return seen if len(seen) <= LONGEST else seen[: LONGEST - 1] + "…"


def _width(value: Cell) -> int:
    """How wide a cell's first line is, in Latin letters."""
    line = "" if value is None else _text(value).partition("\n")[0]
    return sum(2 if ord(c) > 0x2E7F else 1 for c in line)


def _unwrapped(made: Any, alignment: Any) -> Any:
    made.alignment = alignment
    return made
