"""Import: a file or a database table becomes a batch, or nothing at all.

Read in chunks, each row kept or refused with its reasons, so that read = kept + quarantined always. The rows are
sorted and written beside their place, put there at once, and only then does the catalogue learn of them; a file
that was imported before, by content and by mapping, is not imported again.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any

from jcml.durable import held, reached, sweep, undamaged, write_file
from jcml.engines.dialect import quote, text
from jcml.engines.duckdb import ROW_GROUP, connect
from jcml.errors import ConfigurationError, DataError, InputMissing, Place
from jcml.tables.cleaning import Cleaned, Cleaner, describe, schema
from jcml.tables.office import Binding, ColumnBinding
from jcml.tables.reading import Chunk, Opened, open_database, open_source
from jcml.tables.store import Batch, Store, received_on


@dataclass(frozen=True)
class Imported:
    """What an import did with one file: the batch, and whether it was new.

    >>> from jcml.workspace.example import example
    >>> _, store = example()
    >>> Imported(store.batches("reverse_cases")[0], new=False).batch.source
    'reverse_cases'
    """

    batch: Batch
    new: bool


def import_table(
    store: Store, source: str, *, received: date | None = None, report: Callable[[int], None] | None = None
) -> list[Imported]:
    """Import every file that an office binds to a table, oldest name first.

    Parameters
    ----------
    store : Store
    source : str
        The table.
    received : date or None
        The day the delivery came in; by default the day each file was last changed.
    report : callable or None
        Called with the number of rows read so far of a file.

    Raises
    ------
    ConfigurationError
        JC2121, if the office binds no such table or the workspace has no such contract.
    InputMissing
        JC2101, if no file is there.
    DataError
        JC2140, if more rows are refused than `quarantine_at_most` allows; the batch does not come into being, and
        its refused rows can be read.

    >>> from jcml.workspace.example import example
    >>> _, store = example()
    >>> again = import_table(store, "reverse_cases", received=date(2026, 1, 1))
    >>> [done.new for done in again], all(d.batch.read == d.batch.kept + d.batch.quarantined for d in again)
    ([False, False], True)
    """
    if source not in store.tables:
        from jcml.errors import nearest

        bound = store.office.bindings.get(source)
        raise ConfigurationError("JC2121", bound.place if bound else None, table=source, nearest=nearest(source, store.tables))
    binding = store.office.bindings.get(source)
    if binding is None:
        raise ConfigurationError("JC2122", Place(store.office.path), table=source)
    done = []
    with held(store.root / "import.lock", wait=True):
        if binding.database:
            opened = open_database(binding, store.office.folder)
            done.append(_Import(store, source, binding, received or date.today(), report).run_database(opened))
        for file in _files(store.office.folder, binding):
            day = received_on(file, received)
            done.append(_Import(store, source, binding, day, report).run_file(file))
        store.merge(source)
    return done


def _files(folder: Path, binding: Binding) -> Iterator[Path]:
    """The files of a binding, in order; a pattern may match nothing yet as long as another entry does."""
    everything = []
    for pattern in binding.files:
        found = [folder / pattern] if (folder / pattern).is_file() else sorted(folder.glob(pattern)) if not Path(pattern).is_absolute() else sorted(Path("/").glob(pattern.lstrip("/")))
        if not found and not set(pattern) & set("*?["):
            raise InputMissing("JC2101", binding.place or Place(folder / pattern), file=pattern)
        everything += found
    if binding.files and not everything:
        raise InputMissing("JC2101", binding.place or Place(folder / binding.files[0]), file=", ".join(binding.files))
    yield from everything


class _Import:
    def __init__(
        self, store: Store, source: str, binding: Binding, received: date, report: Callable[[int], None] | None
    ) -> None:
        self.store = store
        self.source = source
        self.table = store.tables[source]
        self.binding = binding
        self.received = received
        self.report = report or (lambda rows: None)
        unknown = [c for c in binding.columns if c not in self.table.columns]
        if unknown:
            from jcml.errors import nearest

            raise ConfigurationError(
                "JC2123", binding.place, table=source, column=unknown[0], nearest=nearest(unknown[0], self.table.columns)
            )

    def run_file(self, file: Path) -> Imported:
        return self._run(file.name, _file_digest(file), lambda: open_source(file, self.binding), Place(file))

    def run_database(self, opened: Opened) -> Imported:
        name = f"{self.binding.database.split('@')[-1]}#{self.binding.source_table}"
        digest = hashlib.sha256()
        for chunk in opened.chunks():
            digest.update(repr(chunk.columns).encode())
        return self._run(name, digest.hexdigest(), lambda: opened, self.binding.place or Place(Path(name)))

    def _run(self, name: str, file_digest: str, opener: Callable[[], Opened], place: Place) -> Imported:
        mapping = self.binding.digest_text
        if any(c.received for c in self.binding.columns.values()):
            mapping += str(self.received)
        mapping_digest = hashlib.sha256(mapping.encode()).hexdigest()
        for batch in self.store.batches(self.source):
            if batch.file_digest == file_digest and batch.mapping_digest == mapping_digest:
                return Imported(batch, False)
        number = hashlib.sha256(f"{self.source}\x00{file_digest}\x00{mapping_digest}".encode()).hexdigest()[:12]
        opened = opener()
        cleaner = Cleaner(self.table, self.binding, opened.header, self.store.office.zone, self.store.pseudonyms, self.received)
        draft = Batch(
            number, self.source, name, file_digest, mapping_digest, str(self.received), opened.encoding,
            tuple(sorted(cleaner.delivered)), 0, 0, 0, {},
        )
        return Imported(self._stage(draft, opened, cleaner, place), True)

    def _stage(self, draft: Batch, opened: Opened, cleaner: Cleaner, place: Place) -> Batch:
        import pyarrow as pa
        import pyarrow.parquet as pq

        shape = schema(self.table, cleaner.delivered)
        target = self.store.batch_file(self.source, draft.batch)
        folder = target.parent
        folder.mkdir(parents=True, exist_ok=True)
        sweep(folder)
        warnings: Counter[str] = Counter()
        refused: list[dict[str, Any]] = []
        counts = {"read": 0, "kept": 0}
        loose = folder / f".loose-{draft.batch}"

        def gather() -> None:
            with pq.ParquetWriter(loose, shape, compression="zstd") as writer:
                for chunk in opened.chunks():
                    cleaned = cleaner.clean(chunk)
                    self._count(chunk, cleaned, counts, warnings, refused, draft)
                    if cleaned.kept:
                        arrays = [pa.array(cleaned.rows[f.name], f.type) for f in shape]
                        writer.write_table(pa.Table.from_arrays(arrays, schema=shape))
                    self.report(counts["read"])

        try:
            gather()
            batch = replace(draft, read=counts["read"], kept=counts["kept"], quarantined=len(refused), warnings=dict(warnings))
            self._quarantine(batch, refused, place)
            write_file(target, lambda part: self._sort(loose, part), "import.placed")
        finally:
            loose.unlink(missing_ok=True)
        for entity, pairs in cleaner.pairs.items():
            self.store.vault.add(entity, draft.batch, pairs)
        self.store.add(batch)
        return batch

    def _count(
        self, chunk: Chunk, cleaned: Cleaned, counts: dict[str, int], warnings: Counter[str],
        refused: list[dict[str, Any]], draft: Batch,
    ) -> None:
        counts["read"] += chunk.rows + len(chunk.broken)
        counts["kept"] += cleaned.kept
        for (column, problem), number in cleaned.warnings.items():
            warnings[f"{column}: {problem}"] += number
        for number, problems, raw in cleaned.refused:
            refused.append({
                "batch": draft.batch, "file": draft.file, "row": number, "column": problems[0][0],
                "problem": problems[0][1], "value": problems[0][2],
                "all_problems": json.dumps(problems, ensure_ascii=False), "raw": raw,
            })

    def _sort(self, loose: Path, part: Path) -> None:
        reached("import.staged")
        scratch = self.store.root / "scratch"
        scratch.mkdir(parents=True, exist_ok=True)
        connection = connect(threads=self.store.office.threads, memory=self.store.office.memory, scratch=scratch)
        connection.execute("SET preserve_insertion_order=true")
        order = [quote(c.name) for c in self.table.columns.values() if c.entity][:1]
        order += ["_happened"] if self.table.happens else []
        connection.execute(
            f"COPY (SELECT * FROM read_parquet({text(str(loose))}) ORDER BY {', '.join([*order, '_row', '_line'])})"
            f" TO {text(str(part))} (FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE {ROW_GROUP})"
        )
        connection.close()

    def _quarantine(self, batch: Batch, refused: list[dict[str, Any]], place: Place) -> None:
        if refused:
            write_refused(quarantine_file(self.store, self.source, batch.batch), refused)
        if batch.read and batch.quarantined > self.binding.quarantine_at_most * batch.read:
            most = Counter((r["column"], r["problem"]) for r in refused).most_common(1)[0]
            (column, problem), number = most
            raise DataError(
                "JC2140", place, quarantined=batch.quarantined, read=batch.read, limit=f"{self.binding.quarantine_at_most:.0%}",
                column=column or "-", problem=describe(problem, "zh"), problem_en=describe(problem, "en"), number=number,
                table=self.source, batch=batch.batch,
            )
        if not batch.read:
            raise DataError("JC2141", place, table=self.source)


def quarantine_file(store: Store, source: str, batch: str) -> Path:
    """Where the refused rows of a batch are.

    >>> from jcml.workspace.example import example
    >>> _, store = example()
    >>> quarantine_file(store, "reverse_cases", "b1").name
    'b1.parquet'
    """
    return store.root / "quarantine" / source / f"{batch}.parquet"


def write_refused(path: Path, refused: list[dict[str, Any]]) -> None:
    """Keep refused rows, whole, readable by their owner alone.

    >>> import tempfile
    >>> file = Path(tempfile.mkdtemp()) / "b1.parquet"
    >>> write_refused(file, [{"row": 3, "column": "amount", "problem": "bad_number"}])
    >>> oct(file.stat().st_mode & 0o777)
    '0o600'
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    def write(part: Path) -> None:
        pq.write_table(pa.Table.from_pylist(refused), part, compression="zstd")
        part.chmod(0o600)

    write_file(path, write)


def refused_rows(store: Store, source: str, batch: str = "") -> list[dict[str, Any]]:
    """The refused rows of a table, of one batch or of all: row, column, problem, masked value, and the raw row.

    >>> from jcml.workspace.example import example
    >>> _, store = example()
    >>> sum(batch.quarantined for batch in store.batches("reverse_cases")) == len(refused_rows(store, "reverse_cases"))
    True
    """
    import pyarrow.parquet as pq

    folder = store.root / "quarantine" / source
    files = sorted(folder.glob(f"{batch or '*'}.parquet"))
    rows: list[dict[str, Any]] = []
    for file in files:
        with undamaged(file):
            rows += pq.read_table(file).to_pylist()
    return rows


def _file_digest(file: Path) -> str:
    if not file.is_file():
        raise InputMissing("JC2101", Place(file), file=str(file))
    try:
        with file.open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()
    except OSError as error:
        raise InputMissing("JC1111", Place(file), problem=error.strerror or str(error)) from None


__all__ = ["ColumnBinding", "Imported", "import_table", "quarantine_file", "refused_rows", "write_refused"]
