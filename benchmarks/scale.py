"""How cost grows: engine x events x sparse or dense x as-of dates x plan; every cell in a fresh process, all results of a question compared.

    python -m benchmarks.scale [--data FOLDER] [--results FILE]
    python -m benchmarks.scale --engine duckdb spark --events 1000000 --stations 20000 --dates 1 10 --plan range buckets automatic

Sparse is 20,000 stations, dense is 200. CORE is 19 features of two sources (counts and sums over 30, 90 and 365 days, mean, trend, recency, ratios,
absence), FULL is CORE with a maximum and a distinct count. A figure is the CPU seconds of all processes, from the question to the matrix on disk; the
start of the process, of Spark and of its executors is stated beside it and counted neither for nor against. Spark's code generation and its slow
first seconds are counted. Events per second are input rows per second of wall time. A cell of more than ten minutes is named and not measured.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, suppress
from dataclasses import asdict, dataclass, replace
from itertools import groupby, product
from pathlib import Path
from statistics import median_low
from typing import Any

from benchmarks.figures import show
from benchmarks.process_tree import used
from benchmarks.scale_data import SHARES, Data, calendar, question

ROOT = Path(__file__).resolve().parents[1]
MINUTES = 10
REPEAT_BELOW = 10.0
"""CPU seconds under which a cell runs three times, and its median counts."""
STANDARD = "4GB"
PLANS = {"range": "range join", "buckets": "daily buckets", "": "automatic"}
LAYOUTS = {20_000: "sparse", 200: "dense"}
EXACT = ("count", "sum", "max", "pumps", "since", "no_invoice")


@dataclass(frozen=True)
class Cell:
    """One measurement; `memory` is DuckDB's limit, the driver's where Spark is local, and each executor's on the cluster.

    >>> Cell("duckdb", 1_000_000, 200, 10).title
    'duckdb, 1,000,000 events, dense, 10 dates per station, core, automatic'
    """

    engine: str
    events: int
    stations: int
    dates: int
    features: str = "core"
    plan: str = ""
    memory: str = STANDARD
    skew: float = 0.0

    @property
    def asked(self) -> str:
        """What is asked, whoever answers."""
        skew = f" with {self.skew:.0%} in one station" if self.skew else ""
        return f"{self.events:,} events, {LAYOUTS.get(self.stations, f'{self.stations:,} stations')}{skew}, {self.dates} dates per station, {self.features}"

    @property
    def title(self) -> str:
        memory = "" if self.memory == STANDARD else f", {self.memory} of memory"
        return f"{self.engine}, {self.asked}, {PLANS[self.plan]}{memory}"

    def no_more_than(self, other: Cell) -> bool:
        """True when the other cell asks the same way for at least as much."""
        same = replace(self, events=other.events, dates=other.dates) == other
        return same and self.events <= other.events and self.dates <= other.dates


@dataclass(frozen=True)
class Run:
    """What a cell took."""

    wall: float
    cpu: float
    peak: float
    rows: int
    start_wall: float
    start_cpu: float
    shapes: str


# -- in the fresh process ------------------------------------------------------------------------------------------


def run(cell: Cell, data: Path, target: Path, master: str, daemons: list[int]) -> Run:
    """Measure one cell in this process."""
    from jcml.engines.duckdb import DuckDBEngine

    sources = Data(cell.events, cell.stations, cell.skew).sources(data)
    asked, when = question(cell.features), calendar(cell.dates)
    with used(*daemons) as start:
        if cell.engine == "duckdb":
            engine: Any = DuckDBEngine(sources, memory=cell.memory, scratch=target.parent)
        else:
            engine = _spark(cell, sources, master, target.parent)
    engine.shape = cell.plan
    with engine:
        with used(*daemons) as taken:
            rows = engine.matrix_to(asked, when, target)
        shapes = ", ".join(c.shape for c in engine.plan(asked, when).choices)
    if cell.engine != "duckdb":
        from jcml.engines.spark import disconnect

        disconnect()
    return Run(taken.wall, taken.cpu, taken.peak, rows, start.wall, start.cpu, shapes)


def _spark(cell: Cell, sources: Any, master: str, scratch: Path) -> Any:
    """An engine whose executors are there: Spark would begin with the first of them."""
    from jcml.engines.spark import SparkEngine

    settings = {"spark.local.dir": str(scratch)}
    if cell.engine == "cluster":
        memory = cell.memory.replace("GB", "g").replace("MB", "m")
        settings |= {"spark.executor.memory": memory, "spark.cores.max": "2", "spark.scheduler.minRegisteredResourcesRatio": "1.0"}
    driver = cell.memory if cell.engine == "spark" else "2GB" if cell.memory == STANDARD else "1GB"
    engine = SparkEngine(sources, master=master, memory=driver, settings=settings, log=scratch / "spark.log")
    engine.query("SELECT sum(id) FROM range(100)")
    return engine


# -- in the measuring process --------------------------------------------------------------------------------------


class Grid:
    """Runs cells one after the other, compares the results of the same question, and prints figures."""

    def __init__(self, data: Path, results: Path | None, times: int) -> None:
        self.data = data
        self.results = results
        self.times = times
        self.context = ExitStack()
        self.master, self.daemons = "", list[int]()
        self.long: list[Cell] = []
        self.made: set[Data] = set()

    def measure(self, cells: Iterable[Cell]) -> dict[Cell, Run]:
        """Every cell; those that ask the same are neighbours."""
        found: dict[Cell, Run] = {}
        with self.context:
            for _, same in groupby(cells, lambda c: c.asked):
                found |= self._question(list(same))
        return found

    def _question(self, cells: list[Cell]) -> dict[Cell, Run]:
        data = Data(cells[0].events, cells[0].stations, cells[0].skew)
        if data not in self.made:
            data.make(self.data)
            self.made.add(data)
        found: dict[Cell, Run] = {}
        with tempfile.TemporaryDirectory(prefix="scale-", dir=self.data) as place:
            first = None
            for i, cell in enumerate(cells):
                target = Path(place) / f"matrix-{i}.parquet"
                taken = self._times(cell, target)
                if taken is None:
                    print(f"not measured, more than {MINUTES} minutes: {cell.title}", file=sys.stderr)
                    continue
                equal(first or target, target, cell)
                first = first or target
                found[cell] = taken
        for cell, taken in found.items():
            self._show(cell, taken)
            if cell.memory != STANDARD:
                files = sum(f.stat().st_size for f in data.files(self.data).values()) / 2**20
                given = megabytes(cell.memory) * (2 if cell.engine == "cluster" else 1)
                show(f"{cell.title}: files against the memory limit", files / given, "ratio", f"{files:,.0f} MB of files, {given:,} MB of limit", limit=4 if cell.events > 1_000_000 else None, at_least=True)
        limits(found)
        return found

    def _times(self, cell: Cell, target: Path) -> Run | None:
        """The run with the median CPU time of several, if one is short; nothing if one was, or would be, too long."""
        if any(done.no_more_than(cell) for done in self.long):
            return None
        runs = []
        for i in range(self.times):
            taken = self._fresh(cell, target)
            if taken is None:
                self.long.append(cell)
                return None
            runs.append(taken)
            if i == 0 and taken.cpu >= REPEAT_BELOW:
                break
        middle = median_low([r.cpu for r in runs])
        return next(r for r in runs if r.cpu == middle)

    def _fresh(self, cell: Cell, target: Path) -> Run | None:
        """One run in a process of its own."""
        master, daemons = {"duckdb": "", "spark": "local[2]"}.get(cell.engine, ""), list[int]()
        if cell.engine == "cluster":
            master, daemons = self._cluster()
        given = json.dumps({"cell": asdict(cell), "data": str(self.data), "target": str(target), "master": master, "daemons": daemons})
        log = target.parent / "log"
        with log.open("wb") as said:
            process = subprocess.Popen(
                [sys.executable, "-m", "benchmarks.scale", "--run", given], stdout=subprocess.PIPE, stderr=said, cwd=ROOT, start_new_session=True,
            )
            try:
                line, _ = process.communicate(timeout=60 * MINUTES + 60)
            except subprocess.TimeoutExpired:
                return None
            finally:
                with suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)
                process.wait()
        if process.returncode:
            raise RuntimeError(f"{cell.title}:\n{log.read_text(encoding='utf-8', errors='replace')[-3000:]}")
        taken = Run(**json.loads(line))
        print(f"{cell.title}: {taken.cpu:.2f} CPU s", file=sys.stderr)
        if self.results:
            with self.results.open("a") as file:
                file.write(json.dumps(asdict(cell) | asdict(taken)) + "\n")
        return taken if taken.wall <= 60 * MINUTES else None

    def _cluster(self) -> tuple[str, list[int]]:
        if not self.master:
            sys.path.insert(0, str(ROOT / "tests"))
            from cluster import cluster

            found = self.context.enter_context(cluster(workers=2, cores=1, memory="5g"))
            self.master, self.daemons = found.master, found.pids
        return self.master, self.daemons

    def _show(self, cell: Cell, taken: Run) -> None:
        rate = sum(int(cell.events * s) for s in SHARES.values()) / taken.wall
        beside = f"wall {taken.wall:.2f} s, {rate:,.0f} events/s, peak {taken.peak:,.0f} MB, {taken.rows:,} rows made; passes: {taken.shapes}"
        if cell.engine != "duckdb":
            beside += f"; start of Spark, not counted: {taken.start_wall:.1f} s, {taken.start_cpu:.1f} CPU s"
        show(cell.title, round(taken.cpu, 2), "CPU s", beside)


def megabytes(memory: str) -> int:
    """A memory limit as a number.

    >>> megabytes("2GB")
    2048
    """
    return int(memory[:-2]) * {"MB": 1, "GB": 1024}[memory[-2:]]


def equal(one: Path, other: Path, cell: Cell) -> None:
    """Whole numbers exactly, others to 1e-9; every row on both sides."""
    from jcml.engines.duckdb import connect
    from jcml.engines.engine import files_of

    if one == other:
        return
    given, found = (f"read_parquet({[str(f) for f in files_of(path)]})" for path in (one, other))
    names = question(cell.features).names
    differs = [
        f"count(*) FILTER (WHERE a.{n} IS DISTINCT FROM b.{n}"
        + ("" if any(w in n for w in EXACT) else f" AND NOT coalesce(abs(a.{n} - b.{n}) <= 1e-9 * greatest(abs(a.{n}), abs(b.{n}), 1), FALSE)") + ")"
        for n in names
    ]
    sql = f"""SELECT count(*) FILTER (WHERE a.station IS NULL OR b.station IS NULL), {', '.join(differs)}
        FROM {given} AS a FULL JOIN {found} AS b ON a.station = b.station AND a._asof = b._asof"""
    ((rows, *wrong),) = connect(memory="4GB", scratch=other.parent).execute(sql).fetchall()
    if rows or any(wrong):
        raise RuntimeError(f"{cell.title} is not equal to the first answer: {rows} rows, {({n: w for n, w in zip(names, wrong, strict=True) if w})}")


def limits(found: dict[Cell, Run]) -> None:
    """What issue 4 asks of a question's cells."""
    for engine, same in groupby(sorted(found, key=lambda c: c.engine), lambda c: c.engine):
        by_plan = {c.plan: found[c] for c in same if c.memory == STANDARD}
        cell = next(c for c in found if c.engine == engine)
        forced = {PLANS[p]: r.cpu for p, r in by_plan.items() if p}
        if "" in by_plan and len(forced) == 2:
            told = ", ".join(f"{p} {cpu:.2f} CPU s" for p, cpu in forced.items())
            show(f"{engine}, {cell.asked}: automatic choice against the better plan", by_plan[""].cpu / min(forced.values()), "ratio", told, limit=1.3)
        if len(forced) == 2 and engine == "duckdb" and (cell.events, cell.stations, cell.dates) == (10_000_000, 200, 500):
            ratio = by_plan["range"].cpu / by_plan["buckets"].cpu
            show(f"{engine}, {cell.asked}: times cheaper by daily buckets", ratio, "ratio", "range join, CPU", limit=10, at_least=True)
    whole = {c.engine: r.cpu for c, r in found.items() if (c.features, c.events, c.plan, c.memory) == ("full", 10_000_000, "", STANDARD)}
    for engine in ("spark", "cluster"):
        if engine in whole and "duckdb" in whole:
            cell = next(c for c in found if c.features == "full")
            show(f"{engine}, {cell.asked}: CPU", whole[engine] / whole["duckdb"], "ratio", f"DuckDB, {whole['duckdb']:.1f} CPU s", limit=8)


def grid() -> Iterator[Cell]:
    """What `python -m benchmarks scale` measures; the shortest questions come first."""
    for events, stations, dates in product((1_000_000, 10_000_000, 100_000_000), LAYOUTS, (1, 10, 100)):
        for engine in ("duckdb", *(("spark", "cluster") if events < 100_000_000 else ())):
            for plan in PLANS:
                yield Cell(engine, events, stations, dates, plan=plan)
    for plan in PLANS:
        yield Cell("duckdb", 10_000_000, 200, 500, plan=plan)
    for skew in (0.0, 0.3):
        for engine in ("duckdb", "spark", "cluster"):
            yield Cell(engine, 10_000_000, 20_000, 5, "full", skew=skew)
    yield Cell("duckdb", 10_000_000, 20_000, 1, "full", memory="100MB")
    for engine, memory in (("duckdb", STANDARD), ("duckdb", "500MB"), ("cluster", "500MB")):
        yield Cell(engine, 100_000_000, 20_000, 1, "full", memory=memory)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--run", help=argparse.SUPPRESS)
    parser.add_argument("--data", type=Path, help="where generated files stay for the next run; otherwise they are removed")
    parser.add_argument("--results", type=Path, help="a file to which every run is added as JSON")
    parser.add_argument("--times", type=int, default=3, help="how often a short cell runs")
    parser.add_argument("--engine", nargs="+", choices=["duckdb", "spark", "cluster"])
    parser.add_argument("--events", nargs="+", type=int, default=[1_000_000])
    parser.add_argument("--stations", nargs="+", type=int, default=[20_000])
    parser.add_argument("--dates", nargs="+", type=int, default=[1])
    parser.add_argument("--features", nargs="+", choices=["core", "full"], default=["core"])
    parser.add_argument("--plan", nargs="+", choices=["range", "buckets", "automatic"], default=["automatic"])
    parser.add_argument("--memory", default=STANDARD)
    parser.add_argument("--skew", type=float, default=0.0)
    given = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # so that a cluster ends with us
    if given.run:
        asked = json.loads(given.run)
        print(json.dumps(asdict(run(Cell(**asked["cell"]), Path(asked["data"]), Path(asked["target"]), asked["master"], asked["daemons"]))))
        return
    if given.engine:
        plans = ["" if p == "automatic" else p for p in given.plan]
        chosen = product(given.events, given.stations, given.dates, given.features, given.engine, plans)
        cells = [Cell(g, e, s, d, f, p, given.memory, given.skew) for e, s, d, f, g, p in chosen]
    else:
        cells = list(grid())
    with tempfile.TemporaryDirectory(prefix="scale-") as place:
        data = given.data or Path(place)
        (data / "spill").mkdir(parents=True, exist_ok=True)
        Grid(data.absolute(), given.results, given.times).measure(cells)


if __name__ == "__main__":
    main()
