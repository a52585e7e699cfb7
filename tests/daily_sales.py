"""A few sales whose daily buckets are kept; run as a program it asks for the matrix once, and a test may kill it meanwhile."""

from __future__ import annotations

import csv
import sys
from datetime import date
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

sys.path.insert(0, str(Path(__file__).parent))
from spec.contracts import Sales, Stations

from jcml.dates import days, ever, months
from jcml.engines.engine import Calendar
from jcml.features.resolve import Resolver
from jcml.query import Question, Unit
from jcml.tables.importing import import_table
from jcml.tables.office import Binding, Office
from jcml.tables.store import Store

ZONE = ZoneInfo("Asia/Shanghai")
TABLES = {t.name: t for t in (Stations, Sales)}
CALENDAR = Calendar((date(2025, 1, 1), date(2025, 2, 1)), months(1), ZONE)


def store_in(folder: Path) -> Store:
    """The office of a folder."""
    bound = {n: Binding(n, files=(f"{n}.csv",), columns={}, quarantine_at_most=0.0) for n in TABLES}
    return Store(Office(folder / "office.toml", "测试", ZONE, bound, folder / "state", folder / "state" / "key", memory="500MB", threads=1), TABLES)


def deliver(store: Store, table: str, rows: list[dict[str, str]], received: date) -> None:
    """Import one more delivery."""
    with (store.root.parent / f"{table}.csv").open("w", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    import_table(store, table, received=received)


def question() -> Question:
    """Counts, sums, a slope and a recency, over a month and over everything."""
    resolver = Resolver(Stations, ("station",), TABLES)
    values = {
        "count": Sales.count(over=days(30)), "litres": Sales.litres.sum(over=months(1)), "all": Sales.amount.sum(over=ever),
        "trend": Sales.litres.trend(over=ever), "since": Sales.since(over=days(60)), "std": Sales.amount.std(over=days(60)),
    }
    return Question(Unit("stations", ("station",), None), None, tuple((n, resolver.resolve(v.node)) for n, v in values.items()), tuple(t.relation() for t in TABLES.values()))


def matrix(store: Store, *, shape: str = "buckets") -> list[dict[str, Any]]:
    """The matrix, by a forced shape."""
    with store.engine(TABLES) as engine:
        engine.shape = shape
        found: list[dict[str, Any]] = engine.matrix(question(), CALENDAR).to_pylist()
    return found


if __name__ == "__main__":
    matrix(store_in(Path(sys.argv[1])))
