"""The printed review sheet is A4 with the text block of official papers, says everything in order, and carries its marks on every page.

Printed by Debian's Chromium from the real server, read again with poppler.
"""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from browsing import CHROMIUM, Reader, Workbench, chromium
from django.test import Client
from procuratorate import House, given_clue, run_facts, source_row, statement

from jcml.review import handling
from jcml.review.models import Event, User

POINTS = 72 / 25.4
LEFT, RIGHT, TOP, BOTTOM = 28 * POINTS, (210 - 26) * POINTS, 37 * POINTS, (297 - 35) * POINTS


@dataclass
class Printed:
    """A sheet on paper: its PDF, and the words of each page with where they stand in points."""

    path: Path
    code: str
    number: str
    elsewhere: list[str]

    def told(self, command: str, *options: str) -> str:
        return subprocess.run([command, *options, str(self.path), *(["-"] if command == "pdftotext" else [])], capture_output=True, text=True, check=True).stdout

    def words(self) -> list[list[tuple[str, float, float, float, float]]]:
        found = ElementTree.fromstring(self.told("pdftotext", "-bbox"))
        space = "{http://www.w3.org/1999/xhtml}"
        return [[(w.text or "", *(float(w.attrib[k]) for k in ("xMin", "yMin", "xMax", "yMax"))) for w in page.iter(f"{space}word")] for page in found.iter(f"{space}page")]


@pytest.fixture(scope="module")
def printed(tmp_path_factory: pytest.TempPathFactory, django_db_blocker: Any) -> Iterator[Printed]:
    if not CHROMIUM.exists():
        pytest.skip(f"needs {CHROMIUM}: apt-get install chromium")
    folder = tmp_path_factory.mktemp("print")
    workbench = Workbench(folder / "workbench", django_db_blocker.unblock)
    try:
        user, clue = workbench.do(long_clue, workbench)

        def draw() -> list[str]:
            with chromium() as browser:
                reader = Reader(browser, workbench).log_in(user).go(f"/clues/{clue.pk}/print")
                assert reader.status == 200 and reader.page.is_visible("[data-print]")
                reader.page.pdf(path=folder / "sheet.pdf", prefer_css_page_size=True, display_header_footer=False)
                reader.close()
                return list(reader.elsewhere)

        with ThreadPoolExecutor(1) as apart:  # a browser of the journeys may live in this thread
            elsewhere = apart.submit(draw).result()
        detail = workbench.do(lambda: json.loads(Event.objects.filter(what="clue.printed", object=clue.pk).get().detail))
        yield Printed(folder / "sheet.pdf", detail["code"], clue.number, elsewhere)
    finally:
        workbench.stop()


def long_clue(workbench: Workbench) -> tuple[User, Any]:
    """A clue with so much evidence that it needs several pages, held by somebody."""
    from dataclasses import replace

    from jcml.review.intake import take_in
    from jcml.review.journal import SYSTEM
    from jcml.review.models import Clue

    house = House()
    one = given_clue(0, "longrun")
    rows = [source_row(n) for n in range(10, 40)]
    one = replace(one, facts=(*one.facts, *(statement(f"fact{n}", f"第{n}件处罚案件的决定日期早于不起诉决定，金额为{n},000.00元", 0.0, rows[n]) for n in range(30))), missing=("court_cases",))
    take_in(SYSTEM, house.first, run_facts("longrun", 1), [one])
    li = house.person("li", "R")
    clue = Clue.objects.get(run_id="longrun")
    handling.claim(house.act(li), clue.pk)
    return li, clue


def test_every_page_is_a4(printed: Printed) -> None:
    facts = printed.told("pdfinfo")
    size = re.search(r"Page size:\s+([\d.]+) x ([\d.]+) pts", facts)
    assert size is not None and abs(float(size[1]) - 210 * POINTS) < 1 and abs(float(size[2]) - 297 * POINTS) < 1
    assert len(printed.words()) >= 3 and printed.elsewhere == []


def test_the_text_stays_inside_the_margins_of_official_papers(printed: Printed) -> None:
    for number, words in enumerate(printed.words(), 1):
        inside = [w for w in words if w[1] >= LEFT - 1 and w[3] <= RIGHT + 1 and (w[2] + w[4]) / 2 >= TOP - 1 and (w[2] + w[4]) / 2 <= BOTTOM + 1]
        outside = "".join(w[0] for w in words if w not in inside)
        assert outside in ("", f"—{number}—", f"— {number} —"), outside  # the page number alone stands below the text, where browsers can put it
        assert abs(min(w[1] for w in inside) - LEFT) < 40 and min(w[2] for w in inside) < TOP + 20


def test_lines_of_the_text_are_twenty_nine_points_apart(printed: Printed) -> None:
    middles = sorted({round((w[2] + w[4]) / 2, 1) for page in printed.words()[1:2] for w in page if w[3] - w[1] > 15 and w[4] - w[2] > 18})
    gaps = [round(b - a) for a, b in pairwise(middles) if b - a > 5]
    assert gaps.count(29) >= len(gaps) / 2, gaps


def test_the_sheet_is_read_in_order(printed: Printed) -> None:
    text = printed.told("pdftotext", "-layout").replace(" ", "").replace("\n", "")
    at = -1
    for piece in (
        "线索审查表", "辅助草稿，未经检察官审查不得对外", "一、线索来源", printed.number, "二、监督对象", "三、主要事实", "四、列为线索的理由", "五、相反理由", "六、应先排除的合法解释", "七、证据清单",
        "缺失的数据来源：court_cases", "八、处理意见", "承办人：", "复核人：", "批准人：", "不作为认定事实或责任的依据",
    ):
        assert text.find(piece, at + 1) > at, piece
        at = text.find(piece, at + 1)
    assert "潘某某" not in text and "工作台" not in text and "退出" not in text


def test_every_page_says_what_it_is_who_printed_it_and_under_which_code(printed: Printed) -> None:
    pages = printed.told("pdftotext", "-layout").split("\f")[:-1]
    assert len(pages) == len(printed.words())
    for page in pages:
        told = page.replace(" ", "")
        assert told.count(printed.code) == 2 and printed.number in told and "li检察官（" in told and "模型版本1" in told


def test_printing_is_in_the_log_and_nobody_prints_what_they_may_not(house: House, browse: Any) -> None:
    clue, *_ = house.clues(1)
    li = house.person("li", "R")
    assert browse(li).get(f"/clues/{clue.pk}/print").status_code == 403 and not Event.objects.filter(what="clue.printed").exists()
    assert json.loads(Event.objects.get(what="act.refused", actor="li").detail) == {"action": "export"}
    handling.claim(house.act(li), clue.pk)
    page = browse(li).get(f"/clues/{clue.pk}/print").content.decode()
    event = Event.objects.get(what="clue.printed")
    assert json.loads(event.detail)["code"] in page and event.actor == "li" and "潘某某" not in page and "style=" not in page
    assert browse(house.person("away", "L", unit=house.second)).get(f"/clues/{clue.pk}/print").status_code == 404
    assert Client().get(f"/clues/{clue.pk}/print").headers["Location"].startswith("/login")
    assert f"/clues/{clue.pk}/print" in browse(li).get(f"/clues/{clue.pk}").content.decode()


def test_names_are_printed_with_leave_only_and_a_notice_says_so(house: House, browse: Any) -> None:
    clue, *_ = house.clues(1)
    li = house.person("li", "R")
    handling.claim(house.act(li), clue.pk)
    handling.unmask(house.act(li), clue.pk, "核对身份")
    page = browse(li).get(f"/clues/{clue.pk}/print").content.decode()
    assert "潘某某0" in page and "未脱敏" in page and json.loads(Event.objects.get(what="clue.printed").detail)["unmasked"] is True


def test_a_demonstration_says_so_on_paper(house: House, browse: Any, settings: Any) -> None:
    settings.SITE = {**settings.SITE, "demo": True}
    clue, *_ = house.clues(1)
    li = house.person("li", "R")
    handling.claim(house.act(li), clue.pk)
    page = browse(li).get(f"/clues/{clue.pk}/print").content.decode()
    assert "演示：记录均为合成" in page.split('class="watermark"')[1].split("</div>")[0]
