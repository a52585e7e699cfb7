"""Getting in and out, languages, and keys that can be switched off and leave an input method alone."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from browsing import Office, Reader, Workbench
from procuratorate import PASSWORD

Sit = Callable[..., Reader]


def test_logging_in_says_when_it_was_last_and_out_again(office: Office, sit: Sit, workbench: Workbench) -> None:
    li = workbench.with_password(workbench.do(office.person, "li", "R"))
    reader = sit()
    for again in (False, True):
        reader.go("/queue")
        assert reader.path == "/login" and "供检察人员核查线索使用" in reader.text
        reader.fill("[name=username]", li.username).fill("[name=password]", PASSWORD).leave("Enter")
        assert reader.path == "/queue", "on to the page that was asked for"
        assert ("上次登录" in reader.go("/").text) == again
        reader.tab_to("form[action='/logout'] button").leave("Enter")
        assert reader.path == "/login"
    assert reader.go("/").path == "/login"


@pytest.fixture
def unlocked(workbench: Workbench) -> Iterator[None]:
    """All journeys come from one address, which is locked with the name; it is unlocked afterwards."""
    from axes.utils import reset

    yield
    workbench.do(reset)


@pytest.mark.parametrize("language", ["zh-hans", "en"])
def test_five_wrong_passwords_lock_the_door(unlocked: None, office: Office, sit: Sit, workbench: Workbench, language: str) -> None:
    li = workbench.with_password(workbench.do(office.person, "li", "R"))
    reader = sit(language=language).go("/login")
    for _ in range(5):
        reader.go("/login").fill("[name=username]", li.username).fill("[name=password]", "wrong").leave("Enter")
    assert ("十五分钟" if language == "zh-hans" else "fifteen minutes") in reader.text
    reader.go("/login").fill("[name=username]", li.username).fill("[name=password]", PASSWORD).leave("Enter")
    assert ("暂时锁定" if language == "zh-hans" else "Locked for a while") in reader.text, "the right one does not help either"


def test_the_language_is_kept_for_a_person(office: Office, sit: Sit, workbench: Workbench) -> None:
    li = workbench.do(office.person, "li", "R")
    reader = sit(li).go("/queue")
    assert reader.page.get_attribute("html", "lang") == "zh-CN"
    reader.tab_to("form[action='/language'] button").leave("Enter")
    assert reader.path == "/queue" and reader.page.get_attribute("html", "lang") == "en" and "Claim the next clue" in reader.text
    assert sit(li).go("/").page.get_attribute("html", "lang") == "en"


def test_the_language_of_the_door(sit: Sit, browser: object) -> None:
    reader = sit().go("/login")
    reader.tab_to("form[action='/language'] button").leave("Enter")
    assert reader.path == "/login" and reader.page.get_attribute("html", "lang") == "en" and "people decide" in reader.text


def test_an_ended_session_leads_to_the_door_from_a_part_of_a_page_too(office: Office, sit: Sit, workbench: Workbench) -> None:
    from django.contrib.sessions.models import Session

    workbench.do(office.clues, 2)
    reader = sit(workbench.do(office.person, "li", "R")).go("/queue").press("j")
    workbench.do(lambda: Session.objects.all().delete())
    reader.leave(" ")
    assert reader.path == "/login"


def test_a_password_is_changed(office: Office, sit: Sit, workbench: Workbench) -> None:
    li = workbench.with_password(workbench.do(office.person, "li", "R"))
    reader = sit(li).go("/password")
    new = "a new and longer phrase 7"
    reader.fill("[name=old_password]", PASSWORD).fill("[name=new_password1]", "short").fill("[name=new_password2]", "short").leave("Enter")
    assert "12" in reader.page.inner_text("[role=alert]")
    reader.fill("[name=old_password]", PASSWORD).fill("[name=new_password1]", new).fill("[name=new_password2]", new).leave("Enter")
    assert reader.path == "/"
    workbench.do(li.refresh_from_db)
    assert workbench.do(li.check_password, new)


def test_the_first_tab_skips_to_the_content(office: Office, sit: Sit, workbench: Workbench) -> None:
    reader = sit(workbench.do(office.person, "li", "R")).go("/queue").press("Tab")
    assert reader.page.evaluate("document.activeElement.className") == "skip" and reader.page.locator(".skip").bounding_box()["x"] >= 0
    reader.press("Enter", "Tab")
    assert reader.page.evaluate("document.querySelector('main').contains(document.activeElement)")


def test_letters_do_nothing_when_they_are_switched_off(office: Office, sit: Sit, workbench: Workbench) -> None:
    workbench.do(office.clues, 2)
    li = workbench.do(office.person, "li", "R")
    li.shortcuts = False
    workbench.do(li.save)
    reader = sit(li).go("/").press("n", "g", "q")
    reader.page.wait_for_timeout(300)
    assert reader.path == "/" and workbench.do(lambda: type(li).objects.get(pk=li.pk).held.count()) == 0
    reader.tab_to("[data-key=n]").leave("Enter")
    assert reader.path.startswith("/clues/"), "the button is still there"


@pytest.mark.parametrize("how", [{"isComposing": True}, {"keyCode": 229}])
def test_keys_of_an_input_method_are_left_alone(office: Office, sit: Sit, workbench: Workbench, how: dict[str, object]) -> None:
    workbench.do(office.clues, 2)
    li = workbench.do(office.person, "li", "R")
    reader = sit(li).go("/")
    reader.page.evaluate("how => document.body.dispatchEvent(new KeyboardEvent('keydown', Object.assign({ key: 'n', bubbles: true, cancelable: true }, how)))", how)
    reader.page.wait_for_timeout(300)
    assert reader.path == "/" and workbench.do(li.held.count) == 0
    with reader.page.expect_navigation():
        reader.page.evaluate("document.body.dispatchEvent(new KeyboardEvent('keydown', { key: 'n', bubbles: true, cancelable: true }))")
    assert workbench.do(li.held.count) == 1


def test_letters_in_a_field_are_letters(office: Office, sit: Sit, workbench: Workbench) -> None:
    from jcml.review import handling

    clue = workbench.do(office.clues, 1)[0]
    li = workbench.do(office.person, "li", "R")
    workbench.do(lambda: handling.claim(office.act(li), clue.pk))
    reader = sit(li).go(f"/clues/{clue.pk}").press("5").tab_to("[name=linked]")
    reader.page.keyboard.type("nzj1a?/")
    assert reader.page.input_value("[name=linked]") == "nzj1a?/" and reader.page.is_checked("[name=kind][value=duplicate]") and reader.path == f"/clues/{clue.pk}"


def test_a_page_that_is_not_there(office: Office, sit: Sit, workbench: Workbench) -> None:
    reader = sit(workbench.do(office.person, "li", "R")).go("/no/such/page")
    assert reader.status == 404 and "无权查看或不存在" in reader.text
    assert reader.tab_to("main a.button").leave("Enter").path == "/"


def test_pages_work_without_scripts(office: Office, sit: Sit, workbench: Workbench) -> None:
    clue = workbench.do(office.clues, 1)[0]
    page = sit(workbench.do(office.person, "li", "R"), java_script_enabled=False).page
    page.goto(f"{workbench.address}/")
    page.get_by_role("button", name="领取下一条").press("Enter")
    page.wait_for_url(f"**/clues/{clue.pk}")
    page.locator("[name=kind][value=duplicate]").press(" ")
    page.get_by_label("另一线索编号或案号").fill("XS-3")
    page.get_by_role("button", name="提交意见").press("Enter")
    page.wait_for_load_state()
    workbench.do(clue.refresh_from_db)
    assert clue.state == "closed"
