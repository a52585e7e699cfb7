"""The Word forms have the geometry and fonts of official papers, say what the page says, and name nobody without leave."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import docx
import pytest
from django.test import Client
from django.utils import timezone
from docx.enum.text import WD_LINE_SPACING
from docx.oxml.ns import qn
from docx.shared import Mm, Pt
from procuratorate import TEXT, House, decide, propose

from jcml.review import handling, word
from jcml.review.forms import MARK, clue_sheet, transfer_form
from jcml.review.models import Clue, Event, FirstView, Run, Transfer, Unmasking, User
from jcml.review.stamp import stamp, stamped

Browse = Callable[[User], Client]


def opened(answer: Any) -> Any:
    assert answer.status_code == 200 and answer.headers["Content-Type"] == word.KIND
    return docx.Document(io.BytesIO(answer.content))


def text_of(document: Any) -> str:
    """Everything that stands in it, tables, headers and footers too."""
    section = document.sections[0]
    holders = [document, section.header, section.footer, section.even_page_header, section.even_page_footer]
    tables = [cell.text for table in document.tables for row in table.rows for cell in row.cells]
    return "\n".join([*(p.text for holder in holders for p in holder.paragraphs), *tables])


def fonts_of(run: Any) -> set[str]:
    fonts = run._r.rPr.rFonts
    return {fonts.get(qn(f"w:{name}")) for name in ("ascii", "hAnsi", "eastAsia")}


@pytest.fixture
def held(house: House) -> tuple[House, User, Clue]:
    clue, *_ = house.clues(1)
    li = house.person("li", "R")
    return house, li, handling.claim(house.act(li), clue.pk)


def test_the_sheet_has_the_geometry_of_official_papers(held: tuple[House, User, Clue], browse: Browse) -> None:
    _house, li, clue = held
    document = opened(browse(li).get(f"/clues/{clue.pk}/sheet.docx"))
    section = document.sections[0]
    assert (round(section.page_width.mm), round(section.page_height.mm)) == (210, 297)
    for found, wanted in ((section.top_margin, 37), (section.bottom_margin, 35), (section.left_margin, 28), (section.right_margin, 26)):
        assert abs(found - Mm(wanted)) < Pt(0.1)
    title, mark = document.paragraphs[:2]
    assert title.text == "线索审查表" and title.alignment == 1 and title.runs[0].font.size == Pt(22) and fonts_of(title.runs[0]) == {"方正小标宋简体"}
    assert mark.text == MARK[0]
    body = [p for p in document.paragraphs if p.text.startswith("1. 同类行为")]
    assert body and fonts_of(body[0].runs[0]) == {"仿宋_GB2312"} and body[0].runs[0].font.size == Pt(16) and body[0].paragraph_format.first_line_indent == Pt(32)
    normal = document.styles["Normal"]
    assert normal.paragraph_format.line_spacing == Pt(29) and normal.paragraph_format.line_spacing_rule == WD_LINE_SPACING.EXACTLY
    assert all(p.paragraph_format.line_spacing in (None, Pt(18)) for p in document.paragraphs)
    for table in document.tables[:-1]:
        assert table.style.name == "Table Grid" and abs(sum(c.width for c in table.rows[0].cells) - Mm(156)) < Mm(0.5)
        for cell in table.rows[-1].cells:
            assert all(Pt(12) <= run.font.size <= Pt(14) and fonts_of(run) == {"仿宋_GB2312"} for run in cell.paragraphs[0].runs)


def test_the_page_number_is_a_field_between_dashes_outside_on_odd_and_even_pages(held: tuple[House, User, Clue], browse: Browse) -> None:
    _house, li, clue = held
    document = opened(browse(li).get(f"/clues/{clue.pk}/sheet.docx"))
    assert document.settings.odd_and_even_pages_header_footer
    for footer, side in ((document.sections[0].footer, 2), (document.sections[0].even_page_footer, 0)):
        number = footer.paragraphs[0]
        field = number._p.find(qn("w:fldSimple"))
        assert field.get(qn("w:instr")) == "PAGE" and number.alignment == side
        assert "".join(t.text for t in number._p.iter(qn("w:t"))) == "— 1 —"
        assert all(fonts_of(run) == {"宋体"} and run.font.size == Pt(14) for run in number.runs)


def test_the_sheet_says_where_the_clue_comes_from_and_what_speaks_for_and_against(held: tuple[House, User, Clue], browse: Browse) -> None:
    house, li, clue = held
    Run.objects.filter(pk=clue.run_id).update(version=7)
    clue.content["missing"] = ["court_cases"]
    clue.save()
    propose(house, li, clue)
    wang = house.person("wang", "C")
    decide(house, wang, clue)
    text = text_of(opened(browse(wang).get(f"/clues/{clue.pk}/sheet.docx")))
    order = [
        "线索审查表", "辅助草稿，未经检察官审查不得对外", "一、线索来源", "二、监督对象", "三、主要事实", "罪名：故意伤害罪①", "四、列为线索的理由", "1. 同类行为前后一年内没有行政处罚决定①",
        "2. 刑事检察部门建议给予行政处罚②", "五、相反理由", "作出不起诉决定仅 11 天①", "六、应先排除的合法解释", "同一行为已受处罚", "七、证据清单", "缺失的数据来源：court_cases", "八、处理意见", TEXT, "同意",
    ]
    at = -1
    for piece in order:
        assert text.find(piece) > at, piece
        at = text.find(piece)
    for piece in (clue.number, clue.run_id[:12], "模型版本 7", "2025年12月1日", "甲区院", "承办人：", "复核人：", "批准人：", "不作为认定事实或责任的依据", "核查：属实", "高于其中 91%", "《行政处罚法》第二十七条", "R-0", "b1, 2", "wang检察官"):
        assert piece in text, piece


def test_names_stay_masked_without_leave_and_the_log_says_when_they_were_not(held: tuple[House, User, Clue], browse: Browse) -> None:
    house, li, clue = held
    answer = browse(li).get(f"/clues/{clue.pk}/sheet.docx")
    assert "潘某某" not in text_of(opened(answer)) and "潘**" in text_of(opened(answer))
    assert all("潘某某".encode() not in content for content in (zipfile.ZipFile(io.BytesIO(answer.content)).read(n) for n in zipfile.ZipFile(io.BytesIO(answer.content)).namelist()))
    handling.unmask(house.act(li), clue.pk, "核对身份")
    assert "潘某某0" in text_of(opened(browse(li).get(f"/clues/{clue.pk}/sheet.docx")))
    Unmasking.objects.update(until=timezone.now() - timedelta(seconds=1))
    assert "潘某某" not in text_of(opened(browse(li).get(f"/clues/{clue.pk}/sheet.docx")))
    told = [json.loads(d) for d in Event.objects.filter(what="clue.exported").order_by("seq").values_list("detail", flat=True)]
    assert [d["unmasked"] for d in told] == [False, True, False] and len({d["code"] for d in told}) == 3
    assert Event.objects.filter(what="names.read").count() == 1


def test_what_is_printed_is_found_by_its_code(held: tuple[House, User, Clue], browse: Browse) -> None:
    _house, li, clue = held
    text = text_of(opened(browse(li).get(f"/clues/{clue.pk}/sheet.docx")))
    code = text.split("校验码 ")[1][:8]
    event = stamped(code).get()
    assert (event.actor, event.object, event.what, event.role) == ("li", clue.pk, "clue.exported", "R")
    assert text.count(code) >= 4 and "li检察官（li）" in text


def test_who_may_not_export_gets_no_sheet(held: tuple[House, User, Clue], browse: Browse) -> None:
    house, _li, clue = held
    for name, roles, unit, status in (
        ("other", ["R"], None, 403), ("wang", ["C"], None, 200), ("zhao", ["C"], house.second, 404), ("anguan", ["M"], None, 403), ("data", ["D"], None, 403),
        ("above", ["L"], house.city, 403), ("leader", ["L"], None, 200),
    ):
        client = browse(house.person(name, *roles, unit=unit))
        for page in ("sheet.docx", "print"):
            assert client.get(f"/clues/{clue.pk}/{page}").status_code == status, (name, page)
    assert browse(house.person("wang", "C")).get("/clues/nothing/sheet.docx").status_code == 404
    both = house.person("both", "R")
    house.person("both", "C", unit=house.second)
    assert browse(both).get(f"/clues/{clue.pk}/sheet.docx").status_code == 403  # a checker elsewhere is a prosecutor here


def test_a_blind_sample_shows_the_second_person_no_verdict_before_their_own(held: tuple[House, User, Clue], browse: Browse) -> None:
    house, li, clue = held
    Clue.objects.filter(pk=clue.pk).update(blind=True)
    propose(house, li, clue)
    wang = house.person("wang", "C")
    before = text_of(opened(browse(wang).get(f"/clues/{clue.pk}/sheet.docx")))
    assert TEXT not in before and "核查" not in before and "盲审抽样" in before
    FirstView.objects.create(clue=clue, user=wang, opinion="explained")
    assert TEXT in text_of(opened(browse(wang).get(f"/clues/{clue.pk}/sheet.docx")))
    assert TEXT in text_of(opened(browse(li).get(f"/clues/{clue.pk}/sheet.docx")))


def test_characters_that_no_document_holds_are_seen_to_be_missing(held: tuple[House, User, Clue]) -> None:
    _house, li, clue = held
    clue.content["facts"][0]["zh"] = "罪名\x00：\x0b盗窃\ud800罪"
    form = clue_sheet(Clue.objects.select_related("run", "scenario", "unit", "department", "holder").get(pk=clue.pk), "zh")
    found = Clue(**{f.attname: getattr(clue, f.attname) for f in Clue._meta.concrete_fields})
    assert "罪名\ufffd：\ufffd盗窃\ufffd罪" in text_of(docx.Document(io.BytesIO(word.write(clue_sheet(found, "zh"), stamp(li, form.content())))))


def test_the_sheet_is_english_for_english_readers(held: tuple[House, User, Clue], browse: Browse) -> None:
    _house, li, clue = held
    User.objects.filter(pk=li.pk).update(language="en")
    text = text_of(opened(browse(User.objects.get(pk=li.pk)).get(f"/clues/{clue.pk}/sheet.docx")))
    assert "Clue review sheet" in text and "no_penalty in words" in text and "A draft that assists" in text and "审查" not in text


def test_the_transfer_form_says_what_the_receiving_unit_may_know_and_no_more(held: tuple[House, User, Clue]) -> None:
    house, _li, clue = held
    sent = handling.transfer(house.act(house.person("anguan", "M")), clue.pk, house.second.code, "当事人住所地在乙区")
    found = Transfer.objects.select_related("clue__scenario", "clue__run", "source", "target", "by", "confirmed_by", "answered_by").get(pk=sent.pk)
    form = transfer_form(found, "zh")
    text = text_of(docx.Document(io.BytesIO(word.write(form, stamp(house.person("anguan", "M"), form.content())))))
    for piece in ("法律监督线索移送表", clue.number, "潘**", "甲区院", "乙区院", "当事人住所地在乙区", clue.first_reason_zh, "待接收", "案件管理部门：", MARK[0]):
        assert piece in text, piece
    for piece in ("故意伤害罪", "刑事检察部门建议给予行政处罚", "R-0", "潘某某"):
        assert piece not in text, piece
