"""Champion → scores → selection → reasons and evidence → clues, published once per run key.

Every step leaves one file, put in place at once, and is skipped when its file is there: a run that was killed goes
on where it stopped, and gives the same bytes. The run key is a hash of everything the result depends on, so the
same question asked twice is answered once. A half-written result is never visible: the outbox gets the finished
file by one link, and only then does the ledger learn of it.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, replace
from datetime import UTC, date, datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import jcml
from jcml.dates import Period
from jcml.durable import held, reached, sweep, write_file, write_text
from jcml.engines.dialect import quote, text
from jcml.engines.duckdb import connect
from jcml.engines.engine import Calendar
from jcml.errors import CheckFailed, ConfigurationError, Place
from jcml.features.definition import SupervisionModel
from jcml.features.matrix import require_unit
from jcml.query import canonical
from jcml.records import Clue, write_clues
from jcml.registry.trained_model import TrainedModel
from jcml.serving.ledger import Ledger, Publication, run_folder
from jcml.serving.plan import ServingPlan
from jcml.serving.select import Decision, Key, Scored, Selected, Selection, select
from jcml.serving.watch import signals, stop_if_crossed
from jcml.tables.store import Store

if TYPE_CHECKING:
    import pyarrow as pa

BATCH = 65_536
Say = Callable[[str], None]


@dataclass(frozen=True)
class Published:
    """What a scoring run gave: its publication, and whether it was new.

    >>> from jcml.workspace.example import example_list
    >>> example_list().new
    True
    """

    publication: Publication
    new: bool
    folder: Path


class ScoringRun:
    """One scoring of one supervision model on one as-of date.

    Parameters
    ----------
    name : str
    definition : SupervisionModel
    plan : ServingPlan
    capacity : int
        The plan's, or as the office set it.
    trained : TrainedModel
        The champion.
    store : Store
    as_of : date
    supersede : str
        A person's reason for replacing an earlier result; empty for none.

    Raises
    ------
    ConfigurationError
        JC6001, if the definition was changed after training.

    Examples
    --------
    >>> from dataclasses import replace
    >>> from jcml.workspace.example import AS_OF, example, example_list, example_training
    >>> _ = example_list()
    >>> model, store = example()
    >>> again = ScoringRun(model.name, model.definition, model.serving, 10, replace(example_training().model, version=1), store, AS_OF)
    >>> again.run().new  # published once, whoever asks again
    False
    """

    def __init__(
        self,
        name: str,
        definition: SupervisionModel,
        plan: ServingPlan,
        capacity: int,
        trained: TrainedModel,
        store: Store,
        as_of: date,
        *,
        supersede: str = "",
        threads: int = 0,
        say: Say = lambda text: None,
    ) -> None:
        if trained.fingerprint != definition.fingerprint:
            raise ConfigurationError(
                "JC6001", model=name, version=trained.version, trained=trained.fingerprint[:12], present=definition.fingerprint[:12]
            )
        self.name = name
        self.definition = definition
        self.plan = plan
        self.capacity = capacity
        self.trained = trained
        self.store = store
        self.as_of = as_of
        self.supersede = supersede
        self.threads = threads
        self.say = say
        self.ledger = Ledger(store.root / "ledger.sqlite")
        self.calendar = Calendar((as_of,), plan.every, store.office.zone)

    @cached_property
    def data_digest(self) -> str:
        """Of the data that the score rests on."""
        return self.store.data_digest({*self.definition.tables, *self.definition.label_tables})

    @cached_property
    def key(self) -> str:
        """The run key: equal exactly when the result must be equal."""
        parts = [
            self.name, self.trained.version, self.trained.fitted.digest, self.trained.calibration.to_json(), self.definition.full_question.fingerprint,
            str(self.as_of), self.data_digest, canonical(_plain(asdict(self.plan))), self.capacity, self.supersede,
            [p.run for p in self.earlier], jcml.__version__.split(".")[0],
        ]
        return hashlib.sha256(json.dumps(parts, ensure_ascii=False, sort_keys=True, default=str).encode()).hexdigest()

    @cached_property
    def earlier(self) -> list[Publication]:
        """Publications of this model for earlier dates, which the cool-off looks at."""
        return [p for p in self.ledger.all(self.name) if p.as_of < str(self.as_of)]

    @property
    def folder(self) -> Path:
        """Where the run keeps its files."""
        return run_folder(self.store.root, self.name, str(self.as_of), self.key)

    @property
    def outbox(self) -> Path:
        """Where its clues are published."""
        return self.store.root / "outbox" / f"{self.name}-{self.as_of}-v{self.trained.version}-{self.key[:12]}.jsonl"

    def run(self) -> Published:
        """Do it, or find that it was done.

        Raises
        ------
        Busy
            JC9001, if another process is doing the same.
        CheckFailed
            JC6003, if another result was published for this date and `supersede` gives no reason.
        """
        done = self.ledger.find(self.key)
        if done is not None:
            return Published(done, False, self.folder)
        same = [p for p in self.ledger.all(self.name) if p.as_of == str(self.as_of) and p.version == self.trained.version]
        if same and not self.supersede.strip():
            raise CheckFailed("JC6003", model=self.name, version=self.trained.version, as_of=self.as_of, run=same[-1].run[:12])
        require_unit(self.definition, self.store)
        with held(self.folder / "lock"):
            reached("score.locked")
            sweep(self.folder)
            done = self.ledger.find(self.key)
            if done is not None:
                return Published(done, False, self.folder)
            self._matrix()
            self._scores()
            self.signals = signals(self.plan.watch, self.trained, self.folder)
            for signal in self.signals:
                self.say(f"watch: {signal.name} {signal.value}{' !' if signal.crossed else ''}")
            stop_if_crossed(self.signals, self.name)
            selection = self._selection()
            clues = self._clues(selection)
            return Published(self._publish(clues, len(same)), True, self.folder)

    # -- matrix and scores -------------------------------------------------------------------------------------

    def _matrix(self) -> None:
        path = self.folder / "matrix.parquet"
        if not path.exists():
            with self.store.engine(self.definition.tables) as engine:
                write_file(path, lambda part: engine.matrix_to(self.definition.full_question, self.calendar, part), "score.matrix")
        import pyarrow.parquet as pq

        self.scored = pq.read_metadata(path).num_rows
        self.say(f"features: {self.scored:,} × {len(self.definition.features)}")

    def _scores(self) -> None:
        path = self.folder / "scores.parquet"
        if not path.exists():
            write_file(path, lambda part: score_file(self.folder / "matrix.parquet", part, self.trained, self.definition.keys, self.threads), "score.scores")
        self.say(f"scores: {self.scored:,}")

    def _read_scores(self) -> Iterator[Scored]:
        return read_scores(self.folder / "scores.parquet", self.definition.keys)

    # -- selection ---------------------------------------------------------------------------------------------

    def _selection(self) -> Selection:
        seed = f"{self.plan.seed}\x00{self.name}\x00{self.as_of}"
        audits = min(replace(self.plan, capacity=self.capacity).audits, self.capacity)
        selection = select(self._read_scores(), capacity=self.capacity, audits=audits, seed=seed, left_out=self._left_out())
        path = self.folder / "selection.parquet"
        if not path.exists():
            write_file(path, lambda part: self._write_selection(selection, part), "score.selection")
        by = [s.by for s in selection.chosen]
        self.say(f"selection: {by.count('ranked')} by order, {by.count('audit')} at random of {selection.eligible:,}, {len(selection.left_out)} left out")
        return selection

    def _left_out(self) -> dict[Key, Decision]:
        """Units that were put before a person, or decided on, so lately that they are not put there again."""
        if self.plan.cool_off is None or self.definition.scored is not None:
            return {}
        since = str(self.plan.cool_off.before(self.as_of))
        found: dict[Key, Decision] = {}
        before: dict[Key, float] = {}
        for publication in self.earlier:
            if publication.as_of >= since:
                for unit, probability in self._published(publication):
                    found[unit], before[unit] = "published_lately", probability
        for unit in self._reviewed_since(self.plan.cool_off):
            found[unit] = "reviewed_lately"
        if not found:
            return {}
        for scored in self._read_scores():
            if scored.unit in before and scored.probability >= before[scored.unit] + self.plan.unless_rises:
                found.pop(scored.unit)
        return found

    def _published(self, publication: Publication) -> Iterator[tuple[Key, float]]:
        import pyarrow.compute as pc
        import pyarrow.parquet as pq

        path = run_folder(self.store.root, publication.model, publication.as_of, publication.run) / "selection.parquet"
        if not path.exists():
            return
        table = pq.read_table(path)
        table = table.filter(pc.is_in(table["decision"], _strings(["ranked", "audit"])))
        columns = [table[k].to_pylist() for k in self.definition.keys]
        yield from zip(zip(*columns, strict=True), table["probability"].to_pylist(), strict=True)

    def _reviewed_since(self, cool_off: Period) -> Iterator[Key]:
        from jcml.features.definition import reviewed_question

        question = reviewed_question(self.definition, cool_off)
        with self.store.engine(r.name for r in question.relations) as engine:
            table = engine.matrix(question, self.calendar)
        columns = [table[k].to_pylist() for k in self.definition.keys]
        for unit, count in zip(zip(*columns, strict=True), table["reviewed"].to_pylist(), strict=True):
            if count:
                yield unit

    def _write_selection(self, selection: Selection, part: Path) -> None:
        import pyarrow as pa
        import pyarrow.parquet as pq

        chosen = {s.scored.unit: s for s in selection.chosen}
        keys = self.definition.keys
        fields = [(k, pa.string()) for k in keys] + [
            ("margin", pa.float64()), ("probability", pa.float64()), ("decision", pa.string()), ("chance", pa.float64()),
        ]
        with pq.ParquetWriter(part, pa.schema(fields), compression="zstd") as writer:
            for batch in _row_groups(self.folder / "scores.parquet"):
                units = list(zip(*(batch.column(k).to_pylist() for k in keys), strict=True))
                decisions = [selection.decision(u, chosen) for u in units]
                columns = [batch.column(k) for k in keys] + [batch.column("margin"), batch.column("probability")]
                columns += [pa.array([d[0] for d in decisions]), pa.array([d[1] for d in decisions], pa.float64())]
                writer.write_table(pa.Table.from_arrays(columns, schema=pa.schema(fields)))

    # -- clues -------------------------------------------------------------------------------------------------

    def _clues(self, selection: Selection) -> Path:
        path = self.folder / "clues.jsonl"
        if not path.exists():
            from jcml.serving.clues import ClueWriter

            writer = ClueWriter(self, selection)
            clues: list[Clue] = writer.clues()
            evidence = self.folder / "evidence.parquet"
            if not evidence.exists():
                write_file(evidence, writer.write_evidence, "score.evidence")
            write_file(path, lambda part: write_clues(clues, part), "score.clues")
            self.say(f"clues: {len(clues)} with reasons and evidence, every value recomputed from its rows")
        return path

    def ranks(self, chosen: tuple[Selected, ...]) -> dict[Key, int]:
        """The place of each chosen unit in the order of all scored units, from 1."""
        connection = connect(threads=1, memory="1GB")
        try:
            source = f"read_parquet({text(str(self.folder / 'scores.parquet'))})"
            made = {}
            for selected in chosen:
                if selected.by == "ranked" and not self._has_left_out(chosen):
                    made[selected.scored.unit] = selected.rank
                    continue
                row = connection.execute(f"SELECT count(*) FROM {source} WHERE margin > ?", [selected.scored.margin]).fetchone()
                made[selected.scored.unit] = int(row[0]) + 1 if row else 1
            return made
        finally:
            connection.close()

    def _has_left_out(self, chosen: tuple[Selected, ...]) -> bool:
        return self.plan.cool_off is not None and self.definition.scored is None

    def rows_of(self, chosen: tuple[Selected, ...]) -> pa.Table:
        """The matrix rows of chosen units, in their order."""
        import pyarrow as pa

        keys = self.definition.keys
        given = {k: [s.scored.unit[i] for s in chosen] for i, k in enumerate(keys)}
        connection = connect(threads=1, memory="1GB")
        try:
            connection.register("_chosen", pa.table({**given, "_order": list(range(len(chosen)))}))
            on = " AND ".join(f"m.{quote(k)} = c.{quote(k)}" for k in keys)
            return connection.sql(
                f"SELECT m.* FROM read_parquet({text(str(self.folder / 'matrix.parquet'))}) AS m JOIN _chosen AS c ON {on} ORDER BY c._order"
            ).to_arrow_table()
        finally:
            connection.close()

    # -- publishing --------------------------------------------------------------------------------------------

    def _publish(self, clues: Path, revision: int) -> Publication:
        digest = hashlib.sha256(clues.read_bytes()).hexdigest()
        count = sum(1 for _ in clues.open("rb"))
        manifest = {
            "schema": "jcml.run/1", "run": self.key, "model": self.name, "version": self.trained.version, "as_of": str(self.as_of),
            "fingerprint": self.definition.fingerprint, "data_digest": self.data_digest, "scored": self.scored, "clues": count,
            "clues_digest": digest, "capacity": self.capacity, "supersede": self.supersede, "jcml": jcml.__version__,
            "signals": [asdict(s) for s in self.signals],
        }
        write_text(self.folder / "run.json", json.dumps(manifest, ensure_ascii=False, indent=1, sort_keys=True) + "\n", "score.manifest")
        self.outbox.parent.mkdir(parents=True, exist_ok=True)
        try:
            os.link(clues, self.outbox)
        except FileExistsError:
            if hashlib.sha256(self.outbox.read_bytes()).hexdigest() != digest:
                raise CheckFailed("JC6003", Place(self.outbox), model=self.name, version=self.trained.version, as_of=self.as_of, run=self.key[:12]) from None
        reached("score.published")
        publication = Publication(
            self.key, self.name, str(self.as_of), self.trained.version, revision, self.supersede, count, self.scored, digest,
            str(self.outbox.relative_to(self.store.root)), datetime.now(UTC).isoformat(timespec="seconds"),
        )
        self.ledger.record(publication)
        return publication


def asked(
    name: str, definition: SupervisionModel, plan: ServingPlan, capacity: int, registry: str, store: Store, as_of: date, supersede: str = ""
) -> str:
    """What is asked, and the state of everything an answer rests on, as one digest: equal when nothing has changed.

    Parameters
    ----------
    registry : str
        The state of the registry, which names the champion; empty when it cannot be told without asking a server.

    Returns
    -------
    str
        Empty when the registry's state is: then the champion has to be loaded first.

    >>> from jcml.workspace.example import AS_OF, example
    >>> model, store = example()
    >>> asked(model.name, model.definition, model.serving, 10, "", store, AS_OF)
    ''
    >>> len(asked(model.name, model.definition, model.serving, 10, "state", store, AS_OF))
    64
    """
    if not registry:
        return ""
    parts = [
        name, registry, definition.fingerprint, definition.full_question.fingerprint, canonical(_plain(asdict(plan))), capacity,
        store.data_digest({*definition.tables, *definition.label_tables}), str(as_of), supersede,
        [p.run for p in Ledger(store.root / "ledger.sqlite").all(name) if p.as_of < str(as_of)], jcml.__version__,
    ]
    return hashlib.sha256(json.dumps(parts, ensure_ascii=False, sort_keys=True, default=str).encode()).hexdigest()


def score_file(matrix: Path, scores: Path, trained: TrainedModel, keys: tuple[str, ...], threads: int = 0) -> int:
    """Score every row of a matrix file into a scores file, batch by batch; returns the number of rows.

    Memory does not grow with the number of rows.

    >>> import tempfile
    >>> from jcml.workspace.example import example, example_list, example_training
    >>> scores = Path(tempfile.mkdtemp()) / "scores.parquet"
    >>> rows = score_file(example_list().folder / "matrix.parquet", scores, example_training().model, example()[0].definition.keys)
    >>> rows == example_list().publication.scored
    True
    """
    import numpy as np
    import pyarrow as pa
    import pyarrow.parquet as pq

    names = trained.fitted.features
    fields = [(k, pa.string()) for k in keys] + [("_asof", pa.date32()), ("margin", pa.float64()), ("probability", pa.float64())]
    rows = 0
    with pq.ParquetWriter(scores, pa.schema(fields), compression="zstd") as writer:
        for batch in _row_groups(matrix, [*keys, "_asof", *names]):
            values = np.empty((batch.num_rows, len(names)))
            for i, name in enumerate(names):
                values[:, i] = batch.column(name).to_numpy(zero_copy_only=False)
            margins = trained.fitted.margins(values, threads=threads)
            columns = [batch.column(k) for k in keys] + [batch.column("_asof"), pa.array(margins), pa.array(trained.probabilities(margins))]
            writer.write_table(pa.Table.from_arrays(columns, schema=pa.schema(fields)))
            rows += batch.num_rows
    return rows


def read_scores(scores: Path, keys: tuple[str, ...]) -> Iterator[Scored]:
    """The rows of a scores file one by one, batch by batch: memory does not grow with their number.

    >>> from jcml.workspace.example import example, example_list
    >>> rows = list(read_scores(example_list().folder / "scores.parquet", example()[0].definition.keys))
    >>> len(rows) == example_list().publication.scored
    True
    """

    for batch in _row_groups(scores):
        columns = [batch.column(k).to_pylist() for k in keys]
        margins, probabilities = batch.column("margin").to_numpy(), batch.column("probability").to_numpy()
        for i, unit in enumerate(zip(*columns, strict=True)):
            yield Scored(unit, float(margins[i]), float(probabilities[i]))


def _row_groups(path: Path, columns: list[str] | None = None) -> Iterator[pa.RecordBatch]:
    """The batches of a Parquet file, one row group in memory at a time.

    `iter_batches` keeps what it has read: measured, its memory grows with the rows; `read_row_group` lets go.
    """
    import pyarrow.parquet as pq

    file = pq.ParquetFile(path)
    for group in range(file.num_row_groups):
        yield from file.read_row_group(group, columns=columns).to_batches(BATCH)


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {k: _plain(v) for k, v in value.items()}
    if isinstance(value, tuple | list):
        return [_plain(v) for v in value]
    return value


def _strings(values: list[str]) -> pa.Array:
    import pyarrow as pa

    return pa.array(values)
