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
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, date, datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import jcml
from jcml.dates import Period
from jcml.durable import held, reached, sweep, write_file, write_text
from jcml.engines.dialect import quote
from jcml.engines.engine import Calendar, rows_in
from jcml.engines.sql import SqlEngine
from jcml.errors import CheckFailed, ConfigurationError, Place
from jcml.features.definition import SupervisionModel
from jcml.features.matrix import require_unit
from jcml.query import call, canonical, literal
from jcml.records import Clue, write_clues
from jcml.registry.trained_model import TrainedModel
from jcml.serving.ledger import Ledger, Publication, run_folder
from jcml.serving.on_rows import Above, Choosing, Scorer, SelectionLog
from jcml.serving.plan import ServingPlan
from jcml.serving.select import Decision, Key, Selected, Selection
from jcml.serving.watch import signals, stop_if_crossed
from jcml.tables.store import Store

if TYPE_CHECKING:
    import pyarrow as pa

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
            with self.engine() as engine:
                self._matrix(engine)
                self._scores(engine)
                self.signals = signals(self.plan.watch, self.trained, self.folder)
                for signal in self.signals:
                    self.say(f"watch: {signal.name} {signal.value}{' !' if signal.crossed else ''}")
                stop_if_crossed(self.signals, self.name)
                clues = self._clues(engine, self._selection(engine))
            return Published(self._publish(clues, len(same)), True, self.folder)

    def engine(self) -> SqlEngine:
        """Where the run asks its questions."""
        return self.store.engine({*self.definition.tables, *self.definition.label_tables})

    # -- matrix and scores -------------------------------------------------------------------------------------

    def _matrix(self, engine: SqlEngine) -> None:
        path = self.folder / "matrix.parquet"
        if not path.exists():
            write_file(path, lambda part: engine.matrix_to(self.definition.full_question, self.calendar, part), "score.matrix")
        self.scored = rows_in(path)
        self.say(f"features: {self.scored:,} × {len(self.definition.features)}")

    def _scores(self, engine: SqlEngine) -> None:
        path = self.folder / "scores.parquet"
        if not path.exists():
            write_file(path, lambda part: score_file(engine, self.folder / "matrix.parquet", part, self.trained, self.definition.keys, self.threads), "score.scores")
        self.say(f"scores: {self.scored:,}")

    # -- selection ---------------------------------------------------------------------------------------------

    def _selection(self, engine: SqlEngine) -> Selection:
        audits = min(replace(self.plan, capacity=self.capacity).audits, self.capacity)
        scores = self.folder / "scores.parquet"
        how = Choosing(
            self.definition.keys, max(0, self.capacity - audits), audits, f"{self.plan.seed}\x00{self.name}\x00{self.as_of}", self._left_out(engine)
        )
        selection = how.chosen(engine.gathered(scores, how, how.schema))
        path = self.folder / "selection.parquet"
        if not path.exists():
            log = SelectionLog(self.definition.keys, selection)
            write_file(path, lambda part: engine.through(scores, part, log, log.schema), "score.selection")
        by = [s.by for s in selection.chosen]
        self.say(f"selection: {by.count('ranked')} by order, {by.count('audit')} at random of {selection.eligible:,}, {len(selection.left_out)} left out")
        return selection

    def _left_out(self, engine: SqlEngine) -> dict[Key, Decision]:
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
        for unit in self._reviewed_since(engine, self.plan.cool_off):
            found[unit] = "reviewed_lately"
        for unit, probability in self._now(engine, sorted(before)):
            if probability >= before[unit] + self.plan.unless_rises:
                found.pop(unit)
        return found

    def _now(self, engine: SqlEngine, units: list[Key]) -> Iterator[tuple[Key, float]]:
        """The probability that some units have now, of those that are still scored."""
        if not units:
            return
        table = _joined(engine, self.folder / "scores.parquet", self.definition.keys, units)
        yield from zip(_keys(table, self.definition.keys), table["probability"].to_pylist(), strict=True)

    def _published(self, publication: Publication) -> Iterator[tuple[Key, float]]:
        import pyarrow.compute as pc
        import pyarrow.parquet as pq

        path = run_folder(self.store.root, publication.model, publication.as_of, publication.run) / "selection.parquet"
        if not path.exists():
            return
        table = pq.read_table(path)
        table = table.filter(pc.is_in(table["decision"], _strings(["ranked", "audit"])))
        yield from zip(_keys(table, self.definition.keys), table["probability"].to_pylist(), strict=True)

    def _reviewed_since(self, engine: SqlEngine, cool_off: Period) -> Iterator[Key]:
        from jcml.features.definition import reviewed_question

        question = reviewed_question(self.definition, cool_off)
        (_, reviewed), = question.values
        only = replace(question, cohort=call(">", reviewed, literal(0)))
        yield from _keys(engine.matrix(only, self.calendar), self.definition.keys)

    # -- clues -------------------------------------------------------------------------------------------------

    def _clues(self, engine: SqlEngine, selection: Selection) -> Path:
        path = self.folder / "clues.jsonl"
        if not path.exists():
            from jcml.serving.clues import ClueWriter

            writer = ClueWriter(self, selection, engine)
            clues: list[Clue] = writer.clues()
            evidence = self.folder / "evidence.parquet"
            if not evidence.exists():
                write_file(evidence, writer.write_evidence, "score.evidence")
            write_file(path, lambda part: write_clues(clues, part), "score.clues")
            self.say(f"clues: {len(clues)} with reasons and evidence, every value recomputed from its rows")
        return path

    def ranks(self, engine: SqlEngine, chosen: tuple[Selected, ...]) -> dict[Key, int]:
        """The place of each chosen unit in the order of all scored units, from 1."""
        import numpy as np

        above = Above(tuple(s.scored.margin for s in chosen))
        counts = engine.gathered(self.folder / "scores.parquet", above, above.schema, ["margin"])
        total = np.array(counts["above"].to_pylist()).reshape(-1, len(chosen)).sum(axis=0)
        cool_off = self.plan.cool_off is not None and self.definition.scored is None
        return {
            s.scored.unit: s.rank if s.by == "ranked" and not cool_off else int(n) + 1  # equal margins are told apart where all are ranked
            for s, n in zip(chosen, total, strict=True)
        }

    def rows_of(self, engine: SqlEngine, chosen: tuple[Selected, ...]) -> pa.Table:
        """The matrix rows of chosen units, in their order."""
        return _joined(engine, self.folder / "matrix.parquet", self.definition.keys, [s.scored.unit for s in chosen])

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


def score_file(engine: SqlEngine, matrix: Path, scores: Path, trained: TrainedModel, keys: tuple[str, ...], threads: int = 0) -> None:
    """Score every row of a matrix into a scores file, batch by batch, on the workers where the engine has some.

    Memory does not grow with the number of rows.

    >>> import tempfile
    >>> from jcml.workspace.example import example, example_list, example_training
    >>> model, store = example()
    >>> scores = Path(tempfile.mkdtemp()) / "scores.parquet"
    >>> with store.engine(model.definition.tables) as engine:
    ...     score_file(engine, example_list().folder / "matrix.parquet", scores, example_training().model, model.definition.keys)
    >>> rows_in(scores) == example_list().publication.scored
    True
    """
    scorer = Scorer(trained, keys, threads if engine.name == "duckdb" else 1)
    engine.through(matrix, scores, scorer, scorer.schema, [*keys, "_asof", *trained.fitted.features])


def _joined(engine: SqlEngine, file: Path, keys: Sequence[str], units: Sequence[Key]) -> pa.Table:
    """The rows of some units in a Parquet file, in the order in which they are named."""
    import pyarrow as pa

    given = {k: pa.array([u[i] for u in units], pa.string()) for i, k in enumerate(keys)}
    with engine.given("_units", pa.table({**given, "_order": list(range(len(units)))})):
        on = " AND ".join(f"r.{quote(k)} = c.{quote(k)}" for k in keys)
        return engine.query(f"SELECT r.* FROM {engine.parquet(file)} AS r JOIN _units AS c ON {on} ORDER BY c._order")


def _keys(table: pa.Table, keys: Sequence[str]) -> Iterator[Key]:
    yield from zip(*(table[k].to_pylist() for k in keys), strict=True)


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {k: _plain(v) for k, v in value.items()}
    if isinstance(value, tuple | list):
        return [_plain(v) for v in value]
    return value


def _strings(values: list[str]) -> pa.Array:
    import pyarrow as pa

    return pa.array(values)
