"""Definition, dates and an office's data → the matrix, computed once for equal meaning and equal data."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

import jcml
from jcml.dates import Period
from jcml.durable import write_file
from jcml.engines.engine import Calendar
from jcml.features.definition import SupervisionModel
from jcml.tables.store import Store

if TYPE_CHECKING:
    import pyarrow as pa


@dataclass(frozen=True)
class Matrix:
    """Rows (unit, as-of date) × features, with rules, facts and groups beside them.

    Parameters
    ----------
    table : Arrow table
        Keys, `_asof`, one double per feature (NULL for unknown), `rule:…`, `fact:…` and `group:…` columns; sorted by
        as-of date and keys.
    keys : tuple of str
    features : tuple of str
        In the order of the definition, which is the order a trained model expects.
    fingerprint : str
        Of the features' meaning.
    data_digest : str
        Of the data it was computed from.

    Examples
    --------
    >>> from jcml.workspace.example import example_training
    >>> matrix = example_training().test_matrix
    >>> matrix.values.shape == (len(matrix), len(matrix.features))
    True
    """

    table: pa.Table
    keys: tuple[str, ...]
    features: tuple[str, ...]
    fingerprint: str
    data_digest: str

    def __len__(self) -> int:
        return int(self.table.num_rows)

    @cached_property
    def values(self) -> NDArray[np.float64]:
        """(n, k) doubles, NaN for unknown."""
        made = np.empty((len(self), len(self.features)), order="F")  # filled and read by column
        for index, name in enumerate(self.features):
            made[:, index] = self.column(name)
        return made

    def column(self, name: str) -> NDArray[np.float64]:
        """One column as (n,) doubles, NaN for unknown."""
        return np.asarray(self.table[name].to_numpy(zero_copy_only=False), dtype=np.float64)

    @cached_property
    def as_of(self) -> NDArray[np.datetime64]:
        """(n,) as-of dates."""
        return np.asarray(self.table["_asof"].to_numpy(), dtype="datetime64[D]")

    @cached_property
    def units(self) -> list[tuple[str, ...]]:
        """(n,) unit keys."""
        return list(zip(*(self.table[k].to_pylist() for k in self.keys), strict=True))

    @cached_property
    def unit_numbers(self) -> NDArray[np.int64]:
        """(n,) one number per real unit, equal for its rows on different dates and for events of the same thing."""
        known: dict[object, int] = {}
        same: list[object] = list(self.units)
        if "same" in self.table.column_names:
            same = [s if s is not None else u for s, u in zip(self.table["same"].to_pylist(), self.units, strict=True)]
        return np.array([known.setdefault(u, len(known)) for u in same], dtype=np.int64)

    @property
    def rules(self) -> list[str]:
        """The names of the rules."""
        return [n.removeprefix("rule:") for n in self.table.column_names if n.startswith("rule:")]

    @property
    def groups(self) -> list[str]:
        """The names of the groups."""
        return [n.removeprefix("group:") for n in self.table.column_names if n.startswith("group:")]

    def group(self, name: str) -> list[str]:
        """(n,) the group of each row, as text; unknown is an empty text."""
        return ["" if v is None else str(v) for v in self.table[f"group:{name}"].to_pylist()]

    def take(self, rows: NDArray[np.int64] | NDArray[np.bool_]) -> Matrix:
        """Some of its rows, by position or by mask."""
        import pyarrow as pa

        chosen = pa.array(rows)
        table = self.table.filter(chosen) if rows.dtype == bool else self.table.take(chosen)
        return Matrix(table, self.keys, self.features, self.fingerprint, self.data_digest)

    @cached_property
    def digest(self) -> str:
        """SHA-256 of its content, whatever the file it lies in."""
        made = hashlib.sha256(json.dumps([self.keys, self.features, self.fingerprint]).encode())
        for name in (*self.keys, *(n for n in self.table.column_names if n not in self.keys)):
            column = self.table[name]
            made.update(name.encode())
            if str(column.type) == "double":
                made.update(np.ascontiguousarray(self.column(name)).tobytes())
            else:
                made.update("\x1f".join(map(str, column.to_pylist())).encode())
        return made.hexdigest()


def matrix_key(definition: SupervisionModel, calendar: Calendar, data_digest: str) -> str:
    """What a matrix depends on: meaning, dates, data, and the version of jcml.

    >>> from zoneinfo import ZoneInfo
    >>> from jcml.workspace.example import AS_OF, example
    >>> model, _ = example()
    >>> calendar = Calendar((AS_OF,), model.serving.every, ZoneInfo("Asia/Shanghai"))
    >>> matrix_key(model.definition, calendar, "data of May") == matrix_key(model.definition, calendar, "data of June")
    False
    """
    parts: list[Any] = [
        definition.full_question.fingerprint,
        [str(d) for d in calendar.days],
        calendar.every.name,
        calendar.zone.key,
        data_digest,
        jcml.__version__,
    ]
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


def build_matrix(definition: SupervisionModel, store: Store, days: Sequence[date], every: Period) -> Matrix:
    """The matrix of a supervision model on some as-of dates; read back when nothing has changed.

    Parameters
    ----------
    definition : SupervisionModel
    store : Store
        The office's imported data.
    days : sequence of date
        As-of dates, ascending.
    every : Period
        Their step; events are scored on the first of them after they became known.

    Raises
    ------
    InputMissing
        JC2130, if the table of the units was never delivered.

    >>> from jcml.workspace.example import AS_OF, example
    >>> model, store = example()
    >>> matrix = build_matrix(model.definition, store, [AS_OF], model.serving.every)
    >>> str(matrix.as_of.max()), len(matrix.features) == len(model.definition.features)
    ('2025-01-01', True)
    """
    import pyarrow.parquet as pq

    calendar = Calendar(tuple(days), every, store.office.zone)
    data_digest = store.data_digest(definition.tables)
    key = matrix_key(definition, calendar, data_digest)
    path = store.root / "matrices" / f"{key[:32]}.parquet"
    if not path.exists():
        require_unit(definition, store)
        with store.engine(definition.tables) as engine:
            write_file(path, lambda part: engine.matrix_to(definition.full_question, calendar, part))
    table = pq.read_table(path)
    return Matrix(table, definition.keys, definition.question.names, definition.fingerprint, data_digest)


def require_unit(definition: SupervisionModel, store: Store) -> None:
    """Refuse to go on when the table whose rows are scored was never delivered.

    Raises
    ------
    InputMissing
        JC2130.

    >>> from jcml.workspace.example import example
    >>> model, store = example()
    >>> require_unit(model.definition, store)  # it was delivered
    """
    from jcml.errors import InputMissing

    name = definition.unit_table.name
    if not store.facts(name).delivered:
        raise InputMissing("JC2130", tables=name, office=store.office.name)


@dataclass(frozen=True)
class Outcomes:
    """What was found about each row of a matrix, and when that became known.

    Parameters
    ----------
    confirmed_known, not_confirmed_known : (n,) doubles
        Microseconds UTC; NaN for never.
    channel : (n,) list of str
        Why the unit was looked at; empty when nobody did.

    Examples
    --------
    >>> outcomes = Outcomes(np.array([5.0, np.nan]), np.array([np.nan, 7.0]), ["ranked", "audit"])
    >>> outcomes.labels(10)
    array([1., 0.])
    >>> outcomes.labels(6)
    array([ 1., nan])
    """

    confirmed_known: NDArray[np.float64]
    not_confirmed_known: NDArray[np.float64]
    channel: list[str]

    def labels(self, at: int) -> NDArray[np.float64]:
        """(n,) 1, 0 or NaN, as known before a moment (microseconds UTC): a label may be used from that day on."""
        made = np.full(len(self.confirmed_known), np.nan)
        made[self.not_confirmed_known < at] = 0.0
        made[self.confirmed_known < at] = 1.0
        return made


def find_outcomes(definition: SupervisionModel, store: Store, matrix: Matrix, every: Period) -> Outcomes:
    """What was found about every row of a matrix, in its order.

    >>> from jcml.workspace.example import AS_OF, example
    >>> model, store = example()
    >>> matrix = build_matrix(model.definition, store, [AS_OF], model.serving.every)
    >>> len(find_outcomes(model.definition, store, matrix, model.serving.every).channel) == len(matrix)
    True
    """
    question, outcome = definition.label_question
    days = tuple(sorted({d.item() for d in np.unique(matrix.as_of)}))
    empty = np.full(len(matrix), np.nan)
    if not days:
        return Outcomes(empty, empty.copy(), [])
    names = {r.name for r in question.relations}
    with store.engine(names) as engine:
        found = engine.outcomes(question, outcome, Calendar(days, every, store.office.zone))
    position = {
        (*unit, day): i
        for i, (unit, day) in enumerate(
            zip(zip(*(found[k].to_pylist() for k in matrix.keys), strict=True), found["_asof"].to_pylist(), strict=True)
        )
    }
    rows = np.array([position[(*u, d.item())] for u, d in zip(matrix.units, matrix.as_of, strict=True)], dtype=np.int64)

    def times(name: str) -> NDArray[np.float64]:
        return np.asarray(found[name].to_numpy(zero_copy_only=False), dtype=np.float64)[rows]

    channels = found["_channel"].to_pylist()
    return Outcomes(times("_confirmed_known"), times("_not_confirmed_known"), [channels[i] or "" for i in rows])
