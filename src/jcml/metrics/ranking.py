"""How good is the top of a list?

An office checks a fixed number of clues per run, its capacity, so what matters is who stands on the first
`capacity` places. Two things make that less certain than it looks:

- **unknown labels**: only rows that somebody checked have an outcome (selective labels). A metric here is
  either a pair of bounds, with every unknown label counted once as 0 and once as 1, or it is taken over
  labelled rows only and says so;
- **ties**: when equal scores compete for the last places, any order among them is arbitrary. Bounds take the
  worst and the best order, expectations the average over all orders, so no figure depends on the order of rows.

Sources
-------
Lakkaraju, Kleinberg, Leskovec, Ludwig, Mullainathan, "The selective labels problem", KDD 2017.
Manski, "Nonparametric bounds on treatment effects", American Economic Review 80(2), 1990.
McSherry, Najork, "Computing information retrieval performance measures efficiently in the presence of tied
scores", ECIR 2008.
"""

from __future__ import annotations

from typing import NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

Vector: TypeAlias = NDArray[np.float64]
"""One number per row."""

NAN = float("nan")


class Bounds(NamedTuple):
    """The least and the most a figure can be, given what is unknown; both NaN when it has no meaning.

    >>> Bounds(0.25, 0.5).upper
    0.5
    """

    lower: float
    upper: float


class Expected(NamedTuple):
    """A figure over labelled rows, and how many of them it rests on.

    Both are averages over all orders of tied rows, so `labelled` need not be whole. `value` is NaN when
    `labelled` is 0.

    >>> Expected(value=0.5, labelled=4.0).labelled
    4.0
    """

    value: float
    labelled: float


def checked_labels(labels: Vector) -> Vector:
    """The labels as doubles, after a look at what is in them.

    Raises
    ------
    ValueError
        If they are not one-dimensional, or one of them is not 1.0, 0.0 or NaN.

    >>> checked_labels(np.array([1.0, 0.0, np.nan]))
    array([ 1.,  0., nan])
    """
    labels = np.asarray(labels, dtype=np.float64)
    if labels.ndim != 1:
        raise ValueError(f"labels must be one-dimensional, not of shape {labels.shape}")
    strange = ~(np.isnan(labels) | (labels == 0) | (labels == 1))
    if strange.any():
        raise ValueError(f"a label is 1.0, 0.0 or NaN, not {labels[strange][0]}")
    return labels


def checked(scores: Vector, labels: Vector) -> tuple[Vector, Vector]:
    """Scores and labels as doubles, after a look at what is in them.

    Parameters
    ----------
    scores : (n,)
        Any scale; infinite is allowed, NaN is not.
    labels : (n,)
        1.0 confirmed, 0.0 not confirmed, NaN unknown.

    Raises
    ------
    ValueError
        If the lengths differ, a score is NaN, or a label is something else.

    Examples
    --------
    >>> checked(np.array([0.5, np.nan]), np.array([1.0, 0.0]))
    Traceback (most recent call last):
    ValueError: 1 of 2 scores are NaN
    """
    scores, labels = np.asarray(scores, dtype=np.float64), checked_labels(labels)
    if scores.shape != labels.shape:
        raise ValueError(f"scores {scores.shape} and labels {labels.shape} must have the same length")
    missing = int(np.count_nonzero(np.isnan(scores)))
    if missing:
        raise ValueError(f"{missing} of {scores.size} scores are NaN")
    return scores, labels


def labelled_rows(scores: Vector, labels: Vector) -> tuple[Vector, Vector]:
    """Scores and labels of the rows whose label is known; errors as `checked`.

    >>> labelled_rows(np.array([0.9, 0.8]), np.array([np.nan, 1.0]))
    (array([0.8]), array([1.]))
    """
    scores, labels = checked(scores, labels)
    known = ~np.isnan(labels)
    return scores[known], labels[known]


def precision_at_capacity(scores: Vector, labels: Vector, capacity: int) -> Bounds:
    """Share of the first `capacity` rows that are confirmed, as bounds.

    The lower bound counts unknown as not confirmed and breaks ties against the list; the upper bound does the
    opposite. Whatever the unknown labels turn out to be, the true share lies between them.

    Parameters
    ----------
    scores : (n,)
        Higher is earlier; never NaN.
    labels : (n,)
        1.0 confirmed, 0.0 not confirmed, NaN unknown.
    capacity : int
        Rows, at least 1. A list shorter than the capacity is used whole.

    Returns
    -------
    Bounds
        Shares from 0 to 1.

    Raises
    ------
    ValueError
        If there is no row, the capacity is below 1, or as `checked`.

    Examples
    --------
    Four places; two confirmed, one not confirmed, one never checked:

    >>> precision_at_capacity(np.array([0.9, 0.8, 0.7, 0.6, 0.1]), np.array([1, np.nan, 0, 1, 1]), capacity=4)
    Bounds(lower=0.5, upper=0.75)

    Two rows tie for one place:

    >>> precision_at_capacity(np.array([0.5, 0.5]), np.array([1.0, 0.0]), capacity=1)
    Bounds(lower=0.0, upper=1.0)
    """
    top = _top(*checked(scores, labels), capacity)
    possible = top.above.confirmed + top.above.unknown + min(top.places, top.tied.confirmed + top.tied.unknown)
    return Bounds(top.fewest_hits / top.size, possible / top.size)


def expected_precision_at_capacity(scores: Vector, labels: Vector, capacity: int) -> Expected:
    """Share confirmed among the labelled rows of the first `capacity`, and how many were labelled.

    Ties by expectation: the expected number of confirmed rows over the expected number of labelled ones. It
    estimates the precision of the whole list only if the labelled rows of the list are like the others;
    `precision_at_capacity` needs no such belief.

    Parameters
    ----------
    scores, labels, capacity
        As for `precision_at_capacity`; so are the errors.

    Returns
    -------
    Expected
        `value` from 0 to 1, NaN when no row of the list is labelled.

    Examples
    --------
    >>> expected_precision_at_capacity(np.array([0.9, 0.8, 0.7, 0.1]), np.array([1, np.nan, 0, 1]), capacity=3)
    Expected(value=0.5, labelled=2.0)
    """
    top = _top(*checked(scores, labels), capacity)
    return Expected(top.expected_hits / top.expected_labelled if top.expected_labelled else NAN, top.expected_labelled)


def hits_at_capacity(scores: Vector, labels: Vector, capacity: int) -> float:
    """Expected number of rows known to be confirmed among the first `capacity`, ties shared evenly.

    Unknown rows add nothing, so this is what was found, not what could have been.

    Parameters
    ----------
    scores, labels, capacity
        As for `precision_at_capacity`; so are the errors.

    Returns
    -------
    float
        Rows, from 0 to `capacity`; not whole when tied rows compete for the last places.

    Examples
    --------
    One place is certain, one is shared by two rows of which one is confirmed:

    >>> hits_at_capacity(np.array([0.9, 0.5, 0.5]), np.array([1.0, 1.0, 0.0]), capacity=2)
    1.5
    """
    return _top(*checked(scores, labels), capacity).expected_hits


def recall_at_capacity(scores: Vector, labels: Vector, capacity: int) -> Bounds:
    """Share of the rows *known* to be confirmed that stand among the first `capacity`; bounds over ties.

    The denominator is labelled positives only. Those that nobody has found yet are in neither part, so where
    labels come from an earlier ranking this flatters rankings like that one. The recall over everything there
    is to find needs a random audit: `jcml.metrics.audit.population_rate`.

    Parameters
    ----------
    scores, labels, capacity
        As for `precision_at_capacity`; so are the errors.

    Returns
    -------
    Bounds
        Shares from 0 to 1; both NaN when no row is known to be confirmed.

    Examples
    --------
    >>> recall_at_capacity(np.array([0.9, 0.5, 0.5, 0.1]), np.array([1, 1, 0, np.nan]), capacity=2)
    Bounds(lower=0.5, upper=1.0)
    """
    scores, labels = checked(scores, labels)
    top = _top(scores, labels, capacity)
    confirmed = int(np.count_nonzero(labels == 1))
    if not confirmed:
        return Bounds(NAN, NAN)
    return Bounds(top.fewest_hits / confirmed, (top.above.confirmed + min(top.places, top.tied.confirmed)) / confirmed)


def lift_at_capacity(scores: Vector, labels: Vector, capacity: int) -> Bounds:
    """How many times the base rate the precision at capacity is: its bounds over the base rate of labelled rows.

    The base rate is held at what the labelled rows show. Where they were picked because they looked
    suspicious it is too high, and the lift too low.

    Parameters
    ----------
    scores, labels, capacity
        As for `precision_at_capacity`; so are the errors.

    Returns
    -------
    Bounds
        Times, 0 or more; both NaN when no labelled row is confirmed.

    Examples
    --------
    >>> lift_at_capacity(np.array([0.9, 0.8, 0.2, 0.1]), np.array([1.0, np.nan, 0.0, 0.0]), capacity=2)
    Bounds(lower=1.5, upper=3.0)
    """
    scores, labels = checked(scores, labels)
    precision = precision_at_capacity(scores, labels, capacity)
    known = labels[~np.isnan(labels)]
    if not known.any():
        return Bounds(NAN, NAN)
    base_rate = float(known.mean())
    return Bounds(precision.lower / base_rate, precision.upper / base_rate)


def auc(scores: Vector, labels: Vector) -> float:
    """Chance that a confirmed row is scored above one that is not, a tie counting half; labelled rows only.

    Parameters
    ----------
    scores, labels : (n,)
        As for `precision_at_capacity`; errors as `checked`.

    Returns
    -------
    float
        From 0 to 1; NaN when the labelled rows are all of one class.

    References
    ----------
    Hanley, McNeil, "The meaning and use of the area under a ROC curve", Radiology 143(1), 1982.

    Examples
    --------
    >>> auc(np.array([0.9, 0.8, 0.8, 0.1]), np.array([1.0, 1.0, 0.0, np.nan]))
    0.75
    """
    hits, rows = _curve(*labelled_rows(scores, labels))
    confirmed, not_confirmed = hits[-1], rows[-1] - hits[-1]
    if not confirmed or not not_confirmed:
        return NAN
    height = (hits[1:] + hits[:-1]) / 2
    return float(np.sum(np.diff(rows - hits) * height) / (confirmed * not_confirmed))


def average_precision(scores: Vector, labels: Vector) -> float:
    """Precision averaged over the confirmed rows, from the top down; labelled rows only.

    Rows of one score enter together, so each of them sees the precision at the end of its tie.

    Parameters
    ----------
    scores, labels : (n,)
        As for `precision_at_capacity`; errors as `checked`.

    Returns
    -------
    float
        From 0 to 1; NaN when the labelled rows are all of one class.

    References
    ----------
    Buckley, Voorhees, "Evaluating evaluation measure stability", SIGIR 2000; the step-wise form that
    scikit-learn uses too.

    Examples
    --------
    >>> average_precision(np.array([0.9, 0.8, 0.7, 0.6]), np.array([1.0, 0.0, np.nan, 1.0]))
    0.8333333333333333
    """
    hits, rows = _curve(*labelled_rows(scores, labels))
    if not 0 < hits[-1] < rows[-1]:
        return NAN
    return float(np.sum(np.diff(hits) * hits[1:] / rows[1:]) / hits[-1])


class _Counts(NamedTuple):
    """Rows by what is known of them."""

    confirmed: int
    not_confirmed: int
    unknown: int


class _Top(NamedTuple):
    """The first `size` rows: all those `above` the last score on the list, and `places` of those `tied` at it."""

    size: int
    places: int
    above: _Counts
    tied: _Counts

    @property
    def fewest_hits(self) -> int:
        """Confirmed rows on the list when every tie goes to a row that is not known to be confirmed."""
        return self.above.confirmed + max(0, self.places - self.tied.not_confirmed - self.tied.unknown)

    @property
    def expected_hits(self) -> float:
        """Confirmed rows on the list, on average over all orders of the tied ones."""
        return self.above.confirmed + self.places * self.tied.confirmed / sum(self.tied)

    @property
    def expected_labelled(self) -> float:
        """Labelled rows on the list, on average over all orders of the tied ones."""
        known = self.tied.confirmed + self.tied.not_confirmed
        return self.above.confirmed + self.above.not_confirmed + self.places * known / sum(self.tied)


def _top(scores: Vector, labels: Vector, capacity: int) -> _Top:
    if not scores.size:
        raise ValueError("an empty list cannot be measured: no row was scored")
    if capacity < 1:
        raise ValueError(f"capacity must be at least 1, not {capacity}")
    size = min(capacity, scores.size)
    last = np.partition(scores, scores.size - size)[scores.size - size]
    above = scores > last
    places = size - int(np.count_nonzero(above))
    return _Top(size, places, _count(labels[above]), _count(labels[scores == last]))


def _count(labels: Vector) -> _Counts:
    confirmed, not_confirmed = int(np.count_nonzero(labels == 1)), int(np.count_nonzero(labels == 0))
    return _Counts(confirmed, not_confirmed, labels.size - confirmed - not_confirmed)


def _curve(scores: Vector, labels: Vector) -> tuple[Vector, Vector]:
    """Confirmed rows and all rows down to the end of each tie, from the highest score, both from 0."""
    order = np.argsort(-scores)
    ordered = scores[order]
    last_of_tie = np.append(ordered[1:] != ordered[:-1], True)[: ordered.size]
    hits = np.cumsum(labels[order])[last_of_tie]
    rows = np.flatnonzero(last_of_tie) + 1.0
    return np.concatenate([[0.0], hits]), np.concatenate([[0.0], rows])
