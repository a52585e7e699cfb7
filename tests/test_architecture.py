"""The house stays the house: layers, one door per heavy library, an instant `jcml --help`, words, formatting, types."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import ROOT

SOURCE = ROOT / "src" / "jcml"
DOORS = {
    "duckdb": {"engines/duckdb.py"},
    "lightgbm": {"estimators/lightgbm.py"},
    "shap": {"estimators/lightgbm.py"},
    "mlflow": {"registry/mlflow.py"},
    "sklearn": {"estimators/baselines.py", "metrics/calibration.py"},  # two models, two doors
    "optuna": {"training/search.py"},
    "matplotlib": {"training/figures.py"},
    "jinja2": {"explanation/pages.py"},
    "yaml": {"strict_yaml.py"},
    "openpyxl": {"tables/reading.py", "simulation/writing.py", "review/sheets.py"},
    "docx": {"review/word.py"},
    "cryptography": {"review/sealing.py"},
    "gunicorn": {"review/server.py"},
    "ninja": {"review/api.py"},
    "mozilla_django_oidc": {"review/openid.py"},
    "django_auth_ldap": {"review/directory.py"},
    "sqlalchemy": {"tables/reading.py", "registry/mlflow.py"},  # its errors, where MLflow lets them through
    "pandas": set(),
}
HEAVY = ["pandas", "lightgbm", "mlflow", "shap", "duckdb", "pyspark", "django", "numpy", "pyarrow", "sklearn", "scipy", "optuna", "matplotlib", "yaml"]


def run(*command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


def imports(path: Path) -> dict[str, list[ast.AST]]:
    """Top-level package → the nodes that import it, outside `if TYPE_CHECKING`."""
    found: dict[str, list[ast.AST]] = {}

    def look(node: ast.AST) -> None:
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            return
        names = [a.name for a in node.names] if isinstance(node, ast.Import) else [node.module or ""] if isinstance(node, ast.ImportFrom) and not node.level else []
        for name in names:
            found.setdefault(name.partition(".")[0], []).append(node)
        for child in ast.iter_child_nodes(node):
            look(child)

    look(ast.parse(path.read_text(encoding="utf-8")))
    return found


FILES = sorted(SOURCE.rglob("*.py"))


def test_the_layers_hold():
    done = run(str(Path(sys.executable).with_name("lint-imports")), "--no-cache")
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("library", DOORS)
def test_a_library_has_one_door(library):
    through = {str(p.relative_to(SOURCE)) for p in FILES if library in imports(p)}
    assert through == DOORS[library]


BEHIND_DJANGO = {"cryptography", "ninja", "mozilla_django_oidc", "django_auth_ldap"}  # whole modules of the workbench load late


@pytest.mark.parametrize("library", sorted(set(DOORS) - {"yaml"} - BEHIND_DJANGO))
def test_doors_open_late(library):
    """A heavy library is imported inside the function that needs it, never when a module is loaded."""
    for path in FILES:
        eager = [n for n in ast.parse(path.read_text(encoding="utf-8")).body if isinstance(n, ast.Import | ast.ImportFrom)]
        assert not [n for n in eager if library in ast.unparse(n).split()[1].split(".")[:1]], path
        assert not [n.lineno for n in imports(path).get(library, []) if n.col_offset == 0], path


@pytest.mark.parametrize("arguments", [["--help"], ["--version"], ["score", "--help"], ["train", "--help"], ["data", "import", "--help"]])
def test_help_loads_none_of_the_heavy_libraries(arguments):
    code = f"""
import sys
from jcml.cli.main import run
try:
    run({arguments!r})
except SystemExit:
    pass
sys.stderr.write(" ".join(sorted(set({HEAVY!r}) & set(sys.modules))))
"""
    done = run(sys.executable, "-c", code)
    assert "Usage" in done.stdout or "用法" in done.stdout or "jcml" in done.stdout
    assert done.stderr.strip() == "", f"loaded: {done.stderr}"


def test_no_pickle_anywhere():
    for path in FILES:
        assert not {"pickle", "joblib", "cloudpickle", "dill", "shelve", "marshal"} & set(imports(path)), path


def test_no_names_that_say_nothing():
    said = {"utils", "util", "common", "helpers", "helper", "manager", "misc"}
    for path in [*SOURCE.rglob("*"), *(ROOT / "features").rglob("*"), *(ROOT / "tests").rglob("*"), *(ROOT / "benchmarks").rglob("*")]:
        assert path.stem not in said, path


def test_ruff_finds_nothing():
    done = run(sys.executable, "-m", "ruff", "check", "--no-cache", "src", "features", "tests", "benchmarks", "docs", "notebooks")
    assert done.returncode == 0, done.stdout


def test_types_hold():
    done = run(sys.executable, "-m", "mypy")
    assert done.returncode == 0, done.stdout
