"""What tests share: drawn tables become an office's imported data, and every engine is asked the same question."""

from __future__ import annotations

import csv
import os
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import django
import pytest

sys.path.insert(0, str(Path(__file__).parent))
os.environ.setdefault("JCML_REVIEW_HOME", tempfile.mkdtemp(prefix="jcml-review-"))  # before Django reads its settings
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "jcml.review.settings")
django.setup()

from on_spark import EVERYTHING, SESSION_ZONES, agrees, spark_engine

from jcml.dates import Period, months
from jcml.engines.engine import Calendar
from jcml.engines.plain import PlainEngine
from jcml.engines.sql import SqlEngine
from jcml.features.resolve import Resolver
from jcml.query import Node, Question, Unit, walk
from jcml.tables.expression import Expression
from jcml.tables.importing import import_table
from jcml.tables.office import Binding, ColumnBinding, Office
from jcml.tables.pseudonyms import Pseudonyms, read_key
from jcml.tables.store import Store
from jcml.tables.table import Table

collect_ignore_glob = ["public/*/features/*"]  # workspaces: their files are loaded by jcml, not by pytest
ROOT = Path(__file__).resolve().parents[1]
SHANGHAI = ZoneInfo("Asia/Shanghai")


def public_data() -> Path | None:
    """The folder of the public data sets: `JCML_DATA`, or `shared/data` beside the repository."""
    for place in (os.environ.get("JCML_DATA", ""), ROOT.parent / "shared" / "data"):
        if place and Path(place).is_dir():
            return Path(place)
    return None


@pytest.fixture
def data() -> Path:
    found = public_data()
    if found is None:
        pytest.skip("needs the public data sets: set JCML_DATA to their folder")
    return found


@pytest.fixture(autouse=True)
def quiet_environment(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for name in ("JCML_LANG", "JCML_FAILPOINT", "JCML_OFFICE", "JCML_WORKSPACE"):
        monkeypatch.delenv(name, raising=False)
    yield


def rows_of(drawn: str) -> list[dict[str, str]]:
    """A table drawn with | between its columns; a line of dashes is decoration, an empty cell is unknown."""
    lines = [[c.strip() for c in line.split("|")] for line in drawn.strip().splitlines() if set(line.strip()) - set("-|+ ")]
    return [dict(zip(lines[0], line, strict=True)) for line in lines[1:]]


def make_store(
    folder: Path,
    tables: Mapping[type[Table], list[dict[str, str]]],
    *,
    zone: ZoneInfo = SHANGHAI,
    bindings: Mapping[str, dict[str, Any]] | None = None,
    received: date = date(2035, 1, 1),
    only_delivered: bool = True,
) -> Store:
    """An office whose data are these rows, imported as any office's are."""
    bound = {}
    for table, rows in tables.items():
        if not rows:
            continue
        path = folder / f"{table.name}.csv"
        names = list(dict.fromkeys(n for r in rows for n in r))
        with path.open("w", encoding="utf-8", newline="") as stream:
            writer = csv.DictWriter(stream, names, restval="")
            writer.writeheader()
            writer.writerows(rows)
        columns = {
            c.name: ColumnBinding(constant="") for c in table.columns.values()
            if c.name not in names and (not only_delivered or set(c.roles) & {"latitude", "longitude"})
        }
        columns = {k: v for k, v in columns.items() if not only_delivered}
        bound[table.name] = Binding(table.name, files=(path.name,), columns=columns, quarantine_at_most=0.0, **(bindings or {}).get(table.name, {}))
    office = Office(folder / "office.toml", "测试", zone, bound, folder / "state", folder / "state" / "pseudonym.key", memory="1GB", threads=1)
    store = Store(office, {t.name: t for t in tables})
    for name in bound:
        import_table(store, name, received=received)
    return store


def plain_tables(store: Store, names: list[str]) -> dict[str, list[dict[str, Any]]]:
    """The merged rows of some tables as the plain engine takes them."""
    from jcml.engines.dialect import quote

    with store.engine(names) as engine:
        return {n: engine.query(f"SELECT * FROM {quote(n)}").to_pylist() for n in engine.sources}


def answer(engine: SqlEngine, question: Question, calendar: Calendar) -> dict[tuple[tuple[str, ...], date], dict[str, Any]]:
    """What an engine says of each unit and date."""
    found = engine.matrix(question, calendar).to_pylist()
    return {(tuple(r[k] for k in question.unit.keys), r["_asof"]): {n: r[n] for n in question.names} for r in found}


@dataclass
class Asked:
    """A question about drawn tables, answered by every engine."""

    store: Store
    question: Question
    calendar: Calendar
    answers: dict[str, dict[tuple[tuple[str, ...], date], dict[str, Any]]]
    raw: dict[str, str]


def ask(
    folder: Path,
    tables: Mapping[type[Table], str | list[dict[str, str]]],
    values: Mapping[str, Expression],
    *,
    unit: Expression,
    days: tuple[date, ...],
    every: Period = months(1),
    once: int | None = None,
    cohort: Expression | None = None,
    zone: ZoneInfo = SHANGHAI,
    bindings: Mapping[str, dict[str, Any]] | None = None,
    everywhere: bool = False,
) -> Asked:
    drawn = {t: rows_of(d) if isinstance(d, str) else d for t, d in tables.items()}
    unit_table = next(iter(unit.tables.values()))
    known = {t.name: t for t in drawn} | {n: t for v in values.values() for n, t in v.tables.items()} | {unit_table.name: unit_table}
    if cohort is not None:
        known |= cohort.tables
    store = make_store(folder, {known[n]: drawn.get(known[n], []) for n in known}, zone=zone, bindings=bindings)
    resolver = Resolver(unit_table, (unit.node.name,), known)
    nodes: dict[str, Node] = {n: resolver.resolve(v.node) for n, v in values.items()}
    question = Question(
        Unit(unit_table.name, (unit.node.name,), once), resolver.resolve(cohort.node) if cohort is not None else None,
        tuple(nodes.items()), tuple(t.relation() for t in known.values()),
    )
    calendar = Calendar(days, every, zone)
    names = sorted({n.table for v in nodes.values() for n in walk(v) if hasattr(n, "table")} | {unit_table.name})
    answers: dict[str, Any] = {}
    with store.engine(names) as engine:
        facts = engine.facts()
        answers["duckdb"] = answer(engine, question, calendar)
        engine.shape = "buckets"
        summed = any(c.shape == "buckets" for c in engine.plan(question, calendar).choices)
        if summed:
            answers["duckdb, sums per day"] = answer(engine, question, calendar)
    for session_zone in SESSION_ZONES:
        with spark_engine(store.sources(names), session_zone) as spark:
            answers[f"spark {session_zone}"] = answer(spark, question, calendar)
            if summed and (everywhere or EVERYTHING):
                spark.shape = "buckets"
                answers[f"spark {session_zone}, sums per day"] = answer(spark, question, calendar)
    answers["plain"] = PlainEngine(plain_tables(store, names), facts).answer(question, calendar)
    entity = unit_table.columns[unit.node.name].entity
    pseudonyms = Pseudonyms(read_key(store.office.key))
    raw = {pseudonyms.of(entity, r[unit.node.name]): r[unit.node.name] for r in drawn[unit_table] if r.get(unit.node.name)}
    return Asked(store, question, calendar, answers, raw)


Spec = Callable[..., None]


@pytest.fixture
def spec(tmp_path: Path, request: pytest.FixtureRequest) -> Spec:
    """`spec(tables, expression, as_of=…, expected={unit: value})`: every engine must give exactly that."""

    def check(
        tables: Mapping[type[Table], str],
        value: Expression,
        *,
        expected: Mapping[str, Any],
        as_of: str = "2025-01-01",
        unit: Expression | None = None,
        **options: Any,
    ) -> None:
        from spec.contracts import Stations

        asked = ask(tmp_path, tables, {"v": value}, unit=Stations.station if unit is None else unit, days=(date.fromisoformat(as_of),), **options)
        for engine, answer in asked.answers.items():
            found = {asked.raw[key[0]]: row["v"] for (key, _), row in answer.items()}
            agrees(engine, found, dict(expected), request.node.name)

    return check


@pytest.fixture(scope="session")
def trained_office_once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small office with imported data and a champion; tests take copies of it."""
    from small_office import make_small_office

    from jcml.cli.main import run

    folder = make_small_office(tmp_path_factory.mktemp("office") / "office")
    place = ["--quiet", "-w", str(folder), "-o", str(folder)]
    for command in (
        ["data", "import", "--received", "2025-03-01"],
        ["train", "example", "--until", "2025-01-01"],
        ["registry", "promote", "example", "--version", "1", "--by", "测试人", "--because", "测试用的任命"],
    ):
        assert run([*place, *command]) == 0, command
    return folder


@pytest.fixture
def office(trained_office_once: Path, tmp_path: Path) -> Path:
    """A copy of the trained office that a test may change."""
    import shutil

    return Path(shutil.copytree(trained_office_once, tmp_path / "office"))


@pytest.fixture
def jcml(office: Path) -> Callable[..., int]:
    """The command line, run in this process on the office: `jcml("score", "example", …)` gives the exit code."""
    from jcml.cli.main import run

    return lambda *arguments: run(["--lang", "en", "-w", str(office), "-o", str(office), *arguments])
