"""No cell of an exported table is a formula, nothing is lost on the way, and a list holds what its reader may take out."""

from __future__ import annotations

import csv
import io
import json
import zipfile
from collections.abc import Callable
from datetime import date, datetime

import openpyxl
import pytest
from django.test import Client
from hypothesis import given, settings
from hypothesis import strategies as st
from procuratorate import House, propose

from jcml.review import handling, sheets
from jcml.review.models import Event, User
from jcml.review.stamp import stamped
from jcml.review.views import exports

Browse = Callable[[User], Client]
DANGEROUS = "=+-@\t\r\n\0＝＋－＠"
BLANKS = " \u3000\xa0\ufeff\u200b\x0b\x0c"
texts = st.text(max_size=40) | st.builds(lambda b, d, t: b + d + t, st.text(BLANKS, max_size=3), st.sampled_from(DANGEROUS), st.text(max_size=20)) | st.sampled_from(
    ["#N/A", "TRUE", "1e5", "00123", "=HYPERLINK(\"http://x\")", "'=1", "_x000D_", "[Red]", " trailing ", "多行\r\n内容", "潘\x00某"]
)
cells = texts | st.integers() | st.floats() | st.dates() | st.none()


def tables(most: int) -> st.SearchStrategy[tuple[list[str], list[list[sheets.Cell]]]]:
    return st.integers(1, 5).flatmap(lambda n: st.tuples(st.lists(texts, min_size=n, max_size=n), st.lists(st.lists(cells, min_size=n, max_size=n), max_size=most)))


def begins_a_formula(text: str) -> bool:
    return text.lstrip(" \u3000\xa0\ufeff\u200b\u200c\u200d\u2060")[:1] in tuple(DANGEROUS) or text.lstrip()[:1] in tuple("=+-@＝＋－＠")


@settings(max_examples=2000, deadline=None)
@given(tables(3))
def test_what_is_written_as_csv_is_read_again_and_is_no_formula(table: tuple[list[str], list[list[sheets.Cell]]]) -> None:
    header, rows = table
    content = sheets.write_csv(header, rows, "=last")
    assert content.startswith(b"\xef\xbb\xbf")
    read = list(csv.reader(io.StringIO(content.decode("utf-8-sig"), newline=""), strict=True))
    assert read[-1] == ["'=last"] and len(read) == len(rows) + 2
    for given_row, read_row in zip([header, *rows], read[:-1], strict=True):
        assert len(given_row) == len(read_row)
        for value, found in zip(given_row, read_row, strict=True):
            if isinstance(value, str):
                assert found in (sheets.visible(value), "'" + sheets.visible(value)) and not begins_a_formula(found)
                assert found.startswith("'") or not begins_a_formula(value)
            elif isinstance(value, int) or (isinstance(value, float) and value - value == 0):
                assert type(value)(found.removeprefix("'")) == value
            else:
                assert found == ("" if value is None or isinstance(value, float) else value.isoformat())


@settings(max_examples=300, deadline=None)  # a workbook takes longer than a text: fewer of them, with more rows
@given(tables(12))
def test_what_is_written_as_xlsx_is_read_again_and_is_no_formula(table: tuple[list[str], list[list[sheets.Cell]]]) -> None:
    header, rows = table
    content = sheets.write_xlsx("表", header, rows, "=last")
    sheet = openpyxl.load_workbook(io.BytesIO(content)).active
    assert sheet is not None and sheet.max_row == len(rows) + 2 and sheet.cell(len(rows) + 2, 1).value == "=last"
    for n, given_row in enumerate([header, *rows], 1):
        for k, value in enumerate(given_row, 1):
            cell = sheet.cell(n, k)
            assert cell.data_type != "f"
            if isinstance(value, str):
                assert str(cell.value or "") == sheets.visible(value).replace("\r\n", "\n").replace("\r", "\n") and cell.data_type in ("s", "inlineStr")
            elif value is None or (isinstance(value, float) and value - value != 0):
                assert cell.value is None
            elif isinstance(value, date):
                assert cell.value == (datetime(value.year, value.month, value.day) if value >= sheets.FIRST_DAY else value.isoformat())
            elif abs(value) >= (sheets.EXACT if isinstance(value, int) else sheets.LARGEST):
                assert cell.value == str(value)
            else:
                assert cell.value == pytest.approx(value, rel=1e-15) and cell.data_type == "n"  # sixteen digits are written


def test_xlsx_stays_without_formulas_in_its_bytes_and_numbers_stay_numbers() -> None:
    content = sheets.write("xlsx", "a/b:*?", ["=1+1", "n"], [["@SUM(A1)", 3], ["#REF!", -2.5]], "li & wang")
    inside = zipfile.ZipFile(io.BytesIO(content)).read("xl/worksheets/sheet1.xml").decode()
    assert "<f>" not in inside and inside.count('t="inlineStr"') + inside.count('t="s"') == 5 and "<v>-2.5</v>" in inside and "li &amp;&amp; wang" in inside


def test_a_text_that_is_too_long_for_a_cell_is_seen_to_be_cut() -> None:
    sheet = openpyxl.load_workbook(io.BytesIO(sheets.write_xlsx("t", ["a"], [["字" * 40_000]]))).active
    assert sheet is not None and str(sheet["A2"].value).endswith("…") and len(str(sheet["A2"].value)) == sheets.LONGEST


def test_a_list_is_taken_out_by_those_who_may_with_what_they_may(house: House, browse: Browse) -> None:
    mine, other, *_ = house.clues(4)
    li, wang, zhao = house.person("li", "R"), house.person("wang", "C", department="administrative"), house.person("zhao", "C", department="criminal")
    handling.claim(house.act(li), mine.pk)
    handling.claim(house.act(li), other.pk)
    propose(house, li, other)

    def numbers(user: User, query: str = "state=all", kind: str = "csv") -> list[str]:
        answer = browse(user).post("/queue/export", {"query": query, "format": kind})
        assert answer.status_code == 200 and answer.headers["Content-Disposition"].startswith("attachment")
        read = list(csv.reader(io.StringIO(answer.content.decode("utf-8-sig"))))
        assert user.name in read[-1][0] and "潘某某" not in answer.content.decode()
        return [row[0] for row in read[1:-1]]

    assert sorted(numbers(li)) == sorted([mine.number, other.number])
    assert len(numbers(wang)) == 4 and numbers(zhao) == []
    assert numbers(wang, "state=proposed&evil=1") == [other.number]
    assert numbers(house.person("away", "L", unit=house.second)) == [] and numbers(house.person("above", "L", unit=house.city)) == []
    for role in ("M", "D", "SA", "AU"):
        assert browse(house.person(f"role{role}", role)).post("/queue/export", {"format": "csv"}).status_code == 403
    assert browse(li).post("/queue/export", {"format": "pdf"}).status_code == 422 and browse(li).get("/queue/export").status_code == 405
    assert Event.objects.filter(what="list.exported").count() == 6


def test_an_exported_list_is_in_the_log_under_its_code(house: House, browse: Browse) -> None:
    house.clues(2)
    answer = browse(house.person("wang", "C")).post("/queue/export", {"query": "band=high&sort=number", "format": "xlsx"})
    sheet = openpyxl.load_workbook(io.BytesIO(answer.content)).active
    assert sheet is not None
    last = str(sheet.cell(sheet.max_row, 1).value)
    code = last.split("校验码 ")[1].split()[0] if "校验码" in last else last.split("code ")[1].split()[0]
    event = stamped(code.upper()).get()
    assert event.actor == "wang" and json.loads(event.detail)["rows"] == 2 and json.loads(event.detail)["filter"] == {"band": "high", "sort": "number"}
    assert not stamped("00000000").exists() and not stamped('" or 1=1').exists()


def test_a_list_that_is_too_long_is_refused_and_not_cut(house: House, browse: Browse, monkeypatch: pytest.MonkeyPatch) -> None:
    house.clues(3)
    monkeypatch.setattr(exports, "MOST_EXPORTED", 2)
    assert browse(house.person("wang", "C")).post("/queue/export", {"format": "csv"}).status_code == 422
    assert not Event.objects.filter(what="list.exported").exists()


def test_the_queue_offers_the_export_to_those_who_may(house: House, browse: Browse) -> None:
    house.clues(1)
    assert "/queue/export" in browse(house.person("li", "R")).get("/queue").content.decode()
    assert "/queue/export" not in browse(house.person("anguan", "M")).get("/queue").content.decode()
