"""The second person: approve, return, a blind sample, and no way to decide on one's own; reopening, assigning, transferring."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from browsing import Office, Reader, Workbench
from procuratorate import TEXT, decide, propose

Sit = Callable[..., Reader]


@pytest.fixture
def proposed(office: Office, workbench: Workbench) -> Any:
    """Li proposed a verdict on a clue; Wang is the checker, Chen the leader."""
    from jcml.review import handling

    def begin() -> Any:
        clue = office.clues(2)[0]
        li, wang = office.person("li", "R"), office.person("wang", "C")
        handling.claim(office.act(li), clue.pk)
        propose(office, li, clue)
        return clue, li, wang

    return workbench.do(begin)


def state(workbench: Workbench, clue: Any) -> str:
    workbench.do(clue.refresh_from_db)
    return str(clue.state)


@pytest.mark.parametrize("language", ["zh-hans", "en"])
def test_a_approves(proposed: Any, sit: Sit, workbench: Workbench, language: str) -> None:
    clue, _, wang = proposed
    wang.language = language
    workbench.do(wang.save)
    reader = sit(wang, language=language).go("/").tab_to(f"#content a[href='/clues/{clue.pk}']").leave("Enter")
    assert TEXT in reader.text and "li检察官" in reader.text and clue.evidence_digest[:8] in reader.text
    reader.leave("a")
    assert state(workbench, clue) == "closed" and clue.outcome == "confirmed"
    assert ("已同意" if language == "zh-hans" else "Approved") in reader.text


def test_r_returns_with_a_remark_only(proposed: Any, sit: Sit, workbench: Workbench) -> None:
    clue, li, wang = proposed
    reader = sit(wang).go(f"/clues/{clue.pk}").press("r")
    reader.page.wait_for_selector("#undecided [role=alert]")
    assert "请填写退回理由" in reader.page.inner_text("#undecided") and state(workbench, clue) == "proposed"
    reader.press("f").fill("[name=text]", "请补充调取处罚决定书").press("Escape").leave("r")
    assert state(workbench, clue) == "claimed" and clue.holder_id == li.pk and "已退回提出意见的人员" in reader.text


def test_the_returned_clue_waits_on_the_desk_and_is_proposed_again(office: Office, proposed: Any, sit: Sit, workbench: Workbench) -> None:
    clue, li, wang = proposed
    workbench.do(lambda: decide(office, wang, clue, approved=False, text="请补充调取处罚决定书"))
    reader = sit(li).go("/")
    assert "已退回" in reader.text
    reader.tab_to(f"#mine ~ * a[href='/clues/{clue.pk}']").leave("Enter")
    assert "请补充调取处罚决定书" in reader.text
    reader.press("1").choose("[name=subtype_accepted]", "advice").fill("[name=text]", TEXT).tab_to("[name=worth_checking]").press(" ").leave("Control+Enter")
    assert state(workbench, clue) == "proposed" and workbench.do(clue.verdicts.count) == 2


def test_a_blind_sample_asks_for_ones_own_opinion_first(proposed: Any, sit: Sit, workbench: Workbench) -> None:
    from jcml.review.models import FirstView

    clue, _, wang = proposed
    clue.blind = True
    workbench.do(lambda: clue.save(update_fields=["blind"]))
    reader = sit(wang).go(f"/clues/{clue.pk}")
    assert TEXT not in reader.text and "盲评样本" in reader.text
    reader.choose("[name=opinion]", "explained").tab_to("form[action$='/decision'] button").leave("Enter")
    assert TEXT in reader.text and workbench.do(lambda: FirstView.objects.get(clue=clue, user=wang).opinion) == "explained"
    reader.leave("a")
    assert state(workbench, clue) == "closed"


def test_a_blind_sample_hides_the_score_until_an_opinion(office: Office, sit: Sit, workbench: Workbench) -> None:
    from jcml.review import handling

    def begin() -> Any:
        clue = office.clues(1)[0]
        clue.blind = True
        clue.save(update_fields=["blind"])
        li = office.person("li", "R")
        handling.claim(office.act(li), clue.pk)
        return clue, li

    clue, li = workbench.do(begin)
    reader = sit(li).go(f"/clues/{clue.pk}")
    assert "填写本人初步意见后显示" in reader.page.inner_text("section[aria-labelledby=model]")
    reader.press("]", "y")
    reader.page.wait_for_selector("[data-says=true][aria-pressed=true]")
    reader.go(f"/clues/{clue.pk}").tab_to("section[aria-labelledby=model] summary").press("Enter")
    assert "第 1 位" in reader.page.inner_text("section[aria-labelledby=model]")


def test_nobody_decides_on_what_they_proposed(office: Office, sit: Sit, workbench: Workbench) -> None:
    from jcml.review import handling
    from jcml.review.models import Event

    def begin() -> Any:
        clue = office.clues(1)[0]
        both = office.person("both", "R", "C")
        handling.claim(office.act(both), clue.pk)
        propose(office, both, clue)
        return clue, both

    clue, both = workbench.do(begin)
    reader = sit(both).go(f"/clues/{clue.pk}")
    assert reader.page.locator("[data-key=a]").count() == 0 and "须由第二人复核" in reader.text
    answer = """async () => {
      const form = document.querySelector("form[action$='/withdraw']"), said = new URLSearchParams(new FormData(form));
      said.set('decision', 'approve');
      return (await fetch(form.action.replace('withdraw', 'decision'), { method: 'POST', body: said })).status;
    }"""
    assert reader.page.evaluate(answer) == 403 and state(workbench, clue) == "proposed"
    assert workbench.do(lambda: Event.objects.filter(what="act.refused", object=clue.pk).count()) == 1
    reader.tab_to("form[action$='/withdraw'] button").leave("Enter")
    assert state(workbench, clue) == "claimed"


def test_changed_evidence_stops_the_approval(proposed: Any, sit: Sit, workbench: Workbench) -> None:
    clue, _, wang = proposed
    reader = sit(wang).go(f"/clues/{clue.pk}")
    workbench.do(lambda: type(clue).objects.filter(pk=clue.pk).update(evidence_digest="0" * 64))
    with reader.page.expect_response(lambda answer: answer.url.endswith("/decision")) as refused:
        reader.press("a")
    assert refused.value.status == 409
    reader.page.wait_for_selector("#undecided [role=alert]")
    assert "00000000" in reader.page.inner_text("#undecided") and state(workbench, clue) == "proposed"
    assert "意见提出后证据已发生变化" in reader.go(f"/clues/{clue.pk}").text


def test_two_checkers_at_once_one_decides(office: Office, proposed: Any, sit: Sit, workbench: Workbench) -> None:
    clue, _, wang = proposed
    sun = workbench.do(office.person, "sun", "C")
    slow = sit(sun).go(f"/clues/{clue.pk}")
    sit(wang).go(f"/clues/{clue.pk}").leave("a")
    with slow.page.expect_response(lambda answer: answer.url.endswith("/decision")) as refused:
        slow.press("a")
    assert refused.value.status == 409
    slow.page.wait_for_selector("#undecided [role=alert]")
    assert "该意见已经复核" in slow.page.inner_text("#undecided")


def test_a_closed_clue_is_reopened_with_a_reason(office: Office, proposed: Any, sit: Sit, workbench: Workbench) -> None:
    clue, _, wang = proposed
    workbench.do(lambda: decide(office, wang, clue))
    chen = workbench.do(office.person, "chen", "L")
    reader = sit(chen).go(f"/clues/{clue.pk}").tab_to("details:has(form[action$='/reopen']) summary").press("Enter")
    reader.fill("form[action$='/reopen'] [name=because]", "出现新的证据").tab_to("form[action$='/reopen'] button").leave("Enter")
    assert state(workbench, clue) == "queued" and "重新打开" in reader.page.inner_text("ol.time")


def test_a_clue_is_assigned_to_a_colleague(office: Office, sit: Sit, workbench: Workbench) -> None:
    clue = workbench.do(office.clues, 1)[0]
    li, wang = workbench.do(office.person, "li", "R"), workbench.do(office.person, "wang", "C")
    reader = sit(wang).go(f"/clues/{clue.pk}").tab_to("details:has(form[action$='/reassign']) summary").press("Enter")
    reader.choose("form[action$='/reassign'] [name=to]", li.username).tab_to("form[action$='/reassign'] button").leave("Enter")
    assert state(workbench, clue) == "claimed" and clue.holder_id == li.pk and "改派" in reader.page.inner_text("ol.time")


def test_a_clue_is_offered_to_another_unit(office: Office, sit: Sit, workbench: Workbench) -> None:
    clue = workbench.do(office.clues, 1)[0]
    reader = sit(workbench.do(office.person, "wang", "C")).go(f"/clues/{clue.pk}").tab_to("details:has(form[action$='/transfer']) summary").press("Enter")
    reader.choose("form[action$='/transfer'] [name=target_unit]", office.second.code)
    reader.fill("form[action$='/transfer'] [name=because]", "住所地在该院辖区").tab_to("form[action$='/transfer'] button").leave("Enter")
    assert state(workbench, clue) == "transferring" and "移送中" in reader.text


def test_a_superior_reads_and_does_not_act(office: Office, sit: Sit, workbench: Workbench) -> None:
    clue = workbench.do(office.clues, 1)[0]
    reader = sit(workbench.do(lambda: office.person("shang", "R", unit=office.city))).go(f"/clues/{clue.pk}")
    assert reader.status == 200 and reader.page.locator("form[action$='/claim']").count() == 0
    assert "由承办人提出意见" in reader.text


def test_a_neighbour_gets_the_answer_for_what_is_not_there(office: Office, sit: Sit, workbench: Workbench) -> None:
    clue = workbench.do(office.clues, 1)[0]
    away = sit(workbench.do(lambda: office.person("ling", "R", unit=office.second)))
    there = away.go(f"/clues/{clue.pk}")
    said = (there.status, there.text)
    nowhere = away.go("/clues/nothing")
    assert said == (nowhere.status, nowhere.text) and said[0] == 404 and "无权查看或不存在" in said[1]


def test_case_management_sees_the_list_without_details(office: Office, sit: Sit, workbench: Workbench) -> None:
    clue = workbench.do(office.clues, 1)[0]
    reader = sit(workbench.do(office.person, "an", "M")).go("/queue")
    assert clue.number in reader.text
    reader.go(f"/clues/{clue.pk}")
    assert reader.status == 403 and "您的角色不能办理此项操作" in reader.text


def test_a_later_band_that_rose_is_put_before_the_checker(office: Office, sit: Sit, workbench: Workbench) -> None:
    from jcml.review import handling

    def begin() -> Any:
        clue = office.clues(1, band="low")[0]
        li, wang = office.person("li", "R"), office.person("wang", "C")
        handling.claim(office.act(li), clue.pk)
        propose(office, li, clue)
        decide(office, wang, clue)
        office.clues(1, band="high", facts={"as_of": "2026-01-01"})
        return clue, wang

    clue, wang = workbench.do(begin)
    reader = sit(wang).go("/")
    assert "重新评估提示" in reader.text
    reader.tab_to(f"#rose ~ * a[href='/clues/{clue.pk}']").leave("Enter")
    assert "更高等级" in reader.text
