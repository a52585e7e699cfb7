"""One small synthetic office through the whole measurement: does it find what is planted, and is it the same twice."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from benchmarks.synthetic_offices import REDRAWS, main, measure, measured

SCENARIO, SEED, SIZE, CAPACITY = "reverse_penalty_link", 1, 1500, 8
TIMES = {"cpu_seconds"}


@pytest.fixture(scope="module")
def office() -> dict:
    return measure(SCENARIO, SEED, size=SIZE, capacity=CAPACITY)


def test_every_scored_row_has_a_planted_truth(office: dict) -> None:
    assert office["without_truth"] == 0 and office["rows"] > 100
    assert 0.2 < office["base_rate"] < 0.6


def test_the_model_finds_more_than_the_best_rule_and_than_chance(office: dict) -> None:
    gain = office["gain"]
    assert gain["more"][0] == pytest.approx(gain["model"] - gain["rule"], abs=1e-5) and gain["more"][0] > 0
    assert gain["model"] > office["base_rate"] and 0.6 < office["true_auc"] < 0.98


def test_the_audit_interval_holds_the_truth_as_often_as_it_says(office: dict) -> None:
    audit = office["audit"]
    low, high = audit["interval"]
    assert audit["holds"] == (low <= audit["true"] <= high) and 0 <= low < high <= 1
    # 0.95 less three standard errors of a share of the redraws
    assert audit["redraws_hold"] > 0.95 - 3 * (0.05 * 0.95 / REDRAWS) ** 0.5
    assert audit["redraws_rate"] == pytest.approx(audit["redraws_true"], abs=0.05)
    held, lists = audit["lists_hold"]
    assert lists == office["gain"]["lists"] and held >= 0.8 * lists


def test_the_bounds_for_unknown_labels_hold_the_precision_of_the_planted_truth(office: dict) -> None:
    bounds = office["bounds"]
    assert bounds["hold"] and bounds["low"] < bounds["high"]
    assert bounds["true"][1] == pytest.approx(office["gain"]["model"], abs=0.02)


def test_a_run_goes_on_after_a_line_that_was_cut_off_and_gives_the_same_again(
    office: dict, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    results = tmp_path / "results.jsonl"
    results.write_text('{"scenario": "reverse_pen', encoding="utf-8")
    command = ["--seeds", "1", "--scenario", SCENARIO, "--size", str(SIZE), "--capacity", str(CAPACITY), "--results", str(results)]
    main(command)
    (row,) = measured(results)
    assert {k: row[k] for k in office.keys() - TIMES} == {k: office[k] for k in office.keys() - TIMES}
    first, before = capsys.readouterr().out, results.read_bytes()
    main(command)
    assert capsys.readouterr().out == first and results.read_bytes() == before
    printed = [json.loads(line) for line in first.splitlines()]
    assert all({"name", "value", "unit", "compared_with"} <= line.keys() for line in printed) and len(printed) > 5
