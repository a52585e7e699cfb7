"""What an office delivered, batch by batch, and the merged table that engines read.

```
state/catalogue.sqlite            what was imported: the one place where a batch comes into being
state/sources/TABLE/batch-….parquet    rows of one delivery, never changed afterwards
state/sources/TABLE/merged-….parquet   all deliveries of a table: one row per version, with when it was replaced
state/quarantine/TABLE/….parquet       refused rows, whole, with their reasons
state/vault/KIND/….parquet             which pseudonym stands for which value
```

A correction is a later version of a row; a withdrawal or a reversal ends it. `_superseded` says when the next
version became known, so a question about an earlier day still sees what was known then.
"""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections.abc import Iterable, Mapping
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from pathlib import Path
from typing import Any

from jcml.durable import database, reached, sweep, undamaged, write_file
from jcml.engines.dialect import quote, text
from jcml.engines.duckdb import ROW_GROUP, DuckDBEngine, connect
from jcml.engines.engine import END_OF_TIME, Source, SourceFacts
from jcml.engines.sql import SqlEngine
from jcml.errors import DataError, InputMissing, NotPermitted, Place
from jcml.tables.office import Office
from jcml.tables.pseudonyms import Pseudonyms, Vault, read_key
from jcml.tables.table import Table

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
            known = connection.execute("SELECT batches, path FROM merged WHERE source = ?", (source,)).fetchone()
        if known and known[0] == wanted:
            with suppress(DataError):
                return check_parquet(self.root / known[1])
        for batch in batches:
            check_parquet(self.batch_file(source, batch.batch))
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
                old.unlink()

    def _write_merged(self, source: str, batches: list[Batch], part: Path) -> dict[str, Any]:
        table = self.tables[source]
        connection = connect(threads=self.office.threads, memory=self.office.memory, scratch=self.root / "scratch")
        connection.execute("SET preserve_insertion_order=true")
        files = [self.batch_file(source, b.batch) for b in batches]
        parts = "\nUNION ALL BY NAME ".join(
            f"SELECT *, {i} AS _sequence, {text(b.batch)} AS _batch FROM read_parquet({text(str(f))})"
            for i, (b, f) in enumerate(zip(batches, files, strict=True))
        )
        connection.execute(f"CREATE VIEW delivered AS {parts}")
        many, gone = connection.execute(
            "SELECT count(*) > count(DISTINCT _row), coalesce(bool_or(_withdrawn OR _reverses IS NOT NULL), FALSE) FROM delivered"
        ).fetchone() or (True, True)
        if many or gone:
            changes = (
                "SELECT *, lag(_digest || CAST(_withdrawn AS VARCHAR)) OVER (PARTITION BY _row ORDER BY _known, _sequence, _line) AS _before\n"
                "FROM (SELECT * FROM delivered WHERE _reverses IS NULL\n"
                "  UNION ALL BY NAME SELECT _reverses AS _row, _known, _known_day, TRUE AS _withdrawn, '' AS _digest,"
                " _sequence, _line, _batch FROM delivered WHERE _reverses IS NOT NULL)"
            )
            versions = (
                f"SELECT *, coalesce(lead(_known) OVER (PARTITION BY _row ORDER BY _known, _sequence, _line), {END_OF_TIME}) AS _superseded,\n"
                f"  min(_known_day) OVER (PARTITION BY _row) AS _first_known_day\n"
                f"FROM ({changes}) WHERE _before IS NULL OR _before <> _digest || CAST(_withdrawn AS VARCHAR)"
            )
            kept = f"SELECT * EXCLUDE (_before) FROM ({versions}) WHERE NOT _withdrawn"
        else:
            kept = f"SELECT *, {END_OF_TIME} AS _superseded, _known_day AS _first_known_day FROM delivered"
        order = ", ".join([quote(c.name) for c in table.columns.values() if c.entity][:1] + (["_happened"] if table.happens else []) + ["_row", "_known"])
        columns = ["_row", "_known", "_superseded", "_first_known_day", *(("_happened", "_day") if table.happens else ())]
        delivered = sorted(set().union(*(b.delivered for b in batches)))
        names = ", ".join([quote(c) for c in delivered] + columns + ["_batch", "_line", "_digest"])
        connection.execute(
            f"COPY (SELECT row_number() OVER (ORDER BY {order}) - 1 AS _version, {names} FROM ({kept}) ORDER BY {order})"
            f" TO {text(str(part))} (FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE {ROW_GROUP})"
        )
        keys = ", ".join(quote(c.name) for c in table.having("key"))
        happened = "coalesce(bool_and(_known >= _happened), TRUE)" if table.happens else "TRUE"
        one = f"count(*) = count(DISTINCT ({keys}))" if keys else "FALSE"
        found = connection.execute(
            f"SELECT count(*), min(_known), coalesce(bool_or(_superseded < {END_OF_TIME}), FALSE), {happened}, {one}"
            f" FROM read_parquet({text(str(part))})"
        ).fetchone()
        connection.close()
        assert found is not None
        return {
            "rows": found[0], "first_known": found[1], "versioned": found[2], "known_after": found[3],
            "one_row_per_key": found[4], "columns": delivered,
        }

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
        scratch = self.root / "scratch"
        scratch.mkdir(parents=True, exist_ok=True)
        if self.master:
            from jcml.engines.spark import SparkEngine

            settings = {k: v for k, v in self.office.spark.items() if k != "master"}
            return SparkEngine(bound, master=self.master, settings=settings, memory=self.office.memory, scratch=scratch)
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


def check_parquet(path: Path) -> None:
    """Look whether a Parquet file of the state is there and whole, by its footer.

    Raises
    ------
    DataError
        JC9003.

    >>> with suppress(DataError):
    ...     check_parquet(Path("no such file"))
    """
    import pyarrow.parquet as pq

    with undamaged(path):
        pq.read_metadata(path)
