"""The audit: unbiased totals, intervals that cover, and a list whose share of false clues stays bounded."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jcml.metrics.audit import (
    audit_hit_rate,
    conformal_selection,
    false_share_bound,
    horvitz_thompson,
    population_rate,
)
from jcml.metrics.intervals import clopper_pearson

NAN = float("nan")


def ranked_population(seed, n=4000):
    """Scores, and outcomes that follow them."""
    rng = np.random.default_rng(seed)
    scores = rng.normal(size=n)
    return scores, (rng.random(n) < 1 / (1 + np.exp(3 - 1.5 * scores))).astype(float)


def test_horvitz_thompson_worked_by_hand():
    found = horvitz_thompson(np.array([1.0, 0.0, 1.0, NAN]), np.array([0.5, 0.5, 0.1, 0.25]), 40)
    assert found.total == (12.0, 16.0)
    assert found.rate == (0.3, 0.4)
    assert (found.n, found.unknown) == (4, 1)
    assert 0 <= found.interval.low < 0.3 and 0.4 < found.interval.high <= 1


def test_the_variance_of_a_simple_random_sample_is_the_textbook_one():
    labels = np.repeat([1.0, 0.0], [12, 38])
    found = horvitz_thompson(labels, np.full(50, 50 / 400), 400)
    assert found.variance == pytest.approx((1 - 50 / 400) * labels.var(ddof=1) / 50)


def test_horvitz_thompson_is_unbiased_under_unequal_chances():
    scores, outcome = ranked_population(1)
    strata = np.digitize(scores, [0.0, 1.0])
    sizes, drawn_from = np.bincount(strata), np.array([40, 60, 80])
    inclusion = (drawn_from / sizes)[strata]
    rng = np.random.default_rng(2)
    totals = []
    for _ in range(2000):
        rows = np.concatenate([rng.choice(np.flatnonzero(strata == s), drawn_from[s], replace=False) for s in range(3)])
        totals.append(horvitz_thompson(outcome[rows], inclusion[rows], outcome.size).total.lower)
    error = np.std(totals) / len(totals) ** 0.5
    assert abs(np.mean(totals) - outcome.sum()) < 4 * error


def test_the_variance_estimate_matches_the_spread_of_simple_random_samples():
    _, outcome = ranked_population(3)
    rng = np.random.default_rng(4)
    found = [
        horvitz_thompson(outcome[rng.choice(outcome.size, 300, replace=False)], np.full(300, 300 / 4000), 4000)
        for _ in range(1500)
    ]
    spread = np.var([estimate.rate.lower for estimate in found])
    # The variance of a variance from 1500 draws: about 2 / 1500 of its square.
    assert np.mean([estimate.variance for estimate in found]) == pytest.approx(spread, rel=4 * (2 / 1500) ** 0.5)


@pytest.mark.parametrize("design", ["equal", "by score"])
def test_intervals_of_the_audit_cover_the_truth(design):
    scores, outcome = ranked_population(5)
    rng = np.random.default_rng(6)
    inclusion = np.full(4000, 0.06) if design == "equal" else np.where(scores > 0.5, 0.12, 0.04)
    truth, covered = outcome.mean(), {"total": 0, "rate": 0}
    for _ in range(400):
        rows = np.flatnonzero(rng.random(4000) < inclusion)
        labels = np.where(rng.random(rows.size) < 0.05, NAN, outcome[rows])
        low, high = horvitz_thompson(labels, inclusion[rows], 4000).interval
        covered["total"] += low <= truth <= high
        found = audit_hit_rate(labels, inclusion[rows])
        covered["rate"] += found.low <= truth <= found.high
    assert min(covered.values()) / 400 >= 0.9


def test_finding_nothing_does_not_mean_that_there_is_nothing():
    found = horvitz_thompson(np.zeros(30), np.full(30, 0.01), 3000)
    assert found.variance == 0 and found.interval == clopper_pearson(0, 30)
    unequal = horvitz_thompson(np.zeros(30), np.repeat([0.01, 0.1], 15), 3000)
    assert unequal.interval.high > found.interval.high


def test_a_census_leaves_no_doubt_and_one_row_leaves_nearly_all():
    census = horvitz_thompson(np.array([1.0, 0.0, 0.0, 1.0]), np.ones(4), 4)
    assert census.interval == (0.5, 0.5) and census.variance == 0
    one = horvitz_thompson(np.array([1.0]), np.array([0.01]), 100)
    assert np.isnan(one.variance) and one.interval == clopper_pearson(1, 1)


def test_the_interval_of_a_simple_random_sample_is_exact_and_counts_unknown_labels_both_ways():
    labels, inclusion = np.repeat([1.0, 0.0], [12, 38]), np.full(50, 50 / 400)
    assert horvitz_thompson(labels, inclusion, 400).interval == pytest.approx(tuple(clopper_pearson(12, 50)))
    labels[-5:] = NAN
    found = horvitz_thompson(labels, inclusion, 400).interval
    assert found == pytest.approx((clopper_pearson(12, 50).low, clopper_pearson(17, 50).high))


def test_a_confirmed_row_with_a_small_chance_widens_the_interval_beyond_the_count_of_rows():
    labels, inclusion = np.repeat([1.0, 0.0], [2, 48]), np.repeat([0.02, 0.2], [10, 40])
    found = horvitz_thompson(labels, inclusion, 700)
    assert found.rate.lower == pytest.approx(1 / 7)
    rows = 1 / 7 * 6 / 7 / found.variance  # as many rows drawn with equal chances would know as much
    assert rows < 13
    assert found.interval == pytest.approx(tuple(clopper_pearson(rows / 7, rows)))


def test_the_hit_rate_of_equal_chances_is_the_plain_share_with_exact_limits():
    found = audit_hit_rate(np.repeat([1.0, 0.0], [7, 33]), np.full(40, 0.02))
    assert found.rate == 7 / 40
    assert (found.low, found.high) == pytest.approx(tuple(clopper_pearson(7, 40)))


def test_labels_still_out_widen_the_hit_rate_both_ways():
    labels = np.repeat([1.0, 0.0, NAN], [7, 23, 10])
    found = audit_hit_rate(labels, np.full(40, 0.02))
    assert found.rate == pytest.approx(7 / 30) and found.unknown == 10
    assert found.low == pytest.approx(clopper_pearson(7, 40).low)
    assert found.high == pytest.approx(clopper_pearson(17, 40).high)


def test_an_audit_without_rows_says_that_nothing_is_known():
    found = audit_hit_rate(np.zeros(0), np.zeros(0))
    assert np.isnan(found.rate) and (found.low, found.high, found.n) == (0.0, 1.0, 0)
    both = population_rate(np.array([1.0, 0.0]), np.zeros(0), np.zeros(0), n_rest=8)
    assert np.isnan(both.recall.rate) and (both.recall.low, both.recall.high) == pytest.approx((1 / 9, 1.0))
    assert (both.rate.low, both.rate.high) == (0.1, 0.9)


@given(
    st.lists(st.sampled_from([0.0, 1.0, NAN]), max_size=12),
    st.lists(st.sampled_from([0.0, 1.0, NAN]), min_size=1, max_size=12),
    st.integers(0, 40),
    st.integers(0, 2**32 - 1),
)
@settings(deadline=None)
def test_revealing_the_labels_still_out_narrows_every_interval(listed, drawn, more, seed):
    rng = np.random.default_rng(seed)
    listed, drawn = np.array(listed), np.array(drawn)
    inclusion, n_rest = np.full(drawn.size, drawn.size / (drawn.size + more)), drawn.size + more
    known_list, known_drawn = (
        np.where(np.isnan(labels), rng.integers(0, 2, labels.size), labels) for labels in (listed, drawn)
    )
    before = population_rate(listed, drawn, inclusion, n_rest)
    after = population_rate(known_list, known_drawn, inclusion, n_rest)
    for unsure, sure in zip(before, after, strict=True):
        assert unsure.low <= sure.low + 1e-12 and sure.high <= unsure.high + 1e-12
        assert np.isnan(sure.rate) or sure.low - 1e-12 <= sure.rate <= sure.high + 1e-12
    total_before, total_after = (horvitz_thompson(x, inclusion, n_rest) for x in (drawn, known_drawn))
    assert total_before.total.lower - 1e-9 <= total_after.total.lower <= total_before.total.upper + 1e-9


def test_recall_and_overall_rate_cover_the_truth():
    scores, outcome = ranked_population(7)
    order = np.argsort(-scores)
    top, rest = order[:300], order[300:]
    truth, recall = outcome.mean(), outcome[top].sum() / outcome.sum()
    rng, covered = np.random.default_rng(8), np.zeros(2)
    for _ in range(400):
        drawn = rng.choice(rest, 250, replace=False)
        found = population_rate(outcome[top], outcome[drawn], np.full(250, 250 / rest.size), rest.size)
        covered += (found.rate.low <= truth <= found.rate.high, found.recall.low <= recall <= found.recall.high)
    assert covered.min() / 400 >= 0.9


def test_auditing_the_whole_rest_leaves_no_doubt():
    found = population_rate(np.array([1.0, 1.0, 0.0]), np.array([1.0, 0.0]), np.ones(2), n_rest=2)
    assert (found.recall.low, found.recall.rate, found.recall.high) == pytest.approx((2 / 3, 2 / 3, 2 / 3))
    assert (found.rate.low, found.rate.rate, found.rate.high) == pytest.approx((0.6, 0.6, 0.6))
    everything = population_rate(np.array([1.0, 0.0]), np.zeros(0), np.zeros(0), n_rest=0)
    assert everything.recall[:3] == (1.0, 1.0, 1.0) and everything.rate[:3] == (0.5, 0.5, 0.5)


def false_shares(q, runs, miscounted):
    """Realised shares of false clues where calibration rows are random, or favour true clues by tip-offs."""
    rng, shares = np.random.default_rng(9), []
    for run in range(runs):
        scores, outcome = ranked_population(1000 + run, n=5000)
        known = np.zeros(5000, dtype=bool)
        known[:2000] = True
        if miscounted:
            known[:2000] &= rng.random(2000) < np.where(outcome[:2000] == 1, 0.9, 0.1)
        chosen = conformal_selection(scores[2000:], scores[known], outcome[known], q).indices
        shares.append(np.mean(outcome[2000:][chosen] == 0) if chosen.size else 0.0)
    return np.array(shares)


def test_conformal_selection_keeps_the_share_of_false_clues_on_exchangeable_rows():
    shares = false_shares(0.3, 300, miscounted=False)
    assert shares.max() > 0  # something was selected
    assert shares.mean() <= 0.3 + 3 * shares.std() / len(shares) ** 0.5


def test_conformal_selection_breaks_its_promise_on_tip_offs_as_its_text_says():
    assert false_shares(0.3, 60, miscounted=True).mean() > 0.4


def test_conformal_selection_worked_by_hand():
    # p-values of the four rows: (1 + false clues as high) / 6.
    found = conformal_selection(
        np.array([0.2, 0.9, 0.5, 0.95]), np.array([0.1, 0.3, 0.5, 0.8, 0.9]), np.array([0.0, 0, 0, 1, 1]), q=0.4
    )
    assert found.p_values == pytest.approx([3 / 6, 1 / 6, 2 / 6, 1 / 6])
    # Benjamini-Hochberg limits 0.1, 0.2, 0.3, 0.4: the second smallest, 1/6, passes; 2/6 and 3/6 do not.
    assert found.indices.tolist() == [1, 3] and found.bound == 0.4


def test_conformal_selection_agrees_with_scipys_benjamini_hochberg():
    from scipy.stats import false_discovery_control

    scores, outcome = ranked_population(10, n=3000)
    found = conformal_selection(scores[:1500], scores[1500:], outcome[1500:], 0.35)
    expected = np.flatnonzero(false_discovery_control(found.p_values) <= 0.35)
    assert found.indices.size > 0
    np.testing.assert_array_equal(found.indices, expected)


def test_a_calibration_label_still_out_never_makes_the_list_longer():
    scores, outcome = ranked_population(11, n=4000)
    unknown = np.where(np.random.default_rng(1).random(2000) < 0.02, NAN, outcome[2000:])
    full = conformal_selection(scores[:2000], scores[2000:], outcome[2000:], 0.35).indices
    partial = conformal_selection(scores[:2000], scores[2000:], unknown, 0.35).indices
    assert full.size > 0 and set(partial) <= set(full)


def test_tied_scores_are_selected_together_or_not_at_all():
    rng = np.random.default_rng(12)
    scores = rng.integers(0, 8, 3000) / 8
    outcome = (rng.random(3000) < scores**2).astype(float)
    chosen = conformal_selection(scores[:1500], scores[1500:], outcome[1500:], 0.45).indices
    assert chosen.size > 0
    assert not set(scores[chosen]) & set(np.delete(scores[:1500], chosen))


def test_the_bound_on_false_clues_worked_by_hand():
    scores = np.append(np.full(20, 0.7), np.full(5, 0.2))
    labels = np.append(np.ones(20), np.zeros(5))
    # No false clue in twenty: the bound is the share that makes such luck five times in a hundred.
    assert false_share_bound(scores, labels, 0.7) == pytest.approx(1 - 0.05 ** (1 / 20))
    labels[:2] = 0.0, NAN
    assert false_share_bound(scores, labels, 0.7) == pytest.approx(clopper_pearson(2, 20, 0.9).high)
    assert false_share_bound(scores, labels, 0.71) is None
    assert false_share_bound(scores[:9], labels[:9], 0.5) is None
    assert false_share_bound(scores[:10], labels[:10], 0.5) is not None


def test_the_bound_on_false_clues_holds_as_often_as_it_says():
    scores, outcome = ranked_population(13, n=20_000)
    truth = 1 - outcome[scores >= 1.5].mean()
    rng = np.random.default_rng(14)
    draws = [rng.choice(20_000, 1000, replace=False) for _ in range(400)]
    held = [truth <= false_share_bound(scores[rows], outcome[rows], 1.5) for rows in draws]
    assert np.mean(held) >= 0.92


def test_what_the_audit_cannot_answer_is_refused():
    one = np.array([1.0])
    with pytest.raises(ValueError, match="above 0 and at most 1"):
        audit_hit_rate(one, np.array([0.0]))
    with pytest.raises(ValueError, match="NaN"):
        audit_hit_rate(one, np.array([NAN]))
    with pytest.raises(ValueError, match="same length"):
        horvitz_thompson(one, np.array([0.1, 0.1]), 10)
    with pytest.raises(ValueError, match="2 rows cannot be drawn from 1"):
        horvitz_thompson(np.ones(2), np.full(2, 0.5), 1)
    with pytest.raises(ValueError, match="no row was drawn"):
        horvitz_thompson(np.zeros(0), np.zeros(0), 10)
    with pytest.raises(ValueError, match="cannot be drawn"):
        population_rate(one, one, one, n_rest=0)
    with pytest.raises(ValueError, match="no calibration row is known to be a false clue"):
        conformal_selection(one, np.array([0.5, 0.4]), np.array([1.0, NAN]), 0.2)
    with pytest.raises(ValueError, match="q must be"):
        conformal_selection(one, one, np.zeros(1), 1.0)
    with pytest.raises(ValueError, match="threshold"):
        false_share_bound(one, one, NAN)
    with pytest.raises(ValueError, match=r"0\.5 and 1"):
        false_share_bound(one, one, 0.5, level=0.4)
