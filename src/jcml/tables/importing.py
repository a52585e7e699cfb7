"""Import: a file or a database table becomes a batch, or nothing at all.

Read in chunks, each row kept or refused with its reasons, so that read = kept + quarantined always. The rows are
sorted and written beside their place, put there at once, and only then does the catalogue learn of them; a file
that was imported before, by content and by mapping, is not imported again.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jcml.durable import held, reached, sweep, undamaged, write_file, write_secret
from jcml.errors import ConfigurationError, DataError, InputMissing, Place
from jcml.tables.cleaning import Cleaned, Cleaner, describe, schema
from jcml.tables.office import Binding, ColumnBinding
from jcml.tables.pseudonyms import write_pairs
from jcml.tables.reading import Opened, open_database, open_source
from jcml.tables.store import Batch, Store, received_on

if TYPE_CHECKING:
    import pyarrow as pa


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
    with held(store.root / "import.lock", wait=True):
        work = Import(store, source, binding, report)
        done = work.done
        if binding.database:
            done.append(work.delivered_by(open_database(binding, store.office.folder), received or date.today()))
        files = list(_files(store.office.folder, binding))
        if store.master and sum(f.stat().st_size for f in files if f.is_file()) >= store.large:
            from jcml.tables.importing_spark import import_files

            import_files(work, [(file, received_on(file, received)) for file in files])
        else:
            for file in files:
                work.take(work.find(file, received_on(file, received)))
        store.merge(source)
    return done


def _files(folder: Path, binding: Binding) -> Iterator[Path]:
    """The files of a binding, in order; a folder stands for the files in it, and a pattern may match nothing yet as long as another entry does."""
    everything = []
    for pattern in binding.files:
        found = [folder / pattern] if (folder / pattern).exists() else sorted(folder.glob(pattern)) if not Path(pattern).is_absolute() else sorted(Path("/").glob(pattern.lstrip("/")))
        if not found and not set(pattern) & set("*?["):
            raise InputMissing("JC2101", binding.place or Place(folder / pattern), file=pattern)
        for file in found:
            inside = sorted(f for f in file.iterdir() if f.name[0] not in "._") if file.is_dir() else []
            everything += inside or [file]
    if binding.files and not everything:
        raise InputMissing("JC2101", binding.place or Place(folder / binding.files[0]), file=", ".join(binding.files))
    yield from everything


@dataclass
class Delivery:
    """One file, or one table of a database, on its way to become a batch.

    >>> from jcml.workspace.example import example
    >>> _, store = example()
    >>> work = Import(store, "reverse_cases", store.office.bindings["reverse_cases"])
    >>> found = work.find(store.office.folder / "data" / "反向衔接案件.csv", date(2026, 1, 1))
    >>> isinstance(found, Delivery)  # it was imported before
    False
    """

    batch: Batch
    opened: Opened
    cleaner: Cleaner
    place: Place


@dataclass
class Gathered:
    """What became of the rows of a delivery: how many were read and kept, and where they are.

    `most` is the problem that refused most rows: column, problem, how many. `rows`, `refused` and `pairs` write what is
    kept, refused and, by kind of thing, paired with a pseudonym.

    >>> Gathered(0, 0, {}, None, print, print, {}).kept
    0
    """

    read: int
    kept: int
    warnings: Mapping[str, int]
    most: tuple[str, str, int] | None
    rows: Callable[[Path], object]
    refused: Callable[[Path], object]
    pairs: Mapping[str, Callable[[Path], object]]


class Import:
    """One table's import: what was done so far, and the steps that a file goes through.

    >>> from jcml.workspace.example import example
    >>> _, store = example()
    >>> Import(store, "reverse_cases", store.office.bindings["reverse_cases"]).order[-2:]
    ['_row', '_line']
    """

    def __init__(self, store: Store, source: str, binding: Binding, report: Callable[[int], None] | None = None) -> None:
        self.store = store
        self.source = source
        self.table = store.tables[source]
        self.binding = binding
        self.report = report or (lambda rows: None)
        self.done: list[Imported] = []
        unknown = [c for c in binding.columns if c not in self.table.columns]
        if unknown:
            from jcml.errors import nearest

            raise ConfigurationError(
                "JC2123", binding.place, table=source, column=unknown[0], nearest=nearest(unknown[0], self.table.columns)
            )

    @property
    def order(self) -> list[str]:
        """What the rows of a batch are sorted by: the entity they are most often asked for, then time."""
        order = [c.name for c in self.table.columns.values() if c.entity][:1]
        return [*order, *(["_happened"] if self.table.happens else []), "_row", "_line"]

    def find(self, file: Path, received: date) -> Imported | Delivery:
        """A file as it was imported before, or as it is to be imported."""
        return self._find(file.name, _file_digest(file), lambda: open_source(file, self.binding), Place(file), received)

    def delivered_by(self, opened: Opened, received: date) -> Imported:
        """Import a table of a database."""
        name = f"{self.binding.database.split('@')[-1]}#{self.binding.source_table}"
        digest = hashlib.sha256()
        for chunk in opened.chunks():
            digest.update(repr(chunk.columns).encode())
        found = self._find(name, digest.hexdigest(), lambda: opened, self.binding.place or Place(Path(name)), received)
        return found if isinstance(found, Imported) else Imported(self._stage(found), True)

    def take(self, found: Imported | Delivery) -> None:
        """Import a file in this process, if it was not."""
        self.done.append(found if isinstance(found, Imported) else Imported(self._stage(found), True))

    def _find(self, name: str, file_digest: str, opener: Callable[[], Opened], place: Place, received: date) -> Imported | Delivery:
        mapping = self.binding.digest_text
        if any(c.received for c in self.binding.columns.values()):
            mapping += str(received)
        mapping_digest = hashlib.sha256(mapping.encode()).hexdigest()
        for batch in self.store.batches(self.source):
            if batch.file_digest == file_digest and batch.mapping_digest == mapping_digest:
                return Imported(batch, False)
        number = hashlib.sha256(f"{self.source}\x00{file_digest}\x00{mapping_digest}".encode()).hexdigest()[:12]
        opened = opener()
        cleaner = Cleaner(self.table, self.binding, opened.header, self.store.office.zone, self.store.pseudonyms, received)
        draft = Batch(
            number, self.source, name, file_digest, mapping_digest, str(received), opened.encoding,
            tuple(sorted(cleaner.delivered)), 0, 0, 0, {},
        )
        return Delivery(draft, opened, cleaner, place)

    # -- in this process ---------------------------------------------------------------------------------------

    def _stage(self, delivery: Delivery) -> Batch:
        import pyarrow as pa
        import pyarrow.parquet as pq

        draft, cleaner = delivery.batch, delivery.cleaner
        shape = schema(self.table, cleaner.delivered)
        folder = self.store.batch_file(self.source, draft.batch).parent
        folder.mkdir(parents=True, exist_ok=True)
        sweep(folder)
        warnings: Counter[str] = Counter()
        refused: list[dict[str, Any]] = []
        read = kept = 0
        loose = folder / f".loose-{draft.batch}.{os.getpid()}.part"
        try:
            with pq.ParquetWriter(loose, shape, compression="zstd") as writer:
                for chunk in delivery.opened.chunks():
                    cleaned = cleaner.clean(chunk)
                    read, kept = read + chunk.rows + len(chunk.broken), kept + cleaned.kept
                    warnings.update(told(cleaned))
                    refused += refusals(draft.batch, draft.file, cleaned)
                    if cleaned.kept:
                        writer.write_batch(batch_of(cleaned, shape))
                    self.report(read)
            refused.sort(key=lambda row: int(row["row"]))
            problems = Counter((r["column"], r["problem"]) for r in refused).most_common(1)
            return self.finish(delivery, Gathered(
                read, kept, warnings, (*problems[0][0], problems[0][1]) if problems else None,
                lambda part: self._sort(loose, part), lambda part: pq.write_table(pa.Table.from_pylist(refused), part, compression="zstd"),
                {entity: partial(write_pairs, pairs) for entity, pairs in cleaner.pairs.items() if pairs},
            ))
        finally:
            loose.unlink(missing_ok=True)

    def _sort(self, loose: Path, part: Path) -> None:
        reached("import.staged")
        with self.store.worker() as engine:
            engine.ordered_to(f"SELECT * FROM {engine.parquet(loose)}", self.order, 0, part)

    # -- wherever it was cleaned -------------------------------------------------------------------------------

    def finish(self, delivery: Delivery, found: Gathered) -> Batch:
        """Put what was gathered in its places, and then tell the catalogue.

        Raises
        ------
        DataError
            JC2140, if too many rows are refused; JC2141, if there are no rows.
        """
        batch = replace(
            delivery.batch, read=found.read, kept=found.kept, quarantined=found.read - found.kept, warnings=dict(found.warnings)
        )
        if batch.quarantined:
            write_secret(quarantine_file(self.store, self.source, batch.batch), found.refused)
        if batch.read and batch.quarantined > self.binding.quarantine_at_most * batch.read:
            assert found.most is not None
            column, problem, number = found.most
            raise DataError(
                "JC2140", delivery.place, quarantined=batch.quarantined, read=batch.read, limit=f"{self.binding.quarantine_at_most:.0%}",
                column=column or "-", problem=describe(problem, "zh"), problem_en=describe(problem, "en"), number=number,
                table=self.source, batch=batch.batch,
            )
        if not batch.read:
            raise DataError("JC2141", delivery.place, table=self.source)
        write_file(self.store.batch_file(self.source, batch.batch), found.rows, "import.placed")
        for entity, write in found.pairs.items():
            self.store.vault.keep(entity, batch.batch, write)
        self.store.add(batch)
        return batch


def told(cleaned: Cleaned) -> dict[str, int]:
    """The warnings of a chunk, as the catalogue counts them.

    >>> told(Cleaned({}, [], Counter({("sales", "masked"): 2})))
    {'sales: masked': 2}
    """
    return {f"{column}: {problem}": number for (column, problem), number in cleaned.warnings.items()}


def refusals(batch: str, file: str, cleaned: Cleaned) -> list[dict[str, Any]]:
    """The refused rows of a chunk, as the quarantine keeps them.

    >>> refusals("b1", "vat.csv", Cleaned({}, [(3, [("sales", "not_a_number", "x")], "{}")]))[0]["problem"]
    'not_a_number'
    """
    return [
        {
            "batch": batch, "file": file, "row": number, "column": problems[0][0], "problem": problems[0][1], "value": problems[0][2],
            "all_problems": json.dumps(problems, ensure_ascii=False), "raw": raw,
        }
        for number, problems, raw in cleaned.refused
    ]


def batch_of(cleaned: Cleaned, shape: pa.Schema) -> pa.RecordBatch:
    """The kept rows of a chunk for Arrow.

    >>> import pyarrow as pa
    >>> batch_of(Cleaned({"a": [1]}, []), pa.schema([("a", pa.int64())])).num_rows
    1
    """
    import pyarrow as pa

    return pa.RecordBatch.from_arrays([pa.array(cleaned.rows[f.name], f.type) for f in shape], schema=shape)


def quarantine_file(store: Store, source: str, batch: str) -> Path:
    """Where the refused rows of a batch are.

    >>> from jcml.workspace.example import example
    >>> _, store = example()
    >>> quarantine_file(store, "reverse_cases", "b1").name
    'b1.parquet'
    """
    return store.root / "quarantine" / source / f"{batch}.parquet"


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


__all__ = ["ColumnBinding", "Delivery", "Gathered", "Import", "Imported", "batch_of", "import_table", "quarantine_file", "refusals", "refused_rows", "told"]
