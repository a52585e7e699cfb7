"""Names travel beside the clues: what was masked in a clue and nothing else, as it stands in the agency's file."""

from __future__ import annotations

import csv
from dataclasses import replace
from pathlib import Path

import pytest

from jcml.records import Clue, Part, SourceRow, read_clues
from jcml.serving.names import names_behind
from jcml.tables.encoding import open_text
from jcml.tables.identifiers import compact
from jcml.tables.store import Store
from jcml.workspace.example import example, example_list


@pytest.fixture
def store() -> Store:
    return example()[1]


@pytest.fixture
def clues(store: Store) -> list[Clue]:
    return list(read_clues(store.root / example_list().publication.file))


def raw_row(store: Store, row: SourceRow) -> dict[str, str]:
    """The line of the agency's file that a source row came from."""
    batch = next(b for b in store.batches(row.table) if b.batch == row.batch)
    binding = store.office.bindings[row.table]
    with open_text(store.office.folder / "data" / batch.file, batch.encoding) as stream:
        line = list(csv.reader(stream))
    return {binding_title(binding, store, row.table, head): cell for head, cell in zip(line[0], line[row.line - 1], strict=True)}


def binding_title(binding: object, store: Store, table: str, head: str) -> str:
    """The contract's title of a column as the office names it."""
    for name, column in binding.columns.items():  # type: ignore[attr-defined]
        if head in column.sources:
            return store.tables[table].columns[name].zh
    return head


def test_every_masked_cell_has_its_value_as_the_agency_wrote_it(store: Store, clues: list[Clue]) -> None:
    names = {(n.clue, n.table, n.row): n.values for n in names_behind(store, clues)}
    checked = 0
    for clue in clues[:4]:
        for row in (r for r in clue.rows() if next(b.file for b in store.batches(r.table) if b.batch == r.batch).endswith(".csv")):
            values = names.get((clue.id, row.table, row.row), {})
            masked = {title for title, text in row.shown.items() if "*" in text}
            assert masked <= set(values)
            raw = raw_row(store, row)
            for title in masked:
                assert compact(raw[title]) == compact(values[title]), (row.table, title)
                checked += 1
    assert checked > 20


def test_no_clue_holds_a_name(store: Store, clues: list[Clue]) -> None:
    lines = {clue.id: clue.to_line() for clue in clues}
    names = list(names_behind(store, clues))
    assert names and not [value for n in names for value in n.values.values() if f'"{value}"' in lines[n.clue]]


def test_keys_name_what_a_row_names_by_pseudonym(store: Store, clues: list[Clue]) -> None:
    seen = set()
    for row in (row for clue in clues for row in clue.rows()):
        for title, key in row.keys.items():
            entity, _, pseudonym = key.partition(":")
            column = next(c for c in store.tables[row.table].columns.values() if c.zh == title)
            assert column.entity == entity and len(pseudonym) == 12
            seen.add(entity)
        assert len(row.keys) >= 1 or not any(c.entity for c in store.tables[row.table].columns.values())
    assert {"person", "case"} <= seen
    assert clues[0].unit["case_person"] in {key.partition(":")[2] for row in clues[0].rows() for key in row.keys.values()}


def with_rows(clue: Clue, rows: tuple[SourceRow, ...]) -> Clue:
    reason = clue.reasons_for[0]
    part = Part("行", "rows", rows[0].table, len(rows), rows)
    return replace(clue, reasons_for=(replace(reason, statement=replace(reason.statement, parts=(part,)), also=()),), reasons_against=(), facts=(), rules=())


def test_rows_that_look_alike_when_masked_get_no_name(store: Store, clues: list[Clue]) -> None:
    """The workbench finds names by the shown row id; if two persons share it, it must show neither."""
    found = {row.shown["被不起诉人"]: row for clue in clues for row in clue.rows() if "被不起诉人" in row.shown}
    one, other = list(found.values())[:2]
    alike = with_rows(clues[0], (replace(one, row="A*"), replace(other, row="A*")))
    same = with_rows(clues[0], (replace(one, row="A*"), replace(one, row="A*", role="other")))
    assert list(names_behind(store, [alike])) == []
    assert [set(n.values) for n in names_behind(store, [same])] == [{"被不起诉人"}]


def test_a_delivery_that_is_gone_is_said_by_its_name(store: Store, clues: list[Clue], tmp_path: Path) -> None:
    from jcml.errors import DataError

    gone = with_rows(clues[0], tuple(replace(row, batch="nosuchbatch0") for row in clues[0].rows() if "*" in "".join(row.shown.values()))[:1])
    with pytest.raises(DataError, match="batch-nosuchbatch0"):
        list(names_behind(store, [gone]))
