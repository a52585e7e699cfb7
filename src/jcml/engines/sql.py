"""What engines that speak SQL have in common: a plan's steps, and answers made of query results."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self, TypeAlias

from jcml.dates import day_number, from_day_number
from jcml.engines.compile import Compiler
from jcml.engines.dialect import Dialect, quote
from jcml.engines.engine import Calendar, Plan, Source, SourceFacts, Step
from jcml.engines.evidence import Evidence, EvidenceCompiler, parts_of
from jcml.query import Outcome, Question

if TYPE_CHECKING:
    import pyarrow as pa

Work: TypeAlias = "Callable[[Iterator[pa.RecordBatch]], Iterator[pa.RecordBatch]]"
"""What is done to the rows of a file, batch by batch; on a cluster to each part of them, on the worker that has it."""


class SqlEngine(ABC):
    """An engine that answers a question by running the plan that the compiler makes of it.

    A door to a database says how a statement runs (`query`), how a small table is given to it (`given`), how a plan's
    steps come into being (`steps`), how a large answer gets into a file (`matrix_to`), and how Python meets the rows of
    a file where they are (`through`, `gathered`).

    >>> from jcml.workspace.example import example
    >>> _, store = example()
    >>> with store.engine(["reverse_cases"]) as engine:
    ...     isinstance(engine, SqlEngine), engine.facts()["reverse_cases"].delivered
    (True, True)
    """

    name: str
    dialect: Dialect
    sources: Mapping[str, Source]
    shape: str = ""
    buckets: Path | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @abstractmethod
    def close(self) -> None:
        """Let go of what the engine holds, and remove its scratch files."""

    def facts(self) -> Mapping[str, SourceFacts]:
        """What was delivered, per table."""
        return {name: source.facts for name, source in self.sources.items()}

    def plan(self, question: Question, calendar: Calendar) -> Plan:
        """How the question would be answered."""
        return Compiler(question, calendar, self.facts(), self.dialect, shape=self.shape).plan()

    def statement(self, step: Step) -> str:
        """The statement of a step; daily buckets that are kept over runs are brought up to date and read from their place."""
        daily = step.daily
        if daily is None or self.buckets is None or not isinstance(self.sources[daily.source].rows, Path):
            return step.sql
        from jcml.engines.kept import kept_buckets

        return f"SELECT * FROM (\n{kept_buckets(self, self.buckets, daily).select(self)}\n) WHERE {daily.wanted}"

    @abstractmethod
    def query(self, sql: str) -> pa.Table:
        """Run one statement and return its result as an Arrow table."""

    @abstractmethod
    def given(self, name: str, table: pa.Table) -> AbstractContextManager[None]:
        """Have a small table there under a name, for as long as the context lasts."""

    @abstractmethod
    def steps(self, plan: Plan) -> AbstractContextManager[str]:
        """Have the steps of a plan there, for as long as the context lasts; gives the query of the result."""

    @abstractmethod
    def matrix_to(self, question: Question, calendar: Calendar, path: Path) -> int:
        """Write the answer as Parquet in bounded memory, on a cluster as a folder; returns the number of rows."""

    @abstractmethod
    def parquet(self, path: Path) -> str:
        """A Parquet file, or a folder of such, as something to select from."""

    @abstractmethod
    def through(self, source: Path, target: Path, work: Work, schema: pa.Schema, columns: Sequence[str] | None = None) -> None:
        """Write what `work` makes of the rows of a Parquet file, or of some of its columns, into another one."""

    @abstractmethod
    def gathered(self, source: Path, work: Work, schema: pa.Schema, columns: Sequence[str] | None = None) -> pa.Table:
        """What `work` makes of the rows of a Parquet file, as a table; for little that is made of much."""

    @abstractmethod
    def stacked(self, files: Sequence[tuple[str, Path]], schema: pa.Schema) -> str:
        """The rows of several Parquet files or folders as something to select from: NULL where one lacks a column of the
        schema; `_batch` is the name it is given, `_sequence` its place."""

    @abstractmethod
    def ordered_to(self, sql: str, order: Sequence[str], rows: int, target: Path, *, number: str = "") -> None:
        """Write the rows of a statement, about so many, as Parquet in order, NULLs last; with `number` each with its place from 0."""

    def matrix(self, question: Question, calendar: Calendar, units: Sequence[tuple[str, ...]] | None = None) -> pa.Table:
        """The answer: keys, `_asof` (date), one double per value; sorted by as-of date and keys.

        With `units` the answer about these alone; what they are compared with is still everybody.
        """
        with self.steps(self.plan(question, calendar)) as result:
            if units is None:
                return _with_dates(self.query(result))
            keys = question.unit.keys
            with self.given("_asked", _strings(keys, units)):
                on = " AND ".join(f"a.{quote(k)} = r.{quote(k)}" for k in keys)
                order = ", ".join(f"r.{quote(k)}" for k in ("_asof", *keys))
                return _with_dates(self.query(f"SELECT r.* FROM ({result}) AS r JOIN _asked AS a ON {on} ORDER BY {order}"))

    def outcomes(self, question: Question, outcome: Outcome, calendar: Calendar) -> pa.Table:
        """What was found about each unit: keys, `_asof`, when a confirmed and a not confirmed finding became known
        (microseconds UTC, NULL for never), and why one looked."""
        compiler = Compiler(question, calendar, self.facts(), self.dialect)
        with self.steps(compiler.outcomes(outcome)) as result:
            return _with_dates(self.query(result))

    def evidence(
        self, question: Question, calendar: Calendar, units: Sequence[tuple[tuple[str, ...], date]]
    ) -> Evidence:
        """The source rows behind every value of some units."""
        import pyarrow as pa

        keys = question.unit.keys
        chosen = _strings(["_key_" + k for k in keys], [u[0] for u in units])
        chosen = chosen.append_column("_asof", pa.array([day_number(u[1]) for u in units], pa.int32()))
        with self.given("_chosen", chosen):
            compiler = Compiler(question, calendar, self.facts(), self.dialect, chosen=True)
            sql = EvidenceCompiler(compiler).sql()
            with self.steps(Plan(compiler.dates, compiler.steps, sql)) as result:
                names = ", ".join(f"u.{quote('_key_' + k)}" for k in keys)
                table = self.query(
                    f"SELECT {names}, u._asof, x.part, x.role, x.source, x.version FROM ({result}) AS x\n"
                    f"JOIN unit AS u ON u._rid = x._rid ORDER BY ALL"
                )
        found: dict[tuple[tuple[str, ...], date], dict[str, list[tuple[str, str, int]]]] = {}
        columns = [column.to_pylist() for column in table.columns]
        days = {n: from_day_number(n) for n in set(columns[len(keys)])}
        for row in zip(*columns, strict=True):
            part, role, source, version = row[len(keys) + 1 :]
            found.setdefault((row[: len(keys)], days[row[len(keys)]]), {}).setdefault(part, []).append((role, source, version))
        return Evidence(found, *parts_of(compiler))

    def rows(self, table: str, versions: Iterable[int]) -> list[dict[str, Any]]:
        """Canonical rows by version number, with system columns, in the order of their version numbers."""
        import pyarrow as pa

        wanted = sorted(set(versions))
        if not wanted:
            return []
        with self.given("_wanted", pa.table({"v": pa.array(wanted, pa.int64())})):
            found = self.query(f"SELECT * FROM {quote(table)} WHERE _version IN (SELECT v FROM _wanted) ORDER BY _version")
        rows: list[dict[str, Any]] = found.to_pylist()
        return rows

    def selected(self, source: Source) -> str:
        """The columns of a canonical table as plans read them: days as numbers, everything else as it is."""
        columns = ["_version", "_row", "_known", "_superseded", "_first_known_day"]
        if source.relation.happens:
            columns += ["_happened", "_day"]
        if isinstance(source.rows, Path):
            columns += ["_batch", "_line", "_digest"]
        chosen = [quote(c) for c in columns]
        for column, kind in source.relation.columns:
            if column in source.facts.columns:
                name = quote(column)
                chosen.append(f"{self.dialect.day_number(name)} AS {name}" if kind.kind == "date" else name)
        return ", ".join(chosen)


def _strings(names: Sequence[str], rows: Sequence[tuple[str, ...]]) -> pa.Table:
    import pyarrow as pa

    return pa.table({name: pa.array([row[i] for row in rows], pa.string()) for i, name in enumerate(names)})


def _with_dates(table: pa.Table) -> pa.Table:
    import pyarrow as pa

    index = table.schema.get_field_index("_asof")
    return table.set_column(index, "_asof", table.column("_asof").cast(pa.int32()).cast(pa.date32()))
