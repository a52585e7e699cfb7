"""The City of Chicago's own split, measured by the shared protocol: how many days earlier a critical violation is found.

Every feature is frozen at the start of the period. Seeds and settings were chosen on periods before the test.
"""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from conftest import ROOT

sys.path.insert(0, str(ROOT))

from benchmarks.chicago_food import import_office, protocol_figures, train, with_inspectors

from jcml.training.model_card import write_evidence
from jcml.workspace.workspace import Workspace


@pytest.fixture(scope="module")
def public_office(tmp_path_factory):
    from conftest import public_data

    data = public_data()
    if data is None:
        pytest.skip("needs the public data sets: set JCML_DATA to their folder")
    workspace = Workspace(ROOT)
    folder = tmp_path_factory.mktemp("chicago")
    return data, workspace, import_office(data / "chicago_food", folder, workspace)


@pytest.mark.data
def test_without_the_group_of_inspectors(public_office, tmp_path: Path):
    data, workspace, store = public_office
    definition = workspace.model("food_safety").definition
    trained = train(store, workspace, definition)
    figures = protocol_figures(trained, store, data)
    assert (figures["n"], figures["positives"]) == (1665, 263)
    assert figures["auc"] >= 0.61
    assert figures["mean_days_earlier"] >= 4.5
    assert trained.kept
    write_evidence(trained, tmp_path, definition, store.office.name, synthetic=False)
    assert "检查组效应" in (tmp_path / "model_card.zh.html").read_text(encoding="utf-8")
    assert "inspector effect" in (tmp_path / "model_card.en.html").read_text(encoding="utf-8")


@pytest.mark.data
def test_the_group_of_inspectors_adds_what_it_says_about_who_looks(public_office):
    data, workspace, store = public_office
    figures = protocol_figures(train(store, workspace, with_inspectors(workspace), apart="inspectors"), store, data)
    assert figures["auc"] >= 0.70
    assert figures["first_half_model"] >= 0.72
