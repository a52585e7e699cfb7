"""What stands in for a trained model before there are labels: see `jcml.estimators.cold_start`."""

from __future__ import annotations

from datetime import date

import numpy as np

from jcml.dates import Period
from jcml.estimators.cold_start import cold_start
from jcml.features.definition import SupervisionModel
from jcml.features.matrix import build_matrix
from jcml.metrics.calibration import Calibration
from jcml.registry.trained_model import TrainedModel
from jcml.tables.store import Store

BANDS = (("high", 2.0), ("medium", 1.0), ("low", float("-inf")))
"""By the number of rules that hold: two and more, one, none."""


def cold_start_model(
    name: str, definition: SupervisionModel, store: Store, as_of: date, every: Period, capacity: int
) -> TrainedModel:
    """An order by rules and unusual numbers for one date; version 0, no probabilities, no figures.

    >>> from jcml.workspace.example import AS_OF, example
    >>> model, store = example()
    >>> made = cold_start_model(model.name, model.definition, store, AS_OF, model.serving.every, 10)
    >>> made.cold, made.version, dict(made.figures)
    (True, 0, {})
    """
    matrix = build_matrix(definition, store, [as_of], every)
    rules = [f"rule:{n}" for n in definition.rules]
    numbers = [n for n in definition.features if n not in definition.categorical]
    columns = [matrix.column(n) for n in (*rules, *numbers)]
    fitted = cold_start(np.column_stack(columns), rules, numbers)
    return TrainedModel(
        name, fitted, Calibration("none"), definition.fingerprint, capacity, every.name, str(as_of), matrix.data_digest, 0, 0, bands=BANDS, cold=True
    )
