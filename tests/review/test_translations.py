"""Both languages say everything: the catalogue is complete and fresh, and no page has words that cannot be translated."""

from __future__ import annotations

import ast
import importlib.util
import re
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import polib
import pytest
from conftest import ROOT

REVIEW = ROOT / "src" / "jcml" / "review"
TEMPLATES = sorted((REVIEW / "templates").rglob("*.html"))
MODULES = sorted(p for p in REVIEW.rglob("*.py") if "migrations" not in p.parts)
HAN = re.compile(r"[\u3400-\u9fff]")
PLACEHOLDER = re.compile(r"%\(\w+\)[sd]|%%")
SPOKEN = re.compile(r"""\b(?:aria-label|title|placeholder|alt|aria-description)=(?:"([^"]*)"|'([^']*)')""")
SAME_IN_BOTH = {"中文", "English", "xlsx", "CSV", "PNG", "Word", "jcml", "n", "A", "a", "b"}  # names of languages and formats, and letters that are signs
NOT_PAGES = {"word.py", "api.py", "health.py", "site.py"}  # names of fonts, the words of an interface for machines, and the name that a site gives itself
GETTEXT = {"gettext", "gettext_lazy", "_", "ngettext", "ngettext_lazy", "pgettext", "pgettext_lazy"}


@pytest.fixture(scope="module")
def translations() -> ModuleType:
    """`docs/translations.py`, which is no package."""
    spec = importlib.util.spec_from_file_location("translations", ROOT / "docs" / "translations.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def catalogue(translations: ModuleType) -> polib.POFile:
    return polib.pofile(str(translations.CATALOGUE))


def said(entry: Any) -> str:
    return str(entry.msgstr or entry.msgstr_plural.get(0, ""))


def test_the_catalogue_is_complete_and_fresh(translations: ModuleType) -> None:
    assert translations.main(check=True) == 0, "run: python docs/translations.py"


def test_nothing_is_fuzzy_or_left_over(catalogue: polib.POFile) -> None:
    assert [e.msgid for e in catalogue if "fuzzy" in e.flags or e.obsolete] == []


def test_both_sides_have_the_same_placeholders(catalogue: polib.POFile) -> None:
    for entry in catalogue:
        theirs = [set(PLACEHOLDER.findall(text)) - {"%%"} for text in (entry.msgid, entry.msgid_plural) if text]
        assert set(PLACEHOLDER.findall(said(entry))) - {"%%"} in theirs, entry.msgid
        if "python-format" in entry.flags:
            assert "%" not in PLACEHOLDER.sub("", said(entry)), f"a bare % in {entry.msgid!r}"


def test_translations_are_chinese_and_plain(catalogue: polib.POFile) -> None:
    for entry in catalogue:
        text = said(entry)
        assert HAN.search(text) or not re.search(r"[A-Za-z]{3}", PLACEHOLDER.sub("", entry.msgid)) or text in SAME_IN_BOTH, entry.msgid
        assert not re.search(r"[！!]|违法|嫌疑|有罪", text), text
        assert not re.search(r"[\u3400-\u9fff][,;:?](?!\w)", text), f"half-width punctuation: {text}"
        assert not HAN.search(entry.msgid), f"texts in the code are English: {entry.msgid}"
        assert not re.search(r"\b(?:guilty|suspects?)\b|!", entry.msgid), entry.msgid


def words_outside(source: str) -> Iterator[str]:
    """What a template says by itself: text and spoken attributes, without what is translated or comes as data.

    >>> list(words_outside('<p title="Hallo">{% translate "Yes" %} <b>No</b> {{ name }}</p>'))
    ['Hallo', 'No']
    """
    bare = re.sub(r"\{#.*?#\}|\{% comment.*?endcomment %\}|\{% blocktranslate.*?endblocktranslate %\}", "\n", source, flags=re.DOTALL)
    bare = re.sub(r"\{%.*?%\}|\{\{.*?\}\}", "\n", bare, flags=re.DOTALL)
    for found in SPOKEN.findall(bare):
        yield from (word for word in found if re.search(r"[^\W\d_]", word))
    bare = re.sub(r"<kbd>.*?</kbd>|<code>.*?</code>|<!--.*?-->", " ", bare, flags=re.DOTALL)
    for text in re.sub(r"<(?:[^<>\"']|\"[^\"]*\"|'[^']*')*>", "\n", bare).split("\n"):
        bare_text = re.sub(r"&\w+;", " ", text)
        if set(re.findall(r"[^\W\d_]+", bare_text)) - SAME_IN_BOTH:
            yield bare_text.strip()


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda p: p.name)
def test_templates_have_no_words_of_their_own(path: Path) -> None:
    assert [w for w in words_outside(path.read_text(encoding="utf-8")) if w not in SAME_IN_BOTH] == []


def untranslated(source: str) -> Iterator[str]:
    """Sentences of a module that readers would see as they are: outside gettext, and without the other language beside them.

    >>> list(untranslated('def f():\\n    "A docstring is not sent."\\n    return _("Yes, it is."), "Not found here.", ("甲", "a"), x("乙"), "丙" if zh else day'))
    ['Not found here.', '乙']
    """
    tree = ast.parse(source)
    parents = {child: node for node in ast.walk(tree) for child in ast.iter_child_nodes(node)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            chinese = bool(HAN.search(node.value)) and not re.fullmatch("[一二三四五六七八九十]+", node.value)
            english = bool(re.fullmatch(r"[A-Z][a-z]+(?:[ ,;:'][\w%(){}.,;:'’-]+){2,}[.?]?", node.value.replace("  ", " ")))
            if (chinese or english) and not _excused(node, parents, chinese):
                yield node.value


def _excused(node: ast.AST, parents: dict[ast.AST, ast.AST], chinese: bool) -> bool:
    """A docstring, an argument of gettext, an exception for programmers, or one of two languages."""
    below: ast.AST | None = node
    for above in _above(node, parents):
        if isinstance(above, ast.Expr | ast.Raise | ast.IfExp) or (isinstance(above, ast.Call) and isinstance(above.func, ast.Name) and above.func.id in GETTEXT):
            return True
        if isinstance(above, ast.JoinedStr | ast.keyword):
            below = above
        elif isinstance(above, ast.Tuple | ast.List | ast.Dict | ast.Call) and below is not None:
            beside = above.elts if isinstance(above, ast.Tuple | ast.List) else above.values if isinstance(above, ast.Dict) else [*above.args, *(k.value for k in above.keywords)]
            if any(_other(one, chinese) for one in beside):
                return True
            below = None
        if isinstance(above, ast.stmt):
            return False
    return False


def _other(node: ast.AST, chinese: bool) -> bool:
    """Whether this is text in the other language."""
    parts = node.values if isinstance(node, ast.JoinedStr) else [node]
    texts = [part.value for part in parts if isinstance(part, ast.Constant) and isinstance(part.value, str)]
    return bool(re.search(r"[^\W\d_]", "".join(texts))) and bool(HAN.search("".join(texts))) != chinese


def _above(node: ast.AST, parents: dict[ast.AST, ast.AST]) -> Iterator[ast.AST]:
    while node in parents:
        node = parents[node]
        yield node


@pytest.mark.parametrize("path", [p for p in MODULES if p.name not in NOT_PAGES], ids=lambda p: str(p.relative_to(REVIEW)))
def test_modules_send_no_words_of_their_own(path: Path) -> None:
    assert list(untranslated(path.read_text(encoding="utf-8"))) == []


@pytest.mark.parametrize("path", sorted((REVIEW / "static" / "review").glob("*.js")), ids=lambda p: p.name)
def test_scripts_take_their_words_from_the_page(path: Path) -> None:
    source = re.sub(r"//.*", "", path.read_text(encoding="utf-8"))
    assert not HAN.search(source) and not re.search(r"[\"'][A-Z][a-z]+ [a-z]+[^\"']*[\"']", source)
