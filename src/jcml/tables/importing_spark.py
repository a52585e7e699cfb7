"""Import on a cluster: the sections of large files are cleaned where there is room, by the same cleaner, row for row.

Each section becomes kept rows, refused rows, pairs of pseudonym and value, and counts. They lie in a folder beside the
batches that only its owner can open, until kept rows are sorted there and put in place as on one machine: refused rows
first, then the batch, then the vault, then the catalogue. A driver that dies leaves a folder that the next import
removes. The key of the pseudonyms goes to the workers with the task itself and is never written.
"""

from __future__ import annotations

import json
import os
import socket
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from jcml.durable import reached, remove, sweep
from jcml.engines.dialect import quote, text
from jcml.engines.engine import files_of
from jcml.errors import DataError, JcmlError
from jcml.tables import sections
from jcml.tables.cleaning import Cleaner, schema
from jcml.tables.importing import Delivery, Gathered, Import, Imported, batch_of, refusals, told
from jcml.tables.office import Binding
from jcml.tables.pseudonyms import Pseudonyms
from jcml.tables.sections import Section
from jcml.tables.table import Table

if TYPE_CHECKING:
    import pyarrow as pa

    from jcml.engines.spark import SparkEngine

CUT = (".csv", ".txt", ".tsv", ".parquet", ".pq")
LEAST = 1024**2
AT_ONCE = 8
"""Sections per core that are cleaned before their batches are put in place: what a killed driver has to do again."""


def import_files(work: Import, files: Sequence[tuple[Path, date]]) -> None:
    """Import files and the days they came in on the cluster of a store, in their order; workbooks are read here.

    >>> from jcml.workspace.example import example
    >>> _, store = example()
    >>> import_files(Import(store, "reverse_cases", store.office.bindings["reverse_cases"]), [])
    """
    pending = _Pending(work, sum(file.stat().st_size for file, _ in files if file.is_file()))
    try:
        for file, received in files:
            try:
                found = work.find(file, received)
                if isinstance(found, Delivery) and file.suffix.lower() in CUT:
                    if not pending.fits(found):
                        pending.import_all()
                        found = work.find(file, received)  # the same file may have been among them
                    if isinstance(found, Delivery):
                        pending.add(found)
                        continue
            except JcmlError:
                pending.import_all()  # as files before a bad one are imported
                raise
            pending.import_all()
            work.take(found)
        pending.import_all()
    finally:
        pending.close()


@dataclass
class _Counts:
    read: int = 0
    kept: int = 0
    warnings: Counter[str] = field(default_factory=Counter)
    failed: list[tuple[int, str, dict[str, Any]]] = field(default_factory=list)


class _Pending:
    """Deliveries that will be cleaned together: of the same columns, and no more than a killed driver may lose."""

    def __init__(self, work: Import, size: int) -> None:
        self.work = work
        self.size = size
        self.engine: SparkEngine | None = None
        self.deliveries: list[Delivery] = []
        self.sections: list[tuple[str, Section]] = []

    def close(self) -> None:
        if self.engine is not None:
            self.engine.close()

    def fits(self, delivery: Delivery) -> bool:
        first = self.deliveries[0].batch if self.deliveries else delivery.batch
        full = self.engine is not None and len(self.sections) >= AT_ONCE * self.parallel
        return not full and first.delivered == delivery.batch.delivered and all(d.batch.batch != delivery.batch.batch for d in self.deliveries)

    @property
    def cluster(self) -> SparkEngine:
        if self.engine is None:
            self.engine = self.work.store.cluster()
        return self.engine

    @property
    def parallel(self) -> int:
        return int(self.cluster.session.sparkContext.defaultParallelism)

    def add(self, delivery: Delivery) -> None:
        size = min(max(self.size // (4 * self.parallel), LEAST), sections.SIZE)
        cut = sections.sections(delivery.place.path, delivery.opened, self.work.binding, size)
        self.deliveries.append(delivery)
        self.sections += [(delivery.batch.batch, section) for section in cut]

    def import_all(self) -> None:
        """Clean what is pending on the cluster, and put batch after batch in place."""
        from jcml.engines.spark import readable
        from jcml.engines.spark_tables import spread, write_ordered

        deliveries, cut = self.deliveries, self.sections
        self.deliveries, self.sections = [], []
        if not deliveries:
            return
        work, store = self.work, self.work.store
        shape = schema(work.table, deliveries[0].cleaner.delivered)
        folder = store.batch_file(work.source, "").parent
        folder.mkdir(parents=True, exist_ok=True)
        sweep(folder)
        loose = folder / f".loose-{deliveries[0].batch.batch}.{os.getpid()}.part"
        loose.mkdir(mode=0o700)
        made = {d.batch.batch: d for d in deliveries}
        tasks = [
            json.dumps([batch, made[batch].batch.file, made[batch].batch.received, section.to_json()]) for batch, section in cut
        ]
        clean = partial(clean_sections, work.table, work.binding, store.office.zone, store.pseudonyms, shape)
        try:
            counts: dict[str, _Counts] = {batch: _Counts() for batch in made}
            if tasks:
                with readable(store.master):
                    spread(self.cluster.session, tasks, clean, _wide(shape), loose / "rows", "_kind")
                _count(loose / "rows" / "_kind=count", counts)
            kept = sum(c.kept for c in counts.values())
            if kept:
                columns = ", ".join(map(quote, ["_batch", *shape.names]))
                with readable(store.master):
                    rows = self.cluster.sql(f"SELECT {columns} FROM {self.cluster.parquet(loose / 'rows' / '_kind=kept')}")
                    write_ordered(rows, ["_batch", *work.order], kept, loose / "sorted", by="_batch")
            for delivery in deliveries:
                found = counts[delivery.batch.batch]
                for _, code, facts in sorted(found.failed, key=lambda f: f[0])[:1]:
                    raise DataError(code, delivery.place, **facts)
                work.report(found.read)
                work.done.append(Imported(work.finish(delivery, self._gathered(delivery, found, loose, shape)), True))
        finally:
            remove(loose)

    def _gathered(self, delivery: Delivery, found: _Counts, loose: Path, shape: pa.Schema) -> Gathered:
        import pyarrow.parquet as pq

        batch, store = delivery.batch.batch, self.work.store

        def rows(part: Path) -> None:
            reached("import.staged")
            if found.kept:
                (loose / "sorted" / f"_batch={batch}").rename(part)
            else:
                pq.write_table(shape.empty_table(), part, compression="zstd")

        def refused(part: Path) -> None:
            with store.worker() as engine:
                source = engine.parquet(loose / "rows" / "_kind=refused")
                engine.ordered_to(f"SELECT _refused.* FROM {source} WHERE _batch = {text(batch)}", ["row"], 0, part)

        def pairs(entity: str, part: Path) -> None:
            with store.worker() as engine:
                chosen = f"FROM {engine.parquet(paired)} WHERE _batch = {text(batch)} AND _pair.entity = {text(entity)}"
                engine.ordered_to(f"SELECT DISTINCT _pair.pseudonym AS pseudonym, _pair.value AS value {chosen}", ["pseudonym"], 0, part)

        most, entities, paired = None, [], loose / "rows" / "_kind=pair"
        with store.worker() as engine:
            if found.kept < found.read:
                (row,) = engine.query(
                    f"SELECT _refused.column AS c, _refused.problem AS p, count(*) AS n FROM {engine.parquet(loose / 'rows' / '_kind=refused')}"
                    f" WHERE _batch = {text(batch)} GROUP BY ALL ORDER BY n DESC, min(_refused.row) LIMIT 1"
                ).to_pylist()
                most = (row["c"], row["p"], row["n"])
            if paired.is_dir():
                entities = engine.query(f"SELECT DISTINCT _pair.entity AS e FROM {engine.parquet(paired)} WHERE _batch = {text(batch)}")["e"].to_pylist()
        return Gathered(found.read, found.kept, found.warnings, most, rows, refused, {e: partial(pairs, e) for e in sorted(entities)})


def _count(folder: Path, counts: dict[str, _Counts]) -> None:
    import pyarrow.parquet as pq

    for file in files_of(folder):
        for row in pq.ParquetFile(file).read(["_batch", "_count"]).to_pylist():
            found, told = counts[row["_batch"]], row["_count"]
            found.read += told["read"]
            found.kept += told["kept"]
            found.warnings.update(json.loads(told["warnings"]))
            if told["failed"]:
                found.failed.append((told["number"], *json.loads(told["failed"])))


# -- on a worker -----------------------------------------------------------------------------------------------------


def _wide(shape: pa.Schema) -> pa.Schema:
    """Everything that can come of a section, side by side; `_kind` says what a row is."""
    import pyarrow as pa

    texts = ("batch", "file", "row", "column", "problem", "value", "all_problems", "raw")
    refused = pa.struct([pa.field(n, pa.int64() if n == "row" else pa.string()) for n in texts])
    pair = pa.struct([pa.field(n, pa.string()) for n in ("entity", "pseudonym", "value")])
    numbers, words = ("number", "read", "kept"), ("warnings", "failed")
    count = pa.struct([*(pa.field(n, pa.int64()) for n in numbers), *(pa.field(n, pa.string()) for n in words)])
    given = [pa.field("_kind", pa.string()), pa.field("_batch", pa.string()), *(f.remove_metadata() for f in shape)]
    return pa.schema([*given, pa.field("_refused", refused), pa.field("_pair", pair), pa.field("_count", count)])


def clean_sections(
    table: type[Table], binding: Binding, zone: ZoneInfo, pseudonyms: Pseudonyms, shape: pa.Schema, given: Iterable[pa.RecordBatch]
) -> Iterator[pa.RecordBatch]:
    """What a worker does: read and clean sections, and tell what became of every row.

    >>> import pyarrow as pa
    >>> from jcml.workspace.example import example
    >>> _, store = example()
    >>> shape = pa.schema([("_row", pa.string())])
    >>> list(clean_sections(store.tables["reverse_cases"], Binding("x"), store.office.zone, store.pseudonyms, shape, []))
    []
    """
    wide = _wide(shape)
    for batch in given:
        for task in batch.column("task").to_pylist():
            number, file, received, section = json.loads(task)
            yield from _Section(table, binding, zone, pseudonyms, shape, wide, number, file).cleaned(
                Section.from_json(section), date.fromisoformat(received)
            )


@dataclass
class _Section:
    table: type[Table]
    binding: Binding
    zone: ZoneInfo
    pseudonyms: Pseudonyms
    shape: pa.Schema
    wide: pa.Schema
    batch: str
    file: str

    def cleaned(self, section: Section, received: date) -> Iterator[pa.RecordBatch]:
        """Kept and refused rows as they come, then pairs and counts."""
        cleaner = Cleaner(self.table, self.binding, section.header, self.zone, self.pseudonyms, received)
        read = kept = 0
        warnings: Counter[str] = Counter()
        failed = ""
        try:
            with Path(section.file).open("rb"):
                pass
            for chunk in section.chunks():
                found = cleaner.clean(chunk)
                read, kept = read + chunk.rows + len(chunk.broken), kept + found.kept
                warnings.update(told(found))
                if found.kept:
                    yield self._kept(batch_of(found, self.shape))
                if found.refused:
                    yield self._told("refused", refusals(self.batch, self.file, found))
        except JcmlError as error:
            failed = json.dumps([error.code, error.facts], ensure_ascii=False, default=str)
        except OSError as error:
            failed = json.dumps(["JC2507", {"problem": f"{socket.gethostname()}: {error.strerror or error}"}], ensure_ascii=False)
        pairs = [{"entity": entity, "pseudonym": p, "value": v} for entity, known in cleaner.pairs.items() for p, v in known.items()]
        if pairs:
            yield self._told("pair", pairs)
        told_of = json.dumps(warnings, ensure_ascii=False)
        yield self._told("count", [{"number": section.number, "read": read, "kept": kept, "warnings": told_of, "failed": failed}])

    def _kept(self, rows: pa.RecordBatch) -> pa.RecordBatch:
        return self._row_batch("kept", rows.num_rows, {name: rows.column(i) for i, name in enumerate(self.shape.names)})

    def _told(self, kind: str, rows: list[dict[str, Any]]) -> pa.RecordBatch:
        import pyarrow as pa

        return self._row_batch(kind, len(rows), {"_" + kind: pa.array(rows, self.wide.field("_" + kind).type)})

    def _row_batch(self, kind: str, rows: int, columns: dict[str, pa.Array]) -> pa.RecordBatch:
        import pyarrow as pa

        columns |= {"_kind": pa.array([kind] * rows, pa.string()), "_batch": pa.array([self.batch] * rows, pa.string())}
        return pa.RecordBatch.from_arrays(
            [columns[f.name] if f.name in columns else pa.nulls(rows, f.type) for f in self.wide], schema=self.wide
        )


