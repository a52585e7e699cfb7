"""Data as they are in life: one entity with most of the rows, one phone that everybody holds, partitions without rows, and rows that come late."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import timedelta

import pytest
from on_spark import EVERYTHING, SESSION_ZONES, spark_engine
from property.test_features import MODELS, ZONE, definition
from property.worlds import numbers, random_world

from jcml.dates import midnight
from jcml.query import Shared, walk

pytestmark = pytest.mark.skipif(not SESSION_ZONES, reason="needs the extra spark and Java 17")
CUT_SMALL = {
    "spark.sql.adaptive.enabled": "true",
    "spark.sql.autoBroadcastJoinThreshold": "-1",  # so that rows are shuffled, and one partition has most of them
    "spark.sql.shuffle.partitions": "5",
    "spark.sql.adaptive.coalescePartitions.enabled": "false",  # empty ones stay
    "spark.sql.adaptive.skewJoin.skewedPartitionThresholdInBytes": "4k",
    "spark.sql.adaptive.skewJoin.skewedPartitionFactor": "1.5",
    "spark.sql.adaptive.advisoryPartitionSizeInBytes": "2k",
}


def skewed(model, world, seed):
    """The world with 60 % of every source's rows about one entity, a hub for every value, and a tenth known only on the last day."""
    rng = random.Random(seed)
    last = world.calendar.days[-1] - timedelta(days=1)
    made = {}
    for name, versions in world.versions.items():
        table = {**model.tables, **model.label_tables}[name]
        taken = {c.name for c in table.columns.values() if {"row id", "key"} & set(c.roles)}
        hubs = {c.name: next((v[c.name] for v in versions if v[c.name] is not None), None) for c in table.columns.values() if c.name in versions[0] and c.entity} if versions else {}
        changed = []
        for version in versions:
            if rng.random() < 0.6:
                version = version | {c: h for c, h in hubs.items() if c not in taken}
            if table.happens and rng.random() < 0.1:
                version = version | {"_known": midnight(last, ZONE), "_known_day": last.toordinal() - 719_163}
            changed.append(version)
        made[name] = changed
    return replace(world, versions=made)


@pytest.mark.parametrize("name", MODELS if EVERYTHING else MODELS[1:2])
def test_skewed_data_give_what_duckdb_gives(name):
    model, every = definition(name)
    seed = 8000
    world = skewed(model, random_world(model, seed, size=400, every=every, zone=ZONE), seed)
    rows = world.rows()
    with world.engine(rows) as engine:
        expected = numbers(engine, model, world.calendar)
    with spark_engine(world.sources(rows), SESSION_ZONES[0], **CUT_SMALL) as spark:
        found = numbers(spark, model, world.calendar)
    assert found == expected and expected
    largest = max(abs(v) for values in expected.values() for v in values.values() if isinstance(v, float))
    assert largest > 100, "nothing was skewed"


def test_some_model_asks_for_shared_values():
    assert any(isinstance(n, Shared) for name in MODELS for _, v in definition(name)[0].full_question.values for n in walk(v))
