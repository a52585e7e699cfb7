"""An order for the time before there are labels: the rules that hold, then how unusual a unit is.

Each rule that holds adds 1. Within equal numbers of rules, units are told apart by how far their numbers lie from
the middle of all units, which adds less than 1 in all, the same for every feature. It is additive by construction,
so every clue can say what it rests on. Nothing is known of how often it is right, and every page says so.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

PARTS = 100


@dataclass(frozen=True)
class ColdStart:
    """Orders units without having learned from any label.

    Parameters
    ----------
    rules : tuple of str
        Columns that are 1 where a rule holds.
    numbers : tuple of str
        Columns whose distance from the middle counts.
    cuts : tuple of tuple of float
        For each number, values that cut all units into equal parts.

    Examples
    --------
    >>> values = np.column_stack([np.eye(1, 101)[0], np.arange(101.0)])
    >>> model = cold_start(values, ("rule:a",), ("n",))
    >>> [round(float(m), 2) for m in model.margins(np.array([[1.0, 50.0], [0.0, 100.0], [0.0, 50.0]]))]
    [1.0, 0.5, 0.0]
    """

    rules: tuple[str, ...]
    numbers: tuple[str, ...]
    cuts: tuple[tuple[float, ...], ...]

    @property
    def features(self) -> tuple[str, ...]:
        """The columns it reads, in order."""
        return self.rules + self.numbers

    @cached_property
    def digest(self) -> str:
        """SHA-256 of what it is."""
        return hashlib.sha256(json.dumps([self.rules, self.numbers, self.cuts]).encode()).hexdigest()

    def contributions(self, values: NDArray[np.float64], *, threads: int = 0) -> NDArray[np.float64]:
        """(n, k + 1) what each column adds, and 0 as the base; unknown values add nothing."""
        made = np.zeros((len(values), len(self.features) + 1))
        made[:, : len(self.rules)] = np.nan_to_num(values[:, : len(self.rules)], nan=0.0)
        for index, cuts in enumerate(self.cuts):
            column = values[:, len(self.rules) + index]
            low, high = np.searchsorted(cuts, column, "left"), np.searchsorted(cuts, column, "right")
            middle = (low + high) / (2 * max(1, len(cuts)))
            unusual = np.abs(2 * middle - 1)
            made[:, len(self.rules) + index] = np.where(np.isnan(column), 0.0, unusual) / (len(self.numbers) + 1)
        return made

    def margins(self, values: NDArray[np.float64], *, threads: int = 0) -> NDArray[np.float64]:
        """(n,) the order: the sum of what each column adds."""
        made = self.contributions(values)
        total = np.zeros(len(values))
        for index in range(made.shape[1]):  # term by term, so that a row's sum never depends on the batch it is in
            total += made[:, index]
        return total


def cold_start(values: NDArray[np.float64], rules: Sequence[str], numbers: Sequence[str]) -> ColdStart:
    """Fit the middle of each number to all units of a day.

    `values` is (n, rules + numbers), NaN for unknown.

    >>> cold_start(np.zeros((2, 1)), ("rule:a",), ()).features
    ('rule:a',)
    """
    cuts = []
    for index in range(len(rules), values.shape[1]):
        known = values[~np.isnan(values[:, index]), index]
        share = np.linspace(0, 1, min(PARTS, max(1, len(known))) + 1)[1:-1]
        cuts.append(tuple(float(q) for q in np.quantile(known, share)) if len(known) else ())
    return ColdStart(tuple(rules), tuple(numbers), tuple(cuts))
