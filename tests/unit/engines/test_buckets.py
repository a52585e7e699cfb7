"""Sums per day: which day a moment belongs to, which rows are regular, what is kept over runs, and when it is worth it."""

from __future__ import annotations

import json
import os
import random
import shutil
import subprocess
import sys
from bisect import bisect_right
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import daily_sales
import pyarrow as pa
import pytest
from daily_sales import CALENDAR, deliver, matrix, question, store_in
from on_spark import SESSION_ZONES, spark_engine

from jcml.dates import day_number, days, ever, midnight, months
from jcml.durable import STEPS
from jcml.engines.buckets import day_of, soon_enough
from jcml.engines.choosing import COSTS
from jcml.engines.compile import Compiler
from jcml.engines.dialect import Dialect
from jcml.engines.duckdb import DuckDBEngine
from jcml.engines.engine import Calendar, SourceFacts, Statistics
from jcml.engines.kept import FILES, TABLES

ZONES = (
    "Asia/Shanghai", "UTC", "America/New_York", "Asia/Beirut", "America/Havana", "America/St_Johns", "Pacific/Apia", "Australia/Lord_Howe", "Africa/Casablanca",
    "America/Sao_Paulo",
)


@pytest.mark.parametrize("zone", ZONES)
@pytest.mark.parametrize(("first", "last"), [(date(1985, 6, 1), date(1992, 2, 1)), (date(2010, 1, 1), date(2026, 1, 1))])
def test_the_day_of_a_moment_is_the_last_one_that_had_begun(zone, first, last):
    """In every zone, for moments at midnights, a microsecond off, and anywhere; before the first day only the order counts."""
    at, rng = ZoneInfo(zone), random.Random(1)
    listed = [first + timedelta(days=i) for i in range((last - first).days + 1)]
    begins = [midnight(d, at) for d in listed]
    near = [b + rng.choice((-1, 0, 1, 3_600_000_000, -3_600_000_000)) for b in rng.sample(begins, 1500)]
    moments = [*near, *(rng.randrange(begins[0] - 10**15, begins[-1]) for _ in range(1500)), -(2**62), 0]
    with DuckDBEngine({}, threads=1) as engine, engine.given("moments", pa.table({"m": moments})):
        found = engine.query(f"SELECT m, {day_of('m', [first, last], at, Dialect())} AS d FROM moments").to_pylist()
    for row in found:
        index = bisect_right(begins, row["m"]) - 1
        if index >= 0:
            assert row["d"] == day_number(listed[index])
        else:
            assert row["d"] < day_number(first)


@pytest.mark.parametrize("zone", ZONES)
@pytest.mark.parametrize("over", [days(1), days(7), days(30), months(1), months(2), months(12)])
def test_what_happened_before_a_window_is_known_at_its_end_when_it_was_known_soon_enough(zone, over):
    at = ZoneInfo(zone)
    late = soon_enough([over, ever])
    for number in range(0, 15 * 366, 3):
        day = date(2009, 1, 1) + timedelta(days=number)
        assert midnight(day, at) - midnight(over.before(day), at) >= late


FIRST = [
    {"sale": str(i), "station": f"S-{i % 3}", "sold_on": f"2024-12-{d:02}", "known_on": f"2024-12-{d:02}", "litres": str(i), "amount": "100000000.5"}
    for i, d in enumerate((1, 1, 2, 3, 3, 3, 4, 5))
]
SECOND = [
    {"sale": "20", "station": "S-1", "sold_on": "2024-12-04", "known_on": "2024-12-07", "litres": "7", "amount": "3"},
    {"sale": "21", "station": "S-2", "sold_on": "2024-12-06", "known_on": "2024-12-06", "litres": "9", "amount": "4"},
]
CORRECTED = [{**FIRST[2], "known_on": "2024-12-20", "litres": "50"}]
STATIONS = [{"version": str(i), "station": f"S-{i}", "known_on": "2020-01-01"} for i in range(4)]


@pytest.fixture
def store(tmp_path):
    made = store_in(tmp_path)
    deliver(made, "stations", STATIONS, date(2024, 1, 1))
    deliver(made, "sales", FIRST, date(2025, 1, 1))
    return made


def kept(store) -> tuple[dict[str, list[str]], Path]:
    (listed,) = (store.root / "buckets" / "sales").glob("*/days.json")
    return json.loads(listed.read_text(encoding="utf-8"))["days"], listed


def rows_of(store) -> list[tuple[object, ...]]:
    """All kept buckets, in some order that is always the same."""
    days_, listed = kept(store)
    found = []
    with DuckDBEngine({}, threads=1) as engine:
        for name in {f for _, f in days_.values()}:
            live = [int(d) for d, (_, f) in days_.items() if f == name]
            found += [tuple(r.values()) for r in engine.query(f"SELECT * FROM {engine.parquet(listed.parent / name)}").to_pylist() if r["_a"] in live]
    return sorted(found, key=str)


def december(*numbers: int) -> set[str]:
    return {str(day_number(date(2024, 12, n))) for n in numbers}


def test_only_days_whose_rows_changed_are_added_up_again(store):
    assert matrix(store) == matrix(store, shape="range")
    before, _ = kept(store)
    assert before.keys() == december(1, 2, 3, 4, 5)

    deliver(store, "sales", SECOND, date(2025, 1, 2))
    assert matrix(store) == matrix(store, shape="range")
    after, _ = kept(store)
    assert {d for d in after if before.get(d) != after[d]} == december(6, 7)

    deliver(store, "sales", CORRECTED, date(2025, 1, 3))
    assert matrix(store) == matrix(store, shape="range")
    last, _ = kept(store)
    assert last.keys() == december(1, 3, 4, 5, 6, 7, 20), "the only row of 2 December was replaced on the 20th"
    assert {d for d in last if after.get(d) != last[d]} == december(20)

    found = rows_of(store)
    shutil.rmtree(store.root / "buckets")
    matrix(store)
    assert rows_of(store) == found, "what was kept is what is made from scratch"


def test_a_day_loses_the_row_that_was_corrected(store):
    matrix(store)
    before, _ = kept(store)
    deliver(store, "sales", [{**FIRST[4], "known_on": "2024-12-20", "litres": "50"}], date(2025, 1, 3))
    assert matrix(store) == matrix(store, shape="range")
    after, _ = kept(store)
    assert {d for d in after if before.get(d) != after[d]} == december(3, 20)


def test_nothing_is_written_when_nothing_was_delivered(store):
    first = matrix(store)
    written = {p: p.stat().st_mtime_ns for p in (store.root / "buckets").rglob("*.*")}
    assert matrix(store) == first
    assert {p: p.stat().st_mtime_ns for p in (store.root / "buckets").rglob("*.*")} == written


def test_many_small_deliveries_end_in_few_files(store):
    for i in range(FILES + 3):
        deliver(store, "sales", [{**SECOND[0], "sale": f"more-{i}", "known_on": f"2024-12-{8 + i:02}"}], date(2025, 1, 3))
        found = matrix(store)
    assert found == matrix(store, shape="range")
    days_, listed = kept(store)
    assert len(days_) == 5 + FILES + 3
    files = list(listed.parent.glob("*.parquet"))
    assert len(files) <= FILES
    assert {p.name for p in files} == {f for _, f in days_.values()}


@pytest.mark.parametrize("step", [s for s in STEPS if s.startswith("buckets.")])
def test_killed_at_any_step_the_next_run_gives_the_same(store, step):
    matrix(store)
    deliver(store, "sales", SECOND, date(2025, 1, 2))
    environment = {**os.environ, "JCML_FAILPOINT": f"{step}:kill"}
    killed = subprocess.run([sys.executable, daily_sales.__file__, str(store.root.parent)], env=environment, capture_output=True, check=False)
    assert killed.returncode == -9, killed.stderr.decode()
    assert matrix(store) == matrix(store, shape="range")
    days_, listed = kept(store)
    assert {p.name for p in listed.parent.glob("*.parquet")} == {f for _, f in days_.values()}
    assert not list(store.root.rglob("*.part"))


def test_a_file_of_days_that_is_gone_is_made_again(store):
    first = matrix(store)
    _, listed = kept(store)
    for path in listed.parent.glob("*.parquet"):
        path.unlink()
    assert matrix(store) == first


def test_of_many_questions_only_the_latest_tables_are_kept(store):
    whole = question()
    for i in range(TABLES + 2):
        over = days(40 + i)
        with store.engine(daily_sales.TABLES) as engine:
            engine.shape = "buckets"
            asked = replace(whole, values=tuple((n, replace(v, over=over)) for n, v in whole.values if n == "count"))
            engine.matrix(asked, CALENDAR)
    assert len([p for p in (store.root / "buckets" / "sales").iterdir() if p.is_dir()]) == TABLES


@pytest.mark.skipif(not SESSION_ZONES, reason="needs Spark")
def test_a_cluster_keeps_days_in_the_same_way(store):
    def on_spark() -> list[dict[str, object]]:
        with spark_engine(store.sources(daily_sales.TABLES)) as engine:
            engine.shape, engine.buckets = "buckets", store.root / "buckets"
            return engine.matrix(question(), CALENDAR).to_pylist()

    assert on_spark() == matrix(store, shape="range")
    before, _ = kept(store)
    assert before.keys() == december(1, 2, 3, 4, 5)
    deliver(store, "sales", SECOND, date(2025, 1, 2))
    assert on_spark() == matrix(store, shape="range")
    after, _ = kept(store)
    assert {d for d in after if before.get(d) != after[d]} == december(6, 7)
    first = rows_of(store)
    shutil.rmtree(store.root / "buckets")
    assert on_spark() == matrix(store)
    tables = sorted((store.root / "buckets" / "sales").glob("*/days.json"))
    assert len(tables) == 2, "each engine has its own"
    shutil.rmtree(next(t.parent for t in tables if len(list(t.parent.glob("*.parquet"))) and not next(t.parent.glob("*.parquet")).is_dir()))
    assert rows_of(store) == first, "what was kept is what is made from scratch"


# -- choosing ----------------------------------------------------------------------------------------------------------


def chosen(rows: int, entities: int, dates: int, *, counted: bool = True) -> list[str]:
    """The shapes for sales of two years, asked about on some dates of the last one."""
    first, last = date(2022, 7, 1), date(2024, 7, 1)
    span = (last - first).days
    filled = int(entities * span * (1 - 2.718281828 ** (-rows / entities / span)))
    statistics = Statistics(
        day_number(first), day_number(last) - 1, day_number(last) + 120, ((27, int(0.98 * rows)), (10**7, rows)), (("station", entities, filled),),
        (("litres", 10_000), ("amount", 10**8)),
    )
    facts = {
        "stations": SourceFacts(rows=entities, columns=frozenset(daily_sales.Stations.columns), first_known=0, one_row_per_key=True),
        "sales": SourceFacts(rows=rows, columns=frozenset(daily_sales.Sales.columns), first_known=0, statistics=statistics if counted else None),
    }
    asked = sorted(last - timedelta(days=round(i * 365 / dates)) for i in range(dates))
    plan = Compiler(question(), Calendar(tuple(asked), months(1), ZoneInfo("Asia/Shanghai")), facts, Dialect()).plan()
    return [c.shape for c in plan.choices]


@pytest.mark.parametrize(
    ("rows", "entities", "dates", "shape"),
    [
        (10_000_000, 200, 1, "range join"), (10_000_000, 200, 100, "buckets"), (1_000_000, 200, 100, "buckets"),
        (10_000_000, 20_000, 1, "range join"), (10_000_000, 20_000, 10, "range join"), (1_000_000, 20_000, 100, "range join"), (1_000_000, 200, 1, "range join"),
    ],
)
def test_the_shape_that_was_measured_to_be_cheaper_is_chosen(rows, entities, dates, shape):
    assert chosen(rows, entities, dates)[0] == shape


def test_without_counts_rows_are_joined():
    assert chosen(10_000_000, 200, 100, counted=False) == ["range join"]


def test_the_plan_says_what_it_counted_and_what_it_expects():
    made = store_why()
    assert made.startswith("6 aggregates from sums per day; ")
    assert "10,000,000 rows" in made and "per entity-day" in made and "20,000 unit-dates: buckets" in made and "range join" in made and "(estimated CPU)" in made


def store_why() -> str:
    calendar = Calendar(tuple(date(2024, 3, 1) + timedelta(days=d) for d in range(100)), days(1), ZoneInfo("Asia/Shanghai"))
    statistics = Statistics(19_000, 19_900, 20_000, ((0, 10_000_000),), (("station", 200, 180_000),))
    facts = {
        "stations": SourceFacts(rows=200, columns=frozenset(daily_sales.Stations.columns), first_known=0, one_row_per_key=True),
        "sales": SourceFacts(rows=10_000_000, columns=frozenset(daily_sales.Sales.columns), first_known=0, statistics=statistics),
    }
    return Compiler(question(), calendar, facts, Dialect()).plan().choices[0].why


def test_a_merge_counts_what_choosing_needs(store):
    counted = store.facts("sales").statistics
    assert (counted.first_day, counted.last_day) == (day_number(date(2024, 12, 1)), day_number(date(2024, 12, 5)))
    assert counted.known_within(0) == 8
    assert {c: n for c, n, _ in counted.entities} == {"station": 3}
    assert dict(counted.largest) == {"litres": 70, "amount": 10_000_000_050}
    assert store.facts("stations").statistics is None


def test_both_engines_have_costs():
    assert COSTS.keys() == {"duckdb", "spark"}
