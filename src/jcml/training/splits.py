"""Cutting the past by time, as the model will be used: train before, test after, with room for labels to mature."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
from numpy.typing import NDArray

from jcml.dates import Period
from jcml.errors import CheckFailed
from jcml.training.plan import Split


@dataclass(frozen=True)
class Fold:
    """One test period and the training days before it.

    Parameters
    ----------
    train : tuple of date
        As-of dates whose label windows had closed when the test period began.
    test : tuple of date
        As-of dates of the test period.

    Examples
    --------
    >>> Fold((date(2023, 1, 1),), (date(2024, 1, 1),)).cutoff
    datetime.date(2024, 1, 1)
    """

    train: tuple[date, ...]
    test: tuple[date, ...]

    @property
    def cutoff(self) -> date:
        """The day whose knowledge training may use, exclusive: the first test day."""
        return self.test[0]


def split_by_time(days: Sequence[date], plan: Split, within: Period) -> list[Fold]:
    """Folds from old to new; a fold with too little before it is left out.

    Parameters
    ----------
    days : sequence of date
        As-of dates whose labels are mature, ascending.
    within : Period
        How long a label needs; the gap is never shorter.

    Raises
    ------
    CheckFailed
        JC4002, if no fold is left.

    Examples
    --------
    >>> from jcml.dates import date_series, months
    >>> days = date_series(date(2021, 1, 1), date(2024, 1, 1), months(3))
    >>> [str(f.cutoff) for f in split_by_time(days, Split(test=months(6), folds=2, least_train=months(12)), months(6))]
    ['2023-04-01', '2023-10-01']
    """
    gap = plan.gap if plan.gap is not None else within
    folds: list[Fold] = []
    end = days[-1] + timedelta(days=1) if days else date.min
    for _ in range(plan.folds):
        start = plan.test.before(end)
        test = tuple(d for d in days if start <= d < end)
        if not test:
            break
        train = tuple(d for d in days if gap.after(d) <= test[0])
        if not train or plan.least_train.after(train[0]) > gap.after(train[-1]):
            break
        folds.append(Fold(train, test))
        end = max((d for d in days if d < test[0]), default=test[0]) + timedelta(days=1)
    if not folds:
        raise CheckFailed("JC4002", days=len(days), least=plan.least_train.name, gap=gap.name)
    return folds[::-1]


def later_part(as_of: NDArray[np.datetime64], labels: NDArray[np.float64], share: float = 0.25) -> NDArray[np.bool_]:
    """(n,) True for the newest as-of dates that hold about so large a share of the labelled rows.

    Early stopping and the search of settings look at these, never at the test period.

    >>> later_part(np.array(["2023-01-01", "2023-02-01"], dtype="datetime64[D]"), np.array([0.0, 1.0]), 0.5)
    array([False,  True])
    """
    known = ~np.isnan(labels)
    later = np.zeros(len(labels), dtype=bool)
    dates = np.unique(as_of[known])
    for day in dates[:0:-1]:
        if (later & known).sum() >= share * known.sum():
            break
        later |= as_of == day
    return later
