"""Every script and style sheet that is served stays within Chromium 83: syntax of ES2020 and none of the later names and rules."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from conftest import ROOT

SERVED = ROOT / "src" / "jcml" / "review" / "static"
OURS = [p for p in sorted(SERVED.rglob("*.js")) if "vendor" not in p.parts]
VENDORED = [p for p in sorted(SERVED.rglob("*.js")) if "vendor" in p.parts]
SHEETS = sorted(SERVED.rglob("*.css"))
REGEX_MAY_FOLLOW = re.compile(r"(?:^|[(,=:\[!&|?{};+\-*%~^<>]|\b(?:return|typeof|case|in|of|do|else|void|delete|throw|new|instanceof))\s*$")

# What came after Chromium 83, by the version that brought it; syntax first, then names.
LATER_SYNTAX = {
    "logical assignment (85)": r"(?:\?\?|\|\||&&)=", "private field (84)": r"[.{;,\s]#[A-Za-z_$][\w$]*\s*(?:[=;(.]|\bin\b)", "static block (94)": r"\bstatic\s*\{",
    "numeric separator (75, but ES2021)": r"\b\d+_\d", "class field (ES2022)": r"\bclass\b[^{]*\{\s*(?:static\s+)?[A-Za-z_$][\w$]*\s*[=;]",
    "top-level await (89)": r"^await\b|^\s*(?:const|let|var)\s+[\w$]+\s*=\s*await\b",
}
LATER_NAMES = {
    "replaceAll (85)": r"\.replaceAll\(", "at (92)": r"\.at\(", "Object.hasOwn (93)": r"\bObject\.hasOwn\b", "structuredClone (98)": r"\bstructuredClone\b",
    "findLast (97)": r"\.findLast(?:Index)?\(", "Promise.any (85)": r"\bPromise\.any\b", "WeakRef (84)": r"\bWeakRef\b", "AggregateError (85)": r"\bAggregateError\b",
    "randomUUID (92)": r"\brandomUUID\b", "toSorted and kin (110)": r"\.(?:toSorted|toReversed|toSpliced)\(", "Object.groupBy (117)": r"\b(?:Object|Map)\.groupBy\b",
    "replaceChildren (86)": r"\.replaceChildren\(", "AbortSignal.timeout (103)": r"\bAbortSignal\.timeout\b",
}
LATER_STYLE = {
    ":has (105)": r":has\(", ":is (88)": r":is\(", ":where (88)": r":where\(", ":focus-visible (86)": r":focus-visible", "@layer (99)": r"@layer\b",
    "@container (105)": r"@container\b", "container-type (105)": r"\bcontainer(?:-type|-name)?\s*:", "aspect-ratio (88)": r"\baspect-ratio\s*:", "inset (87)": r"(?<![\w-])inset\s*:",
    "oklch and kin (111)": r"\b(?:oklch|oklab|lch|lab|color-mix)\(", "accent-color (93)": r"\baccent-color\s*:", "gap without grid- (84 in flex)": r"(?<![\w-])(?:row-|column-)?gap\s*:",
    "dvh and kin (108)": r"\d(?:dvh|svh|lvh)\b", "nesting (112)": r"&", "margin-inline and kin (87)": r"\b(?:margin|padding)-(?:inline|block)\s*:", "content-visibility (85)": r"\bcontent-visibility\s*:",
    "text-wrap (114)": r"\btext-wrap\s*:", "@property (85)": r"@property\b", "scrollbar-gutter (94)": r"\bscrollbar-gutter\s*:",
}


def code_of(source: str) -> str:
    """A script with its strings, comments and regular expressions emptied; what templates compute stays.

    >>> code_of("a = '.at(' + b.at(0) // .at(")
    "a = '' + b.at(0) "
    >>> code_of("x = /[/]\\\\/??=/.test(y) ? `${a ??= 1} .at(` : 2 / 3 / 4")
    'x = /r/.test(y) ? `${a ??= 1}` : 2 / 3 / 4'
    """
    out: list[str] = []
    templates: list[int] = []
    at, depth = 0, 0
    while at < len(source):
        here, pair = source[at], source[at : at + 2]
        if pair == "//":
            at = (source + "\n").index("\n", at)
        elif pair == "/*":
            at = source.index("*/", at) + 2
        elif here in "'\"":
            end = at + 1
            while source[end] != here:
                end += 2 if source[end] == "\\" else 1
            out.append(here * 2)
            at = end + 1
        elif here == "`" or (here == "}" and templates and templates[-1] == depth):
            if here == "}":
                templates.pop()
            at, closed = _template(source, at + 1)
            out.append("`" if here == "`" else "}")
            if closed:
                out.append("`")
            else:
                out.append("${")
                templates.append(depth)
        elif here == "/" and REGEX_MAY_FOLLOW.search("".join(out[-40:])):
            at = _regular_expression(source, at)
            out.append("/r/")
        else:
            depth += {"{": 1, "}": -1}.get(here, 0)
            out.append(here)
            at += 1
    return "".join(out)


def _template(source: str, at: int) -> tuple[int, bool]:
    """Past the text of a template: to its end, or into what it computes."""
    while source[at] != "`" and source[at : at + 2] != "${":
        at += 2 if source[at] == "\\" else 1
    return (at + 1, True) if source[at] == "`" else (at + 2, False)


def _regular_expression(source: str, at: int) -> int:
    at, in_class = at + 1, False
    while source[at] != "/" or in_class:
        in_class = {"[": True, "]": False}.get(source[at], in_class)
        at += 2 if source[at] == "\\" else 1
    return at + 1


def later(text: str, rules: dict[str, str]) -> list[str]:
    return [f"{name}: {text[max(0, m.start() - 30) : m.end() + 20]!r}" for name, rule in rules.items() if (m := re.search(rule, text, re.MULTILINE))]


@pytest.mark.parametrize("path", OURS, ids=lambda p: p.name)
def test_our_scripts_use_nothing_later(path: Path) -> None:
    code = code_of(path.read_text(encoding="utf-8"))
    assert later(code, {**LATER_SYNTAX, **LATER_NAMES}) == []
    assert later(code, {"optional chaining": r"\?\.(?!\d)", "nullish": r"\?\?"}) == [], "house rule: ES2017"


@pytest.mark.parametrize("path", VENDORED, ids=lambda p: p.name)
def test_vendored_scripts_use_nothing_later(path: Path) -> None:
    assert later(code_of(path.read_text(encoding="utf-8")), {**LATER_SYNTAX, **LATER_NAMES}) == []


@pytest.mark.parametrize("path", SHEETS, ids=lambda p: p.name)
def test_style_sheets_use_nothing_later(path: Path) -> None:
    sheet = re.sub(r"/\*.*?\*/|\"[^\"]*\"|'[^']*'", "", path.read_text(encoding="utf-8"), flags=re.DOTALL)
    assert later(sheet, LATER_STYLE) == []


@pytest.mark.parametrize(
    ("script", "name"),
    [
        ("a ??= b", "logical assignment (85)"), ("class A { #x = 1 }", "private field (84)"), ("class A { x = 1 }", "class field (ES2022)"), ("class A { static { f() } }", "static block (94)"),
        ("await f()", "top-level await (89)"), ("n = 1_000", "numeric separator (75, but ES2021)"), ("'a'.replaceAll('b', 'c')", "replaceAll (85)"), ("x = [1].at(-1)", "at (92)"),
        ("`${a.at(0)}`", "at (92)"), ("structuredClone(a)", "structuredClone (98)"), ("Object.hasOwn(a, b)", "Object.hasOwn (93)"),
    ],
)
def test_the_gate_sees_what_is_later(script: str, name: str) -> None:
    assert [found.partition(":")[0] for found in later(code_of(script), {**LATER_SYNTAX, **LATER_NAMES})] == [name]


@pytest.mark.parametrize("script", ["var s = 'a.at(0) ??= #x'; // b.at(1)", "x = /\\.at\\(/.test(y)", "a ?? b", "a?.b", "var d = 6 / 2 / g.at", "a.indexOf('#') === 0"])
def test_the_gate_lets_pass_what_is_not(script: str) -> None:
    assert later(code_of(script), {**LATER_SYNTAX, **LATER_NAMES}) == []


def test_no_template_holds_script_or_style() -> None:
    """The content policy would stop them; nobody should have to find out in a browser."""
    for path in sorted((ROOT / "src" / "jcml" / "review" / "templates").rglob("*.html")):
        text = path.read_text(encoding="utf-8")
        assert not re.search(r"<style|\sstyle=|\son(?:click|change|submit|load|error|input|focus|blur|key\w+|mouse\w+)=|javascript:|<script(?![^>]*\ssrc=)", text), path.name
        assert not re.search(r"https?://", text), path.name
