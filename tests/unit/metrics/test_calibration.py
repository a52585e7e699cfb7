"""Calibration: what the measures say, and maps that never decrease, survive JSON and find the truth."""

import json
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import expit, log_expit

from jcml.metrics.calibration import (
    Calibration,
    brier,
    calibration_at_top,
    choose_method,
    expected_calibration_error,
    fit_calibration,
    prior_shift,
    reliability,
)
from jcml.metrics.intervals import wilson

METHODS = ("none", "platt", "beta", "isotonic")
NAN = float("nan")


@st.composite
def labelled_margins(draw):
    """Margins of very different spread, with ties, and labels of both classes and unknown."""
    scale = draw(st.sampled_from([1e-3, 1.0, 30.0]))
    margins = draw(st.lists(st.integers(-20, 20), min_size=4, max_size=40))
    labels = draw(st.lists(st.sampled_from([0.0, 1.0, NAN]), min_size=len(margins), max_size=len(margins)))
    return np.array(margins) * scale, np.array([*labels[:-2], 0.0, 1.0])


def distorted(seed, n):
    """Margins that are too sure on one side and too shy on the other, and labels drawn from the truth."""
    rng = np.random.default_rng(seed)
    margins = rng.normal(-1.5, 1.5, n)
    truth = expit(0.6 * log_expit(margins) - 1.8 * log_expit(-margins) - 0.5)
    return margins, (rng.random(n) < truth).astype(float), truth


def log_loss(probabilities, labels):
    return -np.mean(np.where(labels == 1, np.log(probabilities), np.log1p(-probabilities)))


def test_reliability_worked_by_hand():
    probabilities = np.array([0.1, 0.2, 0.3, 0.6, 0.8, 0.9, 0.5])
    labels = np.array([0.0, 0.0, 1.0, 1.0, 0.0, 1.0, NAN])
    low, high = reliability(probabilities, labels, bins=2)
    assert (low.n, low.mean_probability, low.confirmed_share) == pytest.approx((3, 0.2, 1 / 3))
    assert (high.n, high.mean_probability, high.confirmed_share) == pytest.approx((3, 2.3 / 3, 2 / 3))
    assert low.interval == wilson(1, 3)
    assert high.gap == pytest.approx(0.1)
    assert expected_calibration_error(probabilities, labels, bins=2) == pytest.approx((2 / 15 + 0.1) / 2)
    assert brier(probabilities, labels) == pytest.approx((0.01 + 0.04 + 0.49 + 0.16 + 0.64 + 0.01) / 6)


def test_bins_hold_equal_counts_and_all_labelled_rows():
    _, labels, truth = distorted(1, 1003)
    labels[::7] = NAN
    found = reliability(truth, labels)
    assert len(found) == 10
    assert sum(b.n for b in found) == np.count_nonzero(~np.isnan(labels))
    assert max(b.n for b in found) - min(b.n for b in found) <= 1
    assert all(a.mean_probability < b.mean_probability for a, b in pairwise(found))


@given(
    st.lists(st.tuples(st.integers(0, 5), st.sampled_from([0.0, 1.0])), min_size=1, max_size=40),
    st.randoms(use_true_random=False),
    st.integers(1, 12),
)
@settings(deadline=None)
def test_equal_probabilities_share_a_bin_so_the_order_of_rows_is_irrelevant(rows, random, bins):
    def figures(pairs):
        probabilities, labels = np.array(pairs).T
        found = reliability(probabilities / 5, labels, bins)
        top = calibration_at_top(probabilities / 5, labels, 0.3)
        return np.array([(b.n, b.mean_probability, b.confirmed_share) for b in (*found, top)])

    shuffled = rows.copy()
    random.shuffle(shuffled)
    np.testing.assert_allclose(figures(rows), figures(shuffled), rtol=1e-12)
    assert len(figures(rows)) - 1 <= min(bins, len({row[0] for row in rows}))


def test_no_labels_mean_no_figure():
    probabilities, labels = np.array([0.2, 0.4]), np.array([NAN, NAN])
    assert reliability(probabilities, labels) == ()
    assert np.isnan(brier(probabilities, labels))
    assert np.isnan(expected_calibration_error(probabilities, labels))
    top = calibration_at_top(probabilities, labels, 0.5)
    assert top.n == 0 and np.isnan(top.confirmed_share) and top.interval == (0.0, 1.0)


def test_the_top_is_cut_on_all_rows_and_compared_on_labelled_ones():
    probabilities = np.array([0.9, 0.8, 0.8, 0.7, 0.1, 0.1, 0.1, 0.1])
    labels = np.array([NAN, 1.0, 0.0, 1.0, 0.0, 0.0, 0.0, 0.0])
    top = calibration_at_top(probabilities, labels, share=0.25)  # two places, three rows: the tie is taken whole
    assert (top.n, top.mean_probability, top.confirmed_share) == (2, 0.8, 0.5)
    assert calibration_at_top(probabilities, labels, share=0.001).n == 0
    assert calibration_at_top(probabilities, labels, share=1).n == 7


@given(labelled_margins(), st.sampled_from(METHODS))
@settings(max_examples=150, deadline=None)
def test_a_calibration_never_decreases_and_never_claims_certainty(case, method):
    margins, labels = case
    fitted = fit_calibration(margins, labels, method)
    span = float(np.abs(margins).max()) + 1
    probabilities = fitted.apply(np.linspace(-2 * span, 2 * span, 2001))
    assert np.diff(probabilities).min() >= -1e-15  # the last bit of a double
    assert probabilities.min() >= 1e-6 and probabilities.max() <= 1 - 1e-6


@given(labelled_margins(), st.sampled_from(METHODS))
@settings(max_examples=100, deadline=None)
def test_a_calibration_survives_json_exactly(case, method):
    margins, labels = case
    fitted = fit_calibration(margins, labels, method)
    again = Calibration.from_json(json.loads(json.dumps(fitted.to_json(), allow_nan=False)))
    assert again == fitted
    np.testing.assert_array_equal(again.apply(margins), fitted.apply(margins))


@given(labelled_margins(), st.sampled_from(["platt", "beta"]))
@settings(max_examples=100, deadline=None)
def test_a_fit_is_no_worse_than_the_plain_sigmoid_on_its_own_smoothed_labels(case, method):
    margins, labels = case
    margins, labels = margins[~np.isnan(labels)], labels[~np.isnan(labels)]
    positives = labels.sum()
    targets = np.where(labels == 1, (positives + 1) / (positives + 2), 1 / (labels.size - positives + 2))

    def loss(log_odds):
        return -np.mean(targets * log_expit(log_odds) + (1 - targets) * log_expit(-log_odds))

    fitted = fit_calibration(margins, labels, method)
    *slopes, intercept = fitted.parameters
    inputs = [margins] if method == "platt" else [log_expit(margins), -log_expit(-margins)]
    log_odds = sum(slope * column for slope, column in zip(slopes, inputs, strict=True)) + intercept
    assert loss(log_odds) <= loss(margins) + 1e-9


def test_beta_finds_the_map_that_made_the_labels():
    margins, labels, truth = distorted(2, 50_000)
    fitted = fit_calibration(margins, labels, "beta")
    assert fitted.parameters == pytest.approx((0.6, 1.8, -0.5), abs=0.15)
    assert np.abs(fitted.apply(margins) - truth).max() < 0.03


def test_platt_agrees_with_an_unpenalised_logistic_regression():
    from sklearn.linear_model import LogisticRegression

    margins, labels, _ = distorted(3, 5000)
    fitted = fit_calibration(margins, labels, "platt")
    other = LogisticRegression(C=1e12, tol=1e-10).fit(margins[:, None], labels)
    assert fitted.parameters == pytest.approx((other.coef_[0, 0], other.intercept_[0]), abs=0.01)


def test_isotonic_is_scikit_learns_within_its_limits():
    from sklearn.isotonic import IsotonicRegression

    margins, labels, _ = distorted(4, 3000)
    fitted = fit_calibration(margins, labels, "isotonic")
    other = IsotonicRegression(y_min=1e-6, y_max=1 - 1e-6, out_of_bounds="clip").fit(margins, labels)
    grid = np.linspace(-9, 9, 1001)
    np.testing.assert_allclose(fitted.apply(grid), other.predict(grid), atol=1e-12)


def test_every_method_mends_distorted_probabilities_on_rows_it_has_not_seen():
    margins, labels, _ = distorted(5, 20_000)
    unseen, outcomes, _ = distorted(6, 50_000)
    plain = expected_calibration_error(Calibration("none").apply(unseen), outcomes)
    for method in ("platt", "beta", "isotonic"):
        probabilities = fit_calibration(margins, labels, method).apply(unseen)
        # Platt cannot bend two ways, the others can.
        assert expected_calibration_error(probabilities, outcomes) < plain / (2 if method == "platt" else 5)
        assert log_loss(probabilities, outcomes) < log_loss(Calibration("none").apply(unseen), outcomes)


def test_separable_labels_do_not_drive_a_slope_to_infinity():
    margins = np.linspace(-2, 2, 40)
    for method in ("platt", "beta"):
        fitted = fit_calibration(margins, (margins > 0).astype(float), method)
        assert max(fitted.parameters) < 100
        # Twenty of twenty confirmed is not certainty: about 21 in 22.
        assert fitted.apply(np.array([2.0]))[0] < 0.999


def test_a_margin_that_points_the_wrong_way_gives_one_probability_for_all():
    margins = np.linspace(-2, 2, 200)
    labels = (margins < 0).astype(float)
    for method in ("platt", "beta", "isotonic"):
        probabilities = fit_calibration(margins, labels, method).apply(margins)
        assert np.ptp(probabilities) < 1e-6
        assert probabilities[0] == pytest.approx(0.5, abs=1e-3)


def test_unknown_labels_do_not_enter_a_fit():
    margins, labels, _ = distorted(7, 500)
    longer, with_unknown = np.append(margins, [9.0] * 50), np.append(labels, [NAN] * 50)
    for method in METHODS:
        assert fit_calibration(longer, with_unknown, method) == fit_calibration(margins, labels, method)


def test_a_row_gets_the_same_probability_alone_and_among_others():
    margins, labels, _ = distorted(8, 300)
    for method in METHODS:
        fitted = fit_calibration(margins, labels, method)
        together = fitted.apply(margins)
        alone = np.array([fitted.apply(margins[i : i + 1])[0] for i in range(100)])
        np.testing.assert_array_equal(together[:100], alone)


@pytest.mark.parametrize(
    ("n_labelled", "n_positive", "method"),
    [
        (0, 0, "none"),
        (29, 29, "none"),
        (30, 4, "none"),
        (30, 5, "platt"),
        (199, 50, "platt"),
        (200, 5, "beta"),
        (19_999, 900, "beta"),
        (20_000, 900, "isotonic"),
        (20_000, 4, "none"),
    ],
)
def test_the_method_follows_the_number_of_labels(n_labelled, n_positive, method):
    assert choose_method(n_labelled, n_positive) == method


def test_prior_shift_undoes_sampling_by_class():
    rng = np.random.default_rng(12)
    x = rng.normal(size=200_000)
    truth = expit(x - 3)
    labels = (rng.random(x.size) < truth).astype(float)
    kept = (labels == 1) | (rng.random(x.size) < 0.1)
    # Keeping a tenth of the others multiplies every row's odds by ten.
    trained = expit(x - 3 + np.log(10))
    shifted = prior_shift(trained, labels[kept].mean(), labels.mean())
    np.testing.assert_allclose(shifted, truth, atol=0.01)
    assert prior_shift(trained, 0.3, 0.3) == pytest.approx(trained)
    assert prior_shift(prior_shift(trained, 0.5, 0.1), 0.1, 0.5) == pytest.approx(trained)
    assert prior_shift(np.array([0.0, 1.0]), 0.5, 0.01).tolist() == [0.0, 1.0]


@pytest.mark.parametrize(
    "data",
    [
        {"method": "neural", "parameters": [], "knots": []},
        {"method": "platt", "parameters": [1.0], "knots": []},
        {"method": "platt", "parameters": [-1.0, 0.0], "knots": []},
        {"method": "beta", "parameters": [1.0, NAN, 0.0], "knots": []},
        {"method": "isotonic", "parameters": [], "knots": []},
        {"method": "isotonic", "parameters": [], "knots": [[0.0, 0.5], [1.0, 0.4]]},
        {"method": "isotonic", "parameters": [], "knots": [[1.0, 0.1], [0.0, 0.4]]},
        {"method": "none", "parameters": [], "knots": [[0.0, 0.5]]},
        {"method": "none", "parameters": []},
        {"method": ["none"], "parameters": [], "knots": []},
        {"method": "platt", "parameters": [10**400, 0], "knots": []},
        {"method": "platt", "parameters": 3, "knots": []},
        [],
    ],
)
def test_numbers_that_make_no_calibration_are_refused(data):
    with pytest.raises(ValueError):
        Calibration.from_json(data)


def test_what_cannot_be_calibrated_is_refused():
    with pytest.raises(ValueError, match="both classes"):
        fit_calibration(np.array([1.0, 2.0]), np.array([1.0, NAN]), "beta")
    with pytest.raises(ValueError, match="margins must be finite; 1"):
        fit_calibration(np.array([1.0, np.inf]), np.array([1.0, 0.0]), "none")
    with pytest.raises(ValueError, match="finite"):
        Calibration("none").apply(np.array([NAN]))
    with pytest.raises(ValueError, match="from 0 to 1"):
        brier(np.array([1.1]), np.array([1.0]))
    with pytest.raises(ValueError, match="none NaN"):
        reliability(np.array([NAN]), np.array([1.0]))
    with pytest.raises(ValueError, match="bins"):
        reliability(np.array([0.5]), np.array([1.0]), bins=0)
    with pytest.raises(ValueError, match="share"):
        calibration_at_top(np.array([0.5]), np.array([1.0]), share=0)
    with pytest.raises(ValueError, match="rates"):
        prior_shift(np.array([0.5]), 0.0, 0.1)
    with pytest.raises(ValueError, match="n_positive"):
        choose_method(3, 4)
