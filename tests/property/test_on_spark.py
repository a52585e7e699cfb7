"""The same properties on Spark: what DuckDB says, exactly, on random data of every supervision model.

A world here has as many rows as a good number of small ones, because Spark's cost is in the question, not in the rows.
"""

from __future__ import annotations

import random

import pytest
from on_spark import EVERYTHING, SESSION_ZONES, spark_engine
from property.test_features import MODELS, ZONE, definition
from property.worlds import numbers, random_world, with_a_future

from jcml.dates import midnight
from jcml.engines.engine import Calendar
from jcml.engines.inventory import settle_question
from jcml.query import Question

pytestmark = pytest.mark.skipif(not SESSION_ZONES, reason="needs the extra spark and Java 17")
WORLDS, SIZE = (3, 1000) if EVERYTHING else (1, 200)


def worlds(model, every, first, wanted=WORLDS):
    """Random worlds in which there are units, with a session time zone each."""
    seed = first
    while wanted:
        world = random_world(model, seed, size=SIZE, every=every, zone=ZONE)
        if world.rows()[model.unit_table.name]:
            yield seed, world, SESSION_ZONES[seed % len(SESSION_ZONES)]
            wanted -= 1
        seed += 1


@pytest.mark.parametrize("name", MODELS)
def test_spark_gives_what_duckdb_gives(name):
    """Every value of every unit, exactly, and the same source rows behind it."""
    model, every = definition(name)
    compared = behind = 0
    for seed, world, zone in worlds(model, every, 5000):
        rows = world.rows()
        full = model.full_question
        narrow = settle_question(Question(full.unit, None, tuple((n, v) for n, v in full.values if not n.startswith(("group:", "same"))), full.relations))
        with world.engine(rows) as engine:
            expected = numbers(engine, model, world.calendar)
            chosen = random.Random(seed).sample(sorted(expected), min(20, len(expected)))
            evidence = engine.evidence(narrow, world.calendar, chosen)
        with spark_engine(world.sources(rows), zone) as spark:
            found = numbers(spark, model, world.calendar)
            found_evidence = spark.evidence(narrow, world.calendar, chosen)
        assert found.keys() == expected.keys()
        for unit, values in expected.items():
            assert found[unit] == values, (seed, unit)
            compared += len(values)
        assert found_evidence.rows == evidence.rows, seed
        behind += sum(len(r) for parts in evidence.rows.values() for r in parts.values())
    assert compared > 500 and behind > 50


@pytest.mark.parametrize("name", MODELS if EVERYTHING else MODELS[:1])
def test_rows_known_on_or_after_the_date_change_nothing_on_spark(name):
    model, every = definition(name)
    for seed, world, zone in worlds(model, every, 6000):
        day = world.calendar.days[-1]
        calendar = Calendar((day,), every, ZONE)
        at = midnight(day, ZONE)
        answers = []
        crowded = with_a_future(world, seed, day)
        for rows in (world.rows(), world.rows(lambda v, at=at: v["_known"] < at), crowded.rows()):
            with spark_engine(world.sources(rows), zone) as spark:
                answers.append(numbers(spark, model, calendar))
        assert answers[0] == answers[1] == answers[2], seed
        assert answers[0]


@pytest.mark.parametrize("name", MODELS if EVERYTHING else MODELS[-1:])
def test_the_order_of_rows_and_the_number_of_partitions_do_not_matter_on_spark(name):
    model, every = definition(name)
    for seed, world, zone in worlds(model, every, 7000, wanted=1):
        rows = world.rows()
        with spark_engine(world.sources(rows), zone) as spark:
            one = numbers(spark, model, world.calendar)
        shuffled = {n: random.Random(seed).sample(r, len(r)) for n, r in rows.items()}
        with spark_engine(world.sources(shuffled), zone, **{"spark.sql.shuffle.partitions": "7", "spark.sql.adaptive.enabled": "true"}) as spark:
            assert numbers(spark, model, world.calendar) == one
