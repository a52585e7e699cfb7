"""Signals looked at before anything is published: a list that no longer resembles what the model learned from.

A signal that crosses its bound warns, or stops the run so that a person decides; the plan says which.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from jcml.engines.engine import rows_in
from jcml.errors import CheckFailed
from jcml.metrics.drift import by_chance, drifts
from jcml.registry.trained_model import TrainedModel
from jcml.serving.ledger import Publication, run_folder
from jcml.serving.plan import Watch

SIGNALS = {
    "score_drift": ("得分分布的偏移", "drift of the scores"), "feature_drift": ("特征分布的最大偏移", "largest drift of a feature"),
    "coverage": ("特征取值的已知比例", "share of known feature values"),
}
"""Every signal that can be watched, in Chinese and English."""


@dataclass(frozen=True)
class Signal:
    """A watched signal, what it is now, and whether it crossed its bound.

    >>> Signal("score_drift", 0.3, True, "warn").crossed
    True
    """

    name: str
    value: float
    crossed: bool
    then: str


def signals(watches: tuple[Watch, ...], trained: TrainedModel, folder: Path) -> list[Signal]:
    """The signals of a scoring run: drift of scores and features since training, and coverage.

    A drift crosses its bound only where it is also more than so few rows show by chance.

    `folder` holds the run's `matrix.parquet` and `scores.parquet`.

    >>> signals((), None, Path("."))
    []
    """
    if not watches:
        return []
    import pyarrow.parquet as pq

    profile = trained.figures.get("drift", {})
    names = [n for n in profile if n != "margin"]
    found = []
    rows = rows_in(folder / "scores.parquet")
    margin = profile.get("margin", {"shares": [], "rows": 0})
    for watch in watches:
        chance = by_chance(margin["shares"], margin["rows"], rows) if watch.signal != "coverage" else 0.0
        if watch.signal == "score_drift":
            margins = pq.read_table(folder / "scores.parquet", columns=["margin"])["margin"].to_numpy()
            value = drifts(profile, {"margin": margins}).get("margin", 0.0)
        elif watch.signal == "feature_drift":
            value = max((next(iter(drifts(profile, _column(folder, n)).values()), 0.0) for n in names), default=0.0)
        else:
            value = float(np.mean([np.mean(~np.isnan(next(iter(_column(folder, n).values())))) for n in names])) if names else 1.0
        crossed = (watch.at_most is not None and value > max(watch.at_most, chance)) or (watch.at_least is not None and value < watch.at_least)
        found.append(Signal(watch.signal, round(float(value), 4), crossed, watch.then))
    return found


def stop_if_crossed(found: list[Signal], model: str) -> None:
    """Raise when a signal that stops has crossed its bound.

    Raises
    ------
    CheckFailed
        JC6005.

    >>> stop_if_crossed([Signal("score_drift", 0.3, True, "warn")], "m")
    """
    for signal in found:
        if signal.crossed and signal.then == "stop":
            raise CheckFailed("JC6005", model=model, signal=signal.name, value=signal.value, bound="plan")


def crossed_signals(root: Path, publication: Publication) -> list[Signal]:
    """The signals that had crossed their bound when a list was published; none when its run kept no manifest.

    >>> from jcml.workspace.example import example, example_list
    >>> all(signal.crossed for signal in crossed_signals(example()[1].root, example_list().publication))
    True
    """
    manifest = run_folder(root, publication.model, publication.as_of, publication.run) / "run.json"
    if not manifest.is_file():
        return []
    kept = json.loads(manifest.read_text(encoding="utf-8")).get("signals", [])
    return [s for s in (Signal(**k) for k in kept) if s.crossed]


def _column(folder: Path, name: str) -> dict[str, Any]:
    import pyarrow.parquet as pq

    table = pq.read_table(folder / "matrix.parquet", columns=[name])
    return {name: np.asarray(table[name].to_numpy(zero_copy_only=False), dtype=float)}
