"""What a plan would cost, estimated from counts, so that the cheaper shape is chosen.

The range join costs for every (unit-date, row) pair; daily buckets cost for every row once, for every bucket, and for
every look-up. The constants are CPU microseconds, measured by `benchmarks.scale` on the machine that the page on
capacity names; only their ratios matter, and only within a factor of 1.3.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from jcml.dates import MICROSECONDS_PER_DAY, day_number
from jcml.engines.dialect import quote
from jcml.engines.engine import END_OF_TIME, Calendar, SourceFacts, Statistics

if TYPE_CHECKING:
    from jcml.engines.sql import SqlEngine

LATE = (0, 6, 13, 20, 27, 29, 55, 59, 83, 89, 167, 179, 335, 364)
"""After how many days rows are counted as late: a day less than the windows that people ask for."""
ONE_DAY_IN = 8
"""Entity-days are counted on every eighth day."""


def count(engine: SqlEngine, rows: str, entities: Iterable[str], exact: Iterable[str]) -> Statistics | None:
    """Count what estimates need: over `rows`, something to select from, in the same numbers on every engine.

    >>> from jcml.engines.duckdb import DuckDBEngine
    >>> one = f"(SELECT 'S' AS station, 5 AS litres, 16 AS _day, 0 AS _happened, 0 AS _known, {END_OF_TIME} AS _superseded)"
    >>> with DuckDBEngine({}) as engine:
    ...     found = count(engine, one, ["station"], ["litres"])
    >>> found.entities, found.largest, found.known_within(29)
    ((('station', 1, 8),), (('litres', 5),), 1)
    """
    entities, exact = list(entities), list(exact)
    current = f"_superseded >= {END_OF_TIME}"
    wanted = ["min(_day) AS first_day", "max(_day) AS last_day", "max(greatest(_known, _happened)) AS known"]
    wanted += [f"count(*) FILTER (WHERE {current} AND _known - _happened <= {d * MICROSECONDS_PER_DAY}) AS {quote(f'soon {d}')}" for d in LATE]
    wanted.append(f"count(*) FILTER (WHERE {current}) AS {quote('soon ever')}")
    wanted += [f"max(abs({quote(c)})) AS {quote('most ' + c)}" for c in exact]
    (found,) = engine.query(f"SELECT {', '.join(wanted)} FROM {rows}").to_pylist()
    if found["first_day"] is None:
        return None
    counted = []
    for column in entities:
        (each,) = engine.query(
            f"SELECT count(*) AS n, coalesce(sum(d), 0) AS d FROM (SELECT {quote(column)},"
            f" count(DISTINCT CASE WHEN _day % {ONE_DAY_IN} = 0 THEN _day END) AS d FROM {rows} WHERE {quote(column)} IS NOT NULL GROUP BY {quote(column)})"
        ).to_pylist()
        counted.append((column, each["n"], ONE_DAY_IN * int(each["d"])))
    soon = [(d, found[f"soon {d}"]) for d in LATE] + [(10**7, found["soon ever"])]
    largest = [(c, int(found["most " + c])) for c in exact if found["most " + c] is not None]
    return Statistics(found["first_day"], found["last_day"], found["known"] // MICROSECONDS_PER_DAY + 2, tuple(soon), tuple(counted), tuple(largest))


def as_json(counted: Statistics | None) -> dict[str, Any] | None:
    """Statistics as the catalogue keeps them.

    >>> as_json(Statistics(0, 9, 12))["last_day"]
    9
    """
    return None if counted is None else {k: list(v) if isinstance(v, tuple) else v for k, v in counted.__dict__.items()}


def from_json(kept: Mapping[str, Any] | None) -> Statistics | None:
    """Statistics from the catalogue; None where they were not counted, or not all of what is counted today.

    >>> from_json(as_json(Statistics(0, 9, 12, ((0, 1),)))) == Statistics(0, 9, 12, ((0, 1),))
    True
    """
    if kept is None or kept.keys() != Statistics.__dataclass_fields__.keys():
        return None
    values: dict[str, Any] = {k: tuple(map(tuple, v)) if isinstance(v, list) else v for k, v in kept.items()}
    return Statistics(**values)


@dataclass(frozen=True)
class Costs:
    """CPU microseconds of an engine; each pair is what one thing takes, and what each quantity of it takes besides.

    Parameters
    ----------
    row : float
        To read a row.
    pair : (float, float)
        A row that the range join meets.
    unit : (float, float)
        A unit-date in the result of a range join.
    bucket : (float, float)
        To make a daily bucket.
    running : (float, float)
        A day of an entity in the running sums, of what is known and of what is past.
    sorted : (float, float)
        Such a day, for each look-up it is sorted for.
    look_up : (float, float)
        A look-up of a unit-date.
    wide : float
        How many times as much a product takes that needs more than 64 bits.
    step : float
        A step of a plan, whatever it holds.

    >>> DUCKDB.row < SPARK.row
    True
    """

    row: float
    pair: tuple[float, float]
    unit: tuple[float, float]
    bucket: tuple[float, float]
    running: tuple[float, float]
    sorted: tuple[float, float]
    look_up: tuple[float, float]
    wide: float
    step: float

    def weight(self, part: str, fits: bool) -> float:
        """How many plain sums a quantity costs.

        >>> SPARK.weight("n", True), SPARK.weight("sdx", True), SPARK.weight("sdx", False)
        (1, 3, 78)
        """
        return HEAVY.get(part, 1) * (1 if fits or part not in ("q", "sdx") else self.wide)


DUCKDB = Costs(
    row=0.06, pair=(0.007, 0.003), unit=(0.0, 0.15), bucket=(0.2, 0.03), running=(0.5, 0.09), sorted=(0.15, 0.02), look_up=(0.15, 0.05), wide=1, step=20_000,
)
SPARK = Costs(
    row=0.4, pair=(0.027, 0.0017), unit=(0.5, 0.5), bucket=(4.5, 0.1), running=(0.9, 0.05), sorted=(0.0, 0.0), look_up=(1.5, 0.3), wide=26, step=500_000,
)
COSTS = {"duckdb": DUCKDB, "spark": SPARK}
HEAVY = {"q": 3, "sdx": 3, "distinct": 10, "last": 5, "first": 5}
"""Quantities that cost as much as several others: products in wide numbers, sets of values."""


def seconds(cost: tuple[float, float], quantities: float, number: float) -> float:
    """CPU seconds for a number of things with so many quantities each.

    >>> seconds((1.0, 0.5), 4, 2_000_000)
    6.0
    """
    return (cost[0] + cost[1] * quantities) * number / 1e6


@dataclass(frozen=True)
class Counted:
    """What one group of aggregates meets: the rows of a source, and how many units ask on how many dates.

    >>> from datetime import date
    >>> from zoneinfo import ZoneInfo
    >>> from jcml.dates import days
    >>> facts = SourceFacts(rows=1000, statistics=Statistics(19_000, 19_999, 20_010, ((29, 900),), (("station", 10, 1000),)))
    >>> calendar = Calendar((date(2024, 7, 1),), days(30), ZoneInfo("UTC"))
    >>> met = Counted.of(facts, ["station"], calendar, units=10)
    >>> met.per_entity, round(met.share([None]), 3), round(met.share([100]), 3)
    (100.0, 0.905, 0.1)
    """

    rows: int
    entities: int
    entity_days: int
    statistics: Statistics
    asof: tuple[int, ...]
    units: int

    @classmethod
    def of(cls, facts: SourceFacts, columns: Sequence[str], calendar: Calendar, units: int) -> Counted | None:
        """Counts for a match by some columns; None where nobody has counted."""
        if facts.statistics is None:
            return None
        met = [(n, d) for c, n, d in facts.statistics.entities if c in columns and n]
        if not met:
            return None
        entities, entity_days = max(met)
        return cls(facts.rows, entities, max(entity_days, entities), facts.statistics, tuple(map(day_number, calendar.days)), units)

    @property
    def per_entity(self) -> float:
        """Rows of one entity."""
        return self.rows / self.entities

    @property
    def buckets(self) -> float:
        """About how many daily buckets there are: rows of an entity-day are known after a few different lags."""
        return min(self.rows, self.entity_days * min(self.rows / self.entity_days, 8))

    def share(self, windows: Sequence[int | None]) -> float:
        """The share of an entity's rows that the widest window holds (in days; None for all), on average over the dates."""
        first, last = self.statistics.first_day, self.statistics.last_day
        widest = None if None in windows else max(w for w in windows if w is not None)
        held = [max(0, min(day, last + 1) - (first if widest is None else max(first, day - widest))) for day in self.asof]
        return sum(held) / len(held) / (last + 1 - first)

    def read(self, windows: Sequence[int | None]) -> float:
        """How many rows matter to any date at all."""
        first, last = self.statistics.first_day, self.statistics.last_day
        start = first if None in windows else max(first, min(self.asof) - max(w for w in windows if w is not None))
        return self.rows * max(0, min(max(self.asof), last + 1) - start) / (last + 1 - first)

    def range_join(self, costs: Costs, windows: Sequence[int | None], quantities: float, of: float = 1.0) -> float:
        """CPU seconds of a range join with all rows, or with a share of them."""
        pairs = self.pairs(windows) * of
        return seconds(costs.pair, quantities, pairs) + seconds(costs.unit, quantities, min(self.units, pairs)) + (costs.row * self.rows + costs.step) / 1e6

    def daily(self, costs: Costs, windows: Sequence[int | None], quantities: float) -> float:
        """CPU seconds of daily buckets, without what goes through a range join besides."""
        asked = 1 + len({w for w in windows if w is not None})
        days = min(self.entity_days, self.read(windows))
        buckets = min(self.buckets, self.read(windows))
        return (
            (costs.row * (self.rows + self.read(windows)) + 4 * costs.step) / 1e6 + seconds(costs.bucket, quantities, buckets)
            + seconds(costs.running, quantities, 2 * days) + seconds(costs.sorted, quantities, asked * days)
            + seconds(costs.look_up, quantities, (asked + 1) * self.units)  # once more to join the result
        )

    def pairs(self, windows: Sequence[int | None]) -> float:
        """How many rows a range join meets."""
        return self.units * self.per_entity * self.share(windows)
