"""Figures by group: the same as on the group alone, and silent where a group is small."""

import numpy as np
import pytest

from jcml.metrics.groups import GroupFigure, SelectionRate, by_group, largest_gap, selection_rates
from jcml.metrics.ranking import auc, precision_at_capacity

NAN = float("nan")


def test_a_group_has_the_figure_of_its_own_rows():
    rng = np.random.default_rng(1)
    groups = rng.choice(["east", "north", "west"], 300)
    scores, labels = rng.random(300), rng.choice([0.0, 1.0, NAN], 300)
    found = by_group(lambda s, y: precision_at_capacity(s, y, 10), scores, labels, groups)
    assert list(found) == ["east", "north", "west"]
    for name, figure in found.items():
        rows = groups == name
        assert figure.value == precision_at_capacity(scores[rows], labels[rows], 10)
        assert (figure.n, figure.labelled) == (rows.sum(), (~np.isnan(labels[rows])).sum())


def test_small_groups_and_groups_with_few_labels_show_nothing():
    groups = np.repeat([3, 1, 2, 4], [19, 20, 20, 20])
    labels = np.tile([0.0, 1.0], 40)[:79]
    labels[groups == 2] = np.repeat([1.0, NAN], [4, 16])
    labels[groups == 4] = np.repeat([1.0, 0.0, NAN], [4, 1, 15])
    found = by_group(auc, np.arange(79.0), labels, groups)
    assert list(found) == [1, 2, 3, 4]
    assert found[3] == GroupFigure(None, 19, 19)
    assert found[2] == GroupFigure(None, 20, 4)
    assert found[1].value is not None
    assert found[4] == GroupFigure(0.0, 20, 5)


def test_the_metric_is_not_called_for_a_group_that_is_not_shown():
    def refuse(scores, labels):
        raise AssertionError("called")

    assert by_group(refuse, np.arange(5.0), np.ones(5), np.repeat("a", 5))["a"].value is None


def test_selection_rates_and_their_largest_gap_worked_by_hand():
    groups = np.repeat(["a", "b", "c"], [40, 20, 5])
    selected = np.concatenate([np.arange(40) < 10, np.arange(20) < 1, np.ones(5, dtype=bool)])
    rates = selection_rates(selected, groups)
    assert rates == {"a": SelectionRate(0.25, 40, 10), "b": SelectionRate(0.05, 20, 1), "c": SelectionRate(None, 5, 5)}
    assert largest_gap(rates) == pytest.approx(0.2)
    assert largest_gap(selection_rates(selected, groups, least=5)) == pytest.approx(0.95)
    assert largest_gap(selection_rates(selected, groups, least=30)) is None


def test_figures_by_group_do_not_depend_on_the_order_of_rows():
    rng = np.random.default_rng(2)
    groups, scores, labels = rng.integers(0, 4, 200), rng.integers(0, 9, 200) / 9, rng.choice([0.0, 1.0, NAN], 200)
    order = rng.permutation(200)
    assert by_group(auc, scores, labels, groups) == by_group(auc, scores[order], labels[order], groups[order])
    chosen = scores > 0.5
    assert selection_rates(chosen, groups) == selection_rates(chosen[order], groups[order])


def test_no_rows_have_no_groups():
    empty = np.zeros(0)
    assert by_group(auc, empty, empty, empty) == {}
    assert selection_rates(empty.astype(bool), empty) == {}
    assert largest_gap({}) is None


def test_groups_of_another_length_are_refused():
    with pytest.raises(ValueError, match="one value for each of 2 rows"):
        by_group(auc, np.ones(2), np.ones(2), np.array(["a"]))
    with pytest.raises(ValueError, match="one value for each of 1 rows"):
        selection_rates(np.array([True]), np.array(["a", "b"]))
