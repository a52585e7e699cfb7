"""A prosecutor's day by keyboard alone: claim, read, answer, decide, undo."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from browsing import Office, Reader, Workbench
from procuratorate import TEXT

Sit = Callable[..., Reader]
LANGUAGES = ("zh-hans", "en")


@pytest.fixture
def held(office: Office, workbench: Workbench) -> Any:
    """Li, who holds one clue of three."""
    from jcml.review import handling

    def begin() -> Any:
        clue = office.clues(3)[0]
        li = office.person("li", "R")
        handling.claim(office.act(li), clue.pk)
        return li, clue

    return workbench.do(begin)


def speaking(workbench: Workbench, user: Any, language: str) -> Any:
    user.language = language
    workbench.do(lambda: user.save(update_fields=["language"]))
    return user


def now(workbench: Workbench, clue: Any) -> Any:
    """The clue as it is in the database."""
    workbench.do(clue.refresh_from_db)
    return clue


def verdict_of(workbench: Workbench, clue: Any) -> Any:
    return workbench.do(lambda: clue.verdicts.order_by("-at").select_related("by").first())


@pytest.mark.parametrize("language", LANGUAGES)
def test_n_claims_the_next_one(office: Office, sit: Sit, workbench: Workbench, language: str) -> None:
    first, *_ = workbench.do(office.clues, 3)
    li = speaking(workbench, workbench.do(office.person, "li", "R"), language)
    reader = sit(li, language=language).go("/").leave("n")
    assert reader.path == f"/clues/{first.pk}" and now(workbench, first).holder_id == li.pk
    assert ("提交意见" if language == "zh-hans" else "Record the verdict") in reader.text
    assert ("主要理由" if language == "zh-hans" else "Why it is here") in reader.text


def test_n_with_nothing_to_claim_says_who_has_what(office: Office, sit: Sit, workbench: Workbench) -> None:
    from jcml.review import handling

    def begin() -> Any:
        clue, *_ = office.clues(1)
        handling.claim(office.act(office.person("zhao", "R")), clue.pk)
        return office.person("li", "R")

    reader = sit(workbench.do(begin)).go("/")
    assert "他人承办 1 条，已暂缓 0 条" in reader.text
    reader.leave("n")
    assert "暂无可领取的线索" in reader.text


def test_j_k_space_and_enter_in_the_queue(office: Office, sit: Sit, workbench: Workbench) -> None:
    clues = workbench.do(office.clues, 4)
    reader = sit(workbench.do(office.person, "li", "R")).go("/").leave("g", "q")
    assert reader.path == "/queue"
    chosen = "tr[aria-selected=true]"
    reader.press("j", "j", "j", "k")
    assert reader.page.get_attribute(chosen, "data-row") == clues[1].pk
    reader.press(" ")
    reader.page.wait_for_selector("#preview .card")
    assert "同类行为前后一年内没有行政处罚决定" in reader.page.inner_text("#preview")
    reader.leave("Enter")
    assert reader.path == f"/clues/{clues[1].pk}"
    assert now(workbench, clues[1]).holder_id is None, "opening is no claim"
    reader.leave("c")
    assert now(workbench, clues[1]).holder_id is not None


def test_j_and_k_on_a_clue_go_to_the_next_one(office: Office, sit: Sit, workbench: Workbench) -> None:
    clues = workbench.do(office.clues, 3)
    reader = sit(workbench.do(office.person, "li", "R")).go(f"/clues/{clues[0].pk}")
    assert reader.leave("j").path == f"/clues/{clues[1].pk}"
    assert reader.leave("k").path == f"/clues/{clues[0].pk}"


@pytest.mark.parametrize("language", LANGUAGES)
def test_1_a_case_is_proposed(held: Any, sit: Sit, workbench: Workbench, language: str) -> None:
    li, clue = held
    reader = sit(speaking(workbench, li, language), language=language).go(f"/clues/{clue.pk}")
    reader.press("]", "y")
    reader.page.wait_for_selector("[data-says=true][aria-pressed=true]")
    reader.press("1").choose("[name=subtype_accepted]", "advice")
    reader.fill("[name=text]", TEXT).tab_to("[name=worth_checking]").press(" ")
    reader.leave("Control+Enter")
    verdict = verdict_of(workbench, clue)
    assert (verdict.kind, verdict.standing, verdict.said["text"], verdict.said["feedback"]) == ("accepted", "proposed", TEXT, {"no_penalty": "true"})
    assert verdict.worth_checking is True and now(workbench, clue).state == "proposed"
    assert ("已提交复核" if language == "zh-hans" else "a second person decides") in reader.text


def test_2_worth_it_but_to_be_checked(held: Any, sit: Sit, workbench: Workbench) -> None:
    from django.utils import timezone

    li, clue = held
    day = timezone.localdate() + timedelta(days=40)
    reader = sit(li).go(f"/clues/{clue.pk}").press("2").date("[name=due_on]", day).fill("[name=next_step]", "调取案卷").leave("Control+Enter")
    assert now(workbench, clue).state == "pending" and clue.due_on == day and "待查" in reader.text


def test_3_ruled_out_with_a_lawful_explanation(held: Any, sit: Sit, workbench: Workbench) -> None:
    li, clue = held
    reader = sit(li).go(f"/clues/{clue.pk}").press("3").choose("[name=reason_code]", "lawful_explanation").fill("[name=text]", TEXT)
    reader.tab_to("[name=worth_checking]").press("ArrowDown", " ")
    reader.leave("Control+Enter")
    verdict = verdict_of(workbench, clue)
    assert (verdict.kind, verdict.reason_code, verdict.standing, verdict.second) == ("explained", "lawful_explanation", "proposed", True)


def test_4_the_data_are_wrong(held: Any, sit: Sit, workbench: Workbench) -> None:
    from jcml.review.verdicts import needs_second

    li, clue = held
    sit(li).go(f"/clues/{clue.pk}").press("4").choose("[name=subtype_data_error]", "wrong_merge").fill("[name=wrong_field]", "当事人").leave("Control+Enter")
    verdict = verdict_of(workbench, clue)
    assert verdict.outcome == "identity_mismatch" and verdict.standing == ("proposed" if needs_second("data_error", clue.band, clue.pk) else "stands")


@pytest.mark.parametrize("language", LANGUAGES)
def test_5_a_duplicate_in_three_acts(held: Any, sit: Sit, workbench: Workbench, language: str) -> None:
    li, clue = held
    sit(speaking(workbench, li, language), language=language).go(f"/clues/{clue.pk}").press("5").fill("[name=linked]", "（2026）苏0102刑初1号").leave("Control+Enter")
    assert now(workbench, clue).state == "closed" and verdict_of(workbench, clue).said["linked"] == "（2026）苏0102刑初1号"


def test_6_another_office_has_jurisdiction(office: Office, held: Any, sit: Sit, workbench: Workbench) -> None:
    li, clue = held
    reader = sit(li).go(f"/clues/{clue.pk}").press("6").choose("[name=target_unit]", office.second.code).leave("Control+Enter")
    assert now(workbench, clue).state == "transferring" and "移送中" in reader.text


def test_u_information_is_missing(held: Any, sit: Sit, workbench: Workbench) -> None:
    li, clue = held
    sit(li).go(f"/clues/{clue.pk}").press("u").fill("[name=missing]", "缺少处罚决定书").leave("Control+Enter")
    assert verdict_of(workbench, clue).outcome == "returned" and now(workbench, clue).state == "pending"


def test_every_answer_on_a_reason_and_back(held: Any, sit: Sit, workbench: Workbench) -> None:
    from jcml.review.models import ReasonFeedback

    li, clue = held
    reader = sit(li).go(f"/clues/{clue.pk}")

    def said() -> dict[str, str]:
        return workbench.do(lambda: dict(ReasonFeedback.objects.filter(clue=clue).values_list("feature", "says")))

    reader.press("]")
    for key, says in (("y", "true"), ("x", "false"), ("o", "irrelevant"), ("v", "unverifiable")):
        reader.press(key)
        reader.page.wait_for_selector(f"#answers-no_penalty [data-says={says}][aria-pressed=true]")
        assert said() == {"no_penalty": says}
    reader.press("]", "x")
    reader.page.wait_for_selector("#answers-opinion [data-says=false][aria-pressed=true]")
    reader.press("[", "v")
    reader.page.wait_for_selector("#answers-no_penalty [data-says=unverifiable][aria-pressed=false]")
    assert said() == {"opinion": "false"}, "the same key again takes it back"


def test_z_takes_a_verdict_back(held: Any, sit: Sit, workbench: Workbench) -> None:
    li, clue = held
    reader = sit(li).go(f"/clues/{clue.pk}").press("5").fill("[name=linked]", "XS-1").leave("Control+Enter")
    assert now(workbench, clue).state == "closed"
    reader.leave("z")
    assert now(workbench, clue).state == "claimed" and verdict_of(workbench, clue).standing == "undone" and "已撤销" in reader.text


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_is_missing_is_said_and_the_form_stays(held: Any, sit: Sit, workbench: Workbench, language: str) -> None:
    li, clue = held
    reader = sit(speaking(workbench, li, language), language=language).go(f"/clues/{clue.pk}").press("3").fill("[name=text]", "太短").press("Control+Enter")
    reader.page.wait_for_selector("#refused [role=alert]")
    told = reader.page.inner_text("#refused")
    assert ("理由代码" if language == "zh-hans" else "Reason code") in told and ("二十字" if language == "zh-hans" else "twenty characters") in told
    assert reader.page.evaluate("document.activeElement.getAttribute('role')") == "alert", "the reader's place is where it is said"
    assert reader.page.input_value("[name=text]") == "太短" and verdict_of(workbench, clue) is None


def test_a_draft_outlives_a_reload(held: Any, sit: Sit, workbench: Workbench) -> None:
    li, clue = held
    reader = sit(li)
    reader.page.clock.install()
    reader.go(f"/clues/{clue.pk}").press("3").choose("[name=reason_code]", "time_barred").fill("[name=text]", "写到一半的说明")
    with reader.page.expect_response(lambda answer: answer.url.endswith("/draft")) as kept:
        reader.page.clock.run_for(11_000)
    assert kept.value.status == 200
    reader.page.locator("#draft-kept", has_text="草稿已于").wait_for()
    reader.go(f"/clues/{clue.pk}")
    assert reader.page.input_value("[name=text]") == "写到一半的说明" and reader.page.is_checked("[name=kind][value=explained]")
    assert reader.page.input_value("[name=reason_code]") == "time_barred" and reader.page.is_visible("[name=text]")


def test_a_lost_lease_is_told_with_differences_and_keeps_the_draft(office: Office, held: Any, sit: Sit, workbench: Workbench) -> None:
    from django.utils import timezone

    from jcml.review import handling
    from jcml.review.models import Draft

    li, clue = held
    reader = sit(li).go(f"/clues/{clue.pk}").press("5").fill("[name=linked]", "XS-7")

    def lose() -> None:
        handling.keep_draft(office.act(li), clue.pk, {"kind": "duplicate", "linked": "XS-7"})
        type(clue).objects.filter(pk=clue.pk).update(lease_until=timezone.now() - timedelta(seconds=1))
        handling.claim(office.act(office.person("zhao", "R")), clue.pk)

    workbench.do(lose)
    with reader.page.expect_response(lambda answer: answer.url.endswith("/verdict")) as refused:
        reader.press("Control+Enter")
    assert refused.value.status == 409
    reader.page.wait_for_selector("#refused [role=alert]")
    told = reader.page.inner_text("#refused")
    assert "草稿已保留" in told and "zhao检察官" in told
    assert workbench.do(lambda: Draft.objects.get(clue=clue, user=li).said["linked"]) == "XS-7"
    assert reader.page.input_value("[name=linked]") == "XS-7"


def test_a_stale_second_tab_is_refused(held: Any, sit: Sit, workbench: Workbench) -> None:
    li, clue = held
    old = sit(li).go(f"/clues/{clue.pk}").press("u").fill("[name=missing]", "第一个窗口")
    sit(li).go(f"/clues/{clue.pk}").press("u").fill("[name=missing]", "第二个窗口").leave("Control+Enter")
    with old.page.expect_response(lambda answer: answer.url.endswith("/verdict")) as refused:
        old.press("Control+Enter")
    assert refused.value.status == 409
    old.page.wait_for_selector("#refused [role=alert]")
    assert "已发生变化" in old.page.inner_text("#refused") and workbench.do(clue.verdicts.count) == 1


def test_releasing_gives_it_back_to_the_queue(held: Any, sit: Sit, workbench: Workbench) -> None:
    li, clue = held
    reader = sit(li).go(f"/clues/{clue.pk}").press("5").tab_to("form[action$='/release'] button").leave("Enter")
    assert reader.path == "/" and now(workbench, clue).state == "queued" and "已退回队列" in reader.text


def test_putting_off_and_taking_up_again(held: Any, sit: Sit, workbench: Workbench) -> None:
    from django.utils import timezone

    li, clue = held
    day = timezone.localdate() + timedelta(days=12)
    reader = sit(li).go(f"/clues/{clue.pk}").press("5").tab_to("details:has(form[action$='/snooze']) summary").press("Enter")
    reader.date("[name=until]", day).fill("form[action$='/snooze'] [name=because]", "等待鉴定").tab_to("form[action$='/snooze'] button").leave("Enter")
    assert now(workbench, clue).state == "snoozed" and clue.snoozed_until == day and f"已暂缓至 {day}" in reader.text
    reader.tab_to("form[action$='/wake'] button").leave("Enter")
    assert now(workbench, clue).state == "claimed"


def test_names_are_shown_with_a_reason(held: Any, sit: Sit, workbench: Workbench) -> None:
    from jcml.review.models import Event

    li, clue = held
    reader = sit(li).go(f"/clues/{clue.pk}")
    assert "潘某某" not in reader.text
    reader.tab_to("details:has(form[action$='/unmask']) summary").press("Enter").fill("form[action$='/unmask'] [name=because]", "核对身份")
    reader.tab_to("form[action$='/unmask'] button").leave("Enter")
    assert "潘某某0" in reader.text and "姓名显示至" in reader.text
    told = workbench.do(lambda: list(Event.objects.filter(object=clue.pk, what__startswith="names.").order_by("seq").values_list("what", flat=True)))
    assert told[:2] == ["names.unmasked", "names.read"]


def test_a_source_row_and_back(held: Any, sit: Sit, workbench: Workbench) -> None:
    li, clue = held
    reader = sit(li).go(f"/clues/{clue.pk}").tab_to("#row-1 a").leave("Enter")
    assert reader.path == f"/clues/{clue.pk}/rows/1" and "penalty_decisions" in reader.text
    reader.tab_to(f"main a[href^='/clues/{clue.pk}#']").leave("Enter")
    assert reader.path == f"/clues/{clue.pk}"


def test_a_mark_leads_to_its_row(held: Any, sit: Sit) -> None:
    li, clue = held
    reader = sit(li).go(f"/clues/{clue.pk}").tab_to("a.mark").press("Enter")
    assert reader.page.url.endswith("#row-1") and reader.page.evaluate("document.querySelector(':target').id") == "row-1"


def test_filters_stand_in_the_address_and_are_kept_as_a_view(office: Office, sit: Sit, workbench: Workbench) -> None:
    from jcml.review.models import SavedView

    workbench.do(lambda: office.clues(2, band="low"))
    li = workbench.do(office.person, "li", "R")
    reader = sit(li).go("/queue").choose("[name=band]", "low").tab_to("#filters button").leave("Enter")
    assert "band=low" in reader.page.url and reader.page.locator("[data-row]").count() == 2
    reader.tab_to("details:has([name=name]) summary").press("Enter").fill("[name=name]", "低等级").leave("Enter")
    assert "视图已保存" in reader.text and workbench.do(lambda: SavedView.objects.get(user=li).query).find("band=low") >= 0
    reader.go("/queue?band=high")
    assert reader.page.locator("[data-row]").count() == 0 and "没有符合筛选条件的线索" in reader.text
    reader.tab_to("a[href*='band=low']").leave("Enter")
    assert reader.page.locator("[data-row]").count() == 2


def test_slash_goes_to_the_search_of_the_queue(office: Office, sit: Sit, workbench: Workbench) -> None:
    clues = workbench.do(office.clues, 3)
    reader = sit(workbench.do(office.person, "li", "R")).go("/queue").press("/").type(clues[2].number[-5:]).leave("Enter")
    assert [row.get_attribute("data-row") for row in reader.page.query_selector_all("[data-row]")] == [clues[2].pk]


def test_the_row_height_and_page_size_of_the_queue(office: Office, sit: Sit, workbench: Workbench) -> None:
    workbench.do(office.clues, 24)
    reader = sit(workbench.do(office.person, "li", "R")).go("/queue")
    assert reader.page.locator("[data-row]").count() == 20
    reader.tab_to("main nav a.button").leave("Enter")
    assert reader.page.locator("[data-row]").count() == 4 and "2 / 2" in reader.text
    normal = reader.page.locator("[data-row]").first.bounding_box()["height"]
    reader.go("/queue?rows=compact&size=50")
    assert reader.page.locator("[data-row]").count() == 24 and reader.page.locator("[data-row]").first.bounding_box()["height"] < normal


def test_duplicates_in_one_act_and_undone(office: Office, sit: Sit, workbench: Workbench) -> None:
    clues = workbench.do(office.clues, 3)
    reader = sit(workbench.do(office.person, "li", "R")).go("/queue").tab_to("[data-all]").press(" ")
    reader.tab_to("form[action='/queue/bulk'] button:not([formaction])").leave("Enter")
    assert "批量处置 3 条线索" in reader.text
    reader.fill("[name=linked]", "XS-总表").tab_to("button[value=duplicate]").leave("Enter")
    assert reader.path == "/" and {now(workbench, c).state for c in clues} == {"closed"} and "十分钟内可在工作台撤销" in reader.text
    reader.tab_to("form[action$='/undo'] button").leave("Enter")
    assert {now(workbench, c).state for c in clues} == {"queued"}


def test_the_same_form_twice_counts_once(held: Any, sit: Sit, workbench: Workbench) -> None:
    li, clue = held
    reader = sit(li).go(f"/clues/{clue.pk}").press("5").fill("[name=linked]", "XS-9")
    twice = """async () => {
      const form = document.querySelector('#verdict'), send = () => fetch(form.action, { method: 'POST', body: new URLSearchParams(new FormData(form)), headers: { 'HX-Request': 'true' } });
      const [first, second] = [await send(), await send()];
      return [first.status, second.status];
    }"""
    assert reader.page.evaluate(twice) == [204, 204] and workbench.do(clue.verdicts.count) == 1
