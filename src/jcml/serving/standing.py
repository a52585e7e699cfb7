"""Where a few values stand among all units of their group: how many there are, their median, and how many are smaller.

Exact, in two passes over a file whose rows may lie on many machines. In the first each part sorts its values and
tells some of them with their ranks, from which follows between which two the middle lies. In the second each
part tells its values in that interval, which are few.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import pyarrow as pa

    from jcml.engines.sql import SqlEngine

POINTS = 128
TOGETHER = 2**18
"""Rows that are sorted at a time."""
Vector = NDArray[np.float64]


@dataclass(frozen=True)
class Standing:
    """Of the known values of a group: how many, their median, and how many lie below each value asked about.

    >>> Standing(9, 4.0, {5.0: 6}).below[5.0]
    6
    """

    n: int
    median: float
    below: Mapping[float, int]


Place = tuple[str, str]
"""A group and a column."""


def standings(engine: SqlEngine, file: Path, group: str, asked: Mapping[Place, Sequence[float]]) -> dict[Place, Standing]:
    """Where values stand in a Parquet file.

    Parameters
    ----------
    group : str
        The column of the group, NULL being a group of its own named by the empty text; empty when all are one group.
    asked : mapping of (group, column) to values
        Places without any known value are missing from the answer.

    Examples
    --------
    >>> import tempfile, pyarrow as pa, pyarrow.parquet as pq
    >>> from jcml.engines.duckdb import DuckDBEngine
    >>> file = Path(tempfile.mkdtemp()) / "m.parquet"
    >>> pq.write_table(pa.table({"g": ["a", "a", "b"], "x": [1.0, 4.0, None]}), file)
    >>> with DuckDBEngine({}) as engine:
    ...     standings(engine, file, "g", {("a", "x"): [4.0], ("b", "x"): [1.0]})
    {('a', 'x'): Standing(n=2, median=2.5, below={4.0: 1})}
    """
    if not asked:
        return {}
    columns = [*([group] if group else []), *dict.fromkeys(name for _, name in asked)]
    first = _First(group, {p: tuple(sorted(set(v))) for p, v in asked.items()})
    parts: dict[Place, list[_Told]] = {}
    below: dict[Place, NDArray[np.int64]] = {}
    for place, row in _rows(engine.gathered(file, first, first.schema, columns)):
        parts.setdefault(place, []).append(_Told(row["n"], _array(row["points"]), _array(row["under"]), _array(row["upto"])))
        below[place] = below.get(place, np.zeros(len(row["below"]), dtype=np.int64)) + _array(row["below"])
    counts = {place: sum(told.n for told in found) for place, found in parts.items()}
    second = _Second(group, {place: _span(found, counts[place]) for place, found in parts.items()})
    inside: dict[Place, list[Any]] = {}
    before: dict[Place, int] = {}
    for place, row in _rows(engine.gathered(file, second, second.schema, columns)):
        inside.setdefault(place, []).append(_array(row["inside"]))
        before[place] = before.get(place, 0) + row["below"]
    made = {}
    for place, n in counts.items():
        values = np.sort(np.concatenate(inside[place]))
        low, high = (float(values[k - before[place]]) for k in ((n - 1) // 2, n // 2))
        smaller = {value: int(count) for value, count in zip(first.asked[place], below[place], strict=True)}
        made[place] = Standing(n, low + (high - low) * 0.5 if low != high else low, smaller)
    return made


@dataclass(frozen=True)
class _Told:
    """What a part tells of its values: some of them, and for each how many are smaller and how many are not greater."""

    n: int
    points: NDArray[Any]
    under: NDArray[Any]
    upto: NDArray[Any]


def _span(parts: Sequence[_Told], total: int) -> tuple[float, float]:
    """The narrowest interval of told values that surely holds both middle ones."""
    points = np.unique(np.concatenate([told.points for told in parts]))
    smaller, reached = np.zeros(len(points), dtype=np.int64), np.zeros(len(points), dtype=np.int64)
    for told in parts:
        smaller += np.append(told.under, told.n)[np.searchsorted(told.points, points, "left")]  # at most so many lie below a point
        reached += np.insert(told.upto, 0, 0)[np.searchsorted(told.points, points, "right")]  # at least so many do not lie above
    return float(points[smaller <= (total - 1) // 2][-1]), float(points[reached > total // 2][0])


class _Pass:
    """One pass over the values of every place; what travels to a worker is this object."""

    told: ClassVar[tuple[tuple[str, str], ...]]

    def __init__(self, group: str, places: Sequence[Place]) -> None:
        self.group = group
        self.places = list(places)

    @property
    def schema(self) -> pa.Schema:
        """Of what the pass tells."""
        import pyarrow as pa

        kinds = {"int": pa.int64(), "ints": pa.list_(pa.int64()), "floats": pa.list_(pa.float64())}
        return pa.schema([("group", pa.string()), ("column", pa.string()), *((name, kinds[kind]) for name, kind in self.told)])

    def __call__(self, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        import pyarrow as pa

        for table in _together(batches):
            rows = [{"group": p[0], "column": p[1], **self.tell(p, values)} for p, values in self.values(table)]
            yield from pa.Table.from_pylist(rows, self.schema).to_batches()

    def tell(self, place: Place, values: Vector) -> dict[str, Any]:
        """What is told of the values of a place, which are not sorted and at least one."""
        raise NotImplementedError

    def values(self, table: pa.Table) -> Iterator[tuple[Place, Vector]]:
        """The known values of each place."""
        import pyarrow as pa
        import pyarrow.compute as pc

        masks: dict[str, NDArray[np.bool_]] = {}
        if self.group:
            groups = pc.fill_null(table[self.group].cast(pa.string()), "")
            for name in {g for g, _ in self.places}:
                masks[name] = pc.equal(groups, name).to_numpy()
        for group, column in self.places:
            values = np.asarray(table[column].to_numpy(), dtype=np.float64) + 0.0  # no minus zero
            if self.group:
                values = values[masks[group]]
            values = values[~np.isnan(values)]
            if len(values):
                yield (group, column), values


class _First(_Pass):
    told = (("n", "int"), ("points", "floats"), ("under", "ints"), ("upto", "ints"), ("below", "ints"))

    def __init__(self, group: str, asked: Mapping[Place, tuple[float, ...]]) -> None:
        super().__init__(group, list(asked))
        self.asked = dict(asked)

    def tell(self, place: Place, values: Vector) -> dict[str, Any]:
        values = np.sort(values)
        points = np.unique(values[np.linspace(0, len(values) - 1, POINTS).astype(np.int64)])
        return {
            "n": len(values), "points": points, "under": np.searchsorted(values, points, "left"),
            "upto": np.searchsorted(values, points, "right"), "below": np.searchsorted(values, self.asked[place], "left"),
        }


class _Second(_Pass):
    told = (("below", "int"), ("inside", "floats"))

    def __init__(self, group: str, spans: Mapping[Place, tuple[float, float]]) -> None:
        super().__init__(group, list(spans))
        self.spans = dict(spans)

    def tell(self, place: Place, values: Vector) -> dict[str, Any]:
        low, high = self.spans[place]
        return {"below": int((values < low).sum()), "inside": values[(values >= low) & (values <= high)]}


def _together(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.Table]:
    import pyarrow as pa

    held: list[pa.RecordBatch] = []
    for batch in batches:
        held.append(batch)
        if sum(b.num_rows for b in held) >= TOGETHER:
            yield pa.Table.from_batches(held)
            held = []
    if held:
        yield pa.Table.from_batches(held)


def _rows(table: pa.Table) -> Iterator[tuple[Place, dict[str, Any]]]:
    for row in table.to_pylist():
        yield (row["group"], row["column"]), row


def _array(values: list[float]) -> NDArray[Any]:
    return np.array(values, dtype=np.float64 if any(isinstance(v, float) for v in values) else np.int64)
