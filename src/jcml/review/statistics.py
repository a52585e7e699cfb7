"""Counts with their uncertainty, and which of them are too small to show; nothing here knows a page or a database."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
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


def withheld(sizes: Sequence[int], least: int) -> dict[int, str]:
    """Which cells of a group with a known sum are not shown: `few` for 1 to `least - 1`, `apart` for those that would give these away.

    As long as what is left out is one cell alone, or adds up to fewer than `least`, the next smallest is left out too. A cell
    in which nothing was counted says so: it tells of nobody.

    >>> withheld([3, 9, 40, 0], 5), withheld([1, 2, 7, 9], 5), withheld([9, 40], 5)
    ({0: 'few', 1: 'apart'}, {0: 'few', 1: 'few', 2: 'apart'}, {})
    """
    found = {n: "few" for n, size in enumerate(sizes) if 0 < size < least}
    rest = sorted((n for n, size in enumerate(sizes) if size >= least), key=lambda n: (sizes[n], n))
    while found and rest and (len(found) < 2 or sum(sizes[n] for n in found) < least):
        found[rest.pop(0)] = "apart"
    return found


def kappa(pairs: Mapping[tuple[str, str], int]) -> float | None:
    """Cohen's kappa of two people's answers, from how often each pair of answers occurred; None where it says nothing.

    >>> kappa({("yes", "yes"): 20, ("yes", "no"): 5, ("no", "yes"): 10, ("no", "no"): 15})
    0.4
    >>> kappa({("yes", "yes"): 7}) is None
    True
    """
    n = sum(pairs.values())
    first, second = Counter[str](), Counter[str]()
    for (one, other), times in pairs.items():
        first[one] += times
        second[other] += times
    by_chance = sum(first[answer] * second[answer] for answer in first)  # of n squared
    agreed = n * sum(times for (one, other), times in pairs.items() if one == other)
    return None if by_chance == n * n else round((agreed - by_chance) / (n * n - by_chance), 6)


def median(counts: Mapping[int, int]) -> float | None:
    """The median of values that occurred so many times each; None of none.

    >>> median({1: 1, 4: 2, 9: 1}), median({2: 1, 5: 1}), median({})
    (4.0, 3.5, None)
    """
    n, below = sum(counts.values()), 0
    middle: list[int] = []
    for value in sorted(counts):
        at, below = below, below + counts[value]
        middle += [value for place in ((n - 1) // 2, n // 2) if at <= place < below]
    return sum(middle) / 2 if n else None
