"""What scoring does to the rows of a file, batch by batch: objects that also travel to the workers of a cluster.

Each is called with the batches of one part of a file and gives batches; nothing in it depends on how the rows are
cut into parts, so the result is the same in one process and on a hundred.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from jcml.registry.trained_model import TrainedModel
from jcml.serving.select import Decision, Key, Scored, Selection, Shortlist, select, shortlist

if TYPE_CHECKING:
    import pyarrow as pa


@dataclass(frozen=True)
class Scorer:
    """Rows of a matrix to margins and probabilities.

    >>> from jcml.engines.duckdb import batches_of
    >>> from jcml.workspace.example import example, example_list, example_training
    >>> scorer = Scorer(example_training().model, example()[0].definition.keys)
    >>> next(scorer(batches_of(example_list().folder / "matrix.parquet"))).schema.names[-2:]
    ['margin', 'probability']
    """

    trained: TrainedModel
    keys: tuple[str, ...]
    threads: int = 1

    @property
    def schema(self) -> pa.Schema:
        """Keys, `_asof`, margin, probability (NaN at a cold start)."""
        import pyarrow as pa

        return pa.schema([*((k, pa.string()) for k in self.keys), ("_asof", pa.date32()), ("margin", pa.float64()), ("probability", pa.float64())])

    def __call__(self, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """Margins and probabilities of some batches."""
        import numpy as np
        import pyarrow as pa

        names = self.trained.fitted.features
        for batch in batches:
            values = np.empty((batch.num_rows, len(names)))
            for i, name in enumerate(names):
                values[:, i] = batch.column(name).to_numpy(zero_copy_only=False)
            margins = self.trained.fitted.margins(values, threads=self.threads)
            columns = [batch.column(k) for k in (*self.keys, "_asof")] + [pa.array(margins), pa.array(self.trained.probabilities(margins))]
            yield pa.RecordBatch.from_arrays(columns, schema=self.schema)


def scored(batches: Iterator[pa.RecordBatch], keys: tuple[str, ...]) -> Iterator[Scored]:
    """The rows of a scores file one by one: memory does not grow with their number.

    >>> from jcml.engines.duckdb import batches_of
    >>> from jcml.workspace.example import example, example_list
    >>> rows = list(scored(batches_of(example_list().folder / "scores.parquet"), example()[0].definition.keys))
    >>> len(rows) == example_list().publication.scored
    True
    """
    for batch in batches:
        units = zip(*(batch.column(k).to_pylist() for k in keys), strict=True)
        yield from map(Scored, units, batch.column("margin").to_pylist(), batch.column("probability").to_pylist())


@dataclass(frozen=True)
class Choosing:
    """Scores to all that can possibly be selected of a part, and the parts together to the selection.

    Examples
    --------
    >>> import pyarrow as pa
    >>> scores = pa.RecordBatch.from_pydict({"unit": ["a", "b", "c"], "margin": [1.0, 3.0, 2.0], "probability": [0.1, 0.3, 0.2]})
    >>> how = Choosing(("unit",), 1, 1, "seed", {})
    >>> told = pa.Table.from_batches(how(iter([scores])), how.schema)
    >>> [s.by for s in how.chosen(told).chosen], how.chosen(told).eligible
    (['ranked', 'audit'], 2)
    """

    keys: tuple[str, ...]
    places: int
    audits: int
    seed: str
    left_out: Mapping[Key, Decision]

    @property
    def schema(self) -> pa.Schema:
        """A candidate per row, `_total` in the first of a part: how many units the part had."""
        import pyarrow as pa

        return pa.schema([*((k, pa.string()) for k in self.keys), ("margin", pa.float64()), ("probability", pa.float64()), ("_total", pa.int64())])

    def __call__(self, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """What can be selected of the batches of one part."""
        import pyarrow as pa

        short = shortlist(scored(batches, self.keys), places=self.places, audits=self.audits, seed=self.seed, left_out=self.left_out)
        if short.total:
            # with no place to give there is no candidate, but the units count all the same
            units = short.units or (Scored(("",) * len(self.keys), 0.0, 0.0),)
            columns = [pa.array([u.unit[i] for u in units]) for i in range(len(self.keys))]
            columns += [pa.array([u.margin for u in units]), pa.array([u.probability for u in units])]
            totals = [short.total if short.units else -short.total] + [0] * (len(units) - 1)
            yield pa.RecordBatch.from_arrays([*columns, pa.array(totals)], schema=self.schema)

    def chosen(self, told: pa.Table) -> Selection:
        """The selection, from what the parts told."""
        totals = told["_total"].to_pylist()
        units = tuple(s for s, total in zip(scored(iter(told.to_batches()), self.keys), totals, strict=True) if total >= 0)
        short = Shortlist(units, sum(map(abs, totals)))
        return select(short, places=self.places, audits=self.audits, seed=self.seed, left_out=self.left_out)


@dataclass(frozen=True)
class SelectionLog:
    """Scores to the log of what happened to every unit, and with which chance.

    >>> import pyarrow as pa
    >>> scores = pa.RecordBatch.from_pydict({"unit": ["a"], "margin": [1.0], "probability": [0.1]})
    >>> log = SelectionLog(("unit",), Selection((), {}, 1, 0.5))
    >>> next(log(iter([scores]))).to_pylist()
    [{'unit': 'a', 'margin': 1.0, 'probability': 0.1, 'decision': 'not_selected', 'chance': 0.5}]
    """

    keys: tuple[str, ...]
    selection: Selection

    @property
    def schema(self) -> pa.Schema:
        """Keys, margin, probability, decision, chance."""
        import pyarrow as pa

        named = ("margin", pa.float64()), ("probability", pa.float64()), ("decision", pa.string()), ("chance", pa.float64())
        return pa.schema([*((k, pa.string()) for k in self.keys), *named])

    def __call__(self, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """What happened to the units of some batches."""
        import pyarrow as pa

        chosen = {s.scored.unit: s for s in self.selection.chosen}
        for batch in batches:
            units = zip(*(batch.column(k).to_pylist() for k in self.keys), strict=True)
            decisions = [self.selection.decision(unit, chosen) for unit in units]
            columns = [batch.column(k) for k in (*self.keys, "margin", "probability")]
            columns += [pa.array([d[0] for d in decisions], pa.string()), pa.array([d[1] for d in decisions], pa.float64())]
            yield pa.RecordBatch.from_arrays(columns, schema=self.schema)


@dataclass(frozen=True)
class Above:
    """How many margins lie above each of some.

    >>> import pyarrow as pa
    >>> above = Above((1.0, 2.5))
    >>> next(above(iter([pa.RecordBatch.from_pydict({"margin": [1.0, 2.0, 3.0]})]))).to_pylist()
    [{'above': [2, 1]}]
    """

    margins: tuple[float, ...]

    @property
    def schema(self) -> pa.Schema:
        """One list per part, in the order of the margins asked about."""
        import pyarrow as pa

        return pa.schema([("above", pa.list_(pa.int64()))])

    def __call__(self, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """How many margins of the batches of one part lie above."""
        import numpy as np
        import pyarrow as pa

        total = np.zeros(len(self.margins), dtype=np.int64)
        for batch in batches:
            ordered = np.sort(batch.column("margin").to_numpy())
            total += len(ordered) - np.searchsorted(ordered, self.margins, "right")
        yield pa.RecordBatch.from_arrays([pa.array([total], pa.list_(pa.int64()))], schema=self.schema)
