"""How far chance alone could move a figure.

Two ways to an interval: for a share of independent rows there are formulas (`wilson` to read a chart by,
`clopper_pearson` where a promise must hold); for anything else the rows are drawn again many times
(`bootstrap`). A unit that was scored on twelve as-of dates is one piece of evidence, not twelve, so the
bootstrap draws units, with all rows of each.

Sources
-------
Wilson, "Probable inference, the law of succession, and statistical inference", JASA 22(158), 1927.
Clopper, Pearson, "The use of confidence or fiducial limits illustrated in the case of the binomial",
Biometrika 26(4), 1934.
Brown, Cai, DasGupta, "Interval estimation for a binomial proportion", Statistical Science 16(2), 2001.
Efron, Tibshirani, "An introduction to the bootstrap", 1993, chapters 8 and 13.
Field, Welsh, "Bootstrapping clustered data", JRSS B 69(3), 2007.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from statistics import NormalDist
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from jcml.metrics.ranking import Vector


class Interval(NamedTuple):
    """A confidence interval, both ends included; both NaN when none could be made.

    >>> Interval(0.1, 0.3).high
    0.3
    """

    low: float
    high: float


def wilson(successes: float, n: float, level: float = 0.95) -> Interval:
    """Interval of a share from `successes` of `n` independent rows, by inverting the score test.

    It covers the truth about as often as `level` says, on average over shares; for few rows and shares near 0 or
    1 sometimes less. It is never empty and never leaves 0 to 1.

    Parameters
    ----------
    successes, n : float
        Rows; they need not be whole (ties by expectation, effective numbers of rows).
    level : float
        Confidence, between 0 and 1.

    Returns
    -------
    Interval
        0 to 1 when `n` is 0: nothing is known.

    Raises
    ------
    ValueError
        Unless ``0 <= successes <= n`` and ``0 < level < 1``.

    Examples
    --------
    >>> [round(end, 4) for end in wilson(5, 10)]
    [0.2366, 0.7634]
    >>> wilson(0, 0)
    Interval(low=0.0, high=1.0)
    """
    _check_share(successes, n, level)
    if n == 0:
        return Interval(0.0, 1.0)
    z = NormalDist().inv_cdf((1 + level) / 2)
    share = successes / n
    middle = share + z * z / (2 * n)
    half = z * (share * (1 - share) / n + z * z / (4 * n * n)) ** 0.5
    scale = 1 + z * z / n
    low = 0.0 if successes == 0 else max(0.0, (middle - half) / scale)
    high = 1.0 if successes == n else min(1.0, (middle + half) / scale)
    return Interval(low, high)


def clopper_pearson(successes: float, n: float, level: float = 0.95) -> Interval:
    """Interval of a share that covers the truth at least as often as `level` says, whatever the truth is.

    Parameters, result and errors are those of `wilson`; it is wider.

    Examples
    --------
    Nothing found in ten: the share may still be three in ten.

    >>> [round(end, 4) for end in clopper_pearson(0, 10)]
    [0.0, 0.3085]
    """
    from scipy.special import betaincinv

    _check_share(successes, n, level)
    tail = (1 - level) / 2
    low = float(betaincinv(successes, n - successes + 1, tail)) if successes > 0 else 0.0
    high = float(betaincinv(successes + 1, n - successes, 1 - tail)) if successes < n else 1.0
    return Interval(low, high)


def bootstrap(
    statistic: Callable[..., float],
    *arrays: NDArray[Any],
    groups: NDArray[Any] | None = None,
    repeats: int = 1000,
    seed: int,
    level: float = 0.95,
) -> Interval:
    """Percentile interval of a statistic, from drawing the rows, or whole groups of rows, again and again.

    Parameters
    ----------
    statistic : callable
        Takes as many arrays as are given and returns a number.
    *arrays : (n,)
        Drawn together, so that scores and labels stay side by side.
    groups : (n,), optional
        The real unit of each row: units are drawn, each with all its rows. Without it every row is a unit.
    repeats : int
        How often to draw.
    seed : int
        The same seed gives the same interval.
    level : float
        Confidence, between 0 and 1.

    Returns
    -------
    Interval
        Draws where the statistic is NaN (one class only, say) are left out; both ends are NaN when that
        leaves fewer than half of them.

    Raises
    ------
    ValueError
        If there is no row, lengths differ, `repeats` is below 1 or `level` is not between 0 and 1.

    Examples
    --------
    >>> labels = np.array([1.0, 0.0, 0.0, 1.0, 0.0, 0.0])
    >>> bootstrap(np.mean, labels, seed=7)
    Interval(low=0.0, high=0.6666666666666666)

    Writing every row down three times teaches nothing, and the units know it:

    >>> bootstrap(np.mean, np.repeat(labels, 3), groups=np.repeat(np.arange(6), 3), seed=7)
    Interval(low=0.0, high=0.6666666666666666)
    """
    lengths = {len(array) for array in arrays} | ({len(groups)} if groups is not None else set())
    if len(lengths) != 1 or lengths == {0}:
        raise ValueError(f"the arrays must have one length, above 0, not {sorted(lengths)}")
    if repeats < 1:
        raise ValueError(f"repeats must be at least 1, not {repeats}")
    _check_level(level)
    units = np.arange(lengths.pop()) if groups is None else groups
    drawn = resamples(units, repeats, np.random.default_rng(seed))
    values = np.array([statistic(*(array[rows] for array in arrays)) for rows in drawn])
    values = values[~np.isnan(values)]
    if 2 * values.size < repeats:
        return Interval(float("nan"), float("nan"))
    low, high = np.quantile(values, [(1 - level) / 2, (1 + level) / 2])
    return Interval(float(low), float(high))


def paired_difference(
    statistic: Callable[[Vector, Vector], float],
    scores_a: Vector,
    scores_b: Vector,
    labels: Vector,
    groups: NDArray[Any] | None = None,
    *,
    repeats: int = 1000,
    seed: int,
    level: float = 0.95,
) -> Interval:
    """Interval of `statistic` under scores *a* minus the same under scores *b*, both on the same draws.

    Is the model better than the rule? Both are judged on the same rows, so most of the luck in the rows cancels,
    and the interval is far narrower than two separate ones would suggest. If its low end is above 0, *a* is
    better by more than chance explains.

    Parameters
    ----------
    statistic : callable
        Takes scores and labels and returns a number.
    scores_a, scores_b, labels : (n,)
        The same rows in the same order.
    groups, repeats, seed, level
        As for `bootstrap`; so are result and errors.

    Examples
    --------
    >>> from jcml.metrics.ranking import auc
    >>> labels = np.tile([1.0, 0.0], 50)
    >>> paired_difference(auc, labels, np.zeros(100), labels, seed=1)
    Interval(low=0.5, high=0.5)
    """

    def difference(a: Vector, b: Vector, outcome: Vector) -> float:
        return statistic(a, outcome) - statistic(b, outcome)

    return bootstrap(difference, scores_a, scores_b, labels, groups=groups, repeats=repeats, seed=seed, level=level)


def resamples(units: NDArray[Any], repeats: int, rng: np.random.Generator) -> Iterator[NDArray[np.intp]]:
    """Row positions of `repeats` resamples in which whole units are drawn with replacement.

    >>> [len(rows) for rows in resamples(np.array([7, 7, 7]), 2, np.random.default_rng(0))]
    [3, 3]
    """
    _, inverse, sizes = np.unique(units, return_inverse=True, return_counts=True)
    by_unit = np.argsort(inverse, kind="stable")
    starts = np.cumsum(sizes) - sizes
    for _ in range(repeats):
        chosen = rng.integers(0, sizes.size, sizes.size)
        lengths = sizes[chosen]
        ends = np.cumsum(lengths)
        yield by_unit[np.repeat(starts[chosen] - ends + lengths, lengths) + np.arange(ends[-1])]


def _check_share(successes: float, n: float, level: float) -> None:
    if not 0 <= successes <= n:
        raise ValueError(f"successes must be from 0 to n, not {successes} of {n}")
    _check_level(level)


def _check_level(level: float) -> None:
    if not 0 < level < 1:
        raise ValueError(f"level must be between 0 and 1, not {level}")
