"""Making, renaming and retiring supervision models: three files at once, or none; and a new workspace."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

from jcml.errors import InputMissing, OutputError, Place, UsageError, nearest
from jcml.workspace.workspace import KINDS, Workspace

_NAME = re.compile(r"[a-z][a-z0-9_]{1,60}")


def shipped() -> Path:
    """The supervision models that come with jcml: inside the installed package, or in its source tree.

    >>> (shipped() / "features").is_dir()
    True
    """
    import jcml

    inside = Path(jcml.__file__).with_name("shipped")
    return inside if inside.is_dir() else Path(jcml.__file__).resolve().parents[2]


def init(folder: Path) -> list[Path]:
    """Start a workspace and an office in a folder; returns what was written.

    Raises
    ------
    OutputError
        JC1007, if the folder holds a workspace or an office already.

    >>> import tempfile
    >>> [p.name for p in init(Path(tempfile.mkdtemp()) / "new")]
    ['features', 'training', 'serving', 'office.toml']
    """
    taken = [folder / k for k in KINDS if (folder / k).exists()] + [p for p in [folder / "office.toml"] if p.exists()]
    if taken:
        raise OutputError("JC1007", Place(taken[0]))
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for kind in KINDS:
        shutil.copytree(shipped() / kind, folder / kind, ignore=shutil.ignore_patterns("__pycache__"))
        written.append(folder / kind)
    (folder / "office.toml").write_text(OFFICE, encoding="utf-8")
    return [*written, folder / "office.toml"]


OFFICE = """# 办案单位的设置：数据在哪里、列叫什么。字段说明见 docs/reference/office.md。
name = "某某人民检察院"
time_zone = "Asia/Shanghai"

# [tables.vat_returns]
# files = "data/vat/*.csv"
# [tables.vat_returns.columns]
# taxpayer = "纳税人识别号"
"""


def new(workspace: Workspace, name: str, like: str = "") -> list[Path]:
    """Write the three files of a new supervision model, from the templates or from another model.

    Raises
    ------
    UsageError
        JC1008, if the name cannot be used.
    OutputError
        JC1009, if one of the files exists.

    >>> import tempfile
    >>> folder = Path(tempfile.mkdtemp()) / "office"
    >>> _ = init(folder)
    >>> [path.relative_to(folder).as_posix() for path in new(Workspace(folder), "water_fees")]
    ['features/water_fees.py', 'training/water_fees.yaml', 'serving/water_fees.yaml']
    """
    if not _NAME.fullmatch(name):
        raise UsageError("JC1008", name=name)
    if like and like not in workspace.names:
        raise InputMissing("JC1002", model=like, nearest=nearest(like, workspace.names), models=", ".join(workspace.names))
    targets = workspace.files(name)
    for path in targets.values():
        if path.exists():
            raise OutputError("JC1009", Place(path))
    for kind, path in targets.items():
        source = workspace.files(like or "_template")[kind]
        text = source.read_text(encoding="utf-8")
        path.write_text(text.replace(like or "_template", name), encoding="utf-8")
    return list(targets.values())


def rename(workspace: Workspace, old: str, new_name: str) -> list[Path]:
    """Give the files of a model another name; its trained models stay under the old one.

    Raises
    ------
    InputMissing
        JC1002, if there is no such model.

    >>> import tempfile
    >>> folder = Path(tempfile.mkdtemp()) / "office"
    >>> _ = init(folder)
    >>> [path.name for path in rename(Workspace(folder), "reverse_penalty_link", "penalty_link")]
    ['penalty_link.py', 'penalty_link.yaml', 'penalty_link.yaml']
    """
    if old not in workspace.names:
        raise InputMissing("JC1002", model=old, nearest=nearest(old, workspace.names), models=", ".join(workspace.names))
    if not _NAME.fullmatch(new_name):
        raise UsageError("JC1008", name=new_name)
    targets = workspace.files(new_name)
    for path in targets.values():
        if path.exists():
            raise OutputError("JC1009", Place(path))
    for kind, path in workspace.files(old).items():
        if path.exists():
            text = path.read_text(encoding="utf-8").replace(old, new_name)
            targets[kind].write_text(text, encoding="utf-8")
            path.unlink()
    return list(targets.values())


def retire(workspace: Workspace, name: str) -> list[Path]:
    """Take a model out of use: its files move to a folder `retired` beside them; nothing is deleted.

    Raises
    ------
    InputMissing
        JC1002, if there is no such model.

    >>> import tempfile
    >>> folder = Path(tempfile.mkdtemp()) / "office"
    >>> _ = init(folder)
    >>> len(retire(Workspace(folder), "reverse_penalty_link")), "reverse_penalty_link" in Workspace(folder).names
    (3, False)
    """
    if name not in workspace.names:
        raise InputMissing("JC1002", model=name, nearest=nearest(name, workspace.names), models=", ".join(workspace.names))
    moved = []
    for path in workspace.files(name).values():
        if path.exists():
            target = path.parent / "retired" / path.name
            target.parent.mkdir(exist_ok=True)
            path.rename(target)
            moved.append(target)
    return moved
