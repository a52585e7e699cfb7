"""Everything public is described where it stands, the reference says what the code says, and links lead somewhere."""

from __future__ import annotations

import ast
import importlib.util
import json
import re
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

from jcml.errors import catalogue
from jcml.registry.mlflow import CONTENTS
from jcml.tables.office import KEYS
from jcml.workspace.workspace import Workspace

ROOT = Path(__file__).resolve().parents[1]
SOURCES = [p for p in sorted((ROOT / "src" / "jcml").rglob("*.py")) if not p.name.endswith("_initial.py")]  # Django writes that one
SAID_TO_PROSECUTORS = ("违法", "嫌疑", "罪犯")
FORBIDDEN = (*SAID_TO_PROSECUTORS, "suspect", "guilty", "TODO", "FIXME", "simply", "state of the art", "state-of-the-art", "world-class", "cutting-edge")


def reference() -> ModuleType:
    """`docs/build.py`, which is no package."""
    spec = importlib.util.spec_from_file_location("reference", ROOT / "docs" / "build.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def public(tree: ast.Module) -> Iterator[tuple[str, ast.FunctionDef | ast.ClassDef, bool]]:
    """Every public class, function and method of a module; True for those that stand on their own."""
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef) and not node.name.startswith("_"):
            yield node.name, node, True
            for child in node.body if isinstance(node, ast.ClassDef) else ():
                overload = any("overload" in ast.unparse(d) for d in getattr(child, "decorator_list", ()))
                if isinstance(child, ast.FunctionDef) and not child.name.startswith("_") and not overload:
                    yield f"{node.name}.{child.name}", child, False


def shows_something(doc: str, name: str) -> bool:
    """An example that says no more than the thing's own name is none."""
    lines = [line.strip() for line in doc.splitlines() if line.strip().startswith(">>>")]
    return bool(lines) and lines != [f">>> {name}.__name__"]


@pytest.mark.parametrize("path", SOURCES, ids=lambda p: str(p.relative_to(ROOT / "src")))
def test_every_public_name_says_what_it_is(path: Path) -> None:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    assert ast.get_docstring(tree), "the module"
    assert [name for name, node, _ in public(tree) if not ast.get_docstring(node)] == []


def shown_elsewhere(path: Path) -> bool:
    """The command line is shown in docs/guide.md, whose commands run in test_guide.py; pages and tables of the workbench in tests/review/journeys."""
    return "cli" in path.parts or ("review" in path.parts and bool(re.search(r"^(from|import) (django|ninja|mozilla|docx)|jcml\.review\.models", path.read_text(encoding="utf-8"), re.M)))


@pytest.mark.parametrize("path", [p for p in SOURCES if not shown_elsewhere(p)], ids=lambda p: str(p.relative_to(ROOT / "src")))
def test_every_public_function_and_class_shows_an_example_that_runs(path: Path) -> None:
    """Methods are shown with their class."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    assert [name for name, node, alone in public(tree) if alone and not shows_something(ast.get_docstring(node) or "", name)] == []


def test_the_reference_says_what_the_code_says() -> None:
    assert [path.name for path in reference().stale()] == [], "run `make docs`"


def test_every_command_and_option_has_help_and_stands_in_the_reference() -> None:
    import click

    build = reference()
    page = (ROOT / "docs" / "reference" / "commands.md").read_text(encoding="utf-8")
    for name, command in build.every_command():
        assert command.help, name
        assert f" {name}\n" in page, name
        for parameter in command.params:
            if isinstance(parameter, click.Option) and "--help" not in parameter.opts:
                assert parameter.help, (name, parameter.opts)
                assert max(parameter.opts, key=len) in page.split(f" {name}\n")[1].split("\n#")[0], (name, parameter.opts)


def test_every_key_of_a_plan_is_described_and_stands_in_the_reference() -> None:
    build = reference()
    page = (ROOT / "docs" / "reference" / "plans.md").read_text(encoding="utf-8")
    for shape in (build.TrainingPlan, build.ServingPlan, build.ParameterEntry, build.CalendarFile):
        for key, _, _, says in build.keys(shape):
            assert says, (shape.__name__, key)
            assert f"| `{key}` |" in page, key


def test_every_key_of_an_office_stands_in_the_reference() -> None:
    page = (ROOT / "docs" / "reference" / "office.md").read_text(encoding="utf-8")
    for table, keys in KEYS.items():
        part = page.split(f"## [{table}]\n" if table else "## Top\n")[1].split("\n## ")[0]
        assert [key for key, (_, says) in keys.items() if not says or f"| `{key}` |" not in part] == [], table


def test_every_error_code_stands_in_the_reference() -> None:
    page = (ROOT / "docs" / "reference" / "errors.md").read_text(encoding="utf-8")
    assert [code for code in catalogue() if f"### {code}\n" not in page] == []


def test_every_word_of_the_feature_language_stands_in_the_reference() -> None:
    import jcml.features
    import jcml.tables

    page = (ROOT / "docs" / "reference" / "language.md").read_text(encoding="utf-8")
    assert [n for n in (*jcml.features.__all__, *jcml.tables.__all__) if not re.search(rf"[# `]{n}\b", page)] == []


def test_mlflow_holds_what_the_reference_says_and_nothing_else(office: Path) -> None:
    """The trained office is looked at as any other tool would: in the database and in the folder of artifacts."""
    with sqlite3.connect(office / "state" / "mlflow" / "mlflow.db") as store:
        tags = {row[0] for row in store.execute("SELECT key FROM model_version_tags")}
        parameters = {row[0] for row in store.execute("SELECT key FROM params") if not row[0].startswith("setting.")}
    assert tags == set(CONTENTS["tags of a version"])
    assert parameters == set(CONTENTS["parameters of a run"]) - {"setting.NAME"}
    folders = list((office / "state" / "mlflow" / "artifacts" / "example").glob("*/artifacts"))
    files = {p.relative_to(f).as_posix() for f in folders for p in f.rglob("*") if p.is_file()}
    described = set(CONTENTS["files"])
    assert files <= described
    assert {name for name in described - files if not name.endswith(".png")} == set()


def tracked(*endings: str) -> list[Path]:
    """Files of the repository that others will read."""
    folders = ("docs", "features", "training", "serving", "notebooks", "benchmarks", "tests", "src")
    return sorted(p for p in (*ROOT.glob("*"), *(q for f in folders for q in (ROOT / f).rglob("*"))) if p.name.endswith(endings))


def anchors(path: Path) -> set[str]:
    """The headings of a page as links name them."""
    headings = re.findall(r"^#+ (.+)$", path.read_text(encoding="utf-8"), re.M)
    return {re.sub(r"[^\w\- ]", "", h.lower()).replace(" ", "-") for h in headings}


@pytest.mark.parametrize("page", tracked(".md"), ids=lambda p: str(p.relative_to(ROOT)))
def test_relative_links_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)\s]+)\)", page.read_text(encoding="utf-8")):
        if re.match(r"[a-z]+:", target):
            continue
        name, _, anchor = target.partition("#")
        found = (page.parent / name).resolve() if name else page
        assert found.exists(), target
        assert not anchor or anchor in anchors(found), target


@pytest.mark.parametrize("page", tracked(".md", ".ipynb", ".html"), ids=lambda p: str(p.relative_to(ROOT)))
def test_no_page_uses_a_word_that_we_do_not_use(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    if page.suffix == ".ipynb":
        text = "\n".join("".join(cell["source"]) for cell in json.loads(text)["cells"])
    assert [word for word in FORBIDDEN if re.search(rf"\b{word}\b" if word.isascii() else word, text)] == []


def test_no_sentence_for_a_prosecutor_calls_anybody_guilty() -> None:
    workspace = Workspace(ROOT)
    for name in workspace.names:
        definition = workspace.model(name).definition
        sentences = [f.zh for f in (*definition.named_features.values(), *definition.named_facts.values())]
        sentences += [r.zh for r in definition.rules.values()] + [definition.title[0], definition.asks[0]]
        assert [s for s in sentences if any(word in s for word in SAID_TO_PROSECUTORS)] == [], name


def test_every_decision_is_listed_and_says_what_was_decided_and_what_follows() -> None:
    notes = sorted((ROOT / "docs" / "decisions").glob("[0-9]*.md"))
    index = (ROOT / "docs" / "decisions" / "README.md").read_text(encoding="utf-8")
    assert [n.name for n in notes if n.name not in index] == []
    assert [int(n.name[:4]) for n in notes] == list(range(1, len(notes) + 1))
    for note in notes:
        parts = re.findall(r"^\*\*(\w+)\*\*", note.read_text(encoding="utf-8"), re.M)
        assert parts == ["Status", "Context", "Decision", "Consequences"], note.name


def test_chinese_and_english_readme_have_the_same_parts() -> None:
    shape = [[re.sub(r"[^#`]", "", line) for line in (ROOT / n).read_text(encoding="utf-8").splitlines() if line.startswith(("#", "```"))] for n in ("README.md", "README.zh.md")]
    assert shape[0] == shape[1]
