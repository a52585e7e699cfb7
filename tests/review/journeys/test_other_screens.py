"""The other screens by their roles: transfers, search, subject, relations, classes, statistics, models, batches, administration, audit, help, paper."""

from __future__ import annotations

import io
import subprocess
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from zipfile import ZipFile

import pytest
from browsing import Office, Reader, Workbench
from furnished import furnish
from procuratorate import propose

Sit = Callable[..., Reader]


@pytest.fixture(scope="package")
def there(workbench: Workbench) -> SimpleNamespace:
    """An office to read in; what a journey changes is in an office of its own."""
    return workbench.do(furnish, workbench.office())


def speaking(workbench: Workbench, user: Any, language: str) -> Any:
    user.language = language
    workbench.do(lambda: user.save(update_fields=["language"]))
    return user


def state(workbench: Workbench, clue: Any) -> str:
    workbench.do(clue.refresh_from_db)
    return str(clue.state)


def downloaded(reader: Reader, *keys: str) -> tuple[str, bytes]:
    """What a key press saves as a file."""
    with reader.page.expect_download() as coming:
        reader.press(*keys)
    return str(coming.value.suggested_filename), Path(coming.value.path()).read_bytes()


@pytest.fixture
def elsewhere(office: Office, workbench: Workbench) -> Any:
    """A verdict says that another office has jurisdiction; case management of both units."""
    from jcml.review import handling
    from jcml.review.verdicts import Opinion

    def begin() -> Any:
        clue = office.clues(1)[0]
        li = office.person("li", "R")
        handling.claim(office.act(li), clue.pk)
        propose(office, li, clue, Opinion("elsewhere", target_unit=office.second.code, text="行为发生地在该院辖区"))
        return clue, office.person("an", "M"), office.person("yi", "M", unit=office.second), office.person("fang", "R", unit=office.second)

    return workbench.do(begin)


def test_a_transfer_is_confirmed_accepted_and_claimed_there(elsewhere: Any, sit: Sit, workbench: Workbench) -> None:
    clue, an, yi, fang = elsewhere
    theirs = sit(yi)
    assert clue.number not in theirs.go("/transfers").text, "not before it is confirmed"
    ours = sit(an).go("/transfers").tab_to("form[action$='/confirm'] button").leave("Enter")
    assert "已确认" in ours.text
    theirs.go("/").tab_to("main a[href='/transfers']").leave("Enter")
    assert clue.number in theirs.text and "行为发生地在该院辖区" in theirs.text
    assert theirs.page.locator(f"a[href='/clues/{clue.pk}']").count() == 0, "on its way they read no more than the form"
    assert sit(fang).go(f"/clues/{clue.pk}").status == 404
    theirs.tab_to("button[value=accept]").leave("Enter")
    assert "已接收" in theirs.text and state(workbench, clue) == "queued"
    there = sit(fang).go("/").leave("n")
    assert there.path == f"/clues/{clue.pk}" and sit(an).go(f"/clues/{clue.pk}").status == 404


def test_a_transfer_is_refused_with_a_reason(elsewhere: Any, sit: Sit, workbench: Workbench) -> None:
    from jcml.review import handling
    from jcml.review.journal import Actor
    from jcml.review.models import Transfer

    clue, an, yi, _ = elsewhere
    workbench.do(lambda: handling.confirm_transfer(Actor(an), Transfer.objects.get(clue=clue).pk))
    theirs = sit(yi).go("/transfers").tab_to("details:has([name=answer]) summary").press("Enter").fill("[name=answer]", "该院无管辖权")
    theirs.tab_to("button[value=refuse]").leave("Enter")
    assert "已拒收" in theirs.text and state(workbench, clue) == "queued"
    ours = sit(an).go("/transfers").choose("main form [name=state]", "answered").tab_to("main form[aria-label] button").leave("Enter")
    assert "该院无管辖权" in ours.text


def test_the_transfer_form_and_the_ledger_are_saved(there: SimpleNamespace, sit: Sit) -> None:
    reader = sit(there.an).go("/transfers").tab_to("a[download]")
    name, content = downloaded(reader, "Enter")
    assert name.endswith(".docx") and "移送" in ZipFile(io.BytesIO(content)).read("word/document.xml").decode()
    name, content = downloaded(reader.tab_to("form[action$='ledger.xlsx'] button:not([formaction])"), "Enter")
    assert name.endswith(".xlsx") and content[:2] == b"PK"
    name, content = downloaded(reader.tab_to("button[formaction$='ledger.csv']"), "Enter")
    assert name.endswith(".csv") and there.away.number in content.decode("utf-8-sig")


@pytest.mark.parametrize("language", ["zh-hans", "en"])
def test_the_print_page_is_a4_and_masked(there: SimpleNamespace, sit: Sit, workbench: Workbench, tmp_path: Path, language: str) -> None:
    reader = sit(speaking(workbench, there.li, language), language=language).go(f"/clues/{there.real.pk}").tab_to("a[href$='/print']").leave("Enter")
    assert there.real.number in reader.text and "潘**" in reader.text
    path = tmp_path / "sheet.pdf"
    reader.page.pdf(path=path, prefer_css_page_size=True)
    told = subprocess.run(["pdfinfo", str(path)], capture_output=True, text=True, check=True).stdout
    assert "A4" in told
    speaking(workbench, there.li, "zh-hans")


def test_word_and_list_exports_leave_a_code_that_audit_finds(there: SimpleNamespace, sit: Sit, workbench: Workbench) -> None:
    from jcml.review.models import Event

    reader = sit(there.li).go(f"/clues/{there.real.pk}").tab_to("a[href$='/sheet.docx']")
    name, content = downloaded(reader, "Enter")
    assert name.endswith(".docx") and "潘某某" not in ZipFile(io.BytesIO(content)).read("word/document.xml").decode()
    reader.go("/queue?state=mine").tab_to("button[name=format][value=csv]")
    name, content = downloaded(reader, "Enter")
    table = content.decode("utf-8-sig")
    assert name.endswith(".csv") and there.real.number in table and there.free.number not in table
    event = workbench.do(lambda: Event.objects.filter(what="clue.exported", object=there.real.pk).order_by("-seq").first())
    code = __import__("json").loads(event.detail)["code"]
    audit = sit(there.shen).go("/audit").fill("[name=code]", code).leave("Enter")
    assert there.li.username in audit.text and there.real.pk in audit.text


def test_slash_searches_and_the_text_stays_out_of_the_address(there: SimpleNamespace, sit: Sit, workbench: Workbench) -> None:
    from jcml.review.models import Event

    reader = sit(there.li).go("/help").leave("/")
    assert reader.path == "/search"
    reader.press("/").type(there.held.number).leave("Enter")
    assert reader.page.url.endswith("/search") and there.held.number in reader.page.inner_text("main table")
    assert there.held.number not in workbench.do(lambda: str(list(Event.objects.filter(what="searched").values_list("detail", "object"))))
    reader.tab_to("main td a").leave("Enter")
    assert reader.path == f"/clues/{there.held.pk}"


def test_what_is_out_of_scope_is_not_found_by_searching(there: SimpleNamespace, office: Office, sit: Sit, workbench: Workbench) -> None:
    stranger = sit(workbench.do(office.person, "li", "R")).go("/search").fill("#search-text", there.held.number).leave("Enter")
    said = stranger.page.inner_text("#found ~ *")
    nowhere = stranger.go("/search").fill("#search-text", "XS1999-0000000").leave("Enter")
    assert said == nowhere.page.inner_text("#found ~ *") and "无权查看或不存在" in said


def test_the_subject_page_and_a_wrong_merge(office: Office, sit: Sit, workbench: Workbench) -> None:
    clue = workbench.do(office.clues, 1)[0]
    reader = sit(workbench.do(office.person, "li", "R")).go(f"/clues/{clue.pk}").tab_to("a[href$='/subject']").leave("Enter")
    assert "2025-01-15" in reader.text and "penalty_decisions" in reader.text
    reader.fill("[name=because]", "两条记录的住址不同").tab_to("form[action$='/subject'] button").leave("Enter")
    assert "两条记录的住址不同" in reader.page.inner_text(".notice.warn") and "已登记" in reader.text


def test_relations_as_picture_and_table(there: SimpleNamespace, sit: Sit) -> None:
    reader = sit(there.li).go(f"/clues/{there.real.pk}").tab_to("a[href$='/relations']").leave("Enter")
    reader.page.wait_for_selector("#graph canvas")
    rows = reader.page.locator("#edges tbody tr:visible")
    before = rows.count()
    kind = reader.tab_to("[name=hide]").press(" ").page.locator("[name=hide]:checked").get_attribute("value")
    assert 0 < rows.count() < before and reader.page.locator(f"#edges tr[data-kind='{kind}']:visible").count() == 0
    name, content = downloaded(reader.tab_to("#as-picture"), "Enter")
    assert name.endswith(".png") and content[:8] == b"\x89PNG\r\n\x1a\n"
    name, content = downloaded(reader.tab_to("a[href*='relations.csv']"), "Enter")
    assert name.endswith(".csv") and there.real.number in content.decode("utf-8-sig")


def test_relations_without_a_canvas_are_a_table(there: SimpleNamespace, sit: Sit) -> None:
    reader = sit(there.li, scripts=("HTMLCanvasElement.prototype.getContext = function () { return null; };",)).go(f"/clues/{there.real.pk}/relations")
    assert reader.page.locator("#edges tbody tr").count() > 3 and reader.page.locator("#drawing").is_hidden()


def test_a_class_with_examples_and_counter_examples(there: SimpleNamespace, sit: Sit) -> None:
    reader = sit(there.wang).go("/").tab_to("nav a[href='/classes']").leave("Enter")
    reader.tab_to("main td a").leave("Enter")
    assert "不能证明其中任何一条" in reader.text and "有合法理由" in reader.page.inner_text("#counter ~ *")
    example = reader.page.locator("#examples ~ ul a").first.get_attribute("href")
    reader.tab_to(f"#examples ~ ul a[href='{example}']").leave("Enter")
    assert reader.path == example


@pytest.mark.parametrize("language", ["zh-hans", "en"])
def test_statistics_are_drawn_and_lead_into_the_queue(there: SimpleNamespace, sit: Sit, workbench: Workbench, language: str) -> None:
    reader = sit(speaking(workbench, there.chen, language), language=language).go("/").leave("g", "s")
    reader.page.wait_for_selector("#months svg")
    assert ("盲评样本一致程度" if language == "zh-hans" else "Cohen's kappa") in reader.text
    listed = int(reader.page.inner_text("#group-2 ~ * tbody tr:first-child td").replace(",", ""))
    reader.tab_to("#group-2 ~ * tbody a").leave("Enter")
    assert reader.path == "/queue" and "band=" in reader.page.url
    assert reader.page.locator("[data-row]").count() <= listed
    speaking(workbench, there.chen, "zh-hans")


def test_a_data_scientist_gets_numbers_and_no_names(there: SimpleNamespace, sit: Sit) -> None:
    reader = sit(there.shu).go("/")
    assert reader.path == "/batches"
    reader.go("/statistics")
    assert reader.status == 200 and reader.page.locator("main a[href*='queue']").count() == 0
    assert reader.go("/queue").status == 403


def test_models_say_what_they_cannot_see(there: SimpleNamespace, sit: Sit) -> None:
    reader = sit(there.wang).go("/models").tab_to("main td a").leave("Enter")
    assert "看不到未报送的处罚" in reader.text and "1,242" in reader.text and "71–80 %" in reader.text


def test_batches_are_compared_with_the_list_before(there: SimpleNamespace, sit: Sit) -> None:
    reader = sit(there.shu).go("/batches")
    assert reader.page.locator("main tbody tr").count() >= 2 and "新增" in reader.text


@pytest.fixture
def administrators(office: Office, workbench: Workbench) -> Any:
    return workbench.do(lambda: (office.person("xi", "SA"), office.person("quan", "SE")))


def test_a_new_user_needs_two_administrators_and_a_password_of_their_own(office: Office, administrators: Any, sit: Sit, workbench: Workbench) -> None:
    xi, quan = administrators
    asks = sit(xi).go("/")
    assert asks.path == "/administration"
    new = f"sun{office.mark}"
    form = "form:has([value='user.add']) "
    asks.tab_to("details:has([value='user.add']) summary").press("Enter").fill(form + "[name=username]", new).fill(form + "[name=name]", "孙某")
    asks.choose(form + "[name=role]", "R").choose(form + "[name=unit]", office.first.code).tab_to(form + "button").leave("Enter")
    password = asks.page.inner_text("[role=alert] code")
    guest = sit().go("/login").fill("[name=username]", new).fill("[name=password]", password).leave("Enter")
    assert "用户名或密码不正确" in guest.text, "nothing takes effect before"
    approves = sit(quan).go("/administration")
    assert "孙某" in approves.text and password not in approves.text
    approves.tab_to("button[value=approve]").leave("Enter")
    assert "已生效" in approves.text
    guest.go("/login").fill("[name=username]", new).fill("[name=password]", password).leave("Enter")
    assert guest.path == "/password" and guest.go("/queue").path == "/password"
    own = "an own phrase that is long 8"
    guest.fill("[name=old_password]", password).fill("[name=new_password1]", own).fill("[name=new_password2]", own).leave("Enter")
    assert guest.path == "/" and "检察官" in guest.text


def test_nobody_approves_what_they_asked_for(office: Office, sit: Sit, workbench: Workbench) -> None:
    from jcml.review import changes
    from jcml.review.models import Change

    def begin() -> Any:
        xi = office.person("xi", "SA")
        made, _ = changes.ask(office.act(xi), "unit.add", {"code": f"{office.mark:03d}010109", "zh": "丙区院", "en": "Third district", "parent": office.first.code})
        return xi, made.pk

    xi, change = workbench.do(begin)
    reader = sit(xi).go("/administration")
    assert reader.page.locator("button[value=approve]").count() == 0
    send = """async path => {
      const said = new URLSearchParams({ decision: 'approve', csrfmiddlewaretoken: document.querySelector('[name=csrfmiddlewaretoken]').value });
      return (await fetch(path, { method: 'POST', body: said })).status;
    }"""
    assert reader.page.evaluate(send, f"/administration/{change}/decide") == 403
    assert workbench.do(lambda: Change.objects.get(pk=change).approved) is None


def test_a_change_is_not_approved_with_a_reason(office: Office, administrators: Any, sit: Sit, workbench: Workbench) -> None:
    xi, quan = administrators
    from jcml.review import changes

    workbench.do(lambda: changes.ask(office.act(xi), "unit.title", {"code": office.first.code, "zh": "甲区检察院", "en": "First"}))
    reader = sit(quan).go("/administration").fill("main [name=because]", "名称未经批准").tab_to("button[value=refuse]").leave("Enter")
    assert "未批准" in reader.text
    workbench.do(office.first.refresh_from_db)
    assert office.first.zh == "甲区院"


def test_an_auditor_verifies_and_sees_who_saw_a_clue(there: SimpleNamespace, sit: Sit) -> None:
    reader = sit(there.shen).go("/")
    assert reader.path == "/audit"
    reader.tab_to("form[action='/audit/verify'] button").leave("Enter")
    assert "日志完整" in reader.text
    reader.fill("[name=seen]", there.held.number).leave("Enter")
    assert there.li.username in reader.text
    assert "潘" not in reader.text, "auditors see no content"
    reader.go("/audit").fill("main form[aria-label] [name=actor]", there.wang.username).leave("Enter")
    assert reader.page.locator("table.events tbody tr").count() > 0 and "复核退回" in reader.text
    name, content = downloaded(reader.tab_to("form[action='/audit/export.csv'] button"), "Enter")
    assert name.endswith(".csv") and there.wang.username in content.decode("utf-8-sig")


def test_auditors_and_administrators_do_not_get_to_clues(there: SimpleNamespace, sit: Sit) -> None:
    for user in (there.shen, there.xi, there.quan):
        for path in ("/queue", f"/clues/{there.held.pk}", "/search", "/statistics"):
            assert sit(user).go(path).status in (403, 404), (user.username, path)


@pytest.mark.parametrize("language", ["zh-hans", "en"])
def test_the_question_mark_leads_to_help(there: SimpleNamespace, sit: Sit, workbench: Workbench, language: str) -> None:
    reader = sit(speaking(workbench, there.zhao, language), language=language).go("/").leave("?")
    assert reader.path == "/help" and ("三十分钟" if language == "zh-hans" else "thirty minutes") in reader.text
    speaking(workbench, there.zhao, "zh-hans")


def test_a_clue_that_is_put_off_is_not_offered_to_anybody(there: SimpleNamespace, sit: Sit) -> None:
    reader = sit(there.zhao).go("/queue?state=free")
    assert there.snoozed.number not in reader.text and there.held.number not in reader.text and there.free.number in reader.text
