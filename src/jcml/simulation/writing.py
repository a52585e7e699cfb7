"""A world as an agency would deliver it: raw files with Chinese headers, `office.toml`, and the truth beside them.

Cells look like an export: days in one notation per file, yes and no as 是 and 否, codes as their Chinese names, amounts
in the unit that `office.toml` declares. Equal seeds give equal bytes, workbooks included.
"""

from __future__ import annotations

import csv
import io
import json
import zipfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from random import Random
from typing import Any

from jcml.simulation.defects import Damage, damage
from jcml.simulation.world import Delivery, File, Notation, Row, World
from jcml.tables.office import UNITS
from jcml.tables.table import Column, Table

_DAYS: dict[Notation, Callable[[date], str]] = {
    "iso": lambda d: f"{d:%Y-%m-%d}",
    "slash": lambda d: f"{d.year}/{d.month}/{d.day}",
    "dots": lambda d: f"{d.year}.{d.month}.{d.day}",
    "compact": lambda d: f"{d:%Y%m%d}",
    "chinese": lambda d: f"{d.year}年{d.month}月{d.day}日",
}
_ZIP_TIME = (1980, 1, 1, 0, 0, 0)


@dataclass(frozen=True)
class Written:
    """What was written.

    Parameters
    ----------
    folder : Path
    files : mapping of table to (file name, rows) pairs
    damages : tuple of Damage
        Every defect that was put in, in the order of the tables.

    >>> Written(Path("office"), {}, ()).files
    {}
    """

    folder: Path
    files: Mapping[str, tuple[tuple[str, int], ...]]
    damages: tuple[Damage, ...]


def write_office(
    world: World, contracts: Mapping[str, type[Table]], folder: Path, *, seed: int, defects: bool = True
) -> Written:
    """Write an office that `jcml data import` can read: `data/`, `office.toml`, `truth.csv`.

    Parameters
    ----------
    world : World
    contracts : mapping of name to Table
        `Workspace.tables`, or those that the world fills.
    folder : Path
        Made if it is not there.
    seed : int
        Of the defects.
    defects : bool
        False writes the records as they are.

    Raises
    ------
    ValueError
        If the world fills a table that has no contract, or a column that the contract does not have.

    Examples
    --------
    >>> import tempfile
    >>> from jcml.tables import Column, EntityTable, text
    >>> from jcml.tables import date as day
    >>> class Depots(EntityTable):
    ...     depot = Column(text, "油库", "Depot", role=("key", "row id"), entity="depot")
    ...     received_on = Column(day, "入库日期", "Received", role="known on")
    >>> rows = [{"depot": "D-1", "received_on": date(2024, 1, 31)}]
    >>> world = World("demo", {"depots": rows}, [], date(2024, 1, 1), date(2024, 12, 31))
    >>> made = write_office(world, {"depots": Depots}, Path(tempfile.mkdtemp()), seed=1, defects=False)
    >>> (made.folder / "data" / "depots.csv").read_text(encoding="utf-8").split()
    ['油库,入库日期', 'D-1,2024-01-31']
    """
    data = folder / "data"
    data.mkdir(parents=True, exist_ok=True)
    files: dict[str, tuple[tuple[str, int], ...]] = {}
    damages: list[Damage] = []
    for name, rows in world.tables.items():
        table = contracts.get(name)
        if table is None:
            raise ValueError(f"no contract for table {name!r}")
        if unknown := {c for row in rows for c in row} - set(table.columns):
            raise ValueError(f"{name} has no column {', '.join(sorted(unknown))}")
        delivery = world.deliveries.get(name, Delivery())
        if defects:
            rows, done = damage(rows, table, delivery, Random(f"{seed}/{name}"))  # noqa: S311
            damages += done
        files[name] = tuple(_write_files(table, rows, delivery, data))
    (folder / "office.toml").write_text(_office_toml(world, contracts, files), encoding="utf-8")
    _write_truth(world, folder / "truth.csv")
    return Written(folder, files, tuple(damages))


def _write_files(table: type[Table], rows: Sequence[Row], delivery: Delivery, data: Path) -> Iterable[tuple[str, int]]:
    left = list(rows)
    for file in delivery.files:
        taken = [row for row in left if file.holds(row)]
        if len(delivery.files) > 1:
            left = [row for row in left if not file.holds(row)]
        columns = [c for c in table.columns.values() if c.name not in file.without]
        name = (file.stem or table.name) + (".xlsx" if file.kind == "xlsx" else ".csv")
        header = [file.headers.get(c.name, c.zh) for c in columns]
        writers = [_writer(c, delivery.units.get(c.name, ""), file) for c in columns]
        cells = ([write(row.get(c.name)) for c, write in zip(columns, writers, strict=True)] for row in taken)
        (_write_book if file.kind == "xlsx" else _write_csv)(data / name, file, header, cells)
        yield name, len(taken)
    if len(delivery.files) > 1 and left:
        raise ValueError(f"{len(left)} rows of {table.name} go into no file")


def _write_csv(path: Path, file: File, header: list[str], rows: Iterable[list[Any]]) -> None:
    with path.open("w", encoding="gb18030" if file.kind == "gbk" else "utf-8", newline="") as stream:
        made = csv.writer(stream, lineterminator="\r\n" if file.kind == "gbk" else "\n")
        made.writerow(header)
        made.writerows(rows)


def _write_book(path: Path, file: File, header: list[str], rows: Iterable[list[Any]]) -> None:
    import openpyxl

    book = openpyxl.Workbook(write_only=True)
    sheet = book.create_sheet("Sheet1")
    sheet.append(header)
    for row in rows:
        sheet.append(row)
    packed = io.BytesIO()
    book.save(packed)
    with zipfile.ZipFile(packed) as source, zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as target:
        for entry in source.infolist():  # without the time of day at which it was made
            if entry.filename != "docProps/core.xml":
                target.writestr(zipfile.ZipInfo(entry.filename, _ZIP_TIME), source.read(entry), zipfile.ZIP_DEFLATED)
            else:
                core = '<?xml version="1.0" encoding="UTF-8"?>\n<coreProperties xmlns="http://schemas.openxmlformats.org/package/2006/metadata/core-properties"/>'
                target.writestr(zipfile.ZipInfo(entry.filename, _ZIP_TIME), core, zipfile.ZIP_DEFLATED)


# -- one cell --------------------------------------------------------------------------------------------------------


def _writer(column: Column, unit: str, file: File) -> Callable[[Any], Any]:
    """How the values of a column stand in a file; text in a column of another type is written as it is (a defect)."""
    kind, book = column.type.value.kind, file.kind == "xlsx"
    factor = UNITS[unit] if unit else Decimal(1)
    names = {code: zh for code, (zh, _) in column.type.codes.items()}
    day = _DAYS[file.dates]
    places = column.type.value.scale

    def write(value: Any) -> Any:
        if value is None:
            return None if book else ""
        if isinstance(value, str):
            return names.get(value, value)
        if isinstance(value, bool):
            return "是" if value else "否"
        if isinstance(value, datetime):
            return value if book else f"{day(value)} {value:%H:%M:%S}"
        if isinstance(value, date):
            return value if book else day(value)
        if kind != "exact":
            return str(value)
        number = round(Decimal(str(value)), places)
        plain = format((number / factor).normalize() if factor != 1 else number, "f")
        return (int(plain) if plain.lstrip("-").isdigit() else float(plain)) if book else plain

    return write


# -- what the office declares ------------------------------------------------------------------------------------------


def _office_toml(
    world: World, contracts: Mapping[str, type[Table]], files: Mapping[str, tuple[tuple[str, int], ...]]
) -> str:
    lines = [
        f"# 合成数据：人物、企业、数字均为虚构。场景 {world.name}",
        'name = "示例市人民检察院（合成数据）"', 'time_zone = "Asia/Shanghai"', "synthetic = true",
    ]
    for table, written in files.items():
        delivery = world.deliveries.get(table, Delivery())
        names = [f"data/{name}" for name, _ in written]
        if table.endswith("_verdicts"):  # what the workbench exports comes in as well
            names.append(f"data/workbench_{table}_*.csv")
        lines += ["", f"[tables.{table}]", f"files = {_list(names)}"]
        if delivery.covered_from is not None:
            lines.append(f"covered_from = {delivery.covered_from}")
        if delivery.missing:
            lines.append("missing = [" + ", ".join(f'["{a}", "{b}"]' for a, b in delivery.missing) + "]")
        columns = dict(_bindings(contracts[table], delivery))
        if columns:
            lines += ["", f"[tables.{table}.columns]", *(f"{name} = {bound}" for name, bound in columns.items())]
    return "\n".join([*lines, "", world.office_toml.strip(), ""]).rstrip() + "\n"


def _bindings(table: type[Table], delivery: Delivery) -> Iterable[tuple[str, str]]:
    """The columns that do not simply stand under the contract's title in every file."""
    renamed = dict.fromkeys(c for file in delivery.files for c in file.headers)
    for column in dict.fromkeys([*renamed, *delivery.units, *delivery.codes]):
        title = table.columns[column].zh
        headers = dict.fromkeys(file.headers.get(column, title) for file in delivery.files if column not in file.without)
        parts = [f"column = {_list(headers)}"]
        if unit := delivery.units.get(column):
            parts.append(f'unit = "{unit}"')
        if codes := delivery.codes.get(column):
            parts.append("codes = { " + ", ".join(f"{_text(k)} = {_text(v)}" for k, v in codes.items()) + " }")
        yield column, "{ " + ", ".join(parts) + " }"


def _list(items: Iterable[str]) -> str:
    return "[" + ", ".join(_text(i) for i in items) + "]"


def _text(value: str) -> str:
    return json.dumps(value, ensure_ascii=False)


def _write_truth(world: World, path: Path) -> None:
    names = list(dict.fromkeys(c for row in world.truth for c in row))
    with path.open("w", encoding="utf-8", newline="") as stream:
        made = csv.DictWriter(stream, names, lineterminator="\n")
        made.writeheader()
        made.writerows({k: int(v) if isinstance(v, bool) else v for k, v in row.items()} for row in world.truth)
