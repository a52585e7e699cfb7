"""Alarms before anything is fitted: what looks too good is looked at by a person first.

A feature that alone separates the labels almost perfectly is nearly always the label in disguise, a field filled in
afterwards, or a source that arrives with the finding (Kaufman, Rosset and Perlich, KDD 2011; Kapoor and Narayanan,
arXiv 2207.07048). The alarm stops the run; a person may allow the feature by name, with a reason, in the plan.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from jcml.errors import CheckFailed, JcmlError
from jcml.metrics.ranking import auc
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
    alarms = []
    for index, name in enumerate(names):
        if name in plan.allow:
            continue
        column, y = values[known, index], labels[known]
        found = [("presence", _area((~np.isnan(column)).astype(float), y))]
        there = ~np.isnan(column)
        if there.sum() >= LEAST_ROWS:
            found.append(("value", _area(column[there], y[there])))
            if len(np.unique(column[there])) <= MOST_CODES:
                found.append(("code", _by_code(column[there], y[there])))
        by, area = max(found, key=lambda f: f[1])
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


def _area(scores: NDArray[np.float64], labels: NDArray[np.float64]) -> float:
    found = auc(scores, labels)
    return 0.5 if np.isnan(found) else max(found, 1 - found)


def _by_code(column: NDArray[np.float64], labels: NDArray[np.float64]) -> float:
    """Area of the confirmed share of each code, learned on every other row and measured on the rest."""
    order = np.argsort(column, kind="stable")
    half = np.zeros(len(column), dtype=bool)
    half[order[::2]] = True
    areas = []
    for fit in (half, ~half):
        base = labels[fit].mean()
        codes, position = np.unique(column[fit], return_inverse=True)
        share = (np.bincount(position, labels[fit]) + base) / (np.bincount(position) + 1)
        at = np.clip(np.searchsorted(codes, column[~fit]), 0, len(codes) - 1)
        scores = np.where(codes[at] == column[~fit], share[at], base)
        areas.append(_area(scores, labels[~fit]))
    return float(np.mean(areas))
