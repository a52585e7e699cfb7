"""A trained model: what was fitted, on which meaning and data, and how its scores become probabilities."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from jcml.estimators.cold_start import ColdStart
from jcml.estimators.lightgbm import Fitted
from jcml.metrics.calibration import Calibration

SCHEMA = "jcml.trained_model/1"


@dataclass(frozen=True)
class TrainedModel:
    """A fit of a supervision model, with all that scoring needs.

    Parameters
    ----------
    name : str
        The supervision model.
    fitted : Fitted or ColdStart
    calibration : Calibration
        Margins to probabilities.
    fingerprint : str
        Of the definition's features at training; scoring refuses another one.
    capacity : int
        The capacity at which it was measured.
    every : str
        Step of the as-of dates, such as `3m`.
    trained_until : str
        Only labels known before this day were used.
    data_digest : str
        Of the data it learned from.
    labelled, confirmed : int
        Rows it learned from.
    figures : mapping
        The figures that pages show, as measured on later time; see `jcml.training.evaluate`.
    bands : tuple of (name, lowest probability)
        How probabilities are told in words, highest first.
    version : int
        0 until it is registered.
    cold : bool
        True when there were too few labels: it orders by the rules, and every page says so.

    Examples
    --------
    >>> from jcml.workspace.example import example_training
    >>> trained = example_training().model
    >>> trained.version, trained.band(0.0, 0.99)
    (0, 'high')
    """

    name: str
    fitted: Fitted | ColdStart
    calibration: Calibration
    fingerprint: str
    capacity: int
    every: str
    trained_until: str
    data_digest: str
    labelled: int
    confirmed: int
    figures: Mapping[str, Any] = field(default_factory=dict)
    bands: tuple[tuple[str, float], ...] = (("high", 0.5), ("medium", 0.2), ("low", 0.0))
    version: int = 0
    cold: bool = False

    @property
    def learned(self) -> Fitted:
        """What LightGBM learned; a cold start has learned nothing."""
        assert isinstance(self.fitted, Fitted), "a cold start has learned nothing"
        return self.fitted

    def probabilities(self, margins: NDArray[np.float64]) -> NDArray[np.float64]:
        """(n,) calibrated probabilities of (n,) margins, NaN at a cold start; units are ordered by the margin, never by these."""
        return np.full(len(margins), np.nan) if self.cold else self.calibration.apply(margins)

    def band(self, margin: float, probability: float) -> str:
        """The band a unit falls in: by its probability, at a cold start by its margin."""
        value = margin if self.cold else probability
        return next(name for name, lowest in self.bands if value >= lowest)

    def to_json(self) -> str:
        """Everything but the trees, in a fixed form."""
        content = {
            "schema": SCHEMA,
            "name": self.name,
            "features": list(self.fitted.features),
            "model_digest": self.fitted.digest,
            "calibration": self.calibration.to_json(),
            "fingerprint": self.fingerprint,
            "capacity": self.capacity,
            "every": self.every,
            "trained_until": self.trained_until,
            "data_digest": self.data_digest,
            "labelled": self.labelled,
            "confirmed": self.confirmed,
            "figures": self.figures,
            "bands": [list(b) for b in self.bands],
        }
        return json.dumps(content, ensure_ascii=False, sort_keys=True, indent=1)


