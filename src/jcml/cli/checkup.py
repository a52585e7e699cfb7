"""What `jcml doctor` looks at."""

from __future__ import annotations

import importlib.metadata
import platform
import sys
from typing import Any

from jcml.cli.console import Console
from jcml.errors import JcmlError

NEEDED = ("click", "duckdb", "lightgbm", "mlflow-skinny", "numpy", "optuna", "pandas", "pyarrow", "pyyaml", "scikit-learn", "scipy", "shap", "sqlalchemy")
OPTIONAL = {"matplotlib": "plots", "splink": "linkage", "pyspark": "spark", "django": "review"}


def checkup(console: Console) -> list[dict[str, Any]]:
    """One entry per check: its name, whether it holds, and a detail.

    >>> all(c["ok"] for c in checkup(Console("en")) if c["check"] == "python")
    True
    """
    found = [_check("python", sys.version_info >= (3, 11), f"{platform.python_version()} {platform.machine()}")]
    for name in NEEDED:
        version = _version(name)
        found.append(_check(name, version is not None, version or "-"))
    for name, extra in OPTIONAL.items():
        found.append(_check(f"{name} ({extra})", True, _version(name) or console.text("未安装（可选）", "not installed (optional)")))
    found.append(_definitions(console))
    found += _office(console)
    return found


def _check(name: str, ok: bool, detail: str) -> dict[str, Any]:
    return {"check": name, "ok": ok, "detail": detail}


def _version(name: str) -> str | None:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return None


def _definitions(console: Console) -> dict[str, Any]:
    from jcml.cli.context import workspace_of

    try:
        workspace = workspace_of(console)
        problems = workspace.check()
    except JcmlError as error:
        return _check("workspace", False, str(error))
    return _check("workspace", not problems, f"{len(workspace.names)} models" if not problems else str(problems[0]))


def _office(console: Console) -> list[dict[str, Any]]:
    from pathlib import Path

    from jcml.cli.context import registry_of, store_of

    place = console.office if console.office is not None else Path.cwd()
    if not (place if place.is_file() else place / "office.toml").exists():
        return []
    try:
        workspace, store = store_of(console)
        found = [_check("office", True, store.office.name)]
        for name in workspace.names:
            if (store.root / "mlflow" / "mlflow.db").exists():
                wrong = registry_of(store).verify(name)
                found.append(_check(f"registry {name}", not wrong, f"{len(wrong)} digests do not hold" if wrong else "ok"))
        left = list(store.root.rglob(".*.part"))
        found.append(_check("interrupted writes", True, str(len(left))))
        return found
    except JcmlError as error:
        return [_check("office", False, str(error))]
