"""Counts with their uncertainty."""

from __future__ import annotations

from typing import Any


def share(k: int, n: int) -> dict[str, Any]:
    """A share with its Wilson 95 % interval, in percent; None for all three when n is 0.

    >>> share(96, 412)["low"], share(96, 412)["percent"], share(96, 412)["high"]
    (19, 23, 28)
    """
    if n == 0:
        return {"k": k, "n": n, "percent": None, "low": None, "high": None}
    from scipy.stats import binomtest

    found = binomtest(k, n).proportion_ci(method="wilson")
    return {"k": k, "n": n, "percent": round(100 * k / n), "low": round(100 * found.low), "high": round(100 * found.high)}
