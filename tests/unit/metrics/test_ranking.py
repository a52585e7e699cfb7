"""Figures of a ranking: worked by hand, against scikit-learn, and under unknown labels and ties."""

import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jcml.metrics import ranking

NAN = float("nan")


@st.composite
def rankings(draw, labels=(0.0, 1.0, NAN)):
    """Few distinct scores, so that most rows tie; a capacity that may exceed the list."""
    rows = draw(st.lists(st.tuples(st.integers(0, 4), st.sampled_from(labels)), min_size=1, max_size=30))
    scores, outcomes = np.array(rows, dtype=float).T
    return scores, outcomes, draw(st.integers(1, 35))


def random_ranking(seed, n=400, unknown=0.0, levels=25):
    rng = np.random.default_rng(seed)
    scores = rng.integers(0, levels, n) / levels
    labels = (rng.random(n) < scores).astype(float)
    labels[rng.random(n) < unknown] = NAN
    return scores, labels


def test_figures_of_six_rows_worked_by_hand():
    scores = np.array([6.0, 5.0, 4.0, 3.0, 2.0, 1.0])
    labels = np.array([1.0, NAN, 0.0, 1.0, 0.0, NAN])
    assert ranking.precision_at_capacity(scores, labels, 3) == (1 / 3, 2 / 3)
    assert ranking.expected_precision_at_capacity(scores, labels, 3) == (0.5, 2.0)
    assert ranking.hits_at_capacity(scores, labels, 3) == 1.0
    assert ranking.recall_at_capacity(scores, labels, 3) == (0.5, 0.5)
    assert ranking.lift_at_capacity(scores, labels, 3) == pytest.approx((2 / 3, 4 / 3))
    # Labelled pairs: (1, 3), (1, 5) and (4, 5) are in the right order, (4, 3) is not.
    assert ranking.auc(scores, labels) == 3 / 4
    assert ranking.average_precision(scores, labels) == pytest.approx((1 / 1 + 2 / 3) / 2)


def test_three_tied_rows_for_two_places_worked_by_hand():
    scores, labels = np.array([9.0, 5.0, 5.0, 5.0]), np.array([0.0, 1.0, 0.0, NAN])
    assert ranking.precision_at_capacity(scores, labels, 3) == (0.0, 2 / 3)
    assert ranking.recall_at_capacity(scores, labels, 3) == (0.0, 1.0)
    assert ranking.hits_at_capacity(scores, labels, 3) == pytest.approx(2 / 3)
    value, labelled = ranking.expected_precision_at_capacity(scores, labels, 3)
    assert labelled == pytest.approx(1 + 2 * 2 / 3)
    assert value == pytest.approx((2 / 3) / (1 + 4 / 3))


def test_a_list_shorter_than_the_capacity_is_used_whole():
    scores, labels = np.array([2.0, 1.0]), np.array([1.0, 0.0])
    assert ranking.precision_at_capacity(scores, labels, 100) == (0.5, 0.5)
    assert ranking.hits_at_capacity(scores, labels, 100) == 1.0


def test_nothing_labelled_gives_nan_and_the_widest_bounds():
    scores, labels = np.array([2.0, 1.0]), np.array([NAN, NAN])
    assert ranking.precision_at_capacity(scores, labels, 1) == (0.0, 1.0)
    value, labelled = ranking.expected_precision_at_capacity(scores, labels, 1)
    assert np.isnan(value) and labelled == 0
    assert ranking.hits_at_capacity(scores, labels, 1) == 0
    assert np.isnan(ranking.recall_at_capacity(scores, labels, 1)).all()
    assert np.isnan(ranking.lift_at_capacity(scores, labels, 1)).all()
    assert np.isnan(ranking.auc(scores, labels)) and np.isnan(ranking.average_precision(scores, labels))


@pytest.mark.parametrize("label", [0.0, 1.0])
def test_one_class_only_has_neither_auc_nor_average_precision(label):
    scores, labels = np.array([3.0, 2.0, 1.0]), np.array([label, label, NAN])
    assert np.isnan(ranking.auc(scores, labels))
    assert np.isnan(ranking.average_precision(scores, labels))


@given(rankings(), st.integers(0, 2**32 - 1))
@settings(max_examples=300, deadline=None)
def test_precision_lies_within_its_bounds_once_unknown_labels_are_revealed_and_ties_are_broken(case, seed):
    scores, labels, capacity = case
    rng = np.random.default_rng(seed)
    revealed = np.where(np.isnan(labels), rng.integers(0, 2, labels.size), labels)
    first = np.lexsort((rng.random(scores.size), -scores))[:capacity]
    lower, upper = ranking.precision_at_capacity(scores, labels, capacity)
    assert lower <= revealed[first].mean() <= upper


@given(rankings())
@settings(max_examples=200, deadline=None)
def test_bounds_of_precision_are_reached(case):
    scores, labels, capacity = case
    for unknown, sign, end in ((0.0, 1, 0), (1.0, -1, 1)):
        outcome = np.where(np.isnan(labels), unknown, labels)
        first = np.lexsort((sign * outcome, -scores))[:capacity]
        assert ranking.precision_at_capacity(scores, labels, capacity)[end] == pytest.approx(outcome[first].mean())


@given(rankings(), st.integers(0, 2**32 - 1))
@settings(max_examples=200, deadline=None)
def test_known_hits_lie_within_the_bounds_of_recall_whatever_the_order_of_ties(case, seed):
    scores, labels, capacity = case
    if not (labels == 1).any():
        return
    first = np.lexsort((np.random.default_rng(seed).random(scores.size), -scores))[:capacity]
    share = (labels[first] == 1).sum() / (labels == 1).sum()
    lower, upper = ranking.recall_at_capacity(scores, labels, capacity)
    assert lower <= share <= upper
    expected = ranking.hits_at_capacity(scores, labels, capacity) / (labels == 1).sum()
    assert lower - 1e-12 <= expected <= upper + 1e-12


def test_expected_hits_are_the_average_over_all_orders_of_ties():
    scores, labels = random_ranking(3, n=60, unknown=0.3, levels=4)
    rng = np.random.default_rng(4)
    orders = [np.lexsort((rng.random(60), -scores))[:25] for _ in range(20_000)]
    hits = np.array([np.nansum(labels[order]) for order in orders])
    known = np.array([(~np.isnan(labels[order])).sum() for order in orders])
    error = hits.std() / len(orders) ** 0.5
    assert abs(hits.mean() - ranking.hits_at_capacity(scores, labels, 25)) < 4 * error
    value, labelled = ranking.expected_precision_at_capacity(scores, labels, 25)
    assert abs(known.mean() - labelled) < 4 * known.std() / len(orders) ** 0.5
    assert value == pytest.approx(ranking.hits_at_capacity(scores, labels, 25) / labelled)


@given(rankings(), st.randoms(use_true_random=False))
@settings(max_examples=200, deadline=None)
def test_no_figure_depends_on_the_order_of_rows(case, random):
    scores, labels, capacity = case
    order = list(range(scores.size))
    random.shuffle(order)
    for metric in (
        ranking.precision_at_capacity,
        ranking.expected_precision_at_capacity,
        ranking.recall_at_capacity,
        ranking.lift_at_capacity,
        ranking.hits_at_capacity,
    ):
        np.testing.assert_array_equal(metric(scores, labels, capacity), metric(scores[order], labels[order], capacity))
    for metric in (ranking.auc, ranking.average_precision):
        np.testing.assert_array_equal(metric(scores, labels), metric(scores[order], labels[order]))


@pytest.mark.parametrize("seed", range(10))
def test_auc_and_average_precision_agree_with_scikit_learn_on_tied_scores(seed):
    from sklearn.metrics import average_precision_score, roc_auc_score

    scores, labels = random_ranking(seed, unknown=0.4, levels=3 + 5 * seed)
    known = ~np.isnan(labels)
    assert ranking.auc(scores, labels) == pytest.approx(roc_auc_score(labels[known], scores[known]), abs=1e-12)
    assert ranking.average_precision(scores, labels) == pytest.approx(
        average_precision_score(labels[known], scores[known]), abs=1e-12
    )


def test_infinite_scores_are_a_place_like_any_other():
    scores, labels = np.array([np.inf, np.inf, 0.0, -np.inf]), np.array([1.0, 0.0, 1.0, 0.0])
    assert ranking.auc(scores, labels) == 2.5 / 4
    assert ranking.precision_at_capacity(scores, labels, 1) == (0.0, 1.0)


@pytest.mark.parametrize(
    ("scores", "labels", "capacity", "says"),
    [
        ([1.0, NAN], [1.0, 0.0], 1, "1 of 2 scores are NaN"),
        ([1.0], [1.0, 0.0], 1, "same length"),
        ([1.0], [0.5], 1, "1.0, 0.0 or NaN, not 0.5"),
        ([], [], 1, "empty list"),
        ([1.0], [1.0], 0, "at least 1, not 0"),
        ([[1.0]], [[1.0]], 1, "one-dimensional"),
    ],
)
def test_what_cannot_be_measured_is_refused(scores, labels, capacity, says):
    with pytest.raises(ValueError, match=says):
        ranking.precision_at_capacity(np.array(scores), np.array(labels), capacity)


def test_a_million_rows_take_well_under_a_second_of_processor_time():
    scores, labels = random_ranking(1, n=1_000_000, unknown=0.5, levels=1_000_000)
    for metric in (ranking.precision_at_capacity, ranking.recall_at_capacity, ranking.lift_at_capacity):
        begun = time.process_time()
        metric(scores, labels, 5000)
        assert time.process_time() - begun < 0.5, metric
    for metric in (ranking.auc, ranking.average_precision):
        begun = time.process_time()
        metric(scores, labels)
        assert time.process_time() - begun < 0.8, metric
