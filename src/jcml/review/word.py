"""Forms as Word documents in the geometry of GB/T 9704-2012; the workbench's only door to python-docx.

The document names the fonts that official papers are set in; they are licensed, so they lie on the reader's machine.
"""

from __future__ import annotations

import io
from typing import Any

from jcml.review.forms import Form, Part
from jcml.review.sheets import visible
from jcml.review.stamp import Stamp

KIND = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
TITLE, HEADING, BODY, SMALL = "方正小标宋简体", "黑体", "仿宋_GB2312", "宋体"
TITLE_SIZE, BODY_SIZE, TABLE_SIZE, PAGE_SIZE, FOOT_SIZE = 22, 16, 12, 14, 9
PITCH, TABLE_PITCH, FOOT_PITCH = 29, 18, 12
TEXT_WIDTH = 156
WIDTHS = {2: (42, 114), 6: (13, 27, 26, 23, 45, 22)}  # millimetres


def write(form: Form, stamp: Stamp) -> bytes:
    """A form as a docx file.

    >>> from datetime import UTC, datetime
    >>> form = Form("zh", "线索审查表", "辅助草稿", "仅供参考", (), ("承办人",), ("XS2026-0000001",))
    >>> write(form, Stamp("李", "li", datetime(2026, 11, 26, tzinfo=UTC), "1a2b3c4d5e"))[:2]
    b'PK'
    """
    import docx
    from docx.enum.text import WD_ALIGN_PARAGRAPH
    from docx.shared import Mm, Pt

    document = docx.Document()
    section = document.sections[0]
    section.page_width, section.page_height = Mm(210), Mm(297)
    section.top_margin, section.bottom_margin, section.left_margin, section.right_margin = Mm(37), Mm(35), Mm(28), Mm(26)
    section.header_distance, section.footer_distance = Mm(22), Mm(13)
    document.settings.odd_and_even_pages_header_footer = True
    normal = document.styles["Normal"]
    _font(normal.element.get_or_add_rPr(), BODY, BODY_SIZE)
    normal.paragraph_format.space_before = normal.paragraph_format.space_after = Pt(0)
    normal.paragraph_format.line_spacing = Pt(PITCH)
    for odd, header, footer in ((True, section.header, section.footer), (False, section.even_page_header, section.even_page_footer)):
        _margins(header, footer, form, stamp, WD_ALIGN_PARAGRAPH.RIGHT if odd else WD_ALIGN_PARAGRAPH.LEFT)
    title = _paragraph(document, form.title, TITLE, TITLE_SIZE)
    title.alignment, title.paragraph_format.space_after = WD_ALIGN_PARAGRAPH.CENTER, Pt(0)
    mark = _paragraph(document, form.mark, BODY, BODY_SIZE)
    mark.alignment = WD_ALIGN_PARAGRAPH.CENTER
    for part in form.parts:
        _part(document, part)
    signed = document.add_table(rows=len(form.signatures), cols=2)
    for row, name in zip(signed.rows, form.signatures, strict=True):
        _cell(row.cells[0], f"{name}：", BODY, BODY_SIZE, PITCH)
        _cell(row.cells[1], form.day, BODY, BODY_SIZE, PITCH)
        row.cells[1].paragraphs[0].alignment = WD_ALIGN_PARAGRAPH.RIGHT
        _unbroken(row)
    _paragraph(document, form.notice, BODY, TABLE_SIZE).paragraph_format.line_spacing = Pt(TABLE_PITCH)
    about = document.core_properties
    about.title, about.author, about.last_modified_by, about.comments, about.subject = form.title, visible(stamp.by), visible(stamp.by), visible(stamp.line(form.language)), form.mark
    about.created = about.modified = stamp.at.replace(tzinfo=None)
    stream = io.BytesIO()
    document.save(stream)
    return stream.getvalue()


def _part(document: Any, part: Part) -> None:
    from docx.shared import Pt

    heading = _paragraph(document, part.heading, HEADING, BODY_SIZE)
    heading.paragraph_format.first_line_indent, heading.paragraph_format.keep_with_next = Pt(2 * BODY_SIZE), True
    if part.facts:
        _table(document, part.facts, header=False)
    if part.table:
        _table(document, part.table, header=True)
    for line in part.lines:
        _paragraph(document, line, BODY, BODY_SIZE).paragraph_format.first_line_indent = Pt(2 * BODY_SIZE)


def _table(document: Any, rows: tuple[tuple[str, ...], ...], *, header: bool) -> None:
    from docx.oxml import OxmlElement
    from docx.shared import Mm

    columns = len(rows[0])
    widths = WIDTHS.get(columns) or (TEXT_WIDTH / columns,) * columns
    table = document.add_table(rows=len(rows), cols=columns)
    table.style, table.autofit = "Table Grid", False
    for column, width in zip(table.columns, widths, strict=True):
        column.width = Mm(width)
    for n, (row, texts) in enumerate(zip(table.rows, rows, strict=True)):
        for cell, text, width in zip(row.cells, texts, widths, strict=True):
            cell.width = Mm(width)
            _cell(cell, text, HEADING if header and n == 0 else BODY, TABLE_SIZE, TABLE_PITCH)
        _unbroken(row)
    if header:
        table.rows[0]._tr.get_or_add_trPr().append(OxmlElement("w:tblHeader"))


def _unbroken(row: Any) -> None:
    from docx.oxml import OxmlElement

    row._tr.get_or_add_trPr().append(OxmlElement("w:cantSplit"))


def _cell(cell: Any, text: str, font: str, size: float, pitch: float) -> None:
    from docx.shared import Pt

    paragraph = cell.paragraphs[0]
    paragraph.paragraph_format.line_spacing = Pt(pitch)
    _run(paragraph, text, font, size)


def _paragraph(holder: Any, text: str, font: str, size: float) -> Any:
    paragraph = holder.add_paragraph()
    _run(paragraph, text, font, size)
    return paragraph


def _run(paragraph: Any, text: str, font: str, size: float) -> Any:
    run = paragraph.add_run(visible(text))
    _font(run._r.get_or_add_rPr(), font, size)
    return run


def _font(properties: Any, name: str, size: float) -> None:
    """Font and size for every script; Word takes the East Asian name only from an attribute of its own."""
    from docx.oxml.ns import qn
    from docx.shared import Pt

    fonts = properties.get_or_add_rFonts()
    for attribute in ("ascii", "hAnsi", "eastAsia", "cs"):
        fonts.set(qn(f"w:{attribute}"), name)
    fonts.set(qn("w:hint"), "eastAsia")
    properties.sz_val = Pt(size)


def _margins(header: Any, footer: Any, form: Form, stamp: Stamp, side: Any) -> None:
    """Above the text the watermark line, below it the page number and what the sheet is."""
    from docx.oxml import OxmlElement
    from docx.oxml.ns import qn
    from docx.shared import Pt, RGBColor

    above = header.paragraphs[0]
    above.alignment, above.paragraph_format.line_spacing = side, Pt(FOOT_PITCH)
    _run(above, stamp.line(form.language), SMALL, FOOT_SIZE).font.color.rgb = RGBColor(0x59, 0x59, 0x59)
    number = footer.paragraphs[0]
    number.alignment = side
    number.paragraph_format.left_indent = number.paragraph_format.right_indent = Pt(PAGE_SIZE)
    number.paragraph_format.line_spacing = Pt(PITCH)
    _run(number, "— ", SMALL, PAGE_SIZE)
    field = OxmlElement("w:fldSimple")
    field.set(qn("w:instr"), "PAGE")
    number._p.append(field)
    shown = _run(number, "1", SMALL, PAGE_SIZE)
    field.append(shown._r)
    _run(number, " —", SMALL, PAGE_SIZE)
    below = _paragraph(footer, form.foot(stamp), SMALL, FOOT_SIZE)
    below.alignment, below.paragraph_format.line_spacing = side, Pt(FOOT_PITCH)
