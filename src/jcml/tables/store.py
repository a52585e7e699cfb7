"""What an office delivered, batch by batch, and the merged table that engines read.

```
state/catalogue.sqlite            what was imported: the one place where a batch comes into being
state/sources/TABLE/batch-….parquet    rows of one delivery, never changed afterwards
state/sources/TABLE/merged-….parquet   all deliveries of a table: one row per version, with when it was replaced
state/buckets/TABLE/KEY/…              sums per day, kept over runs; may be deleted, they are made again
state/quarantine/TABLE/….parquet       refused rows, whole, with their reasons
state/vault/KIND/….parquet             which pseudonym stands for which value
```

Where a cluster wrote it, a batch or a merged table is a folder of that name with Parquet files in order; `files_of`
says what files a table has.

A correction is a later version of a row; a withdrawal or a reversal ends it. `_superseded` says when the next
version became known, so a question about an earlier day still sees what was known then.
"""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from jcml.durable import database, reached, remove, sweep, undamaged, write_file
from jcml.engines.choosing import as_json, count, from_json
from jcml.engines.dialect import quote
from jcml.engines.duckdb import DuckDBEngine
from jcml.engines.engine import END_OF_TIME, Source, SourceFacts, files_of, rows_in
from jcml.engines.sql import SqlEngine
from jcml.errors import DataError, InputMissing, NotPermitted, Place
from jcml.tables.cleaning import schema
from jcml.tables.office import Office
from jcml.tables.pseudonyms import Pseudonyms, Vault, read_key
from jcml.tables.table import Table

if TYPE_CHECKING:
    from jcml.engines.spark import SparkEngine

_SCHEMA = """
CREATE TABLE IF NOT EXISTS batch (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    batch TEXT NOT NULL UNIQUE,
    source TEXT NOT NULL,
    file TEXT NOT NULL,
    file_digest TEXT NOT NULL,
    mapping_digest TEXT NOT NULL,
    received TEXT NOT NULL,
    encoding TEXT NOT NULL,
    delivered TEXT NOT NULL,
    read INTEGER NOT NULL,
    kept INTEGER NOT NULL,
    quarantined INTEGER NOT NULL,
    warnings TEXT NOT NULL,
    CHECK (read = kept + quarantined)
);
CREATE TABLE IF NOT EXISTS merged (
    source TEXT PRIMARY KEY,
    batches TEXT NOT NULL,
    path TEXT NOT NULL,
    facts TEXT NOT NULL
);
"""


LARGE = 64 * 1024**2
"""Bytes from which on files are worth a cluster; with less its start costs more than the work."""


@dataclass(frozen=True)
class Batch:
    """One delivery of one table, as it stands in the catalogue.

    `warnings` is a mapping of "column: problem" to how often.

    >>> Batch("b1", "vat", "vat.csv", "", "", "2024-01-31", "gbk", ("sales",), 10, 9, 1, {"sales: negative": 2}).kept
    9
    """

    batch: str
    source: str
    file: str
    file_digest: str
    mapping_digest: str
    received: str
    encoding: str
    delivered: tuple[str, ...]
    read: int
    kept: int
    quarantined: int
    warnings: Mapping[str, int]


class Store:
    """The imported data of one office.

    Parameters
    ----------
    office : Office
    tables : mapping of name to Table
        The contracts of the workspace.
    master : str
        The Spark cluster that answers questions; empty for DuckDB in this process.

    Examples
    --------
    >>> from jcml.workspace.example import example
    >>> _, store = example()
    >>> with store.engine(["reverse_cases"]) as engine:
    ...     engine.facts()["reverse_cases"].delivered
    True
    """

    def __init__(self, office: Office, tables: Mapping[str, type[Table]], *, master: str = "") -> None:
        self.office = office
        self.master = master
        self.large = LARGE
        self.tables = dict(tables)
        self.root = office.state
        self.vault = Vault(self.root / "vault")

    # -- the catalogue -----------------------------------------------------------------------------------------

    def catalogue(self) -> AbstractContextManager[sqlite3.Connection]:
        """A connection to the catalogue; made on first use."""
        return database(self.root / "catalogue.sqlite", _SCHEMA)

    @cached_property
    def pseudonyms(self) -> Pseudonyms:
        """The office's pseudonyms, under the key that its data were imported with.

        Raises
        ------
        NotPermitted
            JC2003, if the key is gone or is another one; JC2001, if others may read it.
        """
        key = self.office.key
        if not key.exists() and self.batches():
            raise NotPermitted("JC2003", Place(key))
        made = Pseudonyms(read_key(key))
        if not self.vault.fits(made):
            raise NotPermitted("JC2003", Place(key))
        return made

    def batches(self, source: str = "") -> list[Batch]:
        """All batches in the order of their import, of one table or of all."""
        if not (self.root / "catalogue.sqlite").exists():
            return []
        names = "batch, source, file, file_digest, mapping_digest, received, encoding, delivered, read, kept, quarantined, warnings"
        with self.catalogue() as connection:
            rows = connection.execute(
                f"SELECT {names} FROM batch WHERE ? IN ('', source) ORDER BY number", (source,)
            ).fetchall()
        return [
            Batch(r[0], r[1], r[2], r[3], r[4], r[5], r[6], tuple(json.loads(r[7])), r[8], r[9], r[10], json.loads(r[11])) for r in rows
        ]

    def add(self, batch: Batch) -> None:
        """Enter a batch in the catalogue: from here on it exists."""
        with self.catalogue() as connection, connection:
            connection.execute(
                "INSERT INTO batch (batch, source, file, file_digest, mapping_digest, received, encoding, delivered,"
                " read, kept, quarantined, warnings) VALUES (?,?,?,?,?,?,?,?,?,?,?,?)",
                (
                    batch.batch, batch.source, batch.file, batch.file_digest, batch.mapping_digest, batch.received,
                    batch.encoding, json.dumps(sorted(batch.delivered)), batch.read, batch.kept, batch.quarantined,
                    json.dumps(dict(sorted(batch.warnings.items())), ensure_ascii=False),
                ),
            )
        reached("import.committed")

    # -- merging -----------------------------------------------------------------------------------------------

    def batch_file(self, source: str, batch: str) -> Path:
        """Where the rows of a batch are."""
        return self.root / "sources" / source / f"batch-{batch}.parquet"

    def merge(self, source: str) -> None:
        """Bring the merged table of a source up to date with its batches; does nothing when it is.

        A merged table that is gone or damaged is made again from the batches.

        Raises
        ------
        DataError
            JC9003, if a batch is gone or damaged.
        """
        batches = self.batches(source)
        if not batches:
            return
        wanted = hashlib.sha256(",".join(b.batch for b in batches).encode()).hexdigest()
        with self.catalogue() as connection:
            known = connection.execute("SELECT batches, path, facts FROM merged WHERE source = ?", (source,)).fetchone()
        if known and known[0] == wanted:
            with suppress(DataError):
                return check_parquet(self.root / known[1], json.loads(known[2])["rows"])
        for batch in batches:
            check_parquet(self.batch_file(source, batch.batch), batch.kept)
        folder = self.root / "sources" / source
        sweep(folder)
        path = folder / f"merged-{wanted[:12]}.parquet"
        facts: dict[str, Any] = {}
        write_file(path, lambda part: facts.update(self._write_merged(source, batches, part)), "import.merged")
        with self.catalogue() as connection, connection:
            connection.execute(
                "INSERT INTO merged (source, batches, path, facts) VALUES (?,?,?,?)"
                " ON CONFLICT (source) DO UPDATE SET batches = excluded.batches, path = excluded.path, facts = excluded.facts",
                (source, wanted, str(path.relative_to(self.root)), json.dumps(facts)),
            )
        for old in folder.glob("merged-*.parquet"):
            if old != path:
                remove(old)

    def _write_merged(self, source: str, batches: list[Batch], part: Path) -> dict[str, Any]:
        table = self.tables[source]
        delivered = sorted(set().union(*(b.delivered for b in batches)))
        files = [(b.batch, self.batch_file(source, b.batch)) for b in batches]
        order = [*[c.name for c in table.columns.values() if c.entity][:1], *(["_happened"] if table.happens else []), "_row", "_known", "_superseded", "_batch", "_line"]
        columns = ["_row", "_known", "_superseded", "_first_known_day", *(("_happened", "_day") if table.happens else ())]
        names = [*delivered, *columns, "_batch", "_line", "_digest"]
        keys = ", ".join(quote(c.name) for c in table.having("key"))
        happened = "coalesce(bool_and(_known >= _happened), TRUE)" if table.happens else "TRUE"
        one = f"count(*) = count(DISTINCT ({keys}))" if keys else "FALSE"
        with self.worker([path for _, path in files]) as engine:
            shape = schema(table, frozenset(delivered))
            versions = _versions(engine, engine.stacked(files, shape), [*shape.names, "_batch", "_sequence"])
            chosen = ", ".join(map(quote, names))
            engine.ordered_to(f"SELECT {chosen} FROM ({versions})", order, sum(b.kept for b in batches), part, number="_version")
            (found,) = engine.query(
                f"SELECT count(*) AS rows, min(_known) AS first_known, coalesce(bool_or(_superseded < {END_OF_TIME}), FALSE) AS versioned,"
                f" {happened} AS known_after, {one} AS one_row_per_key FROM {engine.parquet(part)}"
            ).to_pylist()
            counted = None
            if table.happens:
                entities = [c.name for c in table.columns.values() if c.entity and c.name in delivered]
                exact = [n for n, kind in table.relation().columns if kind.kind == "exact" and n in delivered]
                counted = count(engine, engine.parquet(part), entities, exact)
        return {**found, "columns": delivered, "statistics": as_json(counted)}

    # -- what engines are given --------------------------------------------------------------------------------

    def merged(self, source: str) -> tuple[Path, dict[str, Any], str] | None:
        """The merged file of a table, its facts, and the digest of its batches; None when nothing was delivered."""
        if not (self.root / "catalogue.sqlite").exists():
            return None
        self.merge(source)
        with self.catalogue() as connection:
            row = connection.execute("SELECT path, facts, batches FROM merged WHERE source = ?", (source,)).fetchone()
        return (self.root / row[0], json.loads(row[1]), row[2]) if row else None

    def facts(self, source: str) -> SourceFacts:
        """What was delivered of a table."""
        found = self.merged(source)
        if found is None:
            return SourceFacts()
        _, facts, _ = found
        binding = self.office.bindings.get(source)
        return SourceFacts(
            rows=facts["rows"],
            columns=frozenset(facts["columns"]),
            first_known=facts["first_known"],
            covered_from=binding.covered_from if binding else None,
            holes=binding.missing if binding else (),
            versioned=facts["versioned"],
            known_after=facts["known_after"],
            one_row_per_key=facts["one_row_per_key"],
            statistics=from_json(facts.get("statistics")),
        )

    def sources(self, names: Iterable[str]) -> dict[str, Source]:
        """The delivered ones of some tables, bound for an engine."""
        bound = {}
        for name in names:
            found = self.merged(name)
            if found is not None and found[1]["rows"]:
                bound[name] = Source(self.tables[name].relation(), found[0], self.facts(name))
        return bound

    def engine(self, names: Iterable[str]) -> SqlEngine:
        """An engine over the delivered ones of some tables: DuckDB, or the Spark cluster that this store was told of.

        Raises
        ------
        InputMissing
            JC2130, if none of them was delivered.
        """
        wanted = list(names)
        bound = self.sources(wanted)
        if not bound:
            raise InputMissing("JC2130", tables=", ".join(wanted), office=self.office.name)
        engine = self._engine(bound, bool(self.master))
        engine.buckets = self.root / "buckets"
        return engine

    def worker(self, files: Sequence[Path] = ()) -> SqlEngine:
        """An engine without tables for work on some files: the cluster, if there is one and they are worth it, or DuckDB."""
        on_cluster = bool(self.master and files) and sum(part.stat().st_size for file in files for part in files_of(file)) >= self.large
        return self._engine({}, on_cluster)

    def cluster(self) -> SparkEngine:
        """The Spark cluster that this store was told of, without tables."""
        engine = self._engine({}, on_cluster=True)
        assert engine.name == "spark"
        return cast("SparkEngine", engine)

    def _engine(self, bound: Mapping[str, Source], on_cluster: bool) -> SqlEngine:
        scratch = self.root / "scratch"
        scratch.mkdir(parents=True, exist_ok=True)
        if on_cluster:
            from jcml.engines.spark import SparkEngine

            settings = {k: v for k, v in self.office.spark.items() if k != "master"}
            return SparkEngine(bound, master=self.master, settings=settings, memory=self.office.memory, log=self.root / "spark.log")
        return DuckDBEngine(bound, threads=self.office.threads, memory=self.office.memory, scratch=scratch)

    def data_digest(self, names: Iterable[str]) -> str:
        """A digest of everything the office delivered of some tables, and of what it declared about them."""
        parts = []
        for name in sorted(names):
            found = self.merged(name)
            binding = self.office.bindings.get(name)
            declared = (binding.covered_from, binding.missing) if binding else ()
            parts.append([name, found[2] if found else "", str(declared)])
        parts.append([self.office.zone.key])
        return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


def received_on(file: Path, given: date | None) -> date:
    """The day a delivery came in: as given, or the day the file was last changed.

    >>> received_on(Path("x"), date(2024, 1, 31))
    datetime.date(2024, 1, 31)
    """
    return given if given is not None else date.fromtimestamp(file.stat().st_mtime)


def _versions(engine: SqlEngine, delivered: str, names: list[str]) -> str:
    """The statement that makes versions of delivered rows: what was corrected or taken back ends when that became known."""
    many, gone = engine.query(
        "SELECT count(*) > count(DISTINCT _row) AS many, coalesce(bool_or(_withdrawn OR _reverses IS NOT NULL), FALSE) AS gone"
        f" FROM {delivered}"
    ).to_pylist()[0].values()
    if not many and not gone:
        return f"SELECT *, {END_OF_TIME} AS _superseded, _known_day AS _first_known_day FROM {delivered}"
    cancelled = {"_row": "_reverses", "_withdrawn": "TRUE", "_digest": "''", **{n: n for n in ("_known", "_known_day", "_line", "_batch", "_sequence")}}
    ends = ", ".join(f"{cancelled.get(n, 'NULL')} AS {quote(n)}" for n in names)
    content = "_digest || CAST(_withdrawn AS STRING)"
    order = "PARTITION BY _row ORDER BY _known, _sequence, _line"
    changes = (
        f"SELECT *, lag({content}) OVER ({order}) AS _before\n"
        f"FROM (SELECT {', '.join(map(quote, names))} FROM {delivered} WHERE _reverses IS NULL\n"
        f"  UNION ALL SELECT {ends} FROM {delivered} WHERE _reverses IS NOT NULL)"
    )
    return (
        f"SELECT * FROM (SELECT *, coalesce(lead(_known) OVER ({order}), {END_OF_TIME}) AS _superseded,\n"
        f"  min(_known_day) OVER (PARTITION BY _row) AS _first_known_day\n"
        f"FROM ({changes}) WHERE _before IS NULL OR _before <> {content}) WHERE NOT _withdrawn"
    )


def check_parquet(path: Path, rows: int) -> None:
    """Look whether a Parquet file of the state, or a folder of such, is there and whole: by its footers, and how many rows they tell of.

    Raises
    ------
    DataError
        JC9003.

    >>> with suppress(DataError):
    ...     check_parquet(Path("no such file"), 1)
    """
    with undamaged(path):
        if (found := rows_in(path)) != rows:
            raise ValueError(f"{found:,} rows, not {rows:,}")
