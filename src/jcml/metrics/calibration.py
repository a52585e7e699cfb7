"""Does "30 %" mean three confirmed in ten, and how is a margin turned into such a number?

The first half measures: `reliability` compares stated probabilities with confirmed shares bin by bin, `brier`
and `expected_calibration_error` put the whole into one number, `calibration_at_top` looks where clues come from.

The second half mends. A `Calibration` is plain data (a method and a handful of numbers, written as JSON, never
pickled) that maps the margin of an estimator, its log-odds before the sigmoid, to a probability. It never
decreases, so it contradicts no ranking; but it may tie rows that the margin tells apart (isotonic made 208 to
1859 values of 200 000 rows, scoring.md section 7). **Ranking always goes by the raw margin, never by these
probabilities.**

Sources
-------
Platt, "Probabilistic outputs for support vector machines", 1999 (logistic map, smoothed targets).
Kull, Silva Filho, Flach, "Beta calibration", AISTATS 2017.
Zadrozny, Elkan, "Transforming classifier scores into accurate multiclass probability estimates", KDD 2002 (isotonic).
Elkan, "The foundations of cost-sensitive learning", IJCAI 2001, theorem 2 (`prior_shift`).
Naeini, Cooper, Hauskrecht, "Obtaining well calibrated probabilities using Bayesian binning", AAAI 2015 (ECE).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple, TypeAlias, get_args

import numpy as np

from jcml.metrics.intervals import Interval, wilson
from jcml.metrics.ranking import NAN, Vector, checked, labelled_rows

Method: TypeAlias = Literal["none", "platt", "beta", "isotonic"]
"""How margins become probabilities; `Calibration` says what each does."""

LEAST, MOST = 1e-6, 1 - 1e-6
"""No calibrated probability is outside these: certainty is never claimed."""

PARAMETERS = {"none": 0, "platt": 2, "beta": 3, "isotonic": 0}
"""How many parameters each method has."""


class Bin(NamedTuple):
    """Labelled rows of similar probability: how many, what was said, what was found.

    `interval` is the 95 % Wilson interval of `confirmed_share`. Without a labelled row both shares are NaN and the
    interval is 0 to 1.

    >>> Bin(100, 0.5, 0.25, Interval(0.175, 0.343)).gap
    0.25
    """

    n: int
    mean_probability: float
    confirmed_share: float
    interval: Interval

    @property
    def gap(self) -> float:
        """What was said minus what was found; positive means too sure."""
        return self.mean_probability - self.confirmed_share


def reliability(probabilities: Vector, labels: Vector, bins: int = 10) -> tuple[Bin, ...]:
    """Stated probability against confirmed share, in bins of about equal count, over labelled rows.

    Equal probabilities are never parted, so the bins do not depend on row order; with many ties there are fewer.

    Parameters
    ----------
    probabilities : (n,)
        From 0 to 1.
    labels : (n,)
        1.0 confirmed, 0.0 not confirmed, NaN unknown (left out).
    bins : int
        At most so many, 1 or more.

    Returns
    -------
    tuple of Bin
        From the lowest probability up; empty when no row is labelled.

    Raises
    ------
    ValueError
        If a probability is not from 0 to 1, `bins` is below 1, lengths differ, or a label is something else.

    >>> [(b.n, b.mean_probability, b.confirmed_share)
    ...  for b in reliability(np.array([0.1, 0.1, 0.6, 0.8, 0.9]), np.array([0, 0, 1, 1, np.nan]), bins=2)]
    [(2, 0.1, 0.0), (2, 0.7, 1.0)]
    """
    if bins < 1:
        raise ValueError(f"bins must be at least 1, not {bins}")
    probabilities, labels = labelled_rows(_probabilities(probabilities), labels)
    if not labels.size:
        return ()
    starts = np.sort(probabilities)[np.arange(1, bins) * labels.size // bins]
    place = np.searchsorted(starts, probabilities, side="right")
    return tuple(_bin(probabilities[place == p], labels[place == p]) for p in np.unique(place))


def brier(probabilities: Vector, labels: Vector) -> float:
    """Mean squared difference between probability and label over labelled rows; 0 is perfect, NaN without labels.

    Parameters and errors are those of `reliability`; Brier, Monthly Weather Review 78(1), 1950.

    >>> brier(np.array([0.5, 1.0, 0.3]), np.array([1.0, 1.0, np.nan]))
    0.125
    """
    probabilities, labels = labelled_rows(_probabilities(probabilities), labels)
    return float(np.mean((probabilities - labels) ** 2)) if labels.size else NAN


def expected_calibration_error(probabilities: Vector, labels: Vector, bins: int = 10) -> float:
    """Size of the gap between stated and found share, averaged over the rows of `reliability`'s bins.

    It is above 0 for a perfect calibration too, because a share of few rows varies: compare like with like.
    NaN when no row is labelled. Parameters and errors are those of `reliability`.

    >>> expected_calibration_error(np.array([0.25, 0.25, 0.75, 0.75]), np.array([0.0, 0.0, 1.0, 0.0]), bins=2)
    0.25
    """
    found = reliability(probabilities, labels, bins)
    return sum(b.n * abs(b.gap) for b in found) / sum(b.n for b in found) if found else NAN


def calibration_at_top(probabilities: Vector, labels: Vector, share: float) -> Bin:
    """Stated probability against confirmed share among the highest `share` of all rows, where clues come from.

    The cut is made on all rows, the comparison on the labelled ones above it. Rows tied with the last one are
    all taken, so the result does not depend on row order.

    Parameters
    ----------
    probabilities, labels
        As for `reliability`; so are the errors, and there must be a row.
    share : float
        Above 0, at most 1; rounded to whole rows, half up, and at least one row.

    >>> top = calibration_at_top(np.array([0.9, 0.8, 0.2, 0.1]), np.array([1.0, 0.0, 0.0, 0.0]), share=0.5)
    >>> top.n, round(top.mean_probability, 2), top.confirmed_share
    (2, 0.85, 0.5)
    """
    probabilities, labels = checked(_probabilities(probabilities), labels)
    if not labels.size or not 0 < share <= 1:
        raise ValueError(f"needs a row, and a share above 0 and at most 1, not {share} of {labels.size}")
    size = max(1, int(labels.size * share + 0.5))
    last = np.partition(probabilities, labels.size - size)[labels.size - size]
    taken = (probabilities >= last) & ~np.isnan(labels)
    return _bin(probabilities[taken], labels[taken])


@dataclass(frozen=True)
class Calibration:
    """A map from margins to probabilities that never decreases; plain data.

    Parameters
    ----------
    method : {"none", "platt", "beta", "isotonic"}
        With *m* the margin and *s* the sigmoid: ``none`` is *s(m)*; ``platt`` is *s(a m + c)*; ``beta`` is
        *s(a log p - b log(1 - p) + c)* with *p = s(m)*; ``isotonic`` joins its knots by straight lines and is flat
        outside them.
    parameters : tuple of float
        Slopes (not negative), then the intercept: (a, c) or (a, b, c).
    knots : tuple of (margin, probability)
        For ``isotonic``; margins ascend, probabilities do not descend.

    Raises
    ------
    ValueError
        If the numbers do not belong to such a map; nothing read from a file is taken on trust.

    Examples
    --------
    >>> Calibration("platt", (2.0, 0.0)).apply(np.array([0.0, 1.0])).round(4)
    array([0.5   , 0.8808])
    """

    method: Method
    parameters: tuple[float, ...] = ()
    knots: tuple[tuple[float, float], ...] = ()

    def __post_init__(self) -> None:
        if self.method not in get_args(Method):
            raise ValueError(f"method must be one of {', '.join(get_args(Method))}, not {self.method!r}")
        slopes = self.parameters[:-1]
        if len(self.parameters) != PARAMETERS[self.method] or (self.method == "isotonic") != bool(self.knots):
            raise ValueError(f"{len(self.parameters)} parameters and {len(self.knots)} knots do not make {self.method}")
        if not np.isfinite(self.parameters).all() or any(slope < 0 for slope in slopes):
            raise ValueError(f"parameters must be finite and slopes not negative: {self.parameters}")
        margins, probabilities = self._knots
        if not np.isfinite(self.knots).all() or (np.diff(margins) <= 0).any() or (np.diff(probabilities) < 0).any():
            raise ValueError("knots must be finite, their margins ascend and their probabilities not descend")

    @property
    def _knots(self) -> tuple[Vector, Vector]:
        table = np.array(self.knots, dtype=np.float64).reshape(-1, 2)
        return table[:, 0], table[:, 1]

    def apply(self, margins: Vector) -> Vector:
        """The probability of each margin, from 1e-6 to 1 - 1e-6; it never decreases, up to the last bit of a double.

        A row's probability does not depend on the other rows. ValueError if a margin is NaN or infinite.

        >>> Calibration("none").apply(np.array([0.0, 100.0]))
        array([0.5     , 0.999999])
        """
        from scipy.special import expit

        margins = _finite(margins)
        if self.method == "isotonic":
            probabilities = np.interp(margins, *self._knots)
        elif self.method == "none":
            probabilities = expit(margins)
        else:
            # Not a matrix product: its last bit depends on how many rows there are.
            *slopes, intercept = self.parameters
            terms = (slope * column for slope, column in zip(slopes, _columns(self.method, margins), strict=True))
            probabilities = expit(sum(terms, start=np.full_like(margins, intercept)))
        return np.clip(probabilities, LEAST, MOST)

    def to_json(self) -> dict[str, Any]:
        """As a dictionary of strings, lists and numbers; through JSON text and back it is exactly the same.

        >>> Calibration("platt", (2.0, 0.5)).to_json()
        {'method': 'platt', 'parameters': [2.0, 0.5], 'knots': []}
        """
        return dict(method=self.method, parameters=list(self.parameters), knots=[list(knot) for knot in self.knots])

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Calibration:
        """What `to_json` wrote; ValueError when it is not that.

        >>> Calibration.from_json({"method": "platt", "parameters": [2.0, 0.5], "knots": []}).parameters
        (2.0, 0.5)
        """
        try:
            knots = tuple((float(margin), float(probability)) for margin, probability in data["knots"])
            return cls(data["method"], tuple(float(number) for number in data["parameters"]), knots)
        except (KeyError, TypeError, OverflowError) as problem:
            raise ValueError(f"not a calibration: {problem!r}") from problem


def fit_calibration(margins: Vector, labels: Vector, method: Method) -> Calibration:
    """Fit one method on the labelled rows; they must not be rows the estimator was fitted on.

    Platt and beta minimise the log loss with slopes held at 0 or above; where the data would have a slope
    negative, it is 0 and the map has one parameter less. Targets are smoothed as Platt did, so that separable
    labels do not drive a slope to infinity. Should the search stop early, its best point is kept: it started
    from the plain sigmoid and only went down, so the result is never worse than ``none`` on these rows.

    Parameters
    ----------
    margins : (n,)
        Log-odds; finite.
    labels : (n,)
        1.0 confirmed, 0.0 not confirmed, NaN unknown (left out).
    method : {"none", "platt", "beta", "isotonic"}
        `choose_method` picks one by the number of labels.

    Raises
    ------
    ValueError
        If a margin is not finite, the method is unknown, or any method but ``none`` is asked to learn from
        labels of one class.

    Examples
    --------
    >>> margins = np.linspace(-3, 3, 61)
    >>> fitted = fit_calibration(margins, (margins > 1).astype(float), "isotonic")
    >>> fitted.apply(np.array([0.9, 1.2])).round(6)
    array([1.00000e-06, 9.99999e-01])
    """
    margins, labels = labelled_rows(_finite(margins), labels)
    if method == "none":
        return Calibration("none")
    if not 0 < labels.sum() < labels.size:
        raise ValueError(f"{method} needs labels of both classes, not {labels.size} rows of one")
    if method == "isotonic":
        return Calibration("isotonic", knots=_isotonic(margins, labels))
    return Calibration(method, _logistic(np.stack(_columns(method, margins), axis=1), labels))


def choose_method(n_labelled: int, n_positive: int) -> Method:
    """The method that so many labelled rows can carry.

    Under 30 labelled rows or 5 confirmed ones: none; under 200: platt; under 20 000: beta; above: isotonic.

    Measured on distorted scores, base rate 8.2 %, 20 repetitions, 200 000 test rows (scoring.md section 7):
    with 2000 labelled rows the log loss was 0.2082 for beta, 0.2084 for platt and 0.2162 for isotonic (0.2454 for
    none), so isotonic needs more; with 20 000 the gap in the top 1 % was 0.015 for beta, 0.019 for isotonic and
    0.061 for platt, which misfits the tail; with 200 000 it was 0.008 for isotonic and 0.012 for beta. The limits of
    30, 5 and 200 are not measured: below them three parameters, then any, would follow single rows.

    Parameters are the rows with a known label and the confirmed ones among them; ValueError if those are more.

    >>> choose_method(29, 10), choose_method(150, 20), choose_method(2000, 160), choose_method(20000, 1600)
    ('none', 'platt', 'beta', 'isotonic')
    """
    if not 0 <= n_positive <= n_labelled:
        raise ValueError(f"n_positive must be from 0 to n_labelled, not {n_positive} of {n_labelled}")
    if n_labelled < 30 or n_positive < 5:
        return "none"
    if n_labelled < 200:
        return "platt"
    return "beta" if n_labelled < 20_000 else "isotonic"


def prior_shift(probabilities: Vector, trained_rate: float, true_rate: float) -> Vector:
    """Probabilities, in unchanged order, as they would be at another base rate: undoes class weights and sampling.

    It is right when the two classes look the same in both places and only their proportion differs.

    Parameters
    ----------
    probabilities : (n,)
        From 0 to 1, as fitted where a share `trained_rate` of the weight was confirmed.
    trained_rate, true_rate : float
        Between 0 and 1, both excluded.

    Raises
    ------
    ValueError
        If a rate or a probability is out of range or NaN.

    Elkan's theorem 2. Fitted on as many confirmed rows as others, used where one in ten is:

    >>> prior_shift(np.array([0.1, 0.5, 0.9]), trained_rate=0.5, true_rate=0.1).round(4)
    array([0.0122, 0.1   , 0.5   ])
    """
    if not (0 < trained_rate < 1 and 0 < true_rate < 1):
        raise ValueError(f"rates must be between 0 and 1, not {trained_rate} and {true_rate}")
    probabilities = _probabilities(probabilities)
    confirmed = probabilities * (true_rate / trained_rate)
    others = (1 - probabilities) * ((1 - true_rate) / (1 - trained_rate))
    shifted: Vector = confirmed / (confirmed + others)
    return shifted


def _bin(probabilities: Vector, labels: Vector) -> Bin:
    if not labels.size:
        return Bin(0, NAN, NAN, Interval(0.0, 1.0))
    interval = wilson(float(labels.sum()), labels.size)
    return Bin(labels.size, float(probabilities.mean()), float(labels.mean()), interval)


def _probabilities(values: Vector) -> Vector:
    values = np.asarray(values, dtype=np.float64)
    if not ((values >= 0) & (values <= 1)).all():
        raise ValueError("probabilities must be from 0 to 1, and none NaN")
    return values


def _finite(margins: Vector) -> Vector:
    margins = np.asarray(margins, dtype=np.float64)
    if not np.isfinite(margins).all():
        raise ValueError(f"margins must be finite; {int(np.count_nonzero(~np.isfinite(margins)))} are not")
    return margins


def _columns(method: str, margins: Vector) -> tuple[Vector, ...]:
    """What the slopes of a method multiply, one column each; all of them ascend with the margin."""
    from scipy.special import log_expit

    return (margins,) if method == "platt" else (log_expit(margins), -log_expit(-margins))


def _logistic(columns: Vector, labels: Vector) -> tuple[float, ...]:
    """Slopes not below 0 and intercept of a logistic regression on smoothed targets, from the plain sigmoid down."""
    from scipy.optimize import minimize
    from scipy.special import expit, log_expit

    confirmed = float(labels.sum())
    high, low = (confirmed + 1) / (confirmed + 2), 1 / (labels.size - confirmed + 2)
    targets = np.where(labels == 1, high, low)
    # Columns of like size make the search short; a constant column keeps its size.
    middle, size = columns.mean(axis=0), columns.std(axis=0)
    size = np.where(size > 0, size, 1.0)
    scaled = np.column_stack([(columns - middle) / size, np.ones(labels.size)])

    def loss(x: Vector) -> tuple[float, Vector]:
        z = scaled @ x
        value = -np.mean(targets * log_expit(z) + (1 - targets) * log_expit(-z))
        return float(value), scaled.T @ (expit(z) - targets) / labels.size

    start = np.append(size, middle.sum())
    bounds = [(0.0, None)] * columns.shape[1] + [(None, None)]
    best = minimize(loss, start, jac=True, method="L-BFGS-B", bounds=bounds, options=dict(gtol=1e-9, ftol=1e-15)).x
    slopes = np.maximum(best[:-1], 0.0) / size
    return (*slopes.tolist(), float(best[-1] - slopes @ middle))


def _isotonic(margins: Vector, labels: Vector) -> tuple[tuple[float, float], ...]:
    from sklearn.isotonic import IsotonicRegression

    fitted = IsotonicRegression(y_min=LEAST, y_max=MOST).fit(margins, labels)
    return tuple(zip(fitted.X_thresholds_.tolist(), fitted.y_thresholds_.tolist(), strict=True))
