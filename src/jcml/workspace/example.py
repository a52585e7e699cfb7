"""A small synthetic office, imported and trained: for a prompt, a notebook, or the example of a docstring.

It holds the records of `reverse_penalty_link`, drawn from a seed, in a folder that goes when the process ends. Its
figures show how the machinery works and say nothing of accuracy.
"""

from __future__ import annotations

import atexit
import shutil
import tempfile
from dataclasses import replace
from datetime import date
from functools import cache
from pathlib import Path

from jcml.serving.score import Published, ScoringRun
from jcml.simulation.scenarios import simulate
from jcml.simulation.writing import write_office
from jcml.tables.importing import import_table
from jcml.tables.office import read_office
from jcml.tables.store import Store
from jcml.training.train import Trained, Training
from jcml.workspace.scaffold import shipped
from jcml.workspace.workspace import Model, Workspace

NAME, SIZE, SEED = "reverse_penalty_link", 900, 7
AS_OF = date(2025, 1, 1)
"""A day on which the example office can be looked at."""


@cache
def example_office() -> Path:
    """The folder of the example office: raw files, `office.toml`, and the planted truth in `truth.csv`.

    >>> sorted(p.name for p in example_office().iterdir())[:2]
    ['data', 'office.toml']
    """
    folder = Path(tempfile.mkdtemp(prefix="jcml-example-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    write_office(simulate(NAME, SEED, size=SIZE), Workspace(shipped()).tables, folder, seed=SEED)
    return folder


@cache
def example() -> tuple[Model, Store]:
    """The supervision model of the example office, and its imported data.

    >>> model, store = example()
    >>> model.name, store.office.synthetic
    ('reverse_penalty_link', True)
    """
    workspace = Workspace(shipped())
    store = Store(read_office(example_office()), workspace.tables)
    for table in store.office.bindings:
        import_table(store, table, received=date(2026, 1, 1))
    return workspace.model(NAME), store


@cache
def example_training() -> Trained:
    """A training run on the example office, with few trees and no search.

    >>> example_training().model.name
    'reverse_penalty_link'
    """
    model, store = example()
    plan = replace(model.training, estimator=replace(model.training.estimator, rounds=60, seeds=(1, 2)))
    return Training(NAME, model.definition, plan, 10, store, until=date(2026, 1, 1), trials=0, threads=1).run()


@cache
def example_list() -> Published:
    """The published list of the example office on `AS_OF`, as if the example training were in force.

    >>> example_list().publication.clues
    10
    """
    model, store = example()
    trained = replace(example_training().model, version=1)
    return ScoringRun(NAME, model.definition, model.serving, 10, trained, store, AS_OF, threads=1).run()
