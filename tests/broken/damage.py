"""Ways to break a copy of the small office; each gives a function from the office's folder to nothing."""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import io
import json
import os
import pickle
import shutil
import sqlite3
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeAlias

Damage: TypeAlias = Callable[[Path], None]

DELIVERIES = "data/deliveries.csv"
HEADER = "送货单号,场所编号,数量,送货日期,入库日期"
GOOD = "D-{i},P-0001,{i}00.000,2024-01-1{i},2024-01-2{i}"
_HELD: list[int] = []


def found(office: Path, path: str) -> Path:
    """The one file of an office that a path with wildcards names."""
    (file,) = office.glob(path)
    return file


# -- files -----------------------------------------------------------------------------------------------------------


def write(path: str, content: str | bytes) -> Damage:
    raw = content.encode() if isinstance(content, str) else content

    def damage(office: Path) -> None:
        file = found(office, path) if "*" in path else office / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(raw)

    return damage


def replace(path: str, *changes: tuple[str, str]) -> Damage:
    def damage(office: Path) -> None:
        file = found(office, path)
        text = file.read_text(encoding="utf-8")
        for old, new in changes:
            assert old in text, old
            text = text.replace(old, new)
        file.write_text(text, encoding="utf-8")

    return damage


def append(path: str, text: str) -> Damage:
    def damage(office: Path) -> None:
        with found(office, path).open("a", encoding="utf-8") as stream:
            stream.write(text)

    return damage


def cut(path: str, share: float = 0.5) -> Damage:
    """Only the first part of the bytes came through."""

    def damage(office: Path) -> None:
        file = found(office, path)
        raw = file.read_bytes()
        file.write_bytes(raw[: int(len(raw) * share)])

    return damage


def flip(path: str, at: float = 0.5) -> Damage:
    """One byte is another one."""

    def damage(office: Path) -> None:
        file = found(office, path)
        raw = bytearray(file.read_bytes())
        raw[int(len(raw) * at)] ^= 1
        file.write_bytes(raw)

    return damage


def remove(*paths: str) -> Damage:
    def damage(office: Path) -> None:
        for path in paths:
            for file in list(office.glob(path)):
                shutil.rmtree(file) if file.is_dir() else file.unlink()

    return damage


def folder_in_place(path: str) -> Damage:
    def damage(office: Path) -> None:
        remove(path)(office)
        (office / path).mkdir(parents=True)

    return damage


def file_in_place(path: str) -> Damage:
    def damage(office: Path) -> None:
        remove(path)(office)
        (office / path).write_text("")

    return damage


def leads_nowhere(path: str) -> Damage:
    """A link to a file that is not there."""
    return lambda office: (office / path).symlink_to(office / "nowhere")


def rights(path: str, mode: int) -> Damage:
    return lambda office: found(office, path).chmod(mode)


def held(path: str) -> Damage:
    """Another run holds the lock; `let_go` ends it."""

    def damage(office: Path) -> None:
        file = office / path if "*" not in path else found(office, path)
        file.parent.mkdir(parents=True, exist_ok=True)
        handle = os.open(file, os.O_RDWR | os.O_CREAT)
        fcntl.flock(handle, fcntl.LOCK_EX)
        _HELD.append(handle)

    return damage


def let_go() -> None:
    while _HELD:
        os.close(_HELD.pop())


# -- data ------------------------------------------------------------------------------------------------------------


def rows(*lines: str, header: str = HEADER, good: int = 3) -> str:
    """A file of deliveries: header, good rows, then these lines."""
    return "\n".join([header, *(GOOD.format(i=i + 1) for i in range(good)), *lines]) + "\n"


def deliveries(content: str | bytes, file: str = DELIVERIES, **binding: Any) -> Damage:
    """Deliver this instead, as this file, with these settings in office.toml."""
    said = "".join(f"{k} = {json.dumps(v, ensure_ascii=False)}\n" for k, v in binding.items())

    def damage(office: Path) -> None:
        write(file, content)(office)
        replace("office.toml", ('[tables.deliveries]\nfiles = "data/deliveries.csv"\n', f'[tables.deliveries]\nfiles = "{file}"\n{said}'))(office)

    return damage


def database(url: str, table: str = "送货") -> Damage:
    return replace("office.toml", ('[tables.deliveries]\nfiles = "data/deliveries.csv"', f'[tables.deliveries]\ndatabase = "{url}"\ntable = "{table}"'))


def workbook(*lines: Sequence[Any]) -> bytes:
    import openpyxl

    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    for line in lines or (HEADER.split(","), ["D-1", "P-0001", 100, "2024-01-11", "2024-01-21"]):
        sheet.append(list(line))
    made = io.BytesIO()
    book.save(made)
    return made.getvalue()


def repacked(raw: bytes, **changed: Callable[[bytes], bytes]) -> bytes:
    """An archive with some entries changed; `sheet1=…` changes every entry with that in its name."""
    made = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(raw)) as old, zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            content = old.read(name)
            for part, change in changed.items():
                if part in name:
                    content = change(content)
            new.writestr(name, content)
    return made.getvalue()


def bomb() -> bytes:
    """An archive of 60 MB of nothing in 60 kB."""
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/worksheets/sheet1.xml", bytes(60 * 1024**2))
    return made.getvalue()


def parquet(**columns: Any) -> bytes:
    """A file of deliveries in Parquet with some columns replaced."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    count = len(next(iter(columns.values()), [0, 0, 0]))
    given = {
        "送货单号": [f"D-{i}" for i in range(count)], "场所编号": ["P-0001"] * count, "数量": ["1.000"] * count,
        "送货日期": ["2024-01-11"] * count, "入库日期": ["2024-01-21"] * count, **columns,
    }
    made = io.BytesIO()
    pq.write_table(pa.table(given), made)
    return made.getvalue()


# -- definitions -----------------------------------------------------------------------------------------------------

MODEL = "features/example.py"
IMPORTS = """from jcml.features import (
    SupervisionModel, as_of, bunching, category, days, ever, gap, months, once, outcome, parameter, peers, ratio, reason, rule, shared, this,
)
from datetime import date

from .tables.example import Deliveries, Findings, Places, Returns
from .tables.registers import Depots, Filings, Licences, Wells
"""


def definition(*changes: tuple[str, str], top: str = "", feature: str = "", rule: str = "", more: str = "") -> Damage:
    """The definition with a feature or rule called `broken`, more keywords, lines at its top, or parts replaced."""

    def damage(office: Path) -> None:
        file = office / MODEL
        head, mark, tail = file.read_text(encoding="utf-8").partition("YEAR = ")
        text = head[: head.index("from jcml.features")] + IMPORTS + top + "\n" + mark + tail
        text = text.replace("    ),\n    rules=dict(", f"        {f'broken={feature},' if feature else ''}\n    ),\n    rules=dict(\n        {f'broken={rule},' if rule else ''}")
        text = text.replace("    legal_basis=", f"    {more}\n    legal_basis=" if more else "    legal_basis=")
        for old, new in changes:
            assert old in text, old
            text = text.replace(old, new)
        file.write_text(text, encoding="utf-8")

    return damage


def contract(columns: str, *, kind: str = "EventTable", name: str = "Broken") -> Damage:
    """A contract with these columns beside the others."""
    head = "from jcml.tables import Column, EntityTable, EventTable, boolean, code, date, decimal, integer, moment, money, text\n\n"
    return write("features/tables/broken.py", f"{head}class {name}({kind}):\n" + "".join(f"    {c}\n" for c in columns.strip().splitlines()))


# -- trained models --------------------------------------------------------------------------------------------------

ARTIFACTS = "state/mlflow/artifacts/*/*/artifacts/model"


def forge(change: Callable[[dict[str, Any], str], tuple[Any, str]]) -> Damage:
    """Change a trained model and every digest that would tell: what is left is the reader's own care."""

    def damage(office: Path) -> None:
        folder = found(office, ARTIFACTS)
        content, text = change(json.loads((folder / "jcml.json").read_text(encoding="utf-8")), (folder / "model.lgb").read_text(encoding="utf-8"))
        if isinstance(content, dict):
            content["model_digest"] = hashlib.sha256(text.encode()).hexdigest()
        raw = json.dumps(content, ensure_ascii=False).encode()
        (folder / "jcml.json").write_bytes(raw)
        (folder / "model.lgb").write_text(text, encoding="utf-8")
        tag("jcml.digest", hashlib.sha256(raw).hexdigest())(office)

    return damage


def tag(name: str, value: str | None) -> Damage:
    """Set or delete a tag of a registered version, in the registry's database itself."""

    def damage(office: Path) -> None:
        with contextlib.closing(sqlite3.connect(office / "state" / "mlflow" / "mlflow.db")) as base, base:
            if value is None:
                base.execute("DELETE FROM model_version_tags WHERE key = ?", (name,))
            else:
                base.execute("UPDATE model_version_tags SET value = ? WHERE key = ?", (value, name))

    return damage


def hostile_pickle() -> Damage:
    """A pickle beside the model that writes a file called `executed`, and a description that tells a careless reader to load it."""

    def damage(office: Path) -> None:
        folder = found(office, ARTIFACTS)
        for name in ("model.pkl", "python_model.pkl", "model.lgb.pkl"):
            (folder / name).write_bytes(pickle.dumps(_Writes(office / "executed")))
        (folder / "MLmodel").write_text("flavors:\n  python_function:\n    loader_module: mlflow.sklearn\n    model_path: model.pkl\n    code: code\n", encoding="utf-8")
        write("code/lightgbm.py", f"open({str(office / 'executed')!r}, 'w')")(folder)

    return damage


class _Writes:
    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (self.path,)


def unpublished(*left: str) -> Damage:
    """As if the run had been killed before it published; only these files of it are left."""

    def damage(office: Path) -> None:
        remove("state/outbox/*", "state/ledger.sqlite*")(office)
        for file in office.glob("state/runs/*/*"):
            if file.name not in left:
                file.unlink()

    return damage


def column(path: str, name: str, change: Callable[[float], float]) -> Damage:
    """Change every number in a column of a Parquet file of the state."""

    def damage(office: Path) -> None:
        import pyarrow as pa
        import pyarrow.parquet as pq

        file = found(office, path)
        table = pq.read_table(file)
        changed = pa.array([None if v is None else change(v) for v in table[name].to_pylist()], table[name].type)
        pq.write_table(table.set_column(table.column_names.index(name), name, changed), file)

    return damage


def both(*damages: Damage) -> Damage:
    def damage(office: Path) -> None:
        for one in damages:
            one(office)

    return damage
