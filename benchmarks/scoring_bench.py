"""Scoring plus explaining the top 1 % against plain LightGBM, and ten million rows in bounded memory.

    python -m benchmarks.scoring_bench [--rows 10000000]

60 features, 200 trees, 31 leaves. The scored, selected and explained rows go through the code that `jcml score` runs.
"""

from __future__ import annotations

import argparse
import resource
import subprocess
import sys
import tempfile
from pathlib import Path
from statistics import median

import numpy as np
from numpy.typing import NDArray

from benchmarks.figures import show, spent
from jcml.engines.duckdb import DuckDBEngine, connect
from jcml.estimators.lightgbm import Fitted, fit
from jcml.metrics.calibration import Calibration
from jcml.registry.trained_model import TrainedModel
from jcml.serving.on_rows import Choosing
from jcml.serving.score import score_file

FEATURES = tuple(f"f{i}" for i in range(60))


def train(rows: int = 100_000) -> Fitted:
    """A model of the stated size."""
    rng = np.random.default_rng(1)
    values = _values(rows, rng)
    labels = (values[:, :12].sum(axis=1) + rng.normal(0, 3, rows) > np.quantile(values[:, :12].sum(axis=1), 0.9)).astype(float)
    return fit(values, labels, FEATURES, rounds=200, seed=1, settings={"num_leaves": 31})


def _values(rows: int, rng: np.random.Generator) -> NDArray[np.float64]:
    values = rng.normal(size=(rows, len(FEATURES)))
    values[rng.random(values.shape) < 0.05] = np.nan
    return values


def explain_ratio(fitted: Fitted, rows: int = 100_000, times: int = 5) -> None:
    """Margins of all, contributions of the top 1 %, checked to add up; against `Booster.predict` on the same rows."""
    values = _values(rows, np.random.default_rng(2))
    plain, whole = [], []
    for _ in range(times):
        with spent() as taken:
            fitted.booster.predict(values)
        plain.append(taken)
        with spent() as taken:
            margins = fitted.margins(values)
            top = np.argpartition(-margins, rows // 100)[: rows // 100]
            contributions = fitted.contributions(values[top])
            assert np.abs(contributions.sum(axis=1) - margins[top]).max() < 1e-9
        whole.append(taken)
    what = f"score {rows:,} rows and explain 1 % (60 features, 200 trees, 31 leaves)"
    for kind in ("wall", "cpu"):
        ratio = median(getattr(t, kind) for t in whole) / median(getattr(t, kind) for t in plain)
        show(f"{what}: {kind}", ratio, "ratio", "Booster.predict", limit=1.9)


def stream(rows: int) -> None:
    """Score and select from a Parquet file in another process, and read its peak memory."""
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        (folder / "model.txt").write_text(train(20_000).text)
        peaks = []
        for count in (rows // 10, rows):
            columns = ", ".join(f"CAST(floor(random() * 200) AS DOUBLE) / 50 - 2 AS {f}" for f in FEATURES)
            connect(memory="500MB").execute(
                f"COPY (SELECT 'unit-' || i AS unit, DATE '2025-01-01' AS _asof, {columns} FROM range({count}) AS r(i))"
                f" TO '{folder}/matrix.parquet' (FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE 65536)"
            )
            with spent() as taken:
                done = subprocess.run([sys.executable, "-m", "benchmarks.scoring_bench", "--child", str(folder)], check=True, capture_output=True, text=True)
            peaks.append(int(done.stdout))
            show(f"{count:,} rows scored and selected: time", taken.wall, "s", "nothing")
    show(f"{rows:,} rows scored and selected: peak memory", peaks[1] / 1024, "MB", f"{peaks[0] / 1024:.0f} MB for a tenth of the rows", limit=600.0)


def _child(folder: Path) -> None:
    fitted = Fitted((folder / "model.txt").read_text(), FEATURES)
    trained = TrainedModel("example", fitted, Calibration("none"), "", 100, "1 month", "2025-01-01", "", 0, 0)
    how = Choosing(("unit",), 900, 100, "s", {})
    with DuckDBEngine({}) as engine:
        score_file(engine, folder / "matrix.parquet", folder / "scores.parquet", trained, ("unit",))
        how.chosen(engine.gathered(folder / "scores.parquet", how, how.schema))
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)


def measure(rows: int = 10_000_000) -> None:
    """Print all figures of this module."""
    explain_ratio(train())
    stream(rows)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--rows", type=int, default=10_000_000)
    parser.add_argument("--child", type=Path)
    given = parser.parse_args()
    if given.child:
        _child(given.child)
    else:
        measure(given.rows)
