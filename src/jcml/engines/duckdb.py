"""DuckDB inside the process: the default engine, and the only door to DuckDB."""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jcml.dates import day_number, from_day_number
from jcml.engines.compile import Compiler
from jcml.engines.dialect import Dialect, quote, text
from jcml.engines.engine import Calendar, Plan, SourceFacts
from jcml.engines.evidence import EvidenceCompiler, parts_of
from jcml.query import Aggregate, Node, Outcome, Question, Relation, Shared

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa

    from jcml.engines.plain import Row

ROW_GROUP = 65_536


@dataclass(frozen=True)
class Source:
    """A table bound for an engine: its columns, where its canonical rows are, and what was delivered.

    `rows` is a Parquet file or an Arrow table with the canonical columns.

    >>> Source(Relation("a", ()), Path("a.parquet"), SourceFacts()).relation.name
    'a'
    """

    relation: Relation
    rows: Path | pa.Table
    facts: SourceFacts


class DuckDBEngine:
    """Answers questions in this process, within a memory limit and with spilling to disk.

    Parameters
    ----------
    sources : mapping of table to Source
        The office's delivered tables.
    threads : int
        0 means one per core.
    memory : str
        DuckDB's memory limit, such as ``"4GB"``.

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
        self.connection = connect(threads=threads, memory=memory, scratch=Path(self._scratch.name))
        for name, source in sources.items():
            self._bind(name, source)

    def __enter__(self) -> DuckDBEngine:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connection and remove the scratch files."""
        self.connection.close()
        self._scratch.cleanup()

    def _bind(self, name: str, source: Source) -> None:
        columns = ["_version", "_row", "_known", "_superseded", "_first_known_day"]
        if source.relation.happens:
            columns += ["_happened", "_day"]
        if isinstance(source.rows, Path):
            columns += ["_batch", "_line", "_digest"]
        selected = [quote(c) for c in columns]
        for column, kind in source.relation.columns:
            if column not in source.facts.columns:
                continue
            sql = quote(column)
            if kind.kind == "date":
                sql = f"CAST({sql} - DATE '1970-01-01' AS INTEGER) AS {sql}"
            selected.append(sql)
        if isinstance(source.rows, Path):
            origin = f"read_parquet({text(str(source.rows))})"
        else:
            origin = quote("_given_" + name)
            self.connection.register("_given_" + name, source.rows)
        self.connection.execute(f"CREATE VIEW {quote(name)} AS SELECT {', '.join(selected)} FROM {origin}")

    def query(self, sql: str) -> pa.Table:
        """Run one statement and return its result as an Arrow table."""
        return self.connection.sql(sql).to_arrow_table()

    def facts(self) -> Mapping[str, SourceFacts]:
        """What was delivered, per table."""
        return {name: source.facts for name, source in self.sources.items()}

    def plan(self, question: Question, calendar: Calendar) -> Plan:
        """How the question would be answered."""
        return Compiler(question, calendar, self.facts(), self.dialect).plan()

    def matrix(self, question: Question, calendar: Calendar) -> pa.Table:
        """The answer: keys, `_asof` (date), one double per value; sorted by as-of date and keys."""
        with self._steps(self.plan(question, calendar)) as result:
            return _with_dates(self.query(result))

    def matrix_to(self, question: Question, calendar: Calendar, path: Path) -> int:
        """Write the answer as Parquet in bounded memory; returns the number of rows."""
        with self._steps(self.plan(question, calendar)) as result:
            inner = f"SELECT * REPLACE (DATE '1970-01-01' + CAST(_asof AS INTEGER) AS _asof) FROM ({result})"
            done = self.connection.execute(
                f"COPY ({inner}) TO {text(str(path))} (FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE {ROW_GROUP})"
            ).fetchone()
        return int(done[0]) if done else 0

    def outcomes(self, question: Question, outcome: Outcome, calendar: Calendar) -> pa.Table:
        """What was found about each unit: keys, `_asof`, when a confirmed and a not confirmed finding became known
        (microseconds UTC, NULL for never), and why one looked."""
        compiler = Compiler(question, calendar, self.facts(), self.dialect)
        with self._steps(compiler.outcomes(outcome)) as result:
            return _with_dates(self.query(result))

    @contextlib.contextmanager
    def _steps(self, plan: Plan) -> Iterator[str]:
        import pyarrow as pa

        self.connection.register("_dates", pa.table({k: pa.array(v) for k, v in plan.dates.items()}))
        made = []
        try:
            for step in plan.steps:
                self.connection.execute(f"CREATE OR REPLACE TEMP TABLE {quote(step.name)} AS {step.sql}")
                made.append(step.name)
            yield plan.result
        finally:
            for name in made:
                self.connection.execute(f"DROP TABLE IF EXISTS {quote(name)}")
            self.connection.unregister("_dates")

    def evidence(
        self, question: Question, calendar: Calendar, units: Sequence[tuple[tuple[str, ...], date]]
    ) -> Evidence:
        """The source rows behind every value of some units."""
        import pyarrow as pa

        keys = question.unit.keys
        given = {quote_key(k): pa.array([u[0][i] for u in units], pa.string()) for i, k in enumerate(keys)}
        given["_asof"] = pa.array([day_number(u[1]) for u in units], pa.int32())
        self.connection.register("_chosen", pa.table(given))
        try:
            compiler = Compiler(question, calendar, self.facts(), self.dialect, chosen=True)
            sql = EvidenceCompiler(compiler).sql()
            plan = Plan(compiler.dates, compiler.steps, sql)
            with self._steps(plan) as result:
                names = ", ".join(f"u.{quote('_key_' + k)}" for k in keys)
                rows = self.connection.execute(
                    f"SELECT {names}, u._asof, x.part, x.role, x.source, x.version FROM ({result}) AS x\n"
                    f"JOIN unit AS u ON u._rid = x._rid ORDER BY ALL"
                ).fetchall()
        finally:
            self.connection.unregister("_chosen")
        found: dict[tuple[tuple[str, ...], date], dict[str, list[tuple[str, str, int]]]] = {}
        days = {n: from_day_number(n) for n in {row[len(keys)] for row in rows}}
        for row in rows:
            unit = (tuple(row[: len(keys)]), days[row[len(keys)]])
            part, role, source, version = row[len(keys) + 1 :]
            found.setdefault(unit, {}).setdefault(part, []).append((role, source, version))
        return Evidence(found, *parts_of(compiler))

    def rows(self, table: str, versions: Iterable[int]) -> list[dict[str, Any]]:
        """Canonical rows by version number, with system columns, in the order of their version numbers."""
        import pyarrow as pa

        wanted = sorted(set(versions))
        if not wanted:
            return []
        self.connection.register("_wanted", pa.table({"v": pa.array(wanted, pa.int64())}))
        try:
            found = self.query(f"SELECT * FROM {quote(table)} WHERE _version IN (SELECT v FROM _wanted) ORDER BY _version")
        finally:
            self.connection.unregister("_wanted")
        rows: list[dict[str, Any]] = found.to_pylist()
        return rows


@dataclass(frozen=True)
class Evidence:
    """Source rows behind values.

    Parameters
    ----------
    rows : mapping of unit to part to list of (role, table, version)
        A unit is (keys, as-of date).
    parts : mapping of value to parts
        What each value is made of.
    nodes : mapping of part to Node
        The meaning of each part; None for the unit's own row.

    >>> Evidence({}, {"a": ["agg_0"]}, {"agg_0": None}).of((("x",), date(2024, 1, 1)), "a")
    []
    """

    rows: dict[tuple[tuple[str, ...], date], dict[str, list[tuple[str, str, int]]]]
    parts: dict[str, list[str]]
    nodes: dict[str, Node | None]

    def of(self, unit: tuple[tuple[str, ...], date], value: str) -> list[tuple[str, str, str, int]]:
        """(part, role, table, version) of every source row behind one value of one unit, its own row first."""
        parts = self.rows.get(unit, {})
        names = ["unit", *(p for p in self.parts[value] if p != "unit")]
        return [(part, *row) for part in names for row in parts.get(part, [])]

    def behind(
        self, unit: tuple[tuple[str, ...], date], value: str, source: Mapping[str, Mapping[int, Row]]
    ) -> tuple[dict[str, list[Row]], dict[Node, dict[str, list[Row]]]]:
        """The rows of the unit and its look-ups by table, and those of each aggregate and shared value by itself.

        `source` holds the rows by table and version. What `PlainEngine.recompute` needs.
        """
        whole: dict[str, list[Row]] = {}
        behind: dict[Node, dict[str, list[Row]]] = {}
        for part in self.parts[value]:
            node = self.nodes[part]
            if isinstance(node, Aggregate | Shared):
                behind[node] = {}
        for node, table, version in sorted({(self.nodes[p], t, v) for p, _, t, v in self.of(unit, value)}, key=lambda r: r[1:]):
            tables = behind.get(node, whole) if node is not None else whole
            row = source[table][version]
            if not tables.get(table) or tables[table][-1] is not row:
                tables.setdefault(table, []).append(row)
        return whole, behind


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


def quote_key(name: str) -> str:
    """The name under which a unit's key travels inside a plan.

    >>> quote_key("station")
    '_key_station'
    """
    return "_key_" + name


def _with_dates(table: pa.Table) -> pa.Table:
    import pyarrow as pa

    index = table.schema.get_field_index("_asof")
    return table.set_column(index, "_asof", table.column("_asof").cast(pa.int32()).cast(pa.date32()))
