"""An office (办案单位): where its tables are, how its columns are called, and what was delivered.

`office.toml` binds contracts to physical tables. Two offices with different schemas run the same supervision model:
the mapping is the office's, the definition is everybody's. A column that is not named in the mapping is found under
its contract name or its Chinese title.

```toml
name = "示例区人民检察院"
time_zone = "Asia/Shanghai"

[tables.vat_returns]
files = "data/vat/*.csv"          # or: database = "sqlite:///tax.db" and table = "vat"
covered_from = 2021-01-01         # nothing that happened earlier was ever delivered
missing = [["2023-03-01", "2023-04-30"]]

[tables.vat_returns.columns]
taxpayer = "纳税人识别号"
sales = { column = ["销售额", "不含税销售额"], unit = "万元" }   # the name changed in 2023
status = { column = "状态", codes = { "正常" = "valid" } }
received_on = { received = true } # the day the delivery came in
```
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, TypeAlias
from zoneinfo import ZoneInfo

from jcml.errors import ConfigurationError, InputMissing, JcmlError, Place, nearest, raise_all

UNITS: dict[str, Decimal] = {
    "分": Decimal("0.01"), "元": Decimal(1), "千元": Decimal(1000), "万元": Decimal(10_000), "百万元": Decimal(1_000_000),
    "亿元": Decimal(100_000_000), "毫升": Decimal("0.001"), "升": Decimal(1), "千升": Decimal(1000), "立方米": Decimal(1),
    "米": Decimal(1), "公里": Decimal(1000), "平方米": Decimal(1), "亩": Decimal("666.6666666667"), "%": Decimal("0.01"),
}
"""Units a column may be delivered in, each as a multiple of the contract's own unit (元, 升, 米, 平方米)."""


ENCODINGS = ("auto", "utf-8", "gbk", "gb18030", "utf-16")

Kinds: TypeAlias = "type | tuple[type, ...]"
KEYS: dict[str, dict[str, tuple[Kinds, str]]] = {
    "": {
        "name": (str, "The office's name, as it stands on every page. Required."),
        "time_zone": (str, "Where a day begins; `Asia/Shanghai` if not given."),
        "state": (str, "Folder for everything jcml makes for this office; `state` if not given."),
        "key_file": (str, "File with the secret key of the pseudonyms, made on first use; `state/pseudonym.key` if not given."),
        "registry": (str, "MLflow's address; an embedded store inside `state` if not given."),
        "memory": (str, "Memory limit of the engine, `800MB` or `4GB`; `4GB` if not given."),
        "threads": (int, "Threads of the engine and of LightGBM; 0, the default, takes all processors."),
        "synthetic": (bool, "`true` for an example office; every page with a figure says so."),
        "spark": (dict, "`[spark]`: `master`, the address of a Spark cluster, and Spark's own settings as they are, such as `\"spark.executor.memory\" = \"8g\"`; used by `--engine spark`."),
        "tables": (dict, "One `[tables.NAME]` for each table that is delivered."),
        "models": (dict, "One `[models.NAME]` for each supervision model for which this office differs."),
    },
    "tables.NAME": {
        "files": ((str, list), "File, folder, pattern, or list of these, relative to office.toml: CSV, Excel or Parquet; of several, a pattern may match nothing yet. Either this or `database`."),
        "database": (str, "Address of a database, such as `sqlite:///tax.db`. Either this or `files`."),
        "table": (str, "The table in the database; required with `database`."),
        "encoding": (str, f"One of {', '.join(f'`{e}`' for e in ENCODINGS)}; `auto` if not given."),
        "delimiter": (str, "What separates the columns of a CSV file; found out if not given."),
        "sheet": (str, "The sheet of a workbook; the first if not given."),
        "header_row": (int, "The row that holds the column names, from 1; 1 if not given."),
        "columns": (dict, "`[tables.NAME.columns]`: contract column = delivered column. A column that is not named is found under its contract name or its Chinese title."),
        "covered_from": (date, "Nothing that happened earlier was ever delivered; features that would need it are unknown, not 0."),
        "missing": (list, "Gaps in the delivery, a list of [first day, last day]; windows that touch one are unknown, not 0."),
        "quarantine_at_most": ((int, float), "Share of rows that may be refused before the whole file is; 0.05 if not given."),
    },
    "tables.NAME.columns.COLUMN": {
        "column": ((str, list), "The delivered column, or several names of which the file has one. `COLUMN = \"名称\"` is short for this. One of `column`, `constant`, `received`."),
        "constant": ((str, int, float, bool, date), "The same value for every row."),
        "received": (bool, "`true`: the day on which the delivery came in (`jcml data import --received`)."),
        "unit": (str, "The unit the values are delivered in, such as `万元`; they are brought to the contract's own unit."),
        "factor": ((int, float, str), "What a delivered number is multiplied by."),
        "codes": (dict, "Delivered code = contract code."),
    },
    "models.NAME": {"capacity": (int, "Clues this office can check per run, instead of the serving plan's number.")},
}
"""Every key of `office.toml` by its table: the types it may have, and what it says."""


@dataclass(frozen=True)
class ColumnBinding:
    """Where the values of one column come from.

    Parameters
    ----------
    sources : tuple of str
        The physical column, or several names of which the file has one (a schema that was renamed); empty when the
        value is constant or the day of delivery.
    constant : str or None
        The same value for every row.
    received : bool
        The day on which the delivery was received (`jcml data import --received`).
    factor : Decimal
        What a delivered number is multiplied by.
    codes : mapping
        Delivered code to contract code.

    >>> ColumnBinding(("金额",), factor=UNITS["万元"]).factor
    Decimal('10000')
    """

    sources: tuple[str, ...] = ()
    constant: str | None = None
    received: bool = False
    factor: Decimal = Decimal(1)
    codes: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Binding:
    """Where a table is and what of it was delivered.

    >>> Binding("vat_returns", files=("vat.csv",)).encoding
    'auto'
    """

    table: str
    files: tuple[str, ...] = ()
    database: str = ""
    source_table: str = ""
    encoding: str = "auto"
    delimiter: str = ""
    sheet: str = ""
    header_row: int = 1
    columns: Mapping[str, ColumnBinding] = field(default_factory=dict)
    covered_from: date | None = None
    missing: tuple[tuple[date, date], ...] = ()
    quarantine_at_most: float = 0.05
    place: Place | None = None

    @property
    def digest_text(self) -> str:
        """What an import depends on besides the file: the mapping, in a fixed form."""
        columns = {k: (c.sources, c.constant, c.received, str(c.factor), sorted(c.codes.items())) for k, c in self.columns.items()}
        return repr((self.table, self.source_table, self.encoding, self.delimiter, self.sheet, self.header_row, sorted(columns.items())))


@dataclass(frozen=True)
class Office:
    """One installation: its tables, its time zone, its own numbers.

    Parameters
    ----------
    path : Path
        The `office.toml`.
    name : str
    zone : ZoneInfo
        Where a day begins.
    bindings : mapping of table to Binding
    state : Path
        Where jcml keeps everything it makes for this office.
    key : Path
        The file with the secret key of the pseudonyms.
    registry : str
        MLflow's address; empty for the embedded store inside `state`.
    overrides : mapping of model to mapping
        What this office sets differently: `capacity`.
    memory : str
        Memory limit of the engine.
    synthetic : bool
        True for an example office; every page with a figure says so.
    spark : mapping
        `master` and Spark's own settings.

    Examples
    --------
    >>> import tempfile
    >>> file = Path(tempfile.mkdtemp()) / "office.toml"
    >>> _ = file.write_text('name = "示例区院"')
    >>> read_office(file).zone.key
    'Asia/Shanghai'
    """

    path: Path
    name: str
    zone: ZoneInfo
    bindings: Mapping[str, Binding]
    state: Path
    key: Path
    registry: str = ""
    overrides: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    memory: str = "4GB"
    threads: int = 0
    synthetic: bool = False
    spark: Mapping[str, str] = field(default_factory=dict)

    @property
    def folder(self) -> Path:
        """The folder that relative paths start from."""
        return self.path.parent


def read_office(path: Path) -> Office:
    """Read an `office.toml`.

    Raises
    ------
    InputMissing
        JC1300, if there is none.
    ConfigurationError
        JC1301 to JC1307, with the line; several at once.

    >>> import tempfile
    >>> file = Path(tempfile.mkdtemp()) / "office.toml"
    >>> _ = file.write_text('name = "示例区院"\\n[tables.vat_returns]\\nfiles = "vat.csv"\\n[tables.vat_returns.columns]\\nsales = { column = "销售额", unit = "万元" }')
    >>> read_office(file).bindings["vat_returns"].columns["sales"].factor
    Decimal('10000')
    """
    if path.is_dir():
        path = path / "office.toml"
    try:
        source = path.read_text(encoding="utf-8-sig")
    except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
        raise InputMissing("JC1300", Place(path)) from None
    except OSError as error:
        raise InputMissing("JC1111", Place(path), problem=error.strerror or str(error)) from None
    except UnicodeDecodeError:
        raise ConfigurationError("JC1110", Place(path)) from None
    try:
        content = tomllib.loads(source)
    except tomllib.TOMLDecodeError as error:
        found = re.search(r"line (\d+), column (\d+)", str(error))
        place = Place(path, int(found[1]), int(found[2])) if found else Place(path)
        raise ConfigurationError("JC1301", place, problem=str(error).split(" (at")[0]) from None
    reader = _OfficeReader(path, source)
    office = reader.office(content)
    raise_all(reader.errors)
    assert office is not None
    return office


class _OfficeReader:
    def __init__(self, path: Path, source: str) -> None:
        self.path = path
        self.lines = source.splitlines()
        self.errors: list[JcmlError] = []

    def place(self, *keys: str) -> Place:
        """The line of a key, found by its table header and its name; of its table where it has no line of its own."""
        header, name = ".".join(keys[:-1]), keys[-1]
        current = ""
        for number, line in enumerate(self.lines, 1):
            stripped = line.strip()
            if stripped.startswith("["):
                current = stripped.strip("[]").strip().replace('"', "")
                if current == ".".join(keys):
                    return Place(self.path, number, 1)
            elif current == header and re.match(rf'"?{re.escape(name)}"?\s*=', stripped):
                return Place(self.path, number, line.index(stripped) + 1)
        return self.place(*keys[:-1]) if len(keys) > 1 else Place(self.path)

    def wrong(self, code: str, *keys: str, **facts: object) -> None:
        self.errors.append(ConfigurationError(code, self.place(*keys), key=".".join(keys), **facts))

    def take(self, given: Mapping[str, Any], table: str, *keys: str) -> dict[str, Any]:
        """The keys of a table of `KEYS` with values of the right type."""
        allowed = {name: kinds for name, (kinds, _) in KEYS[table].items()}
        taken = {}
        for name, found in given.items():
            if name not in allowed:
                self.wrong("JC1103", *keys, name, nearest=nearest(name, allowed), allowed=", ".join(allowed))
            elif not _fits(found, allowed[name]):
                self.wrong("JC1105", *keys, name, value=found, expected=type_name(allowed[name]))
            else:
                taken[name] = found
        return taken

    def office(self, content: Mapping[str, Any]) -> Office | None:
        top = self.take(content, "")
        if "name" not in top:
            self.wrong("JC1101", "name")
        try:
            zone = ZoneInfo(top.get("time_zone", "Asia/Shanghai"))
        except (KeyError, ValueError, OSError):
            self.wrong("JC1302", "time_zone", value=top["time_zone"])
            zone = ZoneInfo("Asia/Shanghai")
        if top.get("threads", 0) < 0:
            self.wrong("JC1109", "threads", problem="threads < 0")
        if not re.fullmatch(r"[1-9]\d*(MB|GB)", top.get("memory", "4GB")):
            self.wrong("JC1105", "memory", value=top["memory"], expected="4GB / 800MB")
        bindings = {}
        for table, given in top.get("tables", {}).items():
            if isinstance(given, dict):
                bindings[table] = self.binding(table, given)
            else:
                self.wrong("JC1105", "tables", table, value=given, expected="[tables.NAME]")
        overrides = {}
        for model, given in top.get("models", {}).items():
            if not isinstance(given, dict):
                self.wrong("JC1105", "models", model, value=given, expected="[models.NAME]")
                continue
            overrides[model] = self.take(given, "models.NAME", "models", model)
            if overrides[model].get("capacity", 1) < 1:
                self.wrong("JC1109", "models", model, "capacity", problem="capacity < 1")
        for key, setting in top.get("spark", {}).items():
            if key != "master" and not key.startswith("spark."):
                self.wrong("JC1103", "spark", key, nearest="master", allowed="master, spark.…")
            elif not isinstance(setting, str):
                self.wrong("JC1105", "spark", key, value=setting, expected=type_name(str))
        if self.errors:
            return None
        state = self.path.parent / top.get("state", "state")
        return Office(
            self.path, top["name"], zone, bindings, state, self.path.parent / top.get("key_file", "state/pseudonym.key"),
            top.get("registry", ""), overrides, top.get("memory", "4GB"), top.get("threads", 0),
            top.get("synthetic", False), top.get("spark", {}),
        )

    def binding(self, table: str, given: Mapping[str, Any]) -> Binding:
        keys = ("tables", table)
        top = self.take(given, "tables.NAME", *keys)
        files = top.get("files", ())
        files = (files,) if isinstance(files, str) else tuple(files)
        if not all(isinstance(f, str) for f in files):
            self.wrong("JC1105", *keys, "files", value=list(files), expected='"a.csv" / ["a.csv", "b.csv"]')
        if bool(files) == bool(top.get("database")):
            self.wrong("JC1303", *keys)
        if top.get("database") and not top.get("table"):
            self.wrong("JC1101", *keys, "table")
        encoding = top.get("encoding", "auto").lower()
        if encoding not in ENCODINGS:
            self.wrong("JC1108", *keys, "encoding", value=encoding, allowed=", ".join(ENCODINGS), nearest=nearest(encoding, ENCODINGS))
        if len(top.get("delimiter", "")) > 1:
            self.wrong("JC1109", *keys, "delimiter", problem="delimiter: 1 character")
        if top.get("header_row", 1) < 1:
            self.wrong("JC1109", *keys, "header_row", problem="header_row < 1")
        share = top.get("quarantine_at_most", 0.05)
        if not 0 <= share <= 1:
            self.wrong("JC1109", *keys, "quarantine_at_most", problem="0 … 1")
        return Binding(
            table, files, top.get("database", ""), top.get("table", ""), encoding, top.get("delimiter", ""),
            top.get("sheet", ""), top.get("header_row", 1),
            {name: self.column(table, name, one) for name, one in top.get("columns", {}).items()},
            top.get("covered_from"), self.holes(table, top.get("missing", [])), float(share), self.place(*keys),
        )

    def holes(self, table: str, given: list[Any]) -> tuple[tuple[date, date], ...]:
        found = []
        for pair in given:
            try:
                first, last = (d if isinstance(d, date) else date.fromisoformat(d) for d in pair)
                if first > last:
                    raise ValueError
                found.append((first, last))
            except (TypeError, ValueError):
                self.wrong("JC1304", "tables", table, "missing", value=pair)
        return tuple(found)

    def column(self, table: str, name: str, given: Any) -> ColumnBinding:
        keys = ("tables", table, "columns", name)
        if isinstance(given, str):
            return ColumnBinding((given,))
        if not isinstance(given, dict):
            self.wrong("JC1105", *keys, value=given, expected='"列名" / { column = "列名", … }')
            return ColumnBinding()
        top = self.take(given, "tables.NAME.columns.COLUMN", *keys)
        if sum(k in top for k in ("column", "constant", "received")) != 1 or not top.get("column", "-"):
            self.wrong("JC1305", *keys)
        factor = Decimal(1)
        if "unit" in top:
            if top["unit"] not in UNITS:
                self.wrong("JC1108", *keys, value=top["unit"], allowed=", ".join(UNITS), nearest="")
            factor = UNITS.get(top["unit"], factor)
        if "factor" in top:
            given_factor = _decimal(top["factor"])
            factor *= given_factor or 1
            if given_factor is None:
                self.wrong("JC1105", *keys, "factor", value=top["factor"], expected=type_name(float))
        constant = top.get("constant")
        text = None if constant is None else str(constant).lower() if isinstance(constant, bool) else str(constant)
        codes = {str(k): str(v) for k, v in top.get("codes", {}).items()}
        named = top.get("column", ())
        sources = (named,) if isinstance(named, str) else tuple(str(n) for n in named)
        return ColumnBinding(sources, text, top.get("received", False), factor, codes)


def _decimal(given: object) -> Decimal | None:
    try:
        made = Decimal(str(given))
    except ArithmeticError:
        return None
    return made if made.is_finite() else None


def _fits(found: Any, kinds: Kinds) -> bool:
    """Whether a value has one of the types; for TOML and for Python a bool is no number, and a time of day no day."""
    allowed = kinds if isinstance(kinds, tuple) else (kinds,)
    if isinstance(found, bool):
        return bool in allowed
    return isinstance(found, allowed) and not (isinstance(found, datetime) and allowed == (date,))


def type_name(kinds: Kinds) -> str:
    """What a key takes, in words.

    >>> type_name((int, float))
    'whole number / number'
    """
    names = {str: "text", int: "whole number", float: "number", bool: "true / false", dict: "[table]", list: "[list]", date: "2024-01-31"}
    return " / ".join(names.get(k, k.__name__) for k in (kinds if isinstance(kinds, tuple) else (kinds,)))
