"""Source rows as a reader may see them: titles for names, personal values masked, free text left out, units beside numbers."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any, Literal

from jcml.dates import from_day_number
from jcml.records import SourceRow
from jcml.tables.identifiers import mask
from jcml.tables.pseudonyms import Vault
from jcml.tables.table import Column, Table

PERSONAL = {"resident_id", "mobile", "bank_card", "special_cert"}


def personal(column: Column) -> bool:
    """Whether a column's values are shown masked: it is personal, or numbered by a personal identifier.

    >>> from jcml.tables import Column, text
    >>> personal(Column(text, "身份证号", "Resident id", entity="person", identifier="resident_id"))
    True
    """
    return column.sensitivity == "personal" or column.identifier in PERSONAL


def hidden(column: Column) -> bool:
    """Whether `Shown.cell` masks a column's values: numbers, days and codes say nothing of a person alone.

    >>> from jcml.tables import Column, money, text
    >>> hidden(Column(text, "姓名", "name", sensitivity="personal")), hidden(Column(money, "金额", "amount", sensitivity="personal"))
    (True, False)
    """
    return personal(column) and (bool(column.entity) or (not column.type.codes and column.type.value.kind == "text"))


def named(contract: type[Table], row: Mapping[str, Any]) -> dict[str, str]:
    """What a row names: title to "kind:pseudonym", by which rows of other tables about the same person or firm are found.

    >>> from jcml.workspace.example import example
    >>> _, store = example()
    >>> named(store.tables["penalty_decisions"], {"person": "abc", "fine": 320000})
    {'当事人身份证号': 'person:abc'}
    """
    return {
        c.zh: f"{c.entity}:{row[c.name]}" for c in contract.columns.values() if c.entity and c.sensitivity != "protected" and row.get(c.name) is not None
    }


class Shown:
    """Turns canonical rows into what a clue shows, in the contract's own titles.

    Parameters
    ----------
    tables : mapping of name to Table
    vault : Vault
        Asked for the values behind pseudonyms, which are then masked.

    Examples
    --------
    >>> from jcml.workspace.example import example
    >>> _, store = example()
    >>> decisions = store.tables["penalty_decisions"]
    >>> Shown(store.tables, store.vault).cells(decisions, {"fine": 320000, "measure": "fine"})
    {'处罚种类': '罚款', '罚款金额': '3,200.00元'}
    """

    def __init__(self, tables: Mapping[str, type[Table]], vault: Vault) -> None:
        self.tables = tables
        self.vault = vault
        self.revealed: dict[str, dict[str, str]] = {}

    def remember(self, entity: str, pseudonyms: Iterable[str]) -> None:
        """Look up many pseudonyms at once."""
        known = self.revealed.setdefault(entity, {})
        wanted = [p for p in pseudonyms if p not in known]
        if wanted:
            known.update(self.vault.reveal(entity, wanted))

    def rows(
        self, table: str, role: Literal["row", "condition", "other"], rows: Iterable[Mapping[str, Any]], columns: Collection[str] | None = None
    ) -> tuple[SourceRow, ...]:
        """Canonical rows with their provenance, ready for a clue; of their columns these, or all that may be shown."""
        contract = self.tables[table]
        found = list(rows)
        for column in contract.columns.values():
            if column.entity:
                self.remember(column.entity, (r[column.name] for r in found if r.get(column.name)))
        return tuple(
            SourceRow(table, self.row_id(contract, r), role, r["_digest"], r["_batch"], r["_line"], self.cells(contract, r, columns), named(contract, r))
            for r in found
        )

    def row_id(self, contract: type[Table], row: Mapping[str, Any]) -> str:
        """A row's id; parts of it that are join keys are masked."""
        parts = [self.cell(c, row.get(c.name)) for c in contract.having("row id")]
        return "|".join(parts)

    def cells(self, contract: type[Table], row: Mapping[str, Any], columns: Collection[str] | None = None) -> dict[str, str]:
        """Chinese title to shown text, for every column that has a value and may be shown.

        With `columns`, only these and what every reader needs: the name, and when it happened. The row id stands beside.
        """
        shown = {}
        for column in contract.columns.values():
            if column.sensitivity in ("free text", "protected") or row.get(column.name) is None:
                continue
            chosen = columns is None or (column.name in columns and "row id" not in column.roles)
            if chosen or set(column.roles) & {"name", "happened on"}:
                shown[column.zh] = self.cell(column, row[column.name])
        return shown

    def cell(self, column: Column, value: Any) -> str:
        """One value as text, masked where it is personal."""
        told = self.whole(column, value)
        if not told or not hidden(column):
            return told
        return mask(told, column.identifier) if column.entity else mask(told)

    def whole(self, column: Column, value: Any) -> str:
        """One value as text, never masked: for `names`, which travel encrypted, and for nothing else."""
        if value is None:
            return ""
        kind = column.type.value
        if column.entity:
            return self.revealed.get(column.entity, {}).get(str(value), str(value))
        if column.type.codes:
            return column.type.codes[value][0]
        if kind.kind == "date":
            return str(from_day_number(value) if isinstance(value, int) else value)
        if kind.kind == "boolean":
            return "是" if value else "否"
        if kind.kind == "exact":
            number = f"{value / 10**kind.scale:,.{kind.scale}f}" if kind.scale else f"{value:,}"
            return number + ("元" if column.type.money else column.unit[0])
        if kind.kind == "moment":
            from datetime import UTC, datetime, timedelta

            return str(datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=value))
        return str(value)
