"""Have scores or inputs moved since training? The population stability index over ten equal parts.

PSI = sum of (share now - share then) × ln(share now / share then). Below 0.1 little has moved, above 0.25 a lot:
the usual reading in credit scoring (Siddiqi, Credit Risk Scorecards, 2006). It sees a change of the population,
never a change of what the labels mean.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

PARTS = 10
LEAST_SHARE = 0.001
DRAWS = 1000


def edges(values: NDArray[np.float64]) -> list[float]:
    """The nine values that cut a column into ten equal parts; unknown values are left out.

    >>> len(edges(np.arange(100.0)))
    9
    """
    known = values[~np.isnan(values)]
    if not len(known):
        return []
    return sorted({float(q) for q in np.quantile(known, np.linspace(0, 1, PARTS + 1)[1:-1])})


def shares(values: NDArray[np.float64], cuts: Sequence[float]) -> list[float]:
    """The share of a column in each part, the last one holding unknown values.

    >>> shares(np.array([1.0, 3.0, np.nan, 3.0]), [2.0])
    [0.25, 0.5, 0.25]
    """
    known = values[~np.isnan(values)]
    counts = np.bincount(np.searchsorted(np.asarray(cuts), known, side="left"), minlength=len(cuts) + 1)
    made = [*counts.tolist(), len(values) - len(known)]
    return [c / len(values) for c in made] if len(values) else [0.0] * len(made)


def stability_index(then: Sequence[float], now: Sequence[float]) -> float:
    """PSI of two sets of shares; 0 when they are equal.

    >>> stability_index([0.5, 0.5], [0.5, 0.5])
    0.0
    >>> round(stability_index([0.5, 0.5], [0.9, 0.1]), 3)
    0.879
    """
    a, b = (np.maximum(np.asarray(s, dtype=float), LEAST_SHARE) for s in (then, now))
    return float(np.sum((b - a) * np.log(b / a)))


def by_chance(then: Sequence[float], then_rows: int, now_rows: int, level: float = 0.95) -> float:
    """The PSI below which two draws from one population stay with this probability; infinite without rows.

    Few rows move by chance alone, and the usual bounds do not know how many there were. Both draws are made a thousand times.

    >>> shares = [0.1] * 10
    >>> round(by_chance(shares, 5000, 5000), 3), round(by_chance(shares, 2000, 30), 1)
    (0.007, 1.0)
    """
    shares_then = np.asarray(then, dtype=float)
    if not then_rows or not now_rows or not shares_then.sum():
        return float("inf")
    rng = np.random.default_rng(0)
    draws = [np.maximum(rng.multinomial(n, shares_then / shares_then.sum(), DRAWS) / n, LEAST_SHARE) for n in (then_rows, now_rows)]
    found = ((draws[1] - draws[0]) * np.log(draws[1] / draws[0])).sum(axis=1)
    return float(np.quantile(found, level))


def drift_profile(columns: Mapping[str, NDArray[np.float64]]) -> dict[str, Any]:
    """The shape of some columns, to compare with later: cuts and shares of each, and of how many rows.

    >>> sorted(drift_profile({"a": np.arange(10.0)})["a"])
    ['cuts', 'rows', 'shares']
    """
    made = {}
    for name, values in columns.items():
        cuts = edges(values)
        cuts = [round(c, 9) for c in cuts]
        made[name] = {"cuts": cuts, "shares": [round(s, 6) for s in shares(values, cuts)], "rows": len(values)}
    return made


def drifts(profile: Mapping[str, Any], columns: Mapping[str, NDArray[np.float64]]) -> dict[str, float]:
    """PSI of each column against its profile, largest first.

    >>> drifts(drift_profile({"a": np.arange(10.0)}), {"a": np.arange(10.0)})
    {'a': 0.0}
    """
    found = {n: stability_index(profile[n]["shares"], shares(v, profile[n]["cuts"])) for n, v in columns.items() if n in profile}
    return dict(sorted(found.items(), key=lambda p: -p[1]))
