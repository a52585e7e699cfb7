"""Ten million rows scored, selected and logged on one machine and on Spark: the same list, the same scores; how much more it costs.

    python -m benchmarks.scoring_on_spark [--rows 10000000] [--master local[2]]

The model of `scoring_bench` (60 features, 200 trees, 31 leaves), and the objects that `jcml score` sends to the rows. Each engine runs in a
process of its own, which reads the same Parquet file; Spark's session is there before the clock starts.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import subprocess
import sys
import tempfile
from pathlib import Path

from benchmarks.figures import show
from benchmarks.process_tree import used as counted
from benchmarks.scoring_bench import FEATURES, train
from jcml.engines.duckdb import DuckDBEngine, connect
from jcml.engines.spark import SparkEngine, disconnect
from jcml.engines.sql import SqlEngine
from jcml.estimators.lightgbm import Fitted
from jcml.metrics.calibration import Calibration
from jcml.registry.trained_model import TrainedModel
from jcml.serving.on_rows import Choosing, SelectionLog
from jcml.serving.score import score_file


def score(folder: Path, master: str) -> dict[str, object]:
    """Score, select and log in this process or on a cluster; digests of the list and of all scores, and what it cost."""
    trained = TrainedModel("example", Fitted((folder / "model.txt").read_text(), FEATURES), Calibration("none"), "", 1000, "1m", "2025-01-01", "", 0, 0)
    engine: SqlEngine = SparkEngine({}, master=master, memory="2GB", log=folder / "spark.log") if master else DuckDBEngine({}, memory="2GB")
    how = Choosing(("unit",), 900, 100, "seed", {})
    out = folder / (engine.name + "-")
    with engine, counted() as used:
        scores = out.with_name(out.name + "scores")
        score_file(engine, folder / "matrix.parquet", scores, trained, ("unit",))
        selection = how.chosen(engine.gathered(scores, how, how.schema))
        log = SelectionLog(("unit",), selection)
        engine.through(scores, out.with_name(out.name + "log"), log, log.schema)
    disconnect()
    listed = json.dumps([(s.scored.unit, s.scored.margin, s.by, s.chance) for s in selection.chosen]).encode()
    with DuckDBEngine({}) as reader:
        every = reader.query(
            "SELECT count(*) AS n, bit_xor(hash(unit, margin, probability, decision, chance)) AS digest"
            f" FROM {reader.parquet(out.with_name(out.name + 'log'))}"
        ).to_pylist()
    return {"list": hashlib.sha256(listed).hexdigest(), "all": str(every), "wall": used.wall, "cpu": used.cpu, "peak": used.peak}


def measure(rows: int, master: str) -> None:
    """Print the ratios, after the lists and all scores were found equal."""
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        (folder / "model.txt").write_text(train(20_000).text)
        columns = ", ".join(f"CAST(floor(random() * 200) AS DOUBLE) / 50 - 2 AS {f}" for f in FEATURES)
        connect(memory="500MB").execute(
            f"COPY (SELECT 'unit-' || i AS unit, DATE '2025-01-01' AS _asof, {columns} FROM range({rows}) AS r(i))"
            f" TO '{folder}/matrix.parquet' (FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE 65536)"
        )
        found = {}
        for name, address in (("one machine", ""), ("Spark", master)):
            command = [sys.executable, "-m", "benchmarks.scoring_on_spark", "--child", str(folder), "--master", address]
            found[name] = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()[-1])
        here, there = found["one machine"], found["Spark"]
        assert (here["list"], here["all"]) == (there["list"], there["all"]), "lists or scores differ"
        what = f"{rows:,} rows scored, selected and logged on Spark ({master}), equal lists"
        for kind in ("wall", "cpu"):
            show(f"{what}: {kind}", there[kind] / here[kind], "ratio", f"one machine, {here[kind]:.1f} s; Spark {there[kind]:.1f} s")
        show(f"{what}: peak memory of the process tree", there["peak"], "MB", f"one machine, {here['peak']:.0f} MB")


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--rows", type=int, default=10_000_000)
    parser.add_argument("--master", default="local[2]")
    parser.add_argument("--child", type=Path)
    given = parser.parse_args()
    if given.child:
        print(json.dumps(score(given.child, given.master)))
    else:
        measure(given.rows, given.master)
