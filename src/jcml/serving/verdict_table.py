"""The office's own verdict table, filled from rows that came back from the workbench: which column holds what, and where the file lies.

Columns are found by what the supervision model's label reads. The file is one more of those that `office.toml` binds to the
table, so that the next import takes it; it holds raw keys, as the office's other files do. A decision is numbered by its clue:
a later verdict on the same clue is a later version of the same row, and replaces it from the day on which it is known.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from fnmatch import fnmatch
from pathlib import Path, PurePosixPath
from typing import Any

from jcml.durable import write_file
from jcml.errors import ConfigurationError, DataError, Place
from jcml.features.definition import SupervisionModel
from jcml.query import Field, Node, Own, walk
from jcml.tables.office import Binding, Office
from jcml.tables.store import Store
from jcml.tables.table import Column, Table

PLACE_IN_LOG = "工作台日志号"
"""Heads the column that no contract reads: how far the workbench's log has been written down."""


@dataclass(frozen=True)
class VerdictTable:
    """Which columns of a table hold a decision; an empty name where it has no such column.

    Parameters
    ----------
    table : type of Table
    keys : mapping of column to key
        Columns that name the unit, and which of the unit's keys they hold.
    number, decided_on, received_on, outcome, reason, channel, about : str
        Columns.

    >>> from jcml.workspace.example import example
    >>> found = verdict_table(example()[0].definition)
    >>> found.table.name, dict(found.keys), found.outcome, found.about
    ('non_prosecution_verdicts', {'case_person': 'case_person'}, 'outcome', 'reviewed_as_of')
    """

    table: type[Table]
    keys: Mapping[str, str]
    number: str
    decided_on: str
    received_on: str
    outcome: str
    reason: str
    channel: str
    about: str

    @property
    def written(self) -> dict[str, str]:
        """Column to the key under which a row from the workbench has its value, the unit's columns left out."""
        named = {
            self.number: "clue", self.about: "reviewed_as_of", self.channel: "channel", self.outcome: "outcome", self.reason: "reason",
            self.decided_on: "decided_on", self.received_on: "received_on",
        }
        return {column: key for column, key in named.items() if column}


def verdict_table(definition: SupervisionModel) -> VerdictTable:
    """The table that a model's labels come from, when verdicts can be written into it.

    Raises
    ------
    ConfigurationError
        JC7301, if the label does not rest on a code column with `confirmed` and `not_confirmed`, a column of the unit
        is not one of its keys, or the table needs something that a verdict does not say.

    >>> from jcml.workspace.example import example
    >>> verdict_table(example()[0].definition).reason
    'reason'
    """
    _, label = definition.label_question
    table = definition.label_tables[label.table]

    def read(node: Node | None) -> list[str]:
        return [] if node is None else list(dict.fromkeys(n.name for n in walk(node) if isinstance(n, Field) and n.table == label.table))

    outcome = read(label.confirmed)
    if len(outcome) != 1 or outcome != read(label.not_confirmed) or not {"confirmed", "not_confirmed"} <= set(table.columns[outcome[0]].type.codes):
        raise ConfigurationError("JC7301", table=table.name, column=", ".join(outcome) or "-")
    keys = {column: node.name for column, node in label.match if isinstance(node, Own) and node.name in definition.keys}
    if set(keys.values()) != set(definition.keys) or len(keys) != len(label.match):
        raise ConfigurationError("JC7301", table=table.name, column=", ".join(c for c, _ in label.match))
    taken = {*outcome, *read(label.channel)}
    free = [c for c in table.columns.values() if c.name not in {*taken, *keys} and not c.roles]
    about = read(label.about)[:1] or [c.name for c in free if c.type.value.kind == "date"]
    reason = [c.name for c in free if {"lawful_explanation", "insufficient_evidence"} <= set(c.type.codes)]
    found = VerdictTable(
        table, keys, _role(table, "row id"), _role(table, "happened on"), _role(table, "known on"), outcome[0], (*reason, "")[0],
        (*read(label.channel), "")[0], (*about, "")[0],
    )
    lacking = [c.name for c in table.columns.values() if (c.required or {"row id", "happened on", "known on"} & set(c.roles)) and c.name not in {*found.written, *keys}]
    if lacking or not found.number:
        raise ConfigurationError("JC7301", table=table.name, column=", ".join(lacking) or "row id")
    return found


def _role(table: type[Table], role: str) -> str:
    columns = table.having(role)
    return columns[0].name if len(columns) == 1 else ""


def verdict_file(office: Office, table: str, unit: str) -> Path:
    """Where the verdicts of a workbench's unit lie among the files that `office.toml` binds to a table.

    Raises
    ------
    ConfigurationError
        JC7302, if it binds none that could be this one.

    Examples
    --------
    >>> import tempfile
    >>> from jcml.tables.office import read_office
    >>> folder = Path(tempfile.mkdtemp())
    >>> _ = (folder / "office.toml").write_text('name = "示例区院"\\n[tables.verdicts]\\nfiles = ["data/old.csv", "data/workbench*.csv"]\\n')
    >>> verdict_file(read_office(folder), "verdicts", "990101").relative_to(folder).as_posix()
    'data/workbench_verdicts_990101.csv'
    """
    binding = office.bindings.get(table)
    name = f"workbench_{table}_{re.sub(r'[^0-9A-Za-z_-]', '', unit)}.csv"
    for pattern in binding.files if binding else ():
        path = PurePosixPath(pattern)
        if any(set(part) & set("*?[") for part in path.parent.parts):
            continue
        if fnmatch(name, path.name):
            return office.folder / path.parent / name
    raise ConfigurationError("JC7302", (binding.place if binding else None) or Place(office.path), table=table, file=f"data/{name}", pattern=f"data/workbench_{table}_*.csv")


def last_place(path: Path, binding: Binding) -> int:
    """How far the log of the workbench has been written into a file; 0 when there is none.

    Raises
    ------
    DataError
        JC7303, if the file was not written by an export.

    >>> last_place(Path("no such file"), Binding("verdicts"))
    0
    """
    if not path.exists():
        return 0
    rows = _read(path, binding)
    if len(rows) < binding.header_row or PLACE_IN_LOG not in rows[binding.header_row - 1]:
        raise DataError("JC7303", Place(path, binding.header_row), problem=PLACE_IN_LOG)
    at = rows[binding.header_row - 1].index(PLACE_IN_LOG)
    try:
        return max((int(row[at]) for row in rows[binding.header_row :]), default=0)
    except (ValueError, IndexError):
        raise DataError("JC7303", Place(path), problem=PLACE_IN_LOG) from None


def append_verdicts(store: Store, found: VerdictTable, path: Path, rows: Sequence[Mapping[str, Any]]) -> int:
    """Add rows from the workbench to the office's file, under its own headers and with its own keys; all of them, or none.

    Raises
    ------
    DataError
        JC7304, if the office never imported one of the units; JC7303, if the file is not one that an export wrote.

    >>> from jcml.workspace.example import example
    >>> model, store = example()
    >>> append_verdicts(store, verdict_table(model.definition), Path("unused.csv"), [])
    0
    """
    if not rows:
        return 0
    binding = store.office.bindings[found.table.name]
    columns = {c.name: _header(binding, c) for c in found.table.columns.values() if c.name in {*found.written, *found.keys}}
    columns = {name: header for name, header in columns.items() if header}
    revealed = {column: _raw(store, found.table.columns[column].entity, [str(r["unit"][key]) for r in rows], path) for column, key in found.keys.items()}
    lines: list[list[Any]] = []
    for row in rows:
        cells = {c: revealed[c][str(row["unit"][k])] for c, k in found.keys.items()} | {c: _cell(found.table.columns[c], row[k]) for c, k in found.written.items()}
        lines.append([*(cells[c] for c in columns), row["cursor"]])
    header = [*columns.values(), PLACE_IN_LOG]
    before = _read(path, binding) if path.exists() else [[found.table.title[0]]] * (binding.header_row - 1) + [header]
    if before[binding.header_row - 1] != header:
        raise DataError("JC7303", Place(path, binding.header_row), problem=", ".join(header))
    write_file(path, lambda part: _write(part, binding, [*before, *lines]))
    return len(lines)


def append_lines(path: Path, header: Sequence[str], lines: Iterable[Sequence[Any]]) -> int:
    """Add lines to a CSV file whose first column is a place in the log, leaving out what it has already; returns how many.

    >>> import tempfile
    >>> file = Path(tempfile.mkdtemp()) / "feedback.csv"
    >>> append_lines(file, ["place", "says"], [[3, "true"], [5, "false"]]), append_lines(file, ["place", "says"], [[5, "false"], [8, "true"]])
    (2, 1)
    """
    plain = Binding("")
    before = _read(path, plain) if path.exists() else [list(header)]
    last = max((int(row[0]) for row in before[1:]), default=0)
    new = [list(line) for line in lines if int(line[0]) > last]
    if new:
        write_file(path, lambda part: _write(part, plain, [*before, *new]))
    return len(new)


def _header(binding: Binding, column: Column) -> str:
    """The name under which an office delivers a column; empty when it is not read from a file."""
    bound = binding.columns.get(column.name)
    return column.zh if bound is None else bound.sources[0] if bound.sources else ""


def _raw(store: Store, entity: str, pseudonyms: list[str], path: Path) -> dict[str, str]:
    found = store.vault.reveal(entity, pseudonyms) if entity else {p: p for p in pseudonyms}
    if missing := sorted(set(pseudonyms) - set(found)):
        raise DataError("JC7304", Place(path), number=len(missing), unit=missing[0])
    return found


def _cell(column: Column, value: Any) -> str:
    text = value.isoformat() if isinstance(value, date) else str(value or "")
    if not column.type.codes:
        return text
    return column.type.codes[text][0] if text in column.type.codes else ""


def _encoding(binding: Binding) -> str:
    return "utf-8" if binding.encoding == "auto" else binding.encoding


def _read(path: Path, binding: Binding) -> list[list[str]]:
    try:
        with path.open(encoding="utf-8-sig" if _encoding(binding) == "utf-8" else _encoding(binding), newline="") as stream:
            return list(csv.reader(stream, delimiter=binding.delimiter or ",", strict=True))
    except (UnicodeDecodeError, csv.Error) as error:
        raise DataError("JC7303", Place(path), problem=str(error)) from None


def _write(part: Path, binding: Binding, rows: Sequence[Sequence[Any]]) -> None:
    part.touch(mode=0o600)
    with part.open("w", encoding=_encoding(binding), newline="") as stream:
        csv.writer(stream, delimiter=binding.delimiter or ",", lineterminator="\n").writerows(rows)
