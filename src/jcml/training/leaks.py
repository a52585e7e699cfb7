"""Alarms before anything is fitted: what looks too good is looked at by a person first.

A feature that alone separates the labels almost perfectly is nearly always the label in disguise, a field filled in
afterwards, or a source that arrives with the finding (Kaufman, Rosset and Perlich, KDD 2011; Kapoor and Narayanan,
arXiv 2207.07048). The alarm stops the run; a person may allow the feature by name, with a reason, in the plan.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from jcml.errors import CheckFailed, JcmlError
from jcml.training.plan import Leaks

MOST_CODES = 50
LEAST_ROWS = 30


@dataclass(frozen=True)
class LeakAlarm:
    """A feature that alone separates labelled rows too well.

    `by` is `value` (its order), `code` (its single values) or `presence` (whether it is known at all).

    >>> LeakAlarm("status", "code", 0.99).by
    'code'
    """

    feature: str
    by: str
    area: float


def leak_alarms(
    values: NDArray[np.float64], labels: NDArray[np.float64], names: Sequence[str], plan: Leaks
) -> list[LeakAlarm]:
    """Every feature that a person has not allowed and that separates labelled rows too well.

    Parameters
    ----------
    values : (n, k)
    labels : (n,)
        1, 0 or NaN.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> labels = (rng.random(200) < 0.3).astype(float)
    >>> values = np.column_stack([rng.random(200), labels])
    >>> [a.feature for a in leak_alarms(values, labels, ["honest", "leaky"], Leaks())]
    ['leaky']
    """
    known = ~np.isnan(labels)
    y, columns = labels[known], np.asfortranarray(values[known])
    alarms = []
    for index, name in enumerate(names):
        if name in plan.allow:
            continue
        column, measured = columns[:, index], y
        there = ~np.isnan(column)
        found = []
        if not there.all():
            found = [("presence", _area(*_counts(there.astype(np.int64), y)))]
            column, measured = column[there], y[there]
        if len(column) >= LEAST_ROWS:
            value, code = _value_and_code(column, measured)
            found += [("value", value), ("code", code)]
        by, area = max(found, key=lambda f: f[1], default=("presence", 0.5))
        if area >= plan.single_feature_auc:
            alarms.append(LeakAlarm(name, by, area))
    return alarms


def refuse_leaks(alarms: Sequence[LeakAlarm]) -> list[JcmlError]:
    """One error per alarm, JC4003.

    >>> len(refuse_leaks([LeakAlarm("status", "code", 0.99)]))
    1
    """
    how = {"value": ("取值", "its value"), "code": ("代码", "its code"), "presence": ("是否有值", "whether it is known")}
    return [
        CheckFailed("JC4003", feature=a.feature, area=f"{a.area:.3f}", by=how[a.by][0], by_en=how[a.by][1]) for a in alarms
    ]


def refuse_perfection(area: float, plan: Leaks) -> None:
    """Stop when the whole model separates the labels of a later time too well to be true.

    Raises
    ------
    CheckFailed
        JC4006.

    >>> refuse_perfection(0.8, Leaks())
    """
    if area >= plan.model_auc and len(plan.allow_model.strip()) < 4:
        raise CheckFailed("JC4006", area=f"{area:.3f}", most=plan.model_auc)


Counts = NDArray[Any]


def _counts(group: NDArray[np.int64], labels: NDArray[np.float64], groups: int = 0) -> tuple[Counts, Counts]:
    """Confirmed rows and the others, per group."""
    confirmed = np.bincount(group, labels, groups)
    return confirmed, np.bincount(group, minlength=groups) - confirmed


def _area(confirmed: Counts, others: Counts) -> float:
    """Area under the curve, whichever way round, of groups in the order of what is measured."""
    pairs = confirmed.sum() * others.sum()
    if not pairs:
        return 0.5
    below = np.cumsum(others) - others / 2
    area = float((confirmed * below).sum() / pairs)
    return max(area, 1 - area)


def _value_and_code(column: NDArray[np.float64], labels: NDArray[np.float64]) -> tuple[float, float]:
    """Area of the value itself, and of the confirmed share of each code where there are few.

    The shares are learned on every other row and measured on the rest, both ways.
    """
    order = np.argsort(column, kind="stable")
    ordered, labels = column[order], labels[order]
    group = np.cumsum(np.append(False, ordered[1:] != ordered[:-1]))
    value, codes = _area(*_counts(group, labels)), int(group[-1]) + 1
    if codes > MOST_CODES:
        return value, 0.5
    halves = [_counts(group[start::2], labels[start::2], codes) for start in (0, 1)]
    areas = []
    for (confirmed, others), measured in (halves, halves[::-1]):
        base = confirmed.sum() / (confirmed.sum() + others.sum())
        _, tied = np.unique((confirmed + base) / (confirmed + others + 1), return_inverse=True)
        areas.append(_area(np.bincount(tied, measured[0]), np.bincount(tied, measured[1])))
    return value, float(np.mean(areas))
