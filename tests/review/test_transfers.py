"""A clue goes to another unit in two hops, each with its own rights; until it is accepted, the other unit reads the form alone."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

import docx
import openpyxl
import pytest
from django.test import Client
from django.utils import timezone
from procuratorate import House, propose

from jcml.review import handling
from jcml.review.models import Clue, Event, Transfer, User
from jcml.review.stamp import stamped
from jcml.review.verdicts import Opinion
from jcml.review.views import transfers as views

Browse = Callable[[User], Client]
WHY = "当事人住所地在乙区，由乙区院办理"


@dataclass
class Moved:
    """A clue that a prosecutor found to belong elsewhere, and case management on both sides."""

    house: House
    clue: Clue
    transfer: Transfer
    here: User
    there: User


@pytest.fixture
def moved(house: House) -> Moved:
    clue, *_ = house.clues(2)
    li = house.person("li", "R")
    handling.claim(house.act(li), clue.pk)
    propose(house, li, clue, Opinion("elsewhere", target_unit="990102", text=WHY))
    clue.refresh_from_db()
    return Moved(house, clue, Transfer.objects.get(), house.person("here", "M"), house.person("there", "M", unit=house.second))


def rows_of(answer: object) -> list[list[str]]:
    return list(csv.reader(io.StringIO(answer.content.decode("utf-8-sig"))))  # type: ignore[attr-defined]


def test_case_management_confirms_then_the_other_unit_accepts(moved: Moved, browse: Browse) -> None:
    here, there, pk = browse(moved.here), browse(moved.there), moved.transfer.pk
    assert moved.clue.number in here.get("/transfers").content.decode() and moved.clue.number not in there.get("/transfers").content.decode()
    assert there.post(f"/transfers/{pk}/answer", {"decision": "accept"}).status_code == 404
    assert there.get(f"/transfers/{pk}/form.docx").status_code == 404
    assert here.post(f"/transfers/{pk}/confirm").status_code == 302
    page = there.get("/transfers").content.decode()
    assert moved.clue.number in page and WHY in page and "潘**" in page and 'value="accept"' in page
    assert there.post(f"/transfers/{pk}/answer", {"decision": "accept"}).status_code == 302
    moved.clue.refresh_from_db()
    assert (moved.clue.state, moved.clue.unit_id) == ("queued", moved.house.second.pk)
    assert [e.what for e in Event.objects.filter(what__startswith="transfer.").order_by("seq")] == ["transfer.confirmed", "transfer.accepted"]
    assert moved.clue.number not in here.get("/transfers").content.decode() and moved.clue.number in here.get("/transfers?state=answered").content.decode()


def test_the_other_unit_sees_nothing_but_the_form_until_it_accepts(moved: Moved, browse: Browse) -> None:
    handling.confirm_transfer(moved.house.act(moved.here), moved.transfer.pk)
    chief = moved.house.person("chief", "L", "C", unit=moved.house.second)
    for user in (moved.there, chief):
        client = browse(user)
        assert client.get(f"/clues/{moved.clue.pk}").status_code == 404 if user is chief else client.get(f"/clues/{moved.clue.pk}").status_code in (403, 404)
        page = client.get("/transfers").content.decode()
        assert moved.clue.number in page and f"/clues/{moved.clue.pk}" not in page
        for hidden in ("故意伤害罪", "刑事检察部门建议给予行政处罚", "R-0", "潘某某"):
            assert hidden not in page
        form = client.get(f"/transfers/{moved.transfer.pk}/form.docx")
        text = "\n".join(cell.text for table in docx.Document(io.BytesIO(form.content)).tables for row in table.rows for cell in row.cells)
        assert moved.clue.number in text and WHY in text and "故意伤害罪" not in text and "R-0" not in text
    assert browse(chief).get(f"/clues/{moved.clue.pk}/sheet.docx").status_code == 404
    handling.answer_transfer(moved.house.act(moved.there), moved.transfer.pk, accepted=True, answer="")
    assert f"/clues/{moved.clue.pk}" in browse(chief).get("/transfers?state=all").content.decode()
    assert browse(chief).get(f"/clues/{moved.clue.pk}").status_code == 200


def test_a_refusal_needs_a_reason_that_the_sender_reads(moved: Moved, browse: Browse) -> None:
    here, there, pk = browse(moved.here), browse(moved.there), moved.transfer.pk
    here.post(f"/transfers/{pk}/confirm")
    assert there.post(f"/transfers/{pk}/answer", {"decision": "refuse", "answer": " "}).status_code == 422
    assert there.post(f"/transfers/{pk}/answer", {"decision": "perhaps"}).status_code == 422
    assert there.post(f"/transfers/{pk}/answer", {"decision": "refuse", "answer": "住所地不在本区"}).status_code == 302
    moved.clue.refresh_from_db()
    assert (moved.clue.state, moved.clue.unit_id) == ("queued", moved.house.first.pk)
    page = here.get("/transfers?state=answered").content.decode()
    assert "住所地不在本区" in page and "已退回" in page and "there检察官" in page


def test_who_may_not_is_refused_and_strangers_find_nothing(moved: Moved, browse: Browse) -> None:
    house, pk = moved.house, moved.transfer.pk
    for role in ("R", "D", "SA", "SE", "AU", "B"):
        client = browse(house.person(f"role{role}", role))
        assert [client.get(p).status_code for p in ("/transfers", "/transfers/ledger.csv", f"/transfers/{pk}/form.docx")] == [403, 403, 403]
        assert [client.post(f"/transfers/{pk}/{p}").status_code for p in ("confirm", "answer")] == [403, 403]
    leader = browse(house.person("leader", "L"))
    assert leader.get("/transfers").status_code == 200 and leader.post(f"/transfers/{pk}/confirm").status_code == 403
    assert 'value="confirm-' not in leader.get("/transfers").content.decode()
    for unit in (house.second, house.city):
        stranger = browse(house.person(f"m{unit.code}", "M", unit=unit))
        assert moved.clue.number not in stranger.get("/transfers").content.decode()
        assert stranger.post(f"/transfers/{pk}/confirm").status_code == stranger.post("/transfers/99/confirm").status_code == 404
        assert stranger.get(f"/transfers/{pk}/form.docx").status_code == stranger.get("/transfers/99/form.docx").status_code == 404
        assert len(rows_of(stranger.get("/transfers/ledger.csv"))) == 2  # header and stamp
    criminal = browse(house.person("criminal", "C", department="criminal"))
    assert moved.clue.number not in criminal.get("/transfers").content.decode()


def test_a_form_that_is_sent_twice_answers_once(moved: Moved, browse: Browse) -> None:
    here = browse(moved.here)
    twice = [here.post(f"/transfers/{moved.transfer.pk}/confirm", {"idempotency_key": "k"}).status_code for _ in range(2)]
    assert twice == [302, 302] and Event.objects.filter(what="transfer.confirmed").count() == 1
    assert here.post(f"/transfers/{moved.transfer.pk}/confirm", {"idempotency_key": "other"}).status_code == 404


def test_late_hops_are_marked_in_words(moved: Moved, browse: Browse) -> None:
    Transfer.objects.update(due_on=timezone.localdate() - timedelta(days=2))
    page = browse(moved.here).get("/transfers").content.decode()
    assert 'class="late"' in page
    User.objects.filter(pk=moved.here.pk).update(language="en")
    assert "(2 days late)" in browse(User.objects.get(pk=moved.here.pk)).get("/transfers").content.decode()


def test_the_ledger_holds_both_directions_and_its_export_is_in_the_log(moved: Moved, browse: Browse) -> None:
    back = moved.house.clues(1, unit=moved.house.second, model="other_model")[0]
    handling.transfer(moved.house.act(moved.there), back.pk, moved.house.first.code, "=HYPERLINK(1)")
    handling.confirm_transfer(moved.house.act(moved.here), moved.transfer.pk)
    handling.answer_transfer(moved.house.act(moved.there), moved.transfer.pk, accepted=False, answer="住所地不在本区")
    rows = rows_of(browse(moved.here).get("/transfers/ledger.csv"))
    assert [row[1] for row in rows[1:-1]] == [moved.clue.number, back.number]
    first, second = rows[1], rows[2]
    assert first[3:6] == ["潘**", "甲区院", "乙区院"] and first[8:11] == ["已退回", timezone.localdate().isoformat(), "住所地不在本区"]
    assert second[8] == "待接收" and second[11] == "'=HYPERLINK(1)"
    this_year, last_year = timezone.localdate().year, timezone.localdate().year - 1
    assert len(rows_of(browse(moved.here).get(f"/transfers/ledger.csv?year={this_year}"))) == 4 and len(rows_of(browse(moved.here).get(f"/transfers/ledger.csv?year={last_year}"))) == 2
    sheet = openpyxl.load_workbook(io.BytesIO(browse(moved.here).get("/transfers/ledger.xlsx").content)).active
    assert sheet is not None and sheet["L3"].value == "=HYPERLINK(1)" and sheet["L3"].data_type != "f" and sheet["G2"].is_date
    code = str(sheet.cell(4, 1).value).split("校验码 ")[1][:8]
    event = stamped(code).get()
    assert event.what == "ledger.exported" and event.actor == "here" and json.loads(event.detail)["rows"] == 2
    assert browse(moved.here).get("/transfers/ledger.pdf").status_code == 404


def test_a_ledger_that_is_too_long_asks_for_a_year(moved: Moved, browse: Browse, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(views, "MOST_EXPORTED", 0)
    assert browse(moved.here).get("/transfers/ledger.csv").status_code == 422


def test_a_transfer_that_was_taken_back_says_so(moved: Moved, browse: Browse) -> None:
    handling.undo(moved.house.act(User.objects.get(username="li")), moved.clue.pk)
    page = browse(moved.here).get("/transfers?state=all").content.decode()
    assert "已撤回" in page and moved.clue.number in page
    assert moved.clue.number not in browse(moved.there).get("/transfers?state=all").content.decode()
    assert "undone" not in browse(moved.here).get("/transfers/ledger.csv").content.decode()
