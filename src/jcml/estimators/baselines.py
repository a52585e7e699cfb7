"""What a learned model must beat, on the same rows: chance, each rule, the best single feature, a straight line.

A baseline is anything that gives each row a score; higher comes earlier. It never sees a label of the test period.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Scores = NDArray[np.float64]


def random_scores(units: Sequence[tuple[str, ...]], seed: int = 0) -> Scores:
    """(n,) a draw in [0, 1) per unit, the same whatever the order of the rows.

    >>> bool(random_scores([("a",), ("b",)])[0] == random_scores([("b",), ("a",)])[1])
    True
    """
    return np.array([
        int.from_bytes(hashlib.sha256(f"{seed}\x00{'|'.join(u)}".encode()).digest()[:8], "big") / 2**64 for u in units
    ])


def rule_scores(hits: Scores) -> Scores:
    """(n,) 1 where a rule holds, 0 where it does not or cannot be told.

    >>> rule_scores(np.array([1.0, 0.0, np.nan]))
    array([1., 0., 0.])
    """
    return np.nan_to_num(hits, nan=0.0)


def rules_together(hits: Mapping[str, Scores]) -> Scores:
    """(n,) how many rules hold: the 风险系数 of today's rule engines.

    >>> rules_together({"a": np.array([1.0, 0.0]), "b": np.array([1.0, np.nan])})
    array([2., 0.])
    """
    return np.sum([rule_scores(h) for h in hits.values()], axis=0) if hits else np.empty(0)


@dataclass(frozen=True)
class SingleFeature:
    """The one feature, and its direction, that ordered the training rows best.

    >>> SingleFeature("a", 0, 1).scores(np.array([[2.0], [np.nan]]))
    array([  2., -inf])
    """

    name: str
    index: int
    sign: int

    def scores(self, values: NDArray[np.float64]) -> Scores:
        """(n,) the feature; unknown comes last."""
        return np.nan_to_num(self.sign * values[:, self.index], nan=-np.inf)


def best_single_feature(
    values: NDArray[np.float64], labels: Scores, names: Sequence[str], area: Callable[[Scores, Scores], float]
) -> SingleFeature:
    """The feature whose order separates labelled training rows best, whichever way round.

    `area` measures an order against labels: 0.5 for none, 1 for a perfect one (`jcml.metrics.ranking.auc`).

    >>> def area(scores, labels):
    ...     return float(scores[labels == 1].min() > scores[labels == 0].max())
    >>> best_single_feature(np.array([[1.0, 0.0], [2.0, 0.0], [3.0, 0.0]]), np.array([0.0, 0.0, 1.0]), ["a", "b"], area).name
    'a'
    """
    best, found = -1.0, SingleFeature(names[0], 0, 1)
    for index, name in enumerate(names):
        single = SingleFeature(name, index, 1)
        strength = area(single.scores(values), labels)
        for sign, reached in ((1, strength), (-1, 1 - strength)):
            if reached > best + 1e-12:
                best, found = reached, SingleFeature(name, index, sign)
    return found


class Logistic:
    """A straight line through the features: tails drawn in, unknown replaced by the mean and marked, scaled.

    scikit-learn's logistic regression; the classes are weighed as they come.

    >>> rng = np.random.default_rng(0)
    >>> x = rng.normal(size=(100, 2)); y = (x[:, 0] > 0).astype(float)
    >>> bool(Logistic(x, y).scores(x)[y == 1].mean() > 0)
    True
    """

    def __init__(self, values: NDArray[np.float64], labels: Scores, strength: float = 0.1) -> None:
        from sklearn.impute import SimpleImputer
        from sklearn.linear_model import LogisticRegression
        from sklearn.pipeline import make_pipeline
        from sklearn.preprocessing import FunctionTransformer, StandardScaler

        self.pipeline = make_pipeline(
            FunctionTransformer(_drawn_in),
            SimpleImputer(strategy="mean", add_indicator=True, keep_empty_features=True),
            StandardScaler(),
            LogisticRegression(C=strength, solver="newton-cholesky"),  # few steps where rows are many and columns few
        )
        self.pipeline.fit(values, labels)

    def scores(self, values: NDArray[np.float64]) -> Scores:
        """(n,) log-odds."""
        return np.asarray(self.pipeline.decision_function(values), dtype=np.float64)


def _drawn_in(values: NDArray[np.float64]) -> NDArray[np.float32]:
    drawn: NDArray[np.float32] = (np.sign(values) * np.log1p(np.abs(values))).astype(np.float32)  # half the work, equal to 1e-5
    return drawn
