"""The same figures group by group: districts, sizes of enterprise, source coverage.

A good figure overall can hide a bad one somewhere, and a list can lean on one district because its data are
delivered more completely. Small groups are left out rather than shown: a share of three rows says nothing and
points at people.

Sources
-------
Mitchell, Wu, Zaldivar and others, "Model cards for model reporting", FAT* 2019 (figures by group).
Feldman, Friedler, Moeller, Scheidegger, Venkatasubramanian, "Certifying and removing disparate impact", KDD 2015
(selection rates compared between groups).
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Mapping
from typing import Any, Generic, NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from jcml.metrics.ranking import Vector, checked

Figure = TypeVar("Figure")

LEAST_LABELLED = 5
"""With fewer labelled rows a group shows no figure."""


class GroupFigure(NamedTuple, Generic[Figure]):
    """A figure of one group, None when the group is too small to show, and the rows it rests on.

    >>> GroupFigure(value=0.7, n=120, labelled=30).labelled
    30
    """

    value: Figure | None
    n: int
    labelled: int


class SelectionRate(NamedTuple):
    """Share of a group's rows that were selected, None when the group is too small to show.

    >>> SelectionRate(rate=0.1, n=50, selected=5).selected
    5
    """

    rate: float | None
    n: int
    selected: int


def by_group(
    metric: Callable[[Vector, Vector], Figure],
    scores: Vector,
    labels: Vector,
    groups: NDArray[Any],
    least: int = 20,
) -> dict[Hashable, GroupFigure[Figure]]:
    """One metric for each group on its own.

    Parameters
    ----------
    metric : callable
        Takes scores and labels, returns a figure of any kind: a number, bounds.
    scores, labels : (n,)
        As for `jcml.metrics.ranking.precision_at_capacity`.
    groups : (n,)
        The group of each row; values that can be sorted.
    least : int
        A group with fewer rows, or fewer than 5 labelled ones, shows None; the metric is not called for it.

    Returns
    -------
    dict
        One entry per group, in sorted order.

    Raises
    ------
    ValueError
        If lengths differ, or as the metric.

    Examples
    --------
    >>> from jcml.metrics.ranking import auc
    >>> scores, labels = np.linspace(0, 1, 24), np.tile([0.0, 1.0], 12)
    >>> found = by_group(auc, scores, labels, np.repeat(["east", "west"], [20, 4]))
    >>> found["east"], found["west"]
    (GroupFigure(value=0.55, n=20, labelled=20), GroupFigure(value=None, n=4, labelled=4))
    """
    scores, labels = checked(scores, labels)
    _check_length(groups, scores.size)
    figures: dict[Hashable, GroupFigure[Figure]] = {}
    for group, rows in _rows_by_group(groups):
        labelled = int(np.count_nonzero(~np.isnan(labels[rows])))
        shown = rows.size >= least and labelled >= LEAST_LABELLED
        figures[group] = GroupFigure(metric(scores[rows], labels[rows]) if shown else None, rows.size, labelled)
    return figures


def selection_rates(
    selected: NDArray[np.bool_], groups: NDArray[Any], least: int = 20
) -> dict[Hashable, SelectionRate]:
    """Share of each group's rows that were put before a person.

    Parameters
    ----------
    selected : (n,) of bool
        Whether each row was selected.
    groups : (n,)
        The group of each row; values that can be sorted.
    least : int
        A group with fewer rows shows None.

    Returns
    -------
    dict
        One entry per group, in sorted order; `largest_gap` compares them.

    Raises
    ------
    ValueError
        If lengths differ.

    Examples
    --------
    >>> selection_rates(np.array([True, False, False, False]), np.array(["a", "a", "b", "b"]), least=2)["a"]
    SelectionRate(rate=0.5, n=2, selected=1)
    """
    selected = np.asarray(selected, dtype=np.bool_)
    _check_length(groups, selected.size)
    rates: dict[Hashable, SelectionRate] = {}
    for group, rows in _rows_by_group(groups):
        count = int(np.count_nonzero(selected[rows]))
        rates[group] = SelectionRate(count / rows.size if rows.size >= least else None, rows.size, count)
    return rates


def largest_gap(rates: Mapping[Hashable, SelectionRate]) -> float | None:
    """Highest minus lowest selection rate among the groups that show one; None when fewer than two do.

    >>> largest_gap({"a": SelectionRate(0.5, 40, 20), "b": SelectionRate(0.25, 40, 10), "c": SelectionRate(None, 3, 3)})
    0.25
    """
    shown = [found.rate for found in rates.values() if found.rate is not None]
    return max(shown) - min(shown) if len(shown) > 1 else None


def _rows_by_group(groups: NDArray[Any]) -> Iterator[tuple[Hashable, NDArray[np.intp]]]:
    """Each group's name as a plain Python value and its row numbers, ascending."""
    names, inverse, sizes = np.unique(groups, return_inverse=True, return_counts=True)
    rows = np.split(np.argsort(inverse, kind="stable"), np.cumsum(sizes)[:-1])
    yield from zip(names.tolist(), rows, strict=False)


def _check_length(groups: NDArray[Any], n: int) -> None:
    if np.shape(groups) != (n,):
        raise ValueError(f"groups must have one value for each of {n} rows, not shape {np.shape(groups)}")
