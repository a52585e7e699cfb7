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
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from jcml.errors import ConfigurationError, InputMissing, JcmlError, Place, nearest, raise_all

UNITS: dict[str, Decimal] = {
    "分": Decimal("0.01"), "元": Decimal(1), "千元": Decimal(1000), "万元": Decimal(10_000), "百万元": Decimal(1_000_000),
    "亿元": Decimal(100_000_000), "毫升": Decimal("0.001"), "升": Decimal(1), "千升": Decimal(1000), "立方米": Decimal(1),
    "米": Decimal(1), "公里": Decimal(1000), "平方米": Decimal(1), "亩": Decimal("666.6666666667"), "%": Decimal("0.01"),
}
"""Units a column may be delivered in, each as a multiple of the contract's own unit (元, 升, 米, 平方米)."""


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

    >>> read_office.__name__
    'read_office'
    """
    if path.is_dir():
        path = path / "office.toml"
    try:
        source = path.read_text(encoding="utf-8-sig")
    except (FileNotFoundError, NotADirectoryError):
        raise InputMissing("JC1300", Place(path)) from None
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
        """The line of a key, found by its table header and its name."""
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
        return Place(self.path)

    def wrong(self, code: str, *keys: str, **facts: object) -> None:
        self.errors.append(ConfigurationError(code, self.place(*keys), key=".".join(keys), **facts))

    def take(self, given: Mapping[str, Any], allowed: Mapping[str, type | tuple[type, ...]], *keys: str) -> dict[str, Any]:
        """The allowed keys of a table with values of the right type."""
        taken = {}
        for name, found in given.items():
            if name not in allowed:
                self.wrong("JC1103", *keys, name, nearest=nearest(name, allowed), allowed=", ".join(allowed))
            elif not isinstance(found, allowed[name]) or (isinstance(found, bool) and allowed[name] is not bool):
                self.wrong("JC1105", *keys, name, value=found, expected=_type_name(allowed[name]))
            else:
                taken[name] = found
        return taken

    def office(self, content: Mapping[str, Any]) -> Office | None:
        top = self.take(
            content,
            {"name": str, "time_zone": str, "state": str, "key_file": str, "registry": str, "memory": str, "threads": int, "synthetic": bool,
             "tables": dict, "models": dict},
        )
        if "name" not in top:
            self.wrong("JC1101", "name")
        try:
            zone = ZoneInfo(top.get("time_zone", "Asia/Shanghai"))
        except (KeyError, ValueError, OSError):
            self.wrong("JC1302", "time_zone", value=top["time_zone"])
            zone = ZoneInfo("Asia/Shanghai")
        if not re.fullmatch(r"\d+(MB|GB)", top.get("memory", "4GB")):
            self.wrong("JC1105", "memory", value=top["memory"], expected="4GB / 800MB")
        bindings = {}
        for table, given in top.get("tables", {}).items():
            if isinstance(given, dict):
                bindings[table] = self.binding(table, given)
            else:
                self.wrong("JC1105", "tables", table, value=given, expected="[tables.NAME]")
        overrides = {}
        for model, given in top.get("models", {}).items():
            overrides[model] = self.take(given, {"capacity": int}, "models", model)
            if overrides[model].get("capacity", 1) < 1:
                self.wrong("JC1109", "models", model, "capacity", problem="capacity < 1")
        if self.errors:
            return None
        state = self.path.parent / top.get("state", "state")
        return Office(
            self.path, top["name"], zone, bindings, state, self.path.parent / top.get("key_file", "state/pseudonym.key"),
            top.get("registry", ""), overrides, top.get("memory", "4GB"), top.get("threads", 0),
            top.get("synthetic", False),
        )

    def binding(self, table: str, given: Mapping[str, Any]) -> Binding:
        keys = ("tables", table)
        top = self.take(
            given,
            {"files": (str, list), "database": str, "table": str, "encoding": str, "delimiter": str, "sheet": str,
             "header_row": int, "columns": dict, "covered_from": date, "missing": list, "quarantine_at_most": (int, float)},
            *keys,
        )
        files = top.get("files", ())
        files = (files,) if isinstance(files, str) else tuple(files)
        if bool(files) == bool(top.get("database")):
            self.wrong("JC1303", *keys)
        if top.get("database") and not top.get("table"):
            self.wrong("JC1101", *keys, "table")
        encoding = top.get("encoding", "auto").lower()
        if encoding not in ENCODINGS:
            self.wrong("JC1108", *keys, "encoding", value=encoding, allowed=", ".join(ENCODINGS), nearest=nearest(encoding, ENCODINGS))
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
        top = self.take(
            given,
            {"column": (str, list), "constant": (str, int, float, bool, date), "received": bool, "unit": str, "factor": (int, float, str), "codes": dict},
            *keys,
        )
        if sum(k in top for k in ("column", "constant", "received")) != 1:
            self.wrong("JC1305", *keys)
        factor = Decimal(1)
        if "unit" in top:
            if top["unit"] not in UNITS:
                self.wrong("JC1108", *keys, value=top["unit"], allowed=", ".join(UNITS), nearest="")
            factor = UNITS.get(top["unit"], factor)
        if "factor" in top:
            factor *= Decimal(str(top["factor"]))
        constant = top.get("constant")
        text = None if constant is None else str(constant).lower() if isinstance(constant, bool) else str(constant)
        codes = {str(k): str(v) for k, v in top.get("codes", {}).items()}
        named = top.get("column", ())
        sources = (named,) if isinstance(named, str) else tuple(str(n) for n in named)
        return ColumnBinding(sources, text, top.get("received", False), factor, codes)


ENCODINGS = ("auto", "utf-8", "gbk", "gb18030", "utf-16")


def _type_name(kinds: type | tuple[type, ...]) -> str:
    names = {str: "text", int: "whole number", float: "number", bool: "true / false", dict: "[table]", list: "[list]", date: "2024-01-31"}
    return " / ".join(names.get(k, k.__name__) for k in (kinds if isinstance(kinds, tuple) else (kinds,)))
