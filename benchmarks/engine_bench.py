"""21 features on a million events and 100,000 (station, date) pairs: compiled SQL against hand-written SQL and pandas.

    python -m benchmarks.engine_bench [--events 1000000] [--times 5]

The same Parquet files, the same DuckDB with the same threads, results compared with each other; the runs take turns, and the
medians are compared, so that load from elsewhere meets all of them.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Callable
from datetime import date
from pathlib import Path
from statistics import median
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np

from benchmarks.figures import Spent, show, spent
from jcml.dates import days, midnight
from jcml.engines.duckdb import DuckDBEngine, connect
from jcml.engines.engine import Calendar, Source, SourceFacts
from jcml.features import ever, ratio
from jcml.features.resolve import Resolver
from jcml.query import Question, Unit
from jcml.tables import Column, EntityTable, EventTable, integer, text
from jcml.tables import date as day

ZONE = ZoneInfo("Asia/Shanghai")
DATES = (date(2023, 7, 1), date(2023, 10, 1), date(2024, 1, 1), date(2024, 4, 1), date(2024, 7, 1))
STATIONS = 20_000


class Stations(EntityTable):
    """What is scored."""

    title = ("站", "Stations")
    agency = ("示例", "Example")
    station = Column(text, "站", "Station", role=("row id", "key"), entity="station")
    known_on = Column(day, "获知", "Known on", role="known on")


class Sales(EventTable):
    """Card sales at a pump."""

    title = ("刷卡", "Sales")
    agency = ("示例", "Example")
    number = Column(text, "号", "Number", role="row id")
    station = Column(text, "站", "Station", entity="station")
    amount = Column(integer, "金额", "Amount")
    pump = Column(text, "枪", "Pump")
    happened_on = Column(day, "日", "On", role="happened on")
    known_on = Column(day, "获知", "Known on", role="known on")


class Invoices(EventTable):
    """Invoices issued."""

    title = ("发票", "Invoices")
    agency = ("示例", "Example")
    number = Column(text, "号", "Number", role="row id")
    station = Column(text, "站", "Station", entity="station")
    amount = Column(integer, "金额", "Amount")
    happened_on = Column(day, "日", "On", role="happened on")
    known_on = Column(day, "获知", "Known on", role="known on")


def values() -> dict[str, Any]:
    """The 21 features."""
    made: dict[str, Any] = {}
    for name, source in (("sales", Sales), ("invoices", Invoices)):
        for length in (30, 90, 365):
            made[f"{name}_count_{length}"] = source.count(over=days(length))
            made[f"{name}_sum_{length}"] = source.amount.sum(over=days(length))
        made[f"{name}_since"] = source.since(over=ever)
    return made | {
        "mean_365": Sales.amount.mean(over=days(365)), "trend_365": Sales.amount.trend(over=days(365)),
        "max_365": Sales.amount.max(over=days(365)), "pumps_365": Sales.pump.distinct(over=days(365)),
        "ratio_90": ratio(Sales.amount.sum(over=days(90)), Invoices.amount.sum(over=days(90))),
        "ratio_365": ratio(Sales.amount.sum(over=days(365)), Invoices.amount.sum(over=days(365))),
        "no_invoice_90": Invoices.count(over=days(90)) == 0,
    }


def make_files(folder: Path, events: int) -> dict[str, Path]:
    """Canonical Parquet files, sorted by station and day as an import leaves them."""
    connection = connect()
    connection.execute("SELECT setseed(0.5)")
    offset = midnight(date(1970, 1, 2), ZONE) - 86_400_000_000  # of the first day in the office's time zone
    paths = {}
    for name, count in (("sales", int(events * 0.63)), ("invoices", int(events * 0.37))):
        paths[name] = folder / f"{name}.parquet"
        connection.execute(f"""
            COPY (SELECT row_number() OVER () - 1 AS _version, '{name}' || _n AS _row, known * 86400000000 + {offset} AS _known, {2**62} AS _superseded,
              CAST(known AS INTEGER) AS _first_known_day, day * 86400000000 + {offset} AS _happened, CAST(day AS INTEGER) AS _day, 'b' AS _batch,
              _n AS _line, '' AS _digest, '{name}' || _n AS number, station, amount, pump, DATE '1970-01-01' + CAST(day AS INTEGER) AS happened_on,
              DATE '1970-01-01' + CAST(known AS INTEGER) AS known_on
            FROM (SELECT *, day + CASE WHEN random() < 0.02 THEN 60 + CAST(random() * 60 AS BIGINT) ELSE CAST(-3 * ln(1 - random()) AS BIGINT) END AS known
              FROM (SELECT i AS _n, 'S' || lpad(CAST(CAST({STATIONS} * pow(random(), 1.3) AS BIGINT) % {STATIONS} AS VARCHAR), 5, '0') AS station,
                CAST(100 + random() * 90000 AS BIGINT) AS amount, 'P' || CAST(random() * 8 AS INTEGER) AS pump,
                CAST(19174 + random() * 730 AS BIGINT) AS day FROM range({count}) AS r(i)))
            ORDER BY station, day) TO '{paths[name]}' (FORMAT parquet, COMPRESSION zstd)""")
    paths["stations"] = folder / "stations.parquet"
    connection.execute(f"""
        COPY (SELECT i AS _version, 'S' || i AS _row, {offset} AS _known, {2**62} AS _superseded, 0 AS _first_known_day, 'b' AS _batch, i AS _line, '' AS _digest,
          'S' || lpad(CAST(i AS VARCHAR), 5, '0') AS station, DATE '1970-01-01' AS known_on FROM range({STATIONS}) AS r(i)) TO '{paths["stations"]}' (FORMAT parquet)""")
    return paths


def compiled(paths: dict[str, Path], threads: int) -> Any:
    """The matrix by the feature language."""
    tables = {t.name: t for t in (Stations, Sales, Invoices)}
    resolver = Resolver(Stations, ("station",), tables)
    question = Question(
        Unit("stations", ("station",), None), None, tuple((n, resolver.resolve(v.node)) for n, v in values().items()),
        tuple(t.relation() for t in tables.values()),
    )
    sources = {
        n: Source(t.relation(), paths[n], SourceFacts(rows=1, columns=frozenset(t.columns), first_known=0, versioned=False, one_row_per_key=n == "stations"))
        for n, t in tables.items()
    }
    with DuckDBEngine(sources, threads=threads) as engine:
        return engine.matrix(question, Calendar(DATES, days(91), ZONE))


def by_hand(paths: dict[str, Path], threads: int) -> Any:
    """The same by one SQL statement, as one would write it for these files."""
    connection = connect(threads=threads)

    def side(table: str, more: str = "") -> str:
        windows = ", ".join(
            f"count(*) FILTER (WHERE happened_on >= t - {w}) AS {table}_count_{w}, coalesce(sum(amount) FILTER (WHERE happened_on >= t - {w}), 0) AS {table}_sum_{w}"
            for w in (30, 90, 365)
        )
        return f"""SELECT station, t, {windows}, min(t - happened_on) AS {table}_since{more}
            FROM read_parquet('{paths[table]}') JOIN dates ON happened_on < t AND known_on < t GROUP BY station, t"""

    year = "FILTER (WHERE happened_on >= t - 365)"
    more = f""", avg(amount) {year} AS mean_365, regr_slope(amount, happened_on - DATE '1970-01-01') {year} AS trend_365,
        max(amount) {year} AS max_365, count(DISTINCT pump) {year} AS pumps_365"""
    listed = ", ".join(f"(DATE '{d}')" for d in DATES)
    zero = ", ".join(f"coalesce({s}_{m}_{w}, 0)::DOUBLE AS {s}_{m}_{w}" for s in ("sales", "invoices") for m in ("count", "sum") for w in (30, 90, 365))
    return connection.sql(f"""
        WITH dates(t) AS (VALUES {listed}), s AS ({side("sales", more)}), i AS ({side("invoices")})
        SELECT u.station, dates.t AS _asof, {zero}, sales_since::DOUBLE AS sales_since, invoices_since::DOUBLE AS invoices_since, mean_365, trend_365, max_365::DOUBLE AS max_365,
          coalesce(pumps_365, 0)::DOUBLE AS pumps_365, coalesce(sales_sum_90, 0) / nullif(coalesce(invoices_sum_90, 0), 0) AS ratio_90,
          coalesce(sales_sum_365, 0) / nullif(coalesce(invoices_sum_365, 0), 0) AS ratio_365, (coalesce(invoices_count_90, 0) = 0)::DOUBLE AS no_invoice_90
        FROM read_parquet('{paths["stations"]}') u CROSS JOIN dates LEFT JOIN s ON s.station = u.station AND s.t = dates.t
        LEFT JOIN i ON i.station = u.station AND i.t = dates.t ORDER BY _asof, u.station""").to_arrow_table()


def by_pandas(paths: dict[str, Path], threads: int) -> Any:
    """The same by merge and groupby."""
    import pandas as pd

    stations = pd.read_parquet(paths["stations"], columns=["station"])
    made = []
    for asof in (np.datetime64(d) for d in DATES):
        frame = stations.set_index("station")
        for name in ("sales", "invoices"):
            rows = pd.read_parquet(paths[name], columns=["station", "amount", "happened_on", "known_on", *(["pump"] if name == "sales" else [])])
            happened = rows["happened_on"].to_numpy().astype("datetime64[D]")
            rows["age"] = (asof - happened).astype(int)
            rows = rows[(rows["age"] > 0) & (rows["known_on"].to_numpy().astype("datetime64[D]") < asof)]
            for window in (30, 90, 365):
                group = rows[rows["age"] <= window].groupby("station")
                frame[f"{name}_count_{window}"] = group.size()
                frame[f"{name}_sum_{window}"] = group["amount"].sum()
            frame[f"{name}_since"] = rows.groupby("station")["age"].min()
            if name == "sales":
                year = rows[rows["age"] <= 365].assign(xy=lambda r: r["age"] * r["amount"], xx=lambda r: r["age"] ** 2)
                group = year.groupby("station")
                sums = group[["age", "amount", "xy", "xx"]].sum()
                n = group.size()
                spread = n * sums["xx"] - sums["age"] ** 2
                frame["mean_365"] = group["amount"].mean()
                frame["trend_365"] = -(n * sums["xy"] - sums["age"] * sums["amount"]) / spread.where(spread != 0)
                frame["max_365"] = group["amount"].max()
                frame["pumps_365"] = group["pump"].nunique()
        zero = [c for c in frame if "count" in c or "sum" in c or c == "pumps_365"]
        frame[zero] = frame[zero].fillna(0)
        for window in (90, 365):
            below = frame[f"invoices_sum_{window}"]
            frame[f"ratio_{window}"] = frame[f"sales_sum_{window}"] / below.where(below != 0)
        frame["no_invoice_90"] = (frame["invoices_count_90"] == 0).astype(float)
        made.append(frame.sort_index().assign(_asof=asof))
    return pd.concat(made)


def measure(events: int = 1_000_000, times: int = 5, threads: int = 2) -> None:
    """Print ratios of medians, after the three results were found equal."""
    runs: dict[str, Callable[[dict[str, Path], int], Any]] = {"compiled": compiled, "by hand": by_hand, "pandas": by_pandas}
    with tempfile.TemporaryDirectory() as place:
        paths = make_files(Path(place), events)
        found: dict[str, list[Spent]] = {n: [] for n in runs}
        results = {}
        for _ in range(times + 1):
            for name, run in runs.items():
                with spent() as taken:
                    results[name] = run(paths, threads)
                found[name].append(taken)
        _equal(results)
    wall = {n: median(s.wall for s in spents[1:]) for n, spents in found.items()}
    cpu = {n: median(s.cpu for s in spents[1:]) for n, spents in found.items()}
    what = f"21 features, {events:,} events, {len(DATES) * STATIONS:,} dates"
    show(f"{what}: CPU", cpu["compiled"] / cpu["by hand"], "ratio", f"hand-written DuckDB SQL, {cpu['by hand']:.2f} CPU s", limit=1.1)
    show(f"{what}: wall", wall["compiled"] / wall["by hand"], "ratio", f"hand-written DuckDB SQL, {wall['by hand']:.2f} s", limit=1.1)
    show(f"{what}: times faster", wall["pandas"] / wall["compiled"], "ratio", f"pandas, {wall['pandas']:.2f} s", limit=2.0, at_least=True)


def _equal(results: dict[str, Any]) -> None:
    frames = {n: r if n == "pandas" else r.to_pandas().set_index("station") for n, r in results.items()}
    for name in values():
        given = frames["compiled"][name].to_numpy(dtype=float)
        for other in ("by hand", "pandas"):
            np.testing.assert_allclose(given, frames[other][name].to_numpy(dtype=float), rtol=1e-9, atol=1e-9, err_msg=f"{other}: {name}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--events", type=int, default=1_000_000)
    parser.add_argument("--times", type=int, default=5)
    given = parser.parse_args()
    measure(given.events, given.times)
