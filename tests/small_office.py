"""A small office for tests of the machinery: one workspace made by `jcml init` and `jcml model new`, one register, two kinds of events, findings.

The data are synthetic and carry a plain signal: places that buy more than they declare are found out more often.
"""

from __future__ import annotations

import csv
import random
from datetime import date, timedelta
from pathlib import Path

from jcml.workspace.scaffold import init, new
from jcml.workspace.workspace import Workspace

OFFICE = """name = "示例办案单位"
synthetic = true
threads = 1
memory = "1GB"

[tables.places]
files = "data/places.csv"
[tables.deliveries]
files = "data/deliveries.csv"
[tables.returns]
files = "data/returns.csv"
[tables.findings]
files = "data/findings.csv"
"""
LAST = date(2025, 1, 1)


def make_small_office(folder: Path, *, places: int = 120, seed: int = 1) -> Path:
    """Write workspace and office into a folder; the supervision model is called `example`."""
    init(folder)
    (folder / "office.toml").write_text(OFFICE, encoding="utf-8")
    for path in [*folder.glob("features/[!_]*.py"), *folder.glob("training/[!_]*.yaml"), *folder.glob("serving/[!_]*.yaml")]:
        path.unlink()
    for path in folder.glob("features/tables/*.py"):
        if path.name != "example.py":
            path.unlink()
    new(Workspace(folder), "example")
    training = folder / "training" / "example.yaml"
    training.write_text(
        training.read_text(encoding="utf-8").replace("2021-01-01", "2022-04-01")
        .replace("at_least: 0.0", "at_least: -0.5")
        + "\nestimator: {rounds: 30, seeds: [1], search: {trials: 0, minutes: 1}}\nleast_confirmed: 10\n",
        encoding="utf-8",
    )
    serving = folder / "serving" / "example.yaml"
    serving.write_text(serving.read_text(encoding="utf-8").replace("capacity: 40", "capacity: 10"), encoding="utf-8")



    _write_data(folder / "data", places, random.Random(seed))
    return folder




def _write_data(folder: Path, places: int, rng: random.Random) -> None:
    folder.mkdir()
    names = [f"P-{i:04}" for i in range(places)]
    bad = {n: rng.random() < 0.3 for n in names}
    quarters = [date(2021, 1, 1) + timedelta(days=91 * q) for q in range(16)]
    tables: dict[str, list[dict[str, object]]] = {"places": [], "deliveries": [], "returns": [], "findings": []}
    for name in names:
        tables["places"].append({"场所编号": name, "名称": f"示例场所{name[-4:]}", "入库日期": "2021-01-01"})
        for q, start in enumerate(quarters):
            litres = rng.uniform(500, 3000)
            declared = litres * (rng.uniform(0.5, 0.95) if bad[name] else rng.uniform(0.9, 1.1))
            day = start + timedelta(days=rng.randrange(80))
            tables["deliveries"].append({
                "送货单号": f"D-{name}-{q}", "场所编号": name, "数量": f"{litres:.3f}", "送货日期": day, "入库日期": day + timedelta(days=rng.randrange(20)),
            })
            tables["returns"].append({
                "申报编号": f"R-{name}-{q}", "场所编号": name, "申报数量": f"{declared:.3f}", "申报日期": day + timedelta(days=10),
                "入库日期": day + timedelta(days=10 + rng.randrange(20)),
            })
            if rng.random() < 0.35:
                found = day + timedelta(days=rng.randrange(10, 60))
                confirmed = rng.random() < (0.8 if bad[name] else 0.1)
                tables["findings"].append({
                    "核查编号": f"F-{name}-{q}", "场所编号": name, "结果": "查实" if confirmed else "未查实", "核查日期": found,
                    "入库日期": found + timedelta(days=rng.randrange(30)),
                })
    for table, rows in tables.items():
        with (folder / f"{table}.csv").open("w", encoding="utf-8", newline="") as stream:
            writer = csv.DictWriter(stream, list(rows[0]))
            writer.writeheader()
            writer.writerows(rows)
