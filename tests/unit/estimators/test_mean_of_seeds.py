"""The mean of several fits is one LightGBM model: margins and contributions are the means, and the text stands by itself."""

from __future__ import annotations

import numpy as np
import pytest

from jcml.estimators.lightgbm import fit, mean_of, read_fitted

NAMES = ("litres", "kind", "gap")


@pytest.fixture(scope="module")
def fits():
    rng = np.random.default_rng(3)
    values = rng.normal(size=(600, 3))
    values[:, 1] = rng.integers(0, 12, 600)
    values[rng.random(values.shape) < 0.1] = np.nan
    labels = (np.nan_to_num(values[:, 0]) + (np.nan_to_num(values[:, 1]) % 3 == 0) + rng.normal(0, 0.5, 600) > 0.8).astype(float)
    made = [fit(values, labels, NAMES, rounds=12, seed=s, categorical=("kind",), monotone={"litres": 1}) for s in (1, 2, 3)]
    return made, values


def test_margins_and_contributions_are_means(fits):
    made, values = fits
    merged = mean_of(made)
    assert np.abs(merged.margins(values) - np.mean([f.margins(values) for f in made], axis=0)).max() < 1e-12
    assert np.abs(merged.contributions(values) - np.mean([f.contributions(values) for f in made], axis=0)).max() < 1e-9
    assert np.abs(merged.contributions(values).sum(axis=1) - merged.margins(values)).max() < 1e-9


def test_the_text_is_read_back_by_whoever_checks_it(fits):
    made, values = fits
    merged = mean_of(made)
    assert merged.trees == sum(f.trees for f in made)
    assert (read_fitted(merged.text, NAMES, merged.digest).margins(values) == merged.margins(values)).all()


def test_one_fit_is_its_own_mean(fits):
    assert mean_of(fits[0][:1]) is fits[0][0]
