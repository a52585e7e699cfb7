"""Properties of every supervision model on random data, and not only of the examples somebody thought of."""

from __future__ import annotations

import random
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from conftest import ROOT
from property.worlds import numbers, random_world, with_a_future

from jcml.dates import midnight
from jcml.engines.engine import Calendar
from jcml.engines.plain import PlainEngine
from jcml.workspace.workspace import Workspace

ZONE = ZoneInfo("Asia/Shanghai")
WORKSPACE = Workspace(ROOT)
MODELS = [n for n in WORKSPACE.names if all(p.exists() for p in WORKSPACE.files(n).values())]
SETS, BLOCKS = 200, 8


def definition(name):
    return WORKSPACE.model(name).definition, WORKSPACE.model(name).serving.every


@pytest.mark.parametrize("block", range(BLOCKS))
@pytest.mark.parametrize("name", MODELS)
def test_rows_known_on_or_after_the_date_change_nothing(name, block):
    """No look-ahead: deleting all such rows, or adding any, leaves every value as it was."""
    model, every = definition(name)
    compared = 0
    for seed in range(block * SETS // BLOCKS, (block + 1) * SETS // BLOCKS):
        world = random_world(model, seed, every=every, zone=ZONE)
        day = world.calendar.days[-1]
        calendar = Calendar((day,), every, ZONE)
        at = midnight(day, ZONE)
        with world.engine(world.rows()) as engine:
            if model.unit_table.name not in engine.sources:
                continue
            whole = numbers(engine, model, calendar)
        past = world.rows(lambda v, at=at: v["_known"] < at)
        if not past[model.unit_table.name]:
            assert not whole
            continue
        with world.engine(past) as engine:
            assert numbers(engine, model, calendar) == whole, f"deleting the future changed a value (seed {seed})"
        crowded = with_a_future(world, seed, day)
        with crowded.engine(crowded.rows()) as engine:
            assert numbers(engine, model, calendar) == whole, f"adding a future changed a value (seed {seed})"
        compared += len(whole)
    assert compared > 0


@pytest.mark.parametrize("name", MODELS)
def test_duckdb_gives_what_plain_python_gives(name):
    """Every value of every unit, exactly, on thirty random worlds."""
    model, every = definition(name)
    compared = unknown = 0
    for seed in range(1000, 1030):
        world = random_world(model, seed, every=every, zone=ZONE)
        rows = world.rows()
        with world.engine(rows) as engine:
            if model.unit_table.name not in engine.sources:
                continue
            found = numbers(engine, model, world.calendar)
            engine.shape = "buckets"
            assert numbers(engine, model, world.calendar) == found, f"sums per day differ from rows (seed {seed})"
            facts = engine.facts()
        expected = PlainEngine(rows, facts).answer(model.full_question, world.calendar)
        assert found.keys() == expected.keys()
        for unit, values in expected.items():
            for column, value in values.items():
                assert found[unit][column] == value, (seed, unit, column)
                compared += 1
                unknown += value is None
    assert compared > 1000 and unknown < compared


@pytest.mark.parametrize("name", MODELS)
def test_the_order_of_rows_and_the_number_of_threads_do_not_matter(name):
    model, every = definition(name)
    for seed in range(2000, 2010):
        world = random_world(model, seed, every=every, zone=ZONE)
        rows = world.rows()
        if not rows[model.unit_table.name]:
            continue
        with world.engine(rows, threads=1) as engine:
            one = numbers(engine, model, world.calendar)
        shuffled = {n: random.Random(seed).sample(r, len(r)) for n, r in rows.items()}
        with world.engine(shuffled, threads=2) as engine:
            assert numbers(engine, model, world.calendar) == one


@pytest.mark.parametrize("name", MODELS)
def test_a_value_is_recomputed_exactly_from_its_evidence_rows_alone(name):
    """A thousand random pairs of unit and feature: plain Python, given only the evidence rows, finds the value that SQL found."""
    from property.recompute import recompute_pairs

    model, every = definition(name)
    checked = with_rows = 0
    for seed in range(3000, 3200):
        world = random_world(model, seed, every=every, zone=ZONE)
        done, behind = recompute_pairs(world, model, seed, at_most=40)
        checked, with_rows = checked + done, with_rows + behind
        if checked >= 1000 and with_rows >= 300:
            break
    assert checked >= 1000
    assert with_rows >= 300, "hardly any value had rows behind it"


def test_every_model_of_the_workspace_is_looked_at():
    assert WORKSPACE.names == MODELS
    assert Path(ROOT / "features" / "food_safety.py").exists()
