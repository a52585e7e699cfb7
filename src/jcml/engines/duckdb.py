"""DuckDB inside the process: the default engine, and the only door to DuckDB."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jcml.engines.dialect import Dialect, quote, text
from jcml.engines.engine import Calendar, Plan, Source, files_of
from jcml.engines.sql import SqlEngine, Work
from jcml.errors import Unavailable
from jcml.query import Question

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa

ROW_GROUP = 65_536


class DuckDBEngine(SqlEngine):
    """Answers questions in this process, within a memory limit and with spilling to disk.

    Parameters
    ----------
    sources : mapping of table to Source
        The office's delivered tables.
    threads : int
        0 means one per core.
    memory : str
        DuckDB's memory limit, such as ``"4GB"``; what does not fit goes to disk.

    Raises
    ------
    Unavailable
        JC2508, if a question needs more than the limit at once.

    Examples
    --------
    >>> with DuckDBEngine({}) as engine:
    ...     engine.query("SELECT 6 * 7 AS answer").to_pylist()
    [{'answer': 42}]
    """

    name = "duckdb"

    def __init__(
        self,
        sources: Mapping[str, Source],
        *,
        threads: int = 0,
        memory: str = "4GB",
        scratch: Path | None = None,
    ) -> None:
        self.sources = sources
        self.dialect = Dialect()
        self._scratch = tempfile.TemporaryDirectory(prefix="jcml-", dir=scratch)
        self.memory = memory
        self.connection = connect(threads=threads, memory=memory, scratch=Path(self._scratch.name))
        for name, source in sources.items():
            self._bind(name, source)

    def close(self) -> None:
        """Close the connection and remove the scratch files."""
        self.connection.close()
        self._scratch.cleanup()

    def _bind(self, name: str, source: Source) -> None:
        if isinstance(source.rows, Path):
            origin = self.parquet(source.rows)
        else:
            origin = quote("_given_" + name)
            self.connection.register("_given_" + name, source.rows)
        self.connection.execute(f"CREATE VIEW {quote(name)} AS SELECT {self.selected(source)} FROM {origin}")

    def query(self, sql: str) -> pa.Table:
        """Run one statement and return its result as an Arrow table."""
        with self._enough():
            return self.connection.sql(sql).to_arrow_table()

    @contextmanager
    def _enough(self) -> Iterator[None]:
        import duckdb

        try:
            yield
        except duckdb.OutOfMemoryException:
            raise Unavailable("JC2508", memory=self.memory) from None

    @contextmanager
    def given(self, name: str, table: pa.Table) -> Iterator[None]:
        """Have a small table there under a name, for as long as the context lasts."""
        self.connection.register(name, table)
        try:
            yield
        finally:
            self.connection.unregister(name)

    @contextmanager
    def steps(self, plan: Plan) -> Iterator[str]:
        """Make the steps of a plan as temporary tables, one after the other; gives the query of the result."""
        import pyarrow as pa

        made = []
        with self.given("_dates", pa.table({k: pa.array(v) for k, v in plan.dates.items()})):
            try:
                for step in plan.steps:
                    with self._enough():
                        self.connection.execute(f"CREATE OR REPLACE TEMP TABLE {quote(step.name)} AS {self.statement(step)}")
                    made.append(step.name)
                yield plan.result
            finally:
                for name in made:
                    self.connection.execute(f"DROP TABLE IF EXISTS {quote(name)}")

    def matrix_to(self, question: Question, calendar: Calendar, path: Path) -> int:
        """Write the answer as Parquet in bounded memory; returns the number of rows."""
        with self.steps(self.plan(question, calendar)) as result, self._enough():
            inner = f"SELECT * REPLACE (DATE '1970-01-01' + CAST(_asof AS INTEGER) AS _asof) FROM ({result})"
            done = self.connection.execute(
                f"COPY ({inner}) TO {text(str(path))} (FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE {ROW_GROUP})"
            ).fetchone()
        return int(done[0]) if done else 0

    def parquet(self, path: Path) -> str:
        """A Parquet file, or a folder of such, as something to select from."""
        return f"read_parquet([{', '.join(text(str(file)) for file in files_of(path))}])"

    def stacked(self, files: Sequence[tuple[str, Path]], schema: pa.Schema) -> str:
        """The rows of several Parquet files or folders as something to select from, with `_batch` and `_sequence`."""
        parts = (f"SELECT *, {i} AS _sequence, {text(batch)} AS _batch FROM {self.parquet(path)}" for i, (batch, path) in enumerate(files))
        return f"({' UNION ALL BY NAME '.join(parts)})"

    def ordered_to(self, sql: str, order: Sequence[str], rows: int, target: Path, *, number: str = "") -> None:
        """Write the rows of a statement as Parquet in order, NULLs last; with `number` each with its place from 0."""
        by = ", ".join(quote(name) for name in order)
        place = f"row_number() OVER (ORDER BY {by}) - 1 AS {quote(number)}, " if number else ""
        self.connection.execute("SET preserve_insertion_order = true")
        self.connection.execute(
            f"COPY (SELECT {place}* FROM ({sql}) ORDER BY {by}) TO {text(str(target))} (FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE {ROW_GROUP})"
        )
        self.connection.execute("SET preserve_insertion_order = false")

    def through(self, source: Path, target: Path, work: Work, schema: pa.Schema, columns: Sequence[str] | None = None) -> None:
        """Write what `work` makes of the rows of a Parquet file into another one; memory does not grow with their number."""
        import pyarrow.parquet as pq

        with pq.ParquetWriter(target, schema, compression="zstd") as writer:
            for batch in work(batches_of(source, columns)):
                writer.write_batch(batch)

    def gathered(self, source: Path, work: Work, schema: pa.Schema, columns: Sequence[str] | None = None) -> pa.Table:
        """What `work` makes of the rows of a Parquet file, as a table."""
        import pyarrow as pa

        return pa.Table.from_batches(work(batches_of(source, columns)), schema)


def batches_of(path: Path, columns: Sequence[str] | None = None) -> Iterator[pa.RecordBatch]:
    """The batches of a Parquet file, or of a folder of such, one row group in memory at a time.

    `iter_batches` keeps what it has read: measured, its memory grows with the rows; `read_row_group` lets go.

    >>> from jcml.workspace.example import example_list
    >>> sum(b.num_rows for b in batches_of(example_list().folder / "matrix.parquet")) == example_list().publication.scored
    True
    """
    import pyarrow.parquet as pq

    for name in files_of(path):
        file = pq.ParquetFile(name)
        for group in range(file.num_row_groups):
            yield from file.read_row_group(group, columns=columns).to_batches(ROW_GROUP)


def connect(*, threads: int = 0, memory: str = "4GB", scratch: Path | None = None) -> duckdb.DuckDBPyConnection:
    """A connection that uses no network, no home directory, and no more memory than it is given.

    >>> connect(threads=1).execute("SELECT current_setting('threads')").fetchone()
    (1,)
    """
    import duckdb

    settings: dict[str, Any] = {
        "threads": threads or os.cpu_count() or 1,
        "memory_limit": memory,
        "preserve_insertion_order": False,
        "autoinstall_known_extensions": False,
        "autoload_known_extensions": False,
    }
    if scratch is not None:
        settings["temp_directory"] = str(scratch)
    connection = duckdb.connect(":memory:", config=settings)
    ((bar,),) = connection.execute("SELECT current_setting('enable_progress_bar')").fetchall()
    if bar:  # our own steps say where a run is, and a bar would soil logs; in a notebook there is none to begin with
        connection.execute("SET enable_progress_bar = false")
    return connection
