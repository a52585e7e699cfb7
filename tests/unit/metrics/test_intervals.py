"""Intervals: known values, coverage in simulations, and units that count once."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jcml.metrics.intervals import bootstrap, clopper_pearson, paired_difference, wilson
from jcml.metrics.ranking import auc

shares = st.integers(1, 500).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n)))


def test_wilson_and_clopper_pearson_of_four_in_twenty():
    z, n, p = 1.959963984540054, 20, 0.2
    middle, half = p + z * z / (2 * n), z * (p * 0.8 / n + z * z / (4 * n * n)) ** 0.5
    assert wilson(4, 20) == pytest.approx(((middle - half) / (1 + z * z / n), (middle + half) / (1 + z * z / n)))
    # Agresti and Coull (1998) and every table of exact limits: 0.0573 to 0.4366.
    assert clopper_pearson(4, 20) == pytest.approx((0.0573, 0.4366), abs=5e-5)


def test_clopper_pearson_puts_half_the_error_in_each_tail():
    from scipy.stats import binom

    low, high = clopper_pearson(7, 40, level=0.9)
    assert binom.sf(6, 40, low) == pytest.approx(0.05)
    assert binom.cdf(7, 40, high) == pytest.approx(0.05)


def test_nothing_and_everything_confirmed_reach_the_ends_exactly():
    for interval in (wilson, clopper_pearson):
        assert interval(0, 30).low == 0.0 and 0 < interval(0, 30).high < 0.2
        assert interval(30, 30).high == 1.0 and 0.8 < interval(30, 30).low < 1
        assert interval(0, 0) == (0.0, 1.0)
    # With nothing in n the exact upper limit has a closed form.
    assert clopper_pearson(0, 30).high == pytest.approx(1 - 0.025 ** (1 / 30))


@given(shares, st.floats(0.5, 0.99))
def test_the_share_lies_within_both_intervals_and_more_confidence_is_wider(case, level):
    successes, n = case
    for interval in (wilson, clopper_pearson):
        low, high = interval(successes, n, level)
        assert 0 <= low <= successes / n + 1e-12 and successes / n - 1e-12 <= high <= 1
        wider = interval(successes, n, (1 + level) / 2)
        assert wider.low <= low and high <= wider.high


@pytest.mark.parametrize(("n", "share"), [(50, 0.1), (200, 0.3), (40, 0.5)])
def test_wilson_and_clopper_pearson_cover_the_truth(n, share):
    drawn = np.random.default_rng(11).binomial(n, share, 400)
    for interval in (wilson, clopper_pearson):
        ends = np.array([interval(int(k), n) for k in drawn])
        assert np.mean((ends[:, 0] <= share) & (share <= ends[:, 1])) >= 0.9


def repeated_units(rng, units=80):
    """Rows of units that were seen one to four times, each time with nearly the same outcome."""
    kind = rng.random(units)
    unit = np.repeat(np.arange(units), rng.integers(1, 5, units))
    return unit, (kind[unit] + 0.1 * rng.normal(size=unit.size) < 0.3).astype(float)


def test_the_bootstrap_over_units_covers_the_truth_and_over_rows_does_not():
    rng = np.random.default_rng(5)
    _, many = repeated_units(rng, 400_000)
    truth, hit = many.mean(), {"units": 0, "rows": 0}
    for repeat in range(400):
        unit, outcome = repeated_units(rng)
        for how, groups in (("units", unit), ("rows", None)):
            low, high = bootstrap(np.mean, outcome, groups=groups, repeats=200, seed=repeat)
            hit[how] += low <= truth <= high
    assert hit["units"] / 400 >= 0.9
    assert hit["rows"] / 400 < 0.88


def test_the_bootstrap_of_an_auc_covers_the_truth():
    from scipy.stats import norm

    rng = np.random.default_rng(6)
    truth, covered = norm.cdf(1 / 2**0.5), 0
    for repeat in range(400):
        labels = (np.arange(120) < 40).astype(float)
        low, high = bootstrap(auc, rng.normal(labels), labels, repeats=150, seed=repeat)
        covered += low <= truth <= high
    assert covered / 400 >= 0.9


def test_rows_written_down_five_times_teach_the_units_nothing():
    rng = np.random.default_rng(2)
    scores, labels = rng.normal(size=90), np.tile([0.0, 0.0, 1.0], 30)
    once = bootstrap(auc, scores, labels, seed=3)
    often = bootstrap(auc, np.repeat(scores, 5), np.repeat(labels, 5), groups=np.repeat(np.arange(90), 5), seed=3)
    fooled = bootstrap(auc, np.repeat(scores, 5), np.repeat(labels, 5), seed=3)
    assert often == pytest.approx(tuple(once), abs=1e-12)
    assert fooled.high - fooled.low < 0.6 * (once.high - once.low)


def test_a_unit_is_drawn_with_all_its_rows_wherever_they_stand():
    unit = np.array(["b", "a", "b", "c", "a", "b"])

    def whole_units(names):
        found, counts = np.unique(names, return_counts=True)
        sizes = {"a": 2, "b": 3, "c": 1}
        assert all(count % sizes[str(name)] == 0 for name, count in zip(found, counts, strict=True))
        assert sum(count // sizes[str(name)] for name, count in zip(found, counts, strict=True)) == 3
        return float(len(names))

    low, high = bootstrap(whole_units, unit, groups=unit, repeats=500, seed=1, level=0.999)
    assert (low, high) == (3.0, 9.0)


def test_the_same_seed_gives_the_same_interval_and_another_seed_another():
    values = np.random.default_rng(0).normal(size=50)
    assert bootstrap(np.mean, values, seed=1) == bootstrap(np.mean, values, seed=1)
    assert bootstrap(np.mean, values, seed=1) != bootstrap(np.mean, values, seed=2)


def test_draws_without_a_figure_are_left_out_and_too_many_of_them_leave_no_interval():
    labels = np.array([1.0] + [0.0] * 9)
    scores = np.arange(10.0)[::-1]
    assert bootstrap(auc, scores, labels, seed=1) == (1.0, 1.0)  # 35 % of draws miss the one confirmed row
    assert np.isnan(bootstrap(lambda values: float("nan"), labels, seed=1)).all()
    assert np.isnan(bootstrap(auc, scores[:2], np.array([1.0, 1.0]), seed=1)).all()


def test_a_paired_difference_is_narrower_than_two_separate_intervals():
    rng = np.random.default_rng(9)
    labels = (rng.random(400) < 0.3).astype(float)
    rule = labels + rng.normal(size=400)
    model = rule + 0.4 * labels + 0.1 * rng.normal(size=400)
    difference = paired_difference(auc, model, rule, labels, seed=4)
    assert difference.low > 0
    assert difference.low < auc(model, labels) - auc(rule, labels) < difference.high
    alone = bootstrap(auc, model, labels, seed=4)
    assert difference.high - difference.low < 0.6 * (alone.high - alone.low)
    backwards = paired_difference(auc, rule, model, labels, seed=4)
    assert backwards == pytest.approx((-difference.high, -difference.low))
    assert paired_difference(auc, rule, rule, labels, seed=4) == (0.0, 0.0)


def test_what_has_no_interval_is_refused():
    with pytest.raises(ValueError, match="from 0 to n, not 3 of 2"):
        wilson(3, 2)
    with pytest.raises(ValueError, match="between 0 and 1, not 95"):
        clopper_pearson(1, 2, level=95)
    with pytest.raises(ValueError, match="one length"):
        bootstrap(np.mean, np.ones(3), groups=np.arange(4), seed=1)
    with pytest.raises(ValueError, match="above 0"):
        bootstrap(np.mean, np.ones(0), seed=1)
    with pytest.raises(ValueError, match="repeats"):
        bootstrap(np.mean, np.ones(3), repeats=0, seed=1)
    with pytest.raises(ValueError, match="level"):
        bootstrap(np.mean, np.ones(3), seed=1, level=0.0)
