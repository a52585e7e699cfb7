"""Watched signals: a real shift crosses its bound, the noise of few rows does not, and a stop publishes nothing."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from jcml.errors import CheckFailed
from jcml.metrics.drift import by_chance, drift_profile, drifts
from jcml.serving.plan import Watch
from jcml.serving.watch import signals, stop_if_crossed


class Trained:
    def __init__(self, margins):
        self.figures = {"drift": drift_profile({"margin": margins, "litres": margins})}


def look(folder, margins, *watches):
    pq.write_table(pa.table({"margin": margins}), folder / "scores.parquet")
    pq.write_table(pa.table({"litres": np.where(np.arange(len(margins)) % 4 == 0, np.nan, margins)}), folder / "matrix.parquet")
    return signals(watches, Trained(np.random.default_rng(0).normal(size=2000)), folder)


def test_a_shift_is_seen(tmp_path):
    (found,) = look(tmp_path, np.random.default_rng(1).normal(1.0, 1.0, 500), Watch("score_drift", "warn", at_most=0.25))
    assert found.crossed
    assert found.value > 0.25


def test_few_rows_of_the_same_population_do_not_ring(tmp_path):
    watch = Watch("score_drift", "warn", at_most=0.1)
    rung = sum(look(tmp_path, np.random.default_rng(seed).normal(size=30), watch)[0].crossed for seed in range(100))
    assert rung <= 15, "by chance alone 5 of 100 are expected"


def test_the_bound_of_chance_holds_what_it_says():
    rng = np.random.default_rng(5)
    then = rng.normal(size=3000)
    profile = drift_profile({"a": then})
    bound = by_chance(profile["a"]["shares"], 3000, 400)
    below = np.mean([drifts(profile, {"a": rng.normal(size=400)})["a"] <= bound for _ in range(400)])
    assert 0.9 <= below <= 0.985


def test_coverage_has_a_lower_bound_and_may_stop_a_run(tmp_path):
    (found,) = look(tmp_path, np.random.default_rng(1).normal(size=500), Watch("coverage", "stop", at_least=0.9))
    assert found.value == 0.75
    with pytest.raises(CheckFailed, match="JC6005"):
        stop_if_crossed([found], "example")
