"""axe finds nothing on any screen in any state and language; none scrolls sideways or mixes languages; headings and landmarks are in order."""

from __future__ import annotations

import re
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from browsing import Reader, Workbench
from conftest import ROOT
from furnished import REAL, SCREENS, Screen, furnish

AXE = (Path(__file__).parent / "axe.min.js").read_text(encoding="utf-8")
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
LANGUAGES = ["zh-hans", "en"]
DATA = "".join(
    path.read_text(encoding="utf-8")
    for path in (REAL, *(ROOT / "tests" / f"{name}.py" for name in ("procuratorate", "browsing", "furnished")), ROOT / "src" / "jcml" / "review" / "migrations" / "0003_beginnings.py")
)
NAMES = {  # languages, formats, keys, tables, columns, authors
    "English", "Word", "CSV", "xlsx", "PNG", "Ctrl", "Enter", "Space", "Esc", "jcml", "Wilson", "Cohen",
    "system", "penalty_decisions", "non_prosecutions", "charge_provisions", "reverse_cases", "handover_days", "li", "zhao", "wang", "chen", "shu",
    "shen", "xin", "yuan", "penalty_link",
}
ORDER = """() => Array.prototype.map.call(document.querySelectorAll('h1, h2, h3, h4, h5, h6'), function (one) { return +one.tagName[1]; })"""


@pytest.fixture(scope="package")
def there(workbench: Workbench) -> SimpleNamespace:
    return workbench.do(furnish, workbench.office())


def before(browser: Any, workbench: Workbench, there: SimpleNamespace, screen: Screen, language: str, **options: Any) -> Reader:
    reader = Reader(browser, workbench, language, **options)
    if screen.who:
        user = getattr(there, screen.who)
        user.language = language
        workbench.do(lambda: user.save(update_fields=["language"]))
        reader.log_in(user)
    return screen.open(reader, there)


def axe(reader: Reader) -> list[Any]:
    reader.page.add_script_tag(content=AXE)
    found = reader.page.evaluate("rules => axe.run(document, { runOnly: rules, resultTypes: ['violations'] })", RULES)["violations"]
    return [(one["id"], one["help"], [node["html"][:160] for node in one["nodes"]][:3]) for one in found]


def foreign(text: str, language: str) -> list[str]:
    """Words in the other language that are neither data nor names."""
    if language == "en":
        return [run for run in re.findall(r"[\u3400-\u9fff]+", text) if run not in DATA and run not in ("中文", "检察监督线索工作台")]
    return sorted({word for word in re.findall(r"\b[A-Za-z_]{3,}\b", text) if word not in NAMES})


def test_axe_would_find_something(browser: Any, workbench: Workbench, there: SimpleNamespace) -> None:
    reader = before(browser, workbench, there, SCREENS[0], "zh-hans", bypass_csp=True)
    reader.page.evaluate("document.querySelector('main').insertAdjacentHTML('beforeend', '<input><span style=\"color:#ccc\">灰色文字</span>')")
    assert [rule for rule, _, _ in axe(reader)] == ["color-contrast", "label"]
    reader.close()


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("screen", SCREENS, ids=lambda screen: screen.name)
def test_axe_finds_nothing(browser: Any, workbench: Workbench, there: SimpleNamespace, screen: Screen, language: str) -> None:
    reader = before(browser, workbench, there, screen, language, bypass_csp=True)  # axe is not ours to serve; journeys count under the real policy
    page = reader.page
    assert axe(reader) == []
    assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth"), "scrolls sideways at 1366 pixels"
    levels = page.evaluate(ORDER)
    assert levels[0] == 1 and levels.count(1) == 1 and all(after - now <= 1 for now, after in pairwise(levels)), levels
    assert page.locator("main, [role=main]").count() == 1 and page.evaluate("document.documentElement.lang") == ("en" if language == "en" else "zh-CN")
    if not screen.name.startswith(("audit", "administration")):  # these show codes and the names of fields
        assert foreign(reader.text, language) == []
    reader.close()


@pytest.mark.parametrize("screen", [s for s in SCREENS if s.name in ("queue", "clue-real", "desk-prosecutor")], ids=lambda screen: screen.name)
def test_twice_the_size_loses_nothing(browser: Any, workbench: Workbench, there: SimpleNamespace, screen: Screen) -> None:
    reader = before(browser, workbench, there, screen, "zh-hans")
    reader.page.set_viewport_size({"width": 683, "height": 384})
    assert reader.page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")
    assert reader.page.locator("main h1").is_visible()
    reader.close()


def test_the_first_clue_page_is_light(browser: Any, workbench: Workbench, there: SimpleNamespace) -> None:
    """At most 400 KB in all that the first clue page asks for, the longest clue of the demonstration's office included."""
    sizes: dict[str, int] = {}
    reader = Reader(browser, workbench).log_in(there.li)
    reader.page.on("response", lambda answer: sizes.__setitem__(answer.url, len(answer.body())))
    reader.go(f"/clues/{there.real.pk}")
    reader.page.wait_for_load_state("networkidle")
    assert 50_000 < sum(sizes.values()) <= 400 * 1024, sizes
    reader.close()
