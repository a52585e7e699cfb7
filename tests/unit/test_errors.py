"""The catalogue of errors is whole: both languages, a next step, no code without a use, no use without a code or a case."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from string import Formatter

import pytest
from broken.cases import CASES

from jcml import errors
from jcml.cli.main import run
from jcml.errors import JcmlError, catalogue

ROOT = Path(__file__).parents[2]
SOURCES = sorted(Path(errors.__file__).parent.rglob("*.py"))
CLASSES = {c.__name__: c for c in (JcmlError, *JcmlError.__subclasses__())}
NO_CASE = {
    "JC3012": "expressions bring their tables along; only a node made without them lacks one",
    "JC9000": "an internal error is one that nobody knows how to cause",
}
"""Codes that no case of the corpus raises, and why."""


def names(sentence: str) -> set[str]:
    """The facts that a sentence names; `_en` marks the English form of one."""
    return {name.removesuffix("_en") for _, name, _, _ in Formatter().parse(sentence) if name}


def trees() -> Iterator[tuple[Path, ast.AST]]:
    for path in SOURCES:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            yield path, node


def raised() -> set[str]:
    """Every code that stands in the sources as a value; examples in docstrings do not count."""
    return {n.value for _, n in trees() if isinstance(n, ast.Constant) and re.fullmatch(r"JC\d{4}", str(n.value))}


def made() -> Iterator[tuple[str, str, str, set[str]]]:
    """(place, class, code, facts) wherever an error is made with its code and its facts written out."""
    for path, node in trees():
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in CLASSES and node.args:
            code, facts = node.args[0], {k.arg for k in node.keywords}
            if isinstance(code, ast.Constant) and isinstance(code.value, str) and None not in facts:
                yield f"{path.name}:{node.lineno}", node.func.id, code.value, {f for f in facts if f}


@pytest.mark.parametrize("code", catalogue())
def test_every_entry_says_the_same_in_both_languages(code):
    zh, en = catalogue()[code]["zh"], catalogue()[code]["en"]
    assert set(zh) == set(en) >= {"what", "next"}
    assert all(text.strip() for text in (*zh.values(), *en.values()))
    assert {part: names(text) for part, text in zh.items()} == {part: names(text) for part, text in en.items()}


def test_every_code_is_raised_and_every_raised_code_is_in_the_catalogue():
    assert raised() == set(catalogue())


def test_every_kind_is_that_of_the_class_which_is_raised():
    wrong = [(place, name, code) for place, name, code, _ in made() if CLASSES[name].kind != catalogue()[code]["kind"]]
    assert not wrong


def test_every_fact_that_a_message_names_is_given():
    wrong = []
    for place, _, code, facts in made():
        told = {name for text in catalogue()[code]["en"].values() for _, name, _, _ in Formatter().parse(text) if name}
        if not told <= facts:
            wrong.append((place, code, told - facts))
    assert not wrong


def test_every_code_is_met_by_a_case():
    """Those of the workbench and of a cluster are met where these are tested."""
    written = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "tests").rglob("*.py") if "broken" not in path.parts)
    met = {case.code for case in CASES if case.code} | {code for code in catalogue() if code.startswith(("JC7", "JC25")) and code in written}
    assert met | set(NO_CASE) == set(catalogue())
    assert not met & set(NO_CASE)


def test_exit_codes_are_those_that_are_documented():
    documented = dict(re.findall(r"[├└]── (\w+) +(\d+) ", errors.__doc__ or ""))
    assert {n: int(c) for n, c in documented.items()} == {n: c.exit_code for n, c in CLASSES.items() if c is not JcmlError}
    assert {entry["kind"] for entry in catalogue().values()} <= {c.kind for c in CLASSES.values()}


@pytest.mark.parametrize("language", ["zh", "en"])
def test_help_explains_every_code(language, capsys):
    for code, entry in catalogue().items():
        assert run(["--lang", language, "help", code]) == 0
        said = capsys.readouterr().out
        assert f"what: {entry[language]['what']}" in said
        assert f"next: {entry[language]['next']}" in said
