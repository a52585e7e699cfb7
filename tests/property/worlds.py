"""Random data for any supervision model, made from its contracts alone.

Rows are canonical versions, with everything that goes wrong in practice: unknown values, ties, late and early
knowledge, corrections, withdrawals, references to nobody, rows exactly on a window's edge.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pyarrow as pa

from jcml.dates import Period, day_number, midnight
from jcml.engines.duckdb import DuckDBEngine
from jcml.engines.engine import END_OF_TIME, Calendar, Source, SourceFacts
from jcml.engines.sql import SqlEngine
from jcml.features.definition import SupervisionModel
from jcml.query import Relation
from jcml.tables.table import Table

WORDS = ("给发票", "不给发票", "个人码", "自愿", "无异议", "确认", "借款", "测量", "加油", "复核", "整改", "已经处罚", "情节轻微")


@dataclass
class World:
    """Versions per table, before anything is superseded; `_gone` marks a withdrawal."""

    versions: dict[str, list[dict[str, Any]]]
    relations: dict[str, Relation]
    calendar: Calendar

    def rows(self, keep: Any = lambda version: True) -> dict[str, list[dict[str, Any]]]:
        """Canonical rows of the versions that `keep` keeps."""
        return {name: supersede([v for v in versions if keep(v)]) for name, versions in self.versions.items()}

    def facts(self, rows: dict[str, list[dict[str, Any]]]) -> dict[str, SourceFacts]:
        """What is delivered, with nothing assumed that would make the SQL shorter."""
        return {
            name: SourceFacts(
                rows=len(found), columns=frozenset(c for c, _ in self.relations[name].columns),
                first_known=min((r["_known"] for r in found), default=None), versioned=True,
            )
            for name, found in rows.items()
        }

    def sources(self, rows: dict[str, list[dict[str, Any]]]) -> dict[str, Source]:
        """These rows, bound for an engine."""
        facts = self.facts(rows)
        return {n: Source(self.relations[n], arrow(self.relations[n], found), facts[n]) for n, found in rows.items() if found}

    def engine(self, rows: dict[str, list[dict[str, Any]]], threads: int = 1) -> SqlEngine:
        """DuckDB over these rows."""
        return DuckDBEngine(self.sources(rows), threads=threads, memory="500MB")


def with_a_future(world: World, seed: int, day: date) -> World:
    """The same world with more rows, corrections and withdrawals that become known on the day or later."""
    rng = random.Random(seed)
    made: dict[str, list[dict[str, Any]]] = {}
    for name, versions in world.versions.items():
        later: list[dict[str, Any]] = []
        for version in versions:
            if rng.random() < 0.5:
                known = day + timedelta(days=rng.choice((0, 0, 1, 400)))
                other = rng.choice(versions)
                later.append(
                    {**other, "_row": version["_row"] if rng.random() < 0.6 else f"new-{len(later)}", "_version": 10_000 + len(later),
                     "_known": midnight(known, world.calendar.zone), "_known_day": known.toordinal() - 719_163, "_gone": rng.random() < 0.3}
                )
        made[name] = versions + later
    return replace(world, versions=made)


def supersede(versions: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Each version ends when the next one of its row becomes known; withdrawals end it and leave nothing."""
    by_row: dict[str, list[dict[str, Any]]] = {}
    for version in sorted(versions, key=lambda v: (v["_row"], v["_known"], v["_version"])):
        by_row.setdefault(version["_row"], []).append(version)
    made = []
    for chain in by_row.values():
        first = min(v["_known_day"] for v in chain)
        for index, version in enumerate(chain):
            end = chain[index + 1]["_known"] if index + 1 < len(chain) else END_OF_TIME
            if not version["_gone"]:
                made.append({k: v for k, v in version.items() if k != "_gone"} | {"_superseded": end, "_first_known_day": first})
    return made


def arrow(relation: Relation, rows: list[dict[str, Any]]) -> pa.Table:
    """Canonical rows as the engine's files hold them."""
    kinds = {"exact": pa.int64(), "boolean": pa.bool_(), "text": pa.string(), "date": pa.date32(), "moment": pa.int64()}
    system = {"_version": pa.int64(), "_row": pa.string(), "_known": pa.int64(), "_superseded": pa.int64(), "_first_known_day": pa.int32()}
    if relation.happens:
        system |= {"_happened": pa.int64(), "_day": pa.int32()}
    columns = {n: pa.array([r[n] for r in rows], k) for n, k in system.items()}
    for name, kind in relation.columns:
        values = [r.get(name) for r in rows]
        if kind.kind == "date":
            values = [None if v is None else date(1970, 1, 1) + timedelta(days=v) for v in values]
        columns[name] = pa.array(values, kinds[kind.kind])
    return pa.table(columns)


def random_world(definition: SupervisionModel, seed: int, *, size: int = 25, every: Period, zone: ZoneInfo) -> World:
    """A small random world for a model: `size` rows per table, more for events."""
    rng = random.Random(seed)
    end = date(2024, 7, 1)
    days = tuple(sorted({every.before(end), end}))
    tables: dict[str, type[Table]] = {**definition.tables, **definition.label_tables}
    pools: dict[str, list[str]] = {}
    versions = {}
    edges = [d for day in days for d in (day, day - timedelta(days=1), day - timedelta(days=365), day - timedelta(days=90))]
    for name, table in sorted(tables.items()):
        count = size if not table.happens else 3 * size
        if rng.random() < 0.06 and table is not definition.unit_table:
            count = 0
        versions[name] = _versions(table, count, rng, pools, edges, end, zone)
    relations = {n: t.relation() for n, t in tables.items()}
    return World(versions, relations, Calendar(days, every, zone))


def _versions(
    table: type[Table], count: int, rng: random.Random, pools: dict[str, list[str]], edges: list[date], end: date, zone: ZoneInfo
) -> list[dict[str, Any]]:
    made: list[dict[str, Any]] = []
    for index in range(count):
        row = f"{table.name}-{rng.randrange(count):03}" if rng.random() < 0.15 else f"{table.name}-{index:03}"
        happened = rng.choice(edges) if rng.random() < 0.2 else end - timedelta(days=rng.randrange(-40, 900))
        known = happened + timedelta(days=rng.choice((0, 1, 3, 30, 200, -20)))
        if rng.random() < 0.15:
            known = rng.choice(edges)
        for number in range(1 + (rng.random() < 0.2)):
            day = known + timedelta(days=number * rng.choice((0, 10, 300)))
            version: dict[str, Any] = {
                "_version": len(made), "_row": row, "_known": midnight(day, zone), "_known_day": day_number(day), "_gone": number > 0 and rng.random() < 0.4,
            }
            if table.happens:
                version |= {"_happened": midnight(happened, zone), "_day": day_number(happened)}
            version |= _values(table, rng, pools, happened, day, row)
            made.append(version)
    return made


def _values(table: type[Table], rng: random.Random, pools: dict[str, list[str]], happened: date, known: date, row: str) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for column in table.columns.values():
        if column.sensitivity == "protected":
            continue
        kind, name = column.type.value, column.name
        value: Any
        if column.entity and ("row id" in column.roles and len(table.having("row id")) == 1):
            value = f"{column.entity}:{row}"
            pools.setdefault(column.entity, []).append(value)
        elif column.entity:
            pool = pools.setdefault(column.entity, [f"{column.entity}:{i}" for i in range(6)])
            value = rng.choice(pool)
        elif column.type.codes:
            value = rng.choice(list(column.type.codes))
        elif kind.kind == "text":
            value = "，".join(rng.choices(WORDS, k=rng.randrange(1, 5)))
        elif kind.kind == "exact":
            value = rng.choice((0, 1, rng.randrange(-5, 50), rng.randrange(10**6))) * 10**kind.scale + rng.randrange(10**kind.scale)
            if "latitude" in column.roles or "longitude" in column.roles:
                value = 34_600_000 + rng.randrange(-20_000, 20_000)
        elif kind.kind == "boolean":
            value = rng.random() < 0.5
        elif kind.kind == "moment":
            value = midnight(happened, zone_of(table)) + rng.randrange(86_400) * 1_000_000
        elif "happened on" in column.roles or "known on" in column.roles:
            value = day_number(happened if "happened on" in column.roles else known)
        else:
            value = day_number(happened + timedelta(days=rng.randrange(-400, 400)))
        needed = {"row id", "key", "happened on", "known on"} & set(column.roles)
        found[name] = None if not needed and rng.random() < 0.12 else value
        if kind.kind == "moment":
            found[name + "__day"] = None if found[name] is None else day_number(happened)
            found[name + "__hour"] = None if found[name] is None else rng.randrange(24)
        if column.sensitivity == "free text":
            found[name + "__signature"] = None if found[name] is None else rng.choice((0, 1, 3, 7, 15, 2**40, 2**40 + 1))
        if column.identifier:
            found[name + "__valid"] = None if found[name] is None else rng.random() < 0.9
    return found


def zone_of(table: type[Table]) -> ZoneInfo:
    """All random worlds lie in one time zone."""
    return ZoneInfo("Asia/Shanghai")


def numbers(engine: SqlEngine, definition: SupervisionModel, calendar: Calendar) -> dict[tuple[Any, ...], dict[str, Any]]:
    """The matrix as a mapping from (keys, date) to values."""
    question = definition.full_question
    table = engine.matrix(question, calendar).to_pylist()
    return {(tuple(r[k] for k in question.unit.keys), r["_asof"]): {n: r[n] for n in question.names} for r in table}
