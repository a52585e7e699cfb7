"""An imported office and a trained model for each supervision model: three synthetic ones, and the City of Chicago's public data."""

from __future__ import annotations

import sys
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
from conftest import ROOT, public_data
from on_spark import SMALL, connect

from jcml.registry.trained_model import TrainedModel
from jcml.serving.score import Published, ScoringRun
from jcml.simulation.scenarios import SCENARIOS, make_office, read_simulated
from jcml.tables.importing import import_table
from jcml.tables.office import read_office
from jcml.tables.store import Store
from jcml.training.train import Training
from jcml.workspace.workspace import Workspace

sys.path.insert(0, str(ROOT))
WORKSPACE = Workspace(ROOT)
MODELS = WORKSPACE.names


def trained_office(name: str, folder: Path) -> tuple[Path, TrainedModel, date]:
    """The office's folder, a trained model with version 1, and the as-of date of a list."""
    if name not in SCENARIOS:
        data = public_data()
        if data is None:
            pytest.skip("needs the public data sets: set JCML_DATA to their folder")
        from benchmarks.chicago_food import import_office

        store, as_of = import_office(data / "chicago_food", folder, WORKSPACE), date(2014, 9, 2)
    else:
        make_office(name, WORKSPACE.tables, folder, 1)
        last = read_simulated(folder).last_day
        store = Store(read_office(folder), WORKSPACE.tables)
        for table in sorted(store.office.bindings):
            import_table(store, table, received=last)
        as_of = last
    model = WORKSPACE.model(name)
    training = Training(name, model.definition, model.training, model.serving.capacity, store, until=as_of, trials=0, threads=1)
    return folder, replace(training.run().model, version=1), as_of


def score(name: str, folder: Path, trained: TrainedModel, as_of: date, master: str = "") -> tuple[ScoringRun, Published]:
    """Score and publish, in this process or on a cluster."""
    if master:
        connect(master)
    model = WORKSPACE.model(name)
    office = replace(read_office(folder), spark={**SMALL, "spark.sql.shuffle.partitions": "3"})
    store = Store(office, WORKSPACE.tables, master=master)
    run = ScoringRun(name, model.definition, model.serving, model.serving.capacity, trained, store, as_of, threads=1)
    return run, run.run()
