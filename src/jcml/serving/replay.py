"""A published clue computed once more from the data, and compared with what was published, byte by byte."""

from __future__ import annotations

import json
import tempfile
from datetime import date
from pathlib import Path
from typing import Any

from jcml.features.definition import SupervisionModel
from jcml.records import Clue, read_clues
from jcml.registry.trained_model import TrainedModel
from jcml.serving.ledger import Publication
from jcml.serving.plan import ServingPlan
from jcml.serving.score import ScoringRun
from jcml.tables.store import Store


def replay_clue(
    name: str, definition: SupervisionModel, plan: ServingPlan, store: Store, trained: TrainedModel, publication: Publication, clue: Clue,
    capacity: int,
) -> list[str]:
    """What differs between a clue and the same clue computed now; empty when every byte is the same.

    The run is repeated whole, in a temporary folder, with the key it had: features from the data as they are now,
    scores, selection, reasons, evidence. Nothing is published.

    >>> from dataclasses import replace
    >>> from jcml.workspace.example import example, example_list, example_training
    >>> model, store = example()
    >>> publication = example_list().publication
    >>> trained = replace(example_training().model, version=1)
    >>> clue = next(read_clues(store.root / publication.file))
    >>> replay_clue(model.name, model.definition, model.serving, store, trained, publication, clue, 10)
    []
    """
    with tempfile.TemporaryDirectory(dir=store.root) as scratch:
        run = _Replay(name, definition, plan, capacity, trained, store, date.fromisoformat(publication.as_of), supersede=publication.because)
        run.scratch = Path(scratch)
        run.was = (publication.run, clue.data_digest)
        again = next((c for c in read_clues(run.repeat()) if c.id == clue.id), None)
    if again is None:
        return ["selection: the unit is not on the list any more"]
    if again.to_line() == clue.to_line():
        return []
    return _differences(json.loads(clue.to_line()), json.loads(again.to_line()))


class _Replay(ScoringRun):
    """A scoring run under the key and in the place of an earlier one."""

    scratch: Path
    was: tuple[str, str]

    @property
    def folder(self) -> Path:
        return self.scratch

    def repeat(self) -> Path:
        self.__dict__["key"], self.__dict__["data_digest"] = self.was
        with self.engine() as engine:
            self._matrix(engine)
            self._scores(engine)
            return self._clues(engine, self._selection(engine))


def _differences(before: Any, after: Any, at: str = "") -> list[str]:
    if isinstance(before, dict) and isinstance(after, dict):
        return [d for k in sorted({*before, *after}) for d in _differences(before.get(k), after.get(k), f"{at}.{k}" if at else k)]
    if isinstance(before, list) and isinstance(after, list) and len(before) == len(after):
        return [d for i, (a, b) in enumerate(zip(before, after, strict=True)) for d in _differences(a, b, f"{at}[{i}]")]
    return [] if before == after else [f"{at}: {str(before)[:60]} → {str(after)[:60]}"]
