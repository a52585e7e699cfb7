"""Canonical Parquet files of any size, as `Store.merge` leaves them, for `benchmarks.scale`; every run makes the same rows.

Two sources, sales (63 in 100 events) and invoices (37), over two years up to 30 June 2024. Rows become known an exponential lag of three
days after they happened on average; 2 in 100 are 60 to 120 days late, 1 in 100 is known five days early. Stations differ mildly in size;
with `skew`, one of them has that share of all rows. Numbers come from hashes of the row's number, so threads do not change them.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from benchmarks.engine_bench import Invoices, Sales, Stations, values
from jcml.dates import days, midnight
from jcml.engines.choosing import as_json, count, from_json
from jcml.engines.duckdb import ROW_GROUP, DuckDBEngine, connect
from jcml.engines.engine import END_OF_TIME, Calendar, Source, SourceFacts
from jcml.features.resolve import Resolver
from jcml.query import Question, Unit

ZONE = ZoneInfo("Asia/Shanghai")
LAST = date(2024, 7, 1)
"""The last as-of date; every row happened before it."""
SPAN = 730
TABLES = {t.name: t for t in (Stations, Sales, Invoices)}
SHARES = {"sales": 0.63, "invoices": 0.37}
ONLY_FULL = ("max_365", "pumps_365")
"""What FULL asks beyond CORE: an extreme and a distinct count, which no plan can make from sums."""


@dataclass(frozen=True)
class Data:
    """One data set: how many events, over how many stations, and the share of the largest one beyond its own.

    >>> Data(1_000_000, 200).name
    '1000000-200'
    """

    events: int
    stations: int
    skew: float = 0.0

    @property
    def name(self) -> str:
        return f"{self.events}-{self.stations}" + (f"-{self.skew}" if self.skew else "")

    def files(self, folder: Path) -> dict[str, Path]:
        """The Parquet files, which are made if they are not in the folder."""
        place = folder / self.name
        place.mkdir(parents=True, exist_ok=True)
        found = {name: place / f"{name}.parquet" for name in TABLES}
        for name, path in found.items():
            if not path.exists():
                part = path.with_suffix(".part")
                self._write(name, part, folder)
                part.rename(path)
        return found

    def make(self, folder: Path) -> None:
        """Make what is missing, and count anew what plans are chosen by."""
        for name, path in self.files(folder).items():
            if name in SHARES:
                with DuckDBEngine({}, memory="3GB") as engine:
                    _counts(path).write_text(json.dumps(as_json(count(engine, engine.parquet(path), ["station"], ["amount"]))))

    def _write(self, name: str, path: Path, scratch: Path) -> None:
        first = (LAST - date(1970, 1, 1)).days - SPAN
        offset = midnight(date(1970, 1, 2), ZONE) - 86_400_000_000  # where the day begins in the office's time zone
        system = f"{END_OF_TIME} AS _superseded, 'b' AS _batch, _n AS _line"
        if name == "stations":
            inner = f"SELECT i AS _n, {_key('i')} AS station FROM range({self.stations}) AS r(i)"
            rows = f"SELECT station AS _row, {offset} AS _known, 0 AS _first_known_day, md5(station) AS _digest, {system}, station, DATE '1970-01-01' AS known_on"
            order = "station"
        else:
            inner = f"""
              SELECT *, greatest({first}, day + CASE WHEN {_random('lag')} < 0.02 THEN 60 + CAST(60 * {_random('late')} AS INTEGER)
                  WHEN {_random('lag')} > 0.99 THEN -5 ELSE CAST(floor(-3 * ln(1 - {_random('late')})) AS INTEGER) END) AS known
              FROM (SELECT i AS _n, {_key(f"CASE WHEN {_random('hub', 'i')} < {self.skew} THEN 0 ELSE CAST(floor({self.stations} * pow({_random('who', 'i')}, 1.3)) AS BIGINT) END")} AS station,
                {first} + CAST(floor({SPAN} * {_random('day', 'i')}) AS INTEGER) AS day FROM range({int(self.events * SHARES[name])}) AS r(i))"""
            pump = f", 'P' || CAST(floor(8 * {_random('pump')}) AS INTEGER) AS pump" if name == "sales" else ""
            rows = f"""SELECT '{name}' || _n AS _row, known * 86400000000 + {offset} AS _known, known AS _first_known_day, md5('{name}' || _n) AS _digest, {system},
              day * 86400000000 + {offset} AS _happened, day AS _day, '{name}' || _n AS number, station, CAST(100 + floor(90000 * {_random('amount')}) AS BIGINT) AS amount{pump},
              DATE '1970-01-01' + day AS happened_on, DATE '1970-01-01' + known AS known_on"""
            order = "station, _happened, _row, _known"
        connection = connect(memory="3GB", scratch=scratch / "spill")
        connection.execute("SET preserve_insertion_order = true")  # a row's version is its place in the sorted file
        connection.execute(f"COPY (SELECT row_number() OVER () - 1 AS _version, * FROM ({rows} FROM ({inner}) ORDER BY {order}))"
                           f" TO '{path}' (FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE {ROW_GROUP})")
        connection.close()

    def sources(self, folder: Path) -> dict[str, Source]:
        """The tables as an engine takes them, with the facts that a merge would have found; `make` comes before."""
        paths = self.files(folder)
        events = {n: int(self.events * s) for n, s in SHARES.items()}
        facts = SourceFacts(first_known=0, versioned=False)
        return {
            name: Source(
                table.relation(), paths[name],
                replace(
                    facts, rows=events.get(name, self.stations), columns=frozenset(table.columns), one_row_per_key=name == "stations",
                    statistics=from_json(json.loads(_counts(paths[name]).read_text())) if name in events else None,
                ),
            )
            for name, table in TABLES.items()
        }


def _counts(path: Path) -> Path:
    """Where what a merge counts of a source is kept for the processes that measure."""
    return path.with_suffix(".json")


def _random(what: str, number: str = "_n") -> str:
    """A number from 0 to 1 that the row's number and `what` fix."""
    shifted = ("hub", "who", "day", "lag", "late", "amount", "pump").index(what) << 40  # hash(a, b) would only mix b in by XOR: all alike
    return f"(CAST(hash(CAST({number} AS BIGINT) + {shifted}) >> 11 AS DOUBLE) / {2**53})"


def _key(number: str) -> str:
    """Twelve signs, as long as a pseudonym."""
    return f"'S' || lpad(CAST({number} AS VARCHAR), 11, '0')"


def question(features: str) -> Question:
    """CORE (19 features) or FULL (21) about every station."""
    resolver = Resolver(Stations, ("station",), TABLES)
    chosen: dict[str, Any] = {n: v for n, v in values().items() if features == "full" or n not in ONLY_FULL}
    return Question(
        Unit("stations", ("station",), None), None, tuple((n, resolver.resolve(v.node)) for n, v in chosen.items()),
        tuple(t.relation() for t in TABLES.values()),
    )


def calendar(dates: int) -> Calendar:
    """As-of dates, evenly spread over the last year; more than 365 are one a day."""
    span = max(365, dates)
    asked = sorted(LAST - timedelta(days=round(i * span / dates)) for i in range(dates))
    return Calendar(tuple(asked), days(1), ZONE)
