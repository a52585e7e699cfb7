"""The names behind masked cells: they go to the workbench beside the clues, which keeps them encrypted.

A clue shows a person's name or number masked. A prosecutor who has to know it asks for it in the workbench, gives a reason,
and the reading is written down; so the values themselves travel apart from the clues and nowhere else.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from jcml.durable import undamaged
from jcml.engines.engine import files_of
from jcml.records import Clue, Names
from jcml.serving.shown import Shown, hidden
from jcml.tables.table import Column

if TYPE_CHECKING:
    from jcml.tables.store import Store

Row = tuple[str, str, str]
"""Clue, table, row id as shown."""


def names_behind(store: Store, clues: Iterable[Clue]) -> Iterator[Names]:
    """The unmasked values of those cells of the clues' source rows that are shown masked; rows without such a cell are left out.

    Deliveries are read one after the other, a few thousand rows at a time. Two rows of one clue whose ids look the same
    when masked are told apart by nobody, so neither gets a name, unless both hold the same one.

    >>> from jcml.records import read_clues
    >>> from jcml.workspace.example import example, example_list
    >>> _, store = example()
    >>> clue = next(read_clues(store.root / example_list().publication.file))
    >>> {name.clue for name in names_behind(store, [clue])} == {clue.id}
    True
    """
    titles: dict[Row, set[str]] = {}
    wanted: dict[tuple[str, str], dict[int, set[Row]]] = {}
    many: dict[Row, set[tuple[str, int]]] = {}
    for clue in clues:
        for shown in clue.rows():
            masked = {c.zh for c in store.tables[shown.table].columns.values() if hidden(c)} & set(shown.shown)
            if masked:
                row = (clue.id, shown.table, shown.row)
                titles.setdefault(row, set()).update(masked)
                many.setdefault(row, set()).add((shown.batch, shown.line))
                wanted.setdefault((shown.table, shown.batch), {}).setdefault(shown.line, set()).add(row)
    alike: dict[Row, list[dict[str, str]]] = {row: [] for row, places in many.items() if len(places) > 1}
    for (table, batch), lines in sorted(wanted.items()):
        for line, values in _whole(store, table, batch, set(lines)):
            for row in sorted(lines[line]):
                told = {title: values[title] for title in sorted(titles[row]) if title in values}
                if row in alike:
                    alike[row].append(told)
                elif told:
                    yield Names(*row, told)
    for row, found in alike.items():
        told = {title: found[0][title] for title in (found[0] if found else {}) if all(f.get(title) == found[0][title] for f in found)}
        if told:
            yield Names(*row, told)


def _whole(store: Store, table: str, batch: str, lines: set[int]) -> Iterator[tuple[int, dict[str, str]]]:
    """Line by line of one delivery, title to unmasked text, for its hidden columns that hold something."""
    import pyarrow as pa
    import pyarrow.compute as pc
    import pyarrow.parquet as pq

    contract = store.tables[table]
    path = store.batch_file(table, batch)
    chosen = pa.array(sorted(lines), pa.int64())
    found: list[Mapping[str, Any]] = []
    columns: list[Column] = []
    with undamaged(path):
        for name in files_of(path):
            file = pq.ParquetFile(name)
            columns = [c for c in contract.columns.values() if hidden(c) and c.name in file.schema_arrow.names]
            for part in file.iter_batches(8192, columns=["_line", *(c.name for c in columns)]):
                kept = part.filter(pc.is_in(part["_line"].cast(pa.int64()), value_set=chosen))
                found += kept.to_pylist()
    shown = Shown(store.tables, store.vault)
    for column in columns:
        if column.entity:
            shown.remember(column.entity, {str(r[column.name]) for r in found if r[column.name] is not None})
    for row in found:
        yield row["_line"], _cells(shown, columns, row)


def _cells(shown: Shown, columns: Iterable[Column], row: Mapping[str, Any]) -> dict[str, str]:
    return {c.zh: shown.whole(c, row[c.name]) for c in columns if row[c.name] is not None}
