"""What a random audit says about everything that was not put before a person.

The confirmed share of a ranked list says how good the list is, and nothing about what it missed. If some rows
below the list are drawn at random and checked too, each with its chance of being drawn (its inclusion
probability) written down at that moment, three honest numbers follow: how many there are in all, which part of
them the list holds, and how many false clues a threshold lets through.

A row that was drawn but has not come back yet is unknown: intervals count it once as 0 and once as 1.
Plan for 500 draws or more: with 50 to 100 the standard error of the rate was 32 to 44 % of it (scoring.md section 7).

Sources
-------
Horvitz, Thompson, "A generalization of sampling without replacement from a finite universe", JASA 47(260), 1952.
Hájek, "Asymptotic theory of rejective sampling", Annals of Mathematical Statistics 35(4), 1964.
Matei, Tillé, "Evaluation of variance approximations and estimators in maximum entropy sampling with unequal
probability and fixed sample size", Journal of Official Statistics 21(4), 2005 (the variance used here, after Deville).
Kish, "Survey Sampling", 1965 (effective number of rows).
Korn, Graubard, "Confidence intervals for proportions with small expected number of positive counts estimated
from survey data", Survey Methodology 24(2), 1998.
Jin, Candès, "Selection by prediction with conformal p-values", JMLR 24, 2023, arXiv 2210.01408.
Benjamini, Hochberg, "Controlling the false discovery rate", JRSS B 57(1), 1995.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from jcml.metrics.intervals import Interval, clopper_pearson
from jcml.metrics.ranking import NAN, Bounds, Vector, checked, checked_labels


class Estimate(NamedTuple):
    """A share: what the returned rows say, an interval that allows for the rest, and how many rows it rests on.

    `rate` leaves unknown rows out (NaN when none came back); `low` counts them as 0 and `high` as 1. `n` is the
    number of rows drawn or listed, `unknown` how many of them have no label yet.

    >>> Estimate(0.5, 0.1, 0.9, n=5, unknown=1).n
    5
    """

    rate: float
    low: float
    high: float
    n: int
    unknown: int


class Total(NamedTuple):
    """How many confirmed rows a population holds, estimated from a random part of it.

    `total` and `rate` are bounds over the labels that have not come back (equal when all have); `variance` is that
    of the rate, the greater of the two cases, NaN when the draw is too small to tell; `interval` is for the rate.

    >>> Total(Bounds(20.0, 30.0), Bounds(0.2, 0.3), 0.01, Interval(0.05, 0.6), n=10, unknown=1).total.upper
    30.0
    """

    total: Bounds
    rate: Bounds
    variance: float
    interval: Interval
    n: int
    unknown: int


class Population(NamedTuple):
    """The share of all rows that would be confirmed, and the share of those that the list holds.

    >>> unsure = Estimate(0.5, 0.0, 1.0, n=2, unknown=0)
    >>> Population(rate=unsure, recall=unsure).recall.high
    1.0
    """

    rate: Estimate
    recall: Estimate


class Selection(NamedTuple):
    """Rows chosen by `conformal_selection`: their ascending row numbers, the bound, and each row's p-value.

    `bound` holds for the expected share of false clues, on average over samples, not for this one list.

    >>> Selection(np.array([0, 2]), 0.2, np.array([0.01, 0.7, 0.02])).bound
    0.2
    """

    indices: NDArray[np.intp]
    bound: float
    p_values: Vector


def horvitz_thompson(labels: Vector, inclusion: Vector, n_population: int, level: float = 0.95) -> Total:
    """Number and share of confirmed rows in a population, each drawn row standing for 1 / inclusion rows.

    Unbiased for any design with known chances. The variance estimate is the one for samples of fixed size (exact
    for simple random ones); draws made independently of each other vary somewhat more. The interval is
    Clopper-Pearson on the effective number of rows (Korn, Graubard), never more than Kish's, so that it
    stays honest when nothing was found.

    Parameters
    ----------
    labels : (n,)
        Of the drawn rows: 1.0, 0.0, or NaN for not returned yet.
    inclusion : (n,)
        The chance each had of being drawn, above 0 and at most 1.
    n_population : int
        Rows the draw was made from, the drawn ones among them.
    level : float
        Confidence, between 0 and 1.

    Returns
    -------
    Total
        `rate` can pass 1 by chance: cutting it off would bias it. The interval stays within 0 to 1.

    Raises
    ------
    ValueError
        If nothing was drawn, more was drawn than there is, lengths differ, or a number is out of range.

    Examples
    --------
    Ten rows of a hundred, two confirmed:

    >>> found = horvitz_thompson(np.array([1.0, 1, 0, 0, 0, 0, 0, 0, 0, 0]), np.full(10, 0.1), 100)
    >>> found.total, round(found.variance, 4), [round(end, 2) for end in found.interval]
    (Bounds(lower=20.0, upper=20.0), 0.016, [0.03, 0.56])
    """
    labels, inclusion = _checked_draw(labels, inclusion, n_population)
    if not labels.size:
        raise ValueError("no row was drawn")
    worst, best = (np.nan_to_num(labels, nan=value) for value in (0.0, 1.0))
    totals = [float(np.sum(case / inclusion)) for case in (worst, best)]
    variances = [_variance(case, inclusion) / n_population**2 for case in (worst, best)]
    rates = [total / n_population for total in totals]
    ends = [_rate_interval(rate, variance, inclusion, level) for rate, variance in zip(rates, variances, strict=True)]
    return Total(
        total=Bounds(*totals),
        rate=Bounds(*rates),
        variance=max(variances),
        interval=Interval(ends[0].low, ends[1].high),
        n=labels.size,
        unknown=int(np.count_nonzero(np.isnan(labels))),
    )


def audit_hit_rate(labels: Vector, inclusion: Vector, level: float = 0.95) -> Estimate:
    """Share of confirmed rows where the audit was drawn, with a Clopper-Pearson interval.

    For simple random draws (equal chances) rate and interval are those of the plain share. Where chances
    differ, as over several runs, rows are weighted by 1 / inclusion and counted by Kish's effective number.

    Parameters
    ----------
    labels, inclusion : (n,)
        As for `horvitz_thompson`; so are the errors, but nothing drawn is allowed.
    level : float
        Confidence, between 0 and 1.

    Returns
    -------
    Estimate
        0 to 1 around NaN when nothing was drawn.

    Examples
    --------
    >>> found = audit_hit_rate(np.array([1, 0, 0, 0, np.nan]), np.full(5, 0.01))
    >>> found.rate, round(found.low, 4), round(found.high, 4), found.unknown
    (0.25, 0.0051, 0.8534, 1)
    """
    labels, inclusion = _checked_draw(labels, inclusion, labels.size)
    weights = 1 / inclusion
    known = ~np.isnan(labels)
    rows = _effective_rows(inclusion)
    hits, unknown = float(weights[labels == 1].sum()), float(weights[~known].sum())
    whole = float(weights.sum()) or 1.0
    return Estimate(
        rate=hits / float(weights[known].sum()) if known.any() else NAN,
        low=clopper_pearson(min(rows, rows * hits / whole), rows, level).low,
        high=clopper_pearson(min(rows, rows * (hits + unknown) / whole), rows, level).high,
        n=labels.size,
        unknown=labels.size - int(np.count_nonzero(known)),
    )


def population_rate(
    ranked_labels: Vector, audit_labels: Vector, audit_inclusion: Vector, n_rest: int, level: float = 0.95
) -> Population:
    """Overall rate, and recall of the list, from a list checked in full and a random audit of the rest.

    Only the rest is estimated. Its interval (`audit_hit_rate`) is carried through exactly: the overall rate rises and
    the recall falls with the share confirmed in the rest, so the ends of one interval are the ends of the others,
    at the same level and without a normal approximation. Unknown labels on the list are counted both ways as well.

    Parameters
    ----------
    ranked_labels : (n_list,)
        Labels of every row on the list; NaN where one has not come back.
    audit_labels, audit_inclusion : (n_audit,)
        Labels of the rows drawn from the rest, and the chance of each.
    n_rest : int
        Rows not on the list, the drawn ones among them.
    level : float
        Confidence, between 0 and 1.

    Returns
    -------
    Population
        A point is NaN when no audited row, or no row of a list that has rows, has come back, or for the recall
        when nothing was confirmed anywhere.

    Raises
    ------
    ValueError
        As `horvitz_thompson`, but nothing drawn is allowed.

    Examples
    --------
    A list of 100 with 60 confirmed; one of 50 drawn from the other 900:

    >>> list_labels, drawn = np.repeat([1.0, 0.0], [60, 40]), np.repeat([1.0, 0.0], [1, 49])
    >>> found = population_rate(list_labels, drawn, np.full(50, 50 / 900), n_rest=900)
    >>> round(found.rate.rate, 4), round(found.recall.rate, 4)
    (0.078, 0.7692)
    >>> round(found.recall.low, 2), round(found.recall.high, 2)
    (0.39, 0.98)
    """
    ranked = checked_labels(ranked_labels)
    audit_labels, audit_inclusion = _checked_draw(audit_labels, audit_inclusion, n_rest)
    rest = audit_hit_rate(audit_labels, audit_inclusion, level)
    listed, unknown = float(np.count_nonzero(ranked == 1)), float(np.count_nonzero(np.isnan(ranked)))
    returned = ranked.size - unknown
    likely = listed / returned * ranked.size if returned else (NAN if ranked.size else 0.0)
    # What the audit itself found is there, and what it cleared is not.
    fewest = max(n_rest * rest.low, float(np.count_nonzero(audit_labels == 1)))
    most = min(n_rest * rest.high, float(n_rest - np.count_nonzero(audit_labels == 0)))
    middle = n_rest * rest.rate if n_rest else 0.0
    size, seen = ranked.size + n_rest, ranked.size + audit_labels.size
    missing = int(unknown) + rest.unknown
    return Population(
        rate=Estimate(
            _part(likely + middle, size, NAN),
            _part(listed + fewest, size, 0.0),
            _part(listed + unknown + most, size, 1.0),
            seen,
            missing,
        ),
        recall=Estimate(
            _part(likely, likely + middle, NAN),
            _part(listed, listed + most, 0.0),
            _part(listed + unknown, listed + unknown + fewest, 1.0),
            seen,
            missing,
        ),
    )


def conformal_selection(scores: Vector, calibration_scores: Vector, calibration_labels: Vector, q: float) -> Selection:
    """The longest list whose expected share of false clues is at most `q`.

    Each row gets a p-value, the share of calibration rows that are false clues and yet score as high; then
    Benjamini-Hochberg at `q` (Jin, Candès, with ties counted against the row).

    **Valid only if the calibration rows are a random sample of the population that is scored now**: audit rows,
    never rows that were checked because of their score or a tip-off. Measured at q = 0.20 (scoring.md section 7):
    0.18 to 0.20 where that held; 0.33 when true clues were more likely to be labelled; 0.40 to 0.48 after the base
    rate had dropped, scores had risen or a driver had lost its effect. It is a bound on an average: one list of 54 may well hold 30 % false clues.

    Parameters
    ----------
    scores : (n,)
        Rows to choose from; higher is more suspicious.
    calibration_scores, calibration_labels : (m,)
        The random sample, scored by the same model but not used to fit it. A label that has not come back (NaN)
        counts as a false clue here: that makes the list shorter, never worse.
    q : float
        Between 0 and 1.

    Returns
    -------
    Selection
        Often empty when true clues are rare or the sample is small: then the data cannot support a promise.

    Raises
    ------
    ValueError
        If no calibration row is known to be a false clue, `q` is not between 0 and 1, or as `checked`.

    Examples
    --------
    >>> sample = np.arange(100.0)
    >>> chosen = conformal_selection(np.array([10.0, 99.5, 80.0, 99.7]), sample, (sample >= 70).astype(float), q=0.2)
    >>> chosen.indices, chosen.p_values.round(2)
    (array([1, 2, 3]), array([0.6 , 0.01, 0.01, 0.01]))
    """
    calibration_scores, calibration_labels = checked(calibration_scores, calibration_labels)
    scores, _ = checked(scores, np.full(len(scores), np.nan))
    if not 0 < q < 1:
        raise ValueError(f"q must be between 0 and 1, not {q}")
    if not (calibration_labels == 0).any():
        raise ValueError("no calibration row is known to be a false clue, so nothing bounds their share")
    false = np.sort(calibration_scores[calibration_labels != 1])
    as_high = false.size - np.searchsorted(false, scores, side="left")
    p_values = (1.0 + as_high) / (calibration_scores.size + 1)
    ordered = np.sort(p_values)
    passing = np.flatnonzero(ordered <= q * np.arange(1, scores.size + 1) / max(scores.size, 1))
    limit = ordered[passing[-1]] if passing.size else -1.0
    return Selection(np.flatnonzero(p_values <= limit), q, p_values)


def false_share_bound(
    scores: Vector, labels: Vector, threshold: float, level: float = 0.95, least: int = 10
) -> float | None:
    """Upper confidence bound on the share of false clues among rows scored at or above a fixed threshold.

    One-sided Clopper-Pearson on the audit rows there. The threshold must be chosen without looking at these labels,
    and the rows be drawn with equal chances from the population the bound is about.

    Parameters
    ----------
    scores, labels : (n,)
        Of the audit rows; a label that has not come back (NaN) counts as a false clue.
    threshold : float
        On the scale of the scores.
    level : float
        Between 0.5 and 1: the true share exceeds the bound in at most ``1 - level`` of audits.
    least : int
        With fewer audit rows above the threshold the result is None: the data cannot support a bound.

    Raises
    ------
    ValueError
        If the threshold is NaN, `level` is out of range, or as `checked`.

    Examples
    --------
    >>> round(false_share_bound(np.full(20, 0.9), np.repeat([1.0, 0.0], [15, 5]), threshold=0.5), 4)
    0.4556
    >>> false_share_bound(np.full(9, 0.9), np.ones(9), threshold=0.5) is None
    True
    """
    scores, labels = checked(scores, labels)
    if np.isnan(threshold) or not 0.5 < level < 1:
        raise ValueError(f"threshold must be a number and level between 0.5 and 1, not {threshold} and {level}")
    above = labels[scores >= threshold]
    if above.size < max(least, 1):
        return None
    return clopper_pearson(int(np.count_nonzero(above != 1)), above.size, 2 * level - 1).high


def _checked_draw(labels: Vector, inclusion: Vector, n_population: int) -> tuple[Vector, Vector]:
    inclusion, labels = checked(inclusion, labels)
    if not ((inclusion > 0) & (inclusion <= 1)).all():
        raise ValueError("inclusion probabilities must be above 0 and at most 1")
    if n_population < labels.size:
        raise ValueError(f"{labels.size} rows cannot be drawn from {n_population}")
    return labels, inclusion


def _effective_rows(inclusion: Vector) -> float:
    """Kish: as many rows drawn with equal chances would say as much; exactly n when chances are equal."""
    weights = 1 / inclusion
    if not weights.size or (weights == weights[0]).all():
        return float(weights.size)
    return float(weights.sum() ** 2 / np.sum(weights**2))


def _variance(values: Vector, inclusion: Vector) -> float:
    """Deville's estimate of the variance of a Horvitz-Thompson total; 0 for a census, NaN for one random row."""
    spread = 1 - inclusion
    if not spread.any():
        return 0.0
    shares = spread / spread.sum()
    freedom = 1 - float(np.sum(shares**2))
    if np.count_nonzero(spread) < 2:
        return NAN
    expanded = values / inclusion
    return float(np.sum(spread * (expanded - np.sum(shares * expanded)) ** 2)) / freedom


def _rate_interval(rate: float, variance: float, inclusion: Vector, level: float) -> Interval:
    rate = min(rate, 1.0)
    if (inclusion == 1).all():
        return Interval(rate, rate)
    rows = _effective_rows(inclusion)
    if variance > 0:
        rows = min(rows, rate * (1 - rate) / variance)
    return clopper_pearson(min(rate * rows, rows), rows, level)


def _part(part: float, whole: float, otherwise: float) -> float:
    return part / whole if whole else otherwise
